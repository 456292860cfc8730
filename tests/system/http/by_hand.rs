//! Requests that are begun and finished by hand, for servers without tower.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use candor::RequestContext;
use candor::http::{FlightRecorder, Trust, begin};
use candor::prelude::TimedExt as _;
use http::request::{Builder, Parts};
use http::{HeaderName, HeaderValue};

use super::*;

fn parts(request: Builder) -> Parts {
    request.body(()).expect("a request").into_parts().0
}

fn response(response: http::response::Builder) -> http::response::Parts {
    response.body(()).expect("a response").into_parts().0
}

#[step_timed]
async fn work() {
    tokio::task::yield_now().await;
    tracing::info!("working");
}

#[test]
fn a_request_by_hand_has_the_lines_of_the_layer() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = || {
        Request::post("/orders/7?token=canary-1")
            .header("x-request-id", "r-1")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .header("authorization", "Bearer canary-2")
            .header("content-type", "application/json")
    };
    let layer = || {
        RequestLayer::new()
            .user(|request| request.headers.get("x-request-id").map(|_| 41))
            .fields(|request, fields| {
                fields.set(
                    "version",
                    clear(if request.version == http::Version::HTTP_11 { "1.1" } else { "2" }),
                );
            })
            .response_fields(|response, fields| {
                fields.set("cached", response.headers.contains_key("age"));
            })
    };
    let shown = |lines: &[Line]| -> Vec<serde_json::Value> {
        let mut shown = Vec::new();
        for line in lines {
            let mut line: serde_json::Value = serde_json::from_str(line.raw()).expect("JSON");
            for varies in ["ts", "span_id", "duration_ms", "offset_ms", "busy_ms", "logger"] {
                if let Some(value) = line.get_mut(varies) {
                    *value = json!(null);
                }
            }
            shown.push(line);
        }
        shown
    };

    let captured = capture();
    let app = Router::new()
        .route(
            "/orders/{id}",
            post(|| async {
                work().await;
                (StatusCode::BAD_GATEWAY, [("content-type", "text/plain"), ("age", "0")], "later")
            }),
        )
        .layer(layer());
    run(send(&app, request().body(Body::empty()).expect("a request")));
    let by_layer = shown(&checked(&captured));

    captured.clear();
    run(async {
        let mut active = layer().begin(&parts(request()), None);
        assert_eq!(active.id(), "r-1");
        active.scope(work()).await;
        active.set_route("/orders/{id}");
        let headers =
            Response::builder().status(502).header("content-type", "text/plain").header("age", "0");
        let mut body = active.begin_response(&response(headers));
        body.add_bytes(2);
        body.add_bytes(3);
        body.finish();
    });
    let by_hand = shown(&checked(&captured));
    assert_eq!(by_hand.len(), 4, "{by_hand:?}");
    assert_eq!(by_hand, by_layer);
    assert!(by_hand.iter().all(|line| line["trace_id"] == trace && line["user_id"] == "41"));
    let end = &by_hand[3];
    assert_eq!((&end["outcome"], &end["response_bytes"]), (&json!("error"), &json!(5)));
    assert_eq!((&end["route"], &end["cached"]), (&json!("/orders/{id}"), &json!(true)));
}

#[test]
fn the_status_decides_the_outcome_of_a_finished_request() {
    for (status, outcome, level) in [
        (200, "ok", "INFO"),
        (101, "ok", "INFO"),
        (404, "ok", "INFO"),
        (500, "error", "ERROR"),
        (599, "error", "ERROR"),
        (999, "ok", "INFO"),
    ] {
        let captured = capture();
        begin(&parts(Request::get("/")), None).finish(status);
        checked(&captured);
        let line = captured.completed();
        assert_eq!((line.text("outcome"), line.text("level")), (outcome, level), "{status}");
        assert_eq!(line.integer("status"), i64::from(status));
    }
    let captured = capture();
    begin(&parts(Request::get("/")), None).finish(StatusCode::NO_CONTENT);
    assert_eq!(captured.completed().integer("status"), 204);
}

