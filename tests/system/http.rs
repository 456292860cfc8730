//! The HTTP layer: one context and one completion for each request.

mod by_hand;
mod connections;
mod debug_log;
mod flight_recorder;
mod grpc;
mod hooks;
mod hostile;
mod levels;
mod otel;
mod outbound;
mod own_request;
mod sampling;
mod servers;
mod sockets;
mod stuck;
mod tower_layers;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use candor::context::{self, InContextExt as _};
use candor::http::{ContextMiddleware, RequestLayer};
use candor::policy::clear;
use candor::testing::{Captured, Line, capture};
use candor::{dependency, dependency_call, step_timed};
use candor_tests::{checked, values};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

/// Sends a request through the whole service and reads the complete response.
async fn send(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let response = app.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    (parts.status, parts.headers, body)
}

fn to(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn with_header(name: &str, value: impl Into<Vec<u8>>) -> Request<Body> {
    let value = http::HeaderValue::from_bytes(&value.into()).expect("a header");
    let mut request = to("/");
    request
        .headers_mut()
        .append(http::HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
    request
}

/// Waits for the `request_completed` line.
async fn completed(captured: &Captured) -> Line {
    for _ in 0..500 {
        if !captured.events("request_completed").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    captured.completed()
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" })).layer(RequestLayer::new())
}

#[test]
fn a_request_completes_once_with_its_details() {
    #[step_timed]
    async fn work() {
        tracing::info!("working");
    }

    let captured = capture();
    let app = Router::new()
        .route(
            "/orders/{id}",
            post(|Path(id): Path<u32>| async move {
                context::set_user(clear("u-1"));
                work().await;
                ([("content-type", "application/json")], json!({ "id": id }).to_string())
            }),
        )
        .layer(RequestLayer::new());
    let request = Request::post("/orders/7?token=canary-1").header("x-request-id", "r-1");
    let (status, headers, body) = run(send(&app, request.body(Body::empty()).expect("a request")));
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["x-request-id"], "r-1");
    let lines = checked(&captured);
    assert_eq!(values(&lines, "seq"), [json!(1), json!(2), json!(3), json!(4)]);
    for line in &lines {
        assert_eq!(line.text("request_id"), "r-1");
        assert_eq!(line.text("method"), "POST");
        assert_eq!(line.text("path"), "/orders/7");
        assert_eq!(line.text("trace_id").len(), 32);
        assert_eq!(line.text("span_id").len(), 16);
        assert!(!line.raw().contains("canary"), "{line:?}");
    }
    let line = captured.completed();
    assert_eq!(line.text("logger"), "http");
    assert_eq!(line.text("level"), "INFO");
    assert_eq!(line.text("outcome"), "ok");
    assert_eq!(line.integer("status"), 200);
    assert_eq!(line.text("content_type"), "application/json");
    assert_eq!(line.integer("response_bytes"), i64::try_from(body.len()).expect("small"));
    assert_eq!(line.text("route"), "/orders/{id}");
    assert_eq!(line.text("user_id"), "u-1");
    assert_eq!(line.integer("steps"), 1);
    assert_eq!(line.integer("dependency_calls"), 0);
    assert_eq!(line.text("slowest_step"), "work");
    assert!(line.number("duration_ms") >= 0.0);
    assert!(!line.has("cause") && !line.has("client_request_id"));
}

#[test]
fn a_request_id_is_accepted_only_if_it_is_well_formed() {
    let captured = capture();
    let app = hello();
    for good in ["a", "A-b_c.9", &"x".repeat(128)] {
        let (_, headers, _) = run(send(&app, with_header("x-request-id", good)));
        assert_eq!(headers["x-request-id"], good);
        assert_eq!(captured.completed().text("request_id"), good);
        captured.clear();
    }
    let long = "x".repeat(129);
    for bad in ["", "a b", "a/b", "ä", "<script>", "{}", "a\tb", &long, "token=canary-secret"] {
        let (_, headers, _) = run(send(&app, with_header("x-request-id", bad)));
        let id = headers["x-request-id"].to_str().expect("text").to_owned();
        assert_ne!(id, bad);
        assert_eq!(id.len(), 36, "a UUID: {id}");
        checked(&captured);
        let line = captured.completed();
        assert_eq!(line.text("request_id"), id);
        assert!(line.text("client_request_id").chars().count() <= 65);
        assert!(!line.raw().contains("canary"), "{line:?}");
        captured.clear();
    }
    let (_, headers, _) = run(send(&app, to("/")));
    assert_eq!(captured.completed().text("request_id"), headers["x-request-id"]);
    assert!(!captured.completed().has("client_request_id"));
}

#[test]
fn a_rejected_request_id_is_not_in_the_logged_headers() {
    run(async {
        let captured = capture();
        let refused = format!("{}canary-5a1f5a1f", "x".repeat(200));
        let request = with_header("X-Request-ID", refused);
        send(&hello(), request).await;
        let started = captured.line("request_started");
        assert_eq!(started.get("headers"), Some(&json!({})));
        assert!(started.text("client_request_id").starts_with("xxx"));
        candor::testing::assert_no_leak!(captured, "canary-5a1f5a1f");

        captured.clear();
        send(&hello(), with_header("X-Request-ID", "r-7")).await;
        assert_eq!(
            captured.line("request_started").get("headers"),
            Some(&json!({ "x-request-id": "r-7" })),
        );
    });
}

#[test]
fn two_request_id_headers_are_rejected() {
    let captured = capture();
    let mut request = with_header("x-request-id", "one");
    request.headers_mut().append("x-request-id", http::HeaderValue::from_static("two"));
    let (_, headers, _) = run(send(&hello(), request));
    assert_ne!(headers["x-request-id"], "one");
    assert_eq!(headers.get_all("x-request-id").iter().count(), 1);
    assert_eq!(captured.completed().text("client_request_id"), "one");
}

#[test]
fn a_trace_is_continued_or_replaced() {
    let captured = capture();
    let app = hello();
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    run(send(&app, with_header("traceparent", format!("00-{id}-00f067aa0ba902b7-01"))));
    let line = captured.completed();
    assert_eq!(line.text("trace_id"), id);
    assert_ne!(line.text("span_id"), "00f067aa0ba902b7");
    captured.clear();
    run(send(
        &app,
        with_header("traceparent", format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase())),
    ));
    let line = captured.completed();
    assert_eq!(line.text("trace_id").len(), 32);
    assert_ne!(line.text("trace_id"), id);
    assert!(line.text("trace_id").bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
}

#[test]
fn request_started_logs_the_redacted_request() {
    let captured = capture();
    let request =
        Request::post("/?a=1&a=2&pass%77ord=canary-1&empty&q=caf%C3%A9+x&access_token=canary-2")
            .header("authorization", "Bearer canary-3")
            .header("cookie", "sid=canary-4")
            .header("x-stripe-api-key", "canary-5")
            .header("referer", "https://u:canary-6@example.com/a?token=canary-7")
            .header("accept", "text/html")
            .header("content-type", "application/json")
            .header("content-length", "17")
            .body(Body::from("{\"secret\": \"no\"}!"))
            .expect("a request");
    run(send(&hello(), request));
    checked(&captured);
    let line = captured.line("request_started");
    assert_eq!(line.text("level"), "DEBUG");
    assert_eq!(line.text("logger"), "http");
    assert_eq!(
        line.get("query"),
        Some(&json!({
            "a": ["1", "2"],
            "password": ["[REDACTED]"],
            "empty": [""],
            "q": ["café x"],
            "access_token": ["[REDACTED]"],
        }))
    );
    let headers = line.get("headers").expect("headers");
    assert_eq!(headers["accept"], "text/html");
    assert_eq!(headers["authorization"], "[REDACTED]");
    assert_eq!(line.text("content_type"), "application/json");
    assert_eq!(line.integer("content_length"), 17);
    assert!(!line.raw().contains("canary"), "{line:?}");
    assert!(!captured.completed().raw().contains("canary"));
}

#[test]
fn a_client_error_is_ok_and_a_server_error_is_an_error() {
    let captured = capture();
    let app = Router::new()
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .layer(RequestLayer::new());
    run(send(&app, to("/nowhere")));
    let line = captured.completed();
    assert_eq!(
        (line.integer("status"), line.text("outcome"), line.text("level")),
        (404, "ok", "INFO")
    );
    assert!(!line.has("route"));
    captured.clear();
    run(send(&app, to("/broken")));
    let line = captured.completed();
    assert_eq!(
        (line.integer("status"), line.text("outcome"), line.text("level")),
        (500, "error", "ERROR")
    );
}

#[test]
fn a_failed_request_names_its_cause() {
    #[dependency_call("payments")]
    async fn charge() -> Result<(), std::io::Error> {
        dependency::current().retry();
        Err(std::io::ErrorKind::TimedOut.into())
    }

    #[step_timed]
    async fn checkout() -> Result<(), std::io::Error> {
        charge().await
    }

    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                match checkout().await {
                    Ok(()) => StatusCode::OK,
                    Err(_) => StatusCode::BAD_GATEWAY,
                }
            }),
        )
        .layer(RequestLayer::new());
    run(send(&app, to("/")));
    checked(&captured);
    let line = captured.completed();
    assert_eq!(
        line.get("cause"),
        Some(&json!({
            "step": "charge",
            "dependency": "payments",
            "step_id": 2,
            "category": "timeout",
        }))
    );
    assert_eq!(line.integer("retries"), 1);
    assert_eq!(line.integer("steps"), 1);
    assert_eq!(line.integer("dependency_calls"), 1);
}

