//! Every shape of function with every outcome: one line each, with that outcome.
#![allow(unsafe_code, reason = "functions may be unsafe")]

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use candor::step_timed;
use candor::testing::{Line, capture};
use futures::FutureExt as _;
use futures::future::{BoxFuture, LocalBoxFuture};

/// The outcome that a case asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Succeeding,
    Refused,
    Panicking,
    Pending,
}

#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such order")
    }
}

impl Error for Refused {}

impl How {
    fn now(self) -> Result<u32, Refused> {
        match self {
            How::Succeeding => Ok(7),
            How::Refused => Err(Refused),
            How::Panicking => panic!("at the disco"),
            How::Pending => unreachable!("a sync function has no such end"),
        }
    }

    async fn later(self) -> Result<u32, Refused> {
        futures::pending!();
        if self == How::Pending {
            std::future::pending::<()>().await;
        }
        self.now()
    }
}

/// Runs a future to completion; one that stays pending is dropped.
fn finish<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..3).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}

/// The step line of a run that may panic.
fn line_of(run: impl FnOnce()) -> Line {
    let captured = capture();
    let _ = catch_unwind(AssertUnwindSafe(run));
    let mut lines = captured.events("step_timing");
    assert_eq!(lines.len(), 1, "{captured:?}");
    lines.remove(0)
}

fn assert_ended(line: &Line, how: How) {
    let (outcome, level) = match how {
        How::Succeeding => ("ok", "INFO"),
        How::Refused => ("error", "WARN"),
        How::Panicking => ("panicked", "ERROR"),
        How::Pending => ("cancelled", "INFO"),
    };
    assert_eq!(line.text("outcome"), outcome);
    assert_eq!(line.text("level"), level);
    assert_eq!(line.has("error"), how == How::Refused, "{line:?}");
}

macro_rules! sync_shapes {
    ($($shape:ident: $run:expr;)*) => {$(
        mod $shape {
            use super::*;

            fn line_of_outcome(how: How) -> Line {
                let run = $run;
                let line = line_of(|| assert_eq!(run(how).is_ok(), how == How::Succeeding));
                assert_ended(&line, how);
                line
            }

            #[test]
            fn succeeding() {
                line_of_outcome(How::Succeeding);
            }

            #[test]
            fn with_an_error() {
                line_of_outcome(How::Refused);
            }

            #[test]
            fn with_a_panic() {
                line_of_outcome(How::Panicking);
            }
        }
    )*};
}

macro_rules! polled_shapes {
    ($($shape:ident: $run:expr;)*) => {$(
        mod $shape {
            use super::*;

            fn line_of_outcome(how: How) -> Line {
                let run = $run;
                let line = line_of(|| {
                    let ended = finish(run(how));
                    assert_eq!(ended.is_some_and(|value| value.is_ok()), how == How::Succeeding);
                });
                assert_ended(&line, how);
                line
            }

            #[test]
            fn succeeding() {
                line_of_outcome(How::Succeeding);
            }

            #[test]
            fn with_an_error() {
                line_of_outcome(How::Refused);
            }

            #[test]
            fn with_a_panic() {
                line_of_outcome(How::Panicking);
            }

            #[test]
            fn dropped() {
                line_of_outcome(How::Pending);
            }

            #[test]
            fn never_polled() {
                let captured = capture();
                drop(($run)(How::Succeeding));
                assert_eq!(captured.events("step_timing").len(), 0);
            }
        }
    )*};
}

type Answer<T = u32> = Result<T, Refused>;
type Boxed = Result<u32, Box<dyn Error + Send + Sync>>;

#[step_timed]
fn free(how: How) -> Result<u32, Refused> {
    how.now()
}

#[step_timed]
fn alias(how: How) -> Answer {
    how.now()
}

#[step_timed]
fn question_mark(how: How) -> Boxed {
    let value = how.now()?;
    Ok(value)
}

