//! The values whose outcome is known without an attribute on a function.

use std::any::type_name;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use super::result::CallResult;

/// A value that a step or job may return: a `Result`, whose `Err` is an error, or a value that is always a success.
///
/// [`step`](fn@crate::step), [`timed`](crate::prelude::TimedExt::timed), [`StepGuard::finish`](crate::StepGuard::finish)
/// and [`job`](crate::job) take any type and can't look into it, so the type has to tell. Results and the types of the
/// standard library implement this trait. A type of your own that is always a success takes one line:
///
/// ```
/// struct Order {
///     total: u32,
/// }
///
/// impl candor::StepOutput for Order {}
///
/// let captured = candor::testing::capture();
/// let order = candor::step("price", || Order { total: 42 });
/// assert_eq!(order.total, 42);
/// assert_eq!(captured.step("price").text("outcome"), "ok");
/// ```
#[diagnostic::on_unimplemented(
    message = "a step can't tell whether a `{Self}` is a success or an error",
    label = "needs `StepOutput`",
    note = "add `impl candor::StepOutput for {Self} {{}}` if it is always a success, or return a `Result`"
)]
pub trait StepOutput {
    #[doc(hidden)]
    fn call_result(&self) -> CallResult<'_> {
        CallResult::OK
    }
}

/// The text of an error whose type is a parameter can't be known, so the line has no `error_detail`.
impl<T, E> StepOutput for Result<T, E> {
    fn call_result(&self) -> CallResult<'_> {
        match self {
            Ok(_) => CallResult::OK,
            Err(_) => CallResult::failed(type_name::<E>()),
        }
    }
}

macro_rules! successes {
    ($($type:ty)*) => {$( impl StepOutput for $type {} )*};
}

/// `!`, by way of a function that returns it: stable Rust can't name the type elsewhere.
type Never = <fn() -> ! as FnOutput>::Output;

trait FnOutput {
    type Output;
}

impl<T> FnOutput for fn() -> T {
    type Output = T;
}

successes! {
    () Never bool char str String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
    Duration Instant SystemTime ExitCode Ordering Infallible OsStr OsString Path PathBuf IpAddr SocketAddr
    serde_json::Value uuid::Uuid
}

impl<T> StepOutput for Option<T> {}
impl<T> StepOutput for Poll<T> {}
impl<T> StepOutput for PhantomData<T> {}
impl<B, C> StepOutput for ControlFlow<B, C> {}
impl<T> StepOutput for Vec<T> {}
impl<T> StepOutput for [T] {}
impl<T, const N: usize> StepOutput for [T; N] {}
impl<T> StepOutput for VecDeque<T> {}
impl<T> StepOutput for BinaryHeap<T> {}
impl<T> StepOutput for BTreeSet<T> {}
impl<K, V> StepOutput for BTreeMap<K, V> {}
impl<A> StepOutput for (A,) {}
impl<A, B> StepOutput for (A, B) {}
impl<A, B, C> StepOutput for (A, B, C) {}
impl<A, B, C, D> StepOutput for (A, B, C, D) {}
impl<A, B, C, D, E> StepOutput for (A, B, C, D, E) {}
impl<A, B, C, D, E, F> StepOutput for (A, B, C, D, E, F) {}
impl<T, S> StepOutput for HashSet<T, S> {}
impl<K, V, S> StepOutput for HashMap<K, V, S> {}
impl<T: ?Sized> StepOutput for &T {}
impl<T: ?Sized> StepOutput for &mut T {}
impl<T: ?Sized> StepOutput for Box<T> {}
impl<T: ?Sized> StepOutput for Rc<T> {}
impl<T: ?Sized> StepOutput for Arc<T> {}
impl<T: ToOwned + ?Sized> StepOutput for Cow<'_, T> {}

#[cfg(feature = "http")]
impl<B> StepOutput for ::http::Response<B> {}
