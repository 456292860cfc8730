//! A future that is a step, from its first poll to its output or its drop.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;

use super::active::ActiveStep;
use super::fields::StepFields;
use crate::base::clock::Tick;
use crate::current::{self, DroppingUnfinished, LayerSpan, StepExtras, span_stack};
use crate::outcome::kind::Outcome;
use crate::outcome::result::CallResult;
#[cfg(feature = "stream")]
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::site::Site;

/// A step before its first poll.
#[derive(Debug)]
pub struct StepStart {
    site: &'static Site,
    /// Fields that were evaluated when the function was called, if it is not itself the future.
    extras: Option<Box<StepExtras>>,
}

impl StepStart {
    /// A step with fields, which are evaluated only if a line could be written.
    pub fn new(site: &'static Site, fields: impl FnOnce(&mut StepFields<'_>)) -> Self {
        StepStart { site, extras: site.wants_fields().then(|| StepFields::collect(fields)) }
    }
}

impl From<&'static Site> for StepStart {
    fn from(site: &'static Site) -> Self {
        StepStart { site, extras: None }
    }
}

/// A value of the type that a body has to return.
///
/// In a branch that is never taken, it tells the compiler what an `async` block returns, since the type of such a block
/// can't be written.
pub fn hint<T>() -> T {
    unreachable!("the branch is never taken")
}

#[derive(Debug)]
enum PollState {
    NotStarted(StepStart),
    Active(ActiveStep),
    Over,
}

/// The step of a future or stream. It is declared after the polled value, so that it is dropped after it.
///
/// Its methods are not generic: they are compiled once, and not in every annotated function.
#[derive(Debug)]
pub(super) struct PolledStep(PollState);

// A panic in `poll` ends the step, so no half-changed state is observed.
impl UnwindSafe for PolledStep {}
impl RefUnwindSafe for PolledStep {}

impl PolledStep {
    pub(super) fn new(start: StepStart) -> Self {
        PolledStep(PollState::NotStarted(start))
    }

    /// Enters the step for one poll, until the guard is dropped. The first poll begins the step, in the context that is
    /// current then.
    pub(super) fn enter(&mut self) -> Option<PollGuard<'_>> {
        self.begin();
        let PollState::Active(step) = &mut self.0 else { return None };
        let since = step.state.site.spec.busy.then(Tick::now);
        step.enter_own();
        Some(PollGuard { step: self, since, is_over: false })
    }

    fn begin(&mut self) {
        if let PollState::NotStarted(_) = &self.0
            && let PollState::NotStarted(start) = mem::replace(&mut self.0, PollState::Over)
            && start.site.wanted()
        {
            let active = PollState::Active(ActiveStep::begin(start.site, start.extras));
            // An assignment would run the drop code of the state before, which holds nothing.
            mem::forget(mem::replace(&mut self.0, active));
        }
    }

    /// Whether a test still delays this call, which has begun.
    #[cfg(feature = "testing")]
    pub(super) fn is_delayed(&mut self, cx: &Context<'_>) -> bool {
        self.begin();
        let PollState::Active(step) = &mut self.0 else { return false };
        let delay = &mut step.state.delay;
        let is_delayed = delay.as_mut().is_some_and(|delay| delay.is_pending(cx));
        if !is_delayed {
            *delay = None;
        }
        is_delayed
    }

    /// The time at which the step ends, if it is active. If not, its output need not be read.
    pub(super) fn ends_at(&self) -> Option<Tick> {
        matches!(self.0, PollState::Active(_)).then(Tick::now)
    }

    pub(super) fn end(&mut self, now: Tick, result: &CallResult<'_>) {
        if let PollState::Active(step) = mem::replace(&mut self.0, PollState::Over) {
            match Outcome::of(result) {
                Outcome::Ok => step.finish_own_ok(now, result),
                outcome => step.end_own(now, outcome, result),
            }
        }
    }

    /// Takes an item of a stream: the first error among them is the outcome of the stream.
    #[cfg(feature = "stream")]
    pub(super) fn item<'a>(&mut self, result: impl FnOnce() -> CallResult<'a>) {
        if let PollState::Active(step) = &mut self.0
            && step.state.frame.extras.as_ref().is_none_or(|extras| extras.failure.is_none())
            && let result = result()
            && let Some(failure) = &result.failure
        {
            let extras = step.state.frame.extras.get_or_insert_with(current::take_extras);
            extras.failure = Some(failure.rendered(result.answer, DEFAULT_VALUE_LIMIT));
        }
    }

    /// Enters the step while the polled value is dropped. The step ends when it is dropped itself.
    pub(super) fn enter_for_drop(&mut self) {
        if let PollState::Active(step) = &mut self.0 {
            // Set first: if another layer panics, the step still ends as cancelled.
            step.state.is_dropping = true;
            step.state.was_panicking = true;
            step.state.dropping = Some(DroppingUnfinished::begin());
            let span = step.state.span.as_deref();
            let entered = catch_unwind(AssertUnwindSafe(|| span.map(enter)));
            // Even after a panic, because the drop of the step leaves its frame.
            step.enter_frame();
            if let Err(panic) = entered {
                resume_unwind(panic);
            }
            step.state.was_panicking = thread::panicking();
        }
    }
}

