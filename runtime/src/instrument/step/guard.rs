//! A step on one thread: from the guard's beginning to its end.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::sync::Arc;
use std::thread;

use super::active::ActiveStep;
use super::fields::StepFields;
use crate::base::clock::Tick;
use crate::current::{self, LineLease, SavedFrame, StepExtras, StepState, ThreadState, deferred};
use crate::outcome::failure::Failure;
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
use crate::request::Request;
use crate::site::Site;

/// Guard of a running step, returned by [`step_guard`](crate::step_guard).
///
/// The step ends when the guard is dropped or [finished](StepGuard::finish).
#[derive(Debug)]
#[must_use = "the step ends when its guard is dropped"]
pub struct StepGuard {
    /// `Off` once the step has ended, so that nothing is left to be dropped.
    state: ManuallyDrop<GuardState>,
    /// The failure of a step that ends without its value having been read.
    unobserved: Unobserved,
    _not_send: PhantomData<*const ()>,
}

/// The failure that is known from the type of an unobserved value, returned by a `?`.
type Unobserved = Option<fn() -> Failure<'static>>;

#[derive(Debug)]
enum GuardState {
    /// None of the step's lines can be written, or the step is over.
    Off,
    ErrorOnly(ErrorOnlyStep),
    Full(Option<ActiveStep>),
}

/// A step that writes a line only if it fails. It has no other state.
#[derive(Debug)]
struct ErrorOnlyStep {
    site: &'static Site,
    started: Tick,
    step: u32,
    parent: u32,
    token: u64,
    /// The token and the extras of the step around it.
    outer_token: u64,
    outer_extras: Option<Box<StepExtras>>,
    /// The serial number of the request that the step began in; 0 if there was none.
    request: u64,
}

/// The step is not the innermost one of the current frame.
struct NotInnermost;

impl ErrorOnlyStep {
    #[inline]
    fn begin(thread: &mut ThreadState, site: &'static Site, started: Tick) -> Self {
        let token = thread.next_token();
        let frame = &mut thread.frame;
        let (mut step, mut serial) = (0, 0);
        if let Some(request) = &frame.request {
            serial = request.serial;
            if request.has_id() {
                step = request.next_step();
            }
            if let Some(open) = &request.open_steps {
                open.begin(site.index(), step, frame.step, started);
            }
        }
        ErrorOnlyStep {
            site,
            started,
            step,
            parent: mem::replace(&mut frame.step, step),
            token,
            outer_token: mem::replace(&mut frame.token, token),
            outer_extras: frame.extras.take(),
            request: serial,
        }
    }

    /// Pops the step, and returns its extras.
    #[inline(always)]
    fn pop(&mut self, thread: &mut ThreadState) -> Result<Option<Box<StepExtras>>, NotInnermost> {
        if thread.frame.token != self.token {
            return Err(NotInnermost);
        }
        let outer_extras = self.outer_extras.take();
        let extras = thread.pop_error_only(self.parent, self.outer_token, outer_extras);
        self.close(thread.frame.request.as_ref());
        Ok(extras)
    }

    /// Pops the step later, when it is innermost again, and returns its request.
    #[cold]
    fn defer(&mut self, thread: &mut ThreadState) -> Option<Arc<Request>> {
        let outer_extras = self.outer_extras.take();
        let mut saved = SavedFrame::error_only(self.parent, self.outer_token, outer_extras);
        let request = thread.defer_pop(self.token, &mut saved, None, self.request);
        match &request {
            Some(_) => self.close(request.as_ref()),
            None => deferred::close_later(self.request, self.site, self.step),
        }
        request
    }

    fn close(&self, request: Option<&Arc<Request>>) {
        if let Some(open) = request.and_then(|request| request.open_steps.as_ref()) {
            open.end(self.site.index(), self.step);
        }
    }
}

impl StepGuard {
    /// Begins a step and enters it.
    #[doc(hidden)]
    #[inline]
    pub fn enter(site: &'static Site) -> Self {
        if site.wanted() { StepGuard::begin(site) } else { StepGuard::new(GuardState::Off) }
    }

    /// As [`enter`](Self::enter), for a step that is never error-only. [`entered`](super::entered) adds its fields.
    #[doc(hidden)]
    #[inline]
    pub fn enter_before(site: &'static Site) -> Self {
        if site.wanted() { StepGuard::full(site, None) } else { StepGuard::new(GuardState::Off) }
    }

