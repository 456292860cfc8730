//! Rare forms of functions and combinations of them: receivers, `impl` blocks, closures and functions that
//! macros generate.
#![allow(
    dead_code,
    unused,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    reason = "as their owners write them"
)]

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use candor::testing::capture;
use candor::{dependency_call, step_timed};
use futures::executor::block_on;
use futures::stream::{Stream, StreamExt as _};

type Answer<T> = Result<T, fmt::Error>;

mod mine {
    pub enum Mine {
        Ok,
        Err,
        Some,
        None,
    }
    pub struct Box;
    pub fn drop() {}
}

#[step_timed]
fn glob() -> u32 {
    use mine::*;
    let _ = Box;
    7
}
#[step_timed]
fn glob_result() -> Result<u32, fmt::Error> {
    use mine::Mine::*;
    use mine::*;
    let _: Mine = Ok;
    Result::Ok(7)
}
#[step_timed]
async fn glob_async() -> Result<u32, fmt::Error> {
    use mine::Mine::*;
    use mine::*;
    let _: Mine = Err;
    let _ = Box;
    Result::Ok(7)
}
#[step_timed]
fn glob_boxed() -> Pin<std::boxed::Box<dyn Future<Output = Answer<u32>>>> {
    use mine::*;
    std::boxed::Box::pin(async { Ok(1) })
}
#[step_timed]
fn exclusive_after_closure(a: &mut Vec<u32>) -> Answer<usize> {
    let mut push = |n| a.push(n);
    push(1);
    push(2);
    a.push(3);
    Ok(a.len())
}
#[step_timed]
async fn exclusive_after_closure_async(a: &mut Vec<u32>) -> Answer<usize> {
    let mut push = async |n| a.push(n);
    push(1).await;
    push(2).await;
    a.push(3);
    Ok(a.len())
}
#[step_timed]
async fn calls_async_closure<F: AsyncFnMut(u32) -> Answer<u32>>(mut f: F) -> Answer<u32> {
    Ok(f(1).await? + f(2).await?)
}
#[step_timed]
async fn calls_impl_async_closure(f: impl AsyncFnOnce(&str) -> usize) -> Answer<usize> {
    let text = String::from("abc");
    Ok(f(&text).await)
}
#[step_timed]
fn let_else(a: Option<u32>) -> Answer<u32> {
    let Some(a) = a else { return Err(fmt::Error) };
    let b = 'out: {
        if a > 3 {
            break 'out 1;
        }
        2
    };
    Ok(a + b)
}
#[step_timed]
fn const_first() -> Answer<u32> {
    const { assert!(true) };
    Ok(1)
}
#[step_timed]
fn unsafe_first(a: &[u8]) -> Answer<u8> {
    // SAFETY: the block calls no unsafe function; only its form is tested.
    unsafe { std::hint::black_box(()) }
    Ok(a[0])
}
#[step_timed]
fn closure_first() -> Answer<u32> {
    (|| {
        if true {
            return Err(fmt::Error);
        }
        Ok(2)
    })()
}
#[step_timed]
fn output_opaque() -> impl Future<Output = impl Display> {
    async { "shown" }
}
#[step_timed]
fn output_use<'a>(a: &'a str, b: &str) -> impl Future<Output = usize> + use<'a> {
    let _ = b;
    async move { a.len() }
}
#[step_timed]
fn stream_of_results<'a>(a: &'a [u32]) -> Pin<Box<dyn Stream<Item = Answer<u32>> + Send + 'a>> {
    if a.is_empty() {
        return Box::pin(futures::stream::empty());
    }
    Box::pin(futures::stream::iter(a.iter().map(|a| if *a > 2 { Err(fmt::Error) } else { Ok(*a) })))
}
#[step_timed]
unsafe extern "C" fn unsafe_foreign(a: *const u32) -> u32 {
    // SAFETY: the caller guarantees that `a` is valid for reads.
    unsafe { *a }
}
#[step_timed]
extern "C" fn foreign_mut(mut a: u32, b: &u32) -> u32 {
    a += b;
    a
}
#[step_timed]
fn thirteen(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    mut l: u8,
    mut m: u8,
    _: u8,
    (n, o): (u8, u8),
) -> Answer<u8> {
    m += 1;
    l += n;
    Ok(a + b + c + d + e + f + g + h + i + j + k + l + m + o)
}

