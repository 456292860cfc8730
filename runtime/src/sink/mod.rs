//! Where the bytes of a line go: straight to their place, or over a queue to a thread that writes them.
//! A write that fails is counted and never reaches the caller.

mod background;
mod destination;
mod file;
mod place;
pub(crate) mod stats;
mod stream;
mod writer;
mod writing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::format::record::Severity;
pub(crate) use background::LAST_LINES;
pub use background::Overload;
pub(crate) use background::Report;
use background::{Pushed, Queue};
pub(crate) use destination::Destination;
#[cfg(feature = "testing")]
pub use file::on_rotation;
pub(crate) use file::{LogFile, Rotation, backup};
use place::Lines;
pub(crate) use place::Loss;
use stats::{Counted, Kind, Reason};
pub(crate) use stream::Stream;
pub(crate) use writer::Writer;
use writing::Writing;

/// One destination of lines.
#[derive(Debug)]
pub(crate) struct Sink {
    place: Arc<Destination>,
    counts: Arc<Counted>,
    queue: Option<Queue>,
}

/// A deadline that is as good as none, and that clocks can show.
const FOREVER: Duration = Duration::from_hours(365 * 24);

impl Sink {
    pub(crate) fn new(destination: Destination) -> Self {
        let kind = match destination {
            #[cfg(feature = "testing")]
            Destination::Nowhere => Kind::Writer,
            Destination::Stdout(_) => Kind::Stdout,
            Destination::Stderr(_) => Kind::Stderr,
            Destination::File(_) => Kind::File,
            Destination::Writer(_) => Kind::Writer,
        };
        Sink { place: Arc::new(destination), counts: Counted::new(kind), queue: None }
    }

    /// Has a thread of its own do the writing.
    pub(crate) fn in_background(
        self,
        capacity: usize,
        overload: Overload,
        report: Report,
    ) -> std::io::Result<Self> {
        let (place, counts) = (Arc::clone(&self.place), Arc::clone(&self.counts));
        let queue = Queue::start(capacity, overload, place, counts, report)?;
        Ok(Sink { queue: Some(queue), ..self })
    }

    /// The sink of audit events: a file of their own, or this sink's place. They never wait in its queue.
    pub(crate) fn for_audit(&self, file: Option<LogFile>) -> Self {
        let place = match file {
            Some(file) => Arc::new(Destination::File(file)),
            None => Arc::clone(&self.place),
        };
        Sink { place, counts: Counted::new(Kind::Audit), queue: None }
    }

    /// Whether the two write to the same place.
    pub(crate) fn shares_place_with(&self, other: &Sink) -> bool {
        Arc::ptr_eq(&self.place, &other.place)
    }

    /// Writes a line, its line feed included; one that does not get there is counted.
    #[inline]
    pub(crate) fn write(&self, severity: Severity, line: &str) {
        match &self.queue {
            None => {
                let _ = self.write_now(line);
            }
            Some(queue) => self.queue(queue, severity, line),
        }
    }

    fn queue(&self, queue: &Queue, severity: Severity, line: &str) {
        let Some(_writing) = Writing::begin() else { return self.counts.refused() };
        match queue.push(severity, line, &self.counts) {
            Pushed::Settled if severity == Severity::Critical => queue.see_off(),
            Pushed::Settled => {}
            Pushed::Closed => {
                let line = Lines { bytes: line.as_bytes(), count: 1, are_new: false };
                let _ = self.place.write(line, &self.counts);
            }
        }
    }

    /// Writes a line before it returns.
    ///
    /// A writer is someone's code, which may log or panic: what it says while it writes finds the sink
    /// taken, and is counted as well.
    pub(crate) fn write_now(&self, line: &str) -> Result<(), Loss> {
        let Some(_writing) = Writing::begin() else {
            self.counts.refused();
            return Err(Loss { reason: Reason::Reentrant, error: None });
        };
        let line = Lines { bytes: line.as_bytes(), count: 1, are_new: true };
        self.place.write(line, &self.counts)
    }

    /// Waits until the lines that came in before are written; returns how many are not, at the deadline.
    pub(crate) fn flush(&self, within: Duration) -> u64 {
        let now = Instant::now();
        let deadline = now.checked_add(within).unwrap_or(now + FOREVER);
        // Asked by the writer itself, it would wait for its own caller.
        let Some(_writing) = Writing::begin() else {
            return self.queue.as_ref().map_or(0, |queue| queue.flush(now));
        };
        let left = self.queue.as_ref().map_or(0, |queue| queue.flush(deadline));
        self.place.flush(deadline);
        // Of those the thread writes at the moment, some are written.
        left.min(self.counts.waiting())
    }

    /// Ends the queue where nothing is left in it; lines that still come are written directly.
    pub(crate) fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
    }
}
