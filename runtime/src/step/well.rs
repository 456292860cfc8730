//! The end that most steps come to: all is well, one layer listens, and no code of the user's is needed to tell it.
//! Its line is made in one look at the thread, and as one piece.

use super::end::{Outcome, STEP_ROOM};
use super::{Running, State};
use crate::clock::Tick;
use crate::context::Request;
use crate::current::{self, Frame, Thread};
use crate::ending::Ending;
use crate::format::Pieces;
use crate::format::json::Beginning;
use crate::layer::entered;
use crate::logger::{self, Logger};
use crate::record::Severity;
use crate::scratch::Scratch;
use crate::site::Usual;

/// Before the step's name.
const STORY: &str = ",\"event\":\"step_timing\",\"step\":\"";
/// Behind it.
const DURATION: &str = "\",\"duration_ms\":";
/// Before the value of a function.
const RET: &str = ",\"ret\":";
const END: &str = "}\n";

impl Running {
    /// Ends a step of this thread that went well.
    #[inline(never)]
    pub(super) fn end_ok(self, now: Tick, ending: &Ending<'_>) {
        if let Some(long) = self.end_shortly(now, ending.ret.as_deref()) {
            long.end(now, Outcome::Ok, ending);
        }
    }

    /// Gives it back untouched where its end takes the long way.
    #[inline]
    fn end_shortly(self, now: Tick, ret: Option<&str>) -> Option<Self> {
        let mut state = Some(self.state);
        logger::if_alone(|logger| {
            let told = current::with_thread(|thread| tell(logger, thread, &mut state, now, ret));
            let Some((scratch, severity)) = told.flatten() else { return };
            logger.sink.write(severity, &scratch.line);
            current::with_thread(|thread| thread.keep_scratch(scratch));
        });
        state.map(|state| Running { state })
    }
}

/// Makes the line of the step, and takes it out for whoever writes it, whose code it is.
#[inline]
fn tell(
    logger: &Logger,
    thread: &mut Thread,
    own: &mut Option<Box<State>>,
    now: Tick,
    ret: Option<&str>,
) -> Option<(Box<Scratch>, Severity)> {
    let state = own.as_deref_mut()?;
    let frame = &mut thread.frame;
    if !is_plain(frame, state) || entered::have_fields() {
        return None;
    }
    let took = now.nanos_since(state.started);
    let Usual { severity, named, name } = state.site.usual(took, &logger.template)?;
    let request = frame.request.as_ref();
    if !logger.simply_writes(request.map(|request| &**request), severity) {
        return None;
    }

    let Scratch { line, known } = &mut **thread.scratch.get_or_insert_default();
    let named_request = request.map(|request| &**request).filter(|request| request.has_id());
    let unnumbered = named_request.map(|request| (request, Some(0)));
    let beginning = logger.template.begin(now, named, unnumbered, logger.id, known);
    let fields = frame.extras.as_ref().map_or("", |extras| &extras.members);
    let room = beginning.room()
        + STORY.len()
        + name.len()
        + DURATION.len()
        + STEP_ROOM
        + fields.len()
        + END.len();
    let room = room + ret.map_or(0, |ret| RET.len() + ret.len());
    if beginning.of_request.has_fields || room > logger.line_limit {
        return None;
    }

    line.clear();
    let beginning = beginning.numbered(named_request.map(Request::next_line));
    let parts = Parts { beginning, name, state, request: named_request, took, fields, ret };
    parts.write(line, room);
    if let Some(request) = request {
        state.has_inner = frame.has_inner;
        state.count(request, took, Outcome::Ok, None);
        Logger::capture(request, line);
    }
    let (_, extras) = frame.release_innermost()?;
    thread.keep_plain(own.take()?, extras);
    Some((thread.scratch.take()?, severity))
}

/// What a line is made of.
struct Parts<'a> {
    beginning: Beginning<'a>,
    name: &'static str,
    state: &'a State,
    request: Option<&'a Request>,
    took: u64,
    fields: &'a str,
    ret: Option<&'a str>,
}

impl Parts<'_> {
    /// By itself, since with all that is around it the place where it writes would be in memory.
    #[inline(never)]
    fn write(&self, line: &mut String, room: usize) {
        let mut pieces = Pieces::of(line, room);
        self.beginning.write(&mut pieces);
        pieces.put(STORY);
        pieces.put(self.name);
        pieces.put(DURATION);
        self.state.write_times(self.request, self.took, Outcome::Ok, &mut pieces);
        pieces.put(self.fields);
        if let Some(ret) = self.ret {
            pieces.put(RET);
            pieces.put(ret);
        }
        pieces.put(END);
        pieces.end();
    }
}

/// Whether the running step is this one, and has nothing that takes code of others.
#[inline]
fn is_plain(frame: &Frame, state: &State) -> bool {
    let extras = frame.extras.as_ref();
    frame.is_innermost(state.guard)
        && extras.is_none_or(|extras| extras.span.is_none() && extras.failure.is_none())
}
