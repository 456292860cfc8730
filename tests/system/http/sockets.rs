//! Faults of connections, clients, handlers and bodies over real sockets: each request completes once, with its
//! outcome, status and bytes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::{FutureExt as _, stream};
use http_body::{Body as HttpBody, SizeHint};
use http_body_util::combinators::BoxBody;
use http_body_util::{Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::sync::oneshot;
use tower_layer::Layer as _;

use super::connections::{
    BoxError, HEADERS_IN, Version, connect, head, read_head, read_to_end, serve_hyper,
};
use super::*;

pub(super) type Answer = Response<BoxBody<Bytes, BoxError>>;

fn full(text: &'static str) -> BoxBody<Bytes, BoxError> {
    Full::new(Bytes::from(text)).map_err(Into::into).boxed()
}

fn nothing() -> BoxBody<Bytes, BoxError> {
    Empty::new().map_err(Into::into).boxed()
}

/// A body of these pieces, with a pause before each.
fn pieces(
    pieces: impl Iterator<Item = Result<&'static str, BoxError>> + Send + Sync + 'static,
) -> BoxBody<Bytes, BoxError> {
    let frames = stream::unfold(pieces, |mut pieces| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let frame = pieces.next()?.map(|piece| Frame::data(Bytes::from(piece)));
        Some((frame, pieces))
    });
    // `BoxBody` must be `Sync`, which a future with a timer may not be.
    // Layers that change a body may poll it again after its end.
    BoxBody::new(StreamBody::new(SyncStream(Box::pin(futures::StreamExt::fuse(frames)))))
}

/// A stream that is used by one thread at a time.
struct SyncStream<S>(Pin<Box<S>>);

impl<S: futures::Stream> futures::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Panics when it is dropped, unless the thread is already unwinding.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a handler gives up on its way out");
    }
}

/// Answers each path in a way of its own.
pub(super) async fn answer(request: Request<Incoming>) -> Result<Answer, BoxError> {
    let path = request.uri().path().to_owned();
    let response = Response::builder();
    let response = match path.as_str() {
        "/hang" => futures::future::pending().await,
        "/hang-with-bomb" => {
            let _bomb = Bomb;
            futures::future::pending().await
        }
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(60)).await;
            response.body(full("hello"))
        }
        "/panic" => panic!("a handler gives up"),
        "/error" => return Err("a handler fails".into()),
        "/endless" => response.body(pieces(std::iter::repeat_with(|| Ok("0123456789")))),
        "/stream" => response.body(pieces((0..10).map(|_| Ok("0123456789")))),
        "/body-error" => {
            response.body(pieces([Ok("0123456789"), Err("a body fails".into())].into_iter()))
        }
        "/body-panic" => response.body(pieces((0..2).map(|at| {
            assert!(at == 0, "a body gives up");
            Ok("0123456789")
        }))),
        "/upload" => match request.into_body().collect().await {
            Ok(body) => {
                let trailers = body.trailers().map_or(0, HeaderMap::len);
                let text = format!("{} bytes, {trailers} trailers", body.to_bytes().len());
                response.body(Full::new(Bytes::from(text)).map_err(Into::into).boxed())
            }
            Err(_) => response.status(400).body(full("incomplete")),
        },
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", http::HeaderValue::from_static("7"));
            let frames = [Ok(Frame::data(Bytes::from("hello"))), Ok(Frame::trailers(trailers))];
            response
                .header("trailer", "x-sum")
                .body(BoxBody::new(StreamBody::new(stream::iter(frames))))
        }
        "/204" => response.status(204).body(nothing()),
        "/304" => response.status(304).body(full("never sent")),
        "/upgrade" => {
            tokio::spawn(async move {
                let mut upgraded = TokioIo::new(hyper::upgrade::on(request).await?);
                let mut bytes = [0; 4];
                upgraded.read_exact(&mut bytes).await?;
                upgraded.write_all(&bytes).await?;
                upgraded.shutdown().await?;
                Ok::<_, BoxError>(())
            });
            let response = response.status(101).header("connection", "upgrade");
            response.header("upgrade", "echo").body(nothing())
        }
        // A tunnel has no path, and the body of its response is not polled.
        "" => response.body(full("never sent")),
        _ => response.body(full("hello")),
    };
    Ok(response.expect("a response"))
}

