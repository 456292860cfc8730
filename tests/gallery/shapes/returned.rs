//! Functions that return futures, streams and functions, and names of the prelude with another meaning.
use std::fmt::Display;
use std::future::{Future, IntoFuture, Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use candor::{dependency_call, step_timed};
use futures::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use futures::stream::{BoxStream, LocalBoxStream, Stream, StreamExt as _};

use crate::{Answer, breathe};

// shape: function of boxed futures
#[step_timed]
fn function_of_futures(prefix: String) -> impl Fn(u32) -> BoxFuture<'static, Answer<String>> {
    println!("{prefix}");
    move |number| {
        let prefix = prefix.clone();
        async move {
            breathe().await;
            Ok(format!("{prefix}{number}"))
        }
        .boxed()
    }
}

// shape: result of a boxed future
#[step_timed]
fn result_of_a_future(path: &str) -> Answer<Pin<Box<dyn Future<Output = u64> + Send>>> {
    let length = std::fs::metadata(path)?.len();
    Ok(Box::pin(async move {
        breathe().await;
        length
    }))
}

// shape: pair with a future
#[step_timed]
fn pair_with_a_future(number: u32) -> (impl Future<Output = u32>, u32) {
    println!("{number}");
    (async move { number }, number)
}

// shape: unpinned boxed future
#[step_timed]
fn unpinned(number: u32) -> Box<dyn Future<Output = Answer<u32>> + Send + Unpin> {
    println!("{number}");
    Box::new(ready(Ok(number)))
}

// shape: named future
#[step_timed]
fn named_future(number: u32) -> Ready<Answer<u32>> {
    println!("{number}");
    ready(Ok(number))
}

// shape: value that becomes a future
#[step_timed]
fn becomes_a_future(number: u32) -> impl IntoFuture<Output = Answer<u32>, IntoFuture: Send> {
    println!("{number}");
    ready(Ok(number))
}

// shape: future of a future
#[step_timed]
fn future_of_a_future(number: u32) -> impl Future<Output = impl Future<Output = Answer<u32>>> {
    async move {
        breathe().await;
        async move { Ok(number) }
    }
}

// shape: async fn of a future
#[step_timed]
async fn async_of_a_future(number: u32) -> impl Future<Output = Answer<u32>> + Send {
    breathe().await;
    async move { Ok(number) }
}

type Later<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

// shape: alias of a boxed future
#[step_timed]
fn alias_of_a_boxed_future<'a>(path: &'a str) -> Later<'a, usize, io::Error> {
    Box::pin(async move {
        breathe().await;
        std::fs::read(path).map(|read| read.len())
    })
}

mod own {
    use candor::step_timed;

    use super::{Answer, Future, Pin, breathe, io};

    type BoxFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

    // shape: alias with the name of another one
    #[step_timed]
    fn alias_with_an_error(path: &str) -> BoxFuture<'_, usize, io::Error> {
        Box::pin(async move {
            breathe().await;
            std::fs::read(path).map(|read| read.len())
        })
    }

    // shape: alias with the name of another one and a return
    #[step_timed(fields(length = path.len()))]
    fn alias_with_a_return(path: &str) -> BoxFuture<'_, usize, io::Error> {
        if path.is_empty() {
            return Box::pin(std::future::ready(Ok(0)));
        }
        Box::pin(async move {
            breathe().await;
            std::fs::read(path).map(|read| read.len())
        })
    }

    mod result {
        use candor::step_timed;

        use super::super::{Answer, Future, Pin, breathe, io};

        type BoxFuture<'a, T = ()> = Pin<Box<dyn Future<Output = Result<T, io::Error>> + 'a>>;

        // shape: alias that adds the result
        #[step_timed]
        fn alias_of_a_result(path: &str) -> BoxFuture<'_, usize> {
            Box::pin(async move {
                breathe().await;
                std::fs::read(path).map(|read| read.len())
            })
        }

        // shape: alias with a default
        #[step_timed]
        fn alias_with_a_default(path: &str) -> BoxFuture<'_> {
            Box::pin(async move {
                breathe().await;
                std::fs::remove_file(path)
            })
        }

        // shape: alias without a lifetime
        #[step_timed]
        fn alias_of_an_answer(path: String) -> super::Alone<Answer<()>> {
            Box::pin(async move {
                breathe().await;
                std::fs::remove_file(path)
            })
        }
    }

    type Alone<T> = Pin<Box<dyn Future<Output = T> + Send>>;
}

