//! The end of a step or call: its outcome and severity, the totals of its request, and its line.

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveStep;
use super::fields::OWN_ERROR;
use crate::base::clock::Tick;
use crate::current::span_stack::SpanScope;
use crate::current::{CallFacts, CallState, LineBuffer, StepState};
use crate::format::record::{ContextKeys, Severity};
use crate::instrument::unsupported;
use crate::json::append::{Appender, NUMBER_ROOM, append};
use crate::json::shown::Shown;
use crate::json::{escape, members};
use crate::logger::{self, Logger, emit, notices};
use crate::metrics::Observation;
use crate::outcome::failure::{ErrorClass, Failure, OwnedFailure};
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::outcome::{Answer, AnswerStatus, Category};
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::request::Request;
use crate::request::totals::Cause;
use crate::site::{STATUS_CODE, Site};

/// Capacity for the numbers of a step, with their keys.
pub(super) const STEP_ROOM: usize = 160;

/// The key of the value that a function returned.
pub(super) const RET: &str = ",\"ret\":";

/// How a step ended.
struct StepEnd<'a> {
    outcome: Outcome,
    failure: Option<&'a Failure<'a>>,
    ret: Option<&'a str>,
}

/// The destination of a step's line that bypasses the thread's subscriber: a logger, with the fields of these spans.
#[derive(Debug, Clone, Copy)]
pub(super) struct DirectLine<'a> {
    pub(super) logger: &'a Logger,
    pub(super) spans: SpanScope<'a>,
}

impl ActiveStep {
    /// Writes the line of a step that ended at `now`, in a request that need not be the current one. The returned
    /// observation must be dropped after the lease of the request ends, because the recorder is user code.
    pub(super) fn finish(
        &mut self,
        request: Option<&Arc<Request>>,
        buffer: &mut LineBuffer,
        now: Tick,
        outcome: Outcome,
        result: &CallResult<'_>,
    ) -> Observation {
        self.finish_in(None, request, buffer, now, outcome, result)
    }

    /// Like [`finish`](Self::finish), but with an explicit logger for the line.
    pub(super) fn finish_in(
        &mut self,
        direct: Option<DirectLine<'_>>,
        request: Option<&Arc<Request>>,
        buffer: &mut LineBuffer,
        now: Tick,
        outcome: Outcome,
        result: &CallResult<'_>,
    ) -> Observation {
        if outcome == Outcome::Panicked {
            notices::panicked();
        }
        let state = &mut *self.state;
        if let Some(extras) = &mut state.extras {
            extras.add_recorded_on_span();
        }
        // The first error among the items of a stream.
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
        let end = StepEnd { outcome, failure, ret: result.ret.as_deref() };
        match self.state.call.as_deref() {
            None => self.write_step(direct, answer, request, buffer, now, &end),
            Some(call) => self.finish_call(direct, call, answer, request, buffer, now, &end),
        }
    }

