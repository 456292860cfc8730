//! Overrides of one request's logging: raised levels, sampling, the flight recorder, the story.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing_core::Level;

use super::recorder::Recorder;
use super::story::RequestStory;
use crate::format::record::{Record, Severity};
use crate::levels::Raised;

/// The overrides of one request; most requests have none.
#[derive(Debug)]
pub(crate) struct RequestOverrides {
    pub(crate) debug: Option<DebugLog>,
    is_sampled: AtomicBool,
    /// Sampled, but muted by a `quiet` rule unless it fails.
    is_quiet: bool,
    /// Lines that were not written because the request is not sampled.
    pub(crate) sampled_away: AtomicU64,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) story: Option<RequestStory>,
}

/// Raised levels of one request, up to a number of lines.
#[derive(Debug)]
pub(crate) struct DebugLog {
    raised: Raised,
    limit: u64,
    /// Lines so far that other requests would not write.
    lines: AtomicU64,
}

/// Whether and how a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineDecision {
    Write,
    /// Written, and not counted against the limit of lines per request.
    WriteAsDetail,
    /// Kept by the flight recorder.
    Keep,
    /// The story of the request holds, writes or leaves out the line.
    Tell,
    Suppress,
    /// Counted: the request is not sampled.
    SampleAway,
}

/// Whether the lines below WARN of a request are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampling {
    Sampled,
    NotSampled,
    /// Only if the request fails.
    Quiet,
}

impl RequestOverrides {
    pub(crate) fn new(
        debug: Option<DebugLog>,
        share: Sampling,
        recorder: Option<Recorder>,
        story: Option<RequestStory>,
    ) -> Self {
        RequestOverrides {
            debug,
            is_sampled: AtomicBool::new(share == Sampling::Sampled),
            is_quiet: share == Sampling::Quiet,
            sampled_away: AtomicU64::new(0),
            recorder,
            story,
        }
    }

    pub(crate) fn is_sampled(&self) -> bool {
        self.is_sampled.load(Ordering::Relaxed)
    }

    /// Returns whether lines below WARN are exempt from sampling.
    ///
    /// With stories of problems, the sample is written in full, and the other requests if they have a problem.
    fn writes_detail(&self, record: &Record<'_>, logger: u64) -> bool {
        let is_told = || self.story.as_ref().is_some_and(|story| story.includes(record, logger));
        self.is_sampled() || !self.is_quiet && is_told()
    }

    /// Writes the lines of a muted request from now on, because it fails.
    pub(crate) fn unmute(&self) {
        self.is_sampled.fetch_or(self.is_quiet, Ordering::Relaxed);
    }

    /// Whether this request writes lines of this target and level, even if others don't.
    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        self.debug.as_ref().is_some_and(|debug| debug.allows(target, level))
            || self.recorder.as_ref().is_some_and(|recorder| recorder.allows(target, level))
    }

    /// Decides whether and how to write a line. `is_for_all`: every request writes it, not only this one.
    pub(crate) fn decide(
        &self,
        record: &Record<'_>,
        is_for_all: bool,
        logger: u64,
    ) -> LineDecision {
        let detail = record.severity < Severity::Warn;
        if is_for_all {
            return match &self.recorder {
                _ if self.writes_detail(record, logger) || !detail => LineDecision::Write,
                Some(_) if record.capped => LineDecision::Keep,
                _ => LineDecision::SampleAway,
            };
        }
        let level = record.severity.level();
        match (&self.debug, &self.recorder) {
            (Some(debug), _) if debug.allows(record.logger.as_str(), level) => debug.decide(detail),
            (_, Some(recorder)) if recorder.allows(record.logger.as_str(), level) => {
                LineDecision::Keep
            }
            _ => LineDecision::Write,
        }
    }

    /// The number of lines that other requests would not have written.
    pub(crate) fn debug_lines(&self) -> u64 {
        let lines = |debug: &DebugLog| debug.lines.load(Ordering::Relaxed).min(debug.limit);
        self.debug.as_ref().map_or(0, lines)
    }
}

impl DebugLog {
    pub(crate) fn new(raised: Raised, limit: u64) -> Self {
        DebugLog { raised, limit, lines: AtomicU64::new(0) }
    }

    fn allows(&self, target: &str, level: Level) -> bool {
        self.raised.levels().allow(target, level)
    }

    fn decide(&self, is_detail: bool) -> LineDecision {
        let before = self.lines.fetch_add(1, Ordering::Relaxed);
        match before < self.limit {
            true => LineDecision::WriteAsDetail,
            false if is_detail => LineDecision::Suppress,
            // From WARN on, lines have no limit.
            false => LineDecision::Write,
        }
    }
}

/// The number of lines that ended requests did not write because of sampling.
static SAMPLED_AWAY: AtomicU64 = AtomicU64::new(0);

pub(crate) fn sampled_away() -> u64 {
    SAMPLED_AWAY.load(Ordering::Relaxed)
}

impl Drop for RequestOverrides {
    fn drop(&mut self) {
        SAMPLED_AWAY.fetch_add(*self.sampled_away.get_mut(), Ordering::Relaxed);
    }
}
