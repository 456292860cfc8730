//! Signatures: generics, lifetimes, receivers, patterns and returned types.
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::str::FromStr;
use std::task::{Context, Poll};

use candor::step_timed;

use crate::{Answer, breathe};

trait Lend {
    type Item<'a>
    where
        Self: 'a;

    fn lend(&mut self) -> Option<Self::Item<'_>>;

    // shape: result of a generic associated type
    #[step_timed]
    fn lend_or_fail(&mut self) -> Answer<Self::Item<'_>> {
        self.lend().ok_or_else(|| io::Error::other("empty"))
    }
}

struct Words {
    text: String,
    at: usize,
}

// shape: block with a generic associated type
#[step_timed]
impl Lend for Words {
    type Item<'a>
        = &'a str
    where
        Self: 'a;

    fn lend(&mut self) -> Option<Self::Item<'_>> {
        self.at += 1;
        self.text.split(' ').nth(self.at - 1)
    }
}

// shape: bound on a generic associated type
#[step_timed]
fn lent<L>(mut from: L) -> Answer<usize>
where
    L: for<'a> Lend<Item<'a> = &'a str> + 'static,
{
    let mut length = 0;
    while let Some(word) = from.lend() {
        length += word.parse::<usize>().map_err(io::Error::other)?;
    }
    Ok(length)
}

// shape: bound on an associated type async
#[step_timed]
async fn bound_of_an_item<I>(items: I) -> Answer<Vec<String>>
where
    I: IntoIterator<Item: Display, IntoIter: Send> + Send,
{
    let mut shown = Vec::new();
    for item in items {
        shown.push(item.to_string());
    }
    breathe().await;
    Ok(shown)
}

struct Padded<const N: usize>([u8; N]);

const WIDTH: usize = 4;

// shape: constant expression in the return type
#[step_timed]
fn padded(from: &[u8]) -> Answer<Padded<{ WIDTH + 1 }>> {
    let bytes = from.try_into().map_err(io::Error::other)?;
    Ok(Padded(bytes))
}

// shape: constant expression in the return type async
#[step_timed]
async fn padded_async<const N: usize>(from: [u8; N]) -> Answer<(Padded<{ WIDTH * 2 }>, [u8; N])> {
    breathe().await;
    std::fs::read("none")?;
    Ok((Padded([0; WIDTH * 2]), from))
}

// shape: explicit outlives
#[step_timed]
fn outlives<'long: 'short, 'short>(first: &'long str, second: &'short str) -> Answer<&'short str> {
    std::fs::read(first)?;
    Ok(if second.is_empty() { first } else { second })
}

// shape: explicit outlives async
#[step_timed]
async fn outlives_async<'long, 'short>(
    first: &'long str,
    second: &'short str,
) -> Answer<&'short str>
where
    'long: 'short,
{
    breathe().await;
    Ok(if second.is_empty() { first } else { second })
}

// shape: precise captures of a future
#[step_timed]
fn captures<'a, T: Display>(
    from: &'a str,
    shown: &T,
) -> impl Future<Output = Answer<String>> + use<'a, T> {
    let shown = shown.to_string();
    async move {
        breathe().await;
        Ok(format!("{from}{shown}"))
    }
}

// shape: precise captures of an iterator
#[step_timed]
fn captured_iterator<'a>(
    from: &'a [u32],
    most: &u32,
) -> Answer<impl Iterator<Item = u32> + use<'a>> {
    std::fs::read("none")?;
    let most = *most;
    Ok(from.iter().copied().filter(move |number| *number < most))
}

// shape: boxed closure returned
#[step_timed]
fn boxed_closure(prefix: String) -> Answer<Box<dyn Fn(&str) -> Answer<String> + Send + 'static>> {
    std::fs::read(&prefix)?;
    Ok(Box::new(move |rest| Ok(format!("{prefix}{rest}"))))
}

// shape: boxed iterator returned
#[step_timed]
fn boxed_iterator(from: &[u32]) -> Box<dyn DoubleEndedIterator<Item = &u32> + '_> {
    println!("{from:?}");
    Box::new(from.iter().rev())
}

// shape: function pointer returned
#[step_timed]
fn pointer<'a>(
    from: &'a str,
    first: for<'b> fn(&'b str, &'a str) -> &'b str,
) -> Answer<for<'b> fn(&'b str, &'a str) -> &'b str> {
    std::fs::read(from)?;
    Ok(first)
}

