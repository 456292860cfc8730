//! The outcome of a span: read from ERROR events, from recorded fields, from unwinding and from dropped futures.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use candor::RequestContext;
use candor::prelude::*;
use candor_tests::checked;
use tracing::field::Empty;
use tracing::{Instrument as _, error, error_span, info_span, instrument};

use super::{block_on, capture, in_request, pause};

/// A span without a sign of a failure is a success.
#[test]
fn a_span_without_a_sign_of_a_failure_is_ok() {
    let captured = capture();
    in_request(|| {
        info_span!("load").in_scope(|| {
            tracing::warn!("slow disk");
            tracing::info!("loaded");
        });
    });
    captured.assert_step("load").outcome("ok").level("INFO").without("error");
}

/// An ERROR event inside a span makes it an error, with the message as its text: that is how a service without candor
/// reports a failure.
#[test]
fn an_error_event_fails_the_span_that_it_is_in() {
    let captured = capture();
    in_request(|| info_span!("load").in_scope(|| error!(attempt = 2, "no such file")));
    let line = captured.assert_step("load").outcome("error").level("WARN").lines().remove(0);
    assert_eq!((line.text("error"), line.text("error_detail")), ("logged_error", "no such file"));
    checked(&captured);
}

/// The field `error` of the event is more precise than its message, so it is the text of the step.
#[test]
fn the_error_of_an_event_is_preferred_to_its_message() {
    let captured = capture();
    in_request(|| {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        info_span!("load").in_scope(|| error!(error = %refused, "giving up"));
    });
    assert_eq!(captured.step("load").text("error_detail"), "connection refused");
}

/// The name of a field hides an error, too: neither the line of the event nor that of the span has its text.
#[test]
fn an_error_under_a_sensitive_name_is_not_the_text_of_the_failure() {
    let captured = capture();
    in_request(|| {
        let refused = io::Error::other("canary");
        let refused: &(dyn std::error::Error + 'static) = &refused;
        info_span!("load").in_scope(|| error!(api_key = refused, "giving up"));
    });
    let line = captured.step("load");
    assert_eq!((line.text("outcome"), line.text("error_detail")), ("error", "giving up"));
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}

#[instrument(err)]
fn read() -> Result<(), io::Error> {
    Err(io::Error::from(io::ErrorKind::TimedOut))
}

#[instrument(err)]
fn load() -> Result<(), io::Error> {
    read()
}

/// `#[instrument(err)]` logs an ERROR event at every level that the error passes, so every level is an error.
#[test]
fn instrument_err_fails_each_level_that_returns_the_error() {
    let captured = capture();
    in_request(load).expect_err("timed out");
    assert_eq!(captured.tree(), "load error logged_error\n  read error logged_error\n");
    for name in ["load", "read"] {
        assert_eq!(captured.step(name).text("error_detail"), "timed out");
    }
}

/// `err(level = …)` logs an event whose only field is `error`. It is an error at any level, even if the level is off,
/// because the function returned an `Err`.
#[test]
fn instrument_err_fails_the_span_at_every_level() {
    #[instrument(err(level = "warn"))]
    fn warn() -> Result<(), io::Error> {
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
    #[instrument(err(level = "debug"))]
    fn debug() -> Result<(), io::Error> {
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
    let config = super::config("info").level("info").expect("levels");
    let captured = candor::testing::capture_with(config).expect("a capture");
    in_request(|| (warn().is_err(), debug().is_err()));
    assert_eq!(captured.tree(), "warn error logged_error\ndebug error logged_error\n");
    assert_eq!(captured.step("debug").text("error_detail"), "entity not found");
    assert_eq!(captured.lines().len(), 3, "the event at DEBUG is not written: {captured:?}");
}

/// The caller may have handled the failure, so an error event fails only the span that it is directly in.
#[test]
fn the_span_around_a_failed_one_is_not_failed() {
    let captured = capture();
    in_request(|| {
        info_span!("order").in_scope(|| {
            info_span!("cache").in_scope(|| error!("cache is down"));
            info_span!("database").in_scope(|| ());
        });
    });
    assert_eq!(captured.tree(), "order ok\n  cache error logged_error\n  database ok\n");
}

/// A span that is not a step can't show the failure, so the step around it does.
#[test]
fn an_event_in_a_span_that_is_not_a_step_fails_the_step_around_it() {
    let captured = candor::testing::capture_with(super::config("info")).expect("a capture");
    in_request(|| {
        info_span!("order").in_scope(|| {
            tracing::debug_span!("detail").in_scope(|| error!("broken"));
        });
    });
    assert_eq!(captured.tree(), "order error logged_error\n");
}

/// An event with an explicit parent belongs to that span, wherever it is logged.
#[test]
fn an_error_event_with_an_explicit_parent_fails_that_parent() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("upload");
        info_span!("other").in_scope(|| {
            error!(parent: &span, "lost the connection");
            candor::error!(parent: &span, "again");
        });
        drop(span);
    });
    captured.assert_step("other").outcome("ok");
    let line = captured.step("upload");
    assert_eq!((line.text("outcome"), line.text("error_detail")), ("error", "lost the connection"));
}