#[step_timed]
fn early_return(how: How) -> Boxed {
    if how == How::Refused {
        return Err("early".into());
    }
    Ok(how.now()?)
}

#[step_timed]
fn any_error(how: How) -> anyhow::Result<u32> {
    Ok(how.now()?)
}

#[step_timed]
fn generic<T, E>(how: How, value: impl FnOnce(How) -> Result<T, E>) -> Result<T, E> {
    value(how)
}

#[step_timed]
fn sized<const N: usize>(how: How, _: [u8; N]) -> Answer<[u32; N]> {
    how.now().map(|value| [value; N])
}

#[step_timed]
fn opaque(how: How) -> Answer<impl fmt::Display> {
    how.now()
}

trait Outcome {
    fn is_ok(&self) -> bool;
}

impl Outcome for Answer {
    fn is_ok(&self) -> bool {
        Result::is_ok(self)
    }
}

#[step_timed]
fn wholly_opaque(how: How) -> impl Outcome {
    how.now()
}

#[step_timed]
fn pattern((how, _): (How, u32), [_, rest @ ..]: [u32; 3]) -> Answer {
    how.now().map(|value| value + rest[0])
}

#[step_timed]
fn mutable(mut how: How, mut more: Vec<How>) -> Answer {
    more.push(how);
    how = more[0];
    how.now()
}

/// # Safety
///
/// There is no requirement: the function is unsafe only to cover that shape.
#[step_timed]
unsafe fn not_safe(how: How) -> Answer {
    how.now()
}

#[step_timed]
#[track_caller]
fn located_tail(how: How) -> Answer {
    how.now()
}

#[step_timed]
#[track_caller]
fn located_return(how: How) -> Answer {
    if how != How::Pending {
        return how.now();
    }
    Err(Refused)
}

#[step_timed]
#[track_caller]
fn located_question_mark(how: How) -> Answer {
    let value = how.now()?;
    Ok(value)
}

macro_rules! made {
    ($name:ident, $how:ident, $body:expr) => {
        #[step_timed]
        fn $name($how: How) -> Answer {
            let value = $body?;
            Ok(value)
        }
    };
}
made!(made, how, how.now());

fn nested(how: How) -> Answer {
    #[step_timed]
    fn inner(how: How) -> Answer {
        how.now()
    }
    inner(how)
}

#[step_timed]
fn with_inner_attributes(how: How) -> Answer {
    #![allow(unused_variables)]
    //! Documented within.
    let unused = 7;
    how.now()
}

#[step_timed]
fn many(
    a: How,
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
    l: u8,
    m: String,
    n: u8,
) -> Answer {
    let sum = b + c + d + e + f + g + h + i + j + k + l + n;
    a.now().map(|value| value + u32::from(sum) + u32::from(m.is_empty()))
}

#[derive(Clone)]
struct Shop(u32);

impl Shop {
    #[step_timed]
    fn by_reference(&self, how: How) -> Answer<&u32> {
        how.now().map(|_| &self.0)
    }

    #[step_timed]
    fn by_exclusive_reference(&mut self, how: How) -> Answer<&mut u32> {
        self.0 = how.now()?;
        Ok(&mut self.0)
    }

    #[step_timed]
    fn by_value(self, how: How) -> Answer {
        how.now().map(|value| value + self.0)
    }

    #[step_timed]
    fn by_box(self: Box<Self>, how: How) -> Answer {
        how.now().map(|value| value + self.0)
    }

    #[step_timed]
    fn by_pin(self: Pin<&Self>, how: How) -> Answer {
        how.now().map(|value| value + self.0)
    }

    #[step_timed]
    fn associated(how: How) -> Answer<Self> {
        how.now().map(Self)
    }

    #[step_timed]
    async fn later(&self, how: How) -> Answer<&u32> {
        how.later().await?;
        Ok(&self.0)
    }

    #[step_timed]
    async fn later_exclusive(&mut self, how: How) -> Answer {
        self.0 = how.later().await?;
        Ok(self.0)
    }

