//! The fast path: the end of a step or call that succeeds and writes its usual line, without other layers.
//!
//! Everything is done in one borrow of the thread's state, and the line is rendered as one piece into capacity that is
//! reserved once. The fast path declines without side effects if any of its conditions does not hold; the step then
//! takes the slow path, which writes the same bytes.

use std::mem;
use std::sync::MutexGuard;

use super::active::ActiveStep;
use super::finish::{RET, STEP_ROOM, put_status};
use crate::base::clock::Tick;
use crate::current::{
    self, CallFacts, CallState, Frame, LineBuffer, StepState, ThreadState, span_stack,
};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
use crate::format::template::LineHead;
use crate::json::append::{Appender, NUMBER_ROOM, append};
use crate::json::escape::is_clean;
use crate::logger::timed_spans::SucceededStep;
use crate::logger::{self, Logger};
use crate::metrics::Observation;
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::outcome::{Answer, AnswerStatus};
use crate::redact::shown::Redacted;
use crate::request::Request;
use crate::site::{DURATION, FastLine, FastPath, STEP_PREFIX};

const END: &str = "}\n";
/// The key of the time for which a span was entered.
const BUSY: &str = ",\"busy_ms\":";

/// What differs between the lines of a step and of a call. The compiler makes code of its own for each, so that a step
/// does not pay for calls.
trait LineKind {
    /// The details that only this kind has.
    type Details<'a>;

    /// Returns `None` if the fast path does not apply.
    fn details<'a>(state: &'a StepState, answer: Answer) -> Option<Self::Details<'a>>;

    /// An upper bound of the bytes up to the outcome.
    fn room(details: &Self::Details<'_>, name: &str) -> usize;

    /// Writes the members up to the outcome.
    fn write(details: &Self::Details<'_>, name: &str, took: u64, pieces: &mut Appender<'_>);

    /// Counts the call.
    fn count(request: &Request, now: Tick);
}

struct StepLine;

impl LineKind for StepLine {
    type Details<'a> = ();

    #[inline(always)]
    fn details<'a>(_: &'a StepState, _: Answer) -> Option<()> {
        Some(())
    }

    #[inline(always)]
    fn room((): &(), name: &str) -> usize {
        STEP_PREFIX.len() + name.len() + DURATION.len()
    }

    #[inline(always)]
    fn write((): &(), name: &str, took: u64, pieces: &mut Appender<'_>) {
        pieces.put(STEP_PREFIX);
        pieces.put(name);
        pieces.put(DURATION);
        pieces.millis(took);
    }

    #[inline(always)]
    fn count(_: &Request, _: Tick) {}
}

struct CallLine;

impl LineKind for CallLine {
    type Details<'a> = UsualCall<'a>;

    fn details<'a>(state: &'a StepState, answer: Answer) -> Option<UsualCall<'a>> {
        UsualCall::of(state.call.as_deref()?, answer)
    }

    fn room(call: &UsualCall<'_>, _: &str) -> usize {
        call.prefix.len() + call.url().map_or(0, str::len) + STEP_ROOM
    }

    #[inline]
    fn write(call: &UsualCall<'_>, _: &str, took: u64, pieces: &mut Appender<'_>) {
        pieces.put(call.prefix);
        match call.url() {
            Some(url) => {
                pieces.put("\"");
                pieces.put(url);
                pieces.put("\"");
            }
            None => pieces.put("null"),
        }
        put_status(call.status, took, 0, pieces);
        pieces.put(",\"error\":null");
    }

    fn count(request: &Request, now: Tick) {
        request.call_ended(now, 0);
    }
}

impl ActiveStep {
    /// Ends a step or call on its thread that succeeded.
    #[inline]
    pub(super) fn finish_ok(self, now: Tick, result: &CallResult<'_>) {
        match self.state.site.fast_path() {
            Some(FastPath::Step) if self.state.span.is_none() => {
                self.finish_ok_as::<StepLine>(now, result)
            }
            Some(FastPath::Call) if self.state.span.is_none() => {
                self.finish_ok_as::<CallLine>(now, result)
            }
            _ => self.end(now, Outcome::Ok, result),
        }
    }

    #[inline(never)]
    fn finish_ok_as<K: LineKind>(self, now: Tick, result: &CallResult<'_>) {
        let (observed, started) = (self.state.site, self.state.started);
        // Dropped last, since the recorder is user code.
        let mut observation = Observation::NONE;
        let mut state = Some(self.state);
        logger::if_only_layer(|logger| {
            let line = |thread: &mut ThreadState| {
                let written = finish_here::<K>(logger, thread, &mut state, now, result)?;
                // The writer is user code, and finds no request.
                Some((thread.line_buffer.take()?, thread.frame.request.take(), written))
            };
            let made = current::with_thread(line).flatten();
            let Some((buffer, request, (severity, site))) = made else { return };
            let is_written = logger.sink.write(site, severity, &buffer.line);
            logger.export(request.as_ref(), 0, severity, &buffer.line);
            observation = observed.observe(|| now.nanos_since(started), Outcome::Ok, None);
            if is_written {
                observation.line_written(request.as_ref(), now);
            }
            // Dropped after the borrow.
            let _left = current::with_thread(|thread| {
                thread.keep_line_buffer(buffer);
                mem::replace(&mut thread.frame.request, request)
            });
        });
        // The state is unchanged if the fast path declined.
        if let Some(state) = state {
            ActiveStep { state }.end(now, Outcome::Ok, result);
        }
    }

