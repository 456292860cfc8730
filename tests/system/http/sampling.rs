//! Sampling: decided once per request by its id, and never dropping warnings and failures.

use std::collections::BTreeSet;

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
fn an_unsampled_request_writes_only_warnings_and_its_failure() {
    let captured = capture();
    run(send(&app(0.0), to("/")));
    let lines = checked(&captured);
    assert_eq!(lines.len(), 1, "{captured:?}");
    assert_eq!((lines[0].text("msg"), lines[0].integer("seq")), ("a surprise", 1));
    captured.clear();
    run(send(&app(0.0), to("/broken")));
    let line = captured.completed();
    assert_eq!((line.text("outcome"), line.integer("seq")), ("error", 1));
    assert_eq!(line.integer("lines_sampled_away"), 1, "`request_started`");
    captured.clear();
    run(send(&app(0.0), to("/audit")));
    assert_eq!(captured.line("deleted").text("event"), "audit");
}

#[test]
fn a_sampled_request_writes_all_its_lines() {
    let captured = capture();
    run(send(&app(1.0), to("/")));
    assert!(captured.line("news").boolean("sampled"));
    assert!(!captured.completed().has("lines_sampled_away"));
    assert!(context::is_sampled(), "outside requests too");
}

#[test]
fn a_slow_request_is_logged_even_if_not_sampled() {
    let captured = capture();
    let app = Router::new()
        .route("/", get(|| async { tokio::time::sleep(Duration::from_millis(5)).await }))
        .layer(RequestLayer::new().sample(0.0).slow(Duration::from_millis(1)));
    run(send(&app, to("/")));
    let line = captured.completed();
    assert_eq!((line.text("level"), line.text("outcome")), ("WARN", "ok"));
}

#[test]
fn the_sampling_decision_is_the_same_in_every_service_and_version() {
    let captured = capture();
    // Half of the requests, by id. Other numbers would mean that two versions disagree.
    let taken: Vec<u32> = (0..16)
        .filter(|n| {
            captured.clear();
            run(send(&app(0.5), with_id("/", &format!("r-{n}"))));
            !captured.events("request_completed").is_empty()
        })
        .collect();
    assert_eq!(taken, TAKEN);
}

const TAKEN: &[u32] = &[6, 7, 8, 9, 10];

#[test]
fn a_sample_is_as_large_as_its_rate_and_part_of_larger_ones() {
    let config = Config::new().format(Format::Json).level("off").expect("a level");
    let _captured = capture_with(config).expect("a capture");
    let sample = |rate: f64| {
        let app = Router::new()
            .route("/", get(|| async { context::is_sampled().to_string() }))
            .layer(RequestLayer::new().sample(rate));
        let is_sampled = |n: &u32| run(send(&app, with_id("/", &format!("r-{n}")))).2 == "true";
        (0..2000).filter(is_sampled).collect::<BTreeSet<_>>()
    };
    let samples = [0.0, 0.01, 0.1, 0.5, 0.9, 1.0].map(|rate| (rate, sample(rate)));
    for (rate, taken) in &samples {
        let taken = u32::try_from(taken.len()).expect("few");
        assert!((f64::from(taken) / 2000.0 - rate).abs() < 0.03, "{taken} at {rate}");
    }
    for pair in samples.windows(2) {
        assert!(pair[0].1.is_subset(&pair[1].1), "{} and {}", pair[0].0, pair[1].0);
    }
    assert!(samples[0].1.is_empty() && samples[5].1.len() == 2000);
}

#[test]
fn muted_health_checks_are_logged_if_they_fail() {
    let captured = capture();
    run(send(&app(1.0), to("/health")));
    assert!(captured.lines().is_empty(), "{captured:?}");
    run(send(&app(1.0), to("/healthy")));
    assert_eq!(captured.completed().integer("status"), 404, "another path");
    captured.clear();
    let broken = Router::new()
        .route("/health", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .layer(RequestLayer::new().quiet("/health"));
    run(send(&broken, to("/health")));
    assert_eq!(captured.completed().integer("status"), 503);
}

#[test]
fn unsampled_requests_are_counted() {
    let captured = capture_with(Config::new().format(Format::Json)).expect("a capture");
    let count = || {
        let admin = candor::http::admin(captured.logging().expect("of its own"));
        let (_, _, body) = run(send(&Router::new().route_service("/counts", admin), to("/counts")));
        let counts: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        counts["sampled_away"].as_u64().expect("a number")
    };
    let before = count();
    for _ in 0..10 {
        run(send(&app(0.0), to("/")));
    }
    // Concurrent tests add to the count.
    assert!(count() >= before + 20, "the line and the end of each");
}
