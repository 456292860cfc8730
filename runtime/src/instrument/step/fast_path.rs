//! The fast path: the end of a step that succeeds and writes its usual line, without other layers.
//!
//! Everything is done in one borrow of the thread's state, and the line is rendered as one piece into capacity that is
//! reserved once. The fast path declines without side effects if any of its conditions does not hold; the step then
//! takes the slow path, which writes the same bytes.

use std::mem;

use super::active::ActiveStep;
use super::finish::{RET, STEP_ROOM};
use crate::base::clock::Tick;
use crate::current::{self, Frame, LineBuffer, StepState, ThreadState, span_stack};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
use crate::format::template::LineHead;
use crate::json::append::{Appender, NUMBER_ROOM, append};
use crate::logger::timed_spans::SucceededStep;
use crate::logger::{self, Logger};
use crate::metrics::Observation;
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::request::Request;
use crate::site::{DURATION, FastLine, STEP_PREFIX};

const END: &str = "}\n";
/// The key of the time for which a span was entered.
const BUSY: &str = ",\"busy_ms\":";

impl ActiveStep {
    /// Ends a step on its thread that succeeded.
    #[inline(never)]
    pub(super) fn finish_ok(self, now: Tick, result: &CallResult<'_>) {
        if !self.state.site.is_fast_path() || self.state.span.is_some() {
            return self.end(now, Outcome::Ok, result);
        }
        let (observed, started) = (self.state.site, self.state.started);
        // Dropped last, since the recorder is user code.
        let mut observation = Observation::NONE;
        let mut state = Some(self.state);
        let ret = result.ret.as_deref();
        logger::if_only_layer(|logger| {
            let line = |thread: &mut ThreadState| {
                let written = finish_here(logger, thread, &mut state, now, ret)?;
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

    /// Ends a step that is a future, whose frame is not current, and that succeeded.
    #[inline(never)]
    pub(super) fn finish_own_ok(self, now: Tick, result: &CallResult<'_>) {
        if !self.state.site.is_fast_path() || self.state.span.is_some() {
            return self.end_own(now, Outcome::Ok, result);
        }
        let (observed, started) = (self.state.site, self.state.started);
        let mut observation = Observation::NONE;
        let mut own = Some(self.state);
        let ret = result.ret.as_deref();
        logger::if_only_layer(|logger| {
            let Some(state) = own.as_deref() else { return };
            let line = |thread: &mut ThreadState| {
                let outer = span_stack::have_fields();
                let buffer = &mut thread.line_buffer;
                let written = render(logger, state, &state.frame, buffer, now, ret, outer)?;
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
        let written =
            render(logger, &state, &state.frame, &mut thread.line_buffer, at, None, false);
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
fn finish_here(
    logger: &Logger,
    thread: &mut ThreadState,
    own: &mut Option<Box<StepState>>,
    now: Tick,
    ret: Option<&str>,
) -> Option<(Severity, SiteId)> {
    let state = own.as_deref_mut()?;
    if thread.frame.token != state.token {
        return None;
    }
    let outer = span_stack::have_fields();
    let written = render(logger, state, &thread.frame, &mut thread.line_buffer, now, ret, outer)?;
    let took = now.nanos_since(state.started);
    let (_, extras) = thread.pop_step(state.token, &mut state.saved, took)?;
    thread.keep_plain(own.take()?, extras);
    Some(written)
}

/// Renders the line of a step, and adds the step to the totals of its request. Returns `None` without side effects if
/// the fast path does not apply.
#[inline(always)]
fn render(
    logger: &Logger,
    state: &StepState,
    frame: &Frame,
    buffer: &mut Option<Box<LineBuffer>>,
    now: Tick,
    ret: Option<&str>,
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
    let request = frame.request.as_ref();
    if !logger.is_fast_path(request.map(|request| &**request), fast.severity) {
        return None;
    }
    let LineBuffer { line, cache } = &mut **buffer.get_or_insert_default();
    let identified = Request::identified(request);
    let part = cache.request.part(identified, &logger.template, logger.id);
    let head = logger.template.head(now, fast.prefix, part, &mut cache.timestamp);
    let parts = LineParts { head, fast, state, request: identified, took, fields, ret };
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
        state.count(request, took.saturating_sub(frame.inner), Outcome::Ok, None);
        Logger::capture(request, line);
    }
    Some((fast.severity, state.site.id()))
}

/// The parts of a line.
struct LineParts<'a> {
    head: LineHead<'a>,
    fast: FastLine,
    state: &'a StepState,
    request: Option<&'a Request>,
    took: u64,
    fields: &'a str,
    ret: Option<&'a str>,
}

impl LineParts<'_> {
    /// An upper bound of the bytes they take.
    #[inline]
    fn room(&self) -> usize {
        const FIXED: usize = STEP_PREFIX.len() + DURATION.len() + STEP_ROOM + END.len();
        let ret = self.ret.map_or(0, |ret| RET.len() + ret.len());
        FIXED + self.head.room() + self.fast.name.len() + self.fields.len() + ret
    }

    /// Writes the line up to its end, and returns where the step's own fields begin. Not inlined: among the code around
    /// it, the position of `pieces` would not stay in a register.
    #[inline(never)]
    fn write(&self, seq: Option<u64>, line: &mut String, room: usize) -> usize {
        let mut pieces = Appender::of(line, room);
        self.head.write(seq, &mut pieces);
        let own = pieces.len();
        pieces.put(STEP_PREFIX);
        pieces.put(self.fast.name);
        pieces.put(DURATION);
        self.state.write_times(self.request, self.took, Outcome::Ok, &mut pieces);
        pieces.put(self.fields);
        if let Some(ret) = self.ret {
            pieces.put(RET);
            pieces.put(ret);
        }
        pieces.end();
        own
    }
}
