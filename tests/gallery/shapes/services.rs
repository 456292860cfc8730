//! Functions as services have them: conversions, repositories, callbacks, and small standard traits.
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, Index};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, OnceLock};

use candor::step_timed;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::{Answer, breathe};

// shape: trait object in a boxed future
#[step_timed]
fn trait_object_in_a_boxed_future(a: u32) -> BoxFuture<'static, Box<dyn Display + Send>> {
    Box::pin(async move { Box::new(a) as Box<dyn Display + Send> })
}

// shape: items that are opaque
#[step_timed]
fn items_that_are_opaque(
    a: &str,
) -> Result<impl Iterator<Item = Result<u32, impl Debug + use<>>>, io::Error> {
    std::fs::read(a)?;
    Ok(vec![Ok::<u32, u8>(1)].into_iter())
}

// shape: constant condition
#[step_timed]
fn constant_condition<const B: bool>(a: [(); 3]) -> Answer<[(); 3]>
where
    [(); 3]: Sized,
{
    if B {
        std::fs::read("none")?;
    }
    Ok(a)
}

// shape: into argument
#[step_timed]
fn into_argument(a: impl Into<Cow<'static, str>> + Debug) -> Answer<Cow<'static, str>> {
    std::fs::read("none")?;
    Ok(a.into())
}

// shape: into argument async
#[step_timed]
async fn into_argument_async(a: impl Into<Cow<'static, str>>) -> Answer<Cow<'static, str>> {
    let a = a.into();
    breathe().await;
    Ok(a)
}

// shape: foreign callback
#[step_timed]
fn foreign_callback(a: *mut u32, f: extern "C" fn(*mut u32) -> i32) -> Answer<i32> {
    match f(a) {
        0 => Ok(0),
        code if code < 0 => Err(io::Error::from_raw_os_error(-code)),
        code => Ok(code),
    }
}

// shape: slice patterns
#[step_timed]
fn slice_patterns(a: &[Option<&str>]) -> Answer<usize> {
    let [Some(first), .., last @ (Some(_) | None)] = a else {
        return Err(io::Error::other("short"));
    };
    Ok(first.len() + last.map_or(0, str::len))
}

// shape: slice patterns async
#[step_timed]
async fn slice_patterns_async(a: &[u8]) -> Answer<u8> {
    match a {
        [] => Err(io::Error::other("empty")),
        [one] => Ok(*one),
        [first, rest @ ..] => {
            breathe().await;
            Box::pin(slice_patterns_async(rest)).await.map(|b| first ^ b)
        }
    }
}

// shape: entry of a map
#[step_timed]
fn entry_of_a_map(map: &mut HashMap<String, Vec<u32>>, key: &str) -> Answer<u32> {
    std::fs::read(key)?;
    Ok(*map.entry(key.to_owned()).or_default().first().unwrap_or(&7))
}

static TABLE: LazyLock<HashMap<u32, fn(&str) -> Answer<usize>>> = LazyLock::new(|| {
    // shape: function in a static
    #[step_timed]
    fn read(path: &str) -> Answer<usize> {
        std::fs::read(path).map(|r| r.len())
    }
    HashMap::from([(1, read as fn(&str) -> Answer<usize>)])
});

struct Guard<'a, T: ?Sized + 'a>(&'a T, PhantomData<fn() -> T>);
impl<T: ?Sized> Deref for Guard<'_, T> {
    type Target = T;

    // shape: dereference
    #[step_timed(level = "trace")]
    fn deref(&self) -> &Self::Target {
        println!();
        self.0
    }
}
impl<'a, T: ?Sized> From<&'a T> for Guard<'a, T> {
    // shape: conversion
    #[step_timed]
    fn from(a: &'a T) -> Self {
        println!();
        Self(a, PhantomData)
    }
}
impl<T: ?Sized> Drop for Guard<'_, T> {
    // shape: drop
    #[step_timed]
    fn drop(&mut self) {
        println!("{}", size_of_val(self.0));
    }
}

struct Rows(Vec<u32>);

impl Index<usize> for Rows {
    type Output = u32;

