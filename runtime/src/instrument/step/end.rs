//! The end of a step or call: its outcome and level, the sums of its request, its line.

use std::sync::Arc;
use std::time::Duration;

use super::{Running, State};
use crate::base::clock::Tick;
use crate::current::scratch::Scratch;
use crate::format::record::Severity;
use crate::instrument::context::{Cause, Request};
use crate::instrument::dependency::{Answer, CallState, Category, Facts};
use crate::json::append::{Pieces, append};
use crate::json::{escape, members};
use crate::logger::emit;
use crate::outcome::result::{CallResult, Failure, OwnedFailure};
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::site::STATUS_CODE;

/// Room for the numbers of a step and what stands between them.
pub(super) const STEP_ROOM: usize = 160;

/// Before the value that a function returned.
pub(super) const RET: &str = ",\"ret\":";

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Error,
    Cancelled,
    Panicked,
}

/// What is known of an end.
struct End<'a> {
    outcome: Outcome,
    failure: Option<&'a Failure<'a>>,
    ret: Option<&'a str>,
}

impl Outcome {
    #[inline]
    const fn member(self) -> &'static str {
        match self {
            Outcome::Ok => ",\"outcome\":\"ok\"",
            Outcome::Error => ",\"outcome\":\"error\"",
            Outcome::Cancelled => ",\"outcome\":\"cancelled\"",
            Outcome::Panicked => ",\"outcome\":\"panicked\"",
        }
    }

    pub(super) fn of(result: &CallResult<'_>) -> Self {
        if result.failure.is_some() { Outcome::Error } else { Outcome::Ok }
    }
}

impl Running {
    /// Ends at `now` under a request that need not be the current one.
    pub(super) fn finish(
        &mut self,
        request: Option<&Arc<Request>>,
        scratch: &mut Scratch,
        now: Tick,
        outcome: Outcome,
        result: &CallResult<'_>,
    ) {
        let state = &mut *self.state;
        // An item of a stream.
        let item = match &mut state.extras {
            Some(extras) if extras.failure.is_some() => extras.failure.take(),
            _ => None,
        };
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if item.is_some() => Outcome::Error,
            outcome => outcome,
        };
        let failure = item.as_ref().map(OwnedFailure::failure);
        let failure = result.failure.as_ref().or(failure.as_ref());
        let answer = item.as_ref().map_or(result.answer, |item| item.answer);
        let end = End { outcome, failure, ret: result.ret.as_deref() };
        match self.state.call.as_deref() {
            None => self.write_step(request, scratch, now, &end),
            Some(call) => self.finish_call(call, answer, request, scratch, now, &end),
        }
    }

    fn write_step(
        &self,
        request: Option<&Arc<Request>>,
        scratch: &mut Scratch,
        now: Tick,
        end: &End<'_>,
    ) {
        let state = &*self.state;
        let took = now.nanos_since(state.started);
        let severity = state.severity(end.outcome, took);
        if let Some(request) = request {
            state.count(request, took, !state.has_inner, end.outcome, None);
        }
        let known = Request::identified(request);
        self.write(request, scratch, now, severity, end.outcome, |out, limit| {
            state.write_step(known, took, end.outcome, end.ret, out);
            if let Some(failure) = end.failure {
                text(out, "error", &failure.short_name());
                write_detail(failure, limit, out);
            }
        });
    }

    fn finish_call(
        &self,
        call: &CallState,
        answer: Answer,
        request: Option<&Arc<Request>>,
        scratch: &mut Scratch,
        now: Tick,
        end: &End<'_>,
    ) {
        let facts = {
            let mut facts = call.facts();
            // Who still holds the call may count on.
            Facts { url: facts.url.take(), ..*facts }
        };
        let state = &*self.state;
        let took = now.nanos_since(state.started);
        let answer = answer.with_status(facts.status);
        let category = call_category(end.outcome, answer.reason());
        // A value that names a reason is no good one, whatever its type.
        let has_failed = category.is_some() && !answer.is_refusal;
        let outcome = match end.outcome {
            Outcome::Ok if has_failed => Outcome::Error,
            outcome => outcome,
        };
        let severity = state.call_severity(outcome, answer.is_refusal, facts.retries, took);
        if let Some(request) = request {
            request.call_ended(now, facts.retries);
            state.count(request, took, !state.has_inner, outcome, category);
        }
        let known = Request::identified(request);
        let last_attempt = facts.last_attempt.map(|began| now.nanos_since(began));
        self.write(request, scratch, now, severity, outcome, |out, limit| {
            state.write_call(&facts, answer.status, category, (took, last_attempt), out);
            if let Some(failure) = end.failure {
                write_detail(failure, limit, out);
            }
            append(out, STEP_ROOM, |pieces| state.write_place(known, outcome, pieces));
            state.write_more(end.ret, out);
        });
    }

    /// Writes the line, and tells others' span.
    #[inline]
    fn write(
        &self,
        request: Option<&Arc<Request>>,
        scratch: &mut Scratch,
        now: Tick,
        severity: Severity,
        outcome: Outcome,
        fields: impl Fn(&mut String, usize),
    ) {
        let site = self.state.site;
        let span = self.state.extras.as_ref().and_then(|extras| extras.span.as_ref());
        emit::emit_with(scratch, site, request, severity, now, span, &fields);
        if let Some(span) = span {
            let mut known = String::new();
            fields(&mut known, DEFAULT_VALUE_LIMIT);
            if matches!(outcome, Outcome::Error | Outcome::Panicked) {
                text(&mut known, STATUS_CODE, "ERROR");
            }
            site.record_on(span, &known);
        }
    }
}