async fn serve_answers(version: Version) -> SocketAddr {
    serve_hyper(RequestLayer::new().layer(tower::service_fn(answer)), version).await
}

/// Waits until this many requests have begun.
pub(super) async fn begun(captured: &Captured, requests: usize) {
    wait_for(captured, "request_started", requests).await;
}

/// Waits until this many requests have completed, and checks that none completes twice and all that began complete.
pub(super) async fn all_completed(captured: &Captured, requests: usize) -> Vec<Line> {
    wait_for(captured, "request_completed", requests).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let lines = captured.events("request_completed");
    assert_eq!(lines.len(), requests, "{lines:?}");
    assert_eq!(captured.events("request_started").len(), requests);
    let ids: BTreeSet<_> = lines.iter().map(|line| line.text("span_id")).collect();
    assert_eq!(ids.len(), requests, "{lines:?}");
    if requests > 0 {
        checked(captured);
    }
    lines
}

async fn wait_for(captured: &Captured, event: &str, lines: usize) {
    for _ in 0..10_000 {
        if captured.events(event).len() >= lines {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Outcome, status and bytes of a completion; a missing status is 0.
pub(super) fn end(line: &Line) -> (&str, i64, i64) {
    let status = if line.is_null("status") { 0 } else { line.integer("status") };
    (line.text("outcome"), status, line.integer("response_bytes"))
}

fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A request that is answered while the client stays connected.
#[test]
fn a_request_that_is_answered_completes_with_its_bytes() {
    let chunked = |path: &str, chunks: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")
    };
    for (sent, expected) in [
        (get_of("/"), ("ok", 200, 5)),
        (get_of("/stream"), ("ok", 200, 100)),
        ("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), ("ok", 200, 0)),
        ("HEAD /endless HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), ("ok", 200, 0)),
        ("CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n".to_owned(), ("ok", 200, 0)),
        (get_of("/204"), ("ok", 204, 0)),
        (get_of("/304"), ("ok", 304, 0)),
        (chunked("/upload", "0\r\n\r\n"), ("ok", 200, 19)),
        (chunked("/upload", "3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"), ("ok", 200, 19)),
        // Malformed: the handler reads an error.
        (chunked("/upload", "zz\r\n"), ("ok", 400, 10)),
        (get_of("/trailers").replace("\r\n\r\n", "\r\nte: trailers\r\n\r\n"), ("ok", 200, 5)),
        (get_of("/error"), ("error", 0, 0)),
        (get_of("/body-error"), ("error", 200, 10)),
        (get_of("/panic"), ("panicked", 0, 0)),
        (get_of("/body-panic"), ("panicked", 200, 10)),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), ("ok", 200, 5)),
    ] {
        let captured = capture();
        run(async {
            let address = serve_answers(Version::Http1).await;
            let client = connect(address, &sent).await;
            let lines = all_completed(&captured, 1).await;
            assert_eq!(end(&lines[0]), expected, "{sent:?}");
            drop(client);
            tokio::time::sleep(Duration::from_millis(5)).await;
        });
        assert_eq!(captured.events("request_completed").len(), 1, "{sent:?}");
    }
}

/// What a client that leaves has sent, whether it first reads the head of the response, and the possible ends.
#[test]
fn a_client_that_leaves_cancels_its_request() {
    let half = "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    for (sent, reads_head, outcomes) in [
        ("GET / HTTP/1.1\r\nhost: x\r\nx-ha".to_owned(), false, &[][..]),
        (get_of("/hang"), false, &["cancelled"]),
        (half.clone(), false, &["ok", "cancelled"]),
        (half.replace("half", ""), false, &["ok", "cancelled"]),
        (half.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n"), false, &["ok", "cancelled"]),
        (get_of("/endless"), true, &["cancelled"]),
        (get_of("/stream"), true, &["cancelled"]),
        // The drop of the handler's future panics.
        (get_of("/hang-with-bomb"), false, &["panicked"]),
    ] {
        let captured = capture();
        run(async {
            let address = serve_answers(Version::Http1).await;
            let mut client = connect(address, &sent).await;
            if reads_head {
                let head = read_head(&mut client).await;
                assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            } else if outcomes.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            } else {
                begun(&captured, 1).await;
            }
            drop(client);
            for line in all_completed(&captured, outcomes.len().min(1)).await {
                assert!(outcomes.contains(&line.text("outcome")), "{sent:?}: {line:?}");
                assert_eq!(line.is_null("status"), !reads_head && line.text("outcome") != "ok");
            }
        });
    }
}

/// A client that closes its own side of the connection, and reads the response afterwards.
#[test]
fn a_half_closed_connection_is_served_if_the_server_allows_it() {
    for (version, expected) in [
        (Version::Http1HalfClose, ("ok", 200, 5)),
        // The server takes the end of the stream for that of the connection.
        (Version::Http1, ("cancelled", 0, 0)),
    ] {
        let captured = capture();
        run(async {
            let address = serve_answers(version).await;
            let mut client = connect(address, get_of("/slow")).await;
            begun(&captured, 1).await;
            client.shutdown().await.expect("half closed");
            let answer = read_to_end(&mut client).await;
            assert_eq!(answer.ends_with("hello"), version == Version::Http1HalfClose, "{answer}");
            assert_eq!(end(&all_completed(&captured, 1).await[0]), expected);
        });
    }
}

#[test]
fn an_upgraded_connection_carries_bytes_after_its_request_has_completed() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http1).await;
        let request = get_of("/upgrade")
            .replace("\r\n\r\n", "\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
        let (mut client, answer) = head(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert_eq!(end(&all_completed(&captured, 1).await[0]), ("ok", 101, 0));
        client.write_all(b"ping").await.expect("upgraded");
        assert_eq!(read_to_end(&mut client).await, "ping");
        all_completed(&captured, 1).await;
    });
}