    #[step_timed]
    async fn later_by_value(mut self, how: How) -> Answer {
        self.0 += how.later().await?;
        Ok(self.0)
    }

    #[step_timed]
    async fn later_by_arc(self: Arc<Self>, how: How) -> Answer {
        how.later().await.map(|value| value + self.0)
    }
}

#[step_timed]
impl Shop {
    const fn constant(&self) -> u32 {
        self.0
    }

    fn in_a_block(&self, how: How) -> Answer {
        how.now().map(|value| value + self.constant())
    }

    async fn later_in_a_block(&self, how: How) -> Answer {
        how.later().await.map(|value| value + self.constant())
    }
}

trait Clerk {
    #[step_timed]
    fn by_default(&self, how: How) -> Answer {
        how.now()
    }

    fn serve(&self, how: How) -> Answer;

    async fn wait(&self, how: How) -> Answer;

    fn promise(&self, how: How) -> impl Future<Output = Answer> + Send;

    #[step_timed]
    async fn wait_by_default(&self, how: How) -> Answer {
        how.later().await
    }
}

impl Clerk for Shop {
    #[step_timed]
    fn serve(&self, how: How) -> Answer {
        how.now()
    }

    #[step_timed]
    async fn wait(&self, how: How) -> Answer {
        how.later().await
    }

    #[step_timed]
    async fn promise(&self, how: How) -> Answer {
        how.later().await
    }
}

#[step_timed]
trait Porter {
    fn carry(&self, how: How) -> Answer {
        how.now()
    }

    async fn carry_later(&self, how: How) -> Answer {
        how.later().await
    }
}

impl Porter for Shop {}

#[async_trait]
trait Cook: Sync {
    async fn cook(&self, how: How) -> Answer;

    #[step_timed]
    async fn taste(&self, how: How) -> Answer {
        how.later().await
    }
}

#[async_trait]
impl Cook for Shop {
    #[step_timed]
    async fn cook(&self, how: How) -> Answer {
        let value = how.later().await?;
        Ok(value + self.0)
    }
}

#[step_timed]
#[async_trait]
impl Cook for u32 {
    async fn cook(&self, how: How) -> Answer {
        let value = how.later().await?;
        Ok(value + *self)
    }
}

sync_shapes! {
    of_a_free_function: free;
    of_an_alias: alias;
    of_a_question_mark: question_mark;
    of_an_early_return: early_return;
    of_any_error: any_error;
    of_a_generic_function: |how| generic(how, How::now);
    of_a_const_generic: |how| sized(how, [1; 3]);
    of_an_opaque_value: opaque;
    of_a_wholly_opaque_value: wholly_opaque;
    of_patterns: |how| pattern((how, 1), [1, 2, 3]);
    of_mutable_arguments: |how| mutable(how, Vec::new());
    of_an_unsafe_function: |how| {
        // SAFETY: the function has no requirement.
        unsafe { not_safe(how) }
    };
    of_a_located_tail: located_tail;
    of_a_located_return: located_return;
    of_a_located_question_mark: located_question_mark;
    of_a_made_function: made;
    of_a_nested_function: nested;
    of_inner_attributes: with_inner_attributes;
    of_many_arguments: |how| many(how, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, String::new(), 1);
    of_a_method: |how| Shop(1).by_reference(how).copied();
    of_an_exclusive_method: |how| Shop(1).by_exclusive_reference(how).copied();
    of_a_consuming_method: |how| Shop(1).by_value(how);
    of_a_boxed_receiver: |how| Box::new(Shop(1)).by_box(how);
    of_a_pinned_receiver: |how| pin!(Shop(1)).as_ref().by_pin(how);
    of_an_associated_function: Shop::associated;
    of_a_method_in_a_block: |how| Shop(1).in_a_block(how);
    of_a_default_body: |how| Shop(1).by_default(how);
    of_a_method_of_a_trait: |how| Shop(1).serve(how);
    of_a_method_in_a_trait_block: |how| Shop(1).carry(how);
}