#[test]
fn the_cause_has_the_status_of_a_failed_call() {
    #[dependency_call("stock")]
    async fn reserve() -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }

    #[dependency_call("users")]
    async fn ask() -> Result<(), tonic::Status> {
        Err(tonic::Status::internal("no"))
    }

    let cause = |service: axum::routing::MethodRouter| {
        let captured = capture();
        let app = Router::new().route("/", service).layer(RequestLayer::new());
        run(send(&app, to("/")));
        checked(&captured);
        captured.completed().get("cause").cloned()
    };
    let failed = StatusCode::BAD_GATEWAY;
    assert_eq!(
        cause(get(move || async move { (failed, reserve().await.into_body()).0 })),
        Some(json!({
            "step": "reserve",
            "dependency": "stock",
            "step_id": 1,
            "category": "status",
            "status": 503,
        }))
    );
    assert_eq!(
        cause(get(move || async move { ask().await.map_or(failed, |()| StatusCode::OK) })),
        Some(json!({
            "step": "ask",
            "dependency": "users",
            "step_id": 1,
            "category": "status",
            "grpc_status": 13,
        }))
    );
}

#[test]
fn overlapping_calls_are_counted_once_in_dependency_time() {
    #[dependency_call("slow")]
    async fn slow() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                tokio::join!(slow(), slow(), slow());
                tokio::spawn(slow().in_context());
                tokio::task::yield_now().await;
            }),
        )
        .layer(RequestLayer::new());
    run(send(&app, to("/")));
    let line = captured.completed();
    assert_eq!(line.integer("dependency_calls"), 4);
    let (spent, whole) = (line.number("dependency_ms"), line.number("duration_ms"));
    assert!(spent >= 20.0 && spent <= whole, "{spent} of {whole}");
}

