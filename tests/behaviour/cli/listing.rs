//! `candor requests` and `candor steps`: what they list of many requests.

use super::*;

/// Ten requests, the later the slower; the fourth fails.
fn ten() -> Vec<u8> {
    let mut lines = Vec::new();
    for number in 0..10_u64 {
        let id = format!("r-{number}");
        let at = number * 60_000_000;
        let ms = 10.0 * (number + 1) as f64;
        let fails = number == 3;
        let error = fails.then_some("timeout");
        lines.push(line(
            &id,
            at + 1,
            "INFO",
            1,
            &call("payments", "charge", ms / 2.0, error, 2, 1, 0.0),
        ));
        lines.push(line(&id, at + 2, "INFO", 2, &step("place_order", ms, "ok", 1, 0, 0.0)));
        let end = if fails {
            completed(
                ms,
                504,
                "error",
                ",\"cause\":{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":2,\"category\":\"timeout\"}",
            )
        } else {
            completed(ms, 200, "ok", ",\"slowest_step\":\"charge\"")
        };
        let end = line(&id, at + 3, "INFO", 3, &end);
        lines.push(if number == 9 {
            end.replace("/orders", "/slow").replace("\"41\"", "\"42\"")
        } else {
            end
        });
    }
    joined(&lines)
}

fn ids(args: &[&str]) -> Vec<String> {
    let said = candor(&[&["requests", "-", "--json"], args].concat(), &ten());
    let id = |row: &Value| {
        row["request_id"].as_str().expect("an id").trim_start_matches("r-").to_owned()
    };
    said.json().iter().map(id).collect()
}

#[test]
fn requests_are_chosen_and_ordered_by_what_is_asked() {
    assert_eq!(ids(&["--top", "3"]), ["3", "9", "8"], "the failed, then the slowest");
    assert_eq!(ids(&["--slow", "--top", "2"]), ["9", "8"]);
    assert_eq!(ids(&["--slow=85"]), ["9", "8"]);
    assert_eq!(ids(&["--slow=0.09s"]), ["9", "8"]);
    assert_eq!(ids(&["--failed"]), ["3"]);
    assert_eq!(ids(&["--path", "/sl"]), ["9"]);
    assert_eq!(ids(&["--user", "42"]), ["9"]);
    assert_eq!(
        ids(&["--since", "90s", "--slow"]),
        ["9", "8"],
        "before the last line, not before now"
    );
    assert_eq!(ids(&["--since", "2026-11-22T10:08:00Z"]), ["9", "8"]);
}

#[test]
fn requests_are_a_table_with_what_to_ask_next() {
    let said = candor(&["requests", "-", "--top", "2"], &ten());
    let wanted = "\
ended         request  what          status         took  deps  cause, or slowest step
10:03:00.000  r-3      POST /orders  504 error   40.0 ms        payments charge: timeout
10:09:00.000  r-9      POST /slow    200          100 ms        charge
";
    let shown = said.out.replacen("request                ", "request  what          ", 1);
    assert_eq!(shown, wanted);
    let said = candor(&["requests", "-", "--user", "nobody"], &ten());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(said.err, "candor: no request of the input is one of these\n");
}

#[test]
fn a_time_that_is_none_is_refused_with_what_is_one() {
    let said = candor(&["requests", "-", "--since", "15"], b"");
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("is neither a time such as 2026-11-22T10:00:00Z nor a span such as 15m"),
        "{}",
        said.err
    );
}

#[test]
fn steps_and_calls_have_their_counts_and_percentiles() {
    let said = candor(&["steps", "-", "--json"], &ten());
    let rows = said.json();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["step"], &rows[0]["count"], &rows[0]["errors"]),
        (&"place_order".into(), &10.into(), &0.into())
    );
    assert_eq!(
        (&rows[1]["dependency"], &rows[1]["operation"]),
        (&"payments".into(), &"charge".into())
    );
    assert_eq!(rows[1]["errors"], 1);
    let near = |value: &Value, wanted: f64| {
        (value.as_f64().expect("a number") / wanted - 1.0).abs() < 0.02
    };
    for (key, wanted) in [
        ("p50_ms", 50.0),
        ("p95_ms", 100.0),
        ("p99_ms", 100.0),
        ("max_ms", 100.0),
        ("total_ms", 550.0),
        ("share", 1.0),
    ] {
        assert!(near(&rows[0][key], wanted), "{key} is {}", rows[0][key]);
    }
    assert!(near(&rows[1]["share"], 0.5), "{}", rows[1]);
    let table = candor(&["steps", "-"], &ten()).out;
    assert!(table.starts_with("steps ") && table.contains("\ndependency calls "), "{table}");
    assert!(table.contains("share: of the 550 ms of 10 requests"), "{table}");
}

#[test]
fn steps_of_two_services_are_told_apart() {
    let input = String::from_utf8(ten()).expect("UTF-8");
    let other = input.replace("\"trace_id\"", "\"service\":\"edge\",\"trace_id\"");
    let rows = candor(&["steps", "-", "--json"], format!("{input}{other}").as_bytes()).json();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows.iter().filter(|row| row["service"] == "edge").count(), 2);
}

#[test]
fn a_nested_value_can_t_pass_for_a_step() {
    // The fixed keys of a foreign event, and in one of its fields what looks like a step.
    let forged = line(
        "r",
        1,
        "INFO",
        1,
        "\"body\":{\"a\":1,\"event\":\"step_timing\",\"step\":\"forged\",\"duration_ms\":1.000}",
    );
    let said = candor(&["steps", "-"], &joined(&[forged]));
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
}

#[test]
fn more_names_than_anyone_reads_take_bounded_memory() {
    let lines: Vec<String> = (0..5_000)
        .map(|number| {
            line(
                "r",
                number,
                "INFO",
                number + 1,
                &step(&format!("s{number}"), 1.0, "ok", number + 1, 0, 0.0),
            )
        })
        .collect();
    let rows = candor(&["steps", "-", "--json", "--top", "0"], &joined(&lines)).json();
    assert_eq!(rows.len(), 2_001);
    assert_eq!(rows[0]["step"], "(others)");
    assert_eq!(rows[0]["count"], 3_000);
}
