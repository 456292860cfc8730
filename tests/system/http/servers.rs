//! Servers other than axum over real sockets: upgrades, tunnels, trailers and clients that disconnect.

use std::convert::Infallible;
use std::net::SocketAddr;

use candor::http::Trust;
use candor::testing::capture;
use futures::stream;
use http_body_util::{Empty, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower_layer::Layer as _;

use super::connections::{Version, head, serve_hyper};
use super::*;

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let full = |text: &'static str| Full::new(Bytes::from(text)).boxed();
    let frames = |frames: Vec<Frame<Bytes>>| {
        BoxBody::new(StreamBody::new(stream::iter(frames.into_iter().map(Ok))))
    };
    let grpc = |status: &'static str| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static(status));
        frames(vec![Frame::data(Bytes::from("message")), Frame::trailers(trailers)])
    };
    let response = match request.uri().path() {
        "/upgrade" => Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(Empty::new().boxed()),
        "/pieces" => {
            let pieces = ["one ", "two"].map(|piece| Frame::data(Bytes::from(piece)));
            Response::builder().body(frames(pieces.into()))
        }
        "/grpc/good" => Response::builder().body(grpc("0")),
        "/grpc/missing" => Response::builder().body(grpc("5")),
        "/grpc/broken" => Response::builder().body(grpc("13")),
        "/grpc/at-once" => {
            Response::builder().header("grpc-status", "14").body(Empty::new().boxed())
        }
        "/hang" => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Response::builder().body(full("late"))
        }
        // A tunnel has no path, and the body of its response is not polled.
        "" => Response::builder().body(full("never sent")),
        _ => Response::builder().header("content-length", "5").body(full("hello")),
    };
    Ok(response.expect("a response"))
}

async fn serve_answers(layer: RequestLayer, version: Version) -> SocketAddr {
    serve_hyper(layer.layer(tower::service_fn(answer)), version).await
}

#[test]
fn head_requests_upgrades_and_tunnels_complete_with_their_response() {
    for (request, status) in [
        ("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n", 200),
        ("GET /upgrade HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n", 101),
        ("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n", 200),
    ] {
        let captured = capture();
        run(async {
            let address = serve_answers(RequestLayer::new(), Version::Http1).await;
            let (stream, answer) = head(address, request).await;
            assert!(answer.contains(&status.to_string()), "{answer}");
            assert!(answer.contains("x-request-id"), "{answer}");
            completed(&captured).await;
            drop(stream);
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        checked(&captured);
        let line = captured.completed();
        assert_eq!((line.text("outcome"), line.integer("status")), ("ok", status), "{request}");
        assert_eq!(line.integer("response_bytes"), 0);
    }
}

#[test]
fn every_request_of_a_connection_completes_separately() {
    let captured = capture();
    run(async {
        let address = serve_answers(RequestLayer::new(), Version::Http1).await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        for path in ["/", "/pieces", "/"] {
            let answer =
                client.get(format!("http://{address}{path}")).send().await.expect("answered");
            answer.bytes().await.expect("a body");
        }
    });
    let ends = captured.events("request_completed");
    assert_eq!(values(&ends, "response_bytes"), [json!(5), json!(7), json!(5)]);
    assert_eq!(values(&ends, "outcome"), [json!("ok"), json!("ok"), json!("ok")]);
}

#[test]
fn trailers_complete_a_request_and_a_grpc_error_code_is_an_error() {
    for (path, status, outcome, level) in [
        ("/grpc/good", 0, "ok", "INFO"),
        ("/grpc/missing", 5, "ok", "INFO"),
        ("/grpc/broken", 13, "error", "ERROR"),
        ("/grpc/at-once", 14, "error", "ERROR"),
    ] {
        let captured = capture();
        run(async {
            let address = serve_answers(RequestLayer::new(), Version::Http2).await;
            let stream = TcpStream::connect(address).await.expect("a connection");
            let handshake =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
            let (mut sender, connection) = handshake.await.expect("a handshake");
            tokio::spawn(connection);
            let request =
                Request::post(format!("http://{address}{path}")).body(Empty::<Bytes>::new());
            let answer = sender.send_request(request.expect("a request")).await.expect("answered");
            answer.into_body().collect().await.expect("a body");
            completed(&captured).await;
        });
        let line = captured.completed();
        assert_eq!(line.integer("grpc_status"), status);
        assert_eq!((line.text("outcome"), line.text("level")), (outcome, level), "{line:?}");
    }
}

/// Streams of one connection that are reset when opened or when their requests begin.
#[test]
fn dozens_of_reset_streams_complete_once_each() {
    let captured = capture();
    run(async {
        let address = serve_answers(RequestLayer::new(), Version::Http2).await;
        let stream = TcpStream::connect(address).await.expect("a connection");
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.expect("a handshake");
        let connection = tokio::spawn(connection);
        for n in 0..80 {
            let path = if n % 3 == 0 { "pieces" } else { "hang" };
            let request = Request::post(format!("http://{address}/{path}"))
                .header("x-request-id", format!("r-{n}"))
                .body(Empty::<Bytes>::new())
                .expect("a request");
            // A server closes a connection with too many resets.
            if sender.ready().await.is_err() {
                break;
            }
            let asked = sender.send_request(request);
            let begun = captured.events("request_started").len();
            let comes_through = async {
                while n % 10 > 0 && captured.events("request_started").len() == begun {
                    tokio::task::yield_now().await;
                }
            };
            // The response arrives and is not read.
            tokio::select! {
                _ = asked => {}
                () = comes_through => {}
            }
        }
        drop(sender);
        connection.abort();
        for _ in 0..500 {
            let (begun, ended) = ("request_started", "request_completed");
            if captured.events(begun).len() == captured.events(ended).len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    });
    let (begun, ended) = (captured.events("request_started"), captured.events("request_completed"));
    assert!(begun.len() > 10, "{} requests came through", begun.len());
    let ids = |lines: &[Line]| {
        let mut ids: Vec<_> = lines.iter().map(|line| line.text("request_id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&begun), ids(&ended));
    for line in &ended {
        assert!(["ok", "cancelled"].contains(&line.text("outcome")), "{line:?}");
    }
}

#[test]
fn a_disconnected_client_is_one_cancelled_request() {
    let captured = capture();
    run(async {
        let address = serve_answers(RequestLayer::new(), Version::Http1).await;
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        while captured.events("request_started").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(stream);
        completed(&captured).await;
    });
    let line = captured.completed();
    assert_eq!(line.text("outcome"), "cancelled");
    assert!(line.is_null("status"));
}

#[test]
fn the_peer_address_is_read_from_the_request_extensions() {
    let captured = capture();
    run(async {
        let trust = Trust::new().network("127.0.0.1").expect("a network");
        let address = serve_answers(RequestLayer::new().trust(trust), Version::Http1).await;
        head(address, "GET / HTTP/1.1\r\nhost: x\r\nx-debug-log: 1\r\n\r\n").await;
        completed(&captured).await;
    });
    assert_eq!(captured.events("debug_raised").len(), 1);
}
