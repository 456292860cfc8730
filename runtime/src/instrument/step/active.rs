//! A step that has begun: how it enters a frame, and how it leaves it.

use std::sync::Arc;
use std::thread;

use crate::base::clock::Tick;
use crate::current::{
    self, CallState, Frame, LayerSpan, LineLease, StepExtras, StepSpan, StepState, deferred,
    span_stack,
};
use crate::json::members;
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::site::{SPAN_MARK, Site};

/// A step or call that has begun and not ended.
#[derive(Debug)]
pub(super) struct ActiveStep {
    pub(super) state: Box<StepState>,
}

impl ActiveStep {
    /// Begins a step or call on its thread, in the current frame. `own` is its state if that holds its fields already.
    #[inline]
    pub(super) fn enter(site: &'static Site, mut own: Option<Box<StepState>>) -> Self {
        let has_extras = own.as_ref().is_some_and(|state| state.extras.is_some());
        let is_plain = site.is_fast_step() || !site.is_call() && site.span_interest().is_never();
        if has_extras || !is_plain {
            return Self::enter_with(site, own, has_extras);
        }
        // Read the clock before the atomic add of a step id: `rdtsc` would wait for it.
        let now = Tick::now();
        let begun = current::with_thread(|thread| {
            let token = thread.next_token();
            let pooled = own.take().or_else(|| thread.take_state());
            let mut state = pooled.unwrap_or_else(|| StepState::new(site));
            let StepState { saved, step, .. } = &mut *state.begun(site, token, &thread.frame);
            thread.frame.push_step(saved, token, *step, site, None, None);
            state.start(&thread.frame, now);
            state
        });
        let state = begun.unwrap_or_else(|| StepSetup::default().without_frame(site, own));
        ActiveStep { state }
    }

    /// As [`enter`](Self::enter), for a call, or if other layers want a span.
    fn enter_with(site: &'static Site, mut own: Option<Box<StepState>>, has_extras: bool) -> Self {
        let url = own.as_mut().and_then(|state| state.url.take());
        let fields = own.as_ref().map_or("", |state| state.fields.as_str());
        let mut setup = StepSetup::of(site, url.as_deref(), fields);
        if has_extras {
            setup.add_extras(own.as_mut().and_then(|state| state.extras.take()));
        }
        // Entered first, because it may panic.
        if let Some(span) = &setup.span {
            span.enter();
        }
        let begun = current::with_thread(|thread| {
            let token = thread.next_token();
            let pooled = own.take().or_else(|| thread.take_state());
            let mut state = pooled.unwrap_or_else(|| StepState::new(site));
            let StepState { saved, step, .. } = &mut *state.begun(site, token, &thread.frame);
            let extras = setup.extras.take();
            thread.frame.push_step(saved, token, *step, site, extras, setup.call.clone());
            state.call = setup.call.take();
            state.span = setup.span.take();
            state.start(&thread.frame, Tick::now());
            state
        });
        let state = begun.unwrap_or_else(|| setup.without_frame(site, own));
        if has_extras {
            enter_context();
        }
        #[cfg(feature = "testing")]
        if let Some(delay) = site.is_call().then(|| current::delay_of(site)).flatten() {
            thread::sleep(delay);
        }
        ActiveStep { state }
    }

    /// Begins a step or call in a frame of its own, which keeps the current request and call.
    #[inline(never)]
    pub(super) fn begin(site: &'static Site, mut extras: Option<Box<StepExtras>>) -> Self {
        let mut setup = if site.is_fast_step() {
            StepSetup { extras, ..StepSetup::default() }
        } else {
            let url = extras.as_mut().and_then(|extras| extras.url.take());
            let fields = extras.as_ref().map_or("", |extras| extras.members.as_str());
            let mut setup = StepSetup::of(site, url.as_deref(), fields);
            setup.add_extras(extras);
            setup
        };
        let begun = current::with_thread(|thread| {
            let mut state = thread.take_state().unwrap_or_else(|| StepState::new(site));
            state.begin(site, &thread.frame);
            let step = state.step;
            thread.frame.begin_own(&mut state.frame, step, site, setup.call.clone());
            state.frame.extras = setup.extras.take();
            if site.spec.has_context {
                state.context = state.frame.extras.as_mut().and_then(|it| it.context.take());
            }
            state.call = setup.call.take();
            state.span = setup.span.take();
            state.start(&thread.frame, Tick::now());
            state
        });
        #[cfg_attr(not(feature = "testing"), expect(unused_mut, reason = "only tests delay calls"))]
        let mut state = begun.unwrap_or_else(|| setup.without_frame(site, None));
        #[cfg(feature = "testing")]
        if site.is_call() {
            state.delay = current::delay_of(site).map(current::Delayed::new);
        }
        ActiveStep { state }
    }

    /// Ends a step on its thread.
    pub(super) fn end(mut self, now: Tick, outcome: Outcome, result: &CallResult<'_>) {
        // The error's `Display` impl is user code, and may log.
        let exclusive = result.failure.is_none() && self.state.span.is_none();
        let mut lease = self.leave(exclusive, now);
        if self.state.site.spec.has_context {
            span_stack::exit_context(self.state.token);
        }
        if let Some(span) = &self.state.span {
            span.exit();
        }
        let (request, buffer) = lease.parts();
        let _observation = self.finish(request, buffer, now, outcome, result);
        lease.end(self.state);
    }

