//! Calls that are dropped, panic or are slow.

use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

use candor::testing::capture;
use candor::{dependency, dependency_call};

use super::answer;

#[test]
fn a_dropped_or_panicking_call_logs_its_outcome() {
    #[dependency_call("slow")]
    async fn slow() -> io::Result<()> {
        dependency::current().retry();
        std::future::pending().await
    }

    #[dependency_call("broken")]
    fn broken() -> io::Result<()> {
        panic!("gone")
    }

    let captured = capture();
    {
        let mut future = pin!(slow());
        assert!(
            future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending()
        );
    }
    catch_unwind(broken).expect_err("a panic");
    assert_eq!(
        answer(&captured.dependency("slow")),
        (None, Some("cancelled"), "cancelled", "INFO")
    );
    assert_eq!(captured.dependency("slow").integer("retries"), 1);
    assert_eq!(
        answer(&captured.dependency("broken")),
        (None, Some("panicked"), "panicked", "ERROR")
    );
}

#[test]
fn a_slow_call_warns() {
    #[dependency_call("slow", slow = "1us")]
    fn slow() {
        std::thread::sleep(Duration::from_millis(1));
    }

    #[dependency_call("quick", slow = "10m")]
    fn quick() {}

    let captured = capture();
    slow();
    quick();
    assert_eq!(captured.dependency("slow").text("level"), "WARN");
    assert_eq!(captured.dependency("quick").text("level"), "DEBUG");
}

#[test]
fn facts_recorded_before_a_failure_are_logged() {
    #[dependency_call("slow", url_template = "/items/{sku}")]
    async fn slow() -> io::Result<()> {
        dependency::current().set_status(200);
        dependency::current().set_url("https://a.example/items/canary-1?x=canary-2");
        std::future::pending().await
    }

    #[dependency_call("broken")]
    fn broken() -> io::Result<()> {
        dependency::current().retry();
        dependency::current().set_status(404);
        panic!("gone")
    }

    let captured = capture();
    {
        let mut future = pin!(slow());
        let polled = future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    catch_unwind(broken).expect_err("a panic");
    let (slow, broken) = (captured.dependency("slow"), captured.dependency("broken"));
    assert_eq!(answer(&slow), (Some(200), Some("cancelled"), "cancelled", "INFO"));
    assert_eq!(slow.text("url"), "https://a.example/items/{sku}");
    assert_eq!(answer(&broken), (Some(404), Some("panicked"), "panicked", "ERROR"));
    assert_eq!(broken.integer("retries"), 1);
    assert!(broken.has("last_attempt_ms") && !slow.has("last_attempt_ms"));
}

#[test]
fn the_outcome_level_overrides_slow_and_slow_overrides_level() {
    #[dependency_call("any", level = "debug", slow = "1us")]
    fn slow(end: Result<(), io::ErrorKind>, retry: bool) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(1));
        if retry {
            dependency::current().retry();
        }
        Ok(end?)
    }

    #[dependency_call("any", level = "debug", slow = "10m")]
    fn quick(end: Result<(), io::ErrorKind>, retry: bool) -> io::Result<()> {
        if retry {
            dependency::current().retry();
        }
        Ok(end?)
    }

    #[dependency_call("any", level = "debug")]
    fn plain() {}

    let captured = capture();
    let failed = Err(io::ErrorKind::TimedOut);
    let _ = (slow(Ok(()), false), slow(failed, false));
    let _ = (quick(Ok(()), false), quick(Ok(()), true), quick(failed, true));
    plain();
    let levels: Vec<_> =
        captured.dependencies("any").iter().map(|line| line.text("level").to_owned()).collect();
    assert_eq!(levels, ["WARN", "ERROR", "DEBUG", "WARN", "ERROR", "DEBUG"]);
}

#[test]
fn optional_keys_of_a_call_follow_the_fixed_ones() {
    #[dependency_call("payments", busy, ret, fields(order = 7))]
    async fn charge() -> Result<u8, io::Error> {
        dependency::current().retry();
        candor::record("rows", 3);
        Ok(9)
    }

    let captured = capture();
    futures::executor::block_on(candor::RequestContext::with_id("r").scope(charge()))
        .expect("good");
    let line = captured.dependency("payments");
    let all = candor_tests::keys(line.raw());
    let at = all.iter().position(|key| key == "retries").expect("the key");
    let wanted = [
        "retries",
        "last_attempt_ms",
        "error",
        "outcome",
        "step_id",
        "parent_id",
        "offset_ms",
        "busy_ms",
        "order",
        "rows",
        "ret",
    ];
    assert_eq!(all[at..], wanted);
}
