//! Spans of `tracing` as steps (`LOG_SPANS`): what is inferred from a span, and what is not.
//!
//! The comment of each test describes what a reader of the log sees, and why.

mod dependencies;
mod outcomes;
mod positions;
mod requests;
mod settings;

use candor::testing::{Captured, capture_with};
use candor::{Config, Format, RequestContext};

/// A configuration that makes the spans of these directives steps, and writes every line.
fn config(spans: &str) -> Config {
    let config = Config::new().format(Format::Json).level("trace").expect("levels");
    config.time_spans(spans).expect("directives")
}

/// Captures the lines of this thread; every span is a step.
fn capture() -> Captured {
    capture_with(config("trace")).expect("a capture")
}

/// Runs `work` in a request, so that its steps have ids.
fn in_request<T>(work: impl FnOnce() -> T) -> T {
    RequestContext::with_id("r").enter_with(work)
}

/// A future that is pending at its first poll.
async fn pause() {
    tokio::task::yield_now().await;
}

/// Runs a future on a runtime of this thread alone.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}
