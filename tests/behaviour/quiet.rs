//! Steps of which only a bad end could write a line: they cost a clock reading, and their story is whole all the
//! same.

use std::process::Command;

use candor_tests::check;
use serde_json::Value;

/// Step, number and parent's number of the lines of a request.
fn story(request: &str) -> Vec<(String, u64, u64)> {
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
        .arg("quiet")
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

fn named(story: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    story.iter().map(|(name, step, parent)| ((*name).to_owned(), *step, *parent)).collect()
}

#[test]
fn a_good_end_writes_nothing() {
    assert!(lines("ok").is_empty());
}

#[test]
fn bad_ends_are_the_same_tree() {
    let expected = [("leaf", 3, 2), ("middle", 2, 1), ("outer", 1, 0)];
    assert_eq!(story("tree"), named(&expected));
    let again = [("leaf", 6, 5), ("middle", 5, 4), ("outer", 4, 0)];
    assert_eq!(story("again"), named(&[expected, again].concat()));
}

#[test]
fn a_line_says_all_that_it_says_elsewhere() {
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
fn an_error_that_is_left_by_a_question_mark_is_known() {
    assert_eq!(story("located"), named(&[("leaf", 2, 1), ("located", 1, 0)]));
}

#[test]
fn a_panic_is_an_error_with_what_was_recorded() {
    let lines = lines("panic");
    let line = lines.iter().find(|line| line["step"] == "panics").expect("a line");
    assert_eq!((&line["outcome"], &line["level"]), (&"panicked".into(), &"ERROR".into()));
    assert_eq!(line["before"], 2);
}

#[test]
fn what_is_not_quiet_stands_in_the_tree() {
    assert_eq!(story("call"), named(&[("leaf", 3, 2), ("charge", 2, 1), ("pay", 1, 0)]));
    assert_eq!(story("fields"), named(&[("leaf", 2, 1), ("with_fields", 1, 0)]));
    assert_eq!(lines("fields")[1]["id"], 7);
    assert_eq!(story("guard"), named(&[("leaf", 3, 2), ("guard", 2, 1), ("guarded", 1, 0)]));
}

#[test]
fn work_elsewhere_stands_in_the_tree() {
    let expected = [("leaf", 4, 3), ("middle", 3, 2), ("waits", 2, 1), ("spawns", 1, 0)];
    assert_eq!(story("spawn"), named(&expected));
}

#[test]
fn an_error_that_was_handled_is_not_its_callers() {
    assert_eq!(story("handled"), named(&[("leaf", 2, 1)]));
}

#[test]
fn another_request_inside_has_steps_of_its_own() {
    assert_eq!(story("inner"), named(&[("leaf", 1, 0)]));
    assert_eq!(story("other"), named(&[("leaf", 2, 1), ("other_request", 1, 0)]));
}

#[test]
fn a_guard_that_outlives_its_quiet_step_leaves_nothing_open() {
    // `begin` opens a step beside its guard's, which is written at no level here.
    let story = story("outlived");
    let [(name, _, parent)] = &story[..] else { panic!("{story:?}") };
    assert_eq!((name.as_str(), *parent), ("leaf", 0));
}

#[test]
fn a_guard_that_ends_inside_a_quiet_step_closes_no_other() {
    let lines = lines("ended");
    let of = |name: &str| lines.iter().rfind(|line| line["step"] == name).expect("a line");
    assert_eq!((&of("ends")["ended"], &of("has_its_guard_ended")["rows"]), (&1.into(), &3.into()));
    assert_eq!(of("ends").get("rows"), None);
    assert_eq!(of("leaf")["parent_id"], of("has_its_guard_ended")["step_id"]);
}

#[test]
fn a_step_that_leaves_its_request_writes_into_no_other() {
    let story = story("left");
    assert_eq!(story.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["around"]);
}

#[test]
fn a_guard_that_goes_from_below_takes_no_fields_along() {
    let lines = lines("below");
    let ended = lines.iter().find(|line| line["step"] == "below").expect("a line");
    assert_eq!(ended["kept"], 1);
    let first = lines.iter().find(|line| line["step"] == "leaf").expect("a line");
    assert_eq!(first["parent_id"], ended["step_id"]);
}

#[test]
fn all_are_counted_at_the_end() {
    let end = all_lines().into_iter().find(|line| line["event"] == "job_completed");
    // `outer`, `middle` and two of `leaf` went well; `handled` and its `leaf` did not.
    assert_eq!(end.expect("a line")["steps"], 6);
}

#[test]
fn outside_requests_no_line_has_a_number() {
    let lines = lines("-");
    let steps: Vec<_> = lines.iter().map(|line| &line["step"]).collect();
    // The first left the request that it ran in.
    assert_eq!(steps, ["leaves", "leaf", "middle", "outer"]);
    assert!(lines.iter().all(|line| line.get("step_id").is_none() && line.get("seq").is_none()));
}
