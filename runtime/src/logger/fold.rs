//! Folds repeats of a line into one line with their count.
//!
//! The first line is written immediately. The lines after it that differ only in `ts` and `seq` are counted, and the
//! last of them is written with the count when the period is over. Steps, calls and completion lines are not folded,
//! because each of them belongs to a tree or a total.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use super::{Logger, with_layer};
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::{lock, timer};
use crate::current::LineBuffer;
use crate::current::span_stack::SpanScope;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::shrink::REPEATS;
use crate::format::sites::SiteId;
use crate::format::template::NO_SEQ;
use crate::json::shown::Shown;
use crate::request::Request;

/// The period in which repeats are folded.
const PERIOD: Duration = Duration::from_secs(1);
/// How often the timer looks for periods that are over.
const CHECK: Duration = Duration::from_millis(250);
/// The maximum number of different lines that are compared. Lines beyond it are written.
const MAX_LINES: usize = 16_384;
/// The maximum size of the folded lines, in bytes. Repeats of lines beyond it are written.
const MAX_BYTES: usize = 1 << 20;

/// The lines of the last second, whose repeats are folded.
#[derive(Debug)]
pub(crate) struct Folds {
    hashes: RandomState,
    state: Mutex<FoldState>,
    /// The folded lines that the timer has taken and not written yet.
    in_timer: AtomicU64,
    /// Used by the timer.
    logger: OnceLock<Weak<Logger>>,
}

#[derive(Debug, Default)]
struct FoldState {
    lines: BTreeMap<FoldKey, Repeats>,
    /// The size of the folded lines.
    bytes: usize,
    is_watched: bool,
    /// Set when the guard is dropped. After that, no line is folded.
    is_closed: bool,
}

/// Identifies a line by its request, its call site and a keyed hash of its text without `ts` and `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct FoldKey {
    /// 0 outside requests.
    request: u64,
    site: usize,
    hash: u64,
}

#[derive(Debug)]
struct Repeats {
    since: Tick,
    folded: Option<FoldedLine>,
}

/// The last repeat of a line, and the number of repeats.
#[derive(Debug, Clone)]
pub(super) struct FoldedLine {
    request: Option<Arc<Request>>,
    step: u32,
    severity: Severity,
    site: SiteId,
    count: u64,
    /// The line without the number of repeats.
    text: String,
}

/// The result of counting a line.
enum Seen {
    /// It is written.
    New,
    /// It is folded. Holds the folded line if that is due.
    Repeat(Option<FoldedLine>),
}

impl Folds {
    pub(crate) fn new() -> Self {
        let (state, in_timer, logger) = Default::default();
        Folds { hashes: RandomState::new(), state, in_timer, logger }
    }

    pub(super) fn belongs_to(&self, logger: Weak<Logger>) {
        let _ = self.logger.set(logger);
    }

    /// Counts a line. `text` is the line, and `compared` is the part that repeats have in common.
    fn see(
        &self,
        record: &Record<'_>,
        request: Option<&Arc<Request>>,
        step: u32,
        text: &str,
        compared: &str,
    ) -> Seen {
        let key = FoldKey {
            request: request.map_or(0, |request| request.serial),
            site: record.site.index(),
            hash: self.hashes.hash_one(compared),
        };
        let mut state = lock(&self.state);
        let FoldState { lines, bytes, is_watched, is_closed } = &mut *state;
        if *is_closed {
            return Seen::New;
        }
        let Some(repeats) = lines.get_mut(&key) else {
            if lines.len() < MAX_LINES {
                lines.insert(key, Repeats { since: record.at, folded: None });
                if !*is_watched {
                    *is_watched = self.logger.get().is_some_and(|logger| watch(logger.clone()));
                }
            }
            return Seen::New;
        };
        match &mut repeats.folded {
            Some(folded) => {
                folded.count += 1;
                folded.step = step;
                *bytes = *bytes - folded.text.len() + text.len();
                text.clone_into(&mut folded.text);
            }
            None if *bytes + text.len() > MAX_BYTES => return Seen::New,
            None => {
                if let Some(request) = request {
                    request.has_repeats.store(true, Ordering::Relaxed);
                }
                *bytes += text.len();
                repeats.folded = Some(FoldedLine {
                    request: request.cloned(),
                    step,
                    severity: record.severity,
                    site: record.site,
                    count: 1,
                    text: text.to_owned(),
                });
            }
        }
        let is_over = record.at.since(repeats.since) >= PERIOD;
        let due = if is_over { repeats.take(record.at, bytes) } else { None };
        Seen::Repeat(due)
    }

