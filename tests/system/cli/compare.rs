//! `candor steps`: outcomes, percentiles of few durations, the chart, and two logs side by side.

use super::*;

/// Steps of this name, whose durations are spread evenly over 1 ms to `ms`.
fn steps(name: &str, count: u64, ms: f64) -> Vec<String> {
    let duration = |number: u64| 1.0 + (ms - 1.0) * (number * 7_919 % count) as f64 / count as f64;
    (0..count)
        .map(|number| {
            line("r-1", number, "INFO", 1, &step(name, duration(number), "ok", 1, 0, 0.0))
        })
        .collect()
}

/// Six calls: one is ok, one fails, one panics, two are refused, and one is cancelled.
fn outcomes() -> Vec<u8> {
    let of = |level: &str, outcome: &str| {
        let call = call("payments", "charge", 10.0, None, 2, 1, 0.0);
        let call = call.replace("\"outcome\":\"ok\"", &format!("\"outcome\":\"{outcome}\""));
        line("r-1", 1_000, level, 1, &call)
    };
    joined(&[
        of("INFO", "ok"),
        of("ERROR", "error"),
        of("ERROR", "panicked"),
        of("WARN", "error"),
        of("WARN", "error"),
        of("WARN", "cancelled"),
        // A step that fails is at WARN too, but nobody refused it.
        line("r-1", 2_000, "WARN", 2, &step("place_order", 20.0, "error", 1, 0, 0.0)),
    ])
}

#[test]
fn failed_refused_and_cancelled_are_counted_apart() {
    let rows = candor(&["steps", "-", "--json"], &outcomes()).json();
    let counts = |row: &Value| {
        ["count", "failed", "refused", "cancelled"].map(|key| row[key].as_u64().expect("a count"))
    };
    assert_eq!(counts(&rows[0]), [1, 1, 0, 0]);
    assert_eq!(counts(&rows[1]), [6, 2, 2, 1]);
    let said = candor(&["steps", "-"], &outcomes());
    let row: Vec<&str> = said.out.lines().nth(4).expect("a row").split_whitespace().collect();
    assert_eq!(row[..6], ["payments", "charge", "6", "2", "2", "1"], "{}", said.out);
    assert!(said.out.contains("refused: the dependency rejected the call"), "{}", said.out);
    // A log in another format has the level too, and one without refusals has no column for them.
    let other = String::from_utf8(outcomes()).expect("UTF-8").replace("{\"ts\"", "{ \"ts\"");
    assert_eq!(candor(&["steps", "-"], other.as_bytes()).out, said.out);
    let said = candor(&["steps", "-"], &joined(&steps("load", 10, 5.0)));
    assert!(said.out.contains("failed") && !said.out.contains("refused"), "{}", said.out);
}

#[test]
fn a_percentile_that_would_only_be_the_maximum_is_not_shown() {
    let shown = |count: u64| {
        let said = candor(&["steps", "-", "--json"], &joined(&steps("load", count, 100.0)));
        let row = said.json().remove(0);
        ["p50_ms", "p95_ms", "p99_ms"].map(|key| !row[key].is_null())
    };
    assert_eq!(shown(1), [false, false, false]);
    assert_eq!(shown(2), [true, false, false]);
    assert_eq!(shown(19), [true, false, false]);
    assert_eq!(shown(20), [true, true, false]);
    assert_eq!(shown(99), [true, true, false]);
    assert_eq!(shown(100), [true, true, true]);
    // The table has a column if one row has the percentile.
    let few = candor(&["steps", "-"], &joined(&steps("load", 6, 100.0))).out;
    let head = few.lines().next().expect("a head");
    assert!(head.contains(" p50 ") && head.contains(" max ") && !head.contains(" p99 "), "{few}");
    assert!(few.contains("20 for p95 and 100 for p99"), "{few}");
    let mixed = [steps("load", 6, 100.0), steps("save", 100, 50.0)].concat();
    let mixed = candor(&["steps", "-"], &joined(&mixed)).out;
    let load = mixed.lines().find(|row| row.starts_with("load ")).expect("a row");
    assert!(mixed.contains(" p99 ") && load.contains(" – "), "{mixed}");
}

#[test]
fn the_chart_has_an_axis_with_powers_of_ten() {
    let input = [steps("load", 30, 90.0), steps("save", 30, 3_000.0)].concat();
    for columns in ["120", "200"] {
        let said = candor_at(columns, &["steps", "-"], &joined(&input));
        let head = said.out.lines().next().expect("a head");
        assert!(head.contains("▏1 ms") && head.ends_with("10 s▕"), "{head}");
        // A duration of 1 ms is at the left edge.
        let at = |text: &str, c: char| text.chars().position(|other| other == c);
        let start = at(head, '▏').expect("a tick");
        let bars = said.out.lines().nth(1).expect("a row").chars().nth(start).expect("a bar");
        assert!("▁▂▃▄▅▆▇█".contains(bars), "{}", said.out);
    }
}

