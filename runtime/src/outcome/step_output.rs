//! The values whose outcome is known without an attribute on a function.

use std::any::type_name;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::num::{NonZeroI32, NonZeroI64, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::ops::{ControlFlow, Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::result::CallResult;

/// Value that a step or job may return.
///
/// It is a `Result`, whose `Err` is an error, or a type whose values are always a success.
///
/// [`step`](fn@crate::step), [`timed`](crate::prelude::TimedExt::timed),
/// [`StepGuard::finish`](crate::StepGuard::finish) and [`job`](crate::job) get the outcome from the value's type.
/// Results and the types of the standard library implement this trait. For your own type that is always a success, one
/// line is enough:
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
    message = "`{Self}` is neither a `Result` nor known to be a success",
    label = "expected a `Result`, or a type that implements `StepOutput`",
    note = "if it is always a success, add `impl candor::StepOutput for {Self} {{}}` to its crate, or wrap it in a type of yours",
    note = "if it can be an error, return a `Result`"
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

/// Implements `StepOutput` for types that are always a success, by their generic parameters.
macro_rules! successes {
    ($([$($generics:tt)*] { $($type:ty)* })*) => {$( successes!(each [$($generics)*] $($type)*); )*};
    (each $generics:tt $($type:ty)*) => {$( successes!(impl $generics $type); )*};
    (impl [$($generics:tt)*] $type:ty) => { impl<$($generics)*> StepOutput for $type {} };
}

successes! {
    [] {
        () bool char str String u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
        NonZeroU32 NonZeroU64 NonZeroUsize NonZeroI32 NonZeroI64 Duration Instant SystemTime ExitCode Ordering Infallible
        OsStr OsString Path PathBuf File IpAddr Ipv4Addr Ipv6Addr SocketAddr TcpListener TcpStream UdpSocket
        serde_json::Value uuid::Uuid
    }
    [T] { (T,) Option<T> Mutex<T> RwLock<T> JoinHandle<T> Range<T> RangeInclusive<T> Poll<T> PhantomData<T> Vec<T> [T] VecDeque<T> BinaryHeap<T> BTreeSet<T> }
    [T, const N: usize] { [T; N] }
    [T: ?Sized] { &T &mut T Box<T> Rc<T> Arc<T> }
    [T: ToOwned + ?Sized] { Cow<'_, T> }
    [T, S] { HashSet<T, S> }
    [K, V] { BTreeMap<K, V> }
    [K, V, S] { HashMap<K, V, S> }
    [B, C] { ControlFlow<B, C> }
    [A, B] { (A, B) }
    [A, B, C] { (A, B, C) }
    [A, B, C, D] { (A, B, C, D) }
    [A, B, C, D, E] { (A, B, C, D, E) }
    [A, B, C, D, E, F] { (A, B, C, D, E, F) }
}

#[cfg(feature = "http")]
impl<B> StepOutput for ::http::Response<B> {}

/// A function type whose output `T` is a [`StepOutput`] or `!`.
///
/// The work of a job may be a loop without an end, whose type is `!`. Stable Rust can name that type only as the output
/// of a function.
#[doc(hidden)]
pub trait ReturnsStepOutput<T> {
    fn call_result(value: &T) -> CallResult<'_>;
}

impl<T: StepOutput> ReturnsStepOutput<T> for fn() -> T {
    fn call_result(value: &T) -> CallResult<'_> {
        value.call_result()
    }
}

impl ReturnsStepOutput<Never> for fn() -> ! {
    fn call_result(_: &Never) -> CallResult<'_> {
        CallResult::OK
    }
}

type Never = <fn() -> ! as FnOutput>::Output;

#[doc(hidden)]
pub trait FnOutput {
    type Output;
}

impl<T> FnOutput for fn() -> T {
    type Output = T;
}
