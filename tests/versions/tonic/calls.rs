//! Calls of one version of tonic.

use std::time::Duration;

use bytes::Buf as _;
use candor::dependency_call;
use candor::testing::capture;
use http::uri::PathAndQuery;

use super::tonic;
use crate::{answers, check_lines, run, servers};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

/// A codec of empty messages.
#[derive(Clone, Copy, Debug)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Empty;
    type Decoder = Empty;

    fn encoder(&mut self) -> Empty {
        Empty
    }

    fn decoder(&mut self) -> Empty {
        Empty
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}

#[dependency_call("stock")]
async fn call(channel: &Channel, method: &str) -> Result<tonic::Response<()>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    let path = PathAndQuery::try_from(format!("/shop.Stock/{method}")).expect("a path");
    grpc.unary(tonic::Request::new(()), path, Empty).await
}

#[dependency_call("stock")]
async fn call_any(channel: &Channel, method: &str) -> anyhow::Result<()> {
    call(channel, method).await?;
    Ok(())
}

#[dependency_call("stock")]
async fn connect(to: String) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(to).expect("an address").connect().await
}

#[test]
fn responses_and_statuses_are_classified() {
    let captured = capture();
    run(async {
        let base = servers::grpc().await;
        let endpoint = Endpoint::from_shared(base).expect("an address");
        let channel = endpoint.timeout(Duration::from_millis(300)).connect_lazy();
        call(&channel, "0").await.expect("a response");
        call(&channel, "5").await.expect_err("not found");
        call(&channel, "13").await.expect_err("internal");
        call(&channel, "14").await.expect_err("unavailable");
        call(&channel, "slow").await.expect_err("late");
        let nobody = servers::closed().await;
        connect(format!("http://{nobody}")).await.expect_err("refused");
        let lazy = Endpoint::from_shared(format!("http://{nobody}")).expect("an address");
        call(&lazy.connect_lazy(), "0").await.expect_err("refused");
        connect("http://no-such-host.invalid".to_owned()).await.expect_err("no address");
    });
    check_lines(&captured);
    let expected = [
        "0 - ok INFO",
        "5 status error WARN",
        "13 status error ERROR",
        "14 connect error ERROR",
        "- timeout error ERROR",
        "- connect error ERROR",
        "- connect error ERROR",
        "- dns error ERROR",
    ];
    assert_eq!(answers(&captured, "stock"), expected, "{captured:?}");
    assert!(captured.events("unsupported_response").is_empty(), "{captured:?}");
}

#[test]
fn a_status_in_a_chain_is_found() {
    let captured = capture();
    run(async {
        let endpoint = Endpoint::from_shared(servers::grpc().await).expect("an address");
        call_any(&endpoint.connect_lazy(), "13").await.expect_err("internal");
    });
    check_lines(&captured);
    let expected = ["13 status error ERROR", "13 status error ERROR"];
    assert_eq!(answers(&captured, "stock"), expected, "{captured:?}");
}

#[test]
fn the_details_and_metadata_of_a_status_are_not_logged() {
    let captured = capture();
    run(async {
        let endpoint = Endpoint::from_shared(servers::grpc().await).expect("an address");
        call(&endpoint.connect_lazy(), "5").await.expect_err("not found");
    });
    check_lines(&captured);
    let call = captured.dependency("stock");
    let detail = call.text("error_detail");
    // The bytes of `canary`.
    assert!(!detail.contains("99, 97, 110") && detail.contains("token=[REDACTED]"), "{detail}");
}
