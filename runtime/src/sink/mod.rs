//! Writes lines to their destination, directly or through the queue of a background thread, and counts every line.
//!
//! A failed write is counted and never reported to the code that logs; only an audit event returns it. Each line is
//! counted as accepted, and later either as written or as dropped (see [`stats`]).
//!
//! Locks: a destination has one, under which its lines are written and counted. A queue has another one, which is
//! never held during a write. Before both, the thread that writes a report takes the lock of the reports.

mod background;
mod descriptor;
mod destination;
mod ending;
mod file;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod reentrancy;
mod reports;
pub(crate) mod sites;
pub(crate) mod stats;
mod stream;
mod target;
mod writer;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::fork::ForkLocks;
use crate::base::{catch, helper, timer};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
pub(crate) use background::LAST_LINES;
pub use background::Overload;
use background::{CRITICAL_WAIT, Pushed, Queue};
pub(crate) use destination::Destination;
pub(crate) use ending::Ending;
#[cfg(feature = "testing")]
pub use file::on_rotation;
pub(crate) use file::{LogFile, Rotation, backup};
use reentrancy::WriteGuard;
pub(crate) use reentrancy::is_writing;
use reports::LossReporter;
pub(crate) use reports::Report;
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
    /// `None` for audit events, whose losses are returned.
    reporter: Option<Arc<LossReporter>>,
    queue: Option<Queue>,
}

impl Sink {
    /// A sink without a queue, or with one whose thread writes its lines. `report` renders the reports of lost lines.
    pub(crate) fn new(
        destination: Destination,
        queue: Option<(usize, Overload)>,
        report: Report,
    ) -> io::Result<Self> {
        let counters = Counters::new(destination.kind());
        let (destination, reporter) = (Arc::new(destination), Arc::new(LossReporter::new(report)));
        let start = |(capacity, overload)| {
            let (destination, counters) = (Arc::clone(&destination), Arc::clone(&counters));
            Queue::start(capacity, overload, destination, counters, Arc::clone(&reporter))
        };
        let queue = queue.map(start).transpose()?;
        Ok(Sink { destination, counters, reporter: Some(reporter), queue })
    }

    /// The sink of audit events: their own file, or the destination of this sink. They never go through a queue.
    pub(crate) fn for_audit(&self, file: Option<LogFile>) -> Self {
        let destination = match file {
            Some(file) => Arc::new(Destination::File(file)),
            None => Arc::clone(&self.destination),
        };
        let counters = Counters::new(SinkKind::Audit);
        Sink { destination, counters, reporter: None, queue: None }
    }

    /// Writes reports about other outputs to this one, through its queue if it has one.
    #[cfg(feature = "otlp")]
    pub(crate) fn report_writer(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let (destination, counters) = (Arc::clone(&self.destination), Arc::clone(&self.counters));
        let queue = self.queue.as_ref().map(Queue::shared).cloned();
        let site = SiteId::of_own("lines_dropped");
        move |line| {
            // If a user's writer ends the export, the line would wait for its own thread.
            let Some(_guard) = WriteGuard::enter() else { return counters.reject(site) };
            if queue.as_ref().is_some_and(|queue| queue.push_past_capacity(site, line, &counters)) {
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
        let (counters, reporter) = (Arc::clone(&self.counters), self.reporter.clone());
        // Runs after the destination has forgotten its partial line, which the child must not report as lost.
        locks.in_child(move || {
            counters.forget_waiting();
            if let Some(reporter) = reporter {
                reporter.leave_to_parent(&counters);
            }
        });
        Destination::hold(&self.destination, locks);
    }

    pub(crate) fn shares_destination_with(&self, other: &Sink) -> bool {
        Arc::ptr_eq(&self.destination, &other.destination)
    }

    /// Whether lines go through a queue.
    pub(crate) fn has_queue(&self) -> bool {
        self.queue.is_some()
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
                return self.write_here(site, line, false).is_ok();
            }
        }
        if let Some(deadline) = deadline {
            queue.flush(deadline);
        }
        true
    }

    /// Writes a line before it returns. The sink has no queue.
    #[inline(always)]
    pub(crate) fn write_now(&self, site: SiteId, line: &str) -> Result<(), Loss> {
        let Some(_guard) = WriteGuard::enter() else {
            self.counters.reject(site);
            return Err(Loss { reason: Reason::Reentrant, error: None });
        };
        debug_assert!(self.queue.is_none(), "with a queue, lines are counted under its lock");
        self.write_here(site, line, true)
    }

    #[inline(always)]
    fn write_here(&self, site: SiteId, line: &str, counts_as_accepted: bool) -> Result<(), Loss> {
        let result = write_line(&self.destination, site, line, counts_as_accepted, &self.counters);
        if result.is_ok() && self.counters.has_losses() {
            self.report_losses();
        }
        result
    }

    /// Reports lost lines, at most once a second, unless the thread of the queue does.
    #[cold]
    fn report_losses(&self) {
        let Some(reporter) = &self.reporter else { return };
        let Some(mut reports) = reporter.try_lock() else { return };
        if reports.can_follow_line(&self.counters) {
            let queue = self.queue.as_ref().map(|queue| &**queue.shared());
            reports.write(reporter, &self.destination, &self.counters, queue);
        }
    }

    /// Completes a partial line and reports lost lines, unless the thread of the queue does. Waits until `deadline` at
    /// most, because the output may stall.
    #[cold]
    fn settle_losses(&self, deadline: Instant) {
        let is_free = |reporter: &&Arc<LossReporter>| reporter.try_lock().is_some();
        let Some(reporter) = self.reporter.as_ref().filter(is_free) else { return };
        let (reporter, destination) = (Arc::clone(reporter), Arc::clone(&self.destination));
        let counters = Arc::clone(&self.counters);
        let queue = self.queue.as_ref().map(Queue::shared).cloned();
        // If no thread can be started, the next line does it.
        let _ = helper::run_until(deadline, move || {
            let _guard = WriteGuard::enter();
            let Some(mut reports) = reporter.try_lock() else { return };
            let _ = destination.write(Batch::EMPTY, &counters);
            // An output that has never accepted a line is not tried.
            if counters.has_losses() && counters.written() > 0 {
                reports.write(&reporter, &destination, &counters, queue.as_deref());
            }
        });
    }

    /// Counts a line that is suppressed.
    pub(crate) fn suppress(&self, site: SiteId) {
        self.counters.suppress(site);
    }

    /// Waits until the lines logged so far are written, `within` at most. Returns how many are not.
    pub(crate) fn flush(&self, within: Duration) -> u64 {
        let deadline = timer::after(within);
        let left = self.flush_queue(deadline);
        // A writer that flushes its own sink would wait for itself.
        let Some(_guard) = WriteGuard::enter() else { return left };
        if self.counters.has_open_losses() {
            self.settle_losses(deadline);
        }
        self.destination.flush(deadline);
        left
    }

    fn flush_queue(&self, deadline: Instant) -> u64 {
        let Some(queue) = &self.queue else { return 0 };
        // A writer that flushes its own sink would wait for itself.
        let deadline = if is_writing() { Instant::now() } else { deadline };
        // This includes the batch that is being written, of which some lines may be written already.
        queue.flush(deadline).min(self.counters.waiting())
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

    /// Closes the queue, so that later lines are written directly. Waits until its lines are written, `within` at most,
    /// and returns how many are not.
    pub(crate) fn close(&self, within: Duration) -> u64 {
        if let Some(queue) = &self.queue {
            queue.close();
        }
        self.flush_queue(timer::after(within))
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
