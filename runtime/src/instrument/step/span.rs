//! The end of a span of another crate that is a step.

use super::active::ActiveStep;
use super::fast_path::finish_span;
use super::finish::DirectLine;
use crate::current::{self, LineLease, StepState, ThreadState};
use crate::json::append::{NUMBER_ROOM, append};
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
    let EndedStep { timed, site, request, around, at, outcome, .. } = ended;
    let pooled = current::with_thread(ThreadState::take_state).flatten();
    let mut state = pooled.unwrap_or_else(|| StepState::new(site));
    state.site = site;
    state.started = timed.started;
    (state.step, state.parent) = (timed.step(), timed.parent());
    state.is_dropping = false;
    // A span that is entered on several threads at once can be entered for longer than it lasts.
    state.busy = timed.busy().min(at.since(timed.started));
    state.inner = timed.inner();
    let is_usual = outcome == Outcome::Ok && ended.call.is_none() && ended.recorded.is_none();
    if is_usual && !around.has_fields() && logger.allows_usual(site) {
        // The members have the same order as on the slow path.
        write_busy(&mut state);
        ended.write_fields(&mut state.fields);
        state.frame.request = request.cloned();
        state.frame.inner = state.inner;
        let written = finish_span(logger, &state, at);
        // Dropped after the borrow.
        let _taken = state.frame.take();
        if let Some(_observation) = written {
            current::with_thread(|thread| thread.keep_plain(state, None));
            return;
        }
        state.fields.clear();
    }
    ended.write_fields(&mut state.fields);
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

fn write_busy(state: &mut StepState) {
    const KEY: &str = ",\"busy_ms\":";
    let busy = u64::try_from(state.busy.as_nanos()).unwrap_or(u64::MAX);
    append(&mut state.fields, KEY.len() + NUMBER_ROOM, |pieces| {
        pieces.put(KEY);
        pieces.millis(busy);
    });
}
