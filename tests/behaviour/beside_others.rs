//! candor beside code that has its own idea of panics, loggers and subscribers. The programs run in their own
//! processes, since this is state of the whole process.

use std::process::{Command, Output};

use candor_tests::check;
use serde_json::Value;

/// Runs a program of `fixtures/`.
fn run(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fixture"))
        .args(arguments)
        .env_clear()
        .env("LOG_FORMAT", "json")
        .envs(env.iter().copied())
        .output()
        .expect("the fixture runs")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| {
            check(line);
            serde_json::from_str(line).expect("JSON")
        })
        .collect()
}

/// Request, name, outcome, step id and parent id of each line, and the message if it has no name.
fn ends(output: &Output) -> Vec<[String; 5]> {
    let lines = lines(output);
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or("").to_owned();
    let lines = lines.iter().filter(|line| line["event"] != "panic");
    lines
        .map(|line| {
            // The ids of jobs and HTTP requests differ between runs.
            let id = text(line, "request_id");
            let id = if id.len() == 36 { "an id".to_owned() } else { id };
            let name = ["step", "operation", "job", "msg"].map(|key| text(line, key));
            let name = name.into_iter().find(|name| !name.is_empty()).expect("a name");
            [
                id,
                name,
                text(line, "outcome"),
                line["step_id"].to_string(),
                line["parent_id"].to_string(),
            ]
        })
        .collect()
}

/// The panic of the layer would leave a destructor that runs during unwinding, which aborts a process.
#[test]
fn another_layer_that_panics_while_a_step_unwinds_does_not_abort_the_process() {
    let unbroken = ends(&run(&["unwinding", "none", "candor-first"], &[]));
    let panicked = unbroken.iter().filter(|end| end[2] == "panicked").count();
    assert_eq!(panicked, 7, "{unbroken:?}");
    for order in ["candor-first", "candor-last"] {
        for callback in ["enabled", "event", "new_span", "record", "enter", "exit", "close"] {
            let output = run(&["unwinding", callback, order], &[]);
            let what = format!("{callback}, {order}: {}", stderr(&output));
            assert!(output.status.success(), "{what}");
            assert!(stderr(&output).contains("PoisonError"), "the layer did not panic: {what}");
            assert!(stderr(&output).ends_with("survived\n"), "{what}");
            assert_eq!(ends(&output), unbroken, "a line is missing: {what}");
        }
    }
}