#[test]
fn a_number_that_is_not_a_status_is_an_error_without_status() {
    for status in [0, 99, 1000, u16::MAX] {
        let captured = capture();
        begin(&parts(Request::get("/")), None).finish(status);
        checked(&captured);
        let line = captured.completed();
        assert!(line.is_null("status"), "{line:?}");
        assert_eq!((line.text("outcome"), line.text("level")), ("error", "ERROR"), "{status}");
    }
}

#[test]
fn a_request_that_is_dropped_or_fails_completes_once() {
    let captured = capture();
    drop(begin(&parts(Request::get("/")), None));
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.text("level")), ("cancelled", "WARN"));
    assert!(line.is_null("status"));
    captured.clear();
    begin(&parts(Request::get("/")), None).fail();
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.text("level")), ("error", "ERROR"));
    assert!(line.is_null("status"));
}

#[test]
fn a_scope_dropped_half_way_writes_its_lines_before_the_completion() {
    let captured = capture();
    {
        let handler = async {
            let active = begin(&parts(Request::get("/").header("x-request-id", "r-1")), None);
            active.scope(work()).await;
            active.finish(200);
        };
        let mut handler = pin!(handler);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(handler.as_mut().poll(&mut cx).is_pending());
        assert!(context::current().is_none(), "only while it is polled");
    }
    let lines = checked(&captured);
    assert_eq!(values(&lines, "outcome"), [json!("cancelled"), json!("cancelled")]);
    assert_eq!(
        values(&lines, "msg")[1..],
        ["step_timing", "request_completed"].map(|it| json!(it))
    );
    assert!(lines.iter().all(|line| line.text("request_id") == "r-1"), "{lines:?}");
}

#[test]
fn a_panic_in_the_request_completes_it_as_panicked() {
    async fn gone() {
        panic!("gives up");
    }

    let captured = capture();
    run(async {
        let handler = async {
            let active = begin(&parts(Request::get("/")), None);
            active.scope(gone()).await;
            active.finish(200);
        };
        catch_unwind(AssertUnwindSafe(|| {
            let mut handler = pin!(handler);
            let _ = handler.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }))
        .expect_err("a panic");
    });
    assert_eq!(captured.completed().text("outcome"), "panicked");

    captured.clear();
    let mut active = begin(&parts(Request::get("/")), None);
    catch_unwind(AssertUnwindSafe(|| active.run(|| panic!("gives up")))).expect_err("a panic");
    drop(active);
    assert_eq!(captured.completed().text("outcome"), "panicked", "also if it was caught");

    captured.clear();
    let mut active = begin(&parts(Request::get("/")), None);
    catch_unwind(AssertUnwindSafe(|| active.run(|| panic!("gives up")))).expect_err("a panic");
    active.finish(500);
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("status")), ("error", 500), "it was answered");

    captured.clear();
    let mut body =
        begin(&parts(Request::get("/")), None).begin_response(&response(Response::builder()));
    catch_unwind(AssertUnwindSafe(|| body.run(|| panic!("gives up")))).expect_err("a panic");
    drop(body);
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("status")), ("panicked", 200));
}

/// Code outside the request panics, for example the runtime of the server.
#[test]
fn a_request_dropped_while_other_code_panics_is_cancelled() {
    let captured = capture();
    catch_unwind(|| {
        let _active = begin(&parts(Request::get("/")), None);
        panic!("another one");
    })
    .expect_err("a panic");
    assert_eq!(captured.completed().text("outcome"), "cancelled");
}