// shape: combinators as the tail
#[step_timed(fields(number))]
fn combinators(number: u32) -> impl Future<Output = Result<String, String>> + Send {
    let text = number.to_string();
    ready(Ok::<u32, io::Error>(number))
        .and_then(|number| async move {
            breathe().await;
            Ok(number + 1)
        })
        .map_ok(move |number| format!("{text}{number}"))
        .map_err(|error| error.to_string())
}

// shape: statements before a future
#[step_timed(fields(count = names.len()))]
fn statements_before<'a>(
    names: &'a [String],
    other: &mut u32,
) -> impl Future<Output = Answer<usize>> + use<'a> {
    use std::collections::BTreeSet;
    *other += 1;
    let names: BTreeSet<_> = names.iter().collect();
    let Some(first) = names.first().copied() else { panic!("no names") };
    let add = *other as usize;
    async move {
        breathe().await;
        Ok(first.len() + names.len() + add)
    }
}

// shape: branches of boxed futures
#[step_timed]
fn branches(number: Option<u32>) -> BoxFuture<'static, Answer<u32>> {
    match number {
        Some(number) if number > 7 => async move { Ok(number) }.boxed(),
        Some(_) => Box::pin(breathe().map(|()| Ok(7))),
        None => return Box::pin(ready(Err(io::Error::other("none")))),
    }
}

// shape: boxed future under an attribute
#[must_use]
#[inline]
#[step_timed]
fn boxed_under_an_attribute(
    number: u32,
) -> Pin<Box<dyn Future<Output = ()> + Send + Sync + 'static>> {
    Box::pin(async move { println!("{number}") })
}

struct Service {
    left: u32,
}

impl Future for Service {
    type Output = Answer<u32>;

    // shape: poll of a future
    #[step_timed(level = "trace")]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(Ok(7));
        }
        self.left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

trait Handler<R> {
    type Future: Future<Output = Answer<u32>> + Send;
    type Body<'a>: Stream<Item = Answer<u32>> + Send
    where
        Self: 'a;

    fn call(&mut self, request: R) -> Self::Future;
    fn body(&self) -> Self::Body<'_>;
}

impl<R: Display> Handler<R> for Service {
    type Future = BoxFuture<'static, Answer<u32>>;
    type Body<'a> = BoxStream<'a, Answer<u32>>;

    // shape: associated future
    #[dependency_call("handler")]
    fn call(&mut self, request: R) -> Self::Future {
        self.left += 1;
        let request = request.to_string();
        Box::pin(async move { request.parse().map_err(io::Error::other) })
    }

    // shape: associated stream
    #[step_timed]
    fn body(&self) -> Self::Body<'_> {
        futures::stream::iter((0..self.left).map(Ok)).boxed()
    }
}

// shape: stream of errors
#[step_timed]
fn stream_of_errors<'a, T>(texts: &'a [T]) -> impl Stream<Item = Answer<u32>> + use<'a, T>
where
    T: AsRef<str>,
{
    futures::stream::iter(texts.iter().map(|text| text.as_ref().parse().map_err(io::Error::other)))
}

// shape: stream with a return
#[step_timed(fields(count = texts.len()))]
fn stream_with_a_return<'a>(
    texts: &'a [&str],
) -> Pin<Box<dyn Stream<Item = Answer<u32>> + Send + 'a>> {
    let Some((first, rest)) = texts.split_first() else {
        return futures::stream::once(ready(Err(io::Error::other("empty")))).boxed();
    };
    println!("{first}");
    futures::stream::iter(rest).map(|text| text.parse().map_err(io::Error::other)).boxed()
}

// shape: local stream
#[step_timed]
fn local_stream(numbers: std::rc::Rc<[u32]>) -> LocalBoxStream<'static, u32> {
    let mut at = 0;
    futures::stream::poll_fn(move |_| {
        at += 1;
        Poll::Ready(numbers.get(at - 1).copied())
    })
    .boxed_local()
}

