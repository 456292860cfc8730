//! Holds lines of requests, and writes them if the request has a problem.
//!
//! A line is numbered and written under the lock of its request's held lines, so the lines of a request are in the
//! order of their numbers, whatever thread they come from. It is rendered before the lock is taken, because its values
//! run user code, which may log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::fold::Folds;
use super::{Logger, fold, with_layer};
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::{helper, lock, timer};
use crate::current::LineBuffer;
use crate::current::span_stack::SpanScope;
use crate::format::record::{LAST_TURN_WAIT, Record, Severity, may_be_last};
use crate::format::template::NO_SEQ;
use crate::request::Request;
use crate::request::recorder::KeptLine;
use crate::request::story::{HeldLines, RequestStory, Story, StorySettings};
use crate::sink;

/// Between two checks of a flush that waits for lines that are being written.
const PAUSE: Duration = Duration::from_millis(1);

/// Requests of one logger that hold lines, by serial number.
#[derive(Debug, Default)]
pub(crate) struct OpenStories {
    open: Mutex<OpenRequests>,
    /// The folded lines, and the requests with held lines, that flushes have taken and not written yet. A flush whose
    /// time is over goes on writing.
    pub(super) in_flush: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenRequests {
    requests: HashMap<u64, Weak<Request>>,
    /// Set when the guard is dropped. After that, no request holds lines.
    is_closed: bool,
}

impl OpenStories {
    /// Adds a request. Returns false if requests may no longer hold lines.
    fn add(&self, request: &Arc<Request>) -> bool {
        let mut open = lock(&self.open);
        if !open.is_closed {
            open.requests.insert(request.serial, Arc::downgrade(request));
        }
        !open.is_closed
    }

    fn remove(&self, request: &Request) {
        lock(&self.open).requests.remove(&request.serial);
    }

    /// Takes all requests for a flush, and counts them in `in_flush`.
    fn take_all(&self, closes: bool) -> Vec<Arc<Request>> {
        let mut open = lock(&self.open);
        open.is_closed |= closes;
        let requests: Vec<_> =
            open.requests.drain().filter_map(|(_, request)| request.upgrade()).collect();
        // Under the lock, so that another flush finds each request either here or in the count.
        self.in_flush.fetch_add(requests.len() as u64, Ordering::Release);
        requests
    }
}

/// Whether any logger of the process has stories, so that without them a request need not look for its logger.
static ARE_CONFIGURED: AtomicBool = AtomicBool::new(false);

/// Called with the settings of each logger.
pub(super) fn configured(settings: &StorySettings) {
    if settings.mode != Story::All {
        ARE_CONFIGURED.store(true, Ordering::Relaxed);
    }
}

/// Returns the story of a new request or job; `None` if all of its lines are written immediately.
///
/// `slow` replaces the threshold of the settings.
pub(crate) fn begin(slow: Option<Duration>) -> Option<RequestStory> {
    if !ARE_CONFIGURED.load(Ordering::Relaxed) {
        return None;
    }
    with_layer(|logger| logger.begin_story(slow)).flatten()
}

/// Ends the story of a request before its completion line.
///
/// Writes the folded lines. Writes the held lines if the request had a problem, and discards them otherwise.
///
/// Returns the number of lines that were left out, if the completion line is a wide line.
pub(crate) fn end(request: &Arc<Request>, had_problem: bool, now: Tick) -> Option<u64> {
    fold::end(request);
    let story = request.story()?;
    with_layer(|logger| logger.end_story(request, story, had_problem, now)).flatten()
}

impl Logger {
    /// Takes the lock before a fork. The parent writes the lines that requests hold.
    pub(super) fn hold_stories(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(self),
            |logger| Some(&logger.open_stories.open),
            |logger, open| {
                logger.open_stories.in_flush.store(0, Ordering::Relaxed);
                let Some(open) = open else { return };
                for request in open.requests.drain().filter_map(|(_, request)| request.upgrade()) {
                    if let Some(story) = request.story() {
                        story.leave_to_parent();
                    }
                }
            },
        );
    }

