//! Status and category, read from the returned value or set in the body.

use std::fmt;
use std::io;
use std::sync::Arc;

use candor::dependency::{self, Category, DependencyOutcome};
use candor::dependency_call;
use candor::testing::capture;
use candor_tests::checked;
use futures::executor::block_on;

use super::{answer, answers};

#[test]
fn the_status_of_a_response_is_logged() {
    #[dependency_call("shop")]
    fn get(status: u16) -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
    }

    #[dependency_call("shop")]
    async fn fetch(status: u16) -> Result<http::Response<String>, io::Error> {
        let mut response = http::Response::new(String::new());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }

    let captured = capture();
    for status in [200, 304, 404, 503] {
        get(status);
        block_on(fetch(status)).expect("a response");
    }
    let lines = checked(&captured);
    let answers: Vec<_> = lines.iter().step_by(2).map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(200), None, "ok", "INFO"),
            (Some(304), None, "ok", "INFO"),
            (Some(404), Some("status"), "ok", "WARN"),
            (Some(503), Some("status"), "error", "ERROR"),
        ]
    );
    assert_eq!(lines.iter().skip(1).step_by(2).map(answer).collect::<Vec<_>>(), answers);
}

#[derive(Debug)]
enum StoreError {
    Refused(u16),
    PoolEmpty,
    Unknown,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store failed")
    }
}

impl std::error::Error for StoreError {}

impl DependencyOutcome for StoreError {
    fn status(&self) -> Option<u16> {
        match self {
            StoreError::Refused(status) => Some(*status),
            _ => None,
        }
    }

    fn category(&self) -> Option<Category> {
        matches!(self, StoreError::PoolEmpty).then_some(Category::Pool)
    }
}

#[test]
fn a_custom_error_type_reports_its_status_and_category() {
    #[dependency_call("store")]
    fn load(error: StoreError) -> Result<Vec<u8>, StoreError> {
        Err(error)
    }

    let captured = capture();
    load(StoreError::Refused(429)).expect_err("fails");
    load(StoreError::Refused(500)).expect_err("fails");
    load(StoreError::PoolEmpty).expect_err("fails");
    load(StoreError::Unknown).expect_err("fails");
    let lines = checked(&captured);
    let answers: Vec<_> = lines.iter().map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(429), Some("status"), "error", "WARN"),
            (Some(500), Some("status"), "error", "ERROR"),
            (None, Some("pool"), "error", "ERROR"),
            (None, Some("StoreError"), "error", "ERROR"),
        ]
    );
}

#[test]
fn an_outcome_impl_that_panics_is_ignored() {
    #[derive(Debug)]
    struct Bad;
    impl DependencyOutcome for Bad {
        fn status(&self) -> Option<u16> {
            panic!("no")
        }
    }

    #[dependency_call("bad")]
    fn call() -> Result<(), Bad> {
        Err(Bad)
    }

    let captured = capture();
    call().expect_err("fails");
    assert_eq!(answer(&captured.dependency("bad")), (None, Some("Bad"), "error", "ERROR"));
}

#[test]
fn a_status_set_in_the_body_takes_precedence() {
    #[dependency_call("rpc")]
    fn call(status: u16) -> u8 {
        dependency::current().set_status(status);
        7
    }

    let captured = capture();
    for status in [204, 409, 502] {
        call(status);
    }
    let answers: Vec<_> = captured.lines();
    let answers: Vec<_> = answers.iter().map(answer).collect();
    assert_eq!(
        answers,
        [
            (Some(204), None, "ok", "INFO"),
            (Some(409), Some("status"), "ok", "WARN"),
            (Some(502), Some("status"), "error", "ERROR"),
        ]
    );
}

