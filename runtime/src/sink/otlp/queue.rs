//! The queue between the threads that log and the thread that exports. It counts what happens to each record.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{fmt, mem, thread};

use super::stats::{LossReason, REASONS, RecordCounters, SIGNALS, Signal};
use super::worker::Pause;
use super::{LineOrigin, LossReport};
use crate::base::fork::ForkLocks;
use crate::base::{lock, sync};
use crate::format::otel::{self, Kind};
use crate::format::record::Severity;
use crate::json::members::{self, Member};
use crate::sink::Overload;
use crate::sink::ending::is_ending;

/// The most bytes of lines in the queue, so that long lines do not use more memory than expected.
const MAX_BYTES: u64 = 64 << 20;
/// Lines of this many bytes are sent although the batch is not complete: long lines fill the queue before that.
const SENT_BYTES: u64 = MAX_BYTES / 2;

/// The least time between two reports of losses.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The largest capacity of a buffer that is kept for reuse. A new buffer costs a page fault for about every ten lines.
const KEPT_BYTES: usize = 4 << 20;

pub(super) struct ExportQueue {
    capacity: u64,
    overload: Overload,
    /// The number of lines in one request to the collector.
    pub(super) batch: u64,
    /// Whether lines are log records. If not, only lines that become spans enter the queue.
    has_logs: bool,
    counters: Arc<[RecordCounters; SIGNALS.len()]>,
    state: Mutex<State>,
    /// Wakes the thread: there is something to do.
    work: Condvar,
    /// Wakes callers that wait because of [`Overload::Block`] or in `flush`: lines were settled, or losses were
    /// reported.
    settled: Condvar,
    report: LossReport,
    reports: Mutex<LossReports>,
}

#[derive(Default)]
struct State {
    pending: PendingLines,
    /// The number of lines that have entered the queue, and of those that the thread has finished.
    pushed: u64,
    settled: u64,
    /// Bytes of the lines that are not settled.
    bytes: u64,
    /// Records of each [`Signal`] that were emitted but neither delivered nor dropped.
    open: [u64; SIGNALS.len()],
    /// How often records were dropped, and how many of these losses have been reported.
    losses: u64,
    reported: u64,
    reporter: Reporter,
    /// The number of waiting callers of `flush`.
    flushing: u32,
    /// The number of calls of `flush` so far. Each call ends a wait for the next attempt.
    flushes: u64,
    is_sleeping: bool,
    is_closed: bool,
    /// Set in a forked child until its first line, which starts a thread.
    lacks_thread: bool,
}

/// The thread that writes reports.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Reporter {
    #[default]
    None,
    Writing,
    /// It could not be started. The next attempt has to wait.
    Failed,
}

/// The reports of dropped records so far.
#[derive(Default)]
struct LossReports {
    /// The number of dropped records that reports cover.
    covered: [[u64; REASONS.len()]; SIGNALS.len()],
    /// The last error of the collector for each signal and reason.
    errors: [[String; REASONS.len()]; SIGNALS.len()],
    last: Option<Instant>,
}

/// Lines with their origins.
#[derive(Default)]
pub(super) struct PendingLines {
    pub(super) text: String,
    /// The end of each line in the text, and its origin.
    pub(super) ends: Vec<(usize, LineOrigin)>,
}