#[test]
fn a_body_by_hand_completes_its_request_when_all_its_bytes_were_sent() {
    let sized = || Response::builder().header("content-length", "8");
    for (bytes, outcome) in [(8, "ok"), (7, "cancelled"), (0, "cancelled")] {
        let captured = capture();
        let mut body = begin(&parts(Request::get("/")), None).begin_response(&response(sized()));
        body.run(|| tracing::info!("a piece"));
        body.add_bytes(bytes);
        drop(body);
        let line = captured.completed();
        assert_eq!((line.text("outcome"), line.integer("status")), (outcome, 200));
        assert_eq!(captured.line("a piece").text("request_id"), line.text("request_id"));
        assert!(captured.line("a piece").integer("seq") < line.integer("seq"));
    }
    let captured = capture();
    let mut body = begin(&parts(Request::get("/")), None).begin_response(&response(sized()));
    body.add_bytes(3);
    body.fail();
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("error", 3));
}

#[test]
fn a_response_without_a_body_completes_its_request_at_once() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("CONNECT", 200)] {
        let captured = capture();
        let request = Request::builder().method(method).uri("example.com:443");
        let headers = Response::builder().status(status).header("content-length", "8");
        let body = begin(&parts(request), None).begin_response(&response(headers));
        assert_eq!(captured.completed().text("outcome"), "ok", "{method} {status}");
        drop(body);
        assert_eq!(captured.events("request_completed").len(), 1);
    }
}

#[test]
fn a_wrapped_body_completes_its_request_when_it_ends() {
    let captured = capture();
    let begun =
        || begin(&parts(Request::get("/")), None).begin_response(&response(Response::builder()));
    run(async {
        let body = begun().wrap(pieces(None));
        assert!(captured.events("request_completed").is_empty());
        body.collect().await.expect("a body");
    });
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("response_bytes")), ("ok", 8));
    captured.clear();
    drop(begun().wrap(pieces(None)));
    assert_eq!(captured.completed().text("outcome"), "cancelled");
}

#[test]
fn grpc_codes_are_read_from_headers_and_trailers() {
    for (code, outcome) in [("0", "ok"), ("5", "ok"), ("13", "error")] {
        let captured = capture();
        let mut body = begin(&parts(Request::post("/a.B/C")), None)
            .begin_response(&response(Response::builder()));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(code));
        body.set_trailers(&trailers);
        body.finish();
        let line = captured.completed();
        assert_eq!(
            (line.text("outcome"), line.integer("grpc_status").to_string()),
            (outcome, code.to_owned())
        );
    }
}

#[test]
fn a_request_begun_inside_another_one_belongs_to_it() {
    let captured = capture();
    let request = || parts(Request::get("/").header("x-request-id", "outer"));
    run(async {
        let outer = begin(&request(), None);
        outer
            .scope(async {
                let mut inner =
                    begin(&parts(Request::get("/inner").header("x-request-id", "inner")), None);
                assert_eq!(inner.id(), "outer");
                inner.scope(work()).await;
                inner.run(|| tracing::info!("inside"));
                inner.set_route("/inner");
                let mut body = inner.begin_response(&response(Response::builder().status(500)));
                body.add_bytes(9);
                body.finish();
                drop(begin(&request(), None));
                // A layer inside, too.
                let (status, headers, _) = send(&hello(), to("/")).await;
                assert_eq!(status, StatusCode::OK);
                assert!(!headers.contains_key("x-request-id"));
            })
            .await;
        outer.finish(200);
    });
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| line.text("request_id") == "outer"), "{lines:?}");
    let line = captured.completed();
    assert_eq!((line.integer("status"), line.integer("response_bytes")), (200, 0));
    assert!(!line.has("route"));
    assert_eq!(captured.events("request_started").len(), 1);
}

#[test]
fn a_request_by_hand_inside_a_layer_belongs_to_the_request_of_the_layer() {
    let captured = capture();
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                let inner = begin(&parts(Request::get("/inner")), None);
                inner.scope(work()).await;
                drop(inner);
            }),
        )
        .layer(RequestLayer::new());
    run(send(&app, with_header("x-request-id", "outer")));
    assert_eq!(captured.completed().text("outcome"), "ok");
    assert_eq!(captured.step("work").text("request_id"), "outer");
}

