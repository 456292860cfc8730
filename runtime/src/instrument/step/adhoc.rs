//! Steps that are no functions: a closure, a future, the rest of a scope.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::hash::{Hash as _, Hasher};
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::{any, fmt, mem, ptr};

use pin_project_lite::pin_project;

use super::{Step, StepGuard};
use crate::levels;
use crate::outcome::result::CallResult;
use crate::site::{Site, Spec};

/// Runs a closure as a step: the same line as that of a function under
/// [`#[step_timed]`](macro@crate::step_timed).
///
/// An `Err` that it returns is an error, and named by its type; the text of a type that is a parameter
/// here can't be known, so that there is no `error_detail`. The target is the module the closure stands
/// in.
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
pub fn step<T, F: FnOnce() -> T>(name: &'static str, work: F) -> T {
    let mut guard = StepGuard::enter(site::<F>(name, Location::caller()));
    let value = work();
    guard.read(&value, |value| CallResult::of(value));
    value
}

/// Begins a step that ends when the guard is dropped or [finished](StepGuard::finish): for where
/// neither a function nor a closure fits.
///
/// It belongs to its thread, so that it can't be held across an `.await` of a future that is spawned;
/// [`timed`](TimedExt::timed) is for futures. Nothing tells the module it stands in: its target is
/// `steps`.
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
    StepGuard::enter_before(site::<()>(name, Location::caller()))
}

impl StepGuard {
    /// Ends the step with the value of what ran: an `Err` is an error, anything else is well. Without
    /// it a step is well, unless the thread is unwinding.
    pub fn finish<T>(mut self, value: &T) {
        self.read(value, |value| CallResult::of(value));
    }
}

/// `.timed("name")` on futures, in [`candor::prelude`](crate::prelude).
pub trait TimedExt: Future + Sized {
    /// This future as a step, from its first poll to its output or its drop: the same line as that of
    /// an `async fn` under [`#[step_timed]`](macro@crate::step_timed).
    ///
    /// An `Err` is an error, named by its type as in [`step`]. The target is the module an `async`
    /// block or function stands in, and `steps` for other futures.
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
    fn timed(self, name: &'static str) -> Timed<Self> {
        let site = site::<Self>(name, Location::caller());
        Timed { step: Step::new(site, self, CallResult::of) }
    }
}

impl<F: Future> TimedExt for F {}

pin_project! {
    /// The future of [`TimedExt::timed`].
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

impl CallResult<'_> {
    /// How a value ended whose type is a parameter here, so that it can't be asked: a `Result` is known by
    /// the name of its type and by its variant.
    pub(crate) fn of<T>(value: &T) -> Self {
        let failed = error_type(any::type_name::<T>()).filter(|_| is_second_variant(value));
        failed.map_or(CallResult::OK, CallResult::failed)
    }
}

/// `E` of `core::result::Result<T, E>`.
fn error_type(name: &'static str) -> Option<&'static str> {
    let arguments = name.strip_prefix("core::result::Result<")?.strip_suffix('>')?;
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in arguments.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            // Not the arrow of `fn() -> u8`.
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => return Some(arguments[at + 1..].trim_start()),
            _ => {}
        }
        before = c;
    }
    Some(name)
}

fn is_second_variant<T>(value: &T) -> bool {
    struct NotFirst(bool);
    impl Hasher for NotFirst {
        fn write(&mut self, bytes: &[u8]) {
            self.0 |= bytes.iter().any(|byte| *byte != 0);
        }

        fn finish(&self) -> u64 {
            self.0.into()
        }
    }
    let mut variant = NotFirst(false);
    mem::discriminant(value).hash(&mut variant);
    variant.0
}

/// The target of steps whose module is not known.
const NO_MODULE: &str = "steps";

/// The module that the type of a closure or an `async` block stands in:
/// `shop::store::Store::load::{{closure}}` is in `shop::store`.
fn module(type_name: &'static str) -> Option<&'static str> {
    let (path, _) = type_name.split_once("::{{closure}}")?;
    let mut open = 0_i32;
    let mut before = ' ';
    for c in path.chars() {
        open += i32::from(c == '<') - i32::from(c == '>' && before != '-');
        before = c;
    }
    // The closure is an argument of another type.
    if open > 0 {
        return None;
    }
    let path = path.trim_start_matches(['<', '&']);
    let mut end = 0;
    let mut from = 0;
    for segment in path.split("::") {
        let name = segment.trim_start_matches("r#");
        // A function, a type or a closure is no module, nor is what stands in one.
        if !name.starts_with(|c: char| c.is_lowercase() || c == '_')
            || !name.chars().all(|c| c.is_alphanumeric() || c == '_')
            || from + segment.len() == path.len()
        {
            break;
        }
        end = from + segment.len();
        from = end + 2;
    }
    let module = Some(&path[..end]).filter(|module| !module.is_empty())?;
    let of_others = ["alloc", "core", "futures", "std", "tokio"];
    let root = module.split("::").next().unwrap_or(module);
    let foreign = of_others.contains(&root) || levels::is_noisy(root);
    (!foreign).then_some(module)
}

/// A place in the source, by its parts' addresses, and what it is there.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
    at: &'static Location<'static>,
    type_name: &'static str,
}