struct S(u32);
impl S {
    #[step_timed]
    fn a(self: &Self) -> Answer<u32> {
        Ok(self.0)
    }
    #[step_timed]
    fn b(self: &Arc<Self>) -> Answer<u32> {
        Ok(self.0)
    }
    #[step_timed]
    fn c(mut self: Pin<&mut Self>) -> Answer<u32> {
        self.0 += 1;
        Ok(self.0)
    }
    #[step_timed]
    fn d(self: Rc<Self>) -> Answer<u32> {
        Ok(self.0)
    }
    #[step_timed]
    fn e<'a>(&'a mut self) -> Answer<&'a mut u32> {
        Ok(&mut self.0)
    }
    #[step_timed]
    fn f(mut self: Box<Self>) -> Answer<Box<Self>> {
        self.0 += 1;
        Ok(self)
    }
    #[step_timed]
    async fn g(self: Pin<&mut Self>) -> Answer<u32> {
        Ok(self.0)
    }
    #[step_timed]
    async fn h(mut self: Box<Self>) -> Answer<Box<Self>> {
        self.0 += 1;
        Ok(self)
    }
    #[step_timed]
    fn i(&mut self) -> impl Future<Output = Answer<u32>> {
        self.0 += 1;
        async move { Ok(self.0) }
    }
    #[step_timed]
    fn j(&self) -> Answer<impl Fn(u32) -> u32> {
        let n = self.0;
        Ok(move |a| a + n)
    }
}

trait Shape {
    const N: usize;
    type Item;
    fn bare(&self) -> u32;
    fn given(&self) -> u32 {
        1
    }
    async fn later(&self) -> Answer<u32>;
    fn promise(&self) -> impl Future<Output = Answer<u32>>;
}
macro_rules! more {
    () => {
        fn bare(&self) -> u32 {
            9
        }
    };
}
#[step_timed(level = "debug")]
impl Shape for S {
    const N: usize = { 4 };
    type Item = u32;
    more!();
    #[step_timed("renamed", ret)]
    fn given(&self) -> u32 {
        2
    }
    async fn later(&self) -> Answer<u32> {
        Ok(3)
    }
    fn promise(&self) -> impl Future<Output = Answer<u32>> {
        async { Err(fmt::Error) }
    }
}
struct Arr<const N: usize>;
#[step_timed]
impl<const N: usize> Arr<N> {
    #[cfg(any())]
    fn gone(&self) -> Gone {}
    const fn four() -> Arr<{ 4 }> {
        Arr
    }
    pub(crate) fn n(&self) -> Answer<usize> {
        Ok(N)
    }
    #[step_timed(skip)]
    fn skipped(&self) {}
    #[dependency_call("other")]
    fn call(&self) -> Answer<usize> {
        Ok(N)
    }
    unsafe fn raw(&self) -> Answer<usize> {
        Ok(N)
    }
}
macro_rules! whole {
    ($name:ident, $($body:tt)*) => {
        struct $name;
        #[step_timed]
        impl $name { fn made(&self) -> Answer<u32> { $($body)* } async fn made_later(&self, a: u32) -> Answer<u32> { if a > 1 { return Err(fmt::Error); } $($body)* } }
    };
}
whole!(Made, Ok(3));