#[step_timed]
async fn later(how: How) -> Answer {
    how.later().await
}

#[step_timed]
async fn later_question_mark(how: How) -> Boxed {
    Ok(how.later().await?)
}

#[step_timed]
async fn later_early_return(how: How) -> Boxed {
    let value = how.later().await;
    if value.is_err() {
        return Err("early".into());
    }
    Ok(value?)
}

#[step_timed]
async fn later_generic<T: Clone>(how: How, value: &T) -> Answer<T> {
    how.later().await.map(|_| value.clone())
}

#[step_timed]
async fn later_opaque(how: How, text: &str) -> Answer<impl fmt::Display> {
    how.later().await.map(|value| format!("{value}{text}"))
}

#[step_timed]
async fn later_pattern((how, _): (How, String), [a, ..]: [u32; 3]) -> Answer {
    how.later().await.map(|value| value + a)
}

#[must_use]
#[step_timed]
async fn later_must_use(how: How) -> Answer {
    how.later().await
}

#[step_timed]
async unsafe fn later_not_safe(how: How) -> Answer {
    how.later().await
}

#[step_timed]
fn future(how: How) -> impl Future<Output = Answer> {
    let how = [how];
    async move { how[0].later().await }
}

#[step_timed]
fn future_of_elsewhere(how: How) -> impl Future<Output = Answer> + Send {
    how.later()
}

#[step_timed]
fn future_with_a_return(how: How) -> impl Future<Output = Answer> {
    if how == How::Succeeding {
        return how.later();
    }
    how.later()
}

#[step_timed]
fn pinned(how: How, text: &str) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
    let length = text.len();
    Box::pin(async move {
        let value = how.later().await?;
        Ok(value + u32::from(text.len() == length))
    })
}

#[step_timed]
fn pinned_with_a_return(how: How) -> Pin<Box<dyn Future<Output = Answer>>> {
    if how == How::Succeeding {
        return Box::pin(how.later());
    }
    Box::pin(async move { how.later().await })
}

#[step_timed]
fn box_future(how: How) -> BoxFuture<'static, Answer> {
    async move { how.later().await }.boxed()
}

#[step_timed]
fn local_box_future(how: How) -> LocalBoxFuture<'static, Answer> {
    Box::pin(async move { how.later().await })
}

#[step_timed]
async fn recursive(how: How, depth: u32) -> Answer {
    if depth == 0 { how.later().await } else { Box::pin(leaf(how, depth - 1)).await }
}

async fn leaf(how: How, depth: u32) -> Answer {
    let _ = depth;
    how.later().await
}

polled_shapes! {
    of_a_future: later;
    of_a_question_mark_in_a_future: later_question_mark;
    of_an_early_return_in_a_future: later_early_return;
    of_a_generic_future: |how| later_generic(how, &7);
    of_an_opaque_value_in_a_future: |how| later_opaque(how, "!");
    of_patterns_of_a_future: |how| later_pattern((how, String::new()), [1, 2, 3]);
    of_a_future_that_must_be_used: later_must_use;
    of_an_unsafe_future: |how| {
        // SAFETY: the function has no requirement.
        unsafe { later_not_safe(how) }
    };
    of_a_returned_future: future;
    of_a_future_of_elsewhere: future_of_elsewhere;
    of_a_future_with_a_return: future_with_a_return;
    of_a_pinned_future: |how| pinned(how, "text");
    of_a_pinned_future_with_a_return: pinned_with_a_return;
    of_a_boxed_future: box_future;
    of_a_local_boxed_future: local_box_future;
    of_a_recursive_future: |how| recursive(how, 1);
    of_an_async_method: |how| async move { Shop(1).later(how).await.copied() };
    of_an_exclusive_async_method: |how| async move { Shop(1).later_exclusive(how).await };
    of_a_consuming_async_method: |how| Shop(1).later_by_value(how);
    of_a_shared_async_method: |how| Arc::new(Shop(1)).later_by_arc(how);
    of_an_async_method_in_a_block: |how| async move { Shop(1).later_in_a_block(how).await };
    of_an_async_method_of_a_trait: |how| async move { Shop(1).wait(how).await };
    of_a_promised_future: |how| async move { Shop(1).promise(how).await };
    of_an_async_default_body: |how| async move { Shop(1).wait_by_default(how).await };
    of_an_async_method_in_a_trait_block: |how| async move { Shop(1).carry_later(how).await };
    of_async_trait_above: |how| async move { Shop(1).cook(how).await };
    of_async_trait_below: |how| async move { 7.cook(how).await };
    of_async_trait_with_a_default_body: |how| async move { Shop(1).taste(how).await };
}

