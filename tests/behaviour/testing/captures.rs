//! The lines of a capture: those of its test, on any task or thread, and no others.

use std::io::{self, Write};
use std::panic::catch_unwind;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use candor::http::RequestLayer;
use candor::prelude::*;
use candor::testing::{Captured, capture, capture_with};
use candor::{Config, RequestContext, context, step_timed};
use candor_tests::checked;
use futures::executor::block_on;
use tower::ServiceExt as _;
use tracing::Subscriber;
use tracing::subscriber::with_default;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;

use super::failure;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

/// A layer of another crate, enabled at every level.
struct Other;

impl<S: Subscriber> Layer<S> for Other {}

fn messages(captured: &Captured) -> Vec<String> {
    captured.lines().iter().map(|line| line.text("msg").to_owned()).collect()
}

#[step_timed(fields(test))]
async fn handle(test: usize) {
    tokio::task::yield_now().await;
    let task = tokio::spawn(async move { tracing::info!(test, "task") }.in_context());
    let stray = tokio::spawn(async move { tracing::info!(test, "stray") });
    let blocking =
        tokio::task::spawn_blocking(context::carry(move || tracing::info!(test, "blocking")));
    task.await.expect("no panic");
    stray.await.expect("no panic");
    blocking.await.expect("no panic");
    let thread = thread::spawn(context::carry(move || tracing::info!(test, "thread")));
    thread.join().expect("no panic");
}

#[test]
fn concurrent_tests_capture_their_own_lines_from_all_threads() {
    const TESTS: usize = 8;
    const ROUNDS: usize = 20;
    let runtime = Arc::new(runtime());
    let start = Arc::new(Barrier::new(TESTS));
    let tests: Vec<_> = (0..TESTS)
        .map(|test| {
            let (runtime, start) = (Arc::clone(&runtime), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let captured = capture();
                    let request = RequestContext::with_id(&format!("{test}-{round}"));
                    let task = request.scope(handle(test));
                    // Half of them run on the runtime's threads, which also run requests of other tests.
                    if round % 2 == 0 {
                        runtime.block_on(task);
                    } else {
                        runtime.block_on(async { tokio::spawn(task).await.expect("no panic") });
                    }
                    let lines = checked(&captured);
                    let id = format!("{test}-{round}");
                    assert!(lines.iter().all(|line| line.text("request_id") == id), "{captured:?}");
                    let mut found = messages(&captured);
                    found.sort();
                    assert_eq!(found, ["blocking", "step_timing", "task", "thread"]);
                }
            })
        })
        .collect();
    for test in tests {
        test.join().expect("no panic");
    }
}

#[test]
fn work_outside_requests_belongs_to_the_test_whose_context_it_carries() {
    let captured = capture();
    runtime().block_on(async {
        tokio::spawn(async { tracing::info!("carried") }.in_context()).await.expect("no panic");
        tokio::spawn(async { tracing::info!("not carried") }).await.expect("no panic");
    });
    assert_eq!(messages(&captured), ["carried"]);
    assert_eq!(captured.line("carried").text("request_id"), "-");
}

#[test]
fn the_innermost_of_nested_captures_gets_the_line() {
    let outer = capture();
    tracing::info!("one");
    {
        let inner = capture();
        tracing::info!("two");
        RequestContext::with_id("r-1").enter_with(|| tracing::info!("three"));
        assert_eq!(messages(&inner), ["two", "three"]);
    }
    tracing::info!("four");
    assert_eq!(messages(&outer), ["one", "four"]);
}

#[test]
fn captures_can_be_dropped_in_any_order() {
    let outermost = capture();
    let first = capture();
    let second = capture();
    drop(first);
    tracing::info!("one");
    assert_eq!(messages(&second), ["one"]);
    drop(second);
    tracing::info!("two");
    assert_eq!(messages(&outermost), ["two"]);
    drop(outermost);
    assert!(context::current().is_none());
    // No capture is left on the thread.
    tracing::info!("three");
    let later = capture();
    tracing::info!("four");
    assert_eq!(messages(&later), ["four"]);
}

#[test]
fn a_capture_can_begin_and_end_inside_a_request_and_a_step() {
    let outer = capture();
    let request = RequestContext::with_id("r-1");
    block_on(
        request.scope(
            async {
                let inner = capture();
                async { tracing::info!("inside") }.await;
                assert_eq!(inner.line("inside").text("request_id"), "-");
                drop(inner);
                tracing::info!("behind");
            }
            .timed("around"),
        ),
    );
    assert_eq!(messages(&outer), ["behind", "step_timing"]);
    assert_eq!(outer.line("behind").text("request_id"), "r-1");
    assert_eq!(outer.step("around").text("outcome"), "ok");
}

#[test]
fn a_request_created_before_the_capture_joins_it() {
    let request = RequestContext::with_id("r-1");
    let scoped = RequestContext::with_id("r-2");
    let captured = capture();
    request.enter_with(|| tracing::info!("entered"));
    let carried = request.enter_with(|| context::carry(|| tracing::info!("carried")));
    thread::spawn(carried).join().expect("no panic");
    block_on(scoped.scope(async { tracing::info!("scoped") }));
    assert_eq!(messages(&captured), ["entered", "carried", "scoped"]);
}

