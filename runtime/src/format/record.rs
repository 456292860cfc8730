//! One record as plain data: what a line says, before it is bytes.

use std::fmt;

use tracing_core::Level;

use crate::base::clock::Tick;

/// How much a line matters. `tracing`'s levels, and CRITICAL above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Finer than a reader usually wants.
    Trace,
    /// Diagnostic detail: redacted inputs, branches taken, call metadata.
    Debug,
    /// Normal events: request completed, job done.
    Info,
    /// Handled surprises: fallback, retry, deprecated use.
    Warn,
    /// A request or an operation failed.
    Error,
    /// The service can't go on.
    Critical,
}

impl Severity {
    /// The word of the `level` key.
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

    /// What filters know it by: CRITICAL is an ERROR to tracing.
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

/// The parts of a line that every line has; its fields are written behind them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) at: Tick,
    pub(crate) severity: Severity,
    /// The tracing target.
    pub(crate) logger: &'a str,
    /// Scrubbed, not escaped.
    pub(crate) message: &'a str,
    /// Whether its own field `exc`, a backtrace, has to stand behind those of the context and the spans.
    pub(crate) has_exc: bool,
    /// Whether the cap on a request's lines holds for it; it does not for the line that reports it.
    pub(crate) capped: bool,
}
