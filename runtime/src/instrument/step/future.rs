//! A future that is a step, from its first poll to its output or its drop.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Fields, Outcome, Running};
use crate::base::clock::Tick;
use crate::current::{self, Extras};
use crate::outcome::result::CallResult;
#[cfg(feature = "stream")]
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::site::Site;

/// A step before its first poll.
#[derive(Debug)]
pub struct Entry {
    site: &'static Site,
    /// Fields from the call of the function, where it is not itself the future.
    extras: Option<Box<Extras>>,
}

impl Entry {
    /// An entry with fields, which are asked for only where a line could be written.
    pub fn new(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) -> Self {
        Entry { site, extras: site.wanted().then(|| Fields::gather(fields)) }
    }
}

impl From<&'static Site> for Entry {
    fn from(site: &'static Site) -> Self {
        Entry { site, extras: None }
    }
}

/// A value of the type that a body has to return: named in a branch that is never taken, it tells the
/// compiler what an `async` block, which has no place to write a type, returns.
pub fn hint<T>() -> T {
    unreachable!("the branch is never taken")
}

/// Where a polled step stands.
#[derive(Debug)]
enum State {
    Before(Entry),
    Running(Running),
    Over,
}

/// The state as a field behind what is polled, and so dropped after it.
#[derive(Debug)]
pub(super) struct Slot(State);

// As what it stands beside: nothing in here is seen half done after a panic.
impl UnwindSafe for Slot {}
impl RefUnwindSafe for Slot {}

impl Slot {
    pub(super) fn new(entry: Entry) -> Self {
        Slot(State::Before(entry))
    }

    // What is done around a poll is no part of the user's code, which would have it once a function.

    /// Enters the step for one poll, until what is returned is dropped. It works for the context of its
    /// first poll.
    pub(super) fn enter(&mut self) -> Option<Polled<'_>> {
        self.begin();
        let State::Running(running) = &mut self.0 else { return None };
        let since = running.state.site.spec.busy.then(Tick::now);
        let span = running.go_in();
        Some(Polled { slot: self, span, since, is_over: false })
    }

    fn begin(&mut self) {
        if let State::Before(_) = &self.0
            && let State::Before(entry) = mem::replace(&mut self.0, State::Over)
            && entry.site.wanted()
        {
            self.0 = State::Running(Running::begin(entry.site, entry.extras));
        }
    }

    /// Whether a test holds back the call that this is; it has begun by then.
    #[cfg(feature = "testing")]
    pub(super) fn is_held_back(&mut self, cx: &Context<'_>) -> bool {
        self.begin();
        let State::Running(running) = &mut self.0 else { return false };
        let waiting = &mut running.state.waiting;
        let is_on = waiting.as_mut().is_some_and(|waiting| waiting.is_on(cx));
        if !is_on {
            *waiting = None;
        }
        is_on
    }

    /// When the step ends, if it runs: where nothing is written, nobody looks at its value.
    pub(super) fn ends_at(&self) -> Option<Tick> {
        matches!(self.0, State::Running(_)).then(Tick::now)
    }

    /// Ends the step.
    pub(super) fn end(&mut self, now: Tick, result: &CallResult<'_>) {
        if let State::Running(running) = mem::replace(&mut self.0, State::Over) {
            match Outcome::of(result) {
                Outcome::Ok => running.end_own_ok(now, result),
                outcome => running.end_own(now, outcome, result),
            }
        }
    }

    /// One item of a stream: the first one that is an error decides on the end.
    #[cfg(feature = "stream")]
    pub(super) fn item<'a>(&mut self, result: impl FnOnce() -> CallResult<'a>) {
        if let State::Running(running) = &mut self.0
            && !running.has_failed()
            && let result = result()
            && let Some(failure) = &result.failure
        {
            let extras = running.state.frame.extras.get_or_insert_with(current::take_extras);
            extras.failure = Some(failure.rendered(result.answer, DEFAULT_VALUE_LIMIT));
        }
    }

    /// Enters the step for the drop of what is polled.
    pub(super) fn leave(&mut self) {
        if let State::Running(running) = &mut self.0 {
            // It ends when the slot is dropped behind what is polled.
            running.state.span = running.go_in();
            running.state.is_leaving = true;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let State::Running(mut running) = mem::replace(&mut self.0, State::Over)
            && running.state.is_leaving
        {
            let span = running.state.span.take();
            running.go_out(span.as_ref());
            running.end_own(Tick::now(), Outcome::Cancelled, &CallResult::OK);
        }
    }
}

impl Running {
    /// Enters the frame of a future, and the span that others know it by.
    fn go_in(&mut self) -> Option<tracing::Span> {
        let span = self.state.frame.extras.as_ref().and_then(|extras| extras.span.clone());
        self.swap();
        if let Some(span) = span.as_ref().filter(|_| current::is_alive()) {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
        span
    }

    fn go_out(&mut self, span: Option<&tracing::Span>) {
        if let Some(span) = span.filter(|_| current::is_alive()) {
            span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
        self.swap();
        self.state.frame.awaits = None;
    }
}

/// A step while it is polled; a panic that unwinds through the poll ends it.
pub(super) struct Polled<'a> {
    slot: &'a mut Slot,
    span: Option<tracing::Span>,
    since: Option<Tick>,
    is_over: bool,
}

impl Polled<'_> {
    pub(super) fn leave(polled: Option<Self>) {
        if let Some(mut polled) = polled {
            polled.restore();
        }
    }

    /// Puts back what was current around; false where that was done before.
    fn restore(&mut self) -> bool {
        let State::Running(running) = &mut self.slot.0 else { return false };
        if mem::replace(&mut self.is_over, true) {
            return false;
        }
        running.go_out(self.span.as_ref());
        if let Some(since) = self.since {
            running.state.busy += Tick::now().since(since);
        }
        true
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if self.restore()
            && let State::Running(running) = mem::replace(&mut self.slot.0, State::Over)
        {
            running.end_own(Tick::now(), Outcome::Panicked, &CallResult::OK);
        }
    }
}

pin_project! {
    /// A future that is a step.
    #[must_use = "futures do nothing unless polled"]
    pub struct Step<F, C> {
        #[pin]
        future: F,
        slot: Slot,
        read: C,
    }

    impl<F, C> PinnedDrop for Step<F, C> {
        fn drop(this: Pin<&mut Self>) {
            // What the future drops after this still runs in the step.
            this.project().slot.leave();
        }
    }
}

impl<F, C> fmt::Debug for Step<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl<F, C> Step<F, C> {
    /// A future that is a step; `read` tells from its output how it ended.
    pub fn new<R>(entry: impl Into<Entry>, future: F, read: C) -> Self
    where
        F: Future<Output = R>,
        C: for<'a> Fn(&'a R) -> CallResult<'a>,
    {
        Step { future, slot: Slot::new(entry.into()), read }
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
        if this.slot.is_held_back(cx) {
            return Poll::Pending;
        }
        let polled = this.slot.enter();
        let poll = this.future.poll(cx);
        Polled::leave(polled);
        if let Poll::Ready(output) = &poll
            && let Some(now) = this.slot.ends_at()
        {
            this.slot.end(now, &(this.read)(output));
        }
        poll
    }
}
