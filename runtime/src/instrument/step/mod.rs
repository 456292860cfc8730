//! A timed step or call: begun at entry, ended exactly once, whatever the end is.

pub(crate) mod adhoc;
pub(crate) mod fast_path;

use std::sync::Arc;
use std::time::Duration;
use std::{mem, thread};

use super::dependency::CallState;
use crate::base::clock::Tick;
use crate::current::{self, Extras, Frame, Lent, POOLED_BYTES, Thread};
use crate::json::members;
use crate::outcome::result::CallResult;
use crate::site::{SPAN_MARK, Site};

mod end;
mod fields;
mod future;
mod guard;
#[cfg(feature = "stream")]
mod stream;

pub use adhoc::{Timed, TimedExt, step, step_guard};
use end::Outcome;
pub(crate) use end::millis;
pub use fields::{Fields, answer, entered, record, ret, ret_with};
pub use future::{Entry, Step, hint};
pub use guard::StepGuard;
pub(crate) use guard::body;
#[cfg(feature = "stream")]
pub use stream::StepStream;

/// A step that has begun.
///
/// On a thread it changes the frame that is there, which costs no count of a request or call. A future
/// has a frame of its own, since it may end on another thread and under another request than it
/// began.
#[derive(Debug)]
pub(crate) struct Running {
    // In a box that is used again: what goes from hand to hand is a pointer, since a copy of fields
    // that were written a moment ago has to wait for them.
    state: Box<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    site: &'static Site,
    started: Tick,
    step: u32,
    parent: u32,
    /// Whether a step was begun inside, where it is over.
    has_inner: bool,
    /// What a future polls is being dropped.
    is_leaving: bool,
    /// A step entered while unwinding did not cause it.
    was_panicking: bool,
    /// By which the frame knows what this step found in it.
    guard: u32,
    /// Time inside `poll`, where it is asked for.
    busy: Duration,
    /// The step's own call, where it is one.
    call: Option<Arc<CallState>>,
    /// Fields from the beginning of a step on its thread, as members.
    fields: String,
    /// The URL of a call until it begins.
    url: Option<String>,
    /// Until it is entered and from its end on.
    extras: Option<Box<Extras>>,
    /// That of a future, while what it polls is being dropped.
    span: Option<tracing::Span>,
    /// A future's own frame, and while it is polled the one around it.
    frame: Frame,
    /// A test holds back the call that this is.
    #[cfg(feature = "testing")]
    waiting: Option<crate::testing::Waiting>,
}

impl State {
    fn new(site: &'static Site) -> Box<Self> {
        Box::new(State {
            site,
            started: Tick::default(),
            step: 0,
            parent: 0,
            has_inner: false,
            is_leaving: false,
            was_panicking: false,
            guard: 0,
            busy: Duration::ZERO,
            call: None,
            fields: String::new(),
            url: None,
            extras: None,
            span: None,
            frame: Frame::default(),
            #[cfg(feature = "testing")]
            waiting: None,
        })
    }

    /// One from the pool, where there are any.
    fn take(site: &'static Site) -> Box<Self> {
        let pooled = current::with_thread(Thread::take_state).flatten();
        let mut state = pooled.unwrap_or_else(|| State::new(site));
        state.site = site;
        state
    }
}

impl Running {
    /// Begins a step or call of this thread, in the frame that is there; fields of it may still come, or are in its
    /// state already.
    #[inline]
    fn enter(site: &'static Site, mut own: Option<Box<State>>) -> Self {
        if !site.is_plain() && (site.is_call() || site.has_listeners()) {
            return Self::enter_with(site, own);
        }
        // First the clock, which would wait for the counts.
        let now = Tick::now();
        let begun = current::with_thread(|thread| {
            let known = own.take().or_else(|| thread.take_state());
            let mut state = known.unwrap_or_else(|| State::new(site));
            state.begin(site, &mut thread.frame);
            state.was_panicking = thread::panicking();
            state.guard = thread.hold(state.step, site, None, None);
            state.start(&thread.frame, now);
            state
        });
        let state = begun.unwrap_or_else(|| Outfit::default().alone(site, own));
        Running { state }
    }