    // shape: index
    #[step_timed]
    fn index(&self, at: usize) -> &Self::Output {
        println!();
        &self.0[at]
    }
}

impl Iterator for Rows {
    type Item = Answer<u32>;

    // shape: next item
    #[step_timed(level = "debug")]
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.0.pop()?;
        Some(if next == 0 { Err(io::Error::other("zero")) } else { Ok(next) })
    }
}

impl std::str::FromStr for Rows {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    // shape: parsed text
    #[step_timed(err = "error")]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split(',').map(str::parse).collect::<Result<_, _>>()?))
    }
}

impl TryFrom<&[u8]> for Rows {
    type Error = fmt::Error;

    // shape: fallible conversion
    #[step_timed]
    fn try_from(from: &[u8]) -> Result<Self, Self::Error> {
        if from.is_empty() {
            Err(fmt::Error)?
        }
        Ok(Self(from.iter().copied().map(Into::into).collect()))
    }
}

impl Extend<u32> for Rows {
    // shape: extended
    #[step_timed]
    fn extend<I: IntoIterator<Item = u32>>(&mut self, from: I) {
        self.0.extend(from)
    }
}

// shape: static result
#[step_timed]
fn static_result() -> &'static Answer<String> {
    static ONCE: OnceLock<Answer<String>> = OnceLock::new();
    ONCE.get_or_init(|| std::fs::read_to_string("none"))
}

// shape: output of a parameter
#[step_timed]
async fn output_of_a_parameter<T>(jobs: Vec<T>) -> Result<Vec<T::Output>, io::Error>
where
    T: Future<Output: Send> + Send,
{
    let mut outputs = Vec::with_capacity(jobs.len());
    for job in jobs {
        outputs.push(job.await);
    }
    Ok(outputs)
}

// shape: reference that moves on
#[step_timed]
fn reference_that_moves_on<'a, 'b: 'a>(a: &'a mut &'b str) -> Answer<&'b str> {
    let (head, tail) = a.split_once(' ').ok_or_else(|| io::Error::other("one"))?;
    *a = tail;
    Ok(head)
}

// shape: reference that moves on async
#[step_timed]
async fn reference_that_moves_on_async(a: &mut &[u8]) -> Answer<u8> {
    let (head, tail) = a.split_first().ok_or_else(|| io::Error::other("empty"))?;
    breathe().await;
    *a = tail;
    Ok(*head)
}

// shape: inserted option
#[step_timed]
fn inserted_option(a: &mut Option<Box<u32>>) -> Answer<&mut u32> {
    if a.is_none() {
        std::fs::read("none")?;
        *a = Some(Box::new(1));
    }
    match a {
        Some(a) => Ok(a),
        None => unreachable!(),
    }
}

// shape: boxed job
#[step_timed]
fn boxed_job(
    a: Box<dyn FnOnce() -> Answer<u32> + Send + 'static>,
) -> std::thread::JoinHandle<Answer<u32>> {
    std::thread::spawn(a)
}

// shape: mutable callbacks
#[step_timed]
fn mutable_callbacks(
    mut a: impl FnMut() -> Answer<u32>,
    (mut b, c): (u32, impl Fn(u32) -> u32),
) -> Answer<u32> {
    while b > 0 {
        b = c(b);
        a()?;
    }
    a()
}

// shape: shared callback
#[step_timed]
async fn shared_callback(
    a: Arc<dyn Fn(u32) -> BoxFuture<'static, Answer<u32>> + Send + Sync>,
) -> Answer<u32> {
    let (b, c) = (a(1).await?, a(2).await?);
    Ok(b + c)
}

// shape: raw pointer
#[step_timed]
unsafe fn raw_pointer<'a, T>(a: *const T) -> Option<&'a T> {
    unsafe { a.as_ref() }
}

// shape: unsafe async
#[step_timed]
async unsafe fn unsafe_async(a: usize) -> Answer<usize> {
    breathe().await;
    Ok(a)
}

trait Repo: Send + Sync {
    type Row<'a>: Debug + Send
    where
        Self: 'a;
    async fn find<'a>(&'a self, id: u64) -> Answer<Option<Self::Row<'a>>>;
    fn all(&self) -> BoxStream<'_, Answer<Self::Row<'_>>>;
}