    /// Like [`begin`], for a request of this logger.
    pub(crate) fn begin_story(&self, slow: Option<Duration>) -> Option<RequestStory> {
        let mut settings = self.story;
        if settings.mode == Story::All {
            return None;
        }
        settings.slow = slow.unwrap_or(settings.slow);
        Some(RequestStory::new(self.id, settings))
    }

    /// Writes or holds a line of a request that has a story. Returns whether it is written.
    #[cold]
    pub(super) fn tell(
        &self,
        buffer: &mut LineBuffer,
        request: &Arc<Request>,
        story: &RequestStory,
        record: &Record<'_>,
        spans: SpanScope<'_>,
        fields: impl FnOnce(&mut String),
    ) -> bool {
        if story.leaves_out(record) {
            self.sink.suppress(record.site);
            return false;
        }
        if self.suppresses(request, record) {
            return false;
        }
        self.render_whole(buffer, Some(request), Some(NO_SEQ), record, spans, None, fields);
        let (line, severity) = (&mut buffer.line, record.severity);
        let step = self.step_of(Some(request));
        // Before the lock, because the notice of a flood is a line, too.
        let is_direct = || lock_turn(story, severity).is_some_and(|held| !held.is_holding());
        let reserved = if self.budget.is_some() && is_direct() {
            let Some(bytes) = self.reserve(Some(request), record, 0) else { return false };
            bytes
        } else {
            0.0
        };
        let _turn = {
            let mut turn = lock_turn(story, severity);
            if let Some(held) = turn.as_mut().filter(|held| held.is_holding()) {
                let is_detail = severity < Severity::Warn;
                if record.capped && is_detail && held.count() as u64 >= self.lines_per_request {
                    request.suppressed.fetch_add(1, Ordering::Relaxed);
                    self.sink.suppress(record.site);
                    return false;
                }
                let may_hold = is_detail
                    && !story.is_slow(request.started, record.at)
                    && held.has_room(line.len(), &story.settings.limits)
                    && (held.count() > 0 || self.open_stories.add(request));
                if may_hold {
                    held.push(KeptLine { severity, step, site: record.site, text: line.clone() });
                    return false;
                }
                self.write_held(request, held);
            }
            self.number(request, line);
            turn
        };
        let (len, is_written) = self.put(Some(request), step, severity, record.site, line);
        self.charge(record.at, record.site, record.logger.as_str(), reserved, len);
        is_written
    }