    /// As [`enter`](Self::enter), with fields, which are evaluated only if a line could be written.
    #[doc(hidden)]
    #[inline]
    pub fn enter_with(site: &'static Site, fields: impl FnOnce(&mut StepFields<'_>)) -> Self {
        if site.wants_fields() {
            StepGuard::full(site, Some(StepFields::collect_here(site, fields)))
        } else if cfg!(feature = "metrics") && site.wanted() {
            StepGuard::begin(site)
        } else {
            StepGuard::new(GuardState::Off)
        }
    }

    #[inline]
    fn new(state: GuardState) -> Self {
        StepGuard { state: ManuallyDrop::new(state), unobserved: None, _not_send: PhantomData }
    }

    #[inline(never)]
    fn begin(site: &'static Site) -> Self {
        if !site.is_error_only() || thread::panicking() {
            return StepGuard::full(site, None);
        }
        // Read the clock before the atomic add of a step id: `rdtsc` would wait for it.
        let started = Tick::now();
        match current::with_thread(|thread| ErrorOnlyStep::begin(thread, site, started)) {
            Some(step) => StepGuard::new(GuardState::ErrorOnly(step)),
            // The thread has lost its locals, and with them the frame.
            None => StepGuard::full(site, None),
        }
    }

    #[inline(never)]
    fn full(site: &'static Site, own: Option<Box<StepState>>) -> Self {
        StepGuard::new(GuardState::Full(Some(ActiveStep::enter(site, own))))
    }

    /// Sets the failure of a step that ends without [`read`](StepGuard::read): by a `?`.
    #[doc(hidden)]
    pub fn unobserved(mut self, unobserved: Unobserved) -> Self {
        self.unobserved = unobserved;
        self
    }

    /// Ends the step with the result read from its value. The value is not read if no line can be written.
    #[doc(hidden)]
    #[inline]
    pub fn read<'a, T>(&mut self, value: &'a T, read: impl FnOnce(&'a T) -> CallResult<'a>) {
        if let Some(now) = self.ends_at() {
            self.end_read(now, &read(value));
        }
    }

    #[inline]
    fn is_on(&self) -> bool {
        !matches!(*self.state, GuardState::Off)
    }

    /// The time at which the step ends, if it is active. An error-only step does not read it: its success has no line.
    #[inline]
    fn ends_at(&self) -> Option<Tick> {
        match *self.state {
            GuardState::Off => None,
            GuardState::ErrorOnly(_) => Some(Tick::default()),
            GuardState::Full(_) => Some(Tick::now()),
        }
    }

    // The state is matched in place, since copying fields that were written a moment ago stalls on store forwarding. It
    // is `Off` before other layers learn of the end: their code may panic, and must not run again while unwinding.

    #[inline(never)]
    fn end_read(&mut self, now: Tick, result: &CallResult<'_>) {
        match (&mut *self.state, &result.failure) {
            (GuardState::Off, _) => {}
            (GuardState::ErrorOnly(_), None) => self.end_error_only_ok(),
            (GuardState::ErrorOnly(_), Some(_)) => self.fail_error_only(Outcome::Error, result),
            (GuardState::Full(step), failure) => {
                let step = step.take();
                self.state = ManuallyDrop::new(GuardState::Off);
                match (step, failure) {
                    (Some(step), None) => step.finish_ok(now, result),
                    (Some(step), Some(_)) => step.end(now, Outcome::Error, result),
                    (None, _) => {}
                }
            }
        }
    }

    /// Ends a step whose value was not read: the function has none, or was left by a `?` or a panic.
    #[inline(never)]
    fn end_unobserved(&mut self) {
        let unobserved = self.unobserved;
        match &mut *self.state {
            GuardState::Off => {}
            GuardState::ErrorOnly(_) if unobserved.is_none() && !thread::panicking() => {
                self.end_error_only_ok();
            }
            GuardState::ErrorOnly(_) => {
                let (outcome, result) = unobserved_result(unobserved, false);
                self.fail_error_only(outcome, &result);
            }
            GuardState::Full(step) => {
                let step = step.take();
                self.state = ManuallyDrop::new(GuardState::Off);
                if let Some(step) = step {
                    step.end_unobserved(unobserved);
                }
            }
        }
    }

    #[inline]
    fn end_error_only_ok(&mut self) {
        let GuardState::ErrorOnly(step) = &mut *self.state else { return };
        let (site, started) = (step.site, step.started);
        current::with_thread(|thread| match step.pop(thread) {
            Ok(None) => {}
            Ok(Some(extras)) => thread.keep_extras(extras),
            Err(NotInnermost) => drop(step.defer(thread)),
        });
        self.state = ManuallyDrop::new(GuardState::Off);
        // The recorder is user code, so it is called last.
        let _observation = site.observe(|| Tick::now().nanos_since(started), Outcome::Ok, None);
    }

    #[cold]
    fn fail_error_only(&mut self, outcome: Outcome, result: &CallResult<'_>) {
        let state = mem::replace(&mut *self.state, GuardState::Off);
        if let GuardState::ErrorOnly(step) = state {
            step.fail(outcome, result);
        }
    }
}

