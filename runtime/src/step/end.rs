//! The end of a step or call: its outcome and level, the sums of its request, its line.

use std::sync::Arc;
use std::time::Duration;

use super::Running;
use crate::clock::Tick;
use crate::context::{Cause, Request};
use crate::dependency::{CallState, Category, Facts};
use crate::ending::{Ending, Failure, Written};
use crate::format::{Pieces, members, number};
use crate::loggable::DEFAULT_VALUE_LIMIT;
use crate::record::Severity;
use crate::site::STATUS_CODE;
use crate::{emit, escape};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    /// The member, with the key of the one that follows in a request.
    const fn before_id(self) -> &'static str {
        match self {
            Outcome::Ok => ",\"outcome\":\"ok\",\"step_id\":",
            Outcome::Error => ",\"outcome\":\"error\",\"step_id\":",
            Outcome::Cancelled => ",\"outcome\":\"cancelled\",\"step_id\":",
            Outcome::Panicked => ",\"outcome\":\"panicked\",\"step_id\":",
        }
    }

    fn member(self) -> &'static str {
        self.before_id().trim_end_matches(",\"step_id\":")
    }

    pub(super) fn of(ending: &Ending<'_>) -> Self {
        if ending.failure.is_some() { Outcome::Error } else { Outcome::Ok }
    }
}

impl Running {
    /// Ends at `now` under a request that need not be the current one.
    pub(super) fn finish(
        &mut self,
        request: Option<&Arc<Request>>,
        now: Tick,
        outcome: Outcome,
        ending: &Ending<'_>,
    ) {
        let site = self.state.site;
        let took = now.nanos_since(self.state.started);
        let item = self.state.extras.as_mut().and_then(|extras| extras.failure.take());
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if item.is_some() => Outcome::Error,
            outcome => outcome,
        };
        let facts = self.own_call().map(|call| call.facts().clone());
        let answer = item.as_ref().map_or(ending.answer, |item| item.answer);
        let answer = answer.with_status(facts.as_ref().and_then(|facts| facts.status));
        let (outcome, severity, category) = match &facts {
            None => (outcome, self.severity(outcome, took), None),
            Some(facts) => {
                let category = call_category(outcome, answer.reason());
                // A value that names a reason is no good one, whatever its type.
                let has_failed = category.is_some() && !answer.is_refusal;
                let outcome =
                    if outcome == Outcome::Ok && has_failed { Outcome::Error } else { outcome };
                let refused = answer.is_refusal;
                let severity = self.call_severity(outcome, refused, facts.retries, took);
                (outcome, severity, category)
            }
        };
        if let Some(request) = request {
            if let Some(facts) = &facts {
                request.call_ended(now, facts.retries);
            }
            if let Some(open) = &request.open_steps {
                open.end(site, self.state.step);
            }
            let failed = matches!(outcome, Outcome::Error | Outcome::Panicked);
            let cause = failed.then_some(Cause {
                step: site.spec.name,
                dependency: site.spec.call.map(|call| call.dependency),
                step_id: self.state.step,
                category,
            });
            request.step_ended(site.spec.name, took, !self.state.has_inner, cause);
        }
        let item = item.as_ref().map(Written::failure);
        let failure = ending.failure.as_ref().or(item.as_ref());
        let fields = |out: &mut String, limit: usize| {
            let mut pieces = Pieces::new();
            match &facts {
                None => {
                    out.push_str(site.story());
                    pieces.millis(took);
                }
                Some(facts) => {
                    let last_attempt = facts.last_attempt.map(|began| now.nanos_since(began));
                    self.write_call(facts, answer.status, category, (took, last_attempt), out);
                    if let Some(failure) = failure {
                        write_detail(failure, limit, out);
                    }
                }
            }
            if let Some(request) = request.filter(|request| request.has_id()) {
                pieces.put(outcome.before_id());
                pieces.number(self.state.step.into());
                pieces.put(",\"parent_id\":");
                pieces.number(self.state.parent.into());
                pieces.put(",\"offset_ms\":");
                pieces.millis(self.state.started.nanos_since(request.started));
            } else {
                pieces.put(outcome.member());
            }
            pieces.append_to(out);
            if site.spec.busy {
                millis(out, "busy_ms", self.state.busy);
            }
            if let Some(extras) = &self.state.extras {
                out.push_str(&extras.members);
            }
            if let Some(ret) = &ending.ret {
                members::open(out, "ret");
                out.push_str(ret);
            }
            if let (None, Some(failure)) = (&facts, failure) {
                text(out, "error", &failure.short_name());
                write_detail(failure, limit, out);
            }
        };
        let span = self.state.extras.as_ref().and_then(|extras| extras.span.as_ref());
        emit::emit_at(site, request, severity, now, span, fields);
        if let Some(span) = span {
            let mut known = String::new();
            fields(&mut known, DEFAULT_VALUE_LIMIT);
            if matches!(outcome, Outcome::Error | Outcome::Panicked) {
                text(&mut known, STATUS_CODE, "ERROR");
            }
            site.record_on(span, &known);
        }
    }

    /// The state of the call where this is one.
    fn own_call(&self) -> Option<&CallState> {
        self.state.call.as_deref()
    }

    fn write_call(
        &self,
        facts: &Facts,
        status: Option<u16>,
        category: Option<Category>,
        (took, last_attempt): (u64, Option<u64>),
        out: &mut String,
    ) {
        let site = self.state.site;
        let spec = &site.spec;
        text(out, "event", "dependency_call");
        text(out, "dependency", site.dependency());
        text(out, "operation", spec.name);
        optional(out, "dependency_method", spec.call.and_then(|call| call.method));
        optional(out, "url", facts.url.as_deref());
        members::open(out, "status");
        match status {
            Some(status) => number(status.into(), out),
            None => out.push_str("null"),
        }
        members::open(out, "duration_ms");
        write_millis(took, out);
        members::open(out, "retries");
        number(facts.retries, out);
        if let Some(last_attempt) = last_attempt {
            members::open(out, "last_attempt_ms");
            write_millis(last_attempt, out);
        }
        optional(out, "error", category.map(Category::as_str));
    }

    fn severity(&self, outcome: Outcome, took: u64) -> Severity {
        let spec = &self.state.site.spec;
        match outcome {
            Outcome::Panicked => Severity::Error,
            Outcome::Error => spec.err.into(),
            Outcome::Cancelled => Severity::Info,
            Outcome::Ok => self.slow_or(spec.level.into(), took),
        }
    }

    fn call_severity(&self, outcome: Outcome, refused: bool, retries: u64, took: u64) -> Severity {
        match outcome {
            Outcome::Panicked => Severity::Error,
            Outcome::Cancelled => Severity::Info,
            Outcome::Ok | Outcome::Error if refused => Severity::Warn,
            Outcome::Error => self.state.site.spec.err.into(),
            Outcome::Ok if retries > 0 => Severity::Warn,
            Outcome::Ok => self.slow_or(self.state.site.spec.level.into(), took),
        }
    }

    fn slow_or(&self, level: Severity, took: u64) -> Severity {
        match self.state.site.spec.slow_nanos {
            0 => level,
            limit if took >= limit => Severity::Warn,
            _ => Severity::Debug,
        }
    }
}