    /// Takes the folded lines whose period is over, for the timer, and forgets lines without repeats.
    fn take_due(&self, now: Tick) -> Vec<FoldedLine> {
        let mut state = lock(&self.state);
        let FoldState { lines, bytes, .. } = &mut *state;
        let mut due = Vec::new();
        lines.retain(|_, repeats| {
            if now.since(repeats.since) < PERIOD {
                return true;
            }
            let line = repeats.take(now, bytes);
            let had_repeats = line.is_some();
            due.extend(line);
            had_repeats
        });
        // Under the lock, so that a flush finds each line either here or in the state.
        self.in_timer.store(due.len() as u64, Ordering::Release);
        due
    }

    /// Returns the number of lines that the timer is writing.
    pub(super) fn in_timer(&self) -> u64 {
        self.in_timer.load(Ordering::Acquire)
    }

    /// Takes all folded lines for a flush, and counts them in `in_flush`. If `closes` is set, no line is folded after
    /// that.
    pub(super) fn take_all(&self, closes: bool, in_flush: &AtomicU64) -> Vec<FoldedLine> {
        let mut state = lock(&self.state);
        state.is_closed |= closes;
        state.bytes = 0;
        let lines = std::mem::take(&mut state.lines);
        let lines: Vec<_> = lines.into_values().filter_map(|repeats| repeats.folded).collect();
        // Under the lock, so that another flush finds each line either in the state or in the count.
        in_flush.fetch_add(lines.len() as u64, Ordering::Release);
        lines
    }

    /// Takes the folded lines of a request.
    fn take_of(&self, request: &Request) -> Vec<FoldedLine> {
        let mut state = lock(&self.state);
        let FoldState { lines, bytes, .. } = &mut *state;
        let key = |site, hash| FoldKey { request: request.serial, site, hash };
        let of_request: Vec<_> =
            lines.range(key(0, 0)..=key(usize::MAX, u64::MAX)).map(|(key, _)| *key).collect();
        let taken = of_request.iter().filter_map(|key| lines.remove(key)?.folded);
        let taken: Vec<_> = taken.collect();
        *bytes -= taken.iter().map(|line| line.text.len()).sum::<usize>();
        taken
    }

    /// Whether the timer has to check again.
    fn goes_on(&self) -> bool {
        let mut state = lock(&self.state);
        state.is_watched = !state.lines.is_empty();
        state.is_watched
    }
}

impl Repeats {
    /// Takes the folded line, and begins a new period.
    fn take(&mut self, now: Tick, bytes: &mut usize) -> Option<FoldedLine> {
        self.since = now;
        let folded = self.folded.take()?;
        *bytes -= folded.text.len();
        Some(folded)
    }
}

/// Schedules the next check. Returns false if the timer can't be started. The folded line is then written by a repeat
/// after the period, by the end of the request or by the guard.
fn watch(logger: Weak<Logger>) -> bool {
    let check = move || {
        let Some(alive) = logger.upgrade() else { return };
        let Some(folds) = &alive.folds else { return };
        for line in folds.take_due(Tick::now()) {
            alive.write_all_folded([line]);
            // A child that the writer forked leaves the others to the parent.
            let one_less = |count: u64| count.checked_sub(1);
            let counted =
                folds.in_timer.fetch_update(Ordering::Release, Ordering::Relaxed, one_less);
            if counted.is_err() {
                break;
            }
        }
        if folds.goes_on() {
            watch(logger);
        }
    };
    timer::schedule(timer::after(CHECK), check).is_ok()
}

