//! The end of a span of another crate that is a step.

use std::time::Duration;

use super::active::ActiveStep;
use super::fast_path::finish_span;
use super::finish::DirectLine;
use crate::current::{self, LineLease, StepState, ThreadState};
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::Logger;
use crate::logger::timed_spans::{EndedStep, SucceededStep};
use crate::outcome::Answer;
use crate::outcome::failure::Failure;
use crate::outcome::result::CallResult;
use crate::redact::loggable::Encoder;

/// Writes the usual line of a span that succeeded, and adds the step to the totals of its request. Returns false
/// without side effects if the line is another one.
pub(crate) fn span_succeeded(logger: &Logger, step: SucceededStep<'_>) -> bool {
    let has_outer_fields = step.data.parent.as_ref().is_some_and(|parent| !parent.is_bare());
    !has_outer_fields && logger.allows_usual(step.site) && finish_span(logger, step)
}

/// Writes the line of a span that was a step, and adds it to the totals of its request.
pub(crate) fn span_ended(logger: &Logger, ended: EndedStep<'_>) {
    let EndedStep { timed, site, request, around, at, outcome, .. } = ended;
    let pooled = current::with_thread(ThreadState::take_state).flatten();
    let mut state = pooled.unwrap_or_else(|| StepState::new(site));
    state.site = site;
    state.started = timed.started;
    (state.step, state.parent) = timed.position();
    state.is_dropping = false;
    state.busy = Duration::from_nanos(timed.busy(at));
    state.inner = timed.inner();
    match ended.fields {
        Some(fields) => state.fields.push_str(fields),
        None => ended.data.append_fields(&mut state.fields),
    }
    state.call = ended.call.map(|facts| current::CallState::with_facts(site, facts));
    state.extras = ended.recorded;
    state.merge_fields(current::take_extras);
    let mut error = String::new();
    if let Some(failure) = &ended.failure {
        if let Some(error_type) = ended.error_type {
            members::text(&mut error, "error_type", error_type);
        }
        if let Some(detail) = &failure.detail {
            members::open(&mut error, Shown::literal("error_detail"));
            Encoder::json(&mut error, logger.value_limit).shown(detail);
        }
    }
    let failure = ended.failure.as_ref();
    let answer = Answer { category: failure.and_then(|it| it.category), ..Answer::NONE };
    let failure = failure.map(|failure| Failure::of_members(failure.evidence, &error));
    let result = CallResult { failure, answer, ret: None };
    let mut step = ActiveStep { state };
    let mut lease = LineLease::default();
    current::with_thread(|thread| lease.take_buffer(thread, None));
    let (_, buffer) = lease.parts();
    let direct = DirectLine { logger, spans: around };
    let _observation = step.finish_in(Some(direct), request, buffer, at, outcome, &result);
    lease.end(step.state);
}