/// A body of two chunks, followed by `end`.
fn pieces(end: Option<Result<Bytes, std::io::Error>>) -> Body {
    let pieces = ["one ", "two "].map(|piece| Ok(Bytes::from(piece)));
    Body::from_stream(futures::stream::iter(pieces.into_iter().chain(end)))
}

#[test]
fn a_streamed_body_completes_its_request_when_it_ends() {
    let captured = capture();
    let app = Router::new().route("/", get(|| async { pieces(None) })).layer(RequestLayer::new());
    run(async {
        let response = app.clone().oneshot(to("/")).await.expect("infallible");
        assert!(captured.events("request_completed").is_empty());
        response.into_body().collect().await.expect("a body");
    });
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 8));
}

#[test]
fn a_body_that_fails_is_an_error() {
    let captured = capture();
    let app = Router::new()
        .route("/", get(|| async { pieces(Some(Err(std::io::Error::other("gone")))) }))
        .layer(RequestLayer::new());
    run(send(&app, to("/")));
    let line = captured.completed();
    assert_eq!(
        (line.text("outcome"), line.text("level"), line.integer("response_bytes")),
        ("error", "ERROR", 8)
    );
    assert_eq!(line.integer("status"), 200);
}

#[test]
fn a_body_dropped_half_way_is_cancelled() {
    let captured = capture();
    let app = Router::new().route("/", get(|| async { pieces(None) })).layer(RequestLayer::new());
    run(async {
        let response = app.oneshot(to("/")).await.expect("infallible");
        let mut body = response.into_body();
        body.frame().await.expect("a frame").expect("no error");
        drop(body);
    });
    let line = captured.completed();
    assert_eq!(
        (line.text("outcome"), line.text("level"), line.integer("response_bytes")),
        ("cancelled", "WARN", 4)
    );
}

