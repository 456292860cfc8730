//! Levels that change at run time, by call and over HTTP.

use std::time::{Duration, Instant};

use candor::testing::{Captured, capture_with};
use candor::{Config, Format};
use candor_tests::checked;
use serde_json::Value;

use super::*;

fn capture_at(levels: &str) -> Captured {
    let config = Config::new().format(Format::Json).level(levels).expect("levels");
    capture_with(config).expect("a capture")
}

fn set(captured: &Captured, levels: &str) {
    captured.logging().expect("of its own").set_levels(levels).expect("levels");
}

fn raise(captured: &Captured, millis: u64, levels: &str) {
    let logging = captured.logging().expect("of its own");
    logging.raise_for(Duration::from_millis(millis), levels).expect("levels");
}

/// The `levels_changed` lines, which another thread may write.
fn changes(captured: &Captured) -> Vec<Value> {
    let lines = captured.output();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["event"] == "levels_changed").collect()
}

fn wait_for_changes(captured: &Captured, count: usize) -> Vec<Value> {
    let since = Instant::now();
    while changes(captured).len() < count && since.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
    }
    changes(captured)
}

fn log_details_and_news() {
    tracing::debug!(target: "deps", "detail of deps");
    tracing::debug!(target: "shop", "detail of shop");
    tracing::info!(target: "shop", "news of shop");
}

#[test]
fn the_longest_target_decides_and_noisy_libraries_stay_at_warn() {
    macro_rules! assert_level {
        ($target:literal: $enabled:ident, not $disabled:ident) => {
            assert!(tracing::enabled!(target: $target, tracing::Level::$enabled), $target);
            assert!(!tracing::enabled!(target: $target, tracing::Level::$disabled), $target);
        };
    }

    let captured = capture_at("debug,deps=warning,app::db=TRACE,app=error");
    assert_level!("other": DEBUG, not TRACE);
    assert_level!("deps": WARN, not INFO);
    assert_level!("depsx": DEBUG, not TRACE);
    assert_level!("app::http": ERROR, not WARN);
    assert_level!("hyper::proto": WARN, not INFO);
    assert!(tracing::enabled!(target: "app::db::pool", tracing::Level::TRACE));
    set(&captured, "info,hyper=debug");
    assert_level!("hyper": DEBUG, not TRACE);
    assert_level!("h2": WARN, not INFO);
}

#[test]
fn the_logged_levels_can_be_set_again() {
    let captured = capture_at("info");
    set(&captured, "DEBUG, deps=Warning,app::db=off");
    set(&captured, "debug,deps=warn,app::db=off");
    for line in changes(&captured) {
        assert_eq!(line["levels"], "debug,deps=warn,app::db=off");
    }
    assert_eq!(changes(&captured).len(), 2);
}

#[test]
fn changing_levels_at_run_time_writes_a_line() {
    let captured = capture_at("info");
    log_details_and_news();
    set(&captured, "warn,deps=debug");
    log_details_and_news();
    checked(&captured);
    assert_eq!(captured.events("detail of deps").len(), 1);
    assert_eq!(captured.events("detail of shop").len(), 0);
    assert_eq!(captured.events("news of shop").len(), 1, "before they were set");
    let line = captured.line("levels_changed");
    assert_eq!((line.text("logger"), line.text("level")), ("candor", "INFO"));
    assert_eq!((line.text("change"), line.text("levels")), ("set", "warn,deps=debug"));
}

#[test]
fn invalid_level_directives_change_nothing() {
    let captured = capture_at("info");
    let logging = captured.logging().expect("of its own");
    let error = logging.set_levels("verbose").expect_err("no level");
    assert!(error.to_string().contains("unknown level \"verbose\""), "{error}");
    assert!(logging.raise_for(Duration::from_secs(1), "deps=loud").is_err());
    assert!(logging.raise_for(Duration::from_secs(1), "off").is_err(), "raises nothing");
    assert!(logging.raise_for(Duration::from_secs(1), "").is_err(), "raises nothing");
    log_details_and_news();
    assert!(captured.events("levels_changed").is_empty());
    assert_eq!(captured.lines().len(), 1);
}

#[test]
fn raised_levels_expire() {
    let captured = capture_at("error");
    raise(&captured, 50, "deps=debug");
    log_details_and_news();
    assert_eq!(captured.events("detail of deps").len(), 1);
    assert_eq!(captured.events("detail of shop").len() + captured.events("news of shop").len(), 0);
    // Nothing is logged in the meantime.
    let changes = wait_for_changes(&captured, 2);
    assert_eq!(changes.len(), 2, "{captured:?}");
    assert_eq!(
        (&changes[0]["change"], &changes[0]["raised"]),
        (&json!("raised"), &json!("deps=debug"))
    );
    assert_eq!(changes[0]["seconds"], json!(0.05));
    assert_eq!(
        (&changes[1]["change"], &changes[1]["levels"]),
        (&json!("fell_back"), &json!("error"))
    );
    assert!(changes[1].get("raised").is_none());
    captured.clear();
    log_details_and_news();
    assert!(captured.lines().is_empty(), "{captured:?}");
}

#[test]
fn several_raises_overlap_and_expire_separately() {
    let captured = capture_at("info");
    raise(&captured, 3_600_000, "shop=debug");
    raise(&captured, 20, "deps=debug");
    set(&captured, "warn");
    wait_for_changes(&captured, 4);
    captured.clear();
    log_details_and_news();
    assert_eq!(captured.events("detail of deps").len(), 0);
    assert_eq!(captured.events("detail of shop").len(), 1);
    assert_eq!(captured.events("news of shop").len(), 1, "a raise to DEBUG holds for INFO too");
}

