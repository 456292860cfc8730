//! A queue of lines, and the thread that writes them.
//!
//! The thread takes all lines of the queue at once, as one batch, and writes it without the queue's lock. To form
//! larger batches it waits up to [`GATHER`] after the first line, unless the queue is half full or a caller waits for
//! its lines.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use super::destination::Destination;
use super::ending::is_ending;
use super::reentrancy::WriteGuard;
use super::reports::{LossReporter, Reports};
use super::stats::{Counters, Reason};
use super::target::{Batch, BatchLine};
use crate::base::fork::ForkLocks;
use crate::base::{catch, lock, sync};
use crate::format::record::Severity;
use crate::format::sites::SiteId;

/// Policy for a full queue of [`Config::background`](crate::Config::background).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overload {
    /// Blocks the thread that logs until there is space.
    ///
    /// Lines are not lost, but if the output stalls, so does the service. Only CRITICAL lines and those of the panic
    /// hook wait no longer than 200 milliseconds: they may use twice the capacity, and are dropped and counted beyond
    /// it.
    Block,
    /// Drops and counts the line; a `lines_dropped` line reports the number.
    ///
    /// If the output stalls, lines are lost, but the service is not delayed. Lines at WARN and above may use twice the
    /// capacity, so that less important ones are dropped first.
    Drop,
}

/// How long dropping the [`Logging`](crate::Logging) guard or the layer waits for the last lines.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(5);

/// How long the thread waits for more lines before it writes the first one.
const GATHER: Duration = Duration::from_millis(2);

/// How long a CRITICAL line and the lines of the panic hook wait for space in the queue and to be written, because the
/// process may end right after them.
pub(crate) const CRITICAL_WAIT: Duration = Duration::from_millis(200);

/// The largest capacity of a batch buffer that is kept for reuse.
const KEPT_BYTES: usize = 1024 * 1024;
/// The maximum number of lines for which a batch buffer keeps its memory.
const KEPT_LINES: usize = 8 * 1024;

pub(super) struct Queue(Arc<Shared>);

/// The state that the queue and its thread share.
pub(super) struct Shared {
    capacity: u64,
    overload: Overload,
    state: Mutex<QueueState>,
    /// Wakes the thread: there is something to do.
    work: Condvar,
    /// Wakes callers that wait in [`Overload::Block`]: there is space.
    space: Condvar,
    /// Wakes callers of [`Queue::flush`]: a batch is written.
    settled: Condvar,
}

#[derive(Default)]
struct QueueState {
    queued: QueuedLines,
    /// All lines that ever entered the queue.
    pushed: u64,
    /// Those of them that the thread has written or dropped.
    settled: u64,
    /// How often a report was requested: by a loss, by a write that shows that reports can be written again, or by a
    /// flush.
    requested: u64,
    /// How many of these requests the thread has handled.
    handled: u64,
    /// Callers of [`Queue::flush`] that wait.
    flushing: u32,
    thread: WriterPhase,
    /// Whether lines are written directly once the queue is empty. The thread ends then.
    closed: bool,
}

#[derive(Default)]
struct QueuedLines {
    bytes: Vec<u8>,
    lines: Vec<BatchLine>,
}

impl QueuedLines {
    fn push(&mut self, site: SiteId, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.lines.push(BatchLine::new(site, line));
    }

    fn count(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Removes the lines, and frees the memory that is not kept for reuse.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.lines.clear();
        self.lines.shrink_to(KEPT_LINES);
    }
}

/// The result of adding a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// The queue is full. The line is counted.
    Dropped,
    /// The caller writes the line.
    Closed,
}

