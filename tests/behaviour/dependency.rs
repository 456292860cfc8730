//! `#[dependency_call]`: what its line says of the answer, and how loudly.

use candor::testing::{Captured, Line};

mod answers;
mod chains;
mod databases;
mod ends;
mod grpc;
mod http_clients;
mod line;
mod retries;

/// Status, category, outcome and level of a line.
fn answer(line: &Line) -> (Option<i64>, Option<&str>, &str, &str) {
    (
        line.get("status").and_then(serde_json::Value::as_i64),
        line.get("error").and_then(serde_json::Value::as_str),
        line.text("outcome"),
        line.text("level"),
    )
}

/// The same of all lines of calls to `dependency`, to be compared at once.
fn answers(captured: &Captured, dependency: &str) -> Vec<String> {
    let told = |line: &Line| {
        let (status, error, outcome, level) = answer(line);
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        format!("{status} {} {outcome} {level}", error.unwrap_or("-"))
    };
    captured.dependencies(dependency).iter().map(told).collect()
}