#[test]
fn the_returned_value_and_the_body_disagree() {
    #[dependency_call("rpc")]
    fn call(status: u16, kind: io::ErrorKind) -> io::Result<()> {
        dependency::current().set_status(status);
        Err(kind.into())
    }

    #[dependency_call("rpc")]
    fn response(status: u16) -> http::Response<()> {
        dependency::current().set_status(status);
        let mut response = http::Response::new(());
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response
    }

    let captured = capture();
    let _ = call(200, io::ErrorKind::InvalidData);
    let _ = call(404, io::ErrorKind::TimedOut);
    let _ = call(502, io::ErrorKind::PermissionDenied);
    let _ = call(301, io::ErrorKind::PermissionDenied);
    response(200);
    let wanted = [
        "200 decode error ERROR",
        "404 timeout error WARN",
        "502 status error ERROR",
        "301 Error error ERROR",
        "200 - ok INFO",
    ];
    assert_eq!(answers(&captured, "rpc"), wanted);
}

#[test]
fn an_outcome_function_reads_a_type_without_an_outcome() {
    enum Reply {
        Fine,
        Gone,
        Busy,
        Late,
    }

    fn read(reply: &Reply) -> (Option<u16>, Option<Category>) {
        match reply {
            Reply::Fine => (Some(200), None),
            Reply::Gone => (Some(410), None),
            Reply::Busy => (Some(200), Some(Category::Pool)),
            Reply::Late => (None, Some(Category::Timeout)),
        }
    }

    #[dependency_call("queue", outcome = read)]
    fn take(reply: Reply) -> Reply {
        reply
    }

    let captured = capture();
    for reply in [Reply::Fine, Reply::Gone, Reply::Busy, Reply::Late] {
        take(reply);
    }
    let wanted =
        ["200 - ok INFO", "410 status ok WARN", "200 pool error ERROR", "- timeout error ERROR"];
    assert_eq!(answers(&captured, "queue"), wanted);
}

#[test]
fn a_panicking_outcome_function_does_not_fail_the_call() {
    fn read(_: &u8) -> (Option<u16>, Option<Category>) {
        panic!("no")
    }

    #[dependency_call("queue", outcome = read)]
    fn take() -> u8 {
        7
    }

    let captured = capture();
    assert_eq!(take(), 7);
    assert_eq!(answers(&captured, "queue"), ["- - ok INFO"]);
}

#[test]
fn a_custom_type_can_report_a_refusal() {
    #[derive(Debug)]
    struct NoSuchKey;
    impl DependencyOutcome for NoSuchKey {
        fn is_refusal(&self) -> bool {
            true
        }
    }

    #[dependency_call("cache")]
    fn get() -> Result<(), NoSuchKey> {
        Err(NoSuchKey)
    }

    let captured = capture();
    get().expect_err("refused");
    assert_eq!(answers(&captured, "cache"), ["- NoSuchKey error WARN"]);
}

#[test]
fn pointers_and_nested_results_have_the_outcome_of_their_content() {
    fn not_found() -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response
    }

    #[dependency_call("held")]
    fn boxed() -> Box<http::Response<()>> {
        Box::new(not_found())
    }

    #[dependency_call("held")]
    fn shared() -> Result<u8, Arc<io::Error>> {
        Err(Arc::new(io::ErrorKind::TimedOut.into()))
    }

    #[dependency_call("held")]
    fn nested(late: bool) -> Result<Result<http::Response<()>, io::Error>, StoreError> {
        if late { Ok(Err(io::ErrorKind::TimedOut.into())) } else { Ok(Ok(not_found())) }
    }

    let captured = capture();
    boxed();
    shared().expect_err("late");
    let _ = nested(false);
    let _ = nested(true);
    let wanted = [
        "404 status ok WARN",
        "- timeout error ERROR",
        "404 status ok WARN",
        "- timeout error ERROR",
    ];
    assert_eq!(answers(&captured, "held"), wanted);
}

#[test]
fn an_outcome_other_than_a_result_is_read_in_async_functions_too() {
    #[dependency_call("shop")]
    async fn fetch(status: u16) -> http::Response<()> {
        let mut response = http::Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
    }

    let captured = capture();
    for status in [204, 308, 499, 500] {
        block_on(fetch(status));
    }
    let wanted = ["204 - ok INFO", "308 - ok INFO", "499 status ok WARN", "500 status error ERROR"];
    assert_eq!(answers(&captured, "shop"), wanted);
}
