#![allow(dead_code)]
#![warn(clippy::all, clippy::pedantic, clippy::nursery)]
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use candor::policy::{clear, mask};
use candor::{dependency_call, step_timed};
use futures::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use futures::stream::{BoxStream, Stream, StreamExt as _};

type Answer<T> = Result<T, io::Error>;

fn main() {}

async fn breathe() {
    std::future::ready(()).await;
}

// shape: nothing
#[step_timed]
fn nothing() { println!(); }

// shape: one line
#[step_timed]
fn one_line(a: u32) -> u32 { a + std::process::id() }

// shape: result on one line
#[step_timed]
fn result_on_one_line(a: u32) -> Answer<u32> { std::fs::read("none").map(|_| a) }

// shape: block of one call
#[step_timed]
fn block_of_one_call() -> Answer<()> { std::fs::remove_file("none") }

// shape: unit result
#[step_timed]
fn unit_result() -> Answer<()> {
    std::fs::remove_file("none")?;
    Ok(())
}

// shape: statements only
#[step_timed]
fn statements_only(a: &RefCell<u32>) {
    *a.borrow_mut() += 1;
    println!("{a:?}");
}

// shape: items first
#[step_timed]
fn items_first() -> Answer<usize> {
    const MOST: usize = 4;
    fn inner(a: usize) -> usize {
        a + MOST + std::env::args().count()
    }
    std::fs::remove_file("none")?;
    Ok(inner(2))
}

// shape: items first in place
#[step_timed]
fn items_first_in_place() -> usize {
    use std::num::NonZeroU8;
    fn inner(a: usize) -> usize {
        a + std::env::args().count()
    }
    inner(NonZeroU8::MIN.get().into())
}

// shape: items first async
#[step_timed]
async fn items_first_async() -> Answer<usize> {
    const MOST: usize = 4;
    fn inner(a: usize) -> usize {
        a + MOST + std::env::args().count()
    }
    breathe().await;
    Ok(inner(2))
}

// shape: early return
#[step_timed]
fn early_return(a: u32) -> Answer<u32> {
    if a > 3 {
        return Err(io::Error::other("large"));
    }
    Ok(a)
}

// shape: match tail
#[step_timed]
fn match_tail(a: Option<u32>) -> Answer<u32> {
    match a {
        Some(1) => Ok(1),
        Some(_) => Ok(2),
        None => std::fs::read("none").map(|_| 0),
    }
}

// shape: if tail
#[step_timed]
fn if_tail(a: bool) -> Answer<u32> {
    if a { std::fs::read("none").map(|_| 0) } else { Ok(2) }
}

// shape: loop tail
#[step_timed]
fn loop_tail() -> Answer<u32> {
    loop {
        if std::fs::read("none")?.is_empty() {
            break Ok(1);
        }
    }
}

// shape: unsafe block tail
#[step_timed]
fn unsafe_block_tail(a: &[u8]) -> Answer<&str> {
    if a.is_empty() {
        return Err(io::Error::other("empty"));
    }
    // SAFETY: never executed, since the gallery is only compiled.
    Ok(unsafe { std::str::from_utf8_unchecked(a) })
}

// shape: never
#[step_timed]
fn never() -> ! {
    println!("bye");
    std::process::exit(1)
}

// shape: panics
#[step_timed]
fn panics() -> Answer<u32> {
    panic!("at the disco: {}", std::process::id())
}

// shape: todo
#[step_timed]
async fn diverges() -> Answer<u32> {
    breathe().await;
    panic!("at the disco: {}", std::process::id())
}

// shape: mutable argument
#[step_timed]
fn mutable_argument(mut a: Vec<u8>) -> Answer<Vec<u8>> {
    a.extend(std::fs::read("none")?);
    Ok(a)
}

// shape: mutable argument async
#[step_timed]
async fn mutable_argument_async(mut a: Vec<u8>) -> Answer<Vec<u8>> {
    breathe().await;
    a.extend(std::fs::read("none")?);
    Ok(a)
}

// shape: patterns
#[step_timed]
fn patterns((a, _): (u32, u32), [b, ..]: [u32; 3], _: &str) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(a + b)
}