#[test]
fn pipelined_requests_complete_once_each_in_order() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http1).await;
        let paths = ["/", "/stream", "/204", "/upload", "/trailers"];
        let requests: String = (0..10)
            .map(|at| {
                let last = if at == 9 { "connection: close\r\n" } else { "" };
                get_of(paths[at % 5])
                    .replace("host: x\r\n", &format!("host: x\r\nx-request-id: r-{at}\r\n{last}"))
            })
            .collect();
        let mut client = connect(address, requests).await;
        let answers = read_to_end(&mut client).await;
        let lines = all_completed(&captured, 10).await;
        for (at, line) in lines.iter().enumerate() {
            assert_eq!(line.text("request_id"), format!("r-{at}"));
            assert_eq!((line.text("path"), line.text("outcome")), (paths[at % 5], "ok"));
            assert!(answers.contains(&format!("x-request-id: r-{at}\r\n")), "{answers}");
        }
    });
}

#[test]
fn large_headers_make_a_valid_line_and_refused_ones_none() {
    let with = |headers: String| get_of("/").replace("\r\n\r\n", &format!("\r\n{headers}\r\n"));
    let one = with(format!("x-large: {}\r\n", "x".repeat(100_000)));
    let some = with((0..80).map(|at| format!("x-{at}: {}\r\n", "y".repeat(1200))).collect());
    let many = with((0..500).map(|at| format!("x-{at}: {}\r\n", "z".repeat(200))).collect());
    for (sent, status) in [(one, "200"), (some, "200"), (many, "431")] {
        let captured = capture();
        run(async {
            let address = serve_answers(Version::Http1).await;
            let mut client = connect(address, &sent).await;
            // The server itself refuses too many headers, before the layer sees a request. It closes the connection, and
            // its response can be lost with the bytes that it has not read.
            let requests = usize::from(status == "200");
            if requests > 0 {
                let answer = read_head(&mut client).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            } else {
                let answer = read_to_end(&mut client).await;
                assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
            }
            for line in all_completed(&captured, requests).await {
                assert_eq!(end(&line), ("ok", 200, 5));
            }
            drop(client);
        });
        for line in captured.lines() {
            assert!(line.raw().len() <= 16 * 1024, "{} bytes", line.raw().len());
        }
    }
}

