//! candor with other code that installs panic hooks, loggers and subscribers.
//!
//! The programs run in their own processes, since these belong to the whole process.

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

fn beside(program: &str, env: &[(&str, &str)]) -> Output {
    let output = run(&["beside", program], env);
    assert!(output.status.success(), "{program}: {}", stderr(&output));
    output
}

/// The lines of this event.
fn events(output: &Output, event: &str) -> Vec<Value> {
    lines(output).into_iter().filter(|line| line["event"] == event).collect()
}

/// Asserts that the event has one line, outside any request, with this help text.
fn assert_notice(output: &Output, event: &str, level: &str, help: &str) {
    let notices = events(output, event);
    assert_eq!(notices.len(), 1, "{event}: {:?}", lines(output));
    let notice = &notices[0];
    assert_eq!((&notice["level"], &notice["msg"]), (&level.into(), &event.into()));
    assert_eq!((&notice["logger"], &notice["request_id"]), (&"candor".into(), &"-".into()));
    assert!(notice["help"].as_str().is_some_and(|text| text.contains(help)), "{notice}");
}

#[test]
fn a_built_layer_does_with_its_guard_what_init_does() {
    let output = beside("build", &[]);
    let all = lines(&output);
    let messages: Vec<_> = all.iter().map(|line| line["msg"].as_str().expect("text")).collect();
    let expected = [
        "step_timing",
        "of a library",
        "panic",
        "step_timing",
        "levels_changed",
        "debug",
        "levels_changed",
        "levels_changed",
        "raised",
        "the last line",
    ];
    assert_eq!(messages, expected);
    assert_eq!(stderr(&output), "written 9\n", "flushed before, and nothing is printed");
    assert_eq!(all[2]["request_id"], "r");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("canary"));
}

#[test]
fn the_default_panic_hook_is_replaced_without_a_notice() {
    let output = beside("default-hook", &[]);
    assert_eq!(stderr(&output), "");
    let messages: Vec<_> = lines(&output).iter().map(|line| line["msg"].clone()).collect();
    assert_eq!(messages, ["panic", "step_timing"]);
    let printed = run(&["print"], &[]);
    assert!(stderr(&printed).contains("panicked at"), "{}", stderr(&printed));
    assert!(events(&printed, "panic_hook_kept").is_empty());
}

#[test]
fn another_panic_hook_runs_after_candors() {
    let output = beside("hook-first", &[]);
    assert_eq!(stderr(&output), "the user's hook\n");
    assert_eq!(events(&output, "panic").len(), 1);
    assert_notice(&output, "panic_hook_kept", "INFO", "unredacted");
    let quiet = beside("hook-first", &[("LOG_LEVEL", "warn")]);
    assert!(events(&quiet, "panic_hook_kept").is_empty());
}

#[test]
fn a_panic_hook_that_replaced_candors_is_noticed_once() {
    let output = beside("hook-later", &[]);
    assert_eq!(stderr(&output), "the user's hook\n".repeat(2));
    assert!(events(&output, "panic").is_empty());
    assert_notice(&output, "panic_hook_replaced", "WARN", "`Logging::install_panic_hook` after it");
}

/// `resume_unwind` runs no hook.
#[test]
fn a_panic_that_is_resumed_is_not_taken_for_a_replaced_hook() {
    let output = beside("resumed", &[]);
    assert!(events(&output, "panic_hook_replaced").is_empty());
    assert_eq!((events(&output, "step_timing").len(), events(&output, "panic").len()), (4, 1));
}

#[test]
fn the_panic_hook_can_be_installed_again_and_writes_one_line() {
    let output = beside("hook-between", &[]);
    assert_eq!(stderr(&output), "the user's hook\n");
    assert_eq!(events(&output, "panic").len(), 1);
    assert!(events(&output, "panic_hook_replaced").is_empty());
}

#[test]
fn another_logger_of_the_log_crate_is_noticed_once() {
    let output = beside("logger-first", &[]);
    assert_notice(&output, "logger_taken", "WARN", "install candor first");
    assert_eq!(stderr(&output), "other logger: of a library\n");
    assert_eq!(lines(&output).len(), 2);
}

#[test]
fn a_filter_that_hides_candors_lines_is_noticed_once() {
    let output = beside("filtered", &[]);
    assert_notice(&output, "lines_filtered", "WARN", "\"fixture::beside\" at INFO");
    assert_eq!(lines(&output).len(), 1);
    assert!(lines(&beside("filtered", &[("LOG_LEVEL", "warn")])).is_empty(), "nothing is hidden");
    let unfiltered = beside("unfiltered", &[]);
    assert!(events(&unfiltered, "lines_filtered").is_empty());
    assert_eq!(lines(&unfiltered).len(), 1);
}

#[test]
fn a_layer_that_hides_candors_layer_is_noticed_once() {
    let output = beside("reload", &[]);
    assert_notice(&output, "layer_hidden", "WARN", "`Logging::set_levels`");
    assert_eq!(events(&output, "step_timing").len(), 1);
}