// shape: patterns async
#[step_timed]
async fn patterns_async((a, _): (u32, u32), [b, ..]: [u32; 3], _: &str) -> Answer<u32> {
    breathe().await;
    Ok(a + b)
}

// shape: unused arguments
#[step_timed]
fn unused_arguments(_a: u32, _: &str) -> Answer<()> {
    std::fs::remove_file("none")
}

// shape: unused arguments async
#[step_timed]
async fn unused_arguments_async(_a: String, _: &str, _b: u32) -> Answer<()> {
    breathe().await;
    std::fs::remove_file("none")
}

// shape: unused arguments in place
#[step_timed]
fn unused_arguments_in_place(_a: &str, _: &str) {
    println!("{}", std::process::id());
}

// shape: exclusive reference
#[step_timed]
fn exclusive(a: &mut Vec<u8>) -> Answer<&mut u8> {
    a.push(1);
    a.first_mut().ok_or_else(|| io::Error::other("empty"))
}

// shape: exclusive reference async
#[step_timed]
async fn exclusive_async(a: &mut Vec<u8>) -> Answer<&mut u8> {
    breathe().await;
    a.push(1);
    a.first_mut().ok_or_else(|| io::Error::other("empty"))
}

// shape: lifetimes
#[step_timed]
fn lifetimes<'a>(a: &'a str, b: &str) -> Answer<&'a str> {
    std::fs::write(b, a)?;
    Ok(a)
}

// shape: lifetimes async
#[step_timed]
async fn lifetimes_async<'a>(a: &'a str, b: &str) -> Answer<&'a str> {
    breathe().await;
    std::fs::write(b, a)?;
    Ok(a)
}

// shape: generics
#[step_timed]
fn generics<T, const N: usize>(a: [T; N], b: &T) -> Answer<Vec<T>>
where
    T: Clone + Debug + Display,
{
    std::fs::write("none", format!("{b} {b:?}"))?;
    Ok(a.to_vec())
}

// shape: generics async
#[step_timed]
async fn generics_async<T, const N: usize>(a: [T; N], b: &T) -> Answer<(Vec<T>, T)>
where
    T: Clone + Send + Sync,
{
    breathe().await;
    Ok((a.to_vec(), b.clone()))
}

// shape: impl trait argument
#[step_timed]
fn impl_trait_argument(a: impl Display, b: &impl Display) -> Answer<()> {
    std::fs::write("none", format!("{a} {b}"))
}

// shape: impl trait argument async
#[step_timed]
async fn impl_trait_argument_async(a: impl Display + Send, b: &(impl Display + Sync)) -> Answer<()> {
    breathe().await;
    std::fs::write("none", format!("{a} {b}"))
}

// shape: impl trait returned
#[step_timed]
fn impl_trait_returned(a: &[u32]) -> impl Iterator<Item = u32> {
    println!("{a:?}");
    a.iter().map(|a| a + 1)
}

// shape: impl trait inside
#[step_timed]
fn impl_trait_inside(a: u32) -> Answer<impl Fn(u32) -> u32> {
    std::fs::read("none")?;
    Ok(move |b| a + b)
}

// shape: impl trait async
#[step_timed]
async fn impl_trait_async(a: &str) -> Answer<impl Display> {
    breathe().await;
    std::fs::read(a)?;
    Ok(a.to_owned())
}

// shape: higher ranked
#[step_timed]
fn higher_ranked<F>(f: F) -> Answer<usize>
where
    F: for<'a> Fn(&'a str) -> &'a str,
{
    std::fs::read("none")?;
    Ok(f("a").len())
}

// shape: dyn argument
#[step_timed]
fn dyn_argument(f: &dyn Fn(&str) -> Answer<usize>) -> Answer<usize> {
    f("a")
}

// shape: boxed error
#[step_timed]
fn boxed_error(a: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    std::fs::read(a)?;
    Ok(a.parse::<u32>()?)
}

// shape: option
#[step_timed]
fn option(a: &[u32]) -> Option<u32> {
    println!("{a:?}");
    a.first().map(|a| a + 1)
}

