//! A future that is a step, from its first poll to its output or its drop.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Fields, Outcome, Running};
use crate::clock::Tick;
#[cfg(feature = "stream")]
use crate::current;
use crate::current::{Extras, Frame};
use crate::ending::Ending;
#[cfg(feature = "stream")]
use crate::loggable::DEFAULT_VALUE_LIMIT;
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
        Entry { site, extras: Fields::gather(site, fields) }
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

    /// One poll inside the step. It works for the context of its first poll.
    pub(super) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        let mut first = false;
        if let State::Before(_) = &self.0
            && let State::Before(entry) = mem::replace(&mut self.0, State::Over)
            && entry.site.wanted()
        {
            self.0 = State::Running(Running::enter(entry.site, entry.extras).take_along());
            first = true;
        }
        let State::Running(running) = &mut self.0 else { return poll() };
        let since = running.site.spec.busy.then(Tick::now);
        let outside = running.enter_thread(first);
        let polled = Polled { slot: self, outside: Some(outside), since };
        let value = poll();
        polled.leave();
        value
    }

    /// Ends the step; where nothing is written, nobody looks at its value.
    pub(super) fn end<'a>(&mut self, ending: impl FnOnce() -> Ending<'a>) {
        if let State::Running(running) = mem::replace(&mut self.0, State::Over) {
            let ending = ending();
            running.finish(Outcome::of(&ending), &ending);
        }
    }

    /// One item of a stream: the first one that is an error decides on the end.
    #[cfg(feature = "stream")]
    pub(super) fn item<'a>(&mut self, ending: impl FnOnce() -> Ending<'a>) {
        if let State::Running(running) = &mut self.0
            && !running.has_failed()
            && let ending = ending()
            && let Some(failure) = &ending.failure
        {
            let extras = running.state.extras.get_or_insert_with(current::take_extras);
            extras.failure = Some(failure.written(ending.answer, DEFAULT_VALUE_LIMIT));
        }
    }

    /// Enters the step for the drop of what is polled.
    pub(super) fn leave(&mut self) {
        if let State::Running(running) = &mut self.0 {
            // It ends when the slot is dropped behind what is polled.
            let outside = running.enter_thread(false);
            running.state.outside = Some(outside);
            running.state.is_leaving = true;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let State::Running(mut running) = mem::replace(&mut self.0, State::Over)
            && running.state.is_leaving
        {
            let outside = running.state.outside.take();
            running.leave_thread(outside.unwrap_or_default());
            running.finish(Outcome::Cancelled, &Ending::OK);
        }
    }
}

/// A step while it is polled; a panic that unwinds through the poll ends it.
struct Polled<'a> {
    slot: &'a mut Slot,
    outside: Option<Frame>,
    since: Option<Tick>,
}

impl Polled<'_> {
    fn leave(mut self) {
        self.restore();
    }

    /// Puts back what was current around; false where that was done before.
    fn restore(&mut self) -> bool {
        let Some(outside) = self.outside.take() else { return false };
        let State::Running(running) = &mut self.slot.0 else { return false };
        running.leave_thread(outside);
        if let (Some(since), Some(extras)) = (self.since, &mut running.state.extras) {
            extras.busy += Tick::now().since(since);
        }
        true
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if self.restore()
            && let State::Running(running) = mem::replace(&mut self.slot.0, State::Over)
        {
            running.finish(Outcome::Panicked, &Ending::OK);
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
        C: for<'a> Fn(&'a R) -> Ending<'a>,
    {
        Step { future, slot: Slot::new(entry.into()), read }
    }
}

impl<F, C> Future for Step<F, C>
where
    F: Future,
    C: for<'a> Fn(&'a F::Output) -> Ending<'a>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let poll = this.slot.poll(|| this.future.poll(cx));
        if let Poll::Ready(output) = &poll {
            this.slot.end(|| (this.read)(output));
        }
        poll
    }
}
