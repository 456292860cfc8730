//! The queue between the threads that log and the thread that exports. It also counts what becomes of each record.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{fmt, mem};

use super::stats::{LossReason, REASONS, RecordCounters, SIGNALS, Signal};
use super::{LineOrigin, LossReport};
use crate::base::{lock, sync};
use crate::format::record::Severity;
use crate::sink::Overload;

/// The most bytes of lines in the queue, so that long lines do not take more memory than expected.
const MAX_BYTES: u64 = 64 << 20;

/// The least time between two reports of losses.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The largest capacity of a buffer that is kept for reuse. A new one costs a page fault for every ten lines or so.
const KEPT_BYTES: usize = 4 << 20;

pub(super) struct ExportQueue {
    capacity: u64,
    overload: Overload,
    /// Lines of one request to the collector.
    pub(super) batch: u64,
    /// What a line is counted as when it enters the queue.
    line_signal: Option<Signal>,
    counters: Arc<[RecordCounters; SIGNALS.len()]>,
    state: Mutex<State>,
    /// Wakes the thread: there is something to do.
    work: Condvar,
    /// Wakes callers that wait in [`Overload::Block`], or in `flush`: lines were settled, or losses reported.
    settled: Condvar,
    reports: Mutex<LossReports>,
}

#[derive(Default)]
struct State {
    pending: PendingLines,
    /// Lines that ever entered the queue, and those that the thread is done with.
    pushed: u64,
    settled: u64,
    /// Bytes of the lines that are not settled.
    bytes: u64,
    /// Records of each [`Signal`] that were emitted, and neither delivered nor dropped.
    open: [u64; SIGNALS.len()],
    /// How often records were dropped, and how many of these losses are reported.
    losses: u64,
    reported: u64,
    /// Callers of `flush` that wait.
    flushing: u32,
    /// Calls of `flush` so far, each of which ends a wait for the next attempt.
    flushes: u64,
    is_sleeping: bool,
    is_closed: bool,
}

/// Writes reports of dropped records.
struct LossReports {
    report: LossReport,
    /// The dropped records that reports cover.
    covered: [[u64; REASONS.len()]; SIGNALS.len()],
    /// The last error of the collector.
    error: String,
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
            line_signal: has_logs.then_some(Signal::Logs),
            counters: RecordCounters::register(),
            state: Mutex::default(),
            work: Condvar::new(),
            settled: Condvar::new(),
            reports: Mutex::new(LossReports {
                report,
                covered: Default::default(),
                error: String::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn counters(&self, signal: Signal) -> &RecordCounters {
        &self.counters[signal as usize]
    }

    pub(super) fn push(&self, severity: Severity, line: &str, origin: LineOrigin) {
        let mut state = self.lock();
        let is_important = self.overload == Overload::Drop && severity >= Severity::Warn;
        let share = if is_important { 2 } else { 1 };
        let loss = loop {
            if state.is_closed {
                break Some(LossReason::Shutdown);
            }
            let waiting = state.pushed - state.settled;
            if waiting < self.capacity.saturating_mul(share) && state.bytes < MAX_BYTES * share {
                break None;
            }
            if self.overload == Overload::Drop {
                break Some(LossReason::Full);
            }
            state = sync::wait(&self.settled, state);
        };
        if let Some(reason) = loss {
            // Without log records, the line may have become a span.
            let counters = self.counters(self.line_signal.unwrap_or(Signal::Spans));
            counters.emit(1);
            counters.drop_records(reason, 1);
            state.losses += 1;
            return;
        }
        if let Some(signal) = self.line_signal {
            self.counters(signal).emit(1);
            state.open[signal as usize] += 1;
        }
        state.pending.text.push_str(line);
        let end = state.pending.text.len();
        state.pending.ends.push((end, origin));
        state.pushed += 1;
        state.bytes += line.len() as u64;
        let lines = state.pending.ends.len() as u64;
        if state.is_sleeping && (lines == 1 || lines == self.batch) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// Counts spans that are about to be sent.
    pub(super) fn emit_spans(&self, spans: u64) {
        let mut state = self.lock();
        let counters = self.counters(Signal::Spans);
        counters.emit(spans);
        if state.is_closed {
            counters.drop_records(LossReason::Shutdown, spans);
        } else {
            state.open[Signal::Spans as usize] += spans;
        }
    }

    /// Counts what became of records that were sent. Does nothing if the queue was closed meanwhile, which counted them
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
            error.clone_into(&mut lock(&self.reports).error);
        }
    }

    /// Ends the work on lines, whose records are all settled.
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
        let (target, losses) = (state.pushed, state.losses);
        state.flushing += 1;
        state.flushes += 1;
        self.work.notify_one();
        let left = loop {
            let left = target.saturating_sub(state.settled);
            let wait = deadline.saturating_duration_since(Instant::now());
            if (left == 0 && state.reported >= losses) || state.is_closed || wait.is_zero() {
                break left;
            }
            state = sync::wait_timeout(&self.settled, state, wait);
        };
        state.flushing -= 1;
        left
    }