// shape: reference
#[step_timed]
fn reference(a: &HashMap<u32, String>) -> &str {
    println!("{a:?}");
    a.get(&1).map_or("", String::as_str)
}

// shape: extern
#[step_timed]
extern "C" fn extern_c(a: u32) -> u32 {
    println!("{a}");
    a + 1
}

// shape: unsafe
/// # Safety
///
/// `a` must be valid for reads.
#[step_timed]
unsafe fn not_safe(a: *const u32) -> Answer<u32> {
    std::fs::read("none")?;
    // SAFETY: the caller guarantees that `a` is valid for reads.
    Ok(unsafe { *a })
}

// shape: unsafe async
/// # Safety
///
/// There is no requirement.
#[step_timed]
async unsafe fn not_safe_async(a: &u32) -> Answer<u32> {
    breathe().await;
    Ok(*a)
}

// shape: documented
/// Adds.
///
/// # Errors
///
/// Never.
#[inline]
#[step_timed("documented", level = "debug")]
pub fn documented(a: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(a)
}

// shape: inner attributes
#[step_timed]
async fn inner_attributes() -> Answer<u32> {
    #![allow(clippy::unused_async)]
    //! Documented inside.
    std::fs::read("none")?;
    Ok(1)
}

// shape: must use
#[must_use]
#[step_timed]
fn must_use(a: u32) -> u32 {
    println!("{a}");
    a + 1
}

// shape: must use async
#[must_use]
#[step_timed]
async fn must_use_async(a: u32) -> u32 {
    breathe().await;
    a + 1
}

// shape: track caller
#[track_caller]
#[step_timed]
fn track_caller(a: u32) -> Answer<String> {
    if a == 1 {
        return Err(io::Error::other("one"));
    }
    std::fs::read("none")?;
    Ok(std::panic::Location::caller().to_string())
}

// shape: public async
/// Adds.
///
/// # Errors
///
/// Never.
#[step_timed]
pub async fn public_async(a: u32) -> Answer<u32> {
    breathe().await;
    Ok(a)
}

// shape: public result type
/// Adds.
#[must_use]
#[step_timed]
pub async fn public_value(a: String) -> String {
    breathe().await;
    a
}

// shape: async nothing
#[step_timed]
async fn async_nothing() {
    breathe().await;
}

// shape: async on one line
#[step_timed]
async fn async_on_one_line(a: u32) -> u32 { breathe().await; a }

// shape: async one expression
#[step_timed]
async fn async_one_expression(a: u32) -> Answer<u32> { std::future::ready(Ok(a)).await }

// shape: async early return
#[step_timed]
async fn async_early_return(a: u32) -> Answer<u32> {
    if a > 3 {
        return Err(io::Error::other("large"));
    }
    breathe().await;
    Ok(a)
}

// shape: async recursion
#[step_timed]
async fn async_recursion(a: u32) -> u32 {
    if a == 0 { 0 } else { Box::pin(async_recursion(a - 1)).await + 1 }
}

// shape: recursion
#[step_timed]
fn recursion(a: u32) -> Answer<u32> {
    if a == 0 {
        std::fs::read("none")?;
        return Ok(1);
    }
    recursion(a - 1).and_then(|b| if a > 7 { Err(io::Error::other("deep")) } else { Ok(b + 1) })
}

// shape: lock in tail
#[step_timed]
fn lock_in_tail(a: Arc<Mutex<Vec<u8>>>) -> Answer<usize> {
    std::fs::read("none")?;
    let a = a;
    Ok(a.lock().map_err(|_| io::Error::other("poisoned"))?.len())
}

// shape: impl future
#[step_timed]
fn impl_future(a: &str) -> impl Future<Output = Answer<usize>> + Send {
    let length = a.len();
    async move {
        breathe().await;
        std::fs::read("none")?;
        Ok(length)
    }
}

// shape: pinned future
#[step_timed]
fn pinned_future(a: &str) -> Pin<Box<dyn Future<Output = Answer<usize>> + Send + '_>> {
    let length = a.len();
    Box::pin(async move {
        breathe().await;
        std::fs::read(a)?;
        Ok(length)
    })
}

