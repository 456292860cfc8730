//! A queue of lines, and the thread that writes them.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use super::destination::Destination;
use super::place::Lines;
use super::stats::{Counted, Counts, REASONS, Reason};
use super::writing::Writing;
use crate::base::{lock, sync};
use crate::format::record::Severity;

/// What happens to a line for which the queue of [`Config::background`](crate::Config::background) has
/// no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overload {
    /// Its thread waits until there is room: no line is lost, and a reader that stalls holds the service.
    Block,
    /// It is dropped and counted, and a `lines_dropped` line says how many were: a reader that stalls
    /// costs lines. Lines below WARN go first: WARN and above have as much room again.
    Drop,
}

/// Makes the `lines_dropped` line of a number of lines and the reason for them.
pub(crate) type Report = Box<dyn Fn(u64, &'static str) -> String + Send>;

/// How long a guard or a layer that goes waits for its lines to be written.
pub(crate) const LAST_LINES: Duration = Duration::from_secs(5);

/// How long the thread lets lines gather before it writes them, unless someone waits for them.
const GATHER: Duration = Duration::from_millis(2);

/// Between two reports of dropped lines, while lines are dropped all the time.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// How long a CRITICAL line holds its thread, so that it is written when the process ends right after.
const CRITICAL_WAIT: Duration = Duration::from_millis(200);

/// Bytes of a buffer that are kept for the next lines.
const KEPT_BYTES: usize = 1024 * 1024;

pub(super) struct Queue(Arc<Shared>);

struct Shared {
    capacity: u64,
    overload: Overload,
    state: Mutex<State>,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For those who wait in [`Overload::Block`].
    room: Condvar,
    /// For those who wait for lines to be written.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    count: u64,
    /// All lines that were ever in the queue.
    pushed: u64,
    /// Those that the thread has written or given up.
    done: u64,
    /// Losses: lines that found no room, and batches that lost some.
    lost: u64,
    /// Those of them that a report has named.
    reported: u64,
    /// How many wait for lines to be written.
    flushing: u32,
    thread: Thread,
    closed: bool,
}

/// What the thread does.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Thread {
    #[default]
    Writes,
    /// It waits for the first line.
    Sleeps,
    /// It has seen one and waits for more.
    Gathers,
}

/// What became of a line that was to be pushed.
pub(super) enum Pushed {
    /// It is in the queue, or was dropped and counted.
    Settled,
    /// There is no queue any more, and no line left in it.
    Closed,
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
        place: Arc<Destination>,
        counts: Arc<Counted>,
        report: Report,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            capacity: u64::try_from(capacity.max(1)).unwrap_or(u64::MAX),
            overload,
            state: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            settled: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new()
            .name("candor-writer".to_owned())
            .spawn(move || of_thread.work(&place, &counts, &report))?;
        Ok(Queue(shared))
    }

    pub(super) fn push(&self, severity: Severity, line: &str, counts: &Counts) -> Pushed {
        let Shared { capacity, overload, work, room, .. } = &*self.0;
        let mut state = self.0.lock();
        counts.took(1);
        loop {
            if state.closed {
                return Pushed::Closed;
            }
            let has_more_room = *overload == Overload::Drop && severity >= Severity::Warn;
            let limit = if has_more_room { capacity.saturating_mul(2) } else { *capacity };
            if state.count < limit {
                break;
            }
            if *overload == Overload::Drop {
                counts.dropped(Reason::Full);
                state.lost += 1;
                return Pushed::Settled;
            }
            self.0.hurry(&mut state);
            state = sync::wait(room, state);
        }
        state.lines.extend_from_slice(line.as_bytes());
        state.count += 1;
        state.pushed += 1;
        match state.thread {
            Thread::Sleeps => {
                state.thread = Thread::Gathers;
                drop(state);
                work.notify_one();
            }
            Thread::Gathers if state.count > capacity / 2 => self.0.hurry(&mut state),
            _ => {}
        }
        Pushed::Settled
    }

    /// Waits a moment for a line whose process may be about to end.
    pub(super) fn see_off(&self) {
        self.flush(Instant::now() + CRITICAL_WAIT);
    }

    /// Waits until the lines pushed so far are written or given up, and what was given up is reported;
    /// returns how many lines are neither.
    pub(super) fn flush(&self, deadline: Instant) -> u64 {
        let mut state = self.0.lock();
        let (target, lost) = (state.pushed, state.lost);
        state.flushing += 1;
        let left = loop {
            let left = target.saturating_sub(state.done);
            let wait = deadline.saturating_duration_since(Instant::now());
            if (left == 0 && state.reported >= lost) || state.closed || wait.is_zero() {
                break left;
            }
            self.0.hurry(&mut state);
            state = sync::wait_timeout(&self.0.settled, state, wait);
        };
        state.flushing -= 1;
        left
    }

    /// Ends the queue, and with it the thread, if no line is left.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        if state.pushed == state.done {
            state.closed = true;
            self.0.hurry(&mut state);
        }
    }
}