impl Drop for PolledStep {
    fn drop(&mut self) {
        // Looked at before it is taken, since the state of most steps is `Over`.
        if matches!(&self.0, PollState::Active(step) if step.state.is_dropping)
            && let PollState::Active(mut step) = mem::replace(&mut self.0, PollState::Over)
        {
            step.state.dropping = None;
            step.exit_own();
            let panicked = thread::panicking() && !step.state.was_panicking;
            let outcome = if panicked { Outcome::Panicked } else { Outcome::Cancelled };
            step.end_own(Tick::now(), outcome, &CallResult::OK);
        }
    }
}

impl ActiveStep {
    /// Enters the step's own frame, and its span.
    fn enter_own(&mut self) {
        // Entered first and exited last, because other layers may panic.
        if let Some(span) = &self.state.span {
            enter(span);
        }
        self.enter_frame();
    }

    #[inline]
    fn enter_frame(&mut self) {
        current::swap_frame(&mut self.state.frame);
        if self.state.site.spec.has_context {
            self.enter_context();
        }
    }

    #[cold]
    fn enter_context(&mut self) {
        if let Some(mut context) = self.state.context.take() {
            span_stack::enter_context(current::OWN_STEP, &mut context);
        }
    }

    #[cold]
    fn exit_context(&mut self) {
        self.state.context = span_stack::exit_context(current::OWN_STEP);
    }

    fn exit_own(&mut self) {
        current::swap_frame(&mut self.state.frame);
        if self.state.site.spec.has_context {
            self.exit_context();
        }
        self.state.frame.fields_due = None;
        if let Some(span) = &self.state.span {
            exit(span);
        }
    }
}

#[cold]
#[inline(never)]
fn enter(span: &LayerSpan) {
    if current::is_alive() {
        span.enter();
    }
}

#[cold]
#[inline(never)]
fn exit(span: &LayerSpan) {
    if current::is_alive() {
        span.exit();
    }
}

/// Keeps a step entered while it is polled. A panic that unwinds through the poll ends the step.
pub(super) struct PollGuard<'a> {
    step: &'a mut PolledStep,
    since: Option<Tick>,
    is_over: bool,
}

impl PollGuard<'_> {
    pub(super) fn leave(guard: Option<Self>) {
        if let Some(mut guard) = guard {
            guard.exit();
        }
    }

    /// Exits the step; returns false if it was exited before.
    #[inline(always)]
    fn exit(&mut self) -> bool {
        let PollState::Active(step) = &mut self.step.0 else { return false };
        if mem::replace(&mut self.is_over, true) {
            return false;
        }
        step.exit_own();
        if let Some(since) = self.since {
            step.state.busy += Tick::now().since(since);
        }
        true
    }
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        if self.exit()
            && let PollState::Active(step) = mem::replace(&mut self.step.0, PollState::Over)
        {
            step.end_own(Tick::now(), Outcome::Panicked, &CallResult::OK);
        }
    }
}

pin_project! {
    /// A future that is a step.
    #[must_use = "futures do nothing unless polled"]
    pub struct Step<F, C> {
        #[pin]
        future: F,
        polled: PolledStep,
        read: C,
    }

    impl<F, C> PinnedDrop for Step<F, C> {
        fn drop(this: Pin<&mut Self>) {
            // What the future drops after this still runs in the step.
            this.project().polled.enter_for_drop();
        }
    }
}

impl<F, C> fmt::Debug for Step<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("step", &self.polled).finish_non_exhaustive()
    }
}

impl<F, C> Step<F, C> {
    /// Makes a future a step. `read` reads from the output how it ended.
    pub fn new<R>(start: impl Into<StepStart>, future: F, read: C) -> Self
    where
        F: Future<Output = R>,
        C: for<'a> Fn(&'a R) -> CallResult<'a>,
    {
        Step { future, polled: PolledStep::new(start.into()), read }
    }
}

impl<F, C> Future for Step<F, C>
where
    F: Future,
    C: for<'a> Fn(&'a F::Output) -> CallResult<'a>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        #[cfg(feature = "testing")]
        if this.polled.is_delayed(cx) {
            return Poll::Pending;
        }
        let guard = this.polled.enter();
        let poll = this.future.poll(cx);
        PollGuard::leave(guard);
        if let Poll::Ready(output) = &poll
            && let Some(now) = this.polled.ends_at()
        {
            this.polled.end(now, &(this.read)(output));
        }
        poll
    }
}