/// Compares two logs, and returns the objects.
fn compared(before: &[String], after: &[String]) -> Vec<Value> {
    let folder = Folder::new(&format!("compare-{}-{}", before.len(), after.len()));
    let before = folder.file("before.log", &joined(before));
    candor(&["steps", "-", "--compare", &before, "--json"], &joined(after)).json()
}

#[test]
fn two_logs_are_compared_and_what_grew_most_is_first() {
    let before = [steps("same", 500, 100.0), steps("slower", 500, 100.0)].concat();
    let before = [before, steps("faster", 500, 100.0), steps("gone", 500, 100.0)].concat();
    let after = [steps("same", 600, 100.0), steps("slower", 500, 300.0)].concat();
    let after = [after, steps("faster", 500, 50.0), steps("new", 500, 100.0)].concat();
    let rows = compared(&before, &after);
    let names: Vec<&str> = rows.iter().map(|row| row["step"].as_str().expect("a name")).collect();
    assert_eq!(names, ["slower", "new", "same", "faster", "gone"]);
    let change = |row: &Value| row["p50_change"].as_f64().expect("a change");
    assert!((change(&rows[0]) - 2.0).abs() < 0.1, "{}", rows[0]);
    assert!((change(&rows[3]) + 0.5).abs() < 0.1, "{}", rows[3]);
    assert_eq!((&rows[2]["p50_change"], &rows[2]["count"]), (&Value::Null, &600.into()));
    assert_eq!(rows[2]["was"]["count"], 500);
    let presence: Vec<&Value> = rows.iter().map(|row| &row["presence"]).collect();
    assert_eq!(presence, ["both", "new", "both", "both", "gone"]);
    assert_eq!(rows[4]["count"], 0);
}

#[test]
fn steps_that_fail_more_often_come_first_and_rows_beyond_top_are_counted() {
    let names: Vec<String> = (0..24).map(|number| format!("step_{number}")).collect();
    let long = names.iter().flat_map(|name| steps(name, 40, 100.0)).collect::<Vec<_>>();
    let short = steps("short", 40, 2.0);
    let failing: Vec<String> =
        short.iter().map(|line| line.replace("\"ok\"", "\"error\"")).collect();
    let slower = steps("slower", 40, 500.0);
    let folder = Folder::new("compare-failures");
    let before = [long.clone(), short.clone(), steps("slower", 40, 100.0)].concat();
    let before = folder.file("before.log", &joined(&before));
    let after = joined(&[long, failing, slower].concat());
    let said = candor(&["steps", "-", "--compare", &before], &after);
    let names: Vec<&str> =
        said.out.lines().skip(1).filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(names[..2], ["short", "slower"], "{}", said.out);
    assert_eq!(said.err, "candor: 6 rows are left out; use --top 0 to list all\n");
    let said = candor(&["steps", "-", "--compare", &before, "--top", "0"], &after);
    assert_eq!(said.err, "");
    // One failure of 40 may be chance.
    let one = [&failing_once(&short)[..], &steps("slower", 40, 500.0)].concat();
    let rows = candor(&["steps", "-", "--compare", &before, "--json"], &joined(&one)).json();
    assert_eq!((&rows[0]["step"], &rows[1]["step"]), (&"slower".into(), &"short".into()));
}

/// The lines, of which the first is a failure.
fn failing_once(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines[0] = lines[0].replace("\"ok\"", "\"error\"");
    lines
}

#[test]
fn refused_and_cancelled_calls_of_two_logs_are_compared() {
    let of = |level: &str, outcome: &str| -> Vec<String> {
        let call = call("payments", "charge", 10.0, None, 2, 1, 0.0);
        let call = call.replace("\"outcome\":\"ok\"", &format!("\"outcome\":\"{outcome}\""));
        (0..50).map(|at| line("r-1", at, level, 1, &call)).collect()
    };
    let folder = Folder::new("compare-refused");
    let before = folder.file("before.log", &joined(&of("INFO", "ok")));
    for (outcome, title) in [("error", "refused"), ("cancelled", "cancelled")] {
        let after = [of("INFO", "ok"), of("WARN", outcome)].concat();
        let said = candor_at("120", &["steps", "-", "--compare", &before], &joined(&after));
        let rows: Vec<Vec<&str>> =
            said.out.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[0][2..8], ["count", "was", "failed", "was", title, "was"], "{}", said.out);
        assert_eq!(rows[1][2..8], ["100", "50", "0%", "0%", "50%", "0%"], "{}", said.out);
    }
}

