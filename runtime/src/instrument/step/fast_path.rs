//! The fast path: the end of a step or call that succeeds and writes its usual line, without other layers.
//!
//! Everything is done in one borrow of the thread's state, and the line is rendered as one piece into capacity that is
//! reserved once. The fast path declines without side effects if any of its conditions does not hold; the step then
//! takes the slow path, which writes the same bytes.

use std::mem;
use std::sync::{Arc, MutexGuard};

use super::active::ActiveStep;
use super::finish::{RET, STEP_ROOM, StepPosition, put_status};
use crate::base::clock::Tick;
use crate::current::{
    self, CallFacts, CallState, Frame, LineBuffer, StepState, ThreadState, span_stack,
};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
use crate::format::template::LineHead;
use crate::json::append::{Appender, NUMBER_ROOM};
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

/// What differs between the lines of a step, of a call and of a span. The compiler makes code of its own for each, so
/// that a step does not pay for the others.
trait LineForm {
    /// The details that only this kind has.
    type Details<'a>;

    /// An upper bound of the bytes up to the outcome.
    fn room(details: &Self::Details<'_>, name: &str) -> usize;

    /// Writes the members up to the outcome.
    fn write(details: &Self::Details<'_>, name: &str, took: u64, pieces: &mut Appender<'_>);

    /// Writes the members between the position and the fields.
    #[inline(always)]
    fn write_more(_: &Self::Details<'_>, _: &mut Appender<'_>) {}

    /// Counts the call.
    #[inline(always)]
    fn count(_: &Request, _: Tick) {}
}

/// The line of a step or call that has a [`StepState`].
trait StateLine: LineForm {
    /// Returns `None` if the fast path does not apply.
    fn details(state: &StepState, answer: Answer) -> Option<Self::Details<'_>>;
}

struct StepLine;

impl LineForm for StepLine {
    type Details<'a> = ();

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
}

impl StateLine for StepLine {
    #[inline(always)]
    fn details(_: &StepState, _: Answer) -> Option<()> {
        Some(())
    }
}

/// The line of a span.
struct SpanLine;

impl LineForm for SpanLine {
    /// Nanoseconds for which the span was entered.
    type Details<'a> = u64;

    #[inline(always)]
    fn room(_: &u64, name: &str) -> usize {
        StepLine::room(&(), name) + BUSY.len() + NUMBER_ROOM
    }

    #[inline(always)]
    fn write(_: &u64, name: &str, took: u64, pieces: &mut Appender<'_>) {
        StepLine::write(&(), name, took, pieces);
    }

    #[inline(always)]
    fn write_more(busy: &u64, pieces: &mut Appender<'_>) {
        pieces.put(BUSY);
        pieces.millis(*busy);
    }
}

struct CallLine;

impl LineForm for CallLine {
    type Details<'a> = UsualCall<'a>;

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

impl StateLine for CallLine {
    fn details(state: &StepState, answer: Answer) -> Option<UsualCall<'_>> {
        UsualCall::of(state.call.as_deref()?, answer)
    }
}

impl ActiveStep {
    /// Ends a step or call on its thread that succeeded.
    #[inline]
    pub(super) fn finish_ok(self, now: Tick, result: &CallResult<'_>) {
        match self.state.site.fast_path() {
            Some(FastPath::Step) if self.state.span.is_none() => {
                self.finish_ok_as::<StepLine>(now, result);
            }
            Some(FastPath::Call) if self.state.span.is_none() => {
                self.finish_ok_as::<CallLine>(now, result);
            }
            _ => self.end(now, Outcome::Ok, result),
        }
    }

