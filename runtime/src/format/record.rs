//! A record as plain data, before it is a line.

use std::fmt;
use std::time::Duration;

use tracing_core::Level;

use super::sites::SiteId;
use crate::base::catch;
use crate::base::clock::Tick;
use crate::json::shown::Shown;

/// Severity of a line: a level of `tracing`, or CRITICAL above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Very verbose detail.
    Trace,
    /// Diagnostic detail: redacted inputs, branches taken, call metadata.
    Debug,
    /// Normal events: request completed, job done.
    Info,
    /// A problem that was handled: fallback, retry, deprecated use.
    Warn,
    /// A request or an operation failed.
    Error,
    /// The service can't continue.
    Critical,
}

/// How long a line that [may be the last one](may_be_last) waits for the lines before it, whose threads may be waiting
/// for a stalled output.
pub(crate) const LAST_TURN_WAIT: Duration = Duration::from_millis(20);

/// Whether the process may end right after a line of this severity, or after any line, because the panic hook runs.
pub(crate) fn may_be_last(severity: Severity) -> bool {
    severity >= Severity::Critical || catch::is_in_panic_hook()
}

impl Severity {
    /// Returns the value of the `level` key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Trace => "TRACE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Warn => "WARN",
            Severity::Error => "ERROR",
            Severity::Critical => "CRITICAL",
        }
    }

    pub(crate) const fn of(level: Level) -> Self {
        match level {
            Level::TRACE => Severity::Trace,
            Level::DEBUG => Severity::Debug,
            Level::INFO => Severity::Info,
            Level::WARN => Severity::Warn,
            Level::ERROR => Severity::Error,
        }
    }

    /// The level that filters see. CRITICAL is an ERROR to `tracing`.
    pub(crate) const fn level(self) -> Level {
        match self {
            Severity::Trace => Level::TRACE,
            Severity::Debug => Level::DEBUG,
            Severity::Info => Level::INFO,
            Severity::Warn => Level::WARN,
            Severity::Error | Severity::Critical => Level::ERROR,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        Severity::of(level)
    }
}

/// The parts that every line has, in front of its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) at: Tick,
    pub(crate) severity: Severity,
    /// The tracing target.
    pub(crate) logger: Shown<'a>,
    /// Not escaped.
    pub(crate) message: Shown<'a>,
    /// Whether it has an `exc` field, a backtrace, which comes after the fields of the context and the spans.
    pub(crate) has_exc: bool,
    /// Whether the limit of lines per request applies. It does not apply to the line that reports suppressed lines.
    pub(crate) capped: bool,
    /// Whether repeats may be folded: only those of events.
    pub(crate) folds: bool,
    pub(crate) context_keys: ContextKeys,
    /// The call site.
    pub(crate) site: SiteId,
}

/// The effect of fields with names of the context's keys, such as `user_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContextKeys {
    /// The record has no such field.
    Unused,
    /// They replace the context's values on the line.
    Replaced,
    /// They replace missing values; otherwise their names get a trailing underscore.
    Filled,
}

impl Record<'static> {
    /// A record of candor's own, to which no limit applies.
    pub(crate) fn own(severity: Severity, message: &'static str) -> Self {
        let at = Tick::now();
        Record {
            at,
            severity,
            logger: Shown::literal("candor"),
            message: Shown::literal(message),
            has_exc: false,
            capped: false,
            folds: false,
            context_keys: ContextKeys::Unused,
            site: SiteId::of_own(message),
        }
    }
}