/// What the thread is doing.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum WriterPhase {
    #[default]
    Writing,
    /// Waiting for the first line.
    Sleeping,
    /// Waiting for more lines.
    Gathering,
    /// Ended by a closed queue, a panic or a fork.
    Ended,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("capacity", &self.0.capacity)
            .field("overload", &self.0.overload)
            .finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn start(
        capacity: usize,
        overload: Overload,
        destination: Arc<Destination>,
        counters: Arc<Counters>,
        reporter: Arc<LossReporter>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity: u64::try_from(capacity.max(1)).unwrap_or(u64::MAX),
            overload,
            state: Mutex::default(),
            work: Condvar::new(),
            space: Condvar::new(),
            settled: Condvar::new(),
        });
        let thread_shared = Arc::clone(&shared);
        thread::Builder::new()
            .name("candor-writer".to_owned())
            .spawn(move || thread_shared.run(&destination, &counters, &reporter))?;
        Ok(Queue(shared))
    }

    /// Adds a line, or drops and counts it. If the queue is closed and empty, the line is counted as accepted and not yet
    /// written.
    ///
    /// A line with a `deadline` waits for space until then at most.
    pub(super) fn push(
        &self,
        site: SiteId,
        severity: Severity,
        line: &str,
        deadline: Option<Instant>,
        counters: &Counters,
    ) -> Pushed {
        let Shared { capacity, work, .. } = &*self.0;
        let mut state = self.0.lock();
        counters.accept(1);
        if state.queued.count() >= *capacity {
            let has_space;
            (state, has_space) = self.0.wait_for_space(state, severity, deadline);
            if !has_space {
                counters.drop_line(Reason::Full, site);
                state.requested += 1;
                return Pushed::Dropped;
            }
        }
        if state.closed {
            state = self.0.wait_until_drained(state, deadline);
            if state.is_over() {
                return Pushed::Closed;
            }
            // The thread is still writing, perhaps to an output that stalls. It ends when the queue is empty.
        }
        state.queued.push(site, line);
        state.pushed += 1;
        match state.thread {
            WriterPhase::Sleeping => {
                state.thread = WriterPhase::Gathering;
                drop(state);
                work.notify_one();
            }
            WriterPhase::Gathering if state.queued.count() > capacity / 2 => {
                self.0.wake(&mut state);
            }
            _ => {}
        }
        Pushed::Queued
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Waits until all lines pushed so far are written or dropped, and the drops are reported. Returns how many lines
    /// are neither at the deadline.
    pub(super) fn flush(&self, deadline: Instant) -> u64 {
        let mut state = self.0.lock();
        // No other line may come that completes a partial line, or shows that reports can be written.
        state.requested += 1;
        let (target, requested) = (state.pushed, state.requested);
        state.flushing += 1;
        let left = loop {
            let left = target.saturating_sub(state.settled);
            let wait = deadline.saturating_duration_since(Instant::now());
            let is_settled = left == 0 && state.handled >= requested;
            if is_settled || state.thread == WriterPhase::Ended || wait.is_zero() {
                break left;
            }
            self.0.wake(&mut state);
            state = sync::wait_timeout(&self.0.settled, state, wait);
        };
        state.flushing -= 1;
        left
    }

    /// Takes the lock before a fork. In the child, the queue is empty and closed.
    pub(super) fn hold(&self, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(&self.0),
            |shared| Some(&shared.state),
            |_, state| {
                let Some(state) = state else { return };
                state.queued.clear();
                state.settled = state.pushed;
                state.handled = state.requested;
                state.thread = WriterPhase::Ended;
                state.closed = true;
            },
        );
    }

    /// Closes the queue. The thread writes the lines in it and ends.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        self.0.wake(&mut state);
        self.0.space.notify_all();
    }
}

impl Drop for Queue {
    /// The layer no longer exists, so nothing is pushed any more.
    fn drop(&mut self) {
        self.close();
        self.flush(Instant::now() + LAST_LINES);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        lock(&self.state)
    }

    /// Counts a line as accepted that is written past the queue.
    pub(super) fn accept(&self, counters: &Counters) {
        let _state = self.lock();
        counters.accept(1);
    }

    /// Adds a line, whether the queue is full or not. Returns false if the queue is closed; the line is then counted as
    /// accepted and not yet written.
    #[cfg(feature = "otlp")]
    pub(super) fn push_past_capacity(&self, site: SiteId, line: &str, counters: &Counters) -> bool {
        let mut state = self.lock();
        counters.accept(1);
        if state.is_over() {
            return false;
        }
        state.queued.push(site, line);
        state.pushed += 1;
        self.wake(&mut state);
        true
    }

