//! Responses and errors of tonic.

use std::net::TcpListener;
use std::time::Duration;

use candor::dependency_call;
use candor::testing::{Captured, capture};
use candor_tests::checked;
use tonic::transport::Endpoint;
use tonic::{Code, Response, Status};

use super::answers;

#[dependency_call("users")]
async fn ask(answer: Result<Response<u8>, Status>) -> Result<Response<u8>, Status> {
    answer
}

/// The answers with the gRPC status in place of the HTTP status, which gRPC calls don't have.
fn grpc_answers(captured: &Captured) -> Vec<String> {
    let lines = captured.dependencies("users");
    let codes = lines.iter().map(|line| line.integer("grpc_status"));
    let answers = answers(captured, "users");
    codes.zip(&answers).map(|(code, answer)| answer.replacen('-', &code.to_string(), 1)).collect()
}

#[test]
fn each_code_has_its_number_category_and_level() {
    let wanted = [
        (Code::Cancelled, "1 cancelled error WARN"),
        (Code::Unknown, "2 status error ERROR"),
        (Code::InvalidArgument, "3 status error WARN"),
        (Code::DeadlineExceeded, "4 timeout error ERROR"),
        (Code::NotFound, "5 status error WARN"),
        (Code::AlreadyExists, "6 status error WARN"),
        (Code::PermissionDenied, "7 status error WARN"),
        (Code::ResourceExhausted, "8 status error WARN"),
        (Code::FailedPrecondition, "9 status error WARN"),
        (Code::Aborted, "10 status error WARN"),
        (Code::OutOfRange, "11 status error WARN"),
        (Code::Unimplemented, "12 status error ERROR"),
        (Code::Internal, "13 status error ERROR"),
        (Code::Unavailable, "14 connect error ERROR"),
        (Code::DataLoss, "15 status error ERROR"),
        (Code::Unauthenticated, "16 status error WARN"),
    ];
    let captured = capture();
    futures::executor::block_on(async {
        ask(Ok(Response::new(7))).await.expect("good");
        for (code, _) in wanted {
            ask(Err(Status::new(code, "token=canary-1"))).await.expect_err("fails");
        }
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let wanted = wanted.map(|(_, told)| told);
    let found = grpc_answers(&captured);
    assert_eq!(found[0], "0 - ok INFO");
    assert_eq!(found[1..], wanted);
}

#[test]
fn a_client_side_grpc_status_has_no_number_and_its_category_is_from_its_source() {
    #[dependency_call("users")]
    async fn connect(to: String) -> Result<tonic::transport::Channel, tonic::transport::Error> {
        Endpoint::from_shared(to).expect("an address").connect().await
    }

    #[dependency_call("users")]
    async fn call(to: String) -> Result<Response<u8>, Box<Status>> {
        let endpoint = Endpoint::from_shared(to).expect("an address");
        match endpoint.connect().await {
            Ok(_) => Err(Box::new(Status::from_error("no tonic here".into()))),
            Err(error) => Err(Box::new(Status::from_error(Box::new(error)))),
        }
    }

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = format!("http://{}", listener.local_addr().expect("an address"));
    let closed = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        format!("http://{}", gone.local_addr().expect("an address"))
    };
    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        connect(closed.clone()).await.expect_err("refused");
        call(closed).await.expect_err("refused");
        call("http://no-such-host.invalid".to_owned()).await.expect_err("no name");
        call(open).await.expect_err("odd");
        let late = Status::from_error(Box::new(tonic::TimeoutExpired(())));
        ask(Err(late)).await.expect_err("late");
    });
    let wanted = [
        "- connect error ERROR",
        "- connect error ERROR",
        "- dns error ERROR",
        "- Box<Status> error ERROR",
        "- timeout error ERROR",
    ];
    assert_eq!(answers(&captured, "users"), wanted);
}

#[test]
fn a_status_in_a_chain_is_found() {
    #[derive(Debug, thiserror::Error)]
    #[error("no user")]
    struct NoUser(#[from] Box<Status>);

    #[dependency_call("users")]
    fn own() -> Result<u8, NoUser> {
        Err(Box::new(Status::not_found("none")))?
    }

    #[dependency_call("users")]
    fn anyhow() -> anyhow::Result<u8> {
        Err(anyhow::Error::new(Status::internal("broken")).context("asking"))
    }

    let captured = capture();
    own().expect_err("none");
    anyhow().expect_err("broken");
    assert_eq!(grpc_answers(&captured), ["5 status error WARN", "13 status error ERROR"]);
}

#[test]
fn deeply_nested_statuses_do_not_overflow_the_stack() {
    #[dependency_call("users")]
    fn deep() -> Result<u8, Box<Status>> {
        let mut status = Status::internal("the innermost");
        for _ in 0..100 {
            let inner = std::mem::replace(&mut status, Status::unknown("outer"));
            status.set_source(std::sync::Arc::new(inner));
        }
        Err(Box::new(status))
    }

    let captured = capture();
    deep().expect_err("deep");
    assert_eq!(answers(&captured, "users"), ["- Box<Status> error ERROR"]);
}

#[test]
fn an_exceeded_client_deadline_is_a_timeout() {
    #[dependency_call("users")]
    async fn call() -> Result<Result<Response<u8>, Status>, tokio::time::error::Elapsed> {
        tokio::time::timeout(Duration::ZERO, std::future::pending()).await
    }

    let captured = capture();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let late = runtime.expect("a runtime").block_on(call());
    assert!(late.is_err());
    assert_eq!(answers(&captured, "users"), ["- timeout error ERROR"]);
}