#[test]
fn a_raise_never_lowers_a_level() {
    let captured = capture_at("debug");
    raise(&captured, 3_600_000, "deps=error,shop=warn");
    log_details_and_news();
    assert_eq!(captured.events("detail of deps").len(), 1);
    assert_eq!(captured.events("detail of shop").len(), 1);
}

#[test]
fn levels_set_from_inside_a_log_call_do_not_deadlock() {
    struct Setting<'a>(&'a candor::Logging);
    impl std::fmt::Display for Setting<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.set_levels("info,deps=debug").expect("levels");
            f.write_str("set")
        }
    }

    // With a single subscriber, `tracing` asks the default one of the thread, which it hides during a log call.
    let _another = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let captured = capture_at("info");
    let logging = captured.logging().expect("of its own");
    tracing::info!("{}", Setting(logging));
    tracing::info!(field = %Setting(logging), "in a field");
    assert_eq!(captured.events("levels_changed").len(), 2);
    log_details_and_news();
    assert_eq!(captured.events("detail of deps").len(), 1);
    checked(&captured);
}

#[test]
fn concurrent_level_changes_leave_the_last_one_active() {
    let captured = capture_at("info");
    let logging = captured.logging().expect("of its own");
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for n in 0..50 {
                    let levels = if n % 2 == 0 { "error" } else { "debug" };
                    logging.set_levels(levels).expect("levels");
                }
            });
        }
    });
    set(&captured, "warn");
    captured.clear();
    log_details_and_news();
    assert!(captured.lines().is_empty(), "{captured:?}");
    set(&captured, "debug");
    log_details_and_news();
    assert_eq!(captured.events("detail of shop").len(), 1);
}

async fn answer(app: &Router, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned()));
    let (status, headers, body) = send(app, request.expect("a request")).await;
    assert_eq!(headers["content-type"], "application/json");
    (status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn operators_change_levels_over_http() {
    let captured = capture_at("info");
    let admin = candor::http::admin(captured.logging().expect("of its own"));
    let app =
        Router::new().nest_service("/admin/log", admin.clone()).route_service("/levels", admin);
    run(async {
        let (status, shown) = answer(&app, "GET", "/admin/log/levels", "").await;
        assert_eq!((status, shown), (200, json!({ "levels": "info", "raised": [] })));
        let (status, shown) = answer(&app, "PUT", "/levels", " WARN, shop=debug\n").await;
        assert_eq!((status, &shown["levels"]), (200, &json!("warn,shop=debug")));
        let (status, shown) = answer(&app, "PUT", "/admin/log/levels?for=10m", "deps=debug").await;
        assert_eq!((status, &shown["raised"][0]["levels"]), (200, &json!("deps=debug")));
        let left = shown["raised"][0]["seconds_left"].as_f64().expect("a number");
        assert!((590.0..=600.0).contains(&left), "{left}");
    });
    log_details_and_news();
    assert_eq!(captured.events("detail of deps").len(), 1);
    assert_eq!(captured.events("levels_changed").len(), 2);
}

#[test]
fn operators_read_the_counts_over_http() {
    let captured = capture_at("info");
    let admin = candor::http::admin(captured.logging().expect("of its own"));
    let app = Router::new().route_service("/counts", admin.clone()).route_service("/sites", admin);
    log_details_and_news();
    run(async {
        let (status, counts) = answer(&app, "GET", "/counts", "").await;
        assert_eq!(status, 200);
        assert!(counts["written"].as_u64() >= Some(1), "{counts}");
        for key in ["emitted", "waiting", "dropped", "sampled_away"] {
            assert!(counts[key].is_u64(), "{key}: {counts}");
        }
        let _ = candor::scrub::text("password=hunter2");
        let (_, counts_after) = answer(&app, "GET", "/counts", "").await;
        let redactions = counts_after["redactions"].as_array().expect("a list");
        let is_password = |it: &&Value| it["reason"] == "name password";
        assert!(redactions.iter().find(is_password).expect("counted")["count"].is_u64());
        let (status, sites) = answer(&app, "GET", "/sites", "").await;
        assert_eq!(status, 200);
        let sites = sites["sites"].as_array().expect("a list");
        assert!(sites.iter().any(|site| site["bytes"].as_u64() > Some(0)), "{sites:?}");
        let sinks = counts["sinks"].as_array().expect("a list");
        assert!(sinks.iter().any(|sink| sink["name"] == "writer"), "{counts}");
    });
}

#[test]
fn invalid_admin_requests_get_an_error_message() {
    let captured = capture_at("info");
    let app = Router::new()
        .nest_service("/log", candor::http::admin(captured.logging().expect("of its own")));
    run(async {
        for (method, path, body, status, word) in [
            ("PUT", "/log/levels", "verbose", 400, "verbose"),
            ("PUT", "/log/levels", " ", 400, "empty"),
            ("PUT", "/log/levels?for=soon", "debug", 400, "`30s`"),
            ("PUT", "/log/levels?for=99999999999999999999h", "debug", 400, "`30s`"),
            ("PUT", "/log/levels?until=1", "debug", 400, "`for`"),
            ("DELETE", "/log/levels", "", 405, "PUT"),
            ("PUT", "/log/counts", "", 405, "GET"),
            ("GET", "/log/level", "", 404, "levels"),
        ] {
            let (got, shown) = answer(&app, method, path, body).await;
            assert_eq!(got, status, "{method} {path}");
            assert!(shown["error"].as_str().expect("a text").contains(word), "{shown}");
        }
        let (status, _) = answer(&app, "PUT", "/log/levels", &"x".repeat(9000)).await;
        assert_eq!(status, 413);
    });
    assert!(captured.lines().is_empty(), "{captured:?}");
}