#[test]
fn five_hundred_connections_at_once_complete_once_each() {
    const CONNECTIONS: usize = 500;
    let captured = capture();
    run(async {
        let begun = Arc::new(Mutex::new(BTreeSet::new()));
        let service = tower::service_fn({
            let begun = Arc::clone(&begun);
            move |request: Request<Incoming>| {
                let id = request.headers()["x-request-id"].to_str().expect("an id");
                begun.lock().expect("a set").insert(id.to_owned());
                answer(request)
            }
        });
        let address = serve_hyper(RequestLayer::new().layer(service), Version::Http1).await;
        let begun = &begun;
        let clients = (0..CONNECTIONS).map(|at| async move {
            let path = if at % 2 == 0 { "/slow" } else { "/" };
            let request = get_of(path).replace(
                "host: x",
                &format!("host: x\r\nconnection: close\r\nx-request-id: c-{at}"),
            );
            let mut client = connect(address, request).await;
            // Every tenth client leaves when its request has begun. The server does not begin the request of a client that
            // left before.
            if at % 10 != 0 {
                let answer = read_to_end(&mut client).await;
                assert!(answer.contains(&format!("x-request-id: c-{at}\r\n")), "{answer}");
                assert!(answer.ends_with("hello"), "{answer}");
            } else {
                while !begun.lock().expect("a set").contains(&format!("c-{at}")) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        });
        futures::future::join_all(clients).await;
        let lines = all_completed(&captured, CONNECTIONS).await;
        let ids: BTreeSet<_> = lines.iter().map(|line| line.text("request_id")).collect();
        assert_eq!(ids.len(), CONNECTIONS);
        for line in &lines {
            let leaves = line.text("request_id").ends_with('0');
            assert!(leaves || end(line) == ("ok", 200, 5), "{line:?}");
        }
    });
}

/// A client that sends its headers, or its body, one byte at a time.
#[test]
fn a_slow_client_is_a_request_only_after_its_headers() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http1InTime).await;
        let mut client = connect(address, "GET / HT").await;
        let drip = async {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(100 * HEADERS_IN, drip)
            .await
            .expect("the server closes the connection");
        all_completed(&captured, 0).await;

        let head = "POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n";
        let address = serve_answers(Version::Http1).await;
        let mut client = connect(address, head).await;
        begun(&captured, 1).await;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert!(captured.events("request_completed").is_empty());
            client.write_all(b"x").await.expect("sent");
        }
        let line = all_completed(&captured, 1).await.remove(0);
        assert_eq!(end(&line), ("ok", 200, 20));
        assert!(line.number("duration_ms") >= 38.0, "{line:?}");
    });
}

#[test]
fn an_expected_100_continue_is_one_request() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http1).await;
        let request =
            "POST /upload HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
        let (mut client, interim) = head(address, request).await;
        assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
        client.write_all(b"body").await.expect("sent");
        let answer = read_head(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(end(&all_completed(&captured, 1).await[0]), ("ok", 200, 19));
    });
}

#[test]
fn a_graceful_shutdown_lets_a_stream_complete() {
    let captured = capture();
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new()
            .route(
                "/stream",
                get(|| async { Body::new(pieces((0..10).map(|_| Ok("0123456789")))) }),
            )
            .layer(RequestLayer::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            axum::serve(listener, app).with_graceful_shutdown(stopped).await
        });
        let (mut client, _) = head(address, &get_of("/stream")).await;
        stop.send(()).expect("the server runs");
        assert!(read_to_end(&mut client).await.contains("0123456789"));
        server.await.expect("no panic").expect("no error");
        let line = all_completed(&captured, 1).await.remove(0);
        assert_eq!((end(&line), line.text("route")), (("ok", 200, 100), "/stream"));
    });
}

