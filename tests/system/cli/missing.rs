//! Stories of requests with missing lines.

use super::*;

fn story(lines: &[String]) -> String {
    let said = candor_at("160", &["story", "r-7", "-"], &joined(lines));
    assert_eq!(said.code, Some(0), "{}", said.err);
    said.out
}

/// A request that answered 404 although all its steps went well.
fn refused(rest: &str) -> Vec<String> {
    vec![
        line("r-7", 30_000, "INFO", 1, &step("price", 10.0, "ok", 2, 1, 20.0)),
        line("r-7", 40_000, "INFO", 2, &step("stock", 5.0, "ok", 3, 1, 35.0)),
        line("r-7", 98_000, "INFO", 3, &step("place_order", 97.0, "ok", 1, 0, 1.0)),
        line("r-7", 100_000, "INFO", 4, &completed(100.0, 404, "ok", rest)),
    ]
}

#[test]
fn everything_went_well_only_if_every_line_is_there() {
    const WELL: &str = "responded with 404; every step and call succeeded";
    const UNKNOWN: &str = "responded with 404; the lines that were found do not show the cause, and others are missing";
    assert!(story(&refused("")).contains(WELL));
    for (lost, gap) in [(0..1, "1"), (1..2, "2"), (0..2, "1–2"), (2..3, "3"), (0..3, "1–3")] {
        let mut lines = refused("");
        let count = lost.len();
        lines.drain(lost);
        let shown = story(&lines);
        let missing = if count == 1 { "1 line is" } else { &format!("{count} lines are") };
        assert!(shown.contains(&format!("! {missing} missing (seq {gap}): ")), "{shown}");
        assert!(shown.contains(UNKNOWN) && !shown.contains("succeeded"), "{shown}");
    }
    // Lines that were left out when they were written.
    for left_out in ["lines_suppressed", "lines_sampled_away", "lines_recorded_lost"] {
        let shown = story(&refused(&format!(",\"{left_out}\":3")));
        assert!(shown.contains(UNKNOWN), "{left_out}: {shown}");
    }
    // A step that other lines name, and whose own line has no number.
    let lines = vec![
        line("r-7", 30_000, "INFO", 1, &step("price", 10.0, "ok", 2, 1, 20.0)),
        line("r-7", 100_000, "INFO", 2, &completed(100.0, 404, "ok", "")),
    ];
    assert!(story(&lines).contains(UNKNOWN));
}

#[test]
fn an_end_that_is_missing_is_not_one_that_was_never_written() {
    // Warnings alone may be all that LOG_LEVEL=warn writes.
    let warning = |seq| line("r-7", 35_000, "WARN", seq, "\"stock\":3");
    assert!(story(&[warning(1)]).contains("no completion line is written for it"));
    // But not if other lines are missing.
    let shown = story(&[warning(3)]);
    assert!(
        shown.contains("the completion line is missing") && shown.contains("(seq 1–2)"),
        "{shown}"
    );
    // The last lines.
    let shown = story(&failing("r-7")[..4]);
    assert!(
        shown.contains("! the completion line is missing: the request was still running"),
        "{shown}"
    );
}

#[test]
fn all_gaps_of_one_service_are_named_in_one_note() {
    let lines: Vec<String> = (1..=40)
        .filter(|seq| ![2, 5, 6, 7, 20].contains(seq))
        .map(|seq| line("r-7", seq * 1000, "INFO", seq, ""))
        .chain([line("r-7", 100_000, "INFO", 41, &completed(100.0, 200, "ok", ""))])
        .collect();
    let shown = story(&lines);
    assert!(
        shown.contains("! 5 lines are missing (seq 2, 5–7, 20): steps, calls and errors"),
        "{shown}"
    );
    // Too many gaps for a note are still in the tree.
    let lines: Vec<String> =
        (1..=40).map(|index| line("r-7", index * 1000, "INFO", index * 2, "")).collect();
    let shown = story(&lines);
    assert!(
        shown.contains("! 40 lines are missing (seq 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, …)"),
        "{shown}"
    );
    assert_eq!(shown.matches("1 line missing (seq ").count(), 40);
    // Each service has numbers of its own.
    let other = failing("r-7").into_iter().skip(2);
    let other = other.map(|line| line.replace("\"s1\"", "\"s2\""));
    let both: Vec<String> = failing("r-7").into_iter().chain(other).collect();
    let shown = story(&both);
    assert_eq!(shown.matches("2 lines are missing (seq 1–2)").count(), 1, "{shown}");
}

#[test]
fn the_list_says_which_requests_lack_lines() {
    let mut lines = failing("r-7");
    lines.remove(1);
    lines.extend(failing("r-8"));
    let said = candor(&["requests", "-"], &joined(&lines));
    let one = "candor: 1 request has lines that are not in the input; its story lists them\n";
    assert_eq!((said.code, said.err.as_str()), (Some(0), one));
    // A copy of a file has no missing lines.
    let copies = [failing("r-7"), failing("r-7")].concat();
    assert_eq!(candor(&["requests", "-"], &joined(&copies)).err, "");
    // Neither does a request whose lines are in several files, in any order.
    let mut reversed = failing("r-7");
    reversed.reverse();
    assert_eq!(candor(&["requests", "-"], &joined(&reversed)).err, "");
    lines.remove(5);
    let said = candor(&["requests", "-"], &joined(&lines));
    assert!(
        said.err.starts_with("candor: 2 requests have lines that are not in the input"),
        "{}",
        said.err
    );
}

#[test]
fn a_cause_whose_line_is_missing_is_the_one_that_the_end_names() {
    let mut lines = failing("r-7");
    // The failed call. The step around it failed too.
    lines.remove(2);
    let shown = story(&lines);
    let wanted = "likely cause  payments charge: timeout, according to the completion line; its own line is missing";
    assert!(shown.contains(wanted) && shown.contains("(seq 3)"), "{shown}");
}