    fn write_step(
        &self,
        direct: Option<DirectLine<'_>>,
        answer: Answer,
        request: Option<&Arc<Request>>,
        buffer: &mut LineBuffer,
        now: Tick,
        end: &StepEnd<'_>,
    ) -> Observation {
        let state = &*self.state;
        let took = now.nanos_since(state.started);
        let severity = state.severity(end.outcome, took);
        let category = answer.reason().filter(|_| end.failure.is_some());
        let class = end.failure.map(|failure| failure.class(category));
        if let Some(request) = request {
            let own_time = state.own_time(took);
            state.position().count(request, own_time, end.outcome, category, answer.status);
            if let Some(story) = request.story() {
                story.step_ended(state.site.spec.name, own_time);
            }
        }
        let known = Request::identified(request);
        let observation = state.site.observe(|| took, end.outcome, class);
        let is_written =
            self.write(direct, request, buffer, now, severity, end.outcome, |out, limit| {
                state.write_step(known, took, end.outcome, end.ret, class.is_some(), out);
                if let (Some(failure), Some(class)) = (end.failure, class) {
                    write_class(class, out);
                    failure.write_members(Shown::literal("error"), limit, out);
                }
            });
        if is_written {
            observation.line_written(request, now);
        }
        observation
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn finish_call(
        &self,
        direct: Option<DirectLine<'_>>,
        call: &CallState,
        answer: Answer,
        request: Option<&Arc<Request>>,
        buffer: &mut LineBuffer,
        now: Tick,
        end: &StepEnd<'_>,
    ) -> Observation {
        let facts = {
            let mut facts = call.facts();
            // Copied except for the URL, since clones of the `Call` handle may still add retries.
            CallFacts { url: facts.url.take(), ..*facts }
        };
        let state = &*self.state;
        let took = now.nanos_since(state.started);
        let answer = answer.with_reported(facts.status);
        let category = call_category(end.outcome, answer.reason());
        // A value that names a category is a failure, whatever its type.
        let has_failed = category.is_some() && !answer.is_refusal;
        let outcome = match end.outcome {
            Outcome::Ok if has_failed => Outcome::Error,
            outcome => outcome,
        };
        let class = category.map(|category| class_of(category, end.failure));
        let severity = state.call_severity(outcome, answer.is_refusal, facts.retries, took);
        if let Some(request) = request {
            request.call_ended(now, facts.retries);
            let own_time = state.own_time(took);
            state.position().count(request, own_time, outcome, category, answer.status);
            if let Some(story) = request.story() {
                story.call_ended(state.site.dependency(), took, facts.retries);
            }
        }
        let known = Request::identified(request);
        let last_attempt = facts.last_attempt.map(|began| now.nanos_since(began));
        let observation = state.site.observe(|| took, outcome, class);
        let is_written =
            self.write(direct, request, buffer, now, severity, outcome, |out, limit| {
                state.write_call(&facts, answer, class, (took, last_attempt), out);
                if let Some(failure) = end.failure {
                    failure.write_members(Shown::literal("error"), limit, out);
                }
                append(out, STEP_ROOM, |pieces| state.position().write(known, outcome, pieces));
                state.write_more(end.ret, class.is_some(), out);
            });
        if is_written {
            observation.line_written(request, now);
        }
        if let Some(unread) = answer.unsupported
            && answer.status.is_none()
            && answer.category.is_none()
        {
            unsupported::report(call.site, unread, request, buffer, now);
        }
        observation
    }

    /// Writes the line, and records its fields on the span for other layers. Returns whether the line was written.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn write(
        &self,
        direct: Option<DirectLine<'_>>,
        request: Option<&Arc<Request>>,
        buffer: &mut LineBuffer,
        now: Tick,
        severity: Severity,
        outcome: Outcome,
        fields: impl Fn(&mut String, usize),
    ) -> bool {
        let site = self.state.site;
        let span = self.state.span.as_deref();
        let extras = self.state.extras.as_ref();
        let takes_context = extras.is_some_and(|extras| extras.marks.takes_context);
        if let Some(direct) = direct {
            return direct.write(buffer, site, request, severity, now, takes_context, fields);
        }
        let is_written =
            emit::emit_with(buffer, site, request, severity, now, span, takes_context, &fields);
        // Without other layers, the span exists only for candor's own layer, which knows these fields.
        if let Some(span) = span
            && !logger::is_only_layer()
        {
            let mut known = String::new();
            fields(&mut known, DEFAULT_VALUE_LIMIT);
            if outcome.is_failure() {
                members::text(&mut known, STATUS_CODE, "ERROR");
            }
            let recorded = self.state.extras.as_deref().and_then(|extras| extras.span.as_ref());
            let recorded = recorded.map_or("", |span| span.recorded.as_str());
            site.record_on(span, &known, recorded);
        }
        is_written
    }
}

impl DirectLine<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn write(
        self,
        buffer: &mut LineBuffer,
        site: &'static Site,
        request: Option<&Arc<Request>>,
        severity: Severity,
        at: Tick,
        takes_context: bool,
        fields: impl Fn(&mut String, usize),
    ) -> bool {
        let DirectLine { logger, spans } = self;
        let mut record = site.record(severity, at);
        if takes_context {
            record.context_keys = ContextKeys::Replaced;
        }
        let prefix = site.prefix(severity, &logger.template);
        logger.write_in(buffer, request, &record, spans, prefix, |out| {
            fields(out, logger.value_limit);
        })
    }
}

/// The position of a step in its request.
#[derive(Clone, Copy)]
pub(super) struct StepPosition {
    pub(super) site: &'static Site,
    pub(super) started: Tick,
    /// The step's id within its request; 0 outside any request.
    pub(super) step: u32,
    /// The id of the step around it; 0 for a root.
    pub(super) parent: u32,
}

impl StepPosition {
    /// Adds the step to the totals of its request.
    #[inline(always)]
    pub(super) fn count(
        self,
        request: &Request,
        own_time: u64,
        outcome: Outcome,
        category: Option<Category>,
        status: Option<AnswerStatus>,
    ) {
        let StepPosition { site, step, .. } = self;
        if let Some(open) = &request.open_steps {
            open.end(site.index(), step);
        }
        let cause = || Cause {
            step: site.spec.name,
            dependency: site.spec.call.map(|call| call.dependency),
            step_id: step,
            category,
            status: status.filter(|_| category == Some(Category::Status)),
        };
        request.step_ended(site.spec.name, own_time, outcome.is_failure().then(cause));
    }

