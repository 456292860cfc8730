//! What sets one request apart: it writes more than others, or less, or keeps its detail for a bad end.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing_core::Level;

use super::recorder::Recorder;
use crate::format::record::{Record, Severity};
use crate::levels::Raised;

/// The switches of a request that has any.
#[derive(Debug)]
pub(crate) struct Switches {
    pub(crate) debug: Option<DebugLog>,
    is_sampled: AtomicBool,
    /// Of the sample, and left out by a rule as long as it does well.
    is_quiet: bool,
    /// Lines that were not written since the request is no part of the sample.
    pub(crate) sampled_away: AtomicU64,
    pub(crate) recorder: Option<Recorder>,
}

/// The detail that a request was asked for.
#[derive(Debug)]
pub(crate) struct DebugLog {
    raised: Raised,
    limit: u64,
    /// Lines beyond those that other requests write.
    lines: AtomicU64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Write,
    /// Written, and no part of what the request may write as others do.
    WriteMore,
    /// Kept for a bad end.
    Keep,
    Suppress,
    /// The request is no part of the sample.
    SampleAway,
}

/// Whether the lines of a request below WARN are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    Sampled,
    NotSampled,
    /// Not as long as it does well.
    Quiet,
}

impl Switches {
    pub(crate) fn new(debug: Option<DebugLog>, share: Share, recorder: Option<Recorder>) -> Self {
        Switches {
            debug,
            is_sampled: AtomicBool::new(share == Share::Sampled),
            is_quiet: share == Share::Quiet,
            sampled_away: AtomicU64::new(0),
            recorder,
        }
    }

    pub(crate) fn is_sampled(&self) -> bool {
        self.is_sampled.load(Ordering::Relaxed)
    }

    /// Has a request that was quiet write from here on: it fails.
    pub(crate) fn speak_up(&self) {
        self.is_sampled.fetch_or(self.is_quiet, Ordering::Relaxed);
    }

    /// Whether this request writes here, whatever others do.
    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        self.debug.as_ref().is_some_and(|debug| debug.allows(target, level))
            || self.recorder.as_ref().is_some_and(|recorder| recorder.allows(target, level))
    }

    /// What becomes of a line that is for every request, or only for this one.
    pub(crate) fn fate(&self, record: &Record<'_>, is_for_all: bool) -> Fate {
        let detail = record.severity < Severity::Warn;
        if is_for_all {
            return match &self.recorder {
                _ if self.is_sampled() || !detail => Fate::Write,
                Some(_) if record.capped => Fate::Keep,
                _ => Fate::SampleAway,
            };
        }
        let level = record.severity.level();
        match (&self.debug, &self.recorder) {
            (Some(debug), _) if debug.allows(record.logger, level) => debug.fate(detail),
            (_, Some(recorder)) if recorder.allows(record.logger, level) => Fate::Keep,
            _ => Fate::Write,
        }
    }

    /// Lines that only this request wrote.
    pub(crate) fn more_lines(&self) -> u64 {
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

    fn fate(&self, is_detail: bool) -> Fate {
        let before = self.lines.fetch_add(1, Ordering::Relaxed);
        match before < self.limit {
            true => Fate::WriteMore,
            false if is_detail => Fate::Suppress,
            // As the lines of others, which from WARN on have no limit.
            false => Fate::Write,
        }
    }
}

/// Lines of requests that were no part of the sample, over all requests that are gone.
static SAMPLED_AWAY: AtomicU64 = AtomicU64::new(0);

pub(crate) fn sampled_away() -> u64 {
    SAMPLED_AWAY.load(Ordering::Relaxed)
}

impl Drop for Switches {
    fn drop(&mut self) {
        SAMPLED_AWAY.fetch_add(*self.sampled_away.get_mut(), Ordering::Relaxed);
    }
}
