//! The totals of a request, which `request_completed` and `job_completed` report.

use crate::base::clock::Tick;
use crate::outcome::{AnswerStatus, Category};

/// The totals of the steps and calls of a request. Their numbers are counters of the request itself, which need no
/// lock.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    retries: u64,
    /// Time with at least one dependency call open.
    pub(super) dependency_nanos: u64,
    open_calls: u32,
    open_since: Option<Tick>,
    /// The step or call with the most time of its own, and that time in nanoseconds.
    pub(super) slowest: Option<(&'static str, u64)>,
    pub(super) cause: Option<Cause>,
}

/// The [`Totals`] at a point in time.
#[derive(Debug, Default)]
pub(crate) struct TotalsAt {
    pub(crate) retries: u64,
    pub(crate) dependency_nanos: u64,
    /// The name of the step or call with the most time of its own.
    pub(crate) slowest: Option<&'static str>,
    pub(crate) cause: Option<Cause>,
}

/// The first step or call of a request that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) step: &'static str,
    pub(crate) dependency: Option<&'static str>,
    pub(crate) step_id: u32,
    /// The category of its error, if that is known.
    pub(crate) category: Option<Category>,
    /// The status, if it is the category.
    pub(crate) status: Option<AnswerStatus>,
}

impl Totals {
    pub(super) fn call_started(&mut self, at: Tick) {
        self.open_calls += 1;
        if self.open_since.is_none() {
            self.open_since = Some(at);
        }
    }

    pub(super) fn call_ended(&mut self, at: Tick, retries: u64) {
        self.retries += retries;
        self.open_calls = self.open_calls.saturating_sub(1);
        if self.open_calls == 0
            && let Some(since) = self.open_since.take()
        {
            self.dependency_nanos += at.nanos_since(since);
        }
    }

    /// These totals at a point in time, up to which a call that is still open counts. Only a request that `has_failed`
    /// has a cause.
    pub(super) fn at(&self, at: Tick, has_failed: bool) -> TotalsAt {
        TotalsAt {
            retries: self.retries,
            dependency_nanos: self.dependency_nanos_at(at),
            slowest: self.slowest.map(|(name, _)| name),
            cause: if has_failed { self.cause } else { None },
        }
    }

    pub(super) fn dependency_nanos_at(&self, at: Tick) -> u64 {
        self.dependency_nanos + self.open_since.map_or(0, |since| at.nanos_since(since))
    }
}