    /// Appends the outcome, and the step's position in its request.
    #[inline(always)]
    pub(super) fn write(
        self,
        request: Option<&Request>,
        outcome: Outcome,
        pieces: &mut Appender<'_>,
    ) {
        match outcome {
            // Most steps: of known length, the member is moved in registers.
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
}

impl StepState {
    #[inline(always)]
    pub(super) fn position(&self) -> StepPosition {
        let StepState { site, started, step, parent, .. } = *self;
        StepPosition { site, started, step, parent }
    }

    /// Appends the members of a step's line, without those of an error.
    #[inline]
    pub(super) fn write_step(
        &self,
        request: Option<&Request>,
        took: u64,
        outcome: Outcome,
        ret: Option<&str>,
        has_failed: bool,
        out: &mut String,
    ) {
        let prefix = self.site.step_prefix();
        append(out, prefix.len() + STEP_ROOM, |pieces| {
            pieces.put(prefix);
            pieces.millis(took);
            self.position().write(request, outcome, pieces);
        });
        self.write_more(ret, has_failed, out);
    }

    /// Appends the members that only some steps have.
    ///
    /// `has_failed` is true if the line has the step's own error.
    #[inline(always)]
    fn write_more(&self, ret: Option<&str>, has_failed: bool, out: &mut String) {
        if self.site.spec.busy {
            millis(out, "busy_ms", self.busy);
        }
        match &self.extras {
            Some(extras) if extras.marks.has_error && !has_failed => {
                write_own_error(&extras.members, out);
            }
            Some(extras) => out.push_str(&extras.members),
            None => {}
        }
        if let Some(ret) = ret {
            out.push_str(RET);
            out.push_str(ret);
        }
    }

    /// Whether a field is an error, in place of the step's own.
    #[inline]
    fn has_error(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.marks.has_error)
    }

    fn write_call(
        &self,
        facts: &CallFacts,
        answer: Answer,
        class: Option<ErrorClass>,
        (took, last_attempt): (u64, Option<u64>),
        out: &mut String,
    ) {
        out.push_str(self.site.step_prefix());
        match &facts.url {
            Some(url) => escape::json_string(url.shown(), out),
            None => out.push_str("null"),
        }
        append(out, STEP_ROOM, |pieces| {
            put_status(answer.status, took, facts.retries, pieces);
            if let Some(last_attempt) = last_attempt {
                pieces.put(",\"last_attempt_ms\":");
                pieces.millis(last_attempt);
            }
            match class {
                Some(ErrorClass::Category(category)) => put_category(category, pieces),
                None if !self.has_error() => pieces.put(",\"error\":null"),
                _ => {}
            }
        });
        if let Some(class @ ErrorClass::Type(_)) = class {
            write_class(class, out);
        }
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

#[cold]
fn class_of(category: Category, failure: Option<&Failure<'_>>) -> ErrorClass {
    match failure {
        Some(failure) => failure.class(Some(category)),
        None => ErrorClass::Category(category),
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

/// Appends recorded members with an error, which gets the keys of the step's own error.
#[cold]
fn write_own_error(recorded: &str, out: &mut String) {
    for member in members::walk(recorded, 0) {
        match OWN_ERROR.into_iter().find(|(_, marked)| *marked == member.key) {
            Some((key, _)) => {
                members::open(out, key);
                out.push_str(member.value);
            }
            None => out.push_str(&recorded[member.start..member.end]),
        }
    }
}

/// Appends the class of an error.
fn write_class(class: ErrorClass, out: &mut String) {
    match class {
        ErrorClass::Category(category) => {
            append(out, STEP_ROOM, |pieces| put_category(category, pieces));
        }
        ErrorClass::Type(_) => members::text(out, "error", &class.shown()),
    }
}

/// Appends the members of a call from `status` to `retries`.
#[inline(always)]
pub(super) fn put_status(
    status: Option<AnswerStatus>,
    took: u64,
    retries: u64,
    pieces: &mut Appender<'_>,
) {
    match status {
        Some(AnswerStatus::Http(status)) => {
            pieces.put(",\"status\":");
            pieces.number(status.into());
        }
        Some(AnswerStatus::Grpc(code)) => {
            pieces.put(",\"status\":null,\"grpc_status\":");
            pieces.number(code.into());
        }
        None => pieces.put(",\"status\":null"),
    }
    pieces.put(",\"duration_ms\":");
    pieces.millis(took);
    pieces.put(",\"retries\":");
    pieces.number(retries);
}

/// Appends a category as the class of an error.
fn put_category(category: Category, pieces: &mut Appender<'_>) {
    for piece in [",\"error\":\"", category.as_str(), "\""] {
        pieces.put(piece);
    }
}

/// Appends a duration in milliseconds, with three decimals.
pub(crate) fn millis(out: &mut String, key: &'static str, value: Duration) {
    members::open(out, key);
    let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
    append(out, NUMBER_ROOM, |pieces| pieces.millis(nanos));
}
