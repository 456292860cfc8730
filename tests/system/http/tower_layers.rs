//! Layers of tower and tower-http inside and around the HTTP layer, over real sockets: each request completes once, with
//! its outcome, its status and the bytes that leave the HTTP layer.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::{Frame, Incoming};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;
use tower::{Service, service_fn};
use tower_http::body::Limited;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{ResponseBodyTimeoutLayer, TimeoutLayer as StatusTimeoutLayer};
use tower_layer::Layer as _;

use super::connections::{BoxError, Version, connect, read_head, serve_hyper};
use super::sockets::{Answer, all_completed, answer, begun, end};
use super::*;

/// Longer than any handler that answers takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
/// The time after which a handler that hangs is given up.
const SHORT: Duration = Duration::from_millis(20);

/// A request after whose response the server closes the connection, and whose response is not chunked.
fn get_of(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\naccept-encoding: gzip\r\n\r\n")
}

/// What the client has received, and the completion of its request: outcome, status and bytes.
struct Exchange {
    status: String,
    body: Vec<u8>,
    end: (String, i64, i64),
}

impl Exchange {
    fn end(&self) -> (&str, i64, i64) {
        (&self.end.0, self.end.1, self.end.2)
    }
}

/// Sends one request to a server of this service, and waits for its only completion.
fn exchange<S, B>(service: S, sent: &str) -> Exchange
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Error: Into<BoxError>, Data: Send> + Send + 'static,
{
    let captured = capture();
    run(async {
        let address = serve_hyper(service, Version::Http1).await;
        let mut client = connect(address, sent).await;
        let mut received = Vec::new();
        let _ = client.read_to_end(&mut received).await;
        let line = all_completed(&captured, 1).await.remove(0);
        let head = received.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4);
        let body = received.split_off(head.unwrap_or(received.len()));
        let status = String::from_utf8_lossy(&received).chars().skip(9).take(3).collect();
        let (outcome, code, bytes) = end(&line);
        Exchange { status, body, end: (outcome.to_owned(), code, bytes) }
    })
}

/// The response with a body of the type that the handlers return.
fn boxed<B>(response: Response<B>) -> Answer
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
{
    response.map(|body| BoxBody::new(body.map_err(Into::into)))
}

#[test]
fn a_timeout_inside_the_layer_is_a_failure_and_one_around_it_cancels_the_request() {
    for (path, time, inside, with_status, around) in [
        ("/", LONG, ("ok", 200, 5), ("ok", 200, 5), ("ok", 200, 5)),
        ("/stream", LONG, ("ok", 200, 100), ("ok", 200, 100), ("ok", 200, 100)),
        ("/error", LONG, ("error", 0, 0), ("error", 0, 0), ("error", 0, 0)),
        ("/panic", LONG, ("panicked", 0, 0), ("panicked", 0, 0), ("panicked", 0, 0)),
        ("/hang", SHORT, ("error", 0, 0), ("error", 504, 0), ("cancelled", 0, 0)),
    ] {
        let candor = RequestLayer::new;
        let gateway_timeout =
            StatusTimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, time);
        let service = candor().layer(TimeoutLayer::new(time).layer(service_fn(answer)));
        let exchanged = exchange(service, &get_of(path));
        assert_eq!(exchanged.end(), inside, "an error inside, {path}");

        let service = candor().layer(gateway_timeout.layer(service_fn(answer)));
        let exchanged = exchange(service, &get_of(path));
        assert_eq!(exchanged.end(), with_status, "a status inside, {path}");

        let service = TimeoutLayer::new(time).layer(candor().layer(service_fn(answer)));
        let exchanged = exchange(service, &get_of(path));
        assert_eq!(exchanged.end(), around, "an error around, {path}");

        let inner = candor().layer(service_fn(answer)).map_response(boxed);
        let exchanged = exchange(gateway_timeout.layer(inner), &get_of(path));
        assert_eq!(exchanged.end(), around, "a status around, {path}");
        assert_eq!(exchanged.status == "504", path == "/hang", "{path}");
    }
}

/// A body that stops after its first piece.
async fn stalls(_: Request<Incoming>) -> Result<Answer, BoxError> {
    let first = futures::stream::iter([Ok(Frame::data(Bytes::from("0123456789")))]);
    let frames = futures::StreamExt::chain(first, futures::stream::pending());
    Ok(Response::new(BoxBody::new(http_body_util::StreamBody::new(frames))))
}