impl fmt::Debug for ExportQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportQueue").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl ExportQueue {
    pub(super) fn new(
        capacity: usize,
        overload: Overload,
        batch: usize,
        has_logs: bool,
        report: LossReport,
    ) -> Self {
        let capacity = u64::try_from(capacity.max(1)).unwrap_or(u64::MAX);
        ExportQueue {
            capacity,
            overload,
            batch: u64::try_from(batch.max(1)).unwrap_or(u64::MAX).min(capacity),
            has_logs,
            counters: RecordCounters::register(),
            state: Mutex::default(),
            work: Condvar::new(),
            settled: Condvar::new(),
            report,
            reports: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn counters(&self, signal: Signal) -> &RecordCounters {
        &self.counters[signal as usize]
    }

    /// Takes the locks before a fork. The parent delivers the lines in the queue, and reports the losses so far.
    pub(super) fn hold(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(self),
            |queue| Some(&queue.state),
            |queue, state| {
                let Some(state) = state else { return };
                for (signal, _) in SIGNALS {
                    let open = mem::take(&mut state.open[signal as usize]);
                    queue.counters(signal).forget(open);
                }
                state.pending = PendingLines::default();
                state.settled = state.pushed;
                state.bytes = 0;
                state.reported = state.losses;
                state.flushing = 0;
                state.is_sleeping = false;
                state.lacks_thread = !state.is_closed;
                state.reporter = Reporter::None;
            },
        );
        locks.hold(
            Arc::clone(self),
            |queue| Some(&queue.reports),
            |queue, reports| {
                let Some(reports) = reports else { return };
                for (signal, _) in SIGNALS {
                    let counters = queue.counters(signal);
                    let covered = REASONS.map(|(reason, _)| counters.dropped(reason));
                    reports.covered[signal as usize] = covered;
                }
            },
        );
    }

    /// Adds a line, or drops and counts it. Returns true if the caller must start a thread.
    #[must_use]
    pub(super) fn push(&self, severity: Severity, line: &str, origin: LineOrigin) -> bool {
        let signal = if self.has_logs { Signal::Logs } else { Signal::Spans };
        if !self.has_logs && !is_span(line, &origin) {
            return false;
        }
        let mut state = self.lock();
        let is_important = self.overload == Overload::Drop && severity >= Severity::Warn;
        let share = if is_important { 2 } else { 1 };
        let loss = loop {
            if state.is_closed {
                break Some(LossReason::Shutdown);
            }
            let waiting = state.pushed - state.settled;
            let has_room = waiting < self.capacity.saturating_mul(share) && state.bytes < MAX_BYTES;
            if has_room || is_ending() {
                break None;
            }
            if self.overload == Overload::Drop {
                break Some(LossReason::Full);
            }
            state = sync::wait(&self.settled, state);
        };
        let counters = self.counters(signal);
        counters.emit(1);
        if let Some(reason) = loss {
            counters.drop_records(reason, 1);
            state.losses += 1;
            return false;
        }
        state.open[signal as usize] += 1;
        state.pending.text.push_str(line);
        let end = state.pending.text.len();
        state.pending.ends.push((end, origin));
        state.pushed += 1;
        let was_small = state.bytes < SENT_BYTES;
        state.bytes += line.len() as u64;
        let is_large = was_small && state.bytes >= SENT_BYTES;
        let lines = state.pending.ends.len() as u64;
        let lacks_thread = mem::take(&mut state.lacks_thread);
        if state.is_sleeping && (lines == 1 || lines == self.batch || is_large) {
            drop(state);
            self.work.notify_one();
        }
        lacks_thread
    }

    /// Returns how many records of a batch of `lines` lines are counted as emitted. If both are exported, spans are
    /// counted here, because their lines were counted as log records.
    pub(super) fn emit_of_batch(&self, signal: Signal, records: u64, lines: u64) -> u64 {
        if !(self.has_logs && signal == Signal::Spans) {
            return lines;
        }
        let mut state = self.lock();
        self.counters(signal).emit(records);
        if state.is_closed {
            self.counters(signal).drop_records(LossReason::Shutdown, records);
        } else {
            state.open[signal as usize] += records;
        }
        records
    }

    /// Counts records as delivered or dropped. Does nothing if the queue has been closed, because closing counts them
    /// as dropped.
    pub(super) fn settle(
        &self,
        signal: Signal,
        delivered: u64,
        reason: LossReason,
        dropped: u64,
        error: &str,
    ) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.open[signal as usize] -= delivered + dropped;
        self.counters(signal).deliver(delivered);
        self.counters(signal).drop_records(reason, dropped);
        state.losses += u64::from(dropped > 0);
        drop(state);
        if dropped > 0 {
            let errors = &mut lock(&self.reports).errors;
            error.clone_into(&mut errors[signal as usize][reason as usize]);
        }
    }

    /// Marks lines as finished. Their records are all settled.
    pub(super) fn finish(&self, lines: u64, bytes: u64) {
        let mut state = self.lock();
        if !state.is_closed {
            state.settled += lines;
            state.bytes -= bytes;
        }
        self.settled.notify_all();
    }

    pub(super) fn flush(&self, deadline: Instant) -> u64 {
        let mut state = self.lock();
        let target = state.pushed;
        // Known once the lines are settled.
        let mut losses = None;
        state.flushing += 1;
        state.flushes += 1;
        self.work.notify_one();
        let left = loop {
            let left = target.saturating_sub(state.settled);
            let wait = deadline.saturating_duration_since(Instant::now());
            let is_reported = left == 0 && state.reported >= *losses.get_or_insert(state.losses);
            if is_reported || state.is_closed || wait.is_zero() {
                break left;
            }
            state = sync::wait_timeout(&self.settled, state, wait);
        };
        state.flushing -= 1;
        left
    }

    /// Drops the undelivered records, and ends the thread. Returns how many lines were waiting.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.lock();
        if mem::replace(&mut state.is_closed, true) {
            return 0;
        }
        for (signal, _) in SIGNALS {
            state.losses += u64::from(state.open[signal as usize] > 0);
            let open = mem::take(&mut state.open[signal as usize]);
            self.counters(signal).drop_records(LossReason::Shutdown, open);
        }
        let left = state.pushed - state.settled;
        state.settled = state.pushed;
        let _dropped_after_the_lock = mem::take(&mut state.pending);
        drop(state);
        self.work.notify_one();
        self.settled.notify_all();
        left
    }

    /// Waits for lines and swaps them into `lines`. Returns when a batch is complete or the queue is half full of
    /// bytes, `delay` has passed since the first line, or a caller waits for the lines. `lines` stays empty if there
    /// are only losses to report. Returns false if the queue is closed.
    pub(super) fn next(&self, lines: &mut PendingLines, delay: Duration) -> bool {
        lines.text.clear();
        lines.text.shrink_to(KEPT_BYTES);
        lines.ends.clear();
        let mut state = self.lock();
        let mut since = None;
        while !state.is_closed {
            let now = Instant::now();
            let count = state.pending.ends.len() as u64;
            // The end of a report wakes this thread.
            let can_report = state.reported < state.losses && state.reporter != Reporter::Writing;
            if count == 0 && !can_report {
                since = None;
                state.is_sleeping = true;
                state = sync::wait(&self.work, state);
                state.is_sleeping = false;
                continue;
            }
            let wait = if count > 0 { delay } else { REPORT_INTERVAL };
            let due = *since.get_or_insert(now) + wait;
            let is_full = count >= self.batch || state.bytes >= SENT_BYTES;
            let is_wanted = state.flushing > 0 && (count > 0 || state.reporter != Reporter::Failed);
            if is_full || is_wanted || now >= due {
                mem::swap(&mut state.pending, lines);
                return true;
            }
            state.is_sleeping = true;
            state = sync::wait_timeout(&self.work, state, due - now);
            state.is_sleeping = false;
        }
        false
    }

    /// Reports losses if there are any, and a caller waits for the report or the last one is old enough.
    pub(super) fn report_if_due(self: &Arc<Self>) {
        let state = self.lock();
        let (has_losses, is_flushing) = (state.reported < state.losses, state.flushing > 0);
        drop(state);
        let last = lock(&self.reports).last;
        let is_due = is_flushing || last.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL);
        if has_losses && is_due {
            self.report_soon();
        }
    }

    /// Writes reports from a separate thread, because the output may stall. Does nothing if such a thread is running.
    pub(super) fn report_soon(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.reported >= state.losses || state.reporter == Reporter::Writing {
            return;
        }
        state.reporter = Reporter::Writing;
        drop(state);
        let own = Arc::clone(self);
        let report = move || own.report();
        if thread::Builder::new().name("candor-report".to_owned()).spawn(report).is_err() {
            self.lock().reporter = Reporter::Failed;
        }
    }

    /// Writes a report for each kind of record and each reason.
    fn report(&self) {
        let losses = self.lock().losses;
        let mut new_losses = Vec::new();
        let mut reports = lock(&self.reports);
        reports.last = Some(Instant::now());
        for (signal, signal_name) in SIGNALS {
            for (reason, reason_name) in REASONS {
                let (at, reason_at) = (signal as usize, reason as usize);
                let dropped = self.counters(signal).dropped(reason);
                let new = dropped - mem::replace(&mut reports.covered[at][reason_at], dropped);
                if new > 0 {
                    let error = reports.errors[at][reason_at].clone();
                    new_losses.push((new, signal_name, reason_name, error));
                }
            }
        }
        // Reports are written without the lock, because they may run a user's writer, which may end the export.
        drop(reports);
        for (records, signal, reason, error) in new_losses {
            (self.report)(records, signal, reason, &error);
        }
        let mut state = self.lock();
        state.reported = state.reported.max(losses);
        state.reporter = Reporter::None;
        self.settled.notify_all();
        // There may be new losses.
        self.work.notify_one();
    }

    /// Waits until all losses are reported, for at most this time.
    pub(super) fn await_report(&self, within: Duration) {
        let end = Instant::now() + within;
        let mut state = self.lock();
        while state.reported < state.losses {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = sync::wait_timeout(&self.settled, state, left);
        }
    }

    /// Waits before another attempt. If `is_cut_short`, a new call of `flush` ends the wait.
    pub(super) fn pause(&self, time: Duration, is_cut_short: bool) -> Pause {
        let end = Instant::now() + time;
        let mut state = self.lock();
        let flushes = state.flushes;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.is_closed {
                return Pause::Closed;
            }
            if is_cut_short && state.flushes != flushes {
                return Pause::Flushed;
            }
            if left.is_zero() {
                return Pause::Over;
            }
            state = sync::wait_timeout(&self.work, state, left);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

/// Whether the line of a sampled trace becomes a span.
fn is_span(line: &str, origin: &LineOrigin) -> bool {
    let event = || members::of_object(line).find(|member| member.key == "event");
    let is_timed = |event: Member<'_>| Kind::of(otel::inside(event.value)) != Kind::Event;
    origin.sampled == Some(true) && event().is_some_and(is_timed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    fn queue(capacity: usize, report: LossReport) -> Arc<ExportQueue> {
        Arc::new(ExportQueue::new(capacity, Overload::Drop, capacity, true, report))
    }

    fn push(queue: &ExportQueue, line: &str) {
        assert!(!queue.push(Severity::Info, line, LineOrigin::default()), "it has a thread");
    }

    #[test]
    fn bug_a_queue_that_was_full_of_long_lines_was_not_sent_before_the_delay() {
        let queue = queue(1_000_000, Box::new(|_, _, _, _| {}));
        let (taken, is_taken) = channel();
        thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut lines = PendingLines::default();
                queue.next(&mut lines, Duration::from_hours(1));
                taken.send(lines.ends.len()).expect("the test waits");
            }
        });
        let line = "x".repeat(1 << 20);
        for _ in 0..32 {
            push(&queue, &line);
        }
        assert_eq!(is_taken.recv_timeout(Duration::from_mins(1)), Ok(32));
    }

    #[test]
    fn bug_a_flush_kept_the_thread_busy_while_a_report_stalled() {
        let (goes_on, stalled) = channel::<()>();
        let stalled = Mutex::new(stalled);
        let report = move |_, _: &str, _: &str, _: &str| {
            let _ = lock(&stalled).recv();
        };
        let queue = queue(1, Box::new(report));
        let turns = Arc::new(AtomicU64::new(0));
        let worker = thread::spawn({
            let (queue, turns) = (Arc::clone(&queue), Arc::clone(&turns));
            move || {
                let mut lines = PendingLines::default();
                while queue.next(&mut lines, Duration::from_millis(1)) {
                    turns.fetch_add(1, Ordering::Relaxed);
                    let count = lines.ends.len() as u64;
                    queue.settle(Signal::Logs, 0, LossReason::Rejected, count, "refused");
                    queue.finish(count, lines.text.len() as u64);
                    queue.report_if_due();
                }
            }
        });
        push(&queue, "{}");
        assert_eq!(queue.flush(Instant::now() + Duration::from_millis(50)), 0);
        // The line, and a turn for the report at most.
        assert!(turns.load(Ordering::Relaxed) <= 2, "{turns:?}");
        drop(goes_on);
        queue.await_report(Duration::from_mins(1));
        assert_eq!(queue.lock().reported, 1);
        queue.close();
        worker.join().expect("no panic");
    }
}
