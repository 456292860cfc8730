//! `delay`: slows the calls of one dependency in one test.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use candor::prelude::*;
use candor::testing::{capture, delay};
use candor::{RequestContext, context, dependency_call, step_timed};
use futures::StreamExt as _;
use futures::executor::block_on;

use super::failure;

const SHORT: Duration = Duration::from_millis(20);
/// Longer than any test runs: a test that waits for it fails.
const NEVER: Duration = Duration::MAX;

#[dependency_call("payments")]
fn charge() -> u32 {
    7
}

#[dependency_call("payments")]
async fn charge_later() -> u32 {
    7
}

#[dependency_call("stock")]
async fn reserve() {}

#[step_timed("payments")]
fn a_step_of_the_same_name() {}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_delayed_call_logs_the_longer_duration() {
    let captured = capture();
    let _slow = delay("payments", SHORT);
    assert_eq!(charge(), 7);
    assert_eq!(block_on(charge_later()), 7);
    assert_eq!(smol::block_on(charge_later()), 7);
    captured.assert_dependency("payments").outcome("ok").took_at_least(SHORT).times(3);
}

#[test]
fn a_delayed_async_call_does_not_block_its_thread() {
    let captured = capture();
    let _slow = delay("payments", NEVER);
    let mut charging = pin!(charge_later());
    assert!(poll_once(charging.as_mut()).is_pending());
    assert!(poll_once(charging.as_mut()).is_pending());
    // The thread runs the other calls, which are not delayed.
    assert!(poll_once(pin!(reserve())).is_ready());
    a_step_of_the_same_name();
    assert!(captured.dependencies("payments").is_empty());
}

#[test]
fn a_delayed_future_polled_on_another_thread_is_woken_there() {
    let captured = capture();
    let slow = delay("payments", SHORT);
    let mut charging = Box::pin(charge_later());
    assert!(poll_once(charging.as_mut()).is_pending());
    // The future is now polled with another waker.
    let moved = thread::spawn(move || block_on(charging));
    assert_eq!(moved.join().expect("no panic"), 7);
    drop(slow);
    captured.assert_dependency("payments").took_at_least(SHORT).times(1);
}

#[test]
fn a_timeout_around_a_delayed_call_cancels_it() {
    let captured = capture();
    let _slow = delay("payments", NEVER);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().expect("a runtime");
    let request = RequestContext::with_id("r-1");
    let timed_out = runtime
        .block_on(request.scope(async { tokio::time::timeout(SHORT, charge_later()).await }));
    assert!(timed_out.is_err());
    captured.assert_dependency("payments").outcome("cancelled").field("request_id", "r-1").times(1);
}

#[test]
fn calls_on_tasks_and_threads_of_the_test_are_delayed_too() {
    let captured = capture();
    let _slow = delay("payments", SHORT);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(RequestContext::with_id("r-1").scope(async {
        tokio::spawn(charge_later().in_context()).await.expect("no panic");
        tokio::task::spawn_blocking(context::carry(charge)).await.expect("no panic");
    }));
    captured.assert_dependency("payments").took_at_least(SHORT).times(2);
}

#[test]
fn a_delayed_stream_waits_before_its_first_item() {
    #[dependency_call("feed")]
    fn items() -> impl futures::Stream<Item = u8> + Send {
        futures::stream::iter([1, 2])
    }
    let captured = capture();
    let _slow = delay("feed", SHORT);
    assert_eq!(block_on(items().collect::<Vec<_>>()), [1, 2]);
    captured.assert_dependency("feed").took_at_least(SHORT).times(1);
}

#[test]
fn other_tests_are_not_delayed() {
    let captured = capture();
    let _slow = delay("payments", NEVER);
    let other = thread::spawn(|| {
        let captured = capture();
        charge();
        captured.dependency("payments");
        block_on(charge_later())
    });
    assert_eq!(other.join().expect("no panic"), 7);
    // Calls without a capture or in a nested one are not delayed either.
    thread::spawn(charge).join().expect("no panic");
    let inner = capture();
    charge();
    inner.dependency("payments");
    drop(inner);
    assert!(poll_once(pin!(charge_later())).is_pending());
    drop(captured);
    charge();
}

#[test]
fn the_last_delay_applies_until_its_guard_is_dropped() {
    let _captured = capture();
    let first = delay("payments", NEVER);
    let second = delay("payments", Duration::ZERO);
    assert!(poll_once(pin!(charge_later())).is_ready());
    drop(second);
    assert!(poll_once(pin!(charge_later())).is_pending());
    drop(first);
    assert!(poll_once(pin!(charge_later())).is_ready());
}

#[test]
fn a_delay_outside_a_capture_panics_with_instructions() {
    let text = failure(|| delay("payments", SHORT));
    assert!(text.contains("call `capture()` first"), "{text}");
}