    /// Leaves the frame, and leases the step's request.
    #[inline]
    fn leave(&mut self, exclusive: bool, now: Tick) -> LineLease {
        let state = &mut *self.state;
        let took = now.nanos_since(state.started);
        let mut lease = LineLease::default();
        current::with_thread(|thread| match thread.pop_step(state.token, &mut state.saved, took) {
            Some((inner, extras)) => {
                state.inner = inner;
                state.extras = extras;
                lease.take(thread, exclusive);
            }
            None => {
                // The frame of the step that is still open has this time, so it is unknown here.
                state.inner = u64::MAX;
                let StepState { token, saved, call, request: serial, .. } = state;
                saved.add_inner(took);
                let request = thread.defer_pop(*token, saved, call.as_ref(), *serial);
                if request.is_none() {
                    deferred::close_later(*serial, state.site, state.step);
                }
                lease.take_buffer(thread, request);
            }
        });
        state.merge_fields(current::take_extras);
        lease
    }

    /// Ends a step that is a future, whose frame is not current, in the request that its frame holds.
    pub(super) fn end_own(mut self, now: Tick, outcome: Outcome, result: &CallResult<'_>) {
        if self.state.site.spec.has_context {
            self.state.context = None;
        }
        let mut taken = self.state.frame.take();
        self.state.inner = taken.inner;
        self.state.extras = taken.extras.take();
        let state = &*self.state;
        let mut lease = LineLease::default();
        current::with_thread(|thread| {
            state.add_to_outer(&mut thread.frame, now);
            lease.take_buffer(thread, None);
        });
        let (_, buffer) = lease.parts();
        let _observation = self.finish(taken.request.as_ref(), buffer, now, outcome, result);
        lease.end(self.state);
    }
}

impl StepState {
    /// Adds the duration of a future's step to the step around it.
    ///
    /// Does nothing unless that step is the innermost one here.
    #[inline]
    pub(super) fn add_to_outer(&self, frame: &mut Frame, now: Tick) {
        if frame.step == self.parent {
            frame.add_inner(now.nanos_since(self.started));
        }
    }

    /// Begins the step on its thread.
    #[inline(always)]
    fn begun(&mut self, site: &'static Site, token: u64, frame: &Frame) -> &mut Self {
        self.begin(site, frame);
        self.was_panicking = thread::panicking();
        self.token = token;
        self
    }
}

/// The data of a step before it begins.
#[derive(Default)]
struct StepSetup {
    extras: Option<Box<StepExtras>>,
    call: Option<Arc<CallState>>,
    span: Option<Box<LayerSpan>>,
}

impl StepSetup {
    /// `fields` are the entry fields, as members.
    fn of(site: &'static Site, url: Option<&str>, fields: &str) -> Self {
        let call = site.spec.call.map(|spec| {
            let url = site.safe_url(url.or(spec.url));
            current::begin_call(site, url)
        });
        let mut recorded = String::new();
        let Some(span) = site.span(|| fields_at_entry(site, fields, &mut recorded)) else {
            return StepSetup { extras: None, call, span: None };
        };
        let extras = span.id().map(|id| {
            let mut extras = current::take_extras();
            let data = span_stack::opened_of_step::take();
            extras.span = Some(StepSpan { id, recorded, data });
            extras
        });
        StepSetup { extras, call, span: Some(Box::new(span)) }
    }

    /// Adds the extras that the entry fields made.
    fn add_extras(&mut self, extras: Option<Box<StepExtras>>) {
        if let Some(mut extras) = extras {
            extras.span = self.extras.take().and_then(|mut own| own.span.take());
            self.extras = Some(extras);
        }
    }

    /// The state of a step whose thread has lost its locals, and with them its frame.
    #[cold]
    fn without_frame(
        &mut self,
        site: &'static Site,
        own: Option<Box<StepState>>,
    ) -> Box<StepState> {
        let mut state = own.unwrap_or_else(|| StepState::new(site));
        state.extras = self.extras.take();
        state.call = self.call.take();
        state.span = self.span.take();
        state.start(&Frame::default(), Tick::now());
        state
    }
}

/// Puts the context of the innermost step on all lines of this thread.
pub(super) fn enter_context() {
    let own = current::with(|frame| Some((frame.token, frame.extras.as_mut()?.context.take()?)));
    if let Some((token, mut context)) = own.flatten() {
        span_stack::enter_context(token, &mut context);
    }
}

fn fields_at_entry<'a>(site: &'static Site, known: &str, fields: &'a mut String) -> &'a str {
    members::text(fields, SPAN_MARK, site.spec.event);
    match &site.spec.call {
        None => members::text(fields, "step", site.spec.name),
        Some(spec) => {
            members::text(fields, "dependency", spec.dependency);
            members::text(fields, "operation", site.spec.name);
            members::text(fields, "otel.kind", "client");
        }
    }
    fields.push_str(known);
    fields
}
