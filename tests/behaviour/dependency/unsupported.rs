//! Responses that are not read, and `outcome = result`. Unsupported versions are tested in `tests/versions`.

use std::io;
use std::time::Duration;

use candor::testing::{capture, capture_with};
use candor::{Config, Format, dependency_call, step_timed};
use candor_tests::checked;

use super::answers;

/// An error that candor does not know, so that a `Result` with it has no answer.
#[derive(Debug)]
struct Broken;

type InTime<T> = Result<Result<T, Broken>, tokio::time::error::Elapsed>;

fn status(status: u16) -> http::Response<Vec<u8>> {
    http::Response::builder().status(status).body(Vec::new()).expect("a response")
}

#[test]
fn a_known_response_that_is_not_read_is_reported_once_for_each_call_site() {
    #[dependency_call("shop")]
    async fn plain(status: http::Response<Vec<u8>>) -> InTime<http::Response<Vec<u8>>> {
        tokio::time::timeout(Duration::from_secs(60), async { Ok(status) }).await
    }

    #[dependency_call("shop")]
    async fn by_reqwest(status: http::Response<Vec<u8>>) -> InTime<reqwest::Response> {
        Ok(Ok(status.into()))
    }

    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let context = candor::RequestContext::with_id("r-7");
        let first = context.scope(plain(status(500))).await;
        first.expect("in time").expect("a response");
        plain(status(500)).await.expect("in time").expect("a response");
        by_reqwest(status(500)).await.expect("in time").expect("a response");
    });
    checked(&captured);
    assert_eq!(answers(&captured, "shop"), ["- - ok INFO"; 3], "{captured:?}");
    let reported = captured.events("unsupported_response");
    let types: Vec<_> = reported.iter().map(|line| line.text("type")).collect();
    assert_eq!(types, ["http::Response", "reqwest::Response"], "{captured:?}");
    assert_eq!(reported[0].text("request_id"), "r-7");
    assert_eq!(reported[0].text("operation"), "plain");
    assert_eq!(reported[0].text("level"), "WARN");
    let detail = |at: usize| reported[at].text("detail");
    assert!(!detail(0).contains("enable"), "`http` is enabled: {}", detail(0));
    let advice =
        "enable candor's feature `reqwest_0_12` for reqwest 0.12, or read it with `outcome = ";
    assert!(detail(1).contains(advice), "{}", detail(1));
}

#[test]
fn a_response_that_is_not_read_is_reported_once_its_line_is_enabled() {
    #[dependency_call("shop")]
    fn respond() -> Result<Result<http::Response<Vec<u8>>, Broken>, Broken> {
        Ok(Ok(status(500)))
    }

    for (level, reported) in [("deps=error", 0), ("deps=warn", 1), ("deps=debug", 0)] {
        let config = Config::new().format(Format::Json).level(level).expect("a level");
        let captured = capture_with(config).expect("a capture");
        respond().expect("a result").expect("a response");
        let lines = captured.events("unsupported_response");
        assert_eq!(lines.len(), reported, "{level}: {captured:?}");
    }
}

#[test]
fn values_that_are_read_or_not_responses_are_not_reported() {
    #[dependency_call("shop")]
    fn known(status: u16) -> Result<http::Response<Vec<u8>>, Broken> {
        Ok(self::status(status))
    }

    #[dependency_call("shop")]
    fn failed() -> Result<Result<http::Response<Vec<u8>>, Broken>, Broken> {
        Err(Broken)
    }

    #[dependency_call("shop")]
    fn headers() -> Result<http::HeaderMap, Broken> {
        Ok(http::HeaderMap::new())
    }

    #[step_timed]
    fn step() -> Result<Result<http::Response<Vec<u8>>, Broken>, Broken> {
        Ok(Ok(status(500)))
    }

    let captured = capture();
    known(500).expect("a response");
    failed().expect_err("fails");
    headers().expect("headers");
    step().expect("a response").expect("a response");
    checked(&captured);
    assert_eq!(answers(&captured, "shop")[0], "500 status error ERROR");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}

#[test]
fn with_outcome_result_only_ok_and_err_count() {
    #[dependency_call("shop", outcome = result)]
    fn respond(status: u16) -> Result<http::Response<Vec<u8>>, io::Error> {
        if status == 0 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(self::status(status)) }
    }

    #[dependency_call("shop", outcome = result)]
    async fn nested(status: u16) -> Result<Result<http::Response<Vec<u8>>, Broken>, Broken> {
        Ok(Ok(self::status(status)))
    }

    let captured = capture();
    respond(200).expect("a response");
    respond(500).expect("a response");
    respond(0).expect_err("late");
    futures::executor::block_on(nested(500)).expect("a value").expect("a response");
    checked(&captured);
    let expected = ["- - ok INFO", "- - ok INFO", "- timeout error ERROR", "- - ok INFO"];
    assert_eq!(answers(&captured, "shop"), expected, "{captured:?}");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}