#[test]
fn a_service_shared_by_tests_logs_to_the_test_that_calls_it() {
    fn call(app: &Router, path: &str) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        block_on(app.clone().oneshot(request)).expect("an answer");
    }
    let before = Router::new().route("/a", get(|| async { "a" })).layer(RequestLayer::new());
    let first = capture();
    let during = Router::new().route("/b", get(|| async { "b" })).layer(RequestLayer::new());
    call(&before, "/a");
    call(&during, "/b");
    first.completed_for("/a");
    first.completed_for("/b");
    drop(first);

    let second = capture();
    call(&during, "/b");
    assert_eq!(second.completed().text("path"), "/b");
}

#[test]
fn work_that_outlives_the_capture_is_not_captured() {
    let (go, wait) = channel::<()>();
    let captured = capture();
    let work = RequestContext::with_id("r-1").enter_with(|| {
        context::carry(move || {
            wait.recv().expect("a sender");
            tracing::info!("late");
            candor::step("late", || ());
        })
    });
    let late = thread::spawn(work);
    drop(captured);
    let next = capture();
    go.send(()).expect("a receiver");
    late.join().expect("no panic");
    tracing::info!("next");
    assert_eq!(messages(&next), ["next"]);
}

#[test]
fn a_panic_in_the_test_ends_its_capture() {
    let captured = capture();
    failure(|| {
        let _inner = capture();
        let _request = RequestContext::with_id("r-1").enter();
        panic!("in the test");
    });
    tracing::info!("behind");
    assert_eq!(messages(&captured), ["behind"]);
}

#[test]
fn a_capture_uses_an_installed_candor_layer_and_its_settings() {
    let other = tracing_subscriber::registry()
        .with(Config::new().writer(io::sink()).layer().expect("a layer"))
        .with(Other);
    with_default(other, || {
        let captured = capture();
        tracing::info!("heard");
        tracing::debug!("below the level");
        assert_eq!(messages(&captured), ["heard"]);
    });
}

#[test]
fn without_a_candor_layer_capture_panics_with_instructions() {
    let other = tracing_subscriber::registry().with(Other);
    let text = with_default(other, || failure(capture));
    assert!(text.contains("`candor::layer()`") && text.contains("`capture_with`"), "{text}");
}

#[test]
fn a_capture_with_its_own_config_ignores_captures_of_other_threads() {
    let plain = capture();
    let own = capture_with(Config::new().level("warn").expect("a level")).expect("settings");
    tracing::info!("quiet");
    tracing::warn!("loud");
    assert_eq!(messages(&own), ["loud"]);
    assert_eq!(own.output().lines().count(), 1);
    let elsewhere = thread::spawn(|| {
        let captured = capture();
        tracing::trace!("everything");
        messages(&captured)
    });
    assert_eq!(elsewhere.join().expect("no panic"), ["everything"]);
    drop(own);
    tracing::info!("quiet");
    assert_eq!(messages(&plain), ["quiet"]);
}

#[test]
fn after_init_lines_go_to_both_and_its_levels_apply() {
    let mut fixture = Command::new(env!("CARGO_BIN_EXE_fixture"));
    let fixture = fixture.arg("capture").env_clear().env("LOG_FORMAT", "json");
    let output = fixture.output().expect("the fixture runs");
    let lines =
        |bytes| String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect();
    let (written, captured): (Vec<_>, Vec<_>) = (lines(output.stdout), lines(output.stderr));
    assert_eq!(captured.len(), 1, "{captured:?}");
    assert!(captured[0].contains("\"inside\""), "{captured:?}");
    assert_eq!(written.len(), 3, "{written:?}");
    assert_eq!(written[1], captured[0]);
}

/// Waits in each write until it is told to go on.
struct Waiting {
    entered: Sender<()>,
    go_on: Receiver<()>,
}

impl Write for Waiting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.go_on.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The standard library can't remove a hook while it runs. A capture that removed candor's hook, if only for a moment,
/// would wait here; elsewhere the line of a panic in that moment would be lost.
#[test]
fn a_panic_is_logged_while_another_test_begins_to_capture() {
    drop(capture_with(Config::new()));
    let (entered, in_hook) = channel();
    let (end, go_on) = channel();
    let panics = thread::spawn(|| {
        let config = Config::new().writer(Waiting { entered, go_on });
        let subscriber = config.subscriber().expect("a configuration");
        with_default(subscriber, || catch_unwind(|| panic!("in a test")).expect_err("a panic"))
    });
    in_hook.recv_timeout(Duration::from_secs(30)).expect("the hook writes the line");
    let (begun, begins) = channel();
    let captures = thread::spawn(move || {
        drop(capture_with(Config::new()));
        drop(capture());
        begun.send(()).expect("the test waits");
    });
    let begins = begins.recv_timeout(Duration::from_secs(5));
    drop(end);
    panics.join().expect("the panic was caught");
    captures.join().expect("no panic");
    begins.expect("a capture does not remove the panic hook");
}
