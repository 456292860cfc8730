//! A tonic server over a socket: unary calls and streams, with every outcome.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf as _, BufMut as _};
use candor::http::{PeerAddr, Trust};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::transport::server::TcpConnectInfo;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};

use super::*;

/// A codec whose message is a string.
#[derive(Clone, Copy, Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Text;
    type Decoder = Text;

    fn encoder(&mut self) -> Text {
        Text
    }

    fn decoder(&mut self) -> Text {
        Text
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, text: String, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let mut text = vec![0; from.remaining()];
        from.copy_to_slice(&mut text);
        Ok(Some(String::from_utf8(text).expect("text")))
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

/// Responds as the request asks.
#[derive(Clone, Copy)]
struct Reserve;

#[step_timed]
async fn reserve(asked: String) -> Result<String, Status> {
    match asked.as_str() {
        "missing" => Err(Status::not_found("no such thing")),
        "broken" => Err(Status::internal("it broke, password=canary-grpc")),
        "panics" => panic!("gives up"),
        "hangs" => std::future::pending().await,
        _ => Ok("reserved".to_owned()),
    }
}

impl UnaryService<String> for Reserve {
    type Response = String;
    type Future = Answer<String>;

    fn call(&mut self, asked: tonic::Request<String>) -> Answer<String> {
        async move { reserve(asked.into_inner()).await.map(tonic::Response::new) }.boxed()
    }
}

/// Three messages, and then the end that the request asks for.
#[derive(Clone, Copy)]
struct Watch;

impl ServerStreamingService<String> for Watch {
    type Response = String;
    type ResponseStream = BoxStream<'static, Result<String, Status>>;
    type Future = Answer<Self::ResponseStream>;

    fn call(&mut self, asked: tonic::Request<String>) -> Self::Future {
        let three = stream::iter((0..3).map(|n| Ok(format!("message {n}")))).inspect(|_| {
            tracing::info!("sends");
        });
        let more = match asked.into_inner().as_str() {
            "good" => stream::empty().boxed(),
            "broken" => stream::once(async { Err(Status::unavailable("gone")) }).boxed(),
            "panics" => stream::once(async { panic!("gives up") }).boxed(),
            _ => stream::pending().boxed(),
        };
        std::future::ready(Ok(tonic::Response::new(three.chain(more).boxed()))).boxed()
    }
}

#[derive(Clone, Copy)]
struct Stock;

impl NamedService for Stock {
    const NAME: &'static str = "shop.Stock";
}

impl tower::Service<Request<tonic::body::Body>> for Stock {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        async move {
            let mut grpc = Grpc::new(Text);
            Ok(match request.uri().path() {
                "/shop.Stock/Reserve" => grpc.unary(Reserve, request).await,
                _ => grpc.server_streaming(Watch, request).await,
            })
        }
        .boxed()
    }
}

/// A client of a server that has this layer.
async fn connect(layer: RequestLayer) -> tonic::client::Grpc<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let incoming = stream::unfold(listener, |listener| async {
        Some((listener.accept().await.map(|(stream, _)| stream), listener))
    });
    // tonic has its own type for the peer address.
    let tell_peer = |mut request: Request<tonic::body::Body>| {
        let told = request.extensions().get::<TcpConnectInfo>().and_then(|info| info.remote_addr());
        if let Some(peer) = told {
            request.extensions_mut().insert(PeerAddr(peer));
        }
        request
    };
    let layers = tower::ServiceBuilder::new().map_request(tell_peer).layer(layer);
    let server = Server::builder().layer(layers).add_service(Stock);
    tokio::spawn(server.serve_with_incoming(incoming));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let connector =
        tower::service_fn(
            move |_| async move { TcpStream::connect(address).await.map(TokioIo::new) },
        );
    let channel = endpoint.connect_with_connector(connector).await.expect("a connection");
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("ready");
    client
}

fn call(asked: &str) -> tonic::Request<String> {
    tonic::Request::new(asked.to_owned())
}

const RESERVE: PathAndQuery = PathAndQuery::from_static("/shop.Stock/Reserve");
const WATCH: PathAndQuery = PathAndQuery::from_static("/shop.Stock/Watch");

/// The only `request_completed` line; waits a moment for a second one.
async fn only_end(captured: &Captured) -> Line {
    completed(captured).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    captured.completed()
}