impl State {
    /// Adds it to the sums of its request.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "nearly nothing where all is well")]
    pub(super) fn count(
        &self,
        request: &Request,
        took: u64,
        is_leaf: bool,
        outcome: Outcome,
        category: Option<Category>,
    ) {
        let State { site, step, .. } = *self;
        if let Some(open) = &request.open_steps {
            open.end(site, step);
        }
        let failed = matches!(outcome, Outcome::Error | Outcome::Panicked);
        let cause = || Cause {
            step: site.spec.name,
            dependency: site.spec.call.map(|call| call.dependency),
            step_id: step,
            category,
        };
        request.step_ended(site.spec.name, took, is_leaf, failed.then(cause));
    }

    /// The members of a step's line, but for those of an error.
    #[inline]
    pub(super) fn write_step(
        &self,
        request: Option<&Request>,
        took: u64,
        outcome: Outcome,
        ret: Option<&str>,
        out: &mut String,
    ) {
        let story = self.site.story();
        append(out, story.len() + STEP_ROOM, |pieces| {
            pieces.put(story);
            self.write_times(request, took, outcome, pieces);
        });
        self.write_more(ret, out);
    }

    /// How long it took, how it ended, and where in its request it stands.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(super) fn write_times(
        &self,
        request: Option<&Request>,
        took: u64,
        outcome: Outcome,
        pieces: &mut Pieces<'_>,
    ) {
        pieces.millis(took);
        self.write_place(request, outcome, pieces);
    }

    /// The outcome, and where in its request the step stands.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    fn write_place(&self, request: Option<&Request>, outcome: Outcome, pieces: &mut Pieces<'_>) {
        match outcome {
            // Nearly always.
            Outcome::Ok => pieces.put(Outcome::Ok.member()),
            other => pieces.put(other.member()),
        }
        if let Some(request) = request {
            pieces.put(",\"step_id\":");
            pieces.number(self.step.into());
            pieces.put(",\"parent_id\":");
            pieces.number(self.parent.into());
            pieces.put(",\"offset_ms\":");
            pieces.millis(self.started.nanos_since(request.started));
        }
    }

    /// What only some steps have.
    #[inline]
    fn write_more(&self, ret: Option<&str>, out: &mut String) {
        if self.site.spec.busy {
            millis(out, "busy_ms", self.busy);
        }
        if let Some(extras) = &self.extras {
            out.push_str(&extras.members);
        }
        if let Some(ret) = ret {
            out.push_str(RET);
            out.push_str(ret);
        }
    }

    fn write_call(
        &self,
        facts: &Facts,
        status: Option<u16>,
        category: Option<Category>,
        (took, last_attempt): (u64, Option<u64>),
        out: &mut String,
    ) {
        out.push_str(self.site.story());
        match &facts.url {
            Some(url) => escape::json_string(url, out),
            None => out.push_str("null"),
        }
        append(out, STEP_ROOM, |pieces| {
            match status {
                Some(status) => {
                    pieces.put(",\"status\":");
                    pieces.number(status.into());
                }
                None => pieces.put(",\"status\":null"),
            }
            pieces.put(",\"duration_ms\":");
            pieces.millis(took);
            pieces.put(",\"retries\":");
            pieces.number(facts.retries);
            if let Some(last_attempt) = last_attempt {
                pieces.put(",\"last_attempt_ms\":");
                pieces.millis(last_attempt);
            }
            match category {
                Some(category) => {
                    pieces.put(",\"error\":\"");
                    pieces.put(category.as_str());
                    pieces.put("\"");
                }
                None => pieces.put(",\"error\":null"),
            }
        });
    }

    #[inline]
    pub(super) fn severity(&self, outcome: Outcome, took: u64) -> Severity {
        let spec = &self.site.spec;
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
            Outcome::Error => self.site.spec.err.into(),
            Outcome::Ok if retries > 0 => Severity::Warn,
            Outcome::Ok => self.slow_or(self.site.spec.level.into(), took),
        }
    }

    #[inline]
    fn slow_or(&self, level: Severity, took: u64) -> Severity {
        match self.site.spec.slow_nanos {
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

/// Milliseconds with three decimals.
pub(crate) fn millis(out: &mut String, key: &str, value: Duration) {
    members::open(out, key);
    write_millis(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX), out);
}

/// Nanoseconds as milliseconds.
fn write_millis(nanos: u64, out: &mut String) {
    append(out, 32, |pieces| pieces.millis(nanos));
}