#[test]
fn a_timeout_of_the_response_body_fails_or_cancels_its_request() {
    let timeout = ResponseBodyTimeoutLayer::new(SHORT);
    let exchanged =
        exchange(RequestLayer::new().layer(timeout.layer(service_fn(stalls))), &get_of("/"));
    assert_eq!((exchanged.end(), &*exchanged.body), (("error", 200, 10), &b"0123456789"[..]));
    let exchanged =
        exchange(timeout.layer(RequestLayer::new().layer(service_fn(stalls))), &get_of("/"));
    assert_eq!((exchanged.end(), &*exchanged.body), (("cancelled", 200, 10), &b"0123456789"[..]));
}

/// A text of 20,000 bytes in pieces, which gzip makes much shorter.
async fn long(_: Request<Incoming>) -> Result<Answer, BoxError> {
    let pieces = (0..200).map(|n| Ok(Frame::data(Bytes::from(format!("{n:100}")))));
    let body = http_body_util::StreamBody::new(futures::stream::iter(pieces));
    Ok(Response::new(BoxBody::new(body)))
}

#[test]
fn compressed_bytes_are_counted_if_the_compression_is_inside() {
    let text: String = (0..200).map(|n| format!("{n:100}")).collect();
    let unpacked = |body: &[u8]| {
        let mut unpacked = String::new();
        GzDecoder::new(body).read_to_string(&mut unpacked).expect("gzip");
        unpacked
    };
    let inside = RequestLayer::new().layer(CompressionLayer::new().layer(service_fn(long)));
    let exchanged = exchange(inside.clone(), &get_of("/"));
    assert_eq!(unpacked(&exchanged.body), text);
    assert!(exchanged.body.len() < text.len() / 4, "{} bytes", exchanged.body.len());
    let sent = i64::try_from(exchanged.body.len()).expect("small");
    assert_eq!(exchanged.end(), ("ok", 200, sent));
    // A client that does not accept it.
    let exchanged = exchange(inside, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!((exchanged.end(), exchanged.body == text.as_bytes()), (("ok", 200, 20_000), true));

    let around = CompressionLayer::new().layer(RequestLayer::new().layer(service_fn(long)));
    let exchanged = exchange(around, &get_of("/"));
    assert_eq!((unpacked(&exchanged.body), exchanged.end()), (text, ("ok", 200, 20_000)));
}

#[test]
fn a_body_that_fails_or_panics_in_the_compression_completes_once() {
    for (path, outcome) in [("/body-error", "error"), ("/body-panic", "panicked")] {
        let inside = RequestLayer::new().layer(CompressionLayer::new().layer(service_fn(answer)));
        assert_eq!(exchange(inside, &get_of(path)).end().0, outcome, "{path}");
        let around = CompressionLayer::new().layer(RequestLayer::new().layer(service_fn(answer)));
        assert_eq!(exchange(around, &get_of(path)).end(), (outcome, 200, 10), "{path}");
    }
}

#[test]
fn a_panic_that_a_layer_catches_is_a_failure_inside_and_a_panic_around() {
    const CAUGHT: &str = "Service panicked";
    for (path, inside, around) in [
        ("/", ("ok", 200, 5), ("ok", 200, 5)),
        ("/error", ("error", 0, 0), ("error", 0, 0)),
        ("/panic", ("error", 500, 16), ("panicked", 0, 0)),
        // A panic of the body reaches the server.
        ("/body-panic", ("panicked", 200, 10), ("panicked", 200, 10)),
    ] {
        let service = RequestLayer::new().layer(CatchPanicLayer::new().layer(service_fn(answer)));
        let exchanged = exchange(service, &get_of(path));
        assert_eq!(exchanged.end(), inside, "inside, {path}");
        assert_eq!(exchanged.body == CAUGHT.as_bytes(), path == "/panic", "inside, {path}");
        let service = CatchPanicLayer::new().layer(RequestLayer::new().layer(service_fn(answer)));
        let exchanged = exchange(service, &get_of(path));
        assert_eq!(exchanged.end(), around, "around, {path}");
        assert_eq!(exchanged.body == CAUGHT.as_bytes(), path == "/panic", "around, {path}");
    }
}

/// One request holds the only permit; another one arrives meanwhile.
#[test]
fn a_request_that_is_shed_inside_the_layer_is_a_failure_and_one_around_it_none() {
    for is_inside in [true, false] {
        let captured = capture();
        run(async {
            let limit = ConcurrencyLimitLayer::new(1);
            let address = if is_inside {
                let sheds = LoadShedLayer::new().layer(limit.layer(service_fn(answer)));
                serve_hyper(RequestLayer::new().layer(sheds), Version::Http1).await
            } else {
                let limited = limit.layer(RequestLayer::new().layer(service_fn(answer)));
                serve_hyper(LoadShedLayer::new().layer(limited), Version::Http1).await
            };
            let first = connect(address, get_of("/hang")).await;
            begun(&captured, 1).await;
            let mut second = connect(address, get_of("/")).await;
            let mut received = Vec::new();
            // An error of the service closes the connection.
            let _ = second.read_to_end(&mut received).await;
            assert_eq!(received, b"");
            drop(first);
            let lines = all_completed(&captured, if is_inside { 2 } else { 1 }).await;
            let mut ends: Vec<_> = lines.iter().map(end).collect();
            ends.sort_unstable();
            let expected = [("cancelled", 0, 0), ("error", 0, 0)];
            assert_eq!(ends, expected[..ends.len()]);
        });
    }
}

#[test]
fn requests_that_wait_for_a_permit_complete_once_each() {
    const REQUESTS: usize = 20;
    for is_inside in [true, false] {
        let captured = capture();
        run(async {
            let limit = ConcurrencyLimitLayer::new(2);
            let address = if is_inside {
                let limited = limit.layer(service_fn(answer));
                serve_hyper(RequestLayer::new().layer(limited), Version::Http1).await
            } else {
                let limited = limit.layer(RequestLayer::new().layer(service_fn(answer)));
                serve_hyper(limited, Version::Http1).await
            };
            let clients = (0..REQUESTS).map(|_| async {
                let mut client = connect(address, get_of("/stream")).await;
                assert!(read_head(&mut client).await.contains(" 200 "));
                let mut body = Vec::new();
                client.read_to_end(&mut body).await.expect("a response");
                assert_eq!(body.len(), 100);
            });
            futures::future::join_all(clients).await;
            for line in all_completed(&captured, REQUESTS).await {
                assert_eq!(end(&line), ("ok", 200, 100));
            }
        });
    }
}

/// Reads the request body, which a layer may limit.
async fn upload<B>(request: Request<B>) -> Result<Answer, BoxError>
where
    B: http_body::Body<Error: Into<BoxError>>,
{
    match request.into_body().collect().await {
        Ok(body) => {
            let text = format!("{} bytes", body.to_bytes().len());
            Ok(boxed(Response::new(Full::new(Bytes::from(text)))))
        }
        Err(error) => Err(error.into()),
    }
}

#[test]
fn a_request_body_beyond_its_limit_is_refused_or_a_failure() {
    let post = |length: usize| {
        format!("POST / HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{}", "x".repeat(length))
    };
    let chunked = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n";
    for (sent, status, expected) in [
        (post(8), "200", ("ok", 200, 7)),
        // Known from the headers.
        (post(9), "413", ("ok", 413, 21)),
        // The handler gets an error.
        (chunked.to_owned(), "", ("error", 0, 0)),
    ] {
        let limited = RequestBodyLimitLayer::new(8).layer(service_fn(upload::<Limited<Incoming>>));
        let exchanged = exchange(RequestLayer::new().layer(limited), &sent);
        assert_eq!((exchanged.end(), &*exchanged.status), (expected, status), "{sent:?}");
    }
    // The limit around the layer answers by itself.
    let captured = capture();
    run(async {
        let inner = RequestLayer::new().layer(service_fn(upload::<Limited<Incoming>>));
        let service = RequestBodyLimitLayer::new(8).layer(inner);
        let address = serve_hyper(service, Version::Http1).await;
        let mut client = connect(address, post(9)).await;
        assert!(read_head(&mut client).await.contains(" 413 "));
        all_completed(&captured, 0).await;
    });
}

/// The usual order of a service: panics caught outermost, then candor, compression and a timeout.
#[test]
fn a_request_through_all_of_these_layers_completes_once() {
    for (path, time, status, outcome, code) in [
        ("/", LONG, "200", "ok", 200),
        ("/stream", LONG, "200", "ok", 200),
        ("/204", LONG, "204", "ok", 204),
        ("/panic", LONG, "500", "panicked", 0),
        ("/body-error", LONG, "200", "error", 200),
        ("/hang", SHORT, "504", "error", 504),
    ] {
        let timeout = StatusTimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, time);
        let service = timeout.layer(service_fn(answer));
        let service = RequestLayer::new().layer(CompressionLayer::new().layer(service));
        let exchanged = exchange(CatchPanicLayer::new().layer(service), &get_of(path));
        assert_eq!(
            (&*exchanged.status, exchanged.end().0, exchanged.end().1),
            (status, outcome, code),
            "{path}"
        );
        // What the client received is what was counted.
        if outcome == "ok" {
            let received = i64::try_from(exchanged.body.len()).expect("small");
            assert_eq!(exchanged.end().2, received, "{path}");
        }
    }
}
