//! Jobs: work outside of requests, with one completion each.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use candor::testing::capture;
use candor::{dependency_call, job, step_timed};
use candor_tests::{checked, values};
use futures::executor::block_on;
use serde_json::json;

#[step_timed]
fn read() {}

#[dependency_call("search")]
fn index() -> Result<(), std::io::Error> {
    Err(std::io::ErrorKind::TimedOut.into())
}

#[test]
fn a_job_logs_its_id_its_start_and_one_completion_with_totals() {
    let captured = capture();
    block_on(job("rebuild-index").scope(async {
        read();
        let _ = index();
        tracing::info!("half way");
    }));
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        ["job_started", "step_timing", "dependency_call", "half way", "job_completed"]
            .map(|it| json!(it))
    );
    assert_eq!(values(&lines, "seq"), [1, 2, 3, 4, 5].map(|it| json!(it)));
    assert!(lines.iter().all(|line| line.text("request_id").len() == 36), "{captured:?}");
    assert_eq!(captured.line("job_started").text("level"), "DEBUG");
    let end = captured.line("job_completed");
    assert_eq!((end.text("logger"), end.text("level")), ("jobs", "INFO"));
    assert_eq!((end.text("job"), end.text("outcome")), ("rebuild-index", "ok"));
    assert_eq!((end.integer("steps"), end.integer("dependency_calls")), (1, 1));
    assert!(end.number("duration_ms") >= 0.0 && !end.has("cause") && !end.has("error"));
}

#[test]
fn a_job_that_fails_names_its_error_and_its_cause() {
    let captured = capture();
    let result = job("sync").run(index);
    assert!(result.is_err());
    let end = captured.line("job_completed");
    assert_eq!(
        (end.text("level"), end.text("outcome"), end.text("error")),
        ("ERROR", "error", "Error")
    );
    assert_eq!(end.get("cause").expect("a cause")["category"], "timeout");
}

#[test]
fn a_dropped_job_is_cancelled_after_its_steps() {
    #[step_timed]
    async fn hang() {
        pending::<()>().await;
    }

    let captured = capture();
    {
        let mut work = pin!(job("poller").scope(hang()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut cx).is_pending());
        assert!(work.as_mut().poll(&mut cx).is_pending());
    }
    let lines = checked(&captured);
    assert_eq!(values(&lines, "outcome"), [json!("cancelled"), json!("cancelled")]);
    let end = captured.line("job_completed");
    assert_eq!((end.text("level"), end.integer("seq")), ("WARN", 3));
}

#[test]
fn a_job_that_panics_logs_an_error_and_the_panic() {
    let captured = capture();
    let work = || job("bad").run(|| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(work)).expect_err("panicked");
    assert_eq!(captured.line("panic").text("level"), "ERROR");
    assert_eq!(captured.line("job_completed").text("outcome"), "panicked");
    captured.clear();
    let work = || block_on(job("bad").scope(async { panic!("on purpose") }));
    catch_unwind(AssertUnwindSafe(work)).expect_err("panicked");
    let (panic, end) = (captured.line("panic"), captured.line("job_completed"));
    assert_eq!(end.text("outcome"), "panicked");
    assert_eq!(panic.text("request_id"), end.text("request_id"));
}

#[test]
fn a_pending_job_dropped_by_an_unrelated_panic_is_cancelled() {
    let captured = capture();
    let unrelated = || {
        let mut work = Box::pin(job("bystander").scope(pending::<()>()));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        panic!("of something else");
    };
    catch_unwind(AssertUnwindSafe(unrelated)).expect_err("panicked");
    assert_eq!(captured.line("job_completed").text("outcome"), "cancelled");
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in a destructor");
        }
    }
}

/// Drops a future after its first poll, which returns `Pending`.
fn cancel(work: impl Future) {
    let mut work = Box::pin(work);
    assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(work);
}

async fn holds_a_bomb() {
    let _bomb = Bomb;
    pending::<()>().await;
}

#[test]
fn bug_a_job_whose_drop_panicked_was_reported_as_cancelled() {
    #[step_timed]
    async fn hang() {
        holds_a_bomb().await;
    }

    let captured = capture();
    let work = || cancel(job("exploding").scope(hang()));
    catch_unwind(AssertUnwindSafe(work)).expect_err("panicked");
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        ["job_started", "panic", "step_timing", "job_completed"].map(|it| json!(it))
    );
    let (step, end) = (captured.step("hang"), captured.line("job_completed"));
    assert_eq!((step.text("outcome"), step.text("level")), ("panicked", "ERROR"));
    assert_eq!((end.text("outcome"), end.text("level")), ("panicked", "ERROR"));
    // The work is dropped within the job, and a job that is dropped well afterwards is cancelled.
    captured.clear();
    cancel(job("poller").scope(pending::<()>()));
    assert_eq!(captured.line("job_completed").text("outcome"), "cancelled");
}