macro_rules! with_self {
    ($vis:vis fn $name:ident($self:ident, $($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        #[step_timed]
        $vis fn $name($self: &Self, $($arg: $ty),*) -> $ret $body
    };
}
impl Made {
    with_self!(
        fn by_macro(self, a: u32, b: &str) -> Answer<usize> {
            Ok(a as usize + b.len() + {
                let _ = self;
                0
            })
        }
    );
}

#[test]
fn every_function_form_writes_its_line() {
    let captured = capture();
    glob();
    glob_result();
    block_on(glob_async());
    block_on(glob_boxed());
    assert_eq!(exclusive_after_closure(&mut vec![]), Ok(3));
    assert_eq!(block_on(exclusive_after_closure_async(&mut vec![])), Ok(3));
    assert_eq!(block_on(calls_async_closure(async |n| Ok(n))), Ok(3));
    assert_eq!(block_on(calls_impl_async_closure(async |s: &str| s.len())), Ok(3));
    assert!(let_else(None).is_err());
    assert!(closure_first().is_err());
    const_first();
    unsafe_first(&[1]);
    block_on(output_opaque());
    block_on(output_use("a", "b"));
    block_on(stream_of_results(&[1, 2, 3]).collect::<Vec<_>>());
    block_on(stream_of_results(&[]).collect::<Vec<_>>());
    // SAFETY: the pointer comes from a reference.
    unsafe { unsafe_foreign(&1) };
    foreign_mut(1, &2);
    thirteen(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, (1, 1));
    let mut s = S(1);
    s.a();
    Arc::new(S(1)).b();
    Pin::new(&mut s).c();
    Rc::new(S(1)).d();
    s.e();
    Box::new(S(1)).f();
    block_on(Pin::new(&mut s).g());
    block_on(Box::new(S(1)).h());
    block_on(s.i());
    s.j().unwrap()(1);
    s.bare();
    s.given();
    block_on(s.later());
    block_on(s.promise());
    Arr::<3>.n();
    Arr::<3>.skipped();
    Arr::<3>.call();
    // SAFETY: the method has no requirement.
    unsafe { Arr::<3>.raw() };
    Made.made();
    assert!(block_on(Made.made_later(2)).is_err());
    Made.by_macro(1, "a");
    let ends: Vec<_> = captured.lines().iter().map(summary).collect();
    assert_eq!(
        ends,
        [
            "glob ok INFO",
            "glob_result ok INFO",
            "glob_async ok INFO",
            "glob_boxed ok INFO",
            "exclusive_after_closure ok INFO",
            "exclusive_after_closure_async ok INFO",
            "calls_async_closure ok INFO",
            "calls_impl_async_closure ok INFO",
            "let_else error WARN",
            "closure_first error WARN",
            "const_first ok INFO",
            "unsafe_first ok INFO",
            "output_opaque ok INFO",
            "output_use ok INFO",
            "stream_of_results error WARN",
            "stream_of_results ok INFO",
            "unsafe_foreign ok INFO",
            "foreign_mut ok INFO",
            "thirteen ok INFO",
            "a ok INFO",
            "b ok INFO",
            "c ok INFO",
            "d ok INFO",
            "e ok INFO",
            "f ok INFO",
            "g ok INFO",
            "h ok INFO",
            "i ok INFO",
            "j ok INFO",
            "renamed ok DEBUG",
            "S::later ok DEBUG",
            "S::promise error WARN",
            "Arr::n ok INFO",
            "call ok INFO",
            "Arr::raw ok INFO",
            "Made::made ok INFO",
            "Made::made_later error WARN",
            "by_macro ok INFO",
        ]
    );
}

fn summary(line: &candor::testing::Line) -> String {
    let name = if line.has("step") { "step" } else { "operation" };
    format!("{} {} {}", line.text(name), line.text("outcome"), line.text("level"))
}

macro_rules! items {
    ($item:item) => {
        #[step_timed]
        $item
    };
}
items! { fn of_an_item(a: u32) -> Answer<u32> { if a > 1 { return Err(fmt::Error); } Ok(a) } }
items! { impl Arr<9> { async fn nine(&self) -> Answer<u32> { Ok(9) } } }
macro_rules! typed {
    ($(#[$m:meta])* $vis:vis $name:ident ($($p:pat => $t:ty),*) $ret:ty = $e:expr) => {
        $(#[$m])* #[step_timed(name = "typed", fields(n = $e))] $vis async fn $name($($p: $t),*) -> $ret { Ok($e) }
    };
}
typed!(#[inline] pub(crate) of_pieces((a, _) => (u32, u32), mut b => u32) Answer<u32> = 1 + 2);
macro_rules! polled {
    ($name:ident, $ret:ty) => {
        #[step_timed]
        fn $name() -> $ret {
            Box::pin(async { Err(fmt::Error) })
        }
    };
}
polled!(of_a_type, Pin<Box<dyn Future<Output = Answer<u32>>>>);
macro_rules! lits {
    ($name:literal, $level:literal) => {
        #[step_timed($name, level = $level)]
        fn of_literals() {}
    };
}
lits!("lit", "warn");
macro_rules! lived { ($l:lifetime) => { #[step_timed] fn lived<$l>(a: &$l str, b: &str) -> Answer<&$l str> { Ok(a) } } }
lived!('x);
#[test]
fn functions_generated_by_macros_are_timed() {
    let captured = capture();
    let _ = (
        of_an_item(2),
        block_on(Arr::<9>.nine()),
        block_on(of_pieces((1, 2), 3)),
        block_on(of_a_type()),
        of_literals(),
        lived("", ""),
    );
    assert_eq!(captured.step("of_a_type").text("outcome"), "error");
    assert_eq!(captured.step("typed").integer("n"), 3);
    assert_eq!(captured.step("lit").text("level"), "WARN");
    captured.step("Arr::nine");
}

macro_rules! of_a_block { ($name:ident $body:block) => { #[step_timed] fn $name() -> u32 $body } }
of_a_block!(seven { let seven = 7; seven });

#[test]
fn a_body_passed_as_a_macro_block_is_timed() {
    let captured = capture();
    assert_eq!(seven(), 7);
    captured.step("seven");
}