fn call_category(outcome: Outcome, reason: Option<Category>) -> Option<Category> {
    match outcome {
        Outcome::Cancelled => Some(Category::Cancelled),
        Outcome::Panicked => Some(Category::Panicked),
        Outcome::Error => reason.or(Some(Category::Other)),
        Outcome::Ok => reason,
    }
}

/// The text of an error, where it has one of its own.
fn write_detail(failure: &Failure<'_>, limit: usize, out: &mut String) {
    let from = out.len();
    members::open(out, "error_detail");
    if !failure.write_detail(limit, out) {
        out.truncate(from);
    }
}

pub(super) fn text(out: &mut String, key: &str, value: &str) {
    members::open(out, key);
    escape::json_string(value, out);
}

fn optional(out: &mut String, key: &str, value: Option<&str>) {
    match value {
        Some(value) => text(out, key, value),
        None => {
            members::open(out, key);
            out.push_str("null");
        }
    }
}

/// Milliseconds with three decimals.
pub(crate) fn millis(out: &mut String, key: &str, value: Duration) {
    members::open(out, key);
    write_millis(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX), out);
}

/// Nanoseconds as milliseconds.
fn write_millis(nanos: u64, out: &mut String) {
    let mut pieces = Pieces::new();
    pieces.millis(nanos);
    pieces.append_to(out);
}
