//! `snapshot()`: the same text for the same story.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use candor::http::RequestLayer;
use candor::policy::url;
use candor::testing::capture;
use candor::{RequestContext, dependency_call, step_timed};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use uuid::Uuid;

#[dependency_call("payments", url = format!("http://127.0.0.1:{port}/charges"))]
fn charge(port: u16) {}

#[step_timed(fields(order, other, at = url(&format!("http://localhost:{port}/a"))))]
fn place(order: Uuid, other: Uuid, port: u16) {
    charge(port);
}

fn story(port: u16) -> String {
    let captured = capture();
    let app = Router::new()
        .route(
            "/orders",
            get(move || async move {
                place(Uuid::now_v7(), Uuid::now_v7(), port);
                "placed"
            }),
        )
        .layer(RequestLayer::new());
    futures::executor::block_on(async {
        for _ in 0..2 {
            let request = Request::get("/orders").body(Body::empty()).expect("a request");
            let answer = app.clone().oneshot(request).await.expect("an answer");
            answer.into_body().collect().await.expect("a body");
        }
    });
    RequestContext::with_id("r-7").enter_with(|| tracing::info!(duration = 1.5, "chosen"));
    captured.snapshot()
}

#[test]
fn what_differs_from_run_to_run_is_named() {
    let (one, other) = (story(40123), story(50789));
    assert_eq!(one, other);
    let lines: Vec<_> = one.lines().collect();
    assert_eq!(lines.len(), 9, "{one}");
    let call = r#"{"ts":"[ts]","level":"INFO","logger":"deps","msg":"dependency_call","request_id":"[request-1]","user_id":"-","method":"GET","path":"/orders","trace_id":"[trace-1]","span_id":"[span-1]","seq":2,"event":"dependency_call","dependency":"payments","operation":"charge","dependency_method":null,"url":"http://127.0.0.1:[port]/charges","status":null,"duration_ms":"[ms]","retries":0,"error":null,"outcome":"ok","step_id":2,"parent_id":1,"offset_ms":"[ms]"}"#;
    assert_eq!(lines[1], call);
    for found in [
        r#""order":"[uuid-1]","other":"[uuid-2]","at":"http://localhost:[port]/a""#,
        r#""order":"[uuid-3]","other":"[uuid-4]""#,
        r#""request_id":"[request-2]""#,
        r#""trace_id":"[trace-2]","span_id":"[span-2]""#,
        r#""slowest_step":"[step]""#,
        r#""dependency_ms":"[ms]""#,
        r#""request_id":"r-7","user_id":"-","method":"-","path":"-","seq":1,"duration":1.5}"#,
    ] {
        assert!(one.contains(found), "{found} is not in\n{one}");
    }
}

#[test]
fn only_what_candor_measured_is_replaced() {
    let captured = capture();
    let text = r#"duration_ms: 3, "duration_ms":3, 12:30, r-1"#;
    tracing::info!(timeout_ms = 400, note = text, exc = "kept", location = "a:1:2", "plain");
    let line = captured.snapshot();
    let kept = r#""timeout_ms":400,"note":"duration_ms: 3, \"duration_ms\":3, 12:30, r-1""#;
    assert!(line.contains(kept), "{line}");
    assert!(line.contains("a:1:2") && line.contains("kept"), "{line}");
    // All else is the line as it was written.
    let ts = captured.line("plain").text("ts").to_owned();
    assert_eq!(line.replace("[ts]", &ts).trim_end(), captured.line("plain").raw());
}

#[test]
fn a_panic_keeps_its_file_and_no_frame() {
    let captured = capture();
    super::failure(|| panic!("out of {}", "stock"));
    let line = captured.snapshot();
    assert!(
        line.contains(r#"testing/snapshots.rs:[line]","panic_message":"out of stock""#),
        "{line}"
    );
    assert!(line.contains(r#""exc":"[backtrace]""#), "{line}");
}

#[test]
fn snapshots_of_side_by_side_tests_number_their_own() {
    let snapshot = || {
        let captured = capture();
        RequestContext::new().enter_with(|| tracing::info!("one"));
        captured.snapshot()
    };
    let other = std::thread::spawn(snapshot).join().expect("no panic");
    assert_eq!(snapshot(), other);
    assert!(other.contains("[request-1]"), "{other}");
}