    /// Numbers a line that was rendered whole with [`NO_SEQ`], and shortens it if it is too long. Writes the lines that
    /// its request holds first. The caller must write the line before it drops the guard.
    pub(super) fn take_turn<'a>(
        &self,
        request: Option<&'a Arc<Request>>,
        line: &mut String,
    ) -> Option<MutexGuard<'a, HeldLines>> {
        let Some(request) = request else {
            self.shrink(line);
            return None;
        };
        let story = request.story().filter(|story| story.logger == self.id);
        let mut turn = story.and_then(|story| lock_turn(story, Severity::Info));
        if let Some(held) = turn.as_mut().filter(|held| held.is_holding()) {
            self.write_held(request, held);
        }
        self.number(request, line);
        turn
    }

    fn number(&self, request: &Request, line: &mut String) {
        self.template.number(request.next_line(), line);
        self.shrink(line);
    }

    /// Writes the lines that a request holds. From then on, it holds none.
    fn write_held(&self, request: &Arc<Request>, held: &mut HeldLines) {
        if held.count() > 0 {
            self.open_stories.remove(request);
        }
        for KeptLine { severity, step, site, mut text } in held.take() {
            self.number(request, &mut text);
            self.put_kept(request, step, severity, site, &mut text);
        }
    }

    pub(crate) fn end_story(
        &self,
        request: &Arc<Request>,
        story: &RequestStory,
        had_problem: bool,
        now: Tick,
    ) -> Option<u64> {
        if story.logger != self.id {
            return None;
        }
        if story.settings.mode == Story::Summary {
            return Some(story.left_out.load(Ordering::Relaxed));
        }
        let mut held = lock_turn(story, Severity::Info)?;
        if !held.is_holding() {
            return None;
        }
        if had_problem || story.is_slow(request.started, now) {
            self.write_held(request, &mut held);
            return None;
        }
        story.set_ended_well();
        let lines = held.take();
        drop(held);
        for line in &lines {
            self.sink.suppress(line.site);
        }
        let left_out = lines.len() as u64;
        if left_out > 0 {
            self.open_stories.remove(request);
        }
        Some(left_out)
    }

    /// Writes the folded lines, the reports of floods, and the lines that open requests hold. Waits for at most `within`,
    /// because the output may stall. If `closes` is set, no line is folded or held after that. Returns how many lines are
    /// not written yet; the lines of a request count as one.
    pub(crate) fn write_waiting(self: &Arc<Self>, closes: bool, within: Duration) -> u64 {
        // If a writer calls a flush, it would wait for itself.
        if sink::is_writing() {
            return 0;
        }
        let deadline = timer::after(within);
        let requests = if self.story.mode == Story::Problems {
            self.open_stories.take_all(closes)
        } else {
            Vec::new()
        };
        let in_flush = &self.open_stories.in_flush;
        let take_all = |folds: &Folds| folds.take_all(closes, in_flush);
        let folded = self.folds.as_ref().map(take_all).unwrap_or_default();
        if self.waiting() == 0 && self.budget.is_none() {
            return 0;
        }
        let write = {
            let logger = Arc::clone(self);
            move || {
                let one_less = |count: u64| count.checked_sub(1);
                // False in a child that the writer forked: the parent writes the other lines.
                let is_counted = || {
                    let in_flush = &logger.open_stories.in_flush;
                    in_flush.fetch_update(Ordering::Release, Ordering::Relaxed, one_less).is_ok()
                };
                for line in &folded {
                    logger.write_all_folded([line.clone()]);
                    if !is_counted() {
                        return;
                    }
                }
                // After the folded lines, because the budget may cut them.
                logger.report_floods(Duration::ZERO);
                for request in &requests {
                    logger.write_story(request);
                    if !is_counted() {
                        return;
                    }
                }
                // Those that the timer, or a flush whose time was over, is writing.
                while logger.waiting() > 0 && Instant::now() < deadline {
                    thread::sleep(PAUSE);
                }
            }
        };
        let write = Arc::new(write);
        let on_thread = Arc::clone(&write);
        if helper::run_until(deadline, move || on_thread()).is_err() {
            write();
        }
        self.waiting()
    }

    /// Returns how many folded lines, and requests with held lines, the timer and flushes are writing.
    fn waiting(&self) -> u64 {
        let in_timer = self.folds.as_ref().map_or(0, Folds::in_timer);
        self.open_stories.in_flush.load(Ordering::Acquire) + in_timer
    }

    fn write_story(&self, request: &Arc<Request>) {
        if let Some(story) = request.story() {
            self.write_held(request, &mut story.held());
        }
    }
}

/// Locks the held lines of a request for a line of this severity. Returns `None` if this thread is already writing a
/// line, possibly of this request, and its writer logs or panics. The sink rejects such a line.
///
/// A CRITICAL line and the line of a panic may be the last ones of the process, and another thread of the request may
/// hold the lock while it waits for space in a queue. After [`LAST_TURN_WAIT`], they are written without the lock.
fn lock_turn(story: &RequestStory, severity: Severity) -> Option<MutexGuard<'_, HeldLines>> {
    if sink::is_writing() {
        return None;
    }
    if may_be_last(severity) { story.held_within(LAST_TURN_WAIT) } else { Some(story.held()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_a_flush_did_not_wait_for_requests_that_another_flush_had_taken() {
        let stories = OpenStories::default();
        let request = Arc::new(Request::new());
        assert!(stories.add(&request));
        assert_eq!(stories.take_all(false).len(), 1);
        // Before the lock is free, and not only when the flush begins to write.
        assert_eq!(stories.in_flush.load(Ordering::Relaxed), 1);
    }
}