struct Pg<C>(C);
impl<C: AsRef<[u8]> + Send + Sync> Repo for Pg<C> {
    type Row<'a>
        = &'a [u8]
    where
        C: 'a;

    // shape: lifetime of an associated type async
    #[step_timed(fields(id))]
    async fn find<'a>(&'a self, id: u64) -> Answer<Option<Self::Row<'a>>> {
        breathe().await;
        let at = usize::try_from(id).map_err(io::Error::other)?;
        Ok(self.0.as_ref().get(at..))
    }

    // shape: stream of an associated type
    #[step_timed]
    fn all(&self) -> BoxStream<'_, Answer<Self::Row<'_>>> {
        Box::pin(futures::stream::iter(self.0.as_ref().chunks(2).map(Ok)))
    }
}

// shape: generic block of a repository
#[step_timed]
impl<C> Pg<C>
where
    C: AsRef<[u8]> + Send + Sync + 'static,
{
    pub fn shared(self: Arc<Self>) -> impl Future<Output = Answer<usize>> + Send + 'static {
        async move {
            let found = self.find(1).await?;
            Ok(found.map_or(0, <[u8]>::len))
        }
    }
    fn with<R, F>(&self, f: F) -> Answer<R>
    where
        F: for<'x> FnOnce(&'x C) -> Answer<R>,
    {
        f(&self.0)
    }
    async fn with_later<R>(&self, f: impl AsyncFnOnce(&C) -> Answer<R>) -> Answer<R> {
        f(&self.0).await
    }
    fn pinned<'a>(
        &'a mut self,
        _: u32,
    ) -> Pin<Box<dyn Future<Output = Answer<&'a mut C>> + Send + 'a>> {
        Box::pin(async move { Ok(&mut self.0) })
    }
}

// shape: return in both branches
#[step_timed]
fn return_in_both_branches() -> Answer<()> {
    if std::env::args().count() > 1 {
        return Ok(());
    } else {
        std::fs::remove_file("none")
    }
}

// shape: returns in expressions
#[step_timed]
fn returns_in_expressions(a: u32) -> Answer<u32> {
    let b = if a > 1 { a } else { return Ok(7) };
    let c = match b {
        2 => return Err(io::Error::other("two")),
        b => b,
    };
    std::fs::read("none")?;
    Ok(c)
}

// shape: returns in expressions async
#[step_timed]
async fn returns_in_expressions_async(a: u32) -> Answer<u32> {
    let b = if a > 1 { a } else { return Ok(7) };
    breathe().await;
    let c = match b {
        2 => return Err(io::Error::other("two")),
        b => b,
    };
    Ok(c)
}

// shape: assertions
#[step_timed]
fn assertions(a: u32) -> Answer<u32> {
    assert!(a > 1, "small");
    debug_assert_eq!(a, 2);
    if a == 7 {
        todo!()
    }
    if a == 8 {
        unimplemented!("eight")
    }
    Ok(a)
}

// shape: todo async
#[step_timed]
async fn todo_async() -> Answer<u32> {
    todo!()
}

// shape: unimplemented only
#[step_timed]
fn unimplemented_only() -> Answer<u32> {
    unimplemented!("later")
}

// shape: todo in a future
#[step_timed]
fn todo_in_a_future() -> impl Future<Output = Answer<u32>> {
    async { todo!() }
}

// shape: empty clauses
#[step_timed]
fn empty_clauses<T>(_: PhantomData<T>, _: ()) -> Answer<()>
where
    T:,
{
    std::fs::remove_file("none")
}

// shape: trailing commas
#[step_timed]
fn trailing_commas<'a, T: 'a + ?Sized>(a: &'a T) -> Answer<Rc<str>>
where
    &'a T: Display,
{
    std::fs::read("none")?;
    Ok(format!("{a}").into())
}

// shape: nested blocks
#[step_timed]
fn nested_blocks(a: u32) -> Answer<u32> {
    'a: {
        if a > 1 {
            break 'a;
        }
        println!();
    }
    for _ in 0..a {
        if a == 3 {
            continue;
        }
        std::fs::read("none")?;
    }
    {
        let _ = a;
    }
    Ok(a)
}

