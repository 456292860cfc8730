//! Steps that are not functions: a closure, a future, the rest of a scope.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::Mutex;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::future::Step;
use super::guard::StepGuard;
use crate::base::fork::ForkLocks;
use crate::base::lock;
use crate::outcome::result::CallResult;
use crate::outcome::{ReturnsStepOutput, StepOutput};
use crate::site::{Site, Spec};

/// Runs a closure as a step.
///
/// The line is the same as that of a function with [`#[step_timed]`](macro@crate::step_timed).
///
/// An `Err` is an error, named by its type; [`StepOutput`] lists the other types that a step may return. Neither the
/// text of the error nor the module is known here, so the line has no `error_detail`, and the target is `steps`.
///
/// ```
/// let captured = candor::testing::capture();
/// let sum = candor::step("sum up", || {
///     candor::record("rows", 3);
///     1 + 2 + 3
/// });
/// assert_eq!(sum, 6);
/// let line = captured.step("sum up");
/// assert_eq!((line.text("outcome"), line.integer("rows")), ("ok", 3));
/// ```
#[track_caller]
pub fn step<T>(name: &'static str, work: impl FnOnce() -> T) -> T
where
    fn() -> T: ReturnsStepOutput<T>,
{
    let mut guard = StepGuard::enter(site(name, Location::caller()));
    let value = work();
    guard.read(&value, <fn() -> T>::call_result);
    value
}

/// Begins a step that ends when the guard is dropped.
///
/// Use it for a part of a scope that is neither a function nor a closure. [`finish`](StepGuard::finish) ends the step
/// with an outcome.
///
/// The guard belongs to its thread, so it can't be held across an `.await` of a future that is spawned; use
/// [`timed`](TimedExt::timed) for futures. The target is `steps`.
///
/// ```
/// let captured = candor::testing::capture();
/// let parsing = candor::step_guard("parse");
/// let parsed = "12x".parse::<u32>();
/// parsing.finish(&parsed);
/// let line = captured.step("parse");
/// assert_eq!((line.text("outcome"), line.text("error")), ("error", "ParseIntError"));
/// ```
#[track_caller]
pub fn step_guard(name: &'static str) -> StepGuard {
    StepGuard::enter_before(site(name, Location::caller()))
}

impl StepGuard {
    /// Ends the step with the outcome of a value: an `Err` is an error.
    ///
    /// Without this call, the outcome is `ok`, or `panicked` if the thread is unwinding.
    pub fn finish<T: StepOutput>(mut self, value: &T) {
        self.read(value, T::call_result);
    }
}

/// Extension trait for `.timed("name")` on futures.
pub trait TimedExt: Future + Sized {
    /// Makes this future a step, from its first poll until it completes or is dropped.
    ///
    /// The line is the same as that of an `async fn` with [`#[step_timed]`](macro@crate::step_timed).
    ///
    /// An `Err` is an error, named by its type, as in [`step`]. The target is `steps`.
    ///
    /// ```
    /// use candor::prelude::*;
    ///
    /// async fn draw() -> u32 {
    ///     async { 7 }.timed("lucky number").await
    /// }
    /// # use std::{pin::pin, task::{Context, Waker}};
    /// let captured = candor::testing::capture();
    /// # let _ = pin!(draw()).poll(&mut Context::from_waker(Waker::noop()));
    /// assert_eq!(captured.step("lucky number").text("outcome"), "ok");
    /// ```
    #[track_caller]
    fn timed(self, name: &'static str) -> Timed<Self>
    where
        fn() -> Self::Output: ReturnsStepOutput<Self::Output>,
    {
        let site = site(name, Location::caller());
        Timed { step: Step::new(site, self, <fn() -> Self::Output>::call_result) }
    }
}

impl<F: Future> TimedExt for F {}

pin_project! {
    /// Future returned by [`TimedExt::timed`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Timed<F: Future> {
        #[pin]
        step: Step<F, Read<F::Output>>,
    }
}

type Read<T> = for<'a> fn(&'a T) -> CallResult<'a>;

impl<F: Future> fmt::Debug for Timed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("step", &self.step).finish()
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().step.poll(cx)
    }
}

/// The target of steps that are not functions.
const TARGET: &str = "steps";

/// A step's name and location, which identify it. Both live as long as the program.
type Key = (&'static str, &'static Location<'static>);

/// How many sites a thread finds without a lock.
const RECENT: usize = 64;

thread_local! {
    static RECENT_SITES: RefCell<[Option<(Key, &'static Site)>; RECENT]> =
        const { RefCell::new([None; RECENT]) };
}

/// The site of a step: made when it is first entered, and kept forever, like a function's.
fn site(name: &'static str, at: &'static Location<'static>) -> &'static Site {
    let slot = (ptr::from_ref(at).addr() >> 3) % RECENT;
    let recent = RECENT_SITES.try_with(|sites| {
        let (known, site) = sites.borrow()[slot]?;
        (ptr::eq(known.0, name) && ptr::eq(known.1, at)).then_some(site)
    });
    if let Ok(Some(site)) = recent {
        return site;
    }
    let site = shared_site(name, at);
    let _ = RECENT_SITES.try_with(|sites| sites.borrow_mut()[slot] = Some(((name, at), site)));
    site
}

/// The sites so far.
static SITES: Mutex<Option<HashMap<Key, &'static Site>>> = Mutex::new(None);

/// Takes the lock before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&SITES), |(), _| {});
}

fn shared_site(name: &'static str, at: &'static Location<'static>) -> &'static Site {
    lock(&SITES)
        .get_or_insert_default()
        .entry((name, at))
        .or_insert_with(|| Site::leaked(Spec::step(name, TARGET, at.file(), at.line())))
}