/// A job and a context of the program are not HTTP requests, and neither is a request that has completed.
#[test]
fn a_request_inside_a_job_or_after_a_request_is_its_own() {
    let captured = capture();
    let begin_one = |id: &str| {
        let active = begin(&parts(Request::get("/").header("x-request-id", id)), None);
        assert_eq!(active.id(), id);
        active.finish(200);
    };
    candor::job("crawl").run(|| begin_one("in-a-job"));
    RequestContext::with_id("context").enter_with(|| begin_one("in-a-context"));
    let mut late = None;
    let mut active = begin(&parts(Request::get("/").header("x-request-id", "first")), None);
    active.run(|| late = Some(context::carry(|| begin_one("after"))));
    active.finish(200);
    late.expect("a closure")();
    let ids = values(&captured.events("request_completed"), "request_id");
    assert_eq!(ids, ["in-a-job", "in-a-context", "first", "after"].map(|id| json!(id)));
}

#[test]
fn hostile_headers_and_paths_are_as_safe_as_in_the_layer() {
    let captured = capture();
    let mut request =
        parts(Request::get("/reset-password/4f9d0c1e2b3a49586778canary?token=canary-2"));
    let headers = [
        ("x-request-id", &b"\xff\xfe r-7"[..]),
        ("authorization", b"\xff canary-3"),
        ("traceparent", b"00-\xff"),
        ("content-type", b"\xfftext; password=canary-4"),
        ("x-note", b"caf\xe9"),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).expect("a header");
        request.headers.append(HeaderName::from_static(name), value);
    }
    let mut active = begin(&request, None);
    assert_eq!(active.id().len(), 36);
    let id = active.id().to_owned();
    active.set_route("/reset-password?token=canary-5".to_owned());
    let mut headers = response(Response::builder());
    headers.headers.append(
        "content-type",
        HeaderValue::from_bytes(b"\xff; token=canary-6").expect("a header"),
    );
    headers.headers.append("content-length", HeaderValue::from_static("-1"));
    active.begin_response(&headers).finish();
    let lines = checked(&captured);
    assert!(lines.iter().all(|line| line.text("request_id") == id));
    assert_eq!(lines[0].text("path"), "/reset-password/[REDACTED]");
    candor::testing::assert_no_leak!(captured, "canary");
}

#[test]
fn the_settings_of_a_layer_apply_by_hand() {
    let captured = capture();
    let layer = RequestLayer::new()
        .quiet("/health")
        .path(|request| {
            request.uri.path().starts_with("/users/").then(|| "/users/{name}".to_owned())
        })
        .flight_recorder(FlightRecorder::new("system=trace").expect("directives"))
        .slow(Duration::ZERO);
    layer.begin(&parts(Request::get("/health")), None).finish(503);
    let line = captured.completed();
    assert_eq!((line.text("path"), line.integer("status")), ("/health", 503));
    captured.clear();
    layer.begin(&parts(Request::get("/users/ada")), None).finish(200);
    let line = captured.completed();
    assert_eq!((line.text("path"), line.text("level")), ("/users/{name}", "WARN"));
}

#[test]
fn the_peer_address_is_that_of_the_argument() {
    let trust = Trust::new().network("10.0.0.0/8").expect("a network");
    let layer = RequestLayer::new().trust(trust);
    let request = || parts(Request::get("/").header("x-debug-log", "1"));
    for (peer, raised) in [("10.1.2.3:80", 1), ("192.0.2.7:80", 0)] {
        let captured = capture();
        let peer: std::net::SocketAddr = peer.parse().expect("an address");
        layer.begin(&request(), peer).finish(200);
        assert_eq!(captured.events("debug_raised").len(), raised);
        captured.clear();
        // It takes precedence over the extension.
        let mut spoofed = request();
        spoofed.extensions.insert(candor::http::PeerAddr(([10, 0, 0, 1], 80).into()));
        layer.begin(&spoofed, Some(peer)).finish(200);
        assert_eq!(captured.events("debug_raised").len(), raised);
        captured.clear();
        layer.begin(&spoofed, None).finish(200);
        assert_eq!(captured.events("debug_raised").len(), 1);
    }
    let captured = capture();
    layer.begin(&request(), None).finish(200);
    assert_eq!(captured.events("peer_unknown").len(), 1);
}