/// An event with `parent: None` does not belong to any span.
#[test]
fn an_error_event_without_a_parent_fails_no_span() {
    let captured = capture();
    in_request(|| info_span!("load").in_scope(|| error!(parent: None, "elsewhere")));
    captured.assert_step("load").outcome("ok");
}

/// Events of candor's macros count like those of `tracing`, since a service replaces the macros one by one.
#[test]
fn an_error_event_of_candor_fails_the_span() {
    let captured = capture();
    in_request(|| info_span!("load").in_scope(|| candor::error!("no such file")));
    let line = captured.step("load");
    assert_eq!((line.text("outcome"), line.text("error_detail")), ("error", "no such file"));
}

/// A step of candor knows its own outcome, and an event inside the step is not directly in the span around it.
#[test]
fn an_error_event_in_a_step_of_candor_does_not_fail_the_span_around_it() {
    let captured = capture();
    in_request(|| {
        info_span!("order").in_scope(|| candor::step("price", || error!("no price, using 0")));
    });
    assert_eq!(captured.tree(), "order ok\n  price ok\n");
}

/// A failed step of candor writes a line at WARN or ERROR, which is not an event of the program.
#[test]
fn the_line_of_a_failed_step_does_not_fail_the_span_around_it() {
    #[candor::dependency_call("payments")]
    fn charge() -> Result<(), io::Error> {
        Err(io::ErrorKind::TimedOut.into())
    }
    let captured = capture();
    in_request(|| info_span!("order").in_scope(|| charge().is_err()));
    assert_eq!(captured.tree(), "order ok\n  payments.charge error timeout\n");
}

/// A recorded `error` is a failure, and its text is that of the step.
#[test]
fn a_recorded_error_fails_the_span() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("load", error = Empty);
        span.in_scope(|| span.record("error", "no such file"));
    });
    let line = captured.step("load");
    assert_eq!((line.text("outcome"), line.text("error")), ("error", "recorded_error"));
    assert_eq!(line.text("error_detail"), "no such file");
    assert!(!line.has("error_"), "{line:?}");
}

/// The same applies to `err`, which some crates use.
#[test]
fn a_field_err_fails_the_span() {
    let captured = capture();
    in_request(|| {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let _span = error_span!("load", err = %refused).entered();
    });
    captured.assert_step("load").outcome("error").field("error_detail", "connection refused");
}

/// A value of `dyn Error` names its class, as the error of a step does.
#[test]
fn an_error_of_a_known_type_has_its_category() {
    let captured = capture();
    in_request(|| {
        let timeout = io::Error::from(io::ErrorKind::TimedOut);
        let error: &(dyn std::error::Error + 'static) = &timeout;
        info_span!("load", error).in_scope(|| ());
    });
    captured.assert_step("load").outcome("error").field("error", "timeout");
}

/// OpenTelemetry's `exception.*` are a failure with its type.
#[test]
fn the_exception_of_the_conventions_fails_the_span() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("load", exception.type = Empty, exception.message = Empty);
        span.record("exception.type", "sqlx::Error");
        span.record("exception.message", "row not found");
    });
    let line = captured.step("load");
    assert_eq!(line.text("outcome"), "error");
    assert_eq!(
        (line.text("error_type"), line.text("error_detail")),
        ("sqlx::Error", "row not found")
    );
}

/// A value that means that there was no error is not a failure: many services record an `Option`.
#[test]
fn a_field_without_an_error_in_it_is_not_a_failure() {
    let captured = capture();
    in_request(|| {
        let none: Option<&str> = None;
        info_span!("debug", error = ?none).in_scope(|| ());
        info_span!("flag", error = false).in_scope(|| ());
        info_span!("text", error = "").in_scope(|| ());
        info_span!("empty", error = Empty).in_scope(|| ());
    });
    assert_eq!(captured.tree(), "debug ok\nflag ok\ntext ok\nempty ok\n");
}

/// `otel.status_code` is OpenTelemetry's field for the outcome, and `otel.status_description` is its text.
#[test]
fn the_status_code_of_opentelemetry_is_the_outcome() {
    let captured = capture();
    in_request(|| {
        let span = info_span!("load", otel.status_code = Empty, otel.status_description = Empty);
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", "disk full");
        info_span!("save", otel.status_code = "OK").in_scope(|| ());
    });
    let line = captured.step("load");
    assert_eq!((line.text("outcome"), line.text("error_detail")), ("error", "disk full"));
    assert!(!line.has("otel.status_code"), "{line:?}");
    captured.assert_step("save").outcome("ok");
}

