//! Sampling: one decision per request, by its id, and nothing bad left out.

use candor::testing::capture_with;
use candor::{Config, Format};

use super::*;

fn app(rate: f64) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async {
                tracing::info!(sampled = context::is_sampled(), "news");
                tracing::warn!("a surprise");
            }),
        )
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route(
            "/audit",
            get(|| async { candor::audit!("deleted").map_or(500, |()| 200).to_string() }),
        )
        .route("/health", get(|| async { tracing::info!("checked") }))
        .layer(RequestLayer::new().sample(rate).slow(Duration::from_secs(3600)).quiet("/health"))
}

fn with_id(path: &str, id: &str) -> Request<Body> {
    let mut request = to(path);
    request.headers_mut().insert("x-request-id", id.parse().expect("a header"));
    request
}

#[test]
fn of_a_request_outside_the_sample_only_what_matters_is_written() {
    let captured = capture();
    run(ask(&app(0.0), to("/")));
    let lines = checked(&captured);
    assert_eq!(lines.len(), 1, "{captured:?}");
    assert_eq!((lines[0].text("msg"), lines[0].integer("seq")), ("a surprise", 1));
    captured.clear();
    run(ask(&app(0.0), to("/broken")));
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("seq")), ("error", 1));
    assert_eq!(line.integer("lines_sampled_away"), 1, "`request_started`");
    captured.clear();
    run(ask(&app(0.0), to("/audit")));
    assert_eq!(captured.line("deleted").text("event"), "audit");
}

#[test]
fn a_request_of_the_sample_is_whole() {
    let captured = capture();
    run(ask(&app(1.0), to("/")));
    assert!(captured.line("news").boolean("sampled"));
    assert!(!captured.completed().has("lines_sampled_away"));
    assert!(context::is_sampled(), "outside requests too");
}

#[test]
fn a_slow_request_is_written_whatever_the_sample_is() {
    let captured = capture();
    let app = Router::new()
        .route("/", get(|| async { tokio::time::sleep(Duration::from_millis(5)).await }))
        .layer(RequestLayer::new().sample(0.0).slow(Duration::from_millis(1)));
    run(ask(&app, to("/")));
    let line = captured.completed();
    assert_eq!((line.text("level"), line.text("outcome")), ("WARN", "ok"));
}

#[test]
fn the_decision_is_the_same_for_every_service_and_version() {
    let captured = capture();
    // Half of the requests, by their ids; other numbers here would part services of two versions.
    let taken: Vec<u32> = (0..16)
        .filter(|n| {
            captured.clear();
            run(ask(&app(0.5), with_id("/", &format!("r-{n}"))));
            !captured.events("request_completed").is_empty()
        })
        .collect();
    assert_eq!(taken, TAKEN);
}

const TAKEN: &[u32] = &[6, 7, 8, 9, 10];

#[test]
fn health_checks_are_left_out_unless_they_are_bad() {
    let captured = capture();
    run(ask(&app(1.0), to("/health")));
    assert!(captured.lines().is_empty(), "{captured:?}");
    run(ask(&app(1.0), to("/healthy")));
    assert_eq!(captured.completed().integer("status"), 404, "another path");
    captured.clear();
    let broken = Router::new()
        .route("/health", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .layer(RequestLayer::new().quiet("/health"));
    run(ask(&broken, to("/health")));
    assert_eq!(captured.completed().integer("status"), 503);
}

#[test]
fn the_sample_is_counted() {
    let captured = capture_with(Config::new().format(Format::Json)).expect("a capture");
    let count = || {
        let admin = candor::http::admin(captured.logging().expect("of its own"));
        let (_, _, body) = run(ask(&Router::new().route_service("/counts", admin), to("/counts")));
        let counts: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        counts["sampled_away"].as_u64().expect("a number")
    };
    let before = count();
    for _ in 0..10 {
        run(ask(&app(0.0), to("/")));
    }
    // Other tests sample too.
    assert!(count() >= before + 20, "the line and the end of each");
}