// shape: pinned future with a return
#[step_timed]
fn pinned_future_with_a_return(a: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
    let length = a.len();
    if length == 0 {
        return Box::pin(std::future::ready(0));
    }
    Box::pin(async move {
        breathe().await;
        length
    })
}

// shape: box future
#[step_timed]
fn box_future(a: &str) -> BoxFuture<'_, Answer<usize>> {
    async move {
        breathe().await;
        std::fs::read(a)?;
        Ok(1)
    }
    .boxed()
}

// shape: local box future
#[step_timed]
fn local_box_future(a: Rc<u32>) -> LocalBoxFuture<'static, u32> {
    Box::pin(async move {
        breathe().await;
        *a
    })
}

// shape: impl stream
#[step_timed]
fn impl_stream(a: &[u32]) -> impl Stream<Item = u32> {
    println!("{a:?}");
    futures::stream::iter(a.iter().copied())
}

// shape: box stream
#[step_timed]
fn box_stream(a: &[u32]) -> BoxStream<'_, Answer<u32>> {
    futures::stream::iter(a.iter().map(|a| Ok(*a))).boxed()
}

// shape: fields
#[step_timed(fields(count = a.len(), sku = clear(b), card = mask(b).last(4)), ret, slow = "5s", err = "error")]
fn fields(a: &[u32], b: &str) -> Answer<u32> {
    std::fs::write("none", b)?;
    Ok(a[0])
}

// shape: fields async
#[step_timed(fields(count = a.len(), sku = clear(b), c), ret = clear, busy)]
async fn fields_async(a: Vec<u32>, b: &str, c: u8) -> Answer<String> {
    breathe().await;
    Ok(format!("{a:?} {b} {c}"))
}

// shape: call
#[dependency_call("payments", method = "POST", url = format!("https://example.com/{a}"), fields(a))]
fn call(a: u32) -> Answer<u32> {
    std::fs::read("none")?;
    Ok(a)
}

// shape: call async
#[dependency_call("payments", operation = "charge", url_template = "/charges/{id}", outcome = read_outcome)]
async fn call_async(a: u32) -> Answer<u32> {
    breathe().await;
    Ok(a)
}

fn read_outcome(answer: &Answer<u32>) -> (Option<u16>, Option<candor::dependency::Category>) {
    (answer.as_ref().ok().map(|_| 200), None)
}

struct Shop<'a, T> {
    name: &'a str,
    stock: Vec<T>,
}

impl<'a, T: Clone + Send + Sync> Shop<'a, T> {
    // shape: constructor
    #[step_timed]
    fn new(name: &'a str) -> Self {
        println!("{name}");
        Self { name, stock: Vec::new() }
    }

    // shape: by reference
    #[step_timed]
    fn by_reference(&self) -> Answer<&T> {
        std::fs::read(self.name)?;
        self.stock.first().ok_or_else(|| io::Error::other("empty"))
    }

    // shape: by exclusive reference
    #[step_timed]
    fn by_exclusive_reference(&mut self, a: T) -> Answer<&mut T> {
        std::fs::read(self.name)?;
        self.stock.push(a);
        self.stock.last_mut().ok_or_else(|| io::Error::other("empty"))
    }

    // shape: by value
    #[step_timed]
    fn by_value(self) -> Answer<Vec<T>> {
        std::fs::read(self.name)?;
        Ok(self.stock)
    }

    // shape: by mutable value
    #[step_timed]
    fn by_mutable_value(mut self, a: T) -> Answer<Self> {
        std::fs::read(self.name)?;
        self.stock.push(a);
        Ok(self)
    }

    // shape: by box
    #[step_timed]
    fn by_box(self: Box<Self>) -> Answer<Vec<T>> {
        std::fs::read(self.name)?;
        Ok(self.stock)
    }

    // shape: by arc async
    #[step_timed]
    async fn by_arc_async(self: Arc<Self>) -> Answer<usize> {
        breathe().await;
        std::fs::read(self.name)?;
        Ok(self.stock.len())
    }

    // shape: by pin
    #[step_timed]
    fn by_pin(self: Pin<&mut Self>) -> Answer<usize> {
        std::fs::read(self.name)?;
        Ok(self.stock.len())
    }