#[test]
fn methods_of_an_impl_block_are_named_after_their_type() {
    let captured = capture();
    let _ = Shop(1).in_a_block(How::Succeeding);
    let _ = finish(7.cook(How::Succeeding));
    let _ = Shop(1).carry(How::Succeeding);
    captured.step("Shop::in_a_block");
    captured.step("u32::cook");
    captured.step("Porter::carry");
}

#[test]
fn the_error_text_is_logged_if_the_body_saw_the_error() {
    for run in [free, alias, located_tail, located_return] {
        let line = line_of(|| drop(run(How::Refused)));
        assert_eq!(line.text("error"), "Refused");
        assert_eq!(line.text("error_detail"), "no such order");
    }
    let line = line_of(|| drop(located_question_mark(How::Refused)));
    assert_eq!(line.text("error"), "Refused");
    assert!(!line.has("error_detail"));
}

#[test]
fn a_value_without_an_outcome_is_ok() {
    #[step_timed]
    fn option() -> Option<u32> {
        None
    }
    #[step_timed]
    fn flow() -> std::ops::ControlFlow<u32> {
        std::ops::ControlFlow::Break(1)
    }
    #[step_timed]
    fn parameter<T>(value: T) -> T {
        value
    }
    #[step_timed]
    fn projection<I: Iterator>(mut values: I, first: I::Item) -> I::Item {
        values.next().unwrap_or(first)
    }
    #[step_timed]
    fn poll() -> Poll<Answer> {
        Poll::Ready(Err(Refused))
    }
    for line in [
        line_of(|| assert_eq!(option(), None)),
        line_of(|| assert!(flow().is_break())),
        line_of(|| drop(parameter(Err::<u32, _>(Refused)))),
        line_of(|| drop(projection(std::iter::empty(), Err::<u32, _>(Refused)))),
        line_of(|| drop(poll())),
    ] {
        assert_eq!(line.text("outcome"), "ok");
    }
}

#[test]
fn a_future_belongs_to_the_context_of_its_first_poll() {
    let captured = capture();
    let made = candor::RequestContext::with_id("made").enter_with(|| later(How::Succeeding));
    let _ = candor::RequestContext::with_id("polled").enter_with(|| finish(made));
    assert_eq!(captured.step("later").text("request_id"), "polled");
}

#[test]
fn track_caller_reports_the_location_of_the_caller() {
    #[step_timed]
    #[track_caller]
    fn here() -> Result<u32, Refused> {
        if std::hint::black_box(true) {
            return Ok(std::panic::Location::caller().line());
        }
        Err(Refused)
    }
    let captured = capture();
    assert_eq!(here().ok(), Some(line!()));
    captured.step("here");
}

#[test]
fn a_forgotten_future_does_not_affect_later_steps() {
    let captured = capture();
    let mut future = Box::pin(later(How::Pending));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    std::mem::forget(future);
    let _ = free(How::Succeeding);
    captured.step("free");
    assert_eq!(captured.steps("later").len(), 0);
}
