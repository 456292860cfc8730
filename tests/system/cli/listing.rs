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

1 of 10 requests failed
";
    let shown = said.out.replacen("request                ", "request  what          ", 1);
    assert_eq!(shown, wanted);
    let said = candor(&["requests", "-", "--user", "nobody"], &ten());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(said.err, "candor: no matching requests\n");
}

/// Of 40 requests, five fail because of payments, two because of stock, one panics, and one is refused.
fn failures() -> Vec<String> {
    let cause = |dependency: &str, category: &str| {
        let category = if category.is_empty() {
            String::new()
        } else {
            format!(",\"category\":\"{category}\"")
        };
        format!(
            ",\"cause\":{{\"step\":\"charge\",\"dependency\":\"{dependency}\",\"step_id\":2{category}}}"
        )
    };
    (0..40_u64)
        .map(|number| {
            let end = match number {
                0..5 => completed(10.0, 504, "error", &cause("payments", "timeout")),
                5..7 => completed(20.0, 500, "error", &cause("stock", "pool")),
                7 => completed(30.0, 500, "panicked", &cause("stock", "")),
                8 => completed(1.0, 404, "ok", ""),
                _ => completed(5.0, 200, "ok", ""),
            };
            line(&format!("r-{number}"), number * 60_000_000, "INFO", 1, &end)
        })
        .collect()
}

#[test]
fn equal_causes_are_counted_and_the_last_line_has_the_totals() {
    let said = candor(&["requests", "-", "--top", "1"], &joined(&failures()));
    let (_, below) = said.out.split_once("\n\n").expect("a section");
    let wanted = "\
causes of the 8 failed requests
  5 × payments charge: timeout  latest r-4
  2 × stock charge: pool        latest r-6
  1 × stock charge: panicked    r-7

8 of 40 requests failed
";
    assert_eq!(below, wanted);
    let alone = candor(&["requests", "-", "--summary"], &joined(&failures()));
    assert_eq!(alone.out, wanted);
    let said = candor(&["requests", "-", "--failed", "--summary", "--json"], &joined(&failures()));
    let wanted = serde_json::json!({
        "requests": 40,
        "failed": 8,
        "causes": [
            { "cause": "payments charge: timeout", "count": 5, "latest_request_id": "r-4" },
            { "cause": "stock charge: pool", "count": 2, "latest_request_id": "r-6" },
            { "cause": "stock charge: panicked", "count": 1, "latest_request_id": "r-7" },
        ],
    });
    assert_eq!(said.json(), [wanted]);
    // Also if no request is listed.
    let good = [line("r-1", 0, "INFO", 1, &completed(5.0, 200, "ok", ""))];
    let said = candor(&["requests", "-", "--failed", "--summary"], &joined(&good));
    assert_eq!((said.code, said.out.as_str()), (Some(1), "0 of 1 request failed\n"));
}

#[test]
fn a_panic_outside_a_step_is_a_cause_with_its_location() {
    let panic = "\"event\":\"panic\",\"location\":\"src/main.rs:7:5\",\"panic_message\":\"gone\"";
    let end = completed(10.0, 500, "panicked", "");
    let caught = panic.replace("main", "caught");
    let lines = [
        line("r-1", 500, "ERROR", 1, &caught),
        line("r-1", 1_000, "ERROR", 2, panic),
        line("r-1", 2_000, "ERROR", 3, &end),
        line("r-2", 3_000, "ERROR", 1, panic),
        line("r-2", 4_000, "ERROR", 2, &end),
        // The line of the panic is in another file.
        line("r-3", 5_000, "ERROR", 2, &end),
    ];
    let said = candor(&["requests", "-"], &joined(&lines));
    let (rows, causes) = said.out.split_once("\n\n").expect("a section");
    assert_eq!(rows.matches("  panicked at src/main.rs:7:5\n").count(), 2, "{rows}");
    assert!(rows.lines().any(|row| row.contains("r-3") && row.ends_with("  panicked")), "{rows}");
    let wanted =
        "  2 × panicked at src/main.rs:7:5  latest r-2\n  1 × panicked                     r-3\n";
    assert!(causes.contains(wanted), "{causes}");
}