/// A span that is exited because its thread unwinds has panicked; the spans around it have, too.
#[test]
fn a_panic_that_leaves_a_span_is_its_outcome() {
    let captured = capture();
    let work = || {
        in_request(|| {
            info_span!("outer").in_scope(|| info_span!("inner").in_scope(|| panic!("on purpose")));
        });
    };
    catch_unwind(AssertUnwindSafe(work)).expect_err("it panicked");
    captured.assert_step("inner").outcome("panicked").level("ERROR");
    captured.assert_step("outer").outcome("panicked");
}

/// A panic that is caught inside a span does not fail it.
#[test]
fn a_panic_that_is_caught_inside_a_span_is_not_its_outcome() {
    let captured = capture();
    in_request(|| {
        info_span!("outer").in_scope(|| {
            let inner = || info_span!("inner").in_scope(|| panic!("on purpose"));
            catch_unwind(inner).expect_err("it panicked");
        });
    });
    assert_eq!(
        captured.tree(),
        "outer ok\n  inner panicked panicked\n".replace(" panicked\n", "\n")
    );
}

/// A span of a destructor that runs while the thread unwinds did not panic itself.
#[test]
fn a_span_that_begins_while_the_thread_unwinds_has_not_panicked() {
    struct CleanUp;
    impl Drop for CleanUp {
        fn drop(&mut self) {
            info_span!("clean up").in_scope(|| ());
        }
    }
    let captured = capture();
    let work = || {
        in_request(|| {
            let _clean_up = CleanUp;
            panic!("on purpose");
        });
    };
    catch_unwind(work).expect_err("it panicked");
    captured.assert_step("clean up").outcome("ok");
}

/// A span in a future that is dropped together with a step of candor around it is cancelled: the step knows that the
/// future had not completed.
#[test]
fn a_span_in_a_dropped_step_is_cancelled() {
    let captured = capture();
    in_request(|| {
        let work = async {
            pause().instrument(info_span!("done")).await;
            std::future::pending::<()>().instrument(info_span!("query")).await;
        };
        let mut work = Box::pin(work.timed("order"));
        for _ in 0..3 {
            assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
    });
    assert_eq!(captured.tree(), "order cancelled\n  done ok\n  query cancelled\n");
    captured.assert_step("query").level("INFO");
}

/// The same applies to a request or job, because candor knows that its future was dropped.
#[test]
fn a_span_in_a_dropped_job_is_cancelled() {
    let captured = capture();
    let work = std::future::pending::<()>().instrument(info_span!("query"));
    let mut job = Box::pin(candor::job("export").scope(work));
    assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(job);
    captured.assert_step("query").outcome("cancelled");
    captured.assert_line("job_completed").outcome("cancelled");
}

/// `tracing` enters a span to drop its future, whether or not the future has completed. Without a step of candor around
/// it, a dropped future can't be told from a completed one, so it is not reported as cancelled.
#[test]
fn a_dropped_future_alone_is_not_known_to_be_cancelled() {
    let captured = capture();
    in_request(|| {
        let mut work = Box::pin(std::future::pending::<()>().instrument(info_span!("query")));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    captured.assert_step("query").outcome("ok");
}

/// An error before the drop is a failure, not a cancellation.
#[test]
fn an_error_is_stronger_than_a_drop() {
    let captured = capture();
    in_request(|| {
        let query = async {
            error!("connection lost");
            std::future::pending::<()>().await;
        };
        let mut work = pin!(query.instrument(info_span!("query")).timed("order"));
        assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    captured.assert_step("query").outcome("error");
}

/// The error of a task is the error of its span, on any thread.
#[test]
fn an_error_event_in_a_future_fails_its_span_at_any_poll() {
    let captured = capture();
    block_on(RequestContext::with_id("r").scope(async {
        let work = async {
            pause().await;
            error!("too late");
            pause().await;
        };
        work.instrument(info_span!("task")).await;
    }));
    captured.assert_step("task").outcome("error").field("error_detail", "too late");
}

/// Secrets in messages, errors and descriptions are redacted.
#[test]
fn the_text_of_a_failure_is_scrubbed() {
    let captured = capture();
    in_request(|| {
        info_span!("event").in_scope(|| error!("refused: password=canary-1"));
        info_span!("field", error = "token=canary-2").in_scope(|| ());
        info_span!("exception", exception.message = "api_key=canary-3").in_scope(|| ());
        let status = "Authorization: Bearer canary-4-abcdefghijklmnop";
        info_span!("status", otel.status_code = "error", otel.status_description = status)
            .in_scope(|| ());
    });
    assert_eq!(captured.lines().len(), 5);
    assert!(!captured.output().contains("canary"), "{}", captured.output());
}