/// A hook of the layer that panics adds nothing, and the request completes as without it.
#[test]
fn a_hook_that_panics_does_not_change_the_completion() {
    type Hook = fn(RequestLayer) -> RequestLayer;
    let hooks: [(&str, Hook); 6] = [
        ("quiet", |layer| layer.quiet_if(|_| panic!("a hook gives up"))),
        ("path", |layer| layer.path(|_| panic!("a hook gives up"))),
        ("user", |layer| layer.user(|_| -> Option<u64> { panic!("a hook gives up") })),
        ("fields", |layer| layer.fields(|_, _| panic!("a hook gives up"))),
        ("response_fields", |layer| layer.response_fields(|_, _| panic!("a hook gives up"))),
        ("none", |layer| layer),
    ];
    for (name, with_hook) in hooks {
        for (path, expected) in [
            ("/", ("ok", 200, 5)),
            ("/stream", ("ok", 200, 100)),
            ("/panic", ("panicked", 0, 0)),
            ("/body-panic", ("panicked", 200, 10)),
        ] {
            let captured = capture();
            let layer = with_hook(RequestLayer::new());
            run(async {
                let service = layer.layer(tower::service_fn(answer));
                let address = serve_hyper(service, Version::Http1).await;
                let _client = connect(address, get_of(path)).await;
                let line = all_completed(&captured, 1).await.remove(0);
                assert_eq!(end(&line), expected, "{name}, {path}");
                let shown = if name == "path" { "[REDACTED]" } else { path };
                assert_eq!((line.text("user_id"), line.text("path")), ("-", shown), "{name}");
            });
        }
    }
}

/// A body that panics in `size_hint`, which servers call before they poll it, and panics again in its destructors'
/// questions.
#[test]
fn a_body_that_keeps_panicking_completes_its_request_and_does_not_abort() {
    /// Panics in one of its functions, each time it is called.
    struct Panics(&'static str);

    impl HttpBody for Panics {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            assert_ne!(self.0, "poll_frame", "a body gives up");
            Poll::Ready(Some(Ok(Frame::data(Bytes::from("0123456789")))))
        }

        fn is_end_stream(&self) -> bool {
            assert_ne!(self.0, "is_end_stream", "a body gives up");
            false
        }

        fn size_hint(&self) -> SizeHint {
            assert_ne!(self.0, "size_hint", "a body gives up");
            SizeHint::default()
        }
    }

    for function in ["poll_frame", "is_end_stream", "size_hint"] {
        let captured = capture();
        run(async {
            let answer = move |_: Request<Incoming>| async move {
                Ok::<_, Infallible>(Response::new(Panics(function)))
            };
            let service = RequestLayer::new().layer(tower::service_fn(answer));
            let address = serve_hyper(service, Version::Http1).await;
            let _client = connect(address, get_of("/")).await;
            let line = all_completed(&captured, 1).await.remove(0);
            assert_eq!(line.text("outcome"), "panicked", "{function}");
        });
    }
}

/// Layers around candor's that end a request early, and layers inside it.
#[test]
fn a_request_completes_once_under_a_timeout_and_under_a_layer_that_catches_panics() {
    for (path, expected) in [
        ("/", ("ok", 200, 5)),
        ("/hang", ("cancelled", 0, 0)),
        ("/hang-with-bomb", ("panicked", 0, 0)),
        ("/panic", ("panicked", 0, 0)),
        ("/error", ("error", 0, 0)),
    ] {
        let captured = capture();
        run(async {
            let service =
                RequestLayer::new().layer(tower::service_fn(answer)).map_future(|asked| async {
                    let in_time = tokio::time::timeout(Duration::from_millis(40), asked);
                    match std::panic::AssertUnwindSafe(in_time).catch_unwind().await {
                        Ok(Ok(answer)) => answer.map(|response| response.map(BoxBody::new)),
                        Ok(Err(_)) => Ok(Response::builder().status(504).body(nothing())?),
                        Err(_) => Ok(Response::builder().status(500).body(nothing())?),
                    }
                });
            let address = serve_hyper(service, Version::Http1).await;
            let _client = connect(address, get_of(path)).await;
            assert_eq!(end(&all_completed(&captured, 1).await[0]), expected, "{path}");
        });
    }
}