impl Drop for Queue {
    /// The layer is gone, so nothing is pushed any more; the thread writes what it has and ends.
    fn drop(&mut self) {
        self.flush(Instant::now() + LAST_LINES);
        let mut state = self.0.lock();
        state.closed = true;
        self.0.hurry(&mut state);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Wakes the thread, whatever it waits for.
    fn hurry(&self, state: &mut State) {
        if state.thread != Thread::Writes {
            state.thread = Thread::Writes;
            self.work.notify_one();
        }
    }

    /// The thread's work, until the queue is closed and empty.
    fn work(&self, place: &Destination, counts: &Counts, report: &Report) {
        // What a writer logs while it writes finds the sink taken.
        let _writing = Writing::begin();
        let _end = End(self);
        let mut reports = Reports { known: [0; REASONS.len()], last: None };
        let mut batch = Vec::new();
        while let Some(count) = self.next(&mut batch, reports.last) {
            let lines = Lines { bytes: &batch, count, are_new: false };
            let lost = place.write(lines, counts).is_err();
            place.flush(Instant::now());
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
            let mut state = self.lock();
            state.lost += u64::from(lost);
            if state.owes_a_report() && (state.is_asked() || reports.are_due()) {
                let so_far = state.lost;
                drop(state);
                self.report(&mut reports, place, counts, report);
                state = self.lock();
                state.reported = so_far;
            }
            state.done += count;
            self.settled.notify_all();
        }
    }

    /// Swaps the lines of the queue into `batch`, once there are some, or none where only a report is
    /// due; the queue that is closed and empty has no next ones.
    fn next(&self, batch: &mut Vec<u8>, last_report: Option<Instant>) -> Option<u64> {
        let mut state = self.lock();
        while state.count == 0 && !(state.owes_a_report() && state.is_asked()) {
            if state.closed {
                return None;
            }
            state.thread = Thread::Sleeps;
            state = if state.owes_a_report() {
                let since = last_report.map_or(REPORT_EVERY, |last| last.elapsed());
                let Some(wait) = REPORT_EVERY.checked_sub(since).filter(|wait| !wait.is_zero())
                else {
                    break;
                };
                sync::wait_timeout(&self.work, state, wait)
            } else {
                sync::wait(&self.work, state)
            };
        }
        // While lines come one by one, a write each would cost more than they do.
        if state.count <= self.capacity / 2 && !state.is_asked() {
            state.thread = Thread::Gathers;
            let gathers = |state: &mut State| state.thread == Thread::Gathers;
            let waited = self.work.wait_timeout_while(state, GATHER, gathers);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.thread = Thread::Writes;
        mem::swap(&mut state.lines, batch);
        let count = mem::take(&mut state.count);
        drop(state);
        self.room.notify_all();
        Some(count)
    }

    /// Writes a line for each reason that cost lines since the last report. One that does not get
    /// there is a dropped line as well, and its number stands in the next one.
    fn report(&self, reports: &mut Reports, place: &Destination, counts: &Counts, line: &Report) {
        reports.last = Some(Instant::now());
        for (known, (reason, name)) in reports.known.iter_mut().zip(REASONS) {
            let lost = counts.lost(reason);
            let many = lost.saturating_sub(*known);
            if many > 0 {
                let line = line(many, name);
                let state = self.lock();
                counts.took(1);
                drop(state);
                let line = Lines { bytes: line.as_bytes(), count: 1, are_new: false };
                if place.write(line, counts).is_ok() {
                    *known = lost;
                }
            }
        }
    }
}

impl State {
    fn owes_a_report(&self) -> bool {
        self.reported < self.lost
    }

    /// Whether someone waits for all that is to be written, a report too.
    fn is_asked(&self) -> bool {
        self.flushing > 0 || self.closed
    }
}

/// Which dropped lines were reported, and when.
struct Reports {
    known: [u64; REASONS.len()],
    last: Option<Instant>,
}

impl Reports {
    fn are_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= REPORT_EVERY)
    }
}

/// The end of the thread, also by a panic: from then on lines are written directly.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.room.notify_all();
        self.0.settled.notify_all();
    }
}
