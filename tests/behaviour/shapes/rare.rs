//! What functions return and write if their attributes, names, arguments or types are rare ones: under `cfg`, called
//! like something generated, and passed on by a macro.
#![allow(dead_code, unused, reason = "functions are written for their shape")]

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;

use candor::dependency::Category;
use candor::testing::capture;
use candor::{dependency_call, step_timed};
use futures::executor::block_on;
use futures::stream::{Stream, StreamExt as _};

type Answer<T> = Result<T, fmt::Error>;

/// Aliases with the names of those in `futures`.
mod own {
    use super::*;

    pub(super) type BoxFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;
    pub(super) type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = Answer<T>>>>;
    pub(super) type BoxStream<'a> = Pin<Box<dyn Stream<Item = Answer<u32>> + 'a>>;

    pub(super) mod unit {
        pub(crate) type BoxFuture = super::LocalBoxFuture<()>;
    }
}

#[step_timed]
fn two_types(number: u32) -> own::BoxFuture<'static, u32, fmt::Error> {
    Box::pin(async move { if number > 1 { Err(fmt::Error) } else { Ok(number) } })
}

#[step_timed(fields(number), ret)]
fn two_types_and_a_return(number: u32) -> own::BoxFuture<'static, u32, fmt::Error> {
    if number > 1 {
        return Box::pin(ready(Err(fmt::Error)));
    }
    Box::pin(async move { Ok(number) })
}

#[step_timed]
fn hidden_result(number: u32) -> own::LocalBoxFuture<u32> {
    Box::pin(async move { if number > 1 { Err(fmt::Error) } else { Ok(number) } })
}

#[step_timed]
fn no_type() -> own::unit::BoxFuture {
    Box::pin(async { Err(fmt::Error) })
}

#[step_timed]
fn stream(numbers: &[u32]) -> own::BoxStream<'_> {
    futures::stream::iter(numbers.iter().map(|n| if *n > 1 { Err(fmt::Error) } else { Ok(*n) }))
        .boxed_local()
}

#[step_timed]
fn generic<T: Send + 'static>(value: Answer<T>) -> futures::future::BoxFuture<'static, Answer<T>> {
    Box::pin(async move { value })
}

#[test]
fn the_outcome_of_a_boxed_future_is_read_through_any_alias() {
    let captured = capture();
    assert_eq!(block_on(two_types(1)), Ok(1));
    assert_eq!(block_on(two_types(2)), Err(fmt::Error));
    assert_eq!(block_on(two_types_and_a_return(1)), Ok(1));
    assert_eq!(block_on(two_types_and_a_return(2)), Err(fmt::Error));
    assert_eq!(block_on(hidden_result(2)), Err(fmt::Error));
    assert_eq!(block_on(no_type()), Err(fmt::Error));
    assert_eq!(block_on(stream(&[1, 2]).count()), 2);
    assert_eq!(block_on(stream(&[1]).count()), 1);
    assert_eq!(block_on(generic::<u32>(Err(fmt::Error))), Err(fmt::Error));
    let lines = captured.lines();
    let ends: Vec<_> = lines
        .iter()
        .map(|line| format!("{} {}", line.text("step"), line.text("outcome")))
        .collect();
    assert_eq!(
        ends,
        [
            "two_types ok",
            "two_types error",
            "two_types_and_a_return ok",
            "two_types_and_a_return error",
            "hidden_result error",
            "no_type error",
            "stream error",
            "stream ok",
            "generic error",
        ]
    );
    assert_eq!(lines[2].integer("ret"), 1);
}

#[step_timed]
fn generated_names(__step: u32, __value: u32, __arg0: u32) -> u32 {
    __step + 10 * __value + 100 * __arg0
}

#[step_timed(ret)]
fn generated_names_in_a_result(__arg1: u32, __arg0: u32, __step: u32, __value: u32) -> Answer<u32> {
    let __shown = __arg1 + 10 * __arg0;
    Ok(__shown + 100 * __step + 1000 * __value)
}

#[step_timed(ret)]
async fn generated_names_async(__arg1: u32, __arg0: u32, __entry: u32) -> Answer<u32> {
    let __value = __arg1 + 10 * __arg0;
    ready(()).await;
    Ok(__value + 100 * __entry)
}

#[step_timed(fields(n = __polled), ret)]
fn generated_names_of_a_future(__entry: u32, __polled: u32) -> impl Future<Output = u32> {
    async move { __entry + 10 * __polled }
}

#[track_caller]
#[step_timed(ret)]
fn generated_names_with_a_location(__step: u32, __value: u32) -> Answer<u32> {
    if __step == 0 {
        return Ok(__value);
    }
    Ok(__step + 10 * __value)
}

#[test]
fn arguments_named_like_generated_variables_keep_their_values() {
    let captured = capture();
    assert_eq!(generated_names(1, 2, 3), 321);
    assert_eq!(generated_names_in_a_result(1, 2, 3, 4), Ok(4321));
    assert_eq!(block_on(generated_names_async(1, 2, 3)), Ok(321));
    assert_eq!(block_on(generated_names_of_a_future(1, 2)), 21);
    assert_eq!(generated_names_with_a_location(1, 2), Ok(21));
    assert_eq!(captured.step("generated_names_in_a_result").integer("ret"), 4321);
    assert_eq!(captured.step("generated_names_async").integer("ret"), 321);
    assert_eq!(captured.step("generated_names_of_a_future").integer("n"), 2);
    assert_eq!(captured.step("generated_names_of_a_future").integer("ret"), 21);
    assert_eq!(captured.step("generated_names_with_a_location").integer("ret"), 21);
}