/// A layer inside candor's that sheds load, and one that changes the body as compression does.
#[test]
fn a_request_completes_once_around_layers_that_refuse_it_or_change_its_body() {
    for (path, is_busy, expected) in [
        ("/", false, ("ok", 200, 2)),
        ("/stream", false, ("ok", 200, 20)),
        ("/body-error", false, ("error", 200, 2)),
        ("/body-panic", false, ("panicked", 200, 2)),
        ("/", true, ("error", 0, 0)),
    ] {
        let captured = capture();
        let busy = Arc::new(AtomicBool::new(is_busy));
        run(async {
            let shrinks = tower::service_fn(move |request: Request<Incoming>| {
                let is_busy = busy.load(Ordering::Relaxed);
                async move {
                    if is_busy {
                        return Err(BoxError::from("too busy"));
                    }
                    Ok(answer(request)
                        .await?
                        .map(|body| body.map_frame(|frame| frame.map_data(|_| Bytes::from("ab")))))
                }
            });
            let service = RequestLayer::new().layer(shrinks);
            let address = serve_hyper(service, Version::Http1).await;
            let _client = connect(address, get_of(path)).await;
            assert_eq!(end(&all_completed(&captured, 1).await[0]), expected, "{path}");
        });
    }
}

#[test]
fn a_request_through_two_layers_over_a_socket_completes_once() {
    for (path, expected) in [
        ("/", ("ok", 200, 5)),
        ("/stream", ("ok", 200, 100)),
        ("/panic", ("panicked", 0, 0)),
        ("/body-panic", ("panicked", 200, 10)),
        ("/error", ("error", 0, 0)),
        ("/204", ("ok", 204, 0)),
    ] {
        let captured = capture();
        run(async {
            let inner = RequestLayer::new().layer(tower::service_fn(answer));
            let service = RequestLayer::new().layer(inner);
            let address = serve_hyper(service, Version::Http1).await;
            let _client = connect(address, get_of(path)).await;
            assert_eq!(end(&all_completed(&captured, 1).await[0]), expected, "{path}");
        });
    }
}

/// Frames of HTTP/2 (RFC 9113).
mod frames {
    pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(super) const CANCEL: u32 = 8;

    pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short");
        [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    pub(super) fn settings() -> Vec<u8> {
        frame(4, 0, 0, &[])
    }

    /// A GET request with a path and the authority `x`, as literals without an index (RFC 7541, section 6.2.2).
    pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
        let length = u8::try_from(path.len()).expect("short");
        let block = [&[0x82, 0x86, 0x04, length], path.as_bytes(), &[0x01, 1, b'x']].concat();
        const END_STREAM_AND_HEADERS: u8 = 5;
        frame(1, END_STREAM_AND_HEADERS, stream, &block)
    }

    pub(super) fn reset(stream: u32, code: u32) -> Vec<u8> {
        frame(3, 0, stream, &code.to_be_bytes())
    }

    pub(super) fn goaway(code: u32) -> Vec<u8> {
        frame(7, 0, 0, &[[0; 4], code.to_be_bytes()].concat())
    }
}

/// Opens a connection of HTTP/2 and requests these paths, one on each stream.
async fn http2(address: SocketAddr, paths: &[&str]) -> TcpStream {
    let mut sent = [frames::PREFACE, &frames::settings()].concat();
    for (stream, path) in (1..).step_by(2).zip(paths) {
        sent.extend(frames::get(stream, path));
    }
    connect(address, sent).await
}