    /// Ends a step or call that is a future, whose frame is not current, and that succeeded.
    #[inline]
    pub(super) fn finish_own_ok(self, now: Tick, result: &CallResult<'_>) {
        match self.state.site.fast_path() {
            Some(FastPath::Step) if self.state.span.is_none() => {
                self.finish_own_ok_as::<StepLine>(now, result)
            }
            Some(FastPath::Call) if self.state.span.is_none() => {
                self.finish_own_ok_as::<CallLine>(now, result)
            }
            _ => self.end_own(now, Outcome::Ok, result),
        }
    }

    #[inline(never)]
    fn finish_own_ok_as<K: LineKind>(self, now: Tick, result: &CallResult<'_>) {
        let (observed, started) = (self.state.site, self.state.started);
        let mut observation = Observation::NONE;
        let mut own = Some(self.state);
        logger::if_only_layer(|logger| {
            let Some(state) = own.as_deref() else { return };
            let line = |thread: &mut ThreadState| {
                let outer = span_stack::have_fields();
                let buffer = &mut thread.line_buffer;
                let written = render::<K>(logger, state, &state.frame, buffer, now, result, outer)?;
                Some((thread.line_buffer.take()?, written))
            };
            let Some((buffer, (severity, site))) = current::with_thread(line).flatten() else {
                return;
            };
            let is_written = logger.sink.write(site, severity, &buffer.line);
            logger.export(state.frame.request.as_ref(), 0, severity, &buffer.line);
            observation = observed.observe(|| now.nanos_since(started), Outcome::Ok, None);
            if is_written {
                observation.line_written(state.frame.request.as_ref(), now);
            }
            let Some(mut state) = own.take() else { return };
            // This may drop the last reference to the request, so it comes after the borrow.
            let mut taken = state.frame.take();
            let extras = taken.extras.take();
            current::with_thread(|thread| {
                state.add_to_outer(&mut thread.frame, now);
                thread.keep_line_buffer(buffer);
                thread.keep_plain(state, extras);
            });
        });
        if let Some(state) = own {
            ActiveStep { state }.end_own(now, Outcome::Ok, result);
        }
    }
}

/// Ends a span that was a step, succeeded, and is not inside a span with fields. Returns false without side effects if
/// the fast path does not apply.
pub(super) fn finish_span(logger: &Logger, step: SucceededStep<'_>) -> bool {
    let SucceededStep { timed, data, site, at, fields } = step;
    let request = data.request();
    let line = |thread: &mut ThreadState| {
        let mut state = thread.take_state().unwrap_or_else(|| StepState::new(site));
        state.site = site;
        state.started = timed.started;
        (state.step, state.parent) = (timed.step(), timed.parent());
        // The members have the same order as on the slow path.
        append(&mut state.fields, BUSY.len() + NUMBER_ROOM, |pieces| {
            pieces.put(BUSY);
            pieces.millis(timed.busy(at));
        });
        match fields {
            Some(fields) => state.fields.push_str(fields),
            None => data.append_fields(&mut state.fields),
        }
        state.frame.request = request.cloned();
        state.frame.inner = timed.inner();
        let written = render::<StepLine>(
            logger,
            &state,
            &state.frame,
            &mut thread.line_buffer,
            at,
            &CallResult::OK,
            false,
        );
        state.frame.inner = 0;
        // `data` holds the request, too, so this does not drop it.
        state.frame.request = None;
        thread.keep_plain(state, None);
        Some((written?, thread.line_buffer.take()?))
    };
    let Some(((severity, id), buffer)) = current::with_thread(line).flatten() else {
        return false;
    };
    let is_written = logger.sink.write(id, severity, &buffer.line);
    logger.export(request, 0, severity, &buffer.line);
    let observation = site.observe(|| at.nanos_since(timed.started), Outcome::Ok, None);
    if is_written {
        observation.line_written(request, at);
    }
    current::with_thread(|thread| thread.keep_line_buffer(buffer));
    true
}

/// Renders the line of the innermost step, and pops the step. Returns `None` without side effects if the fast path does
/// not apply.
#[inline]
fn finish_here<K: LineKind>(
    logger: &Logger,
    thread: &mut ThreadState,
    own: &mut Option<Box<StepState>>,
    now: Tick,
    result: &CallResult<'_>,
) -> Option<(Severity, SiteId)> {
    let state = own.as_deref_mut()?;
    if thread.frame.token != state.token {
        return None;
    }
    let outer = span_stack::have_fields();
    let written =
        render::<K>(logger, state, &thread.frame, &mut thread.line_buffer, now, result, outer)?;
    let took = now.nanos_since(state.started);
    let (_, extras) = thread.pop_step(state.token, &mut state.saved, took)?;
    thread.keep_plain(own.take()?, extras);
    Some(written)
}