#[test]
fn a_stuck_request_by_hand_is_reported() {
    let captured = capture();
    run(async {
        let layer = RequestLayer::new().stuck_after(Duration::from_millis(100));
        let active = layer.begin(&parts(Request::get("/").header("x-request-id", "r-1")), None);
        let waits = async {
            while captured.events("request_stuck").is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        active.scope(waits.timed("wait")).await;
        active.finish(200);
    });
    let line = captured.line("request_stuck");
    assert_eq!(
        (line.text("request_id"), &line.get("open").expect("steps")[0]["step"]),
        ("r-1", &json!("wait"))
    );
}

#[test]
fn a_request_by_hand_can_move_between_threads() {
    let captured = capture();
    let layer = RequestLayer::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime").block_on(async {
        let task = tokio::spawn(async move {
            let mut active = layer.begin(&parts(Request::get("/")), None);
            active.scope(work()).await;
            tokio::task::spawn_blocking(move || {
                active.run(|| tracing::info!("elsewhere"));
                active.finish(200);
            })
            .await
        });
        task.await.expect("no panic").expect("no panic");
    });
    let id = captured.completed().text("request_id").to_owned();
    for line in ["working", "elsewhere"] {
        assert_eq!(captured.line(line).text("request_id"), id);
    }
}

/// Returns a body that logs when it is read.
fn logging_body() -> Body {
    Body::from_stream(futures::stream::once(async {
        tracing::info!("read");
        Ok::<_, Infallible>("one")
    }))
}

#[test]
fn bug_a_nested_request_by_hand_ran_in_the_request_of_its_caller() {
    let captured = capture();
    let request = |id: &str| begin(&parts(Request::get("/").header("x-request-id", id)), None);
    let (mut outer, mut other) = (request("outer"), request("other"));
    let mut nested = || outer.run(|| request("inner"));
    let (mut inner, wrapped) = (nested(), nested());
    let headers = || response(Response::builder());
    let wrapped = wrapped.begin_response(&headers()).wrap(logging_body());
    assert_eq!(inner.id(), "outer");
    other.run(|| {
        inner.run(|| tracing::info!("run"));
        run(inner.scope(async {
            tracing::info!("scope");
            tokio::task::yield_now().await;
            tracing::info!("scope");
        }));
        run(wrapped.collect()).expect("a body");
        tracing::info!("of the other one");
    });
    let thread = std::thread::spawn(move || {
        inner.run(|| tracing::info!("run"));
        run(inner.scope(async { tracing::info!("scope") }));
        let mut body = inner.begin_response(&headers());
        body.run(|| tracing::info!("body"));
        run(body.wrap(logging_body()).collect()).expect("a body");
    });
    thread.join().expect("no panic");
    tracing::info!("outside");
    outer.finish(200);
    other.finish(200);
    let lines = checked(&captured);
    for (message, count) in [("run", 2), ("scope", 3), ("body", 1), ("read", 2)] {
        let ids = values(&captured.events(message), "request_id");
        assert_eq!(ids, vec![json!("outer"); count], "{message}: {lines:?}");
    }
    assert_eq!(captured.line("of the other one").text("request_id"), "other");
    assert_eq!(captured.line("outside").text("request_id"), "-");
    assert_eq!(captured.events("request_completed").len(), 2);
}