#[test]
fn a_job_that_is_never_polled_writes_nothing() {
    let captured = capture();
    drop(job("idle").scope(async {}));
    assert!(captured.lines().is_empty(), "{captured:?}");
}

#[test]
fn a_job_inside_a_request_has_its_own_context() {
    let captured = capture();
    candor::RequestContext::with_id("r-1").enter_with(|| {
        job("inner").run(|| tracing::info!("of the job"));
        tracing::info!("of the request");
    });
    assert_ne!(captured.line("of the job").text("request_id"), "r-1");
    assert_eq!(captured.line("of the request").text("request_id"), "r-1");
}

/// Regression test: the line limit suppressed `job_completed`.
#[test]
fn a_job_over_the_line_limit_still_logs_its_completion() {
    let captured = capture();
    job("index").run(|| {
        for n in 0..1100 {
            tracing::info!(n, "much");
        }
    });
    let line = captured.line("job_completed");
    // `job_started` counts towards the limit of a thousand.
    assert_eq!((line.integer("lines_suppressed"), line.integer("seq")), (101, 1001));
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_job_continues_the_trace_of_its_message() {
    let header = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let captured = capture();
    block_on(job("consume").traceparent(Some(&header)).scope(async {
        read();
        let sent = candor::http::outbound_headers();
        let sent = sent["traceparent"].to_str().expect("text").to_owned();
        assert!(sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with("-01"), "{sent}");
        assert!(!sent.contains("00f067aa0ba902b7"), "{sent}");
    }));
    let lines = checked(&captured);
    assert_eq!(values(&lines, "trace_id"), [json!(TRACE), json!(TRACE), json!(TRACE)]);
    let spans = values(&lines, "span_id");
    assert!(spans.iter().all(|span| *span == spans[0]) && spans[0] != "00f067aa0ba902b7");
}

#[test]
fn a_traceparent_is_text_or_bytes() {
    let header = format!("00-{TRACE}-00f067aa0ba902b7-00");
    let value = http::HeaderValue::from_str(&header).expect("a header");
    for job in [
        job("consume").traceparent(&*header),
        job("consume").traceparent(Some(&header)),
        job("consume").traceparent(Some(&*header)),
        job("consume").traceparent(Some(header.clone())),
        job("consume").traceparent(Some(header.as_bytes())),
        job("consume").traceparent(Some(header.clone().into_bytes())),
        job("consume").traceparent(Some(&value)),
    ] {
        let captured = capture();
        job.run(|| ());
        assert_eq!(captured.line("job_completed").text("trace_id"), TRACE);
    }
}

#[test]
fn a_job_without_a_valid_traceparent_begins_a_trace() {
    let captured = capture();
    let bad: [Option<&[u8]>; 5] = [
        None,
        Some(b""),
        Some(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"),
        Some(b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        Some(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\xff\xfe"),
    ];
    for header in bad {
        let job = job("consume").traceparent(header);
        job.run(|| ());
        job.run(|| ());
    }
    job("untraced").run(|| ());
    let mut lines = captured.events("job_completed");
    let untraced = lines.pop().expect("a line");
    assert!(!untraced.has("trace_id"), "{untraced:?}");
    let mut traces = values(&lines, "trace_id");
    assert_eq!(traces.len(), 10, "each run has a trace");
    assert!(traces.iter().all(|trace| trace.as_str().is_some_and(|id| id.len() == 32)));
    assert!(!traces.contains(&json!(TRACE)));
    traces.sort_by_key(|trace| trace.to_string());
    traces.dedup();
    assert_eq!(traces.len(), 10, "each run has a trace of its own");
}

#[test]
fn bug_the_lines_of_a_job_had_the_fields_of_the_span_in_which_it_was_polled() {
    let captured = capture();
    let work = job("index").scope(async { tracing::info!("half way") });
    tracing::info_span!("other", tenant = 7).in_scope(|| block_on(work));
    let lines = captured.lines();
    assert_eq!(
        values(&lines, "msg"),
        ["job_started", "half way", "job_completed"].map(|it| json!(it))
    );
    assert!(lines.iter().all(|line| line.get("tenant").is_none()), "{captured:?}");

    let captured = capture();
    tracing::info_span!("around", tenant = 7).in_scope(|| job("index").run(|| ()));
    let lines = captured.lines();
    assert_eq!(values(&lines, "msg"), ["job_started", "job_completed"].map(|it| json!(it)));
    assert!(lines.iter().all(|line| line.integer("tenant") == 7), "{captured:?}");
}
