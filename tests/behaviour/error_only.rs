//! Error-only steps, which write a line only if they fail: their failures form the same tree as at INFO.

use std::process::Command;

use candor_tests::check;
use serde_json::Value;

/// Name, step id and parent id of the lines of a request.
fn steps_of(request: &str) -> Vec<(String, u64, u64)> {
    let number = |line: &Value, key: &str| line[key].as_u64().expect("a number");
    lines(request)
        .iter()
        .filter(|line| line["event"] != "panic" && line["msg"] != "panic")
        .filter_map(|line| {
            let name = line.get("step").or_else(|| line.get("operation"))?.as_str()?.to_owned();
            Some((name, number(line, "step_id"), number(line, "parent_id")))
        })
        .collect()
}

fn all_lines() -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_fixture"))
        .arg("error_only")
        .env_clear()
        .env("LOG_LEVEL", "warn")
        .output()
        .expect("the fixture runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let all = text.lines().map(|line| {
        check(line);
        serde_json::from_str(line).expect("JSON")
    });
    all.collect()
}

fn lines(request: &str) -> Vec<Value> {
    let all = all_lines().into_iter();
    let own: Vec<Value> = all.filter(|line| line["request_id"] == request).collect();
    let numbers: Vec<_> = own.iter().filter_map(|line| line["seq"].as_u64()).collect();
    let expected: Vec<u64> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "no gap in `seq`");
    own
}

fn named(steps: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    steps.iter().map(|(name, step, parent)| ((*name).to_owned(), *step, *parent)).collect()
}

#[test]
fn a_successful_step_writes_nothing() {
    assert!(lines("ok").is_empty());
}

#[test]
fn failures_form_the_same_tree_as_at_info() {
    let expected = [("leaf", 4, 2), ("middle", 2, 1), ("outer", 1, 0)];
    assert_eq!(steps_of("tree"), named(&expected));
    let again = [("leaf", 8, 6), ("middle", 6, 5), ("outer", 5, 0)];
    assert_eq!(steps_of("again"), named(&[expected, again].concat()));
}

#[test]
fn an_error_line_has_the_same_fields_as_at_info() {
    let lines = lines("tree");
    let [leaf, middle, _] = &lines[..] else { panic!("{lines:?}") };
    for (key, value) in [("level", "WARN"), ("outcome", "error"), ("error", "Refused")] {
        assert_eq!(middle[key], value);
    }
    assert_eq!(middle["error_detail"], "refused");
    assert!(middle["duration_ms"].is_f64() && middle["offset_ms"].is_f64());
    assert!(middle["duration_ms"].as_f64() >= leaf["duration_ms"].as_f64());
    assert_eq!((&middle["tried"], leaf.get("tried")), (&Value::from(1), None));
}

#[test]
fn an_error_returned_by_a_question_mark_is_logged() {
    assert_eq!(steps_of("located"), named(&[("leaf", 2, 1), ("located", 1, 0)]));
}

#[test]
fn a_panic_is_an_error_with_the_recorded_fields() {
    let lines = lines("panic");
    let line = lines.iter().find(|line| line["step"] == "panics").expect("a line");
    assert_eq!((&line["outcome"], &line["level"]), (&"panicked".into(), &"ERROR".into()));
    assert_eq!(line["before"], 2);
}

#[test]
fn steps_that_are_not_error_only_have_a_place_in_the_tree() {
    assert_eq!(steps_of("call"), named(&[("leaf", 3, 2), ("charge", 2, 1), ("pay", 1, 0)]));
    assert_eq!(steps_of("fields"), named(&[("leaf", 2, 1), ("with_fields", 1, 0)]));
    assert_eq!(lines("fields")[1]["id"], 7);
    assert_eq!(steps_of("guard"), named(&[("leaf", 3, 2), ("guard", 2, 1), ("guarded", 1, 0)]));
}

#[test]
fn work_on_other_threads_has_a_place_in_the_tree() {
    let expected = [("leaf", 5, 3), ("middle", 3, 2), ("waits", 2, 1), ("spawns", 1, 0)];
    assert_eq!(steps_of("spawn"), named(&expected));
}

#[test]
fn a_handled_error_is_not_logged_by_the_caller() {
    assert_eq!(steps_of("handled"), named(&[("leaf", 2, 1)]));
}

#[test]
fn an_inner_request_counts_its_own_steps() {
    assert_eq!(steps_of("inner"), named(&[("leaf", 1, 0)]));
    assert_eq!(steps_of("other"), named(&[("leaf", 2, 1), ("other_request", 1, 0)]));
}

#[test]
fn a_guard_that_outlives_its_error_only_step_leaves_no_open_step() {
    // `begin` opens a second step beside the one of its guard, and that one writes no line here.
    let steps = steps_of("outlived");
    let [(name, _, parent)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((name.as_str(), *parent), ("leaf", 0));
}

#[test]
fn a_guard_that_ends_inside_an_error_only_step_closes_only_itself() {
    let lines = lines("ended");
    let of = |name: &str| lines.iter().rfind(|line| line["step"] == name).expect("a line");
    assert_eq!((&of("ends")["ended"], &of("has_its_guard_ended")["rows"]), (&1.into(), &3.into()));
    assert_eq!(of("ends").get("rows"), None);
    assert_eq!(of("leaf")["parent_id"], of("has_its_guard_ended")["step_id"]);
}

#[test]
fn a_step_that_leaves_its_request_does_not_log_in_another() {
    let steps = steps_of("left");
    assert_eq!(steps.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["around"]);
}

#[test]
fn a_guard_dropped_below_others_does_not_take_their_fields() {
    let lines = lines("below");
    let ended = lines.iter().find(|line| line["step"] == "below").expect("a line");
    assert_eq!(ended["kept"], 1);
    let first = lines.iter().find(|line| line["step"] == "leaf").expect("a line");
    assert_eq!(first["parent_id"], ended["step_id"]);
}

#[test]
fn all_error_only_steps_are_counted_on_completion() {
    let end = all_lines().into_iter().find(|line| line["event"] == "job_completed");
    // `outer`, `middle` and two of `leaf` succeed; `handled` and its `leaf` fail.
    assert_eq!(end.expect("a line")["steps"], 6);
}

#[test]
fn bug_a_step_that_was_popped_later_added_the_time_of_inner_steps_to_the_step_around_it() {
    for job in ["out of order", "aside"] {
        let end = all_lines().into_iter().find(|line| line["job"] == job);
        assert_eq!(end.expect("a line")["slowest_step"], "sleeps", "{job}");
    }
}

#[test]
fn outside_a_request_no_line_has_a_step_id() {
    let lines = lines("-");
    let steps: Vec<_> = lines.iter().map(|line| &line["step"]).collect();
    // The first step left its request.
    assert_eq!(steps, ["leaves", "leaf", "middle", "outer"]);
    assert!(lines.iter().all(|line| line.get("step_id").is_none() && line.get("seq").is_none()));
}