/// Writes the folded lines of a request, before its completion line.
pub(super) fn end(request: &Request) {
    if request.has_repeats.load(Ordering::Relaxed) {
        with_layer(|logger| logger.end_folds(request));
    }
}

impl Logger {
    /// Takes the lock before a fork. The parent writes the folded lines.
    pub(super) fn hold_folds(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(self),
            |logger| logger.folds.as_ref().map(|folds| &folds.state),
            |logger, state| {
                if let Some(folds) = &logger.folds {
                    folds.in_timer.store(0, Ordering::Relaxed);
                }
                let Some(state) = state else { return };
                state.lines.clear();
                state.bytes = 0;
                state.is_watched = false;
            },
        );
    }

    /// Writes a line, unless it repeats another one. Returns whether the line is written.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    pub(super) fn write_or_fold(
        &self,
        folds: &Folds,
        buffer: &mut LineBuffer,
        request: Option<&Arc<Request>>,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        prefix: Option<&str>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        let known = request.filter(|request| request.has_id());
        let seq = known.map(|_| NO_SEQ);
        let identified = known.map(|request| &**request);
        self.render_whole(buffer, identified, seq, record, spans, prefix, fields);
        let step = self.step_of(request);
        let line = &mut buffer.line;
        match folds.see(record, request, step, line, self.template.after_time(line)) {
            Seen::New => {}
            Seen::Repeat(due) => {
                self.sink.suppress(record.site);
                self.write_all_folded(due);
                return false;
            }
        }
        let is_written = self.put_in_turn(request, step, record, 0, line);
        self.write_due_notices();
        is_written
    }

    /// Numbers and writes a line that was rendered whole with [`NO_SEQ`], unless a budget cuts it. `folded` is the number
    /// of lines that were folded into it; 0 if it is an ordinary line. Returns whether the line is written.
    fn put_in_turn(
        &self,
        request: Option<&Arc<Request>>,
        step: u32,
        record: &Record<'_>,
        folded: u64,
        line: &mut String,
    ) -> bool {
        let known = request.filter(|request| request.has_id());
        let Some(reserved) = self.reserve(known, record, folded) else { return false };
        let _turn = self.take_turn(known, line);
        let (len, is_written) = self.put(request, step, record.severity, record.site, line);
        self.charge(record.at, record.site, record.logger.as_str(), reserved, len);
        is_written
    }

    /// Writes the folded lines of a request of this logger, before its completion line.
    pub(crate) fn end_folds(&self, request: &Request) {
        if let Some(folds) = &self.folds
            && request.has_repeats.swap(false, Ordering::Relaxed)
        {
            self.write_all_folded(folds.take_of(request));
        }
    }

    pub(super) fn write_all_folded(&self, lines: impl IntoIterator<Item = FoldedLine>) {
        for FoldedLine { request, step, severity, site, count, mut text } in lines {
            let record = Record {
                at: Tick::now(),
                severity,
                logger: Shown::literal(site.key().target),
                message: Shown::literal(""),
                has_exc: false,
                capped: true,
                folds: true,
                context_keys: ContextKeys::Unused,
                site,
            };
            text.pop();
            let _ = write!(text, "{REPEATS}{count}}}");
            self.put_in_turn(request.as_ref(), step, &record, count, &mut text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_a_flush_did_not_wait_for_folded_lines_that_another_flush_had_taken() {
        let folds = Folds::new();
        let folded = FoldedLine {
            request: None,
            step: 0,
            severity: Severity::Info,
            site: SiteId::OTHER,
            count: 1,
            text: "{}\n".to_owned(),
        };
        let repeats = Repeats { since: Tick::now(), folded: Some(folded) };
        lock(&folds.state).lines.insert(FoldKey { request: 0, site: 0, hash: 0 }, repeats);
        let in_flush = AtomicU64::new(0);
        assert_eq!(folds.take_all(false, &in_flush).len(), 1);
        // Before the lock is free, and not only when the flush begins to write.
        assert_eq!(in_flush.load(Ordering::Relaxed), 1);
    }
}