    /// Waits for space in a full queue, if its policy is to wait. Returns whether the line needs no further space.
    ///
    /// Lines that may be the last ones of the process, those of the panic hook and those with a deadline, must neither
    /// be lost behind others nor wait for long. They may use twice the capacity.
    #[cold]
    fn wait_for_space<'a>(
        &'a self,
        mut state: MutexGuard<'a, QueueState>,
        severity: Severity,
        deadline: Option<Instant>,
    ) -> (MutexGuard<'a, QueueState>, bool) {
        let deadline = deadline.or_else(|| catch::panic_hook_deadline(CRITICAL_WAIT));
        let is_important = match self.overload {
            Overload::Block => deadline.is_some(),
            Overload::Drop => severity >= Severity::Warn,
        };
        let limit = if is_important { self.capacity.saturating_mul(2) } else { self.capacity };
        loop {
            if state.is_over() || state.queued.count() < limit || is_ending() {
                return (state, true);
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if self.overload == Overload::Drop || left.is_some_and(|left| left.is_zero()) {
                return (state, false);
            }
            self.wake(&mut state);
            state = match left {
                Some(left) => sync::wait_timeout(&self.space, state, left),
                None => sync::wait(&self.space, state),
            };
        }
    }

    /// Waits briefly until the thread has written the lines of a closed queue, which were logged before the caller's.
    #[cold]
    fn wait_until_drained<'a>(
        &'a self,
        mut state: MutexGuard<'a, QueueState>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, QueueState> {
        let until = deadline.unwrap_or_else(|| Instant::now() + CRITICAL_WAIT);
        while self.overload == Overload::Block && !state.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = sync::wait_timeout(&self.settled, state, left);
        }
        state
    }

    /// Wakes the thread, whether it sleeps or gathers.
    fn wake(&self, state: &mut QueueState) {
        if matches!(state.thread, WriterPhase::Sleeping | WriterPhase::Gathering) {
            state.thread = WriterPhase::Writing;
            self.work.notify_one();
        }
    }

    /// The thread: writes batches until the queue is closed and empty.
    fn run(&self, destination: &Destination, counters: &Arc<Counters>, reporter: &LossReporter) {
        // A user's writer that logs is called on this thread.
        let _guard = WriteGuard::enter();
        let _close = CloseOnExit(self);
        let mut reports = reporter.lock();
        let mut batch = QueuedLines::default();
        while self.next(&mut batch, &reports) {
            let count = batch.count();
            let QueuedLines { bytes, lines } = &batch;
            let lines = Batch { bytes, lines, counts_as_accepted: false, reports: None };
            // The counters have the result.
            let _ = destination.write(lines, counters);
            destination.flush_here();
            batch.clear();
            let mut state = self.lock();
            state.requested += u64::from(reports.can_be_written(counters));
            if state.is_report_requested() && (state.is_flushing() || reports.are_due()) {
                let requested = state.requested;
                if state.is_flushing() || reports.may_succeed(counters) {
                    drop(state);
                    reports.write(reporter, destination, counters, Some(self));
                    state = self.lock();
                }
                state.handled = requested;
            }
            state.settled += count;
            self.settled.notify_all();
        }
    }

    /// Waits for lines and swaps them into `batch`, which stays empty if only a report is due. Returns false if the
    /// queue is closed and empty.
    fn next(&self, batch: &mut QueuedLines, reports: &Reports) -> bool {
        let mut state = self.lock();
        while state.queued.lines.is_empty() && !(state.is_report_requested() && state.is_flushing())
        {
            if state.closed {
                return false;
            }
            state.thread = WriterPhase::Sleeping;
            state = if state.is_report_requested() {
                let wait = reports.wait();
                if wait.is_zero() {
                    break;
                }
                sync::wait_timeout(&self.work, state, wait)
            } else {
                sync::wait(&self.work, state)
            };
        }
        if state.queued.count() <= self.capacity / 2 && !state.is_flushing() {
            state.thread = WriterPhase::Gathering;
            let is_gathering = |state: &mut QueueState| state.thread == WriterPhase::Gathering;
            let waited = self.work.wait_timeout_while(state, GATHER, is_gathering);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.thread = WriterPhase::Writing;
        mem::swap(&mut state.queued, batch);
        drop(state);
        self.space.notify_all();
        true
    }
}

impl QueueState {
    fn is_report_requested(&self) -> bool {
        self.handled < self.requested
    }

    /// Whether the queue is closed and its lines are written, so that lines are written directly.
    fn is_over(&self) -> bool {
        self.closed && (self.settled == self.pushed || self.thread == WriterPhase::Ended)
    }

    /// Whether a caller waits for the lines and the report, or the queue is to end.
    fn is_flushing(&self) -> bool {
        self.flushing > 0 || self.closed
    }
}

/// Closes the queue when the thread ends, even by a panic. Later lines are written directly.
struct CloseOnExit<'a>(&'a Shared);

impl Drop for CloseOnExit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        (state.closed, state.thread) = (true, WriterPhase::Ended);
        drop(state);
        self.0.space.notify_all();
        self.0.settled.notify_all();
    }
}
