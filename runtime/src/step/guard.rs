//! A step on one thread: a function's body between a beginning and an end.

use std::marker::PhantomData;
use std::thread;

use super::{Fields, Outcome, Running};
use crate::clock::Tick;
use crate::ending::{Ending, Failure};
use crate::site::Site;

/// A running step on a thread, begun by [`step_guard`](crate::step_guard): ends when it is dropped or
/// [finished](StepGuard::finish).
#[derive(Debug)]
#[must_use = "the step ends when its guard is dropped"]
pub struct StepGuard {
    running: Option<Running>,
    /// How it ended where no value was read.
    unread: Unread,
    _not_send: PhantomData<*const ()>,
}

/// What is known of a value that nobody reads.
type Unread = Option<fn() -> Failure<'static>>;

impl StepGuard {
    /// Begins a step and enters it; its fields follow by [`entered`](super::entered), or there are none.
    #[doc(hidden)]
    #[inline]
    pub fn enter(site: &'static Site) -> Self {
        let running = site.wanted().then(|| Running::enter(site, None));
        StepGuard { running, unread: None, _not_send: PhantomData }
    }

    /// The same with fields, which are asked for only where a line could be written.
    #[doc(hidden)]
    #[inline]
    pub fn enter_with(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) -> Self {
        let begin = || Running::enter(site, Some(Fields::gather(fields)));
        StepGuard { running: site.wanted().then(begin), unread: None, _not_send: PhantomData }
    }

    /// Tells how a step ended that is left without [`read`](StepGuard::read): by a `?`.
    #[doc(hidden)]
    pub fn unread(mut self, unread: Unread) -> Self {
        self.unread = unread;
        self
    }

    /// Ends the step with what its value tells; where nothing is written, nobody looks at it.
    #[doc(hidden)]
    #[inline]
    pub fn read<'a, T>(mut self, value: &'a T, read: impl FnOnce(&'a T) -> Ending<'a>) {
        if self.running.is_some() {
            let now = Tick::now();
            let ending = read(value);
            if let Some(running) = self.running.take() {
                running.end_read(now, &ending);
            }
        }
    }
}

impl Drop for StepGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end_unread(self.unread);
        }
    }
}

impl Running {
    #[inline(never)]
    fn end_read(self, now: Tick, ending: &Ending<'_>) {
        self.end(now, Outcome::of(ending), ending);
    }

    /// The end of a step whose value nobody read: one of a function that returns none, a `?`, a panic.
    #[inline(never)]
    fn end_unread(self, unread: Unread) {
        let now = Tick::now();
        if thread::panicking() && !self.state.was_panicking {
            return self.end(now, Outcome::Panicked, &Ending::OK);
        }
        let ending = Ending { failure: unread.map(|unread| unread()), ..Ending::OK };
        self.end(now, Outcome::of(&ending), &ending);
    }
}

/// Calls of a body with the arguments of its function, as parameters so that they are dropped in the
/// order in which the function's own are. A closure that is handed over may give away what it captured,
/// which one that is called in place may not.
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