/// The outcome of a step whose value was not read. A step that began while unwinding did not cause the panic.
#[cold]
fn unobserved_result(
    unobserved: Unobserved,
    was_panicking: bool,
) -> (Outcome, CallResult<'static>) {
    if thread::panicking() && !was_panicking {
        return (Outcome::Panicked, CallResult::OK);
    }
    let failure = unobserved.map(|failure| failure());
    let result = CallResult { failure, ..CallResult::OK };
    (Outcome::of(&result), result)
}

impl Drop for StepGuard {
    #[inline]
    fn drop(&mut self) {
        if self.is_on() {
            self.end_unobserved();
        }
    }
}

impl ActiveStep {
    #[inline]
    fn end_unobserved(self, unobserved: Unobserved) {
        let now = Tick::now();
        if unobserved.is_none() && !thread::panicking() {
            self.finish_ok(now, &CallResult::OK);
        } else {
            self.fail_unobserved(now, unobserved);
        }
    }

    #[cold]
    fn fail_unobserved(self, now: Tick, unobserved: Unobserved) {
        let (outcome, result) = unobserved_result(unobserved, self.state.was_panicking);
        self.end(now, outcome, &result);
    }
}

impl ErrorOnlyStep {
    /// Ends the step with a failure, and writes its line.
    #[cold]
    fn fail(mut self, outcome: Outcome, result: &CallResult<'_>) {
        let now = Tick::now();
        let mut state = StepState::new(self.site);
        let mut lease = LineLease::default();
        current::with_thread(|thread| match self.pop(thread) {
            Ok(extras) => {
                state.extras = extras;
                // The error's `Display` impl is user code, and may log.
                lease.take(thread, false);
            }
            Err(NotInnermost) => {
                let request = self.defer(thread);
                lease.take_buffer(thread, request);
            }
        });
        (state.started, state.step, state.parent) = (self.started, self.step, self.parent);
        // The time of the steps inside has been added to the step around this one.
        state.inner = u64::MAX;
        let mut step = ActiveStep { state };
        let (request, buffer) = lease.parts();
        let _observation = step.finish(request, buffer, now, outcome, result);
        lease.end(step.state);
    }
}

/// Calls a body with the arguments of its function as parameters, so that they are dropped in the order in which the
/// function's own are. A closure that is passed on may move out of what it captured; one called in place may not.
pub(crate) mod body {
    macro_rules! calls {
        ($($name:ident($($argument:ident: $Type:ident),*);)*) => {$(
            #[doc = "Calls the body."]
            #[inline]
            #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
            pub fn $name<R, $($Type),*>(
                $($argument: $Type,)*
                body: impl FnOnce($($Type),*) -> R,
            ) -> R {
                body($($argument),*)
            }
        )*};
    }

    calls! {
        call0();
        call1(a: A);
        call2(a: A, b: B);
        call3(a: A, b: B, c: C);
        call4(a: A, b: B, c: C, d: D);
        call5(a: A, b: B, c: C, d: D, e: E);
        call6(a: A, b: B, c: C, d: D, e: E, f: F);
        call7(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
        call8(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
        call9(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I);
        call10(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J);
        call11(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K);
        call12(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H, i: I, j: J, k: K, l: L);
    }
}
