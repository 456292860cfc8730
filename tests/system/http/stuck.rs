//! Requests that do not complete.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candor::testing::{Captured, capture};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use super::*;

#[dependency_call("payments")]
async fn charge() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

#[step_timed("place_order")]
async fn place() {
    done();
    charge().await;
}

#[step_timed]
fn done() {}

fn app(after: impl Into<Option<Duration>>) -> Router {
    Router::new()
        .route("/", get(place))
        .route("/good", get(|| async { done() }))
        .layer(RequestLayer::new().stuck_after(after))
}

async fn stuck(captured: &Captured) {
    for _ in 0..500 {
        if !captured.events("request_stuck").is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_stuck_request_names_its_open_steps_and_their_ages_once() {
    let captured = capture();
    run(async {
        let app = app(Duration::from_millis(20));
        let asked =
            tokio::spawn(async move { send(&app, with_header("x-request-id", "r-1")).await });
        stuck(&captured).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        asked.abort();
    });
    let line = captured.line("request_stuck");
    assert_eq!((line.text("level"), line.text("logger")), ("WARN", "http"));
    assert_eq!(line.text("request_id"), "r-1");
    assert!(line.number("age_ms") >= 20.0);
    let open = line.get("open").and_then(|open| open.as_array()).expect("a list");
    assert_eq!(open.len(), 2, "{line:?}");
    assert_eq!((&open[0]["step"], &open[0]["step_id"]), (&json!("place_order"), &json!(1)));
    assert_eq!((&open[1]["step"], &open[1]["dependency"]), (&json!("charge"), &json!("payments")));
    let ages = 0.0..=line.number("age_ms");
    assert!(
        open.iter().all(|step| ages.contains(&step["age_ms"].as_f64().expect("a number"))),
        "{line:?}"
    );
    checked(&captured);
}

#[test]
fn bug_a_stuck_request_listed_a_step_whose_guard_was_dropped_outside_it() {
    thread_local! {
        static GUARD: RefCell<Option<candor::StepGuard>> = const { RefCell::new(None) };
    }
    let captured = capture();
    run(async {
        let handler = || async {
            GUARD.set(Some(candor::step_guard("ended")));
            charge().await;
        };
        let layer = RequestLayer::new().stuck_after(Duration::from_millis(50));
        let app = Router::new().route("/", get(handler)).layer(layer);
        let asked = tokio::spawn(async move { send(&app, to("/")).await });
        while GUARD.take().is_none() {
            tokio::task::yield_now().await;
        }
        stuck(&captured).await;
        asked.abort();
    });
    let line = captured.line("request_stuck");
    let open = line.get("open").and_then(|open| open.as_array()).expect("a list");
    let names: Vec<_> = open.iter().map(|step| &step["step"]).collect();
    assert_eq!(names, ["charge"]);
}

#[test]
fn requests_that_complete_in_time_or_are_not_watched_log_nothing() {
    let captured = capture();
    run(async {
        let watched = app(Duration::from_millis(20));
        for _ in 0..3 {
            send(&watched, to("/good")).await;
        }
        let unwatched = app(None);
        let asked = tokio::spawn(async move { send(&unwatched, to("/")).await });
        tokio::time::sleep(Duration::from_millis(80)).await;
        asked.abort();
    });
    assert!(captured.events("request_stuck").is_empty(), "{captured:?}");
}

#[test]
fn a_completed_request_with_a_running_task_is_not_stuck() {
    let captured = capture();
    run(async {
        let app = Router::new()
            .route("/", get(|| async { drop(tokio::spawn(charge().in_context())) }))
            .layer(RequestLayer::new().stuck_after(Duration::from_millis(20)));
        send(&app, to("/")).await;
        tokio::time::sleep(Duration::from_millis(80)).await;
    });
    assert!(captured.events("request_stuck").is_empty(), "{captured:?}");
}

#[test]
fn many_open_steps_are_listed_up_to_the_capacity() {
    let captured = capture();
    run(async {
        let app = Router::new()
            .route(
                "/",
                get(|| async {
                    futures::future::join_all((0..50).map(|_| charge())).await;
                }),
            )
            .layer(RequestLayer::new().stuck_after(Duration::from_millis(20)));
        let asked = tokio::spawn(async move { send(&app, to("/")).await });
        stuck(&captured).await;
        asked.abort();
    });
    let line = captured.line("request_stuck");
    assert_eq!(line.get("open").and_then(|open| open.as_array()).map(Vec::len), Some(8));
}

/// Another layer, which panics at each event for a stuck request and counts them.
struct Panics(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().name() == "request_stuck" {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("a layer's mistake");
        }
    }
}

#[test]
fn bug_a_layer_that_panicked_ended_the_checks_for_stuck_requests() {
    let seen = Arc::new(AtomicUsize::new(0));
    let layer = candor::Config::new().writer(std::io::sink()).layer().expect("a configuration");
    let subscriber = Registry::default().with(layer).with(Panics(Arc::clone(&seen)));
    let _default = tracing::subscriber::set_default(subscriber);
    let layer = RequestLayer::new().stuck_after(Duration::from_millis(20));
    let begin = || layer.begin(&to("/").into_parts().0, None);
    let wait_for = |count| {
        for _ in 0..500 {
            if seen.load(Ordering::Relaxed) == count {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{seen:?} of {count} requests are stuck");
    };
    let _stuck = [begin(), begin()];
    wait_for(2);
    let _later = begin();
    wait_for(3);
}
