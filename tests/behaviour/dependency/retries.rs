//! `.retry()`, and the call that it applies to.

use std::io;
use std::time::Duration;

use candor::context::{InContextExt as _, carry};
use candor::testing::{capture, capture_with};
use candor::{RequestContext, dependency, dependency_call, step_timed};
use candor_tests::{checked, keys};
use futures::executor::block_on;

use super::{answer, answers};

#[test]
fn retries_are_counted_and_each_writes_a_line() {
    #[dependency_call("payments")]
    async fn charge(fails: bool) -> Result<(), io::Error> {
        dependency::current().retry();
        tokio::task::yield_now().await;
        dependency::current().retry();
        if fails { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    let captured = capture();
    block_on(RequestContext::with_id("r").scope(async {
        charge(false).await.expect("good");
        charge(true).await.expect_err("fails");
    }));
    checked(&captured);
    let calls = captured.dependencies("payments");
    assert_eq!(answer(&calls[0]), (None, None, "ok", "WARN"));
    assert_eq!(answer(&calls[1]), (None, Some("timeout"), "error", "ERROR"));
    assert_eq!(calls[0].integer("retries"), 2);
    let attempts = captured.events("dependency_attempt");
    assert_eq!(attempts.len(), 4);
    assert_eq!(attempts[0].text("level"), "DEBUG");
    assert_eq!(attempts[0].text("logger"), "deps");
    assert_eq!(attempts[0].text("request_id"), "r");
    assert_eq!(attempts[0].text("dependency"), "payments");
    assert_eq!(attempts[0].text("operation"), "charge");
    let numbers: Vec<_> = attempts.iter().map(|line| line.integer("attempt")).collect();
    assert_eq!(numbers, [2, 3, 2, 3]);
}

#[test]
fn current_is_the_innermost_call_in_steps_tasks_and_threads() {
    #[dependency_call("inner")]
    fn inner() {
        dependency::current().retry();
    }

    #[step_timed]
    async fn step() {
        dependency::current().retry();
    }

    #[dependency_call("outer")]
    async fn outer() {
        inner();
        step().await;
        std::thread::spawn(carry(|| dependency::current().retry())).join().expect("no panic");
        tokio::spawn(async { dependency::current().retry() }.in_context()).await.expect("no panic");
    }

    let captured = capture();
    dependency::current().retry();
    dependency::current().set_status(500);
    dependency::current().set_url("https://nowhere.example");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime").block_on(RequestContext::with_id("r").scope(outer()));
    assert_eq!(captured.dependency("inner").integer("retries"), 1);
    assert_eq!(captured.dependency("outer").integer("retries"), 3);
    assert!(captured.dependency("outer").is_null("status"));
    assert_eq!(
        captured.step("step").integer("parent_id"),
        captured.dependency("outer").integer("step_id")
    );
}

#[test]
fn the_last_attempt_has_its_own_duration_after_a_retry() {
    #[dependency_call("payments")]
    fn charge(attempts: u32) {
        for _ in 1..attempts {
            std::thread::sleep(Duration::from_millis(5));
            dependency::current().retry();
        }
    }

    let captured = capture();
    charge(1);
    charge(3);
    checked(&captured);
    let calls = captured.dependencies("payments");
    assert!(!calls[0].has("last_attempt_ms"));
    let all = keys(calls[1].raw());
    let at = all.iter().position(|key| key == "retries").expect("the key");
    assert_eq!(all[at + 1..at + 3], ["last_attempt_ms", "error"]);
    let (whole, last) = (calls[1].number("duration_ms"), calls[1].number("last_attempt_ms"));
    assert!(last >= 0.0 && last + 10.0 <= whole + 0.001, "{last} of {whole}");
}

#[test]
fn a_retry_clears_the_status_of_the_previous_attempt() {
    #[dependency_call("rpc")]
    fn call(second: Option<u16>) -> io::Result<()> {
        dependency::current().set_status(503);
        dependency::current().retry();
        if let Some(status) = second {
            dependency::current().set_status(status);
        }
        if second == Some(200) { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }

    let captured = capture();
    call(None).expect_err("fails");
    call(Some(200)).expect("good");
    assert_eq!(answers(&captured, "rpc"), ["- timeout error ERROR", "200 - ok WARN"]);
}

#[test]
fn nested_calls_count_their_own_retries() {
    #[dependency_call("token")]
    async fn fetch_token() -> io::Result<()> {
        dependency::current().retry();
        dependency::current().set_status(201);
        tokio::task::yield_now().await;
        dependency::current().retry();
        Ok(())
    }

    #[dependency_call("payments")]
    async fn charge() -> io::Result<()> {
        dependency::current().set_status(401);
        fetch_token().await?;
        dependency::current().retry();
        dependency::current().set_status(200);
        Ok(())
    }

    let captured = capture();
    block_on(RequestContext::with_id("r").scope(charge())).expect("good");
    let (inner, outer) = (captured.dependency("token"), captured.dependency("payments"));
    assert_eq!((inner.integer("retries"), outer.integer("retries")), (2, 1));
    assert_eq!(answer(&outer), (Some(200), None, "ok", "WARN"));
    assert_eq!(inner.integer("parent_id"), outer.integer("step_id"));
    let attempts: Vec<_> = captured
        .events("dependency_attempt")
        .iter()
        .map(|line| format!("{} {}", line.text("dependency"), line.integer("attempt")))
        .collect();
    assert_eq!(attempts, ["token 2", "token 3", "payments 2"]);
}

#[test]
fn a_handle_used_after_its_call_changes_nothing() {
    #[dependency_call("payments")]
    fn charge() -> dependency::Call {
        dependency::current()
    }

    let captured = capture();
    let handle = charge();
    handle.set_status(500);
    handle.set_url("https://late.example");
    let line = captured.dependency("payments");
    assert!(line.is_null("status") && line.is_null("url"));
    assert_eq!(line.text("outcome"), "ok");
}

#[test]
fn retries_are_counted_even_if_their_lines_are_not_written() {
    #[dependency_call("payments")]
    fn charge() {
        dependency::current().retry();
    }

    let config = candor::Config::new().level("info").expect("a level");
    let captured = capture_with(config).expect("a capture");
    charge();
    let output = captured.output();
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.contains("\"retries\":1,\"last_attempt_ms\":"), "{output}");
}

#[test]
fn retry_outside_a_call_does_nothing() {
    #[step_timed]
    fn around() {
        dependency::current().retry();
    }

    let captured = capture();
    let call = dependency::current();
    call.retry();
    call.set_status(500);
    call.set_url("https://nowhere.example");
    around();
    assert!(captured.events("dependency_attempt").is_empty());
    assert_eq!(captured.lines().len(), 1);
}

#[test]
fn a_retry_reported_after_completion_is_still_counted() {
    #[dependency_call("payments", url = "https://pay.example/charges")]
    fn charge() -> dependency::Call {
        dependency::current().retry();
        dependency::current()
    }

    let captured = capture();
    charge().retry();
    let attempts = captured.events("dependency_attempt");
    let numbers: Vec<_> = attempts.iter().map(|line| line.integer("attempt")).collect();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(captured.dependency("payments").text("url"), "https://pay.example/charges");
}
