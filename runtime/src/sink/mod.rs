//! Writes lines to their destination, directly or through the queue of a background thread, and counts every line.
//!
//! A failed write is counted and never reported to the code that logs; only an audit event returns it. Each line is
//! counted as accepted, and later either as written or as dropped (see [`stats`]).
//!
//! Locks: a destination has one, under which its lines are written and counted. A queue has another one, which is
//! never held during a write.

mod background;
mod destination;
mod ending;
mod file;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod reentrancy;
pub(crate) mod sites;
pub(crate) mod stats;
mod stream;
mod target;
mod writer;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::fork::ForkLocks;
use crate::base::{catch, timer};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
pub use background::Overload;
use background::{CRITICAL_WAIT, Pushed, Queue};
pub(crate) use background::{LAST_LINES, Report};
pub(crate) use destination::Destination;
pub(crate) use ending::Ending;
#[cfg(feature = "testing")]
pub use file::on_rotation;
pub(crate) use file::{LogFile, Rotation, backup};
use reentrancy::WriteGuard;
pub(crate) use reentrancy::is_writing;
use stats::{Counters, Reason, SinkKind};
pub(crate) use stream::Stream;
pub(crate) use target::Loss;
use target::{Batch, BatchLine};
pub(crate) use writer::UserWriter;

/// A destination with its counters, and the queue in front of it if there is one.
#[derive(Debug)]
pub(crate) struct Sink {
    destination: Arc<Destination>,
    counters: Arc<Counters>,
    queue: Option<Queue>,
}

impl Sink {
    pub(crate) fn new(destination: Destination) -> Self {
        let counters = Counters::new(destination.kind());
        Sink { destination: Arc::new(destination), counters, queue: None }
    }

    /// Puts a queue in front of the destination and starts the thread that writes its lines.
    pub(crate) fn in_background(
        self,
        capacity: usize,
        overload: Overload,
        report: Report,
    ) -> io::Result<Self> {
        let (destination, counters) = (Arc::clone(&self.destination), Arc::clone(&self.counters));
        let queue = Queue::start(capacity, overload, destination, counters, report)?;
        Ok(Sink { queue: Some(queue), ..self })
    }

    /// The sink of audit events: their own file, or the destination of this sink. They never go through a queue.
    pub(crate) fn for_audit(&self, file: Option<LogFile>) -> Self {
        let destination = match file {
            Some(file) => Arc::new(Destination::File(file)),
            None => Arc::clone(&self.destination),
        };
        let counters = Counters::new(SinkKind::Audit);
        Sink { destination, counters, queue: None }
    }

    /// Writes reports about other outputs to this one, through its queue if it has one.
    #[cfg(feature = "otlp")]
    pub(crate) fn report_writer(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let (destination, counters) = (Arc::clone(&self.destination), Arc::clone(&self.counters));
        let queue = self.queue.as_ref().map(Queue::handle);
        let site = SiteId::of_own("lines_dropped");
        move |line| {
            // If a user's writer ends the export, the line would wait for its own thread.
            let Some(_guard) = WriteGuard::enter() else { return counters.reject(site) };
            if queue.as_ref().is_some_and(|queue| queue.push(site, line, &counters)) {
                return;
            }
            let _ = write_line(&destination, site, line, queue.is_none(), &counters);
        }
    }

    /// Takes the locks before a fork. The child writes directly, and the parent writes the lines in the queue.
    pub(crate) fn hold(&self, locks: &mut ForkLocks) {
        if let Some(queue) = &self.queue {
            queue.hold(locks);
        }
        Destination::hold(&self.destination, locks);
        let counters = Arc::clone(&self.counters);
        locks.in_child(move || counters.forget_waiting());
    }

    pub(crate) fn shares_destination_with(&self, other: &Sink) -> bool {
        Arc::ptr_eq(&self.destination, &other.destination)
    }

    /// Writes a line, its line feed included, or adds it to the queue. A line that can't be written is counted. Returns
    /// whether it was written or can be, as far as this is known.
    #[inline]
    pub(crate) fn write(&self, site: SiteId, severity: Severity, line: &str) -> bool {
        match &self.queue {
            None => self.write_now(site, line).is_ok(),
            Some(queue) => self.enqueue(queue, site, severity, line),
        }
    }

    fn enqueue(&self, queue: &Queue, site: SiteId, severity: Severity, line: &str) -> bool {
        let Some(_guard) = WriteGuard::enter() else {
            self.counters.reject(site);
            return false;
        };
        // The process may end right after the line.
        let deadline = (severity == Severity::Critical).then(last_deadline);
        match queue.push(site, severity, line, deadline, &self.counters) {
            Pushed::Queued => {}
            Pushed::Dropped => return false,
            Pushed::Closed => {
                return write_line(&self.destination, site, line, false, &self.counters).is_ok();
            }
        }
        if let Some(deadline) = deadline {
            queue.flush(deadline);
        }
        true
    }

    /// Writes a line before it returns, past the queue.
    #[inline(always)]
    pub(crate) fn write_now(&self, site: SiteId, line: &str) -> Result<(), Loss> {
        let Some(_guard) = WriteGuard::enter() else {
            self.counters.reject(site);
            return Err(Loss { reason: Reason::Reentrant, error: None });
        };
        // With a queue, lines are counted as accepted under its lock only.
        if let Some(queue) = &self.queue {
            queue.accept(&self.counters);
        }
        write_line(&self.destination, site, line, self.queue.is_none(), &self.counters)
    }

    /// Counts a line that is suppressed.
    pub(crate) fn suppress(&self, site: SiteId) {
        self.counters.suppress(site);
    }

    /// Waits until the lines logged so far are written, `within` at most. Returns how many are not.
    pub(crate) fn flush(&self, within: Duration) -> u64 {
        let deadline = timer::after(within);
        let flush_queue = |deadline| self.queue.as_ref().map_or(0, |queue| queue.flush(deadline));
        // A writer that flushes its own sink would wait for itself.
        let Some(_guard) = WriteGuard::enter() else { return flush_queue(Instant::now()) };
        let left = flush_queue(deadline);
        self.destination.flush(deadline);
        // `left` includes the batch that is being written, of which some lines may be written already.
        left.min(self.counters.waiting())
    }

    /// Waits briefly until the queue is empty. Without a queue, every line is written already.
    ///
    /// A panic inside a user's writer ends up here, too: its thread would wait for itself.
    pub(crate) fn wait_for_queue(&self) {
        if let Some(queue) = &self.queue
            && !is_writing()
        {
            queue.flush(last_deadline());
        }
    }

    /// Returns the number of lines that could not be written at once so far. It never falls.
    pub(crate) fn lost(&self) -> u64 {
        self.counters.lost()
    }

    /// Closes the queue if it is empty. Later lines are written directly.
    pub(crate) fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.close();
        }
    }
}

/// The time until which a call may wait for a line after which the process may end. All lines of one run of the panic
/// hook have the same.
#[cold]
fn last_deadline() -> Instant {
    catch::panic_hook_deadline(CRITICAL_WAIT).unwrap_or_else(|| Instant::now() + CRITICAL_WAIT)
}

#[inline(always)]
fn write_line(
    destination: &Destination,
    site: SiteId,
    line: &str,
    counts_as_accepted: bool,
    counters: &Arc<Counters>,
) -> Result<(), Loss> {
    let lines = [BatchLine::new(site, line)];
    destination.write(
        Batch { bytes: line.as_bytes(), lines: &lines, counts_as_accepted, reports: None },
        counters,
    )
}