/// Renders the line of a step, and adds the step to the totals of its request. Returns `None` without side effects if
/// the fast path does not apply.
#[inline(always)]
fn render<K: LineKind>(
    logger: &Logger,
    state: &StepState,
    frame: &Frame,
    buffer: &mut Option<Box<LineBuffer>>,
    now: Tick,
    result: &CallResult<'_>,
    has_outer_fields: bool,
) -> Option<(Severity, SiteId)> {
    let extras = frame.extras.as_deref();
    // Fields of the entry are in the state, and recorded ones in the frame's extras. Few steps have both.
    let fields = match extras {
        None => &state.fields,
        Some(extras) if state.fields.is_empty() && !extras.are_more_than_fields() => {
            &extras.members
        }
        Some(_) => return None,
    };
    if has_outer_fields {
        return None;
    }
    let took = now.nanos_since(state.started);
    let fast = state.site.fast_line(took, &logger.template)?;
    let details = K::details(state, result.answer)?;
    let request = frame.request.as_ref();
    if !logger.is_fast_path(request.map(|request| &**request), fast.severity) {
        return None;
    }
    let LineBuffer { line, cache } = &mut **buffer.get_or_insert_default();
    let identified = Request::identified(request);
    let part = cache.request.part(identified, &logger.template, logger.id);
    let head = logger.template.head(now, fast.prefix, part, &mut cache.timestamp);
    let ret = result.ret.as_deref();
    let parts =
        LineParts::<K> { head, fast, state, details, request: identified, took, fields, ret };
    let room = parts.room();
    if room > logger.line_limit {
        return None;
    }
    let has_fields = part.has_fields;
    line.clear();
    let own = parts.write(identified.map(Request::next_line), line, room);
    match identified.filter(|_| has_fields) {
        None => line.push_str(END),
        Some(request) => logger.end_with_fields(request, own, line),
    }
    if let Some(request) = request {
        K::count(request, now);
        state.count(request, took.saturating_sub(frame.inner), Outcome::Ok, None);
        Logger::capture(request, line);
    }
    Some((fast.severity, state.site.id()))
}

/// The details of a call that succeeded at its first attempt.
struct UsualCall<'a> {
    /// The members up to the URL.
    prefix: &'static str,
    facts: MutexGuard<'a, CallFacts>,
    status: Option<AnswerStatus>,
}

impl<'a> UsualCall<'a> {
    /// Returns `None` if the call was retried or refused, has an error category, or has a URL that needs escaping, or
    /// if its answer is of an unsupported type.
    fn of(call: &'a CallState, answer: Answer) -> Option<Self> {
        let facts = call.facts();
        let answer = answer.with_reported(facts.status);
        let is_usual = facts.retries == 0
            && answer.reason().is_none()
            && !answer.is_refusal
            && (answer.unsupported.is_none() || answer.status.is_some())
            && facts.url.as_ref().is_none_or(|url| is_clean(url.as_str()));
        is_usual.then(|| UsualCall {
            prefix: call.site.step_prefix(),
            facts,
            status: answer.status,
        })
    }

    fn url(&self) -> Option<&str> {
        self.facts.url.as_ref().map(Redacted::as_str)
    }
}

/// The parts of a line.
struct LineParts<'a, K: LineKind> {
    head: LineHead<'a>,
    fast: FastLine,
    state: &'a StepState,
    details: K::Details<'a>,
    request: Option<&'a Request>,
    took: u64,
    fields: &'a str,
    ret: Option<&'a str>,
}

impl<K: LineKind> LineParts<'_, K> {
    /// An upper bound of the bytes they take.
    #[inline]
    fn room(&self) -> usize {
        const FIXED: usize = STEP_ROOM + END.len();
        let ret = self.ret.map_or(0, |ret| RET.len() + ret.len());
        let kind = K::room(&self.details, self.fast.name);
        FIXED + self.head.room() + kind + self.fields.len() + ret
    }

    /// Writes the line up to its end, and returns where the step's own fields begin. Not inlined: among the code around
    /// it, the position of `pieces` would not stay in a register.
    #[inline(never)]
    fn write(&self, seq: Option<u64>, line: &mut String, room: usize) -> usize {
        let mut pieces = Appender::of(line, room);
        self.head.write(seq, &mut pieces);
        let own = pieces.len();
        K::write(&self.details, self.fast.name, self.took, &mut pieces);
        self.state.write_position(self.request, Outcome::Ok, &mut pieces);
        pieces.put(self.fields);
        if let Some(ret) = self.ret {
            pieces.put(RET);
            pieces.put(ret);
        }
        pieces.end();
        own
    }
}
