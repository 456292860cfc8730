//! The end of a span of another crate that is a step.

use super::active::ActiveStep;
use super::fast_path::finish_span;
use super::finish::{DirectLine, millis};
use crate::current::{self, Frame, LineLease, StepState, ThreadState};
use crate::format::record::Severity;
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::Logger;
use crate::logger::timed_spans::EndedStep;
use crate::outcome::Answer;
use crate::outcome::failure::Failure;
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::redact::loggable::Encoder;

/// Writes the line of a span that was a step, and adds it to the totals of its request.
pub(crate) fn span_ended(logger: &Logger, ended: EndedStep<'_>) {
    let EndedStep { timed, site, request, around, at, outcome, failure, .. } = ended;
    let pooled = current::with_thread(ThreadState::take_state).flatten();
    let mut state = pooled.unwrap_or_else(|| StepState::new(site));
    state.site = site;
    state.started = timed.started;
    (state.step, state.parent) = (timed.step(), timed.parent());
    state.is_dropping = false;
    // A span that is entered on several threads at once can be entered for longer than it lasts.
    state.busy = timed.busy().min(at.since(timed.started));
    state.inner = timed.inner();
    if outcome == Outcome::Ok && ended.call.is_none() && ended.recorded.is_none() {
        // The members have the same order as on the slow path.
        millis(&mut state.fields, "busy_ms", state.busy);
        let own = state.fields.len();
        (ended.fields)(&mut state.fields);
        let level = Severity::of(site.spec.level).level();
        if !around.has_fields() && logger.allows_in(site.spec.target, level, request) {
            let frame = Frame { request: request.cloned(), inner: state.inner, ..Frame::default() };
            if let Some(_observation) = finish_span(logger, &state, &frame, at) {
                current::with_thread(|thread| thread.keep_plain(state, None));
                return;
            }
        }
        state.fields.drain(..own);
    } else {
        (ended.fields)(&mut state.fields);
    }
    state.call = ended.call.map(|facts| current::CallState::with_facts(site, facts));
    state.extras = ended.recorded;
    state.merge_fields(current::take_extras);
    let mut error = String::new();
    if let Some(failure) = &failure {
        if let Some(error_type) = &ended.error_type {
            members::text(&mut error, "error_type", error_type);
        }
        if let Some(detail) = &failure.detail {
            members::open(&mut error, Shown::literal("error_detail"));
            Encoder::json(&mut error, logger.value_limit).shown(detail);
        }
    }
    let answer = Answer { category: failure.as_ref().and_then(|it| it.category), ..Answer::NONE };
    let failure = failure.as_ref().map(|failure| Failure::of_members(failure.evidence, &error));
    let result = CallResult { failure, answer, ret: None };
    let mut step = ActiveStep { state };
    let mut lease = LineLease::default();
    current::with_thread(|thread| lease.take_buffer(thread, None));
    let (_, buffer) = lease.parts();
    let direct = DirectLine { logger, spans: around };
    let _observation = step.finish_in(Some(direct), request, buffer, at, outcome, &result);
    lease.end(step.state);
}