#[test]
fn the_cause_of_a_failed_status_has_the_status() {
    let cause = |status: &str| {
        format!(
            ",\"cause\":{{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":2,\"category\":\"status\"{status}}}"
        )
    };
    for (status, wanted) in [
        (",\"status\":503", "payments charge: status 503"),
        (",\"grpc_status\":13", "payments charge: grpc 13"),
        // Lines of former versions.
        ("", "payments charge: status"),
    ] {
        let end = completed(10.0, 502, "error", &cause(status));
        let input = joined(&[line("r-1", 10_000, "ERROR", 2, &end)]);
        let listed = candor(&["requests", "-"], &input).out;
        assert!(listed.contains(&format!("  {wanted}\n")), "{listed}");
        let story = candor(&["story", "r-1", "-"], &input).out;
        let wanted = format!("likely cause  {wanted}, according to the completion line; ");
        assert!(story.contains(&wanted), "{story}");
    }
}

#[test]
fn the_totals_are_those_of_the_requests_that_are_asked_for() {
    let last = |args: &[&str]| {
        let said = candor(&[&["requests", "-"], args].concat(), &joined(&failures()));
        said.out.lines().next_back().unwrap_or(said.err.trim_end()).to_owned()
    };
    assert_eq!(last(&[]), "8 of 40 requests failed");
    assert_eq!(last(&["--failed"]), "8 of 40 requests failed");
    assert_eq!(last(&["--since", "2026-11-22T10:06:00Z"]), "2 of 34 requests failed");
    assert_eq!(last(&["--since", "33m"]), "2 of 34 requests failed", "before the last line");
    assert_eq!(last(&["--slow=20"]), "3 of 3 requests of 20.0 ms or more failed");
    assert_eq!(last(&["--path", "/ord"]), "8 of 40 requests failed");
    assert_eq!(last(&["--user", "nobody"]), "candor: no matching requests");
    let none = "candor: no matching requests; 0 of 34 requests failed";
    let without = ["--since", "2026-11-22T10:08:00Z", "--failed"];
    assert_eq!(last(&without), none.replace("34", "32"));
    assert_eq!(
        last(&["--unfinished"]),
        "candor: no matching requests; 0 of 40 requests have no end"
    );
    let said = candor(&["requests", "-", "--unfinished"], &joined(&killed()));
    assert!(said.out.ends_with("\n\n1 of 2 requests has no end\n"), "{}", said.out);
    let said = candor(&["requests", "-"], &joined(&failures()[20..21]));
    assert!(said.out.ends_with("\n\n0 of 1 request failed\n"), "{}", said.out);
}

#[test]
fn requests_that_share_an_id_are_counted_as_they_are_listed() {
    // A client that retries with the same id, in lines without a span id.
    let of = |id: &str, at: u64, status: u16, outcome: &str| {
        let end = line(id, at, "INFO", 1, &completed(1.0, status, outcome, ""));
        end.replace("\"span_id\":\"s1\",", "")
    };
    let lines = joined(&[
        of("r-1", 1, 200, "ok"),
        of("r-1", 2, 500, "error"),
        of("r-1", 3, 500, "error"),
        of("r-2", 4, 200, "ok"),
    ]);
    // The same lines in two files are copies.
    for input in [lines.clone(), [lines.clone(), lines].concat()] {
        for args in [&["requests", "-"][..], &["requests", "-", "--slow"]] {
            let said = candor(args, &input);
            assert_eq!(said.out.matches("500 error   1.00 ms").count(), 2, "{}", said.out);
            assert!(said.out.ends_with("\n\n2 of 4 requests failed\n"), "{}", said.out);
        }
        assert_eq!(candor(&["requests", "-", "--json"], &input).json().len(), 4);
    }
}

#[test]
fn causes_of_unfinished_requests_have_a_heading_of_their_own() {
    let mut lines: Vec<String> =
        (0..3).map(|at| line(&format!("r-{at}"), at, "INFO", 1, "")).collect();
    lines.push(line("r-3", 4, "ERROR", 1, &completed(1.0, 500, "error", "")));
    let said = candor(&["requests", "-", "--unfinished"], &joined(&lines));
    let (_, below) = said.out.split_once("\n\n").expect("a section");
    let wanted = "\
causes of the 3 unfinished requests
  3 × no end  latest r-2

3 of 4 requests have no end
";
    assert_eq!(below, wanted);
}

#[test]
fn causes_that_the_list_shows_once_are_not_repeated() {
    let lines = failures();
    let said = candor(&["requests", "-"], &joined(&[lines[0].clone(), lines[5].clone()]));
    assert!(
        !said.out.contains('×') && said.out.ends_with("2 of 2 requests failed\n"),
        "{}",
        said.out
    );
}

