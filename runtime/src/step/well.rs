//! The end that most steps come to: all is well, one layer listens, and no code of the user's is needed to tell it.
//! Its line is made in one look at the thread.

use super::end::Outcome;
use super::{Running, State};
use crate::clock::Tick;
use crate::current::{self, Frame, Thread};
use crate::ending::Ending;
use crate::layer::entered;
use crate::logger::{self, Logger};
use crate::record::Severity;
use crate::scratch::Scratch;

impl Running {
    /// Ends a step of this thread that went well.
    #[inline]
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
            let Some((mut scratch, severity)) = told.flatten() else { return };
            logger.hand_over(severity, &mut scratch.line);
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
    if state.call.is_some() || !is_plain(frame, state.guard) {
        return None;
    }
    let took = now.nanos_since(state.started);
    let severity = state.severity(Outcome::Ok, took);
    let request = frame.request.as_ref();
    if !state.site.is_always(severity)
        || !logger.simply_writes(request.map(|request| &**request), severity)
        || entered::have_fields()
    {
        return None;
    }
    let (has_inner, extras) = frame.release(state.guard)?;
    state.has_inner = has_inner;
    state.extras = extras;
    let mut scratch = thread.scratch.take().unwrap_or_default();
    let request = thread.frame.request.as_ref();
    if let Some(request) = request {
        state.count(request, took, Outcome::Ok, None);
    }
    let known = request.map(|request| &**request).filter(|request| request.has_id());
    logger.make(&mut scratch, state.site, severity, known, now, |line| {
        state.write_step(known, took, Outcome::Ok, ret, line);
    });
    if let Some(request) = request {
        Logger::capture(request, &scratch.line);
    }
    thread.keep_state(own.take()?);
    Some((scratch, severity))
}

/// Whether the running step is this one, and has nothing that takes code of others.
#[inline]
fn is_plain(frame: &Frame, guard: u32) -> bool {
    let is_running = frame.is_innermost(guard);
    is_running
        && frame
            .extras
            .as_ref()
            .is_none_or(|extras| extras.span.is_none() && extras.failure.is_none())
}
