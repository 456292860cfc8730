//! The flight recorder: DEBUG lines that are written only if their request fails.

use candor::http::FlightRecorder;
use candor::testing::{Captured, capture_with};
use candor::{Config, Format};

use super::*;

fn capture_at(levels: &str) -> Captured {
    let config = Config::new().format(Format::Json).level(levels).expect("levels");
    capture_with(config).expect("a capture")
}

#[step_timed(level = "debug", target = "shop")]
async fn quiet_step() {}

async fn work() {
    tracing::debug!(target: "shop", password = "canary-password", "first");
    quiet_step().await;
    tracing::info!(target: "shop", "news");
    tracing::debug!(target: "other", "not listed");
}

fn app(layer: RequestLayer) -> Router {
    Router::new()
        .route("/good", get(work))
        .route(
            "/bad",
            get(|| async {
                work().await;
                StatusCode::INTERNAL_SERVER_ERROR
            }),
        )
        .route(
            "/panic",
            get(|| async {
                work().await;
                if context::is_sampled() {
                    panic!("on purpose");
                }
            }),
        )
        .route(
            "/slow",
            get(|| async {
                work().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }),
        )
        .layer(layer)
}

fn recorder() -> FlightRecorder {
    FlightRecorder::new("shop=debug").expect("targets")
}

fn recording() -> RequestLayer {
    RequestLayer::new().flight_recorder(recorder())
}

#[test]
fn a_successful_request_writes_no_detail() {
    let captured = capture_at("info");
    run(send(&app(recording()), to("/good")));
    let lines = checked(&captured);
    assert_eq!(values(&lines, "msg"), [json!("news"), json!("request_completed")]);
    assert_eq!(values(&lines, "seq"), [json!(1), json!(2)]);
    assert!(!captured.completed().has("lines_recorded"));
}

#[test]
fn a_failed_request_writes_its_detail_before_its_completion() {
    let captured = capture_at("info");
    run(send(&app(recording()), to("/bad")));
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        [json!("news"), json!("first"), json!("step_timing"), json!("request_completed")]
    );
    assert_eq!(values(&lines, "seq"), [json!(1), json!(2), json!(3), json!(4)]);
    assert_eq!(captured.line("first").text("password"), "[REDACTED]");
    // A recorded line is older than the lines written before it.
    assert!(captured.line("first").text("ts") < captured.line("news").text("ts"));
    assert_eq!(captured.completed().integer("lines_recorded"), 2);
    assert!(!captured.completed().has("lines_recorded_lost"));
    assert!(captured.output().lines().count() == 4 && !captured.output().contains("canary"));
}

#[test]
fn panics_cancellations_and_slow_requests_write_their_detail() {
    let captured = capture_at("info");
    run(async {
        let app = app(recording());
        let asked = tokio::spawn(async move { app.oneshot(to("/panic")).await.map(drop) });
        asked.await.expect_err("panicked");
    });
    assert_eq!(captured.completed().text("outcome"), "panicked");
    assert_eq!(captured.completed().integer("lines_recorded"), 2);
    captured.clear();
    run(send(&app(recording().slow(Duration::from_millis(1))), to("/slow")));
    assert_eq!(captured.completed().integer("lines_recorded"), 2);
    captured.clear();
    run(async {
        let app = app(recording());
        let asked = tokio::spawn(async move { app.oneshot(to("/slow")).await.map(drop) });
        tokio::task::yield_now().await;
        asked.abort();
        let _ = asked.await;
    });
    assert_eq!(captured.completed().text("outcome"), "cancelled");
    assert_eq!(captured.completed().integer("lines_recorded"), 2);
}

#[test]
fn the_last_lines_are_kept_and_dropped_ones_are_counted() {
    let captured = capture_at("info");
    let talk = |layer: RequestLayer| {
        Router::new()
            .route(
                "/",
                get(|| async {
                    for n in 0..10 {
                        tracing::debug!(target: "shop", n, "{}", "x".repeat(100));
                    }
                    StatusCode::BAD_GATEWAY
                }),
            )
            .layer(layer)
    };
    let few = recorder().lines(3);
    run(send(&talk(RequestLayer::new().flight_recorder(few)), to("/")));
    let lines = checked(&captured);
    assert_eq!(values(&lines[..3], "n"), [json!(7), json!(8), json!(9)]);
    let end = captured.completed();
    assert_eq!((end.integer("lines_recorded"), end.integer("lines_recorded_lost")), (3, 7));
    for small in [recorder().bytes(1000), recorder().total_bytes(0), recorder().lines(0)] {
        captured.clear();
        run(send(&talk(RequestLayer::new().flight_recorder(small)), to("/")));
        checked(&captured);
        let end = captured.completed();
        let written =
            end.get("lines_recorded").map_or(0, |lines| lines.as_i64().expect("a number"));
        assert!(written < 4, "{end:?}");
        assert_eq!(written + end.integer("lines_recorded_lost"), 10);
    }
}

#[test]
fn lines_left_out_by_sampling_are_recorded_too() {
    let captured = capture_at("info");
    run(send(&app(recording().sample(0.0)), to("/good")));
    assert!(captured.lines().is_empty(), "{captured:?}");
    run(send(&app(recording().sample(0.0)), to("/bad")));
    let lines = checked(&captured);
    assert_eq!(
        values(&lines, "msg"),
        [json!("first"), json!("step_timing"), json!("news"), json!("request_completed")]
    );
}

#[test]
fn call_sites_are_disabled_again_after_the_http_layer_is_dropped() {
    let captured = capture_at("info");
    let layer = recording();
    drop(app(layer));
    let plain = Router::new().route("/good", get(work)).layer(RequestLayer::new());
    run(send(&plain, to("/good")));
    assert_eq!(captured.lines().len(), 2, "{captured:?}");
}