impl Place {
    fn is(&self, other: &Place) -> bool {
        ptr::eq(self.at, other.at)
            && ptr::eq(self.name, other.name)
            && ptr::eq(self.type_name, other.type_name)
    }
}

/// Places that a thread finds without a lock.
const NEAR: usize = 64;

thread_local! {
    static NEAR_SITES: RefCell<[Option<(Place, &'static Site)>; NEAR]> =
        const { RefCell::new([None; NEAR]) };
}

/// The site of a block: made when it is first entered, and kept for ever, as a function's is.
fn site<T>(name: &'static str, at: &'static Location<'static>) -> &'static Site {
    let place = Place { name, at, type_name: any::type_name::<T>() };
    let slot = (ptr::from_ref(at).addr() >> 3) % NEAR;
    let near = NEAR_SITES.try_with(|sites| {
        sites.borrow()[slot].filter(|(known, _)| known.is(&place)).map(|(_, site)| site)
    });
    if let Ok(Some(site)) = near {
        return site;
    }
    let site = known_site(place);
    let _ = NEAR_SITES.try_with(|sites| sites.borrow_mut()[slot] = Some((place, site)));
    site
}

fn known_site(Place { name, at, type_name }: Place) -> &'static Site {
    type Key = (&'static str, &'static Location<'static>, &'static str);
    static SITES: Mutex<Option<HashMap<Key, &'static Site>>> = Mutex::new(None);
    let mut sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
    sites.get_or_insert_default().entry((name, at, type_name)).or_insert_with(|| {
        let module = module(type_name).unwrap_or(NO_MODULE);
        Site::leaked(Spec::step(name, module, at.file(), at.line()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_result_is_found_in_its_name() {
        fn of<T>() -> Option<&'static str> {
            error_type(any::type_name::<T>())
        }
        assert_eq!(of::<Result<(u8, Vec<[u8; 2]>), fmt::Error>>(), Some("core::fmt::Error"));
        assert_eq!(of::<Result<fn() -> u8, (u8, u8)>>(), Some("(u8, u8)"));
        assert_eq!(of::<Result<Result<u8, i8>, ()>>(), Some("()"));
        assert_eq!(of::<std::io::Result<()>>(), Some("std::io::error::Error"));
        assert_eq!(of::<Option<Result<(), ()>>>(), None);
        assert_eq!(of::<&Result<(), ()>>(), None);
    }

    #[test]
    fn an_err_is_the_second_variant() {
        assert!(is_second_variant(&Err::<u8, _>(0)));
        assert!(is_second_variant(&Err::<Box<u8>, ()>(())));
        assert!(!is_second_variant(&Ok::<_, ()>(7)));
        assert!(!is_second_variant(&Ok::<_, &str>(0)));
    }

    #[test]
    fn the_module_is_what_comes_before_functions_and_types() {
        fn of<F>(_: F) -> Option<&'static str> {
            module(any::type_name::<F>())
        }
        struct Here;
        trait There {
            fn there(&self) -> Option<&'static str>;
        }
        impl There for Here {
            fn there(&self) -> Option<&'static str> {
                of(|| ())
            }
        }
        assert_eq!(of(|| ()), Some(module_path!()));
        assert_eq!(of(async {}), Some(module_path!()));
        assert!(Here.there().is_some_and(|module| module.starts_with(module_path!())));
        assert_eq!(of(0), None);
        assert_eq!(module("shop::store::Store<T>::load::{{closure}}"), Some("shop::store"));
        assert_eq!(
            module("<shop::store::Store as shop::Load>::load::{{closure}}"),
            Some("shop::store")
        );
        assert_eq!(module("shop::load::{{closure}}::{{closure}}"), Some("shop"));
        assert_eq!(module("tokio::fs::read::read::{{closure}}"), None);
        assert_eq!(module("load::{{closure}}"), None);
    }
}