#[step_timed(fields(second))]
fn conditional(
    #[cfg(any())] first: Missing,
    #[cfg(not(any()))] second: u32,
    #[cfg(not(any()))] (third, mut fourth): (u32, u32),
    #[cfg(any())] _: Missing,
    #[cfg(not(any()))] _: u32,
    mut fifth: Vec<u32>,
) -> Answer<Vec<u32>> {
    fourth += 1;
    fifth.extend([second, third, fourth]);
    Ok(fifth)
}

#[step_timed(fields(second))]
async fn conditional_async(
    #[cfg(any())] first: Missing,
    #[cfg(not(any()))] second: u32,
    #[cfg(any())] (left, right): Missing,
    mut fifth: Vec<u32>,
) -> Answer<Vec<u32>> {
    ready(()).await;
    fifth.push(second);
    Ok(fifth)
}

#[test]
fn arguments_under_cfg_are_passed_on_if_they_exist() {
    let captured = capture();
    assert_eq!(conditional(2, (3, 4), 0, vec![1]), Ok(vec![1, 2, 3, 5]));
    assert_eq!(block_on(conditional_async(2, vec![1])), Ok(vec![1, 2]));
    assert_eq!(captured.step("conditional").integer("second"), 2);
    assert_eq!(captured.step("conditional_async").integer("second"), 2);
}

#[step_timed]
async fn exclusive_patterns(ref mut a: Vec<u32>, (ref mut b, c): (u32, &mut u32)) -> Answer<u32> {
    a.push(1);
    ready(()).await;
    *b += a[0];
    *c += *b;
    Ok(*b)
}

#[test]
fn a_future_binds_parts_of_its_arguments_by_exclusive_reference() {
    let _captured = capture();
    let mut c = 1;
    assert_eq!(block_on(exclusive_patterns(vec![7], (1, &mut c))), Ok(8));
    assert_eq!(c, 9);
}

fn status(_: &Answer<u32>) -> (Option<u16>, Option<Category>) {
    (Some(503), None)
}

fn doubled(number: &u32) -> u32 {
    number * 2
}

macro_rules! passes_on {
    ($step:ident, $with:ident, $call:ident, $policy:ident, $doubled:ident, $($outcome:tt)*) => {
        #[step_timed(ret = $policy)]
        fn $step() -> Answer<&'static str> {
            Ok("shown")
        }

        #[step_timed(ret = with = $doubled)]
        fn $with(number: u32) -> Answer<u32> {
            Ok(number)
        }

        #[dependency_call("payments", outcome = $($outcome)*)]
        async fn $call(number: u32) -> Answer<u32> {
            Ok(number)
        }
    };
}
passes_on!(policy_of_a_macro, function_of_a_macro, outcome_of_a_macro, secret, doubled, status);

#[test]
fn policies_and_functions_can_come_from_a_macro() {
    let captured = capture();
    assert_eq!(policy_of_a_macro(), Ok("shown"));
    assert_eq!(function_of_a_macro(4), Ok(4));
    assert_eq!(block_on(outcome_of_a_macro(1)), Ok(1));
    assert_eq!(captured.step("policy_of_a_macro").text("ret"), "[REDACTED]");
    assert_eq!(captured.step("function_of_a_macro").integer("ret"), 8);
    assert_eq!(captured.dependency("payments").integer("status"), 503);
}

#[test]
#[step_timed]
fn a_step_below_test() -> Answer<()> {
    Ok(())
}

#[step_timed]
#[test]
fn a_step_above_test() -> Answer<()> {
    Ok(())
}

#[tokio::test]
#[step_timed]
async fn a_step_below_tokio_test() -> Answer<()> {
    tokio::task::yield_now().await;
    Ok(())
}

#[step_timed]
#[tokio::test]
async fn a_step_above_tokio_test() -> Answer<()> {
    tokio::task::yield_now().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
#[step_timed]
async fn a_step_below_tokio_main(number: u32) -> Answer<u32> {
    tokio::task::yield_now().await;
    if number > 1 { Err(fmt::Error) } else { Ok(number) }
}

#[step_timed]
#[tokio::main(flavor = "current_thread")]
async fn a_step_above_tokio_main(number: u32) -> Answer<u32> {
    tokio::task::yield_now().await;
    if number > 1 { Err(fmt::Error) } else { Ok(number) }
}

#[test]
fn annotated_tests_and_main_functions_write_their_lines() {
    let captured = capture();
    a_step_below_test().expect("passes");
    a_step_above_test().expect("passes");
    a_step_below_tokio_test();
    a_step_above_tokio_test();
    assert_eq!(a_step_below_tokio_main(1), Ok(1));
    assert_eq!(a_step_below_tokio_main(2), Err(fmt::Error));
    assert_eq!(a_step_above_tokio_main(1), Ok(1));
    assert_eq!(a_step_above_tokio_main(2), Err(fmt::Error));
    let lines = captured.lines();
    let ends: Vec<_> = lines
        .iter()
        .map(|line| format!("{} {}", line.text("step"), line.text("outcome")))
        .collect();
    assert_eq!(
        ends,
        [
            "a_step_below_test ok",
            "a_step_above_test ok",
            "a_step_below_tokio_test ok",
            "a_step_above_tokio_test ok",
            "a_step_below_tokio_main ok",
            "a_step_below_tokio_main error",
            "a_step_above_tokio_main ok",
            "a_step_above_tokio_main error",
        ]
    );
}