// shape: spawned future
#[step_timed]
async fn spawned(
    numbers: Arc<[u32]>,
    spawn: impl Fn(BoxFuture<'static, Answer<u32>>) + Send,
) -> Answer<()> {
    #[step_timed]
    async fn one(numbers: Arc<[u32]>, at: usize) -> Answer<u32> {
        breathe().await;
        numbers.get(at).copied().ok_or_else(|| io::Error::other("short"))
    }
    for at in 0..numbers.len() {
        let numbers = Arc::clone(&numbers);
        spawn(Box::pin(async move { one(numbers, at).await }));
    }
    breathe().await;
    Ok(())
}

// shape: borrowed parts across an await
#[step_timed]
async fn borrowed_parts(
    pair: &mut (String, Vec<u32>),
    (left, right): (&mut u32, &u32),
) -> Answer<usize> {
    let (text, numbers) = pair;
    let first = numbers.first_mut().ok_or_else(|| io::Error::other("empty"))?;
    breathe().await;
    *first += *right;
    *left += *first;
    text.push('a');
    Ok(text.len())
}

// shape: callback that is async
#[step_timed]
async fn callback<F, R>(mut retry: F, most: u32) -> Result<R, io::Error>
where
    F: AsyncFnMut(u32) -> Answer<R>,
{
    for attempt in 1..most {
        if let Ok(value) = retry(attempt).await {
            return Ok(value);
        }
    }
    retry(most).await
}

// shape: callback that borrows
#[step_timed]
async fn callback_that_borrows<R>(
    text: String,
    run: impl for<'a> FnOnce(&'a str) -> BoxFuture<'a, Answer<R>> + Send,
) -> Answer<R> {
    let value = run(&text).await?;
    breathe().await;
    Ok(value)
}

/// Items named like those of the prelude.
#[allow(non_camel_case_types, clippy::upper_case_acronyms)]
mod shadowed {
    use ::candor::step_timed;

    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub struct Box;
    pub struct Vec;
    pub struct String;
    pub struct Pin;
    pub trait Future {}
    pub trait Send {}
    pub trait Into {}
    pub trait Fn {}
    pub trait Drop {}
    pub trait Default {}
    pub enum Option {
        A,
    }
    pub type Result = ::std::result::Result<u32, ::std::io::Error>;
    pub type u32 = ::core::primitive::u32;
    pub type bool = ::core::primitive::bool;
    pub mod std {}
    pub mod core {}
    pub mod alloc {}
    pub mod tracing {}
    pub mod candor {}
    pub const fn drop() {}

    macro_rules! panic {
        () => {
            ::std::panic!()
        };
    }
    macro_rules! matches {
        () => {};
    }

    // shape: shadowed names
    #[step_timed(fields(number), ret, slow = "5s")]
    fn shadowed_names(number: u32) -> Result {
        if number == 7 {
            panic!();
        }
        matches!();
        ::std::fs::read("none").map(|_| number)
    }

    // shape: shadowed names async
    #[step_timed(fields(number), context(other = number), err)]
    async fn shadowed_names_async(number: u32, is_more: bool) -> Result {
        ::std::future::ready(()).await;
        if is_more {
            ::std::result::Result::Ok(number)
        } else {
            ::std::io::stdin()
                .lines()
                .next()
                .map_or(::std::result::Result::Ok(1), |line| line.map(|_| 2))
        }
    }

    // shape: shadowed names boxed
    #[step_timed(fields(number))]
    fn shadowed_names_boxed(
        number: u32,
    ) -> ::std::pin::Pin<
        ::std::boxed::Box<dyn ::std::future::Future<Output = Result> + ::std::marker::Send>,
    > {
        ::std::boxed::Box::pin(async move { ::std::result::Result::Ok(number) })
    }

    // shape: shadowed names of a call
    #[::candor::dependency_call("payments", url = "https://example.com", method = "GET")]
    async fn shadowed_names_of_a_call(number: u32) -> Result {
        ::std::future::ready(number).await;
        ::std::result::Result::Ok(number)
    }
}

// shape: generics named like the prelude
#[step_timed]
fn generic_names<Ok, Err, Option>(
    value: Result<Ok, Err>,
    other: Option,
) -> Result<(Ok, Option), Err>
where
    Err: std::fmt::Debug,
{
    println!("{}", size_of::<Err>());
    value.map(|value| (value, other))
}

// shape: generics named like the prelude async
#[step_timed]
async fn generic_names_async<F, S, Step>(first: F, second: S, step: Step) -> Result<(F, Step), S>
where
    F: PartialEq<S> + Send,
    S: Send,
    Step: Send,
{
    breathe().await;
    if first == second { Err(second) } else { Ok((first, step)) }
}
