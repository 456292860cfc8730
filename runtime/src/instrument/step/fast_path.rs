//! The end that most steps come to: all is well, one layer listens, and no code of the user's is needed to tell it.
//! Its line is made in one look at the thread, and as one piece.

use std::mem;

use super::end::{Outcome, RET, STEP_ROOM};
use super::{Running, State};
use crate::base::clock::Tick;
use crate::current::scratch::Scratch;
use crate::current::{self, Frame, Thread, spans};
use crate::format::record::Severity;
use crate::format::template::Beginning;
use crate::instrument::context::Request;
use crate::json::append::Pieces;
use crate::logger::{self, Logger};
use crate::outcome::result::CallResult;
use crate::site::{DURATION, STORY, Usual};

const END: &str = "}\n";

impl Running {
    /// Ends a step of this thread that went well.
    #[inline(never)]
    pub(super) fn end_ok(self, now: Tick, result: &CallResult<'_>) {
        if !self.state.site.is_plain() {
            return self.end(now, Outcome::Ok, result);
        }
        let mut state = Some(self.state);
        let ret = result.ret.as_deref();
        logger::if_alone(|logger| {
            let line = |thread: &mut Thread| {
                let severity = end_here(logger, thread, &mut state, now, ret)?;
                // A writer is someone's code, which finds no request.
                Some((thread.scratch.take()?, thread.frame.request.take(), severity))
            };
            let made = current::with_thread(line).flatten();
            let Some((scratch, request, severity)) = made else { return };
            logger.sink.write(severity, &scratch.line);
            // Dropped when the thread is free again.
            let _left = current::with_thread(|thread| {
                thread.keep_scratch(scratch);
                mem::replace(&mut thread.frame.request, request)
            });
        });
        // It is as it was where its end takes the long way.
        if let Some(state) = state {
            Running { state }.end(now, Outcome::Ok, result);
        }
    }

    /// Ends a step that is a future, whose frame is its own again, and that went well.
    #[inline(never)]
    pub(super) fn end_own_ok(self, now: Tick, result: &CallResult<'_>) {
        if !self.state.site.is_plain() {
            return self.end_own(now, Outcome::Ok, result);
        }
        let mut own = Some(self.state);
        let ret = result.ret.as_deref();
        logger::if_alone(|logger| {
            let Some(state) = own.as_deref() else { return };
            let line = |thread: &mut Thread| {
                let severity = make(logger, state, &state.frame, &mut thread.scratch, now, ret)?;
                Some((thread.scratch.take()?, severity))
            };
            let Some((scratch, severity)) = current::with_thread(line).flatten() else { return };
            logger.sink.write(severity, &scratch.line);
            let Some(mut state) = own.take() else { return };
            // What is dropped may be the last hand on the request: not while the thread is held.
            let mut left = state.frame.empty();
            let extras = left.extras.take();
            current::with_thread(|thread| {
                thread.keep_scratch(scratch);
                thread.keep_plain(state, extras);
            });
        });
        if let Some(state) = own {
            Running { state }.end_own(now, Outcome::Ok, result);
        }
    }
}

/// Makes the line of the step that runs here, and ends it. Nothing is done where that takes more.
#[inline]
fn end_here(
    logger: &Logger,
    thread: &mut Thread,
    own: &mut Option<Box<State>>,
    now: Tick,
    ret: Option<&str>,
) -> Option<Severity> {
    let state = own.as_deref()?;
    if !thread.frame.is_innermost(state.guard) {
        return None;
    }
    let severity = make(logger, state, &thread.frame, &mut thread.scratch, now, ret)?;
    let (_, extras) = thread.frame.release_innermost()?;
    thread.keep_plain(own.take()?, extras);
    Some(severity)
}

/// Makes the line of a step, and adds it to the sums of its request. Nothing is done where that takes more.
#[inline]
fn make(
    logger: &Logger,
    state: &State,
    frame: &Frame,
    scratch: &mut Option<Box<Scratch>>,
    now: Tick,
    ret: Option<&str>,
) -> Option<Severity> {
    let extras = frame.extras.as_deref();
    // Fields of the entry are the state's, those that came later the frame's. Few steps have both.
    let fields = match extras {
        None => &state.fields,
        Some(extras) if state.fields.is_empty() && !extras.are_more_than_fields() => {
            &extras.members
        }
        Some(_) => return None,
    };
    if spans::have_fields() {
        return None;
    }
    let took = now.nanos_since(state.started);
    let usual = state.site.usual(took, &logger.template)?;
    let request = frame.request.as_ref();
    if !logger.simply_writes(request.map(|request| &**request), usual.severity) {
        return None;
    }
    let Scratch { line, known } = &mut **scratch.get_or_insert_default();
    let identified = Request::identified(request);
    let beginning = logger.template.begin(now, usual.named, identified, logger.id, known);
    let parts = Parts { beginning, usual, state, request: identified, took, fields, ret };
    let room = parts.room();
    if room > logger.line_limit {
        return None;
    }
    let has_fields = parts.beginning.of_request.has_fields;
    line.clear();
    let own = parts.write(identified.map(Request::next_line), line, room);
    match identified.filter(|_| has_fields) {
        None => line.push_str(END),
        Some(request) => logger.end_with_fields(request, own, line),
    }
    if let Some(request) = request {
        state.count(request, took, !frame.has_inner, Outcome::Ok, None);
        Logger::capture(request, line);
    }
    Some(usual.severity)
}

/// What a line is made of.
struct Parts<'a> {
    beginning: Beginning<'a>,
    usual: Usual,
    state: &'a State,
    request: Option<&'a Request>,
    took: u64,
    fields: &'a str,
    ret: Option<&'a str>,
}

impl Parts<'_> {
    /// No more bytes than this.
    #[inline]
    fn room(&self) -> usize {
        const FIXED: usize = STORY.len() + DURATION.len() + STEP_ROOM + END.len();
        let ret = self.ret.map_or(0, |ret| RET.len() + ret.len());
        FIXED + self.beginning.room() + self.usual.name.len() + self.fields.len() + ret
    }

    /// Writes it but for its end, and tells where the step's own fields begin. By itself, since with all that is
    /// around it the place where it writes would be in memory.
    #[inline(never)]
    fn write(&self, seq: Option<u64>, line: &mut String, room: usize) -> usize {
        let mut pieces = Pieces::of(line, room);
        self.beginning.write(seq, &mut pieces);
        let own = pieces.len();
        pieces.put(STORY);
        pieces.put(self.usual.name);
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