#[test]
fn a_body_logs_under_its_request_until_it_ends() {
    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                Body::from_stream(futures::stream::iter(0..2).map(|n| {
                    tracing::info!(n, "piece");
                    Ok::<_, Infallible>(Bytes::from("x"))
                }))
            }),
        )
        .layer(RequestLayer::new());
    let request = with_header("x-request-id", "r");
    run(send(&app, request));
    let requests: Vec<_> = values(&captured.events("piece"), "request_id");
    assert_eq!(requests, [json!("r"), json!("r")]);
}

use futures::StreamExt as _;

#[test]
fn a_panicking_handler_completes_its_request_as_panicked() {
    #[step_timed]
    async fn work() {
        panic!("gone, password=canary-1");
    }

    let captured = capture();
    let app = Router::new().route("/", get(|| async { work().await })).layer(RequestLayer::new());
    run(async {
        let task = tokio::spawn(app.oneshot(to("/")));
        assert!(task.await.expect_err("a panic").is_panic());
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.text("level")), ("panicked", "ERROR"));
    assert!(line.is_null("status"));
    assert_eq!(line.get("cause"), Some(&json!({ "step": "work", "step_id": 1 })));
    assert_eq!(captured.line("panic").text("level"), "ERROR");
    assert_eq!(captured.line("panic").text("request_id"), line.text("request_id"));
}

#[test]
fn a_request_dropped_in_its_handler_is_cancelled() {
    let captured = capture();
    let app = Router::new()
        .route("/", get(|| async { std::future::pending::<()>().await }))
        .layer(RequestLayer::new());
    run(async {
        let request = app.oneshot(to("/"));
        tokio::time::timeout(Duration::from_millis(10), request).await.expect_err("too late");
    });
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.text("level")), ("cancelled", "WARN"));
    assert!(line.is_null("status"));
}

#[test]
fn responses_without_a_body_complete_immediately() {
    let captured = capture();
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/none", get(|| async { StatusCode::NO_CONTENT }))
        .route("/empty", get(|| async { "" }))
        .layer(RequestLayer::new());
    run(async {
        for request in [Request::head("/"), Request::get("/none"), Request::get("/empty")] {
            let request = request.body(Body::empty()).expect("a request");
            let response = app.clone().oneshot(request).await.expect("infallible");
            let line = captured.completed();
            assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 0));
            drop(response);
            captured.completed();
            captured.clear();
        }
    });
}

#[test]
fn a_failing_service_completes_its_request_as_an_error() {
    let captured = capture();
    let service = tower::service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(std::io::Error::other("gone"))
    });
    let service = tower_layer::Layer::layer(&RequestLayer::new(), service);
    assert!(run(service.oneshot(to("/"))).is_err());
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.text("level")), ("error", "ERROR"));
}

mod over_a_socket {
    use super::*;

