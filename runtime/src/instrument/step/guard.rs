//! A step on one thread: a function's body between a beginning and an end.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::thread;

use super::{Fields, Outcome, Running, State};
use crate::base::clock::Tick;
use crate::current::{self, Ended, Lent, Quiet, Thread};
use crate::outcome::result::{CallResult, Failure};
use crate::site::Site;

/// A running step on a thread, begun by [`step_guard`](crate::step_guard): ends when it is dropped or
/// [finished](StepGuard::finish).
#[derive(Debug)]
#[must_use = "the step ends when its guard is dropped"]
pub struct StepGuard {
    /// Taken where the step ends, so that nothing is left to be dropped.
    on: ManuallyDrop<On>,
    /// How it ended where no value was read.
    unread: Unread,
    _not_send: PhantomData<*const ()>,
}

/// What is known of a value that nobody reads.
type Unread = Option<fn() -> Failure<'static>>;

/// What there is of a step.
#[derive(Debug)]
enum On {
    /// Nothing: none of its lines can be written, or it is over.
    No,
    Quietly(Silent),
    Fully(Option<Running>),
}

/// What has to be known of a step of which only a bad end is told.
#[derive(Debug)]
struct Silent {
    site: &'static Site,
    started: Tick,
    quiet: Quiet,
}

impl StepGuard {
    /// Begins a step and enters it.
    #[doc(hidden)]
    #[inline]
    pub fn enter(site: &'static Site) -> Self {
        if site.wanted() { StepGuard::begin(site) } else { StepGuard::new(On::No) }
    }

    /// The same for one that is never quiet: its fields follow by [`entered`](super::entered), or its guard may go
    /// anywhere.
    #[doc(hidden)]
    #[inline]
    pub fn enter_before(site: &'static Site) -> Self {
        if site.wanted() { StepGuard::run(site, None) } else { StepGuard::new(On::No) }
    }

    /// The same with fields, which are asked for only where a line could be written.
    #[doc(hidden)]
    #[inline]
    pub fn enter_with(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) -> Self {
        if site.wanted() {
            StepGuard::run(site, Some(Fields::gather_here(site, fields)))
        } else {
            StepGuard::new(On::No)
        }
    }

    #[inline]
    fn new(on: On) -> Self {
        StepGuard { on: ManuallyDrop::new(on), unread: None, _not_send: PhantomData }
    }

    #[inline(never)]
    fn begin(site: &'static Site) -> Self {
        if !site.is_quiet() || thread::panicking() {
            return StepGuard::run(site, None);
        }
        // First the clock, which would wait for the count.
        let started = Tick::now();
        let open = |thread: &mut Thread| thread.frame.open_quietly(site, started);
        match current::with_thread(open) {
            Some(quiet) => StepGuard::new(On::Quietly(Silent { site, started, quiet })),
            // A thread that is past its end has no frame to be quiet in.
            None => StepGuard::run(site, None),
        }
    }

    #[inline(never)]
    fn run(site: &'static Site, own: Option<Box<State>>) -> Self {
        StepGuard::new(On::Fully(Some(Running::enter(site, own))))
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
    pub fn read<'a, T>(&mut self, value: &'a T, read: impl FnOnce(&'a T) -> CallResult<'a>) {
        if let Some(now) = self.ends_at() {
            self.end_read(now, &read(value));
        }
    }

    #[inline]
    fn is_on(&self) -> bool {
        !matches!(*self.on, On::No)
    }

    /// When it ends, if it is on; of one whose good end is not told, any time will do.
    #[inline]
    fn ends_at(&self) -> Option<Tick> {
        match *self.on {
            On::No => None,
            On::Quietly(_) => Some(Tick::default()),
            On::Fully(_) => Some(Tick::now()),
        }
    }

    // It is looked at in its place, since what was written a moment ago in small pieces is slow to copy, and it is over
    // before others hear of it: what a layer does may panic.

    #[inline(never)]
    fn end_read(&mut self, now: Tick, result: &CallResult<'_>) {
        match (&mut *self.on, &result.failure) {
            (On::No, _) => {}
            (On::Quietly(_), None) => self.close_quietly(),
            (On::Quietly(_), Some(_)) => self.end_quietly(Outcome::Error, result),
            (On::Fully(running), failure) => {
                let running = running.take();
                self.on = ManuallyDrop::new(On::No);
                match (running, failure) {
                    (Some(running), None) => running.end_ok(now, result),
                    (Some(running), Some(_)) => running.end(now, Outcome::Error, result),
                    (None, _) => {}
                }
            }
        }
    }

    /// The end of a step whose value nobody read: one of a function that returns none, a `?`, a panic.
    #[inline(never)]
    fn end_unread(&mut self) {
        let unread = self.unread;
        match &mut *self.on {
            On::No => {}
            On::Quietly(_) if unread.is_none() && !thread::panicking() => self.close_quietly(),
            On::Quietly(_) => {
                let (outcome, result) = how(unread, false);
                self.end_quietly(outcome, &result);
            }
            On::Fully(running) => {
                let running = running.take();
                self.on = ManuallyDrop::new(On::No);
                if let Some(running) = running {
                    running.end_unread(unread);
                }
            }
        }
    }

    #[inline]
    fn close_quietly(&mut self) {
        if let On::Quietly(silent) = &*self.on {
            current::with_thread(|thread| thread.close_quietly(&silent.quiet, silent.site));
        }
        self.on = ManuallyDrop::new(On::No);
    }

    #[cold]
    fn end_quietly(&mut self, outcome: Outcome, result: &CallResult<'_>) {
        let on = mem::replace(&mut *self.on, On::No);
        if let On::Quietly(silent) = on {
            Running::end_quiet(&silent, outcome, result);
        }
    }
}

/// How a step ended that nobody read. One that was entered while unwinding did not cause that.
#[cold]
fn how(unread: Unread, was_panicking: bool) -> (Outcome, CallResult<'static>) {
    if thread::panicking() && !was_panicking {
        return (Outcome::Panicked, CallResult::OK);
    }
    let result = CallResult { failure: unread.map(|unread| unread()), ..CallResult::OK };
    (Outcome::of(&result), result)
}

impl Drop for StepGuard {
    #[inline]
    fn drop(&mut self) {
        if self.is_on() {
            self.end_unread();
        }
    }
}

impl Running {
    #[inline]
    fn end_unread(self, unread: Unread) {
        let now = Tick::now();
        if unread.is_none() && !thread::panicking() {
            self.end_ok(now, &CallResult::OK);
        } else {
            self.end_unread_badly(now, unread);
        }
    }

    #[cold]
    fn end_unread_badly(self, now: Tick, unread: Unread) {
        let (outcome, result) = how(unread, self.state.was_panicking);
        self.end(now, outcome, &result);
    }

    /// The end of a step of which only a bad one is told.
    #[cold]
    fn end_quiet(silent: &Silent, outcome: Outcome, result: &CallResult<'_>) {
        let now = Tick::now();
        let Silent { site, started, quiet } = *silent;
        let ended = current::with_thread(|thread| thread.end_quietly(quiet, site)).flatten();
        let Ended { request, step, parent, extras } = ended.unwrap_or_default();
        let mut state = State::new(site);
        (state.started, state.step, state.parent, state.extras) = (started, step, parent, extras);
        // How long those took that are inside it is not known.
        state.has_inner = true;
        let mut running = Running { state };
        let mut lent = Lent::scratch_of_here();
        let (_, scratch) = lent.parts();
        running.finish(request.as_ref(), scratch, now, outcome, result);
        lent.give_back(running.state);
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
