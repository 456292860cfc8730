//! `#[dependency_call]`: how the outcome of a call sets the fields and the level of its line.

use candor::testing::{Captured, Line};

mod chains;
mod databases;
mod grpc;
mod http_clients;
mod line;
mod outcomes;
mod retries;
mod returned;
mod unsupported;

/// Status, category, outcome and level of a line, as one string.
fn answer(line: &Line) -> (Option<i64>, Option<&str>, &str, &str) {
    (
        line.get("status").and_then(serde_json::Value::as_i64),
        line.get("error").and_then(serde_json::Value::as_str),
        line.text("outcome"),
        line.text("level"),
    )
}

/// The same for all lines of calls to `dependency`.
fn answers(captured: &Captured, dependency: &str) -> Vec<String> {
    let told = |line: &Line| {
        let (status, error, outcome, level) = answer(line);
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        format!("{status} {} {outcome} {level}", error.unwrap_or("-"))
    };
    captured.dependencies(dependency).iter().map(told).collect()
}