/// Three requests: one ends, one is killed while it waits, one is killed after a warning was all it said.
fn killed() -> Vec<String> {
    let mut lines = failing("r-1");
    lines.push(line("r-2", 200_000, "INFO", 1, &step("log_in", 5.0, "ok", 2, 1, 1.0)));
    lines.push(line("r-3", 210_000, "WARN", 1, "\"stock\":0"));
    let open = "\"event\":\"request_stuck\",\"age_ms\":30000.5,\"open\":[\
        {\"step\":\"place_order\",\"step_id\":1,\"age_ms\":29999.5},\
        {\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"age_ms\":29000.5}]";
    lines.push(line("r-2", 30_200_000, "WARN", 2, open));
    lines
}

#[test]
fn requests_without_an_end_are_listed() {
    let table = candor(&["requests", "-"], &joined(&killed())).out;
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(
        rows[1],
        [
            "10:00:30.200",
            "r-2",
            "POST",
            "/orders",
            "no",
            "end",
            "≥30.0",
            "s",
            "stuck",
            "in",
            "payments",
            "charge"
        ]
    );
    assert_eq!(rows[2][1], "r-1");
    // Of a request with nothing but a warning it is not known that an end was to be written.
    assert_eq!(rows[3..], [vec![], vec!["2", "of", "2", "requests", "failed"]], "{table}");
    for asked in ["--unfinished", "--failed"] {
        let rows = candor(&["requests", "-", asked, "--json"], &joined(&killed())).json();
        assert_eq!((&rows[0]["request_id"], &rows[0]["unfinished"]), (&"r-2".into(), &true.into()));
        assert_eq!(rows.len(), if asked == "--failed" { 2 } else { 1 });
    }
    let said = candor(&["story", "--failed", "-", "--json"], &joined(&killed()));
    let ids: Vec<Value> = said.json().iter().map(|story| story["request_id"].clone()).collect();
    assert_eq!(ids, ["r-1", "r-2"]);
}

#[test]
fn lines_that_come_before_or_after_their_end_open_nothing() {
    let mut lines = killed();
    // Files in the wrong order, and a task that went on after its request had ended.
    lines.push(line("r-2", 30_300_000, "ERROR", 3, &completed(30_100.0, 504, "error", "")));
    lines.push(line("r-2", 30_400_000, "INFO", 4, ""));
    lines.reverse();
    for lines in [lines.clone(), lines.into_iter().rev().collect()] {
        let said = candor(&["requests", "-", "--unfinished"], &joined(&lines));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    }
    // The same id at another service is another request, which has not ended.
    let mut lines = failing("r-1");
    lines.push(line("r-1", 1, "INFO", 1, "").replace("\"s1\"", "\"s2\""));
    let rows = candor(&["requests", "-", "--unfinished", "--json"], &joined(&lines)).json();
    assert_eq!(rows.len(), 1);
}

#[test]
fn where_no_request_ends_the_level_may_be_why() {
    // A process that was killed in its first request, or `LOG_LEVEL=info,http=warn`.
    let lines: Vec<String> = (0..5).map(|at| line(&format!("r-{at}"), at, "INFO", 1, "")).collect();
    for args in [&["requests", "-", "--json"][..], &["story", "--failed", "-", "--json"]] {
        let said = candor(args, &joined(&lines));
        assert_eq!((said.code, said.json().len()), (Some(0), 5));
        assert!(said.err.contains("no request in the input has a completion line"), "{}", said.err);
    }
    let said = candor(&["requests", "-"], &joined(&killed()));
    assert_eq!(said.err, "");
}

#[test]
fn a_narrow_terminal_shows_how_each_request_and_step_went() {
    let id = "01a2200e-e4e5-769a-bda8-8c9354ea5984";
    let log = String::from_utf8(ten()).expect("UTF-8").replace("r-3", id);
    for columns in ["60", "80"] {
        let narrow = |args: &[&str]| candor_at(columns, args, log.as_bytes()).out;
        let table = narrow(&["requests", "-", "--failed"]);
        let rows: Vec<&str> = table.lines().collect();
        assert!(
            rows[0].starts_with("10:03:00.000  504 error   40.0 ms        payments"),
            "{table}"
        );
        assert_eq!(rows[1], format!("  {id}  POST /orders"));
        let table = narrow(&["steps", "-"]);
        assert!(
            !table.contains('…') && table.contains("p50") && table.contains("share"),
            "{table}"
        );
    }
}