// shape: function pointer returned async
#[step_timed]
async fn pointer_async<'a>(
    from: &'a str,
    first: for<'b> fn(&'b str, &'a str) -> &'b str,
) -> Answer<(&'a str, for<'b> fn(&'b str, &'a str) -> &'b str)> {
    breathe().await;
    Ok((from, first))
}

// shape: closures over lifetimes as arguments
#[step_timed]
fn over_lifetimes(
    parse: impl for<'a> Fn(&'a str) -> Option<&'a str>,
    fill: &mut dyn FnMut(&mut [u8]) -> Answer<usize>,
    shown: &(dyn Display + '_),
) -> Answer<usize> {
    let text = shown.to_string();
    let mut bytes = [0; 8];
    parse(&text).map_or(Ok(0), |_| fill(&mut bytes))
}

// shape: closures over lifetimes as arguments async
#[step_timed]
async fn over_lifetimes_async<F>(shown: &(dyn Display + Send + Sync), parse: F) -> Answer<usize>
where
    F: for<'a> Fn(&'a str) -> Option<&'a str> + Send,
{
    let text = shown.to_string();
    breathe().await;
    parse(&text).map(str::len).ok_or_else(|| io::Error::other("empty"))
}

struct Table<K, V = Vec<K>, S = RandomState> {
    rows: Vec<(K, V)>,
    state: S,
}

impl<K: Clone + Debug, V> Table<K, V>
where
    V: FromIterator<K> + IntoIterator<Item = K>,
{
    // shape: method of a type with defaults
    #[step_timed("table_load", fields(rows = keys.len()))]
    fn load(keys: &[K]) -> Answer<Self> {
        std::fs::write("none", format!("{keys:?}"))?;
        let rows = keys.iter().map(|key| (key.clone(), keys.iter().cloned().collect())).collect();
        Ok(Self { rows, state: RandomState::default() })
    }

    // shape: method that consumes a type with defaults
    #[step_timed]
    fn values(self) -> Answer<impl Iterator<Item = Vec<K>>> {
        std::fs::write("none", format!("{:?}", self.state))?;
        Ok(self.rows.into_iter().map(|(_, value)| value.into_iter().collect()))
    }
}

trait Loads: Sized {
    const LENGTH: usize;
    type Key: FromStr<Err: Display> + Send;
    type Error: From<io::Error> + Send;

    // shape: associated types of Self
    #[step_timed(err = "error")]
    fn key(text: &str) -> Result<(Self::Key, Vec<Self>), Self::Error> {
        let key = text.parse::<Self::Key>().map_err(|error| io::Error::other(error.to_string()))?;
        Ok((key, Vec::new()))
    }

    // shape: associated types of Self async
    #[step_timed]
    fn key_later(
        text: &str,
    ) -> impl Future<Output = Result<Option<Self>, <Self as Loads>::Error>> + Send {
        let text = text.to_owned();
        async move {
            breathe().await;
            std::fs::read(text)?;
            Ok(None)
        }
    }

    fn bytes(self, from: &[u8]) -> Answer<Self>;
}

impl Loads for u64 {
    const LENGTH: usize = 8;
    type Key = Self;
    type Error = io::Error;

    // shape: associated constant in a type
    #[step_timed]
    fn bytes(self, from: &[u8]) -> Answer<Self> {
        #[step_timed]
        fn part(bytes: &[u8]) -> Answer<[u8; <u64 as Loads>::LENGTH]> {
            bytes.try_into().map_err(io::Error::other)
        }
        let bytes: [u8; Self::LENGTH] = part(from)?;
        Ok(Self::from_be_bytes(bytes) + self)
    }
}

trait Shown {
    fn shown(&self) -> Answer<String>;
    fn shown_at(self: Rc<Self>, at: usize) -> Answer<String>;
}

// shape: blanket implementation
impl<T: ?Sized + AsRef<str>> Shown for T {
    #[step_timed]
    fn shown(&self) -> Answer<String> {
        std::fs::read(self.as_ref())?;
        Ok(self.as_ref().to_owned())
    }

    // shape: unsized type behind a pointer
    #[step_timed]
    fn shown_at(self: Rc<Self>, at: usize) -> Answer<String> {
        std::fs::read((*self).as_ref())?;
        Ok((*self).as_ref()[at..].to_owned())
    }
}

// shape: block of a trait object
#[step_timed]
impl dyn Shown + Send + '_ {
    fn shown_twice(&self) -> Answer<String> {
        Ok(self.shown()? + &self.shown()?)
    }

    async fn shown_later(&self) -> Answer<String>
    where
        Self: Sync,
    {
        breathe().await;
        self.shown()
    }
}