// shape: raw names in patterns
#[step_timed]
fn raw_names_in_patterns(r#async: bool, r#move: [u8; 2]) -> Answer<u8> {
    let [r#type, _] = r#move;
    if r#async { Ok(r#type) } else { Err(io::Error::other("none")) }
}

// shape: option as an error
#[step_timed]
fn option_as_an_error(a: Result<u32, Option<u32>>) -> Result<u32, Option<u32>> {
    let b = a?;
    if b > 3 {
        Err(None)?;
    }
    Ok(b)
}

// shape: question mark as the tail
#[step_timed]
async fn question_mark_as_the_tail()
-> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
    breathe().await;
    let n: u32 = "1".parse()?;
    std::fs::write("none", n.to_string())?;
    Err("never")?
}

// shape: borrowed result async
#[step_timed]
async fn borrowed_result_async(a: &str) -> Result<&str, std::num::ParseIntError> {
    let _ = a.parse::<u32>()?;
    breathe().await;
    Ok(a)
}

// shape: closure over references
#[step_timed]
fn closure_over_references(a: &'static str) -> impl Fn(&str) -> Answer<String> + Clone + use<> {
    move |b| {
        std::fs::read(b)?;
        Ok(format!("{a}{b}"))
    }
}

// shape: only an error
#[step_timed]
fn only_an_error(a: u32) -> Answer<std::convert::Infallible> {
    Err(io::Error::other(a.to_string()))
}

// shape: early return of nothing
#[step_timed]
async fn early_return_of_nothing(a: u32) {
    if a == 0 {
        return;
    }
    breathe().await;
    println!("{a}");
}

// shape: explicit unit async
#[step_timed]
async fn explicit_unit_async() -> () {
    breathe().await;
}

// shape: explicit unit
#[step_timed]
fn explicit_unit(a: &mut u32) -> () {
    *a += 1;
}

// shape: tuple with a result
#[step_timed]
fn tuple_with_a_result() -> (u32, Answer<u32>) {
    (1, std::fs::read("none").map(|_| 1))
}

// shape: array of results
#[step_timed]
fn array_of_results() -> [Option<Answer<u32>>; 1] {
    [Some(std::fs::read("none").map(|_| 1))]
}

// shape: large argument
#[step_timed]
async fn large_argument(a: [u8; 1024]) -> Answer<u8> {
    breathe().await;
    let s: u64 = a.iter().map(|a| u64::from(*a)).sum();
    Ok(u8::try_from(s).unwrap_or(u8::MAX))
}

// shape: mutable closure returned
#[step_timed]
fn mutable_closure_returned(a: &'static str) -> impl FnMut(&str, &mut Vec<u32>) -> Answer<String> {
    let mut n = 0;
    move |b, c| {
        n += 1;
        c.push(n);
        std::fs::read(b)?;
        Ok(format!("{a}{b}"))
    }
}

// shape: closure that returns its argument
#[step_timed]
fn closure_that_returns_its_argument(a: u32) -> impl for<'a> Fn(&'a str) -> &'a str + Send {
    if a > 2 {
        println!();
    }
    |b| b
}

// shape: async closure returned
#[step_timed]
fn async_closure_returned(a: u32) -> impl AsyncFn(&str) -> Answer<usize> {
    async move |b| {
        breathe().await;
        Ok(b.len() + a as usize)
    }
}

// shape: opaque output of a boxed future
#[step_timed]
fn opaque_output(a: u32) -> BoxFuture<'static, Answer<impl Display + Send + use<>>> {
    Box::pin(async move {
        breathe().await;
        Ok(a)
    })
}

// shape: closure returned by a future
#[step_timed]
async fn closure_of_a_future(a: &'static str) -> Answer<impl Fn(&str) -> Answer<String>> {
    breathe().await;
    Ok(move |b: &str| {
        std::fs::read(b)?;
        Ok(format!("{a}{b}"))
    })
}