#[test]
fn no_number_of_requests_is_all_of_them() {
    assert_eq!(ids(&["--top", "0"]).len(), 10);
}

#[test]
fn a_time_that_is_none_is_refused_with_what_is_one() {
    let said = candor(&["requests", "-", "--since", "15"], b"");
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains(
            "`15` is not a time; expected one such as 2026-11-22T10:00:00Z, or a duration such as 15m"
        ),
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
        (&rows[0]["step"], &rows[0]["count"], &rows[0]["failed"]),
        (&"place_order".into(), &10.into(), &0.into())
    );
    assert_eq!(
        (&rows[1]["dependency"], &rows[1]["operation"]),
        (&"payments".into(), &"charge".into())
    );
    assert_eq!(rows[1]["failed"], 1);
    let near = |value: &Value, wanted: f64| {
        (value.as_f64().expect("a number") / wanted - 1.0).abs() < 0.02
    };
    for (key, wanted) in [("p50_ms", 50.0), ("max_ms", 100.0), ("total_ms", 550.0), ("share", 1.0)]
    {
        assert!(near(&rows[0][key], wanted), "{key} is {}", rows[0][key]);
    }
    // Of ten durations, both would be the maximum.
    assert_eq!((&rows[0]["p95_ms"], &rows[0]["p99_ms"]), (&Value::Null, &Value::Null));
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

/// With `LOG_KEYS=level=status` the list showed no status: candor writes a status whose name is taken as `status_`.
#[test]
fn bug_a_status_beside_a_level_that_is_called_status_is_shown() {
    let lines: Vec<String> = failing("r-7")
        .iter()
        .map(|line| {
            line.replace("\"status\":", "\"status_\":").replace("\"level\":", "\"status\":")
        })
        .collect();
    let keys = ["--keys", "level=status"];
    let said = candor(&[&["requests", "-", "--json"], &keys[..]].concat(), &joined(&lines));
    assert_eq!(said.json()[0]["status"], 504, "{said:?}");
    let said = candor(&[&["story", "r-7", "-"], &keys[..]].concat(), &joined(&lines));
    let file = candor(&["story", "r-7", "-"], &joined(&failing("r-7")));
    assert_eq!(said.out, file.out);
    // The same if the name is that of a key which is read before the line is parsed.
    let lines: Vec<String> = failing("r-7")
        .iter()
        .map(|line| {
            line.replace("\"outcome\":", "\"outcome_\":").replace("\"level\":", "\"outcome\":")
        })
        .collect();
    let keys = ["--keys", "level=outcome"];
    for command in
        [&["requests", "-", "--json"][..], &["steps", "-", "--json"], &["story", "r-7", "-"]]
    {
        let said = candor(&[command, &keys].concat(), &joined(&lines));
        let file = candor(command, &joined(&failing("r-7")));
        assert_eq!((said.code, said.out), (Some(0), file.out), "{command:?}");
    }
}

#[test]
fn steps_of_the_same_name_in_different_modules_have_a_row_each() {
    let of = |logger: &str, name: &str, ms: f64| {
        line("r-1", 1_000, "INFO", 1, &step(name, ms, "ok", 1, 0, 0.0))
            .replace("\"logger\":\"shop\"", &format!("\"logger\":\"{logger}\""))
    };
    let input = joined(&[
        of("shop::cart", "load", 30.0),
        of("shop::user", "load", 10.0),
        of("shop::user", "load", 10.0),
        of("shop::user", "save", 1.0),
    ]);
    let rows = candor(&["steps", "-", "--json"], &input).json();
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().expect("text").to_owned();
        (text("step"), text("logger"), row["count"].as_u64().expect("a count"))
    };
    let named = |step: &str, logger: &str, count| (step.to_owned(), logger.to_owned(), count);
    assert_eq!(
        rows.iter().map(row).collect::<Vec<_>>(),
        [
            named("load", "shop::cart", 1),
            named("load", "shop::user", 2),
            named("save", "shop::user", 1)
        ]
    );
    let shown = candor(&["steps", "-"], &input).out;
    assert!(shown.contains("load shop::cart ") && shown.contains("load shop::user "), "{shown}");
    assert!(shown.contains("save ") && !shown.contains("save shop::user"), "{shown}");
}