    #[inline(never)]
    fn finish_ok_as<K: StateLine>(self, now: Tick, result: &CallResult<'_>) {
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
                self.finish_own_ok_as::<StepLine>(now, result);
            }
            Some(FastPath::Call) if self.state.span.is_none() => {
                self.finish_own_ok_as::<CallLine>(now, result);
            }
            _ => self.end_own(now, Outcome::Ok, result),
        }
    }

    #[inline(never)]
    fn finish_own_ok_as<K: StateLine>(self, now: Tick, result: &CallResult<'_>) {
        let (observed, started) = (self.state.site, self.state.started);
        let mut observation = Observation::NONE;
        let mut own = Some(self.state);
        logger::if_only_layer(|logger| {
            let Some(state) = own.as_deref() else { return };
            let line = |thread: &mut ThreadState| {
                let step = UsualStep::of(state, &state.frame, now, result)?;
                let details = || K::details(state, result.answer);
                let written = step.render::<K>(logger, &mut thread.line_buffer, details)?;
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
#[inline(always)]
pub(super) fn finish_span(logger: &Logger, step: SucceededStep<'_>) -> bool {
    let SucceededStep { timed, data, request, position, site, at, fields } = step;
    // Released before the line is written, since the writer is user code.
    let own = if fields.is_none() { data.own_fields() } else { None };
    let (step, parent) = position;
    let step = UsualStep {
        position: StepPosition { site, started: timed.started, step, parent },
        request,
        inner: timed.inner(),
        fields: fields.or(own.as_ref().map(|own| own.as_str())).unwrap_or_default(),
        ret: None,
        now: at,
    };
    let line = |thread: &mut ThreadState| {
        let busy = || Some(timed.busy(at));
        let written = step.render::<SpanLine>(logger, &mut thread.line_buffer, busy)?;
        Some((written, thread.line_buffer.take()?))
    };
    let line = current::with_thread(line).flatten();
    drop(own);
    let Some(((severity, id), buffer)) = line else { return false };
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
fn finish_here<K: StateLine>(
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
    let step = UsualStep::of(state, &thread.frame, now, result)?;
    let details = || K::details(state, result.answer);
    let written = step.render::<K>(logger, &mut thread.line_buffer, details)?;
    let took = now.nanos_since(state.started);
    let (_, extras) = thread.pop_step(state.token, &mut state.saved, took)?;
    thread.keep_plain(own.take()?, extras);
    Some(written)
}

/// A step or call that succeeded, with the contents of its usual line.
struct UsualStep<'a> {
    position: StepPosition,
    request: Option<&'a Arc<Request>>,
    /// Nanoseconds of the steps inside it.
    inner: u64,
    /// Its fields, as members.
    fields: &'a str,
    ret: Option<&'a str>,
    now: Tick,
}

impl<'a> UsualStep<'a> {
    /// Returns `None` if the fast path does not apply.
    #[inline(always)]
    fn of(
        state: &'a StepState,
        frame: &'a Frame,
        now: Tick,
        result: &'a CallResult<'_>,
    ) -> Option<Self> {
        // Fields of the entry are in the state, and recorded ones in the frame's extras. Few steps have both.
        let fields = match frame.extras.as_deref() {
            None => &state.fields,
            Some(extras) if state.fields.is_empty() && !extras.are_more_than_fields() => {
                &extras.members
            }
            Some(_) => return None,
        };
        if span_stack::have_fields() {
            return None;
        }
        Some(UsualStep {
            position: state.position(),
            request: frame.request.as_ref(),
            inner: frame.inner,
            fields,
            ret: result.ret.as_deref(),
            now,
        })
    }

    /// Renders the line, and adds the step to the totals of its request. Returns `None` without side effects if the fast
    /// path does not apply, for example because there are no `details`.
    #[inline(always)]
    fn render<'d, K: LineForm>(
        self,
        logger: &'d Logger,
        buffer: &'d mut Option<Box<LineBuffer>>,
        details: impl FnOnce() -> Option<K::Details<'d>>,
    ) -> Option<(Severity, SiteId)>
    where
        'a: 'd,
    {
        let UsualStep { position, request, inner, fields, ret, now } = self;
        let took = now.nanos_since(position.started);
        let fast = position.site.fast_line(took, &logger.template)?;
        let details = details()?;
        if !logger.is_fast_path(request.map(|request| &**request), fast.severity) {
            return None;
        }
        let LineBuffer { line, cache } = &mut **buffer.get_or_insert_default();
        let identified = Request::identified(request);
        let part = cache.request.part(identified, &logger.template, logger.id);
        let head = logger.template.head(now, fast.prefix, part, &mut cache.timestamp);
        let parts = LineParts::<K> {
            head,
            fast,
            position,
            details,
            request: identified,
            took,
            fields,
            ret,
        };
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
            position.count(request, took.saturating_sub(inner), Outcome::Ok, None, None);
            Logger::capture(request, line);
        }
        Some((fast.severity, position.site.id()))
    }
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
struct LineParts<'a, K: LineForm> {
    head: LineHead<'a>,
    fast: FastLine,
    position: StepPosition,
    details: K::Details<'a>,
    request: Option<&'a Request>,
    took: u64,
    fields: &'a str,
    ret: Option<&'a str>,
}

impl<K: LineForm> LineParts<'_, K> {
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
        self.position.write(self.request, Outcome::Ok, &mut pieces);
        K::write_more(&self.details, &mut pieces);
        pieces.put(self.fields);
        if let Some(ret) = self.ret {
            pieces.put(RET);
            pieces.put(ret);
        }
        pieces.end();
        own
    }
}