    /// Drops the records that are not delivered, reports all losses and ends the thread. Returns how many lines were
    /// waiting.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.lock();
        if mem::replace(&mut state.is_closed, true) {
            return 0;
        }
        for (signal, _) in SIGNALS {
            let open = mem::take(&mut state.open[signal as usize]);
            self.counters(signal).drop_records(LossReason::Shutdown, open);
        }
        let left = state.pushed - state.settled;
        state.settled = state.pushed;
        let _dropped_after_the_lock = mem::take(&mut state.pending);
        drop(state);
        self.work.notify_one();
        self.report();
        left
    }

    /// Waits for lines and swaps them into `lines`: until a batch is complete, `delay` has passed since the first one,
    /// or a caller waits for them. `lines` stays empty if only losses are to be reported. Returns false if the queue is
    /// closed.
    pub(super) fn next(&self, lines: &mut PendingLines, delay: Duration) -> bool {
        lines.text.clear();
        lines.text.shrink_to(KEPT_BYTES);
        lines.ends.clear();
        let mut state = self.lock();
        let mut since = None;
        while !state.is_closed {
            let now = Instant::now();
            let count = state.pending.ends.len() as u64;
            let has_work = count > 0 || state.reported < state.losses;
            if !has_work {
                since = None;
                state.is_sleeping = true;
                state = sync::wait(&self.work, state);
                state.is_sleeping = false;
                continue;
            }
            let wait = if count > 0 { delay } else { REPORT_INTERVAL };
            let due = *since.get_or_insert(now) + wait;
            if count >= self.batch || state.flushing > 0 || now >= due {
                mem::swap(&mut state.pending, lines);
                return true;
            }
            state.is_sleeping = true;
            state = sync::wait_timeout(&self.work, state, due - now);
            state.is_sleeping = false;
        }
        false
    }

    /// Reports losses, if there are any and a report is due or a caller waits for it. Returns whether it did.
    pub(super) fn report_losses(&self, is_due: bool) -> bool {
        let state = self.lock();
        if state.reported >= state.losses || !(is_due || state.flushing > 0) {
            return false;
        }
        drop(state);
        self.report();
        true
    }

    /// Writes a report for each kind of records and reason.
    fn report(&self) {
        let losses = self.lock().losses;
        let mut reports = lock(&self.reports);
        let LossReports { report, covered, error } = &mut *reports;
        for ((signal, signal_name), covered) in SIGNALS.into_iter().zip(covered) {
            for ((reason, reason_name), covered) in REASONS.into_iter().zip(covered) {
                let dropped = self.counters(signal).dropped(reason);
                let new = dropped - mem::replace(covered, dropped);
                if new > 0 {
                    let is_answer =
                        matches!(reason, LossReason::Rejected | LossReason::Unreachable);
                    report(new, signal_name, reason_name, if is_answer { error } else { "" });
                }
            }
        }
        drop(reports);
        self.lock().reported = losses;
        self.settled.notify_all();
    }

    /// Waits before another attempt. A flush that begins ends the wait if `is_cut_short`. Returns false if the queue was
    /// closed.
    pub(super) fn pause(&self, time: Duration, is_cut_short: bool) -> bool {
        let end = Instant::now() + time;
        let mut state = self.lock();
        let flushes = state.flushes;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.is_closed || left.is_zero() || (is_cut_short && state.flushes != flushes) {
                return !state.is_closed;
            }
            state = sync::wait_timeout(&self.work, state, left);
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}