    /// The same for a call, and where others listen.
    fn enter_with(site: &'static Site, mut own: Option<Box<State>>) -> Self {
        let url = own.as_mut().and_then(|state| state.url.take());
        let extras = own.as_mut().and_then(|state| state.take_fields());
        let mut outfit = Outfit::of(site, url.as_deref(), extras);
        let begun = current::with_thread(|thread| {
            let known = own.take().or_else(|| thread.take_state());
            let mut state = known.unwrap_or_else(|| State::new(site));
            state.begin(site, &mut thread.frame);
            state.was_panicking = thread::panicking();
            state.guard = thread.hold(state.step, site, outfit.extras.take(), outfit.call.clone());
            state.call = outfit.call.take();
            state.start(&thread.frame, Tick::now());
            state
        });
        let state = begun.unwrap_or_else(|| outfit.alone(site, own));
        if let Some(span) = outfit.span {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
        #[cfg(feature = "testing")]
        if site.is_call() {
            crate::testing::wait_here(site);
        }
        Running { state }
    }

    /// Begins a step or call in a frame of its own, which holds the request and the call of here from
    /// now on.
    #[inline(never)]
    fn begin(site: &'static Site, mut extras: Option<Box<Extras>>) -> Self {
        let url = extras.as_mut().and_then(|extras| extras.url.take());
        let mut outfit = Outfit::of(site, url.as_deref(), extras);
        let begun = current::with_thread(|thread| {
            let mut state = thread.take_state().unwrap_or_else(|| State::new(site));
            state.begin(site, &mut thread.frame);
            let step = state.step;
            thread.frame.begin(&mut state.frame, step, site, outfit.call.clone());
            state.frame.extras = outfit.extras.take();
            state.call = outfit.call.take();
            state.start(&thread.frame, Tick::now());
            state
        });
        let state = begun.unwrap_or_else(|| outfit.alone(site, None));
        #[cfg(feature = "testing")]
        let state = state.held_back(site);
        Running { state }
    }

    /// Ends a step on its thread under the request that is current there.
    fn end(mut self, now: Tick, outcome: Outcome, result: &CallResult<'_>) {
        // The error's `Display` is the user's, and may log.
        let mut lent = Lent::default();
        self.leave(result.failure.is_none(), &mut lent);
        if let Some(span) = self.state.extras.as_ref().and_then(|extras| extras.span.as_ref()) {
            span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
        let (request, scratch) = lent.parts();
        self.finish(request, scratch, now, outcome, result);
        lent.give_back(self.state);
    }

    /// Puts back what the step found. The request of the frame is lent, or another hand on it is.
    #[inline]
    fn leave(&mut self, lends: bool, lent: &mut Lent) {
        let state = &mut *self.state;
        current::with_thread(|thread| {
            if let Some((has_inner, extras)) = thread.frame.release(state.guard) {
                state.has_inner = has_inner;
                state.extras = extras;
            } else {
                // Its request is not the one that is here, and its fields go with that, wherever they are.
                thread.orphan(state.guard);
                state.fields.clear();
                return;
            }
            let has_span = state.extras.as_ref().is_some_and(|extras| extras.span.is_some());
            lent.take(thread, lends && !has_span);
        });
        state.settle_fields();
    }

    /// Puts the frame of a future in place of that of the thread, or the other way round.
    fn swap(&mut self) {
        // What a step left has a span of others, which may look here when it closes.
        let left = current::with_thread(|thread| thread.put(&mut self.state.frame));
        drop(left);
    }

    /// Ends a future's step, whose frame is its own again, under the request that it holds.
    fn end_own(mut self, now: Tick, outcome: Outcome, result: &CallResult<'_>) {
        let mut own = self.state.frame.empty();
        self.state.has_inner = own.has_inner;
        self.state.extras = own.extras.take();
        let mut lent = Lent::scratch_of_here();
        let (_, scratch) = lent.parts();
        self.finish(own.request.as_ref(), scratch, now, outcome, result);
        lent.give_back(self.state);
    }

    /// Whether an item of a stream was an error.
    #[cfg(feature = "stream")]
    fn has_failed(&self) -> bool {
        self.state.frame.extras.as_ref().is_some_and(|extras| extras.failure.is_some())
    }
}

impl State {
    #[inline]
    fn begin(&mut self, site: &'static Site, around: &mut Frame) {
        self.site = site;
        around.has_inner = true;
        self.parent = around.running_step();
        let request = around.request.as_ref().filter(|request| request.has_id());
        self.step = request.map_or(0, |request| request.next_step());
        self.has_inner = false;
        self.is_leaving = false;
    }

    #[cfg(feature = "testing")]
    fn held_back(mut self: Box<Self>, site: &'static Site) -> Box<Self> {
        if site.is_call() {
            self.waiting = crate::testing::Waiting::of(site);
        }
        self
    }

    #[inline]
    fn start(&mut self, frame: &Frame, now: Tick) {
        self.started = now;
        let Some(request) = &frame.request else { return };
        if self.call.is_some() {
            request.call_started(self.started);
        }
        if let Some(open) = &request.open_steps {
            open.begin(self.site, self.step, self.started);
        }
    }

    /// The fields of the entry, for a step that has more on it.
    fn take_fields(&mut self) -> Option<Box<Extras>> {
        if self.fields.is_empty() {
            return None;
        }
        let mut extras = current::take_extras();
        mem::swap(&mut extras.members, &mut self.fields);
        Some(extras)
    }

    /// Puts the fields of the entry before those that were recorded since.
    fn settle_fields(&mut self) {
        if self.fields.is_empty() {
            return;
        }
        let extras = self.extras.get_or_insert_with(current::take_extras);
        members::set_all(&mut self.fields, &extras.members);
        mem::swap(&mut extras.members, &mut self.fields);
        self.fields.clear();
    }

    /// Forgets the fields, and the room of very large ones.
    #[inline]
    pub(crate) fn forget_fields(&mut self) {
        self.fields.clear();
        if self.fields.capacity() > POOLED_BYTES {
            self.fields = String::new();
        }
    }

    /// Forgets what it held, to be used again.
    #[inline]
    pub(crate) fn clear(&mut self) -> Option<Box<Extras>> {
        self.call = None;
        self.forget_fields();
        self.busy = Duration::ZERO;
        #[cfg(feature = "testing")]
        {
            self.waiting = None;
        }
        self.extras.take()
    }
}

/// What a step has on it when it begins.
#[derive(Default)]
struct Outfit {
    extras: Option<Box<Extras>>,
    call: Option<Arc<CallState>>,
    span: Option<tracing::Span>,
}

impl Outfit {
    fn of(site: &'static Site, url: Option<&str>, mut extras: Option<Box<Extras>>) -> Self {
        let call = site.spec.call.map(|spec| {
            let url = site.safe_url(url.or(spec.url));
            Arc::new(CallState::new(site, url))
        });
        let known = || known_at_entry(site, extras.as_deref());
        let span = site.span(known);
        if span.is_some() {
            extras.get_or_insert_with(current::take_extras).span.clone_from(&span);
        }
        Outfit { extras, call, span }
    }

    /// The state of a step on a thread that is past its end and has no frame.
    #[cold]
    fn alone(&mut self, site: &'static Site, own: Option<Box<State>>) -> Box<State> {
        let mut state = own.unwrap_or_else(|| State::new(site));
        state.extras = self.extras.take();
        state.call = self.call.take();
        state.start(&Frame::default(), Tick::now());
        state
    }
}

fn known_at_entry(site: &'static Site, extras: Option<&Extras>) -> String {
    let mut known = String::new();
    end::text(&mut known, SPAN_MARK, site.spec.event);
    match &site.spec.call {
        None => end::text(&mut known, "step", site.spec.name),
        Some(spec) => {
            end::text(&mut known, "dependency", spec.dependency);
            end::text(&mut known, "operation", site.spec.name);
            end::text(&mut known, "otel.kind", "client");
        }
    }
    known.extend(extras.map(|extras| extras.members.as_str()));
    known
}