/// Streams of one connection, some of which the client resets.
#[test]
fn a_reset_stream_cancels_its_request_and_no_other() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http2).await;
        let paths = ["/slow", "/hang", "/stream", "/endless", "/", "/body-error"];
        let mut client = http2(address, &paths).await;
        begun(&captured, paths.len()).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
        let resets = [frames::reset(3, frames::CANCEL), frames::reset(7, frames::CANCEL)].concat();
        client.write_all(&resets).await.expect("sent");
        let lines = all_completed(&captured, paths.len()).await;
        for line in &lines {
            let expected = match line.text("path") {
                "/slow" | "/" => ("ok", 200, 5),
                "/stream" => ("ok", 200, 100),
                "/hang" => ("cancelled", 0, 0),
                "/body-error" => ("error", 200, 10),
                _ => ("cancelled", 200, line.integer("response_bytes")),
            };
            assert_eq!(end(line), expected);
        }
    });
}

#[test]
fn a_goaway_of_the_client_lets_its_streams_complete_until_it_disconnects() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http2).await;
        let mut client = http2(address, &["/slow", "/endless", "/hang"]).await;
        begun(&captured, 3).await;
        client.write_all(&frames::goaway(0)).await.expect("sent");
        wait_for(&captured, "request_completed", 1).await;
        let lines = captured.events("request_completed");
        assert_eq!((lines.len(), end(&lines[0])), (1, ("ok", 200, 5)), "{lines:?}");
        drop(client);
        let lines = all_completed(&captured, 3).await;
        assert_eq!(values(&lines[1..], "outcome"), [json!("cancelled"), json!("cancelled")]);
    });
}

#[test]
fn a_goaway_of_the_server_lets_its_streams_complete() {
    let captured = capture();
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = RequestLayer::new().layer(tower::service_fn(answer));
        let (stop, mut stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let connection =
                http2.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = &mut stopped => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
        let _client = http2(address, &["/slow", "/stream"]).await;
        begun(&captured, 2).await;
        stop.send(()).expect("the server runs");
        let lines = all_completed(&captured, 2).await;
        assert_eq!(values(&lines, "outcome"), [json!("ok"), json!("ok")]);
        server.abort();
    });
}

/// Panics on one stream of a connection.
#[test]
fn a_panic_on_one_stream_completes_only_its_request_as_panicked() {
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http2).await;
        let _client = http2(address, &["/panic", "/slow", "/body-panic", "/stream"]).await;
        let lines = all_completed(&captured, 4).await;
        for line in &lines {
            let is_panic = line.text("path").ends_with("panic");
            assert_eq!(line.text("outcome"), if is_panic { "panicked" } else { "ok" }, "{line:?}");
        }
    });
}

/// Connections that break at any byte of a request.
#[test]
fn a_connection_that_breaks_at_any_byte_completes_what_began() {
    let request = "POST /upload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let captured = capture();
    run(async {
        let address = serve_answers(Version::Http1).await;
        for length in 0..=request.len() {
            let client = connect(address, &request[..length]).await;
            tokio::task::yield_now().await;
            drop(client);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = captured.events("request_started").len();
        assert!((1..=20).contains(&began), "{began} requests began");
        for line in all_completed(&captured, began).await {
            assert!(["ok", "cancelled"].contains(&line.text("outcome")), "{line:?}");
        }
    });
}

/// Requests whose futures are dropped after each number of polls.
#[test]
fn a_request_dropped_after_any_number_of_polls_completes_once() {
    for polls in 0..6_u32 {
        let captured = capture();
        run(async {
            let service = RequestLayer::new().layer(tower::service_fn(|_: Request<()>| async {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                let body = stream::iter([Ok::<_, Infallible>("a"), Ok("b")]);
                Ok::<_, Infallible>(Response::new(Body::from_stream(body)))
            }));
            let mut asked = Box::pin(service.oneshot(Request::new(())));
            for _ in 0..polls {
                if futures::poll!(asked.as_mut()).is_ready() {
                    break;
                }
            }
            drop(asked);
            all_completed(&captured, usize::from(polls > 0)).await;
        });
    }
}
