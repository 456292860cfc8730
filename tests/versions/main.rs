//! Each supported version of a client crate, against servers on this machine.
//!
//! A module per crate has one module per version, which names the crate and includes the same tests. The versions are
//! enabled together, as in a service that migrates. Not a default member of the workspace: the newest versions are
//! tested in detail in `tests/behaviour`, and the others would take minutes to build.

#![expect(clippy::duplicate_mod, reason = "the same tests run with each version of a crate")]

mod axum;
mod reqwest;
mod servers;
mod sqlx;
mod tonic;
mod unsupported;

use candor::testing::{Captured, Line};
use serde_json::Value;

/// Runs a test on one thread, so that it is captured.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

/// Status, category, outcome and level of each call to `dependency`, as strings; `-` if there is none.
fn answers(captured: &Captured, dependency: &str) -> Vec<String> {
    let shown = |line: &Line| {
        let of = |key: &str| match line.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let status = of("status").or_else(|| of("grpc_status")).unwrap_or_else(|| "-".to_owned());
        let error = of("error").unwrap_or_else(|| "-".to_owned());
        format!("{status} {error} {} {}", line.text("outcome"), line.text("level"))
    };
    captured.dependencies(dependency).iter().map(shown).collect()
}

/// Asserts that every line is valid, and that none contains a canary.
fn check_lines(captured: &Captured) {
    let lines = candor_tests::checked(captured);
    assert!(lines.iter().all(|line| !line.raw().contains("canary")), "{captured:?}");
}
