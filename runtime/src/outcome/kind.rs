//! The four ways in which a step or call can end.

use super::result::CallResult;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    /// The outcome of a call that returned a value.
    pub(crate) fn of(result: &CallResult<'_>) -> Self {
        if result.failure.is_some() { Outcome::Error } else { Outcome::Ok }
    }

    #[cfg(feature = "metrics")]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Cancelled => "cancelled",
            Outcome::Panicked => "panicked",
        }
    }

    /// The member of a line that names it.
    #[inline]
    pub(crate) const fn member(self) -> &'static str {
        match self {
            Outcome::Ok => ",\"outcome\":\"ok\"",
            Outcome::Error => ",\"outcome\":\"error\"",
            Outcome::Cancelled => ",\"outcome\":\"cancelled\"",
            Outcome::Panicked => ",\"outcome\":\"panicked\"",
        }
    }

    /// Whether `request_completed` names the step or call as the cause of a failure.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Outcome::Error | Outcome::Panicked)
    }
}