    async fn raw(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    #[test]
    fn a_request_completes_once() {
        let captured = capture();
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/stream", get(|| async { pieces(None) }))
            .route(
                "/sized",
                get(|| async { ([("content-length", "8")], pieces(None)).into_response() }),
            )
            .route("/empty", get(|| async {}))
            .layer(RequestLayer::new());
        run(async {
            let address = serve(app).await;
            for (target, bytes) in [
                ("GET /", 5),
                ("GET /stream", 8),
                ("GET /sized", 8),
                ("GET /empty", 0),
                ("HEAD /", 0),
            ] {
                let answer = raw(
                    &address,
                    &format!("{target} HTTP/1.1\r\nhost: x\r\nx-request-id: r-9\r\nconnection: close\r\n\r\n"),
                )
                .await;
                assert!(answer.contains("x-request-id: r-9\r\n"), "{answer}");
                let line = completed(&captured).await;
                assert_eq!(
                    (line.text("outcome"), line.integer("response_bytes")),
                    ("ok", bytes),
                    "{target}: {line:?}"
                );
                captured.clear();
            }
        });
    }

    #[test]
    fn a_disconnected_client_cancels_its_request_in_the_handler() {
        #[step_timed]
        async fn waiting() {
            std::future::pending::<()>().await;
        }

        let captured = capture();
        let app = Router::new().route("/", get(waiting)).layer(RequestLayer::new());
        run(async {
            let address = serve(app).await;
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
            while captured.events("request_started").is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            drop(stream);
            let line = completed(&captured).await;
            assert_eq!((line.text("outcome"), line.text("level")), ("cancelled", "WARN"));
            let step = captured.step("waiting");
            assert_eq!(step.text("outcome"), "cancelled");
            assert!(step.integer("seq") < line.integer("seq"));
        });
    }

    #[test]
    fn a_disconnected_client_cancels_its_request_in_the_body() {
        let captured = capture();
        let app = Router::new()
            .route(
                "/",
                get(|| async {
                    Body::from_stream(futures::stream::repeat_with(|| {
                        Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024]))
                    }))
                }),
            )
            .layer(RequestLayer::new());
        run(async {
            let address = serve(app).await;
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
            stream.read_exact(&mut [0; 1000]).await.expect("a start");
            drop(stream);
            let line = completed(&captured).await;
            assert_eq!(line.text("outcome"), "cancelled");
            assert_eq!(line.integer("status"), 200);
            assert!(line.integer("response_bytes") > 0);
        });
    }

    #[test]
    fn a_second_service_is_part_of_the_same_request_and_trace() {
        #[dependency_call("second", url = url)]
        async fn call(url: &str) -> reqwest_middleware::Result<reqwest::Response> {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let client = reqwest_middleware::ClientBuilder::new(client)
                .with(ContextMiddleware::new())
                .build();
            client.get(url).send().await
        }

        let captured = capture();
        run(async {
            let second = Router::new()
                .route("/inner", get(|| async { tracing::info!("second") }))
                .layer(RequestLayer::new());
            let url = format!("http://{}/inner", serve(second).await);
            let first = Router::new()
                .route(
                    "/",
                    get(move || async move {
                        tracing::info!("first");
                        call(&url).await.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
                    }),
                )
                .layer(RequestLayer::new());
            let (status, ..) = send(&first, with_header("x-request-id", "shared")).await;
            assert_eq!(status, StatusCode::OK);
        });
        let lines = checked(&captured);
        assert!(lines.iter().all(|line| line.text("request_id") == "shared"), "{captured:?}");
        let (first, second) = (captured.line("first"), captured.line("second"));
        assert_eq!(first.text("trace_id"), second.text("trace_id"));
        assert_ne!(first.text("span_id"), second.text("span_id"));
        assert_eq!(second.text("path"), "/inner");
        assert_eq!(captured.dependency("second").text("span_id"), first.text("span_id"));
        assert_eq!(captured.events("request_completed").len(), 2);
    }
}

#[test]
fn outbound_headers_carry_the_id_and_the_trace() {
    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                let headers = candor::http::outbound_headers();
                headers["traceparent"].to_str().expect("text").to_owned()
            }),
        )
        .layer(RequestLayer::new());
    let (_, _, body) = run(send(&app, to("/")));
    let line = captured.completed();
    let expected = format!("00-{}-{}-01", line.text("trace_id"), line.text("span_id"));
    assert_eq!(body, expected.as_bytes());
    assert!(candor::http::outbound_headers().is_empty());
}

#[test]
fn suppressed_lines_are_counted_on_completion() {
    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                for n in 0..1100 {
                    tracing::info!(n, "many");
                }
            }),
        )
        .layer(RequestLayer::new());
    run(send(&app, to("/")));
    // `request_started` counts towards the limit of a thousand.
    assert_eq!(captured.events("many").len(), 999);
    assert_eq!(captured.completed().integer("lines_suppressed"), 101);
    assert_eq!(captured.completed().integer("seq"), 1001);
}

#[test]
fn a_pending_request_dropped_by_an_unrelated_panic_is_cancelled() {
    let captured = capture();
    run(async {
        let app =
            Router::new().route("/", get(std::future::pending::<()>)).layer(RequestLayer::new());
        let unrelated = tokio::spawn(async move {
            let mut asked = Box::pin(app.oneshot(to("/")));
            assert!(futures::poll!(asked.as_mut()).is_pending());
            panic!("of something else");
        });
        unrelated.await.expect_err("panicked");
    });
    assert_eq!(captured.completed().text("outcome"), "cancelled");
}