#[test]
fn a_narrow_table_has_no_change_without_its_value() {
    let folder = Folder::new("compare-narrow");
    let before = folder.file("before.log", &joined(&steps("place_order", 400, 50.0)));
    let after = joined(&steps("place_order", 400, 2_000.0));
    for columns in 30..90 {
        let args = ["steps", "-", "--compare", &before];
        let said = candor_at(&columns.to_string(), &args, &after);
        let head: Vec<&str> = said.out.lines().next().expect("a head").split_whitespace().collect();
        let count = |title: &str| head.iter().filter(|word| **word == title).count();
        let values = count("p50") + count("p99");
        assert!(count("change") <= values, "{columns} columns: {}", said.out);
        let legend = said.out.replace('\n', " ");
        assert_eq!(legend.contains("was: in the other log"), count("was") > 0, "{}", said.out);
        assert_eq!(legend.contains("change: –"), count("change") > 0, "{}", said.out);
    }
}

#[test]
fn noise_is_not_a_change() {
    // Other durations of the same distribution, and more than the percentile differs by five percent.
    let rows = compared(&steps("load", 30, 100.0), &steps("load", 37, 115.0));
    assert_eq!((&rows[0]["p50_change"], &rows[0]["p99_change"]), (&Value::Null, &Value::Null));
    // The p99 of 100 durations rests on one of them.
    let rows = compared(&steps("load", 100, 100.0), &steps("load", 100, 400.0));
    assert!(rows[0]["p50_change"].is_number(), "{}", rows[0]);
    assert_eq!(rows[0]["p99_change"], Value::Null, "{}", rows[0]);
    let rows = compared(&steps("load", 1_000, 100.0), &steps("load", 1_000, 400.0));
    assert!(rows[0]["p99_change"].is_number(), "{}", rows[0]);
}

#[test]
fn the_table_of_two_logs_fits_the_screen() {
    let folder = Folder::new("compare-table");
    let before = [steps("place_order", 400, 50.0), steps("price", 5, 10.0)].concat();
    let before = folder.file("before.log", &joined(&before));
    let after = [steps("place_order", 400, 2_000.0), steps("price", 5, 20.0)].concat();
    for columns in ["80", "120", "200"] {
        let args = ["steps", "-", "--compare", &before];
        let said = candor_at(columns, &args, &joined(&after));
        let width = columns.parse::<usize>().expect("a number");
        assert!(said.out.lines().all(|row| row.chars().count() <= width), "{}", said.out);
        assert!(said.out.contains("p50") && said.out.contains("p99"), "{}", said.out);
        let row = said.out.lines().nth(1).expect("a row");
        assert!(row.starts_with("place_order ") && row.contains("×"), "{}", said.out);
        let price = said.out.lines().nth(2).expect("a row");
        assert!(price.trim_end().ends_with('–'), "{}", said.out);
    }
}

#[test]
fn the_guide_shows_the_output_of_the_command() {
    let log =
        Command::new(env!("CARGO_BIN_EXE_make_log")).arg("2").output().expect("it runs").stdout;
    // A log in which payments takes twice as long.
    let text = String::from_utf8(log.clone()).expect("UTF-8");
    let slower: Vec<String> = text
        .lines()
        .map(|line| {
            let key = "\"duration_ms\":";
            let is_slower = ["payments", "place_order"].iter().any(|name| line.contains(name));
            let (before, rest) = line.split_once(key).expect("a duration");
            let (ms, after) = rest.split_once(',').expect("more keys");
            let ms = ms.parse::<f64>().expect("a number") * if is_slower { 2.0 } else { 1.0 };
            format!("{before}{key}{ms:.3},{after}")
        })
        .collect();
    let slower = joined(&slower);
    let folder = Folder::new("guide");
    let before = folder.file("before.log", &log);
    for (marker, args, input) in [
        ("output: listed requests", &["requests", "-", "--top", "3"][..], log.as_slice()),
        ("output: steps", &["steps", "-"], &log),
        ("output: compare", &["steps", "-", "--compare", &before], &slower),
    ] {
        let said = candor_at("100", args, input).out;
        assert_eq!(said, crate::programs::block("docs/reading.md", marker), "{marker}");
    }
}

#[test]
fn standard_input_is_compared_with_a_file_only() {
    let said = candor(&["steps", "-", "--compare", "-"], b"");
    assert_eq!(said.code, Some(2));
    assert_eq!(
        said.err,
        "candor: standard input can't be compared with itself; give --compare a file\n"
    );
    let said = candor(&["steps", "-", "--compare", "no/such"], b"");
    assert_eq!(said.code, Some(2));
    assert!(said.err.starts_with("candor: can't read no/such: "), "{}", said.err);
}
