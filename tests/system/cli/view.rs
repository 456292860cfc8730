//! `candor view`: lines in a readable form, with filters.

use super::*;

fn lines() -> Vec<u8> {
    let order = r#""event":"step_timing","step":"place_order","duration_ms":405.156,"outcome":"error","step_id":1,"parent_id":0,"offset_ms":0.163,"order":{"customer_id":41,"tags":["new","gift"]},"error":"timeout","error_type":"orders::Timeout""#;
    let event = r#""sku":"tea","http.route":"/orders""#;
    let mut all = vec![
        line(
            "01a20528-7914-7420",
            1_000,
            "INFO",
            1,
            &call("payments", "charge", 402.0, Some("timeout"), 2, 1, 3.5),
        ),
        line("01a20528-7914-7420", 2_000, "WARN", 2, order),
        line("01a20528-7914-7420", 3_000, "ERROR", 3, &completed(405.5, 504, "error", "")),
        line("01a20529-0000-0000", 60_000_000, "DEBUG", 1, event),
    ];
    all[3] = all[3].replace("\"logger\":\"", "\"logger\":\"cart::");
    joined(&all)
}

/// The number of rows with a time, one for each line that is shown.
fn shown(args: &[&str]) -> usize {
    let said = candor(&[&["view", "-", "--json"], args].concat(), &lines());
    said.out.lines().count()
}

#[test]
fn a_line_is_a_row_with_its_time_level_logger_request_message_and_fields() {
    let said = candor(&["view", "-", "--level", "warn"], &lines());
    let rows: Vec<&str> = said.out.lines().collect();
    assert_eq!(rows[0], "2026-11-22");
    assert!(rows[1].starts_with("10:00:00.002  WARN  "), "{}", rows[1]);
    assert!(
        rows[1].contains(" 01a20528-7914  place_order 405 ms  outcome=error  error=timeout"),
        "{}",
        rows[1]
    );
    assert!(said.out.contains(r#"order={"customer_id":41,"tags":["new","gift"]}"#), "{}", said.out);
    assert!(!said.out.contains("step_id"), "only with --all");
    let all = candor(&["view", "-", "--level", "warn", "--all"], &lines());
    assert!(all.out.contains("  step_id=1"), "{}", all.out);
}

#[test]
fn lines_are_chosen_by_level_logger_request_text_and_time() {
    assert_eq!(shown(&[]), 4);
    assert_eq!(shown(&["--level", "debug"]), 4);
    assert_eq!(shown(&["--level", "info"]), 3);
    assert_eq!(shown(&["--level", "WARNING"]), 2);
    assert_eq!(shown(&["--logger", "cart"]), 1);
    assert_eq!(shown(&["--request", "01a20528"]), 3);
    assert_eq!(shown(&["--request", "…7420"]), 3, "the end, as the pretty format shows it");
    assert_eq!(shown(&["--grep", "TIMEOUT"]), 2);
    assert_eq!(shown(&["--since", "30s"]), 1, "before the last line");
    assert_eq!(shown(&["--until", "30s"]), 3);
    assert_eq!(
        shown(&["--since", "2026-11-22T10:00:00.002Z", "--until", "2026-11-22T10:00:00.003Z"]),
        1
    );
}

#[test]
fn lines_are_chosen_by_fields() {
    assert_eq!(shown(&["--where", "dependency=payments"]), 1);
    assert_eq!(shown(&["--where", "order.customer_id=41"]), 1);
    assert_eq!(shown(&["-w", "order.tags.1=gift"]), 1);
    assert_eq!(shown(&["--where", "http.route=/orders"]), 1, "a key with a dot");
    assert_eq!(shown(&["--where", "duration_ms>402"]), 2);
    assert_eq!(shown(&["--where", "duration_ms>=402"]), 3);
    assert_eq!(shown(&["--where", "duration_ms<402.5"]), 1);
    assert_eq!(shown(&["--where", "sku"]), 1);
    assert_eq!(shown(&["--where", "error~TIME", "--where", "level=WARN"]), 1, "all must match");
    assert_eq!(shown(&["--where", "sku!=tea"]), 3, "a line without the field differs");
    assert_eq!(shown(&["--where", "order.tags.9=x"]), 0);
}

#[test]
fn a_condition_that_is_none_is_refused_with_one_that_is() {
    for (condition, why) in [
        ("=x", "`=x` has no key; expected a condition such as status=504"),
        ("status>many", "`many` is not a number; expected a condition such as duration_ms>250"),
        ("a!b", "`a!b` is not a condition; expected one such as status=504"),
    ] {
        let said = candor(&["view", "-", "--where", condition], &lines());
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains(why), "{}", said.err);
    }
    let said = candor(&["view", "-", "--level", "loud"], &lines());
    assert!(said.err.contains("[possible values: debug, info, warn, error]"), "{}", said.err);
}

#[test]
fn times_are_utc_local_or_since_the_first_line() {
    let said = candor(&["view", "-", "--relative"], &lines());
    let starts: Vec<&str> =
        said.out.lines().filter(|row| row.starts_with('+')).map(|row| row[..9].trim()).collect();
    assert_eq!(starts, ["+0.00 ms", "+1.00 ms", "+2.00 ms", "+60.0 s"]);
}

#[test]
fn json_is_written_as_it_was_read() {
    let said = candor(&["view", "-", "--json", "--level", "warn"], &lines());
    let read = String::from_utf8(lines()).expect("UTF-8");
    let wanted: Vec<&str> = read.lines().skip(1).take(2).collect();
    assert_eq!(said.out.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn json_has_no_character_that_controls_the_terminal() {
    let raw = line("r-1", 0, "INFO", 1, "\"note\":\"a\u{1b}[2J\u{202e}b\"");
    let said = candor(&["view", "-", "--json"], &joined(&[raw]));
    assert!(said.out.contains(r"a\u001b[2J\u202eb"), "{}", said.out);
    assert_eq!(said.json()[0]["note"], "a\u{1b}[2J\u{202e}b");
}

#[test]
fn nothing_found_is_said_and_exits_with_1() {
    let said = candor(&["view", "-", "--where", "nobody=1"], &lines());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(said.err, "candor: no matching lines\n");
}

#[test]
fn no_row_is_wider_than_the_screen_or_has_a_control_character() {
    let long = format!(r#""note":"{}\u001b[2J{}""#, "word ".repeat(60), "z".repeat(300));
    let said = candor(&["view", "-"], &joined(&[line("r-1", 0, "INFO", 1, &long)]));
    assert!(said.out.lines().all(|row| row.chars().count() <= 120), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'));
    assert_eq!(said.out.matches('z').count(), 300, "nothing is cut");
}