#[test]
fn unary_calls_complete_once_with_their_code() {
    for (asked, code, outcome, level) in [
        ("good", Code::Ok, "ok", "INFO"),
        ("missing", Code::NotFound, "ok", "INFO"),
        ("broken", Code::Internal, "error", "ERROR"),
    ] {
        let captured = capture();
        let line = run(async {
            let mut client = connect(RequestLayer::new()).await;
            let answer = client.unary(call(asked), RESERVE, Text).await;
            assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), code, "{asked}");
            only_end(&captured).await
        });
        checked(&captured);
        assert_eq!((line.text("outcome"), line.text("level")), (outcome, level), "{asked}");
        assert_eq!((line.integer("status"), line.integer("grpc_status")), (200, code as i64));
        assert_eq!(line.text("path"), "/shop.Stock/Reserve");
        assert_eq!(line.text("content_type"), "application/grpc");
        assert_eq!(line.integer("response_bytes"), if asked == "good" { 13 } else { 0 });
        assert_eq!((line.integer("steps"), line.text("slowest_step")), (1, "reserve"));
        if outcome == "error" {
            let lines = format!("{captured:?}");
            assert!(lines.contains("reserve") && !lines.contains("canary-grpc"), "{lines}");
        }
    }
}

#[test]
fn streams_are_counted_until_they_end() {
    for (asked, code, outcome) in [("good", Code::Ok, "ok"), ("broken", Code::Unavailable, "error")]
    {
        let captured = capture();
        let line = run(async {
            let mut client = connect(RequestLayer::new()).await;
            let answer = client.server_streaming(call(asked), WATCH, Text).await;
            let mut messages = answer.expect("it begins").into_inner();
            for n in 0..3 {
                let message = messages.message().await.expect("a message");
                assert_eq!(message, Some(format!("message {n}")));
            }
            let end = messages.message().await;
            assert_eq!(end.map_or_else(|status| status.code(), |_| Code::Ok), code);
            only_end(&captured).await
        });
        let lines = checked(&captured);
        assert_eq!(line.text("outcome"), outcome, "{asked}");
        assert_eq!(
            (line.integer("grpc_status"), line.integer("response_bytes")),
            (code as i64, 42)
        );
        assert_eq!(captured.events("sends").len(), 3);
        assert_eq!(lines.last().expect("a line").text("msg"), "request_completed");
    }
}

#[test]
fn a_disconnected_client_cancels_its_call_and_its_stream() {
    let captured = capture();
    run(async {
        let mut client = connect(RequestLayer::new()).await;
        let asked = client.unary(call("hangs"), RESERVE, Text);
        tokio::time::timeout(Duration::from_millis(100), asked).await.expect_err("it hangs");
        let line = only_end(&captured).await;
        assert_eq!((line.text("outcome"), line.text("level")), ("cancelled", "WARN"));
        assert!(line.is_null("status"));
        assert_eq!(captured.step("reserve").text("outcome"), "cancelled");
        captured.clear();

        client.ready().await.expect("ready");
        let answer = client.server_streaming(call("hangs"), WATCH, Text).await;
        let mut messages = answer.expect("it begins").into_inner();
        messages.message().await.expect("a message");
        drop(messages);
        let line = only_end(&captured).await;
        assert_eq!((line.text("outcome"), line.integer("status")), ("cancelled", 200));
        assert!(!line.has("grpc_status"));
    });
}

#[test]
fn panicking_calls_and_streams_complete_as_panicked() {
    for (path, status) in [(RESERVE, None), (WATCH, Some(200))] {
        let captured = capture();
        let line = run(async {
            let mut client = connect(RequestLayer::new()).await;
            let answer = client.server_streaming(call("panics"), path, Text).await;
            if let Ok(answer) = answer {
                let mut messages = answer.into_inner();
                while let Ok(Some(_)) = messages.message().await {}
            }
            only_end(&captured).await
        });
        assert_eq!((line.text("outcome"), line.text("level")), ("panicked", "ERROR"));
        assert_eq!(status, (!line.is_null("status")).then(|| line.integer("status")));
    }
}

/// tonic itself enforces the deadline, and drops the call.
#[test]
fn an_exceeded_deadline_cancels_its_call() {
    let captured = capture();
    let line = run(async {
        let mut client = connect(RequestLayer::new()).await;
        let mut asked = call("hangs");
        asked.set_timeout(Duration::from_millis(100));
        client.unary(asked, RESERVE, Text).await.expect_err("too late");
        only_end(&captured).await
    });
    assert_eq!(line.text("outcome"), "cancelled");
}

#[test]
fn the_peer_address_is_read_from_tonics_extension() {
    let captured = capture();
    run(async {
        let trust = Trust::new().network("127.0.0.1").expect("a network");
        let mut client = connect(RequestLayer::new().trust(trust)).await;
        let mut asked = call("good");
        asked.metadata_mut().insert("x-debug-log", "1".parse().expect("text"));
        asked.metadata_mut().insert("x-request-id", "r-7".parse().expect("text"));
        let answer = client.unary(asked, RESERVE, Text).await.expect("answered");
        assert_eq!(answer.metadata().get("x-request-id").expect("an id"), "r-7");
        only_end(&captured).await;
    });
    assert_eq!(captured.line("debug_raised").text("request_id"), "r-7");
}