    // shape: by reference async
    #[step_timed(fields(count = self.stock.len()))]
    async fn by_reference_async(&self, a: &T) -> Answer<T> {
        breathe().await;
        std::fs::read(self.name)?;
        Ok(self.stock.first().unwrap_or(a).clone())
    }

    // shape: by exclusive reference async
    #[step_timed]
    async fn by_exclusive_reference_async(&mut self, a: T) -> Answer<()> {
        breathe().await;
        std::fs::read(self.name)?;
        self.stock.push(a);
        Ok(())
    }

    // shape: by value async
    #[step_timed]
    async fn by_value_async(mut self, a: T) -> Answer<Self> {
        breathe().await;
        std::fs::read(self.name)?;
        self.stock.push(a);
        Ok(self)
    }
}

struct Desk;

// shape: block
#[step_timed(level = "debug")]
impl Desk {
    const MOST: usize = { 4 };

    const fn constant(&self) -> usize {
        Self::MOST
    }

    fn first(&self, a: &str) -> Answer<usize> {
        std::fs::read(a)?;
        Ok(self.constant())
    }

    #[step_timed("third", fields(a))]
    async fn second(&self, a: usize) -> Answer<usize> {
        breathe().await;
        self.first("none").map(|b| a + b)
    }

    #[step_timed(skip)]
    fn fourth() {}
}

// shape: trait with default body
trait Clerk: Sync {
    #[step_timed]
    fn serve(&self, a: &str) -> Answer<usize> {
        std::fs::read(a)?;
        Ok(1)
    }

    fn wait(&self, a: &str) -> impl Future<Output = Answer<usize>> + Send;

    fn wait_more(&self) -> impl Future<Output = u32>;
}

// shape: trait impl
impl Clerk for Desk {
    #[step_timed]
    fn serve(&self, a: &str) -> Answer<usize> {
        std::fs::read(a)?;
        Ok(2)
    }

    #[step_timed]
    async fn wait(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(2)
    }

    #[step_timed]
    async fn wait_more(&self) -> u32 {
        breathe().await;
        3
    }
}

trait Teller {
    async fn tell(&self, a: &str) -> Answer<usize>;
}

// shape: async fn in a trait impl
impl Teller for Desk {
    #[step_timed]
    async fn tell(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(2)
    }
}

// shape: block of a trait impl
#[step_timed]
impl Teller for str {
    async fn tell(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(self.len())
    }
}

// shape: block of a trait
#[step_timed]
trait Porter {
    fn carry(&self) -> u32;

    fn lift(&self, a: u32) -> Answer<u32> {
        std::fs::read("none")?;
        Ok(a + self.carry())
    }
}

#[async_trait]
trait Cook {
    async fn cook(&self, a: &str) -> Answer<usize>;

    // shape: async_trait default body
    #[step_timed]
    async fn taste(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(1)
    }
}

// shape: async_trait above
#[async_trait]
impl Cook for Desk {
    #[step_timed(fields(length = a.len()))]
    async fn cook(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(Self::MOST)
    }
}

// shape: async_trait below a block
#[step_timed]
#[async_trait]
impl<T: Send + Sync> Cook for Shop<'_, T> {
    async fn cook(&self, a: &str) -> Answer<usize> {
        breathe().await;
        std::fs::read(a)?;
        Ok(self.stock.len())
    }
}

// shape: macro_rules
macro_rules! made {
    ($name:ident, $ty:ty, $body:expr) => {
        #[step_timed]
        fn $name(a: $ty) -> Answer<$ty> {
            std::fs::read("none")?;
            Ok(a + $body)
        }
    };
}
made!(made, u32, 7);

// shape: closures inside
#[step_timed]
fn closures_inside(a: &[u32]) -> Answer<Vec<u32>> {
    let add = |b: &u32| -> Answer<u32> {
        if *b == 0 {
            return Err(io::Error::other("zero"));
        }
        Ok(b + 1)
    };
    a.iter().map(add).collect()
}

// shape: nested
#[step_timed]
fn nested() -> Answer<u32> {
    #[step_timed]
    fn inner() -> Answer<u32> {
        std::fs::read("none")?;
        Ok(1)
    }
    inner()
}