trait Measure {
    fn measure(&self) -> Answer<usize>;
}

// shape: block of a function pointer
#[step_timed]
impl Measure for fn(&str) -> usize {
    fn measure(&self) -> Answer<usize> {
        std::fs::read("none")?;
        Ok(self("none"))
    }
}

// shape: block of a tuple and of an array
#[step_timed]
impl<T: Send, const N: usize> Measure for (T, [&'_ T; N]) {
    fn measure(&self) -> Answer<usize> {
        std::fs::read("none")?;
        Ok(N)
    }
}

struct Reader<'a> {
    left: &'a [u8],
    done: Cell<bool>,
}

impl<'a> Reader<'a> {
    // shape: pinned receiver that polls
    #[step_timed(level = "trace")]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut [u8],
    ) -> Poll<Option<Answer<usize>>> {
        if self.left.is_empty() {
            self.done.set(true);
            context.waker().wake_by_ref();
            return Poll::Ready(None);
        }
        let count = to.len().min(self.left.len());
        to[..count].copy_from_slice(&self.left[..count]);
        self.left = &self.left[count..];
        Poll::Ready(Some(Ok(count)))
    }

    // shape: pinned box receiver
    #[step_timed]
    async fn drain(mut self: Pin<Box<Self>>, most: usize) -> Answer<&'a [u8]> {
        breathe().await;
        let left = self.left;
        self.left = &[];
        left.get(..most).ok_or_else(|| io::Error::other("short"))
    }

    // shape: shared pointer receiver
    #[step_timed]
    fn shared(self: &Rc<Self>, other: Rc<Self>) -> Answer<Rc<Self>> {
        std::fs::read("none")?;
        Ok(if self.left.is_empty() { other } else { Self::clone_of(self) })
    }

    fn clone_of(from: &Rc<Self>) -> Rc<Self> {
        Rc::clone(from)
    }

    // shape: two lifetimes of a method async
    #[step_timed]
    async fn starts_with<'b>(&'b mut self, prefix: &'a [u8]) -> Answer<(&'a [u8], &'b Cell<bool>)> {
        breathe().await;
        let left = self.left.strip_prefix(prefix).ok_or_else(|| io::Error::other("other"))?;
        Ok((left, &self.done))
    }
}

// shape: never fails
#[step_timed]
fn never_fails(a: u32) -> Result<u32, Infallible> {
    println!("{a}");
    Ok(a)
}

// shape: never succeeds
#[step_timed]
fn never_succeeds() -> Answer<Infallible> {
    loop {
        std::fs::read("none")?;
    }
}

// shape: never succeeds async
#[step_timed]
async fn never_succeeds_async() -> Answer<Infallible> {
    loop {
        breathe().await;
        std::fs::read("none")?;
    }
}

// shape: never ends async
#[step_timed]
async fn never_ends_async() -> ! {
    loop {
        breathe().await;
    }
}

// shape: control flow returned
#[step_timed]
fn control_flow(numbers: &[u32]) -> ControlFlow<Answer<u32>, u32> {
    numbers.iter().try_for_each(|number| match number {
        0 => ControlFlow::Break(Err(io::Error::other("zero"))),
        7 => ControlFlow::Break(Ok(7)),
        _ => ControlFlow::Continue(()),
    })?;
    ControlFlow::Continue(1)
}

// shape: option of a result
#[step_timed]
fn option_of_a_result(numbers: &[&str]) -> Option<Answer<u32>> {
    let first = numbers.first()?;
    Some(first.parse().map_err(io::Error::other))
}

// shape: result of an option
#[step_timed]
fn result_of_an_option(
    from: &str,
) -> Result<Option<Cow<'_, str>>, Box<dyn std::error::Error + '_>> {
    let Some(rest) = from.strip_prefix('a') else { return Ok(None) };
    rest.parse::<u32>()?;
    Ok(Some(Cow::Borrowed(rest)))
}

// shape: complex type returned
#[step_timed]
fn complex_type(
    from: &str,
) -> Result<
    Box<dyn Fn(&str, &[u32]) -> Result<Vec<Option<(u32, String)>>, io::Error> + Send + Sync>,
    io::Error,
> {
    std::fs::read(from)?;
    Ok(Box::new(|_, _| Ok(Vec::new())))
}

// shape: complex type returned async
#[step_timed]
async fn complex_type_async(
    from: &str,
) -> Result<Option<Option<Box<Vec<Rc<Vec<(u32, Option<Vec<String>>)>>>>>>, io::Error> {
    breathe().await;
    std::fs::read(from)?;
    Ok(None)
}
