//! `candor story`: what it says of a request.

use serde_json::Value;

use super::*;

#[test]
fn a_request_is_a_tree_with_its_cause_marked() {
    let said = candor(&["story", "r-7", "-"], &joined(&failing("r-7")));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let wanted = "\
POST /orders  504 error  100 ms
2026-11-22 10:00:00.000 UTC · request r-7 · user 41 · trace t1 · span s1

likely cause  payments charge: timeout after 55.0 ms
dependencies  0% of the time: payments 55.0 ms
slowest       payments charge, 55.0 ms of its own

                        start      took   0         20 ms      40 ms      60 ms     80 ms
place_order           1.00 ms   97.0 ms ↳ ███████████████████████████████████████████████████████▏
│   ↳ consequence of payments charge: error
├ price               20.0 ms   10.0 ms             █████▋
├ · WARN a line of its own  at 35.0 ms  stock=3
└ → payments charge   40.0 ms   55.0 ms ✗                       ███████████████████████████████▎
      ✗ likely cause: error · timeout · POST http://payments/
";
    let bars = |text: &str| text.replace(['█', '▉', '▊', '▋', '▌', '▍', '▎', '▏', ' '], "");
    assert_eq!(bars(&said.out), bars(wanted), "{}", said.out);
}

#[test]
fn the_tree_as_json_has_the_same_order_and_marks() {
    let said = candor(&["story", "r-7", "-", "--json"], &joined(&failing("r-7")));
    let story = &said.json()[0];
    assert_eq!(
        outline(story),
        ["0 place_order", "1 price", "1 a line of its own", "1 payments charge"]
    );
    let marks: Vec<Value> =
        nodes(story).into_iter().map(|(_, node)| node["mark"].clone()).collect();
    assert_eq!(marks, [Value::from("consequence"), Value::Null, Value::Null, Value::from("cause")]);
    assert_eq!(story["cause"]["step_id"], 3);
    assert_eq!(story["parts"][0]["slowest"]["name"], "payments charge");
    assert_eq!(story["parts"][0]["dependencies"][0]["ms"], 55.0);
}

#[test]
fn without_a_named_cause_the_first_problem_is_the_likely_one() {
    let mut lines = failing("r-7");
    lines[4] = line("r-7", 100_000, "ERROR", 5, &completed(100.0, 500, "error", ""));
    let said = candor(&["story", "r-7", "-"], &joined(&lines));
    assert!(said.out.contains("likely cause  a line of its own"), "{}", said.out);
    // A request that ended well has problems, but no cause.
    lines[4] = line("r-7", 100_000, "INFO", 5, &completed(100.0, 200, "ok", ""));
    let said = candor(&["story", "r-7", "-"], &joined(&lines));
    assert!(said.out.contains("first problem a line of its own"), "{}", said.out);
    assert!(
        !said.out.contains("likely cause") && !said.out.contains("consequence"),
        "{}",
        said.out
    );
}

#[test]
fn missing_lines_and_a_missing_end_are_named() {
    let mut lines = failing("r-7");
    lines[1] = line("r-7", 35_000, "INFO", 9, "");
    lines[2] =
        line("r-7", 95_000, "ERROR", 10, &call("payments", "charge", 55.0, None, 3, 1, 40.0));
    lines.truncate(3);
    let said = candor(&["story", "r-7", "-"], &joined(&lines));
    assert!(said.out.contains("! 7 lines missing (seq 2–8)"), "{}", said.out);
    assert!(said.out.contains("the completion line is missing"), "{}", said.out);
    // Its line is not there, and two others name it as their parent.
    assert!(
        said.out.contains("step 1  ") && said.out.contains("its line is missing"),
        "{}",
        said.out
    );
    let story = &candor(&["story", "r-7", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(story["parts"][0]["missing_lines"], 7);
    assert_eq!(story["parts"][0]["end_missing"], true);
    assert_eq!(outline(story)[0], "0 step 1");
}

#[test]
fn what_was_stuck_when_the_process_died_is_the_likely_cause() {
    let lines = [
        line("r-2", 10_000, "WARN", 1, "\"stock\":3"),
        line("r-2", 20_000, "INFO", 2, &step("log_in", 5.0, "ok", 2, 1, 10.0)),
        line(
            "r-2",
            30_000_000,
            "WARN",
            3,
            "\"event\":\"request_stuck\",\"age_ms\":30000.000,\"open\":[\
             {\"step\":\"place_order\",\"step_id\":1,\"age_ms\":29999.000},\
             {\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"age_ms\":29000.000}]",
        ),
    ];
    let story = &candor(&["story", "r-2", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(story["cause"]["name"], "payments charge");
    assert_eq!(story["cause"]["words"][0], "payments charge: no end after 29.0 s");
    assert_eq!(story["parts"][0]["slowest"]["name"], "payments charge");
    let shown = outline(story);
    assert_eq!(shown[0], "0 place_order");
    assert_eq!(shown[2..4], ["1 log_in", "1 payments charge"], "{shown:?}");

    // Where it went on after all, its own line is the only one.
    let mut ended = lines.to_vec();
    let charge = call("payments", "charge", 30_000.0, Some("timeout"), 3, 1, 1000.0);
    ended.push(line("r-2", 31_000_000, "ERROR", 4, &charge));
    ended.push(line(
        "r-2",
        31_000_100,
        "WARN",
        5,
        &step("place_order", 31_000.0, "error", 1, 0, 0.1),
    ));
    ended.push(line("r-2", 31_000_200, "ERROR", 6, &completed(31_000.2, 504, "error", "")));
    let story = &candor(&["story", "r-2", "-", "--json"], &joined(&ended)).json()[0];
    let charges = outline(story).iter().filter(|row| row.ends_with("payments charge")).count();
    assert_eq!(charges, 1, "{:?}", outline(story));
}

#[test]
fn a_request_of_warnings_alone_does_not_miss_its_end() {
    // LOG_LEVEL=warn, or a request that was not sampled: the end of what went well is not written.
    let said = candor(&["story", "r-2", "-"], &joined(&[line("r-2", 1, "WARN", 1, "\"stock\":3")]));
    assert!(
        said.out.starts_with("POST /orders  no completion line is written for it"),
        "{}",
        said.out
    );
    assert!(said.out.contains("\nfirst problem "), "{}", said.out);
}

#[test]
fn an_end_that_names_its_cause_explains_what_no_other_line_does() {
    let cause = ",\"cause\":{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"category\":\"timeout\"}";
    let end = line("r-2", 10_000, "INFO", 1, &completed(10.0, 504, "error", cause));
    let said = candor(&["story", "r-2", "-"], &joined(&[end]));
    assert!(
        said.out.contains(
            "payments charge: timeout, according to the completion line; its own line is missing"
        ),
        "{}",
        said.out
    );
    let job = "\"event\":\"job_completed\",\"job\":\"sync\",\"duration_ms\":5.000,\"outcome\":\"error\",\
               \"error\":\"Error\",\"error_detail\":\"the disk is full\"";
    let said = candor(&["story", "j-1", "-"], &joined(&[line("j-1", 10_000, "ERROR", 1, job)]));
    assert!(said.out.contains("likely cause  Error: the disk is full"), "{}", said.out);
}

#[test]
fn a_gap_stands_between_the_lines_it_is_missing_between() {
    let spans = [(1, 1_000, 1), (2, 2_000, 2), (3, 9_000, 10)];
    let mut lines: Vec<String> = spans
        .iter()
        .map(|(id, at, seq)| {
            let offset = *at as f64 / 1e3 - 0.5;
            line("r-2", *at, "INFO", *seq, &step(&format!("s{id}"), 0.5, "ok", *id, 0, offset))
        })
        .collect();
    lines.push(line("r-2", 10_000, "INFO", 11, &completed(10.0, 200, "ok", "")));
    let story = &candor(&["story", "r-2", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(outline(story), ["0 s1", "0 s2", "0 7 lines missing (seq 3–9)", "0 s3"]);
}

#[test]
fn a_service_whose_clock_is_off_is_shown_within_the_call_to_it() {
    let there = |line: String| {
        line.replace("\"s1\"", "\"s2\"")
            .replace("\"trace_id\"", "\"service\":\"payments\",\"trace_id\"")
    };
    let bank = call("bank", "debit", 30.0, Some("connect"), 1, 0, 5.0);
    for at in [3_080_000_u64, 600_000_000] {
        let mut lines = failing("r-7");
        lines.iter_mut().for_each(|line| *line = line.replace("T10:00", "T10:05"));
        lines.push(there(line("r-7", at, "ERROR", 1, &bank)));
        lines.push(there(line("r-7", at + 5_000, "ERROR", 2, &completed(40.0, 502, "error", ""))));
        let story = &candor(&["story", "r-7", "-", "--json"], &joined(&lines)).json()[0];
        assert_eq!(story["cause"]["name"], "bank debit", "{story}");
        assert_eq!(story["duration_ms"], 100.0);
        assert_eq!(story["parts"][0]["service"], Value::Null);
        let moved = story["parts"][1]["moved_ms"].as_f64().expect("a number");
        let off = at as f64 / 1e3 - 300_000.0;
        assert!((moved + off).abs() < 100.0, "moved by {moved}, off by {off}");
        let said = candor(&["story", "r-7", "-"], &joined(&lines)).out;
        assert!(said.contains("its caller's; its times are shifted to match"), "{said}");
        assert!(said.contains("└ payments POST /orders "), "{said}");
    }
    // What a queue does later is no request within a call, and stays where it is.
    let mut lines = failing("r-7");
    let end = completed(40.0, 0, "ok", "").replace("request_completed", "job_completed");
    let end = there(line("r-7", 9_000_000, "INFO", 1, &end));
    lines.push(end.replace("\"POST\"", "\"-\""));
    let story = &candor(&["story", "r-7", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(story["parts"][1]["moved_ms"], 0.0);
}

#[test]
fn gaps_belong_to_one_request_at_one_service() {
    // Each service numbers its own lines.
    let there = |line: String| {
        line.replace("\"s1\"", "\"s2\"")
            .replace("\"trace_id\"", "\"service\":\"payments\",\"trace_id\"")
    };
    let mut lines = failing("r-7");
    lines.push(there(line(
        "r-7",
        80_000,
        "ERROR",
        1,
        &call("bank", "debit", 30.0, Some("connect"), 1, 0, 5.0),
    )));
    lines.push(there(line("r-7", 85_000, "ERROR", 2, &completed(40.0, 502, "error", ""))));
    let said = candor(&["story", "r-7", "-"], &joined(&lines));
    assert!(!said.out.contains("missing"), "{}", said.out);
    // The second ran while the first waited for it, and says why.
    assert!(said.out.contains("└ payments POST /orders "), "{}", said.out);
    assert!(said.out.contains("↳ 502 error"), "{}", said.out);
    assert!(
        said.out.contains("likely cause  bank debit: connect after 30.0 ms, at payments"),
        "{}",
        said.out
    );
}

#[test]
fn several_services_files_are_one_story_in_whatever_order_they_are_given() {
    let folder = Folder::new("merged");
    let other = |line: &String| {
        line.replace("\"s1\"", "\"s0\"")
            .replace("\"trace_id\"", "\"service\":\"edge\",\"trace_id\"")
    };
    let edge = [other(&line("r-7", 101_000, "ERROR", 1, &completed(102.0, 502, "error", "")))];
    let shop = folder.file("shop.log", &joined(&failing("r-7")));
    let edge = folder.file("edge.log", &joined(&edge));
    let one = candor(&["story", "r-7", &shop, &edge], b"");
    let two = candor(&["story", "r-7", &edge, &shop], b"");
    assert_eq!(one.out, two.out);
    assert!(
        one.out.starts_with("edge  POST /orders"),
        "the first to begin comes first: {}",
        one.out
    );
    let (edge, shop) = (one.out.find("\nedge POST /orders "), one.out.find("\nPOST /orders "));
    assert!(edge.is_some() && edge < shop, "{}", one.out);
    assert!(one.out.contains("\n│   ↳ 504 error\n"), "{}", one.out);
}

#[test]
fn a_line_given_twice_is_one_line_and_an_id_used_twice_is_two_requests() {
    let mut lines = failing("r-7");
    lines.extend(failing("r-7"));
    let said = candor(&["story", "r-7", "-", "--json"], &joined(&lines));
    assert_eq!(said.json()[0]["repeated_lines"], 5);
    assert_eq!(outline(&said.json()[0]).len(), 4);

    let later = |line: String| line.replace("T10:00", "T10:30");
    let again: Vec<String> =
        failing("r-7").into_iter().chain(failing("r-7").into_iter().map(later)).collect();
    let said = candor(&["story", "r-7", "-", "--json"], &joined(&again));
    assert_eq!(said.json()[0]["repeated_lines"], 0);
    assert_eq!(said.json()[0]["parts"].as_array().expect("parts").len(), 2);
}

#[test]
fn a_line_between_concurrent_steps_stands_under_what_holds_both() {
    let lines = [
        line("r", 50_000, "INFO", 1, "\"during\":\"both\""),
        line("r", 60_000, "INFO", 2, &step("left", 50.0, "ok", 2, 1, 10.0)),
        line("r", 70_000, "INFO", 3, "\"during\":\"right\""),
        line("r", 80_000, "INFO", 4, &step("right", 60.0, "ok", 3, 1, 20.0)),
        line("r", 90_000, "INFO", 5, &step("outer", 85.0, "ok", 1, 0, 5.0)),
        line("r", 100_000, "INFO", 6, &completed(100.0, 200, "ok", "")),
    ];
    let story = &candor(&["story", "r", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(
        outline(story),
        ["0 outer", "1 left", "1 right", "2 a line of its own", "1 a line of its own"]
    );
}

#[test]
fn an_id_is_found_by_its_beginning_or_end_unless_several_match() {
    let said = candor(&["story", " r-7 ", "-"], &joined(&failing("r-7")));
    assert_eq!(said.code, Some(0), "a blank around it was copied: {}", said.err);
    let mut lines = failing("abc-123");
    lines.extend(failing("abd-456"));
    let input = joined(&lines);
    let said = candor(&["story", "abc", "-"], &input);
    assert!(said.out.contains("request abc-123"), "{}", said.out);
    let said = candor(&["story", "ab", "-"], &input);
    assert_eq!(said.code, Some(2));
    assert_eq!(
        said.err,
        "candor: several ids begin or end with `ab`; add more of the one you want: abc-123, abd-456\n"
    );
    // The pretty format shows the end of an id after `…`, which may be copied too.
    for end in ["23", "…c-123", " …123"] {
        let said = candor(&["story", end, "-"], &input);
        assert!(said.out.contains("request abc-123"), "{}", said.err);
    }
    let both = [input.clone(), joined(&failing("123-xyz"))].concat();
    let said = candor(&["story", "123", "-"], &both);
    assert_eq!(
        said.err,
        "candor: several ids begin or end with `123`; add more of the one you want: abc-123, 123-xyz\n"
    );
    let said = candor(&["story", "xyz", "-"], &input);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert_eq!(
        said.err,
        "candor: no line in the input has a request id that begins or ends with `xyz`; `candor requests` lists the ids\n"
    );
    // One that stands alone needs no name.
    let said = candor(&["story", "-"], &joined(&failing("r-7")));
    assert!(said.out.contains("request r-7"), "{}", said.out);
    let said = candor(&["story", "-"], &input);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.err, "candor: several requests found; pass an id: abc-123, abd-456\n");
    // The whole of one id may be the beginning of another.
    lines.extend(failing("abc"));
    let said = candor(&["story", "abc", "-"], &joined(&lines));
    assert!(said.out.contains("request abc ·"), "{}", said.out);
}

#[test]
fn every_failing_request_of_the_orders_example_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut orders = candor_tests::cargo();
    orders.args(["run", "--quiet", "--example", "orders"]).current_dir(root);
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("LOG_") || name == "RUST_LOG")
    {
        orders.env_remove(name);
    }
    let output = orders.output().expect("cargo runs");
    let noise = String::from_utf8_lossy(&output.stderr);
    let database = noise.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");

    let said = candor(&["story", "-", "--failed"], &output.stdout);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let stories: Vec<&str> = said.out.split("\n\n\n").collect();
    assert_eq!(stories.len(), 3, "{}", said.out);
    let cause = |story: &str| {
        let line = story.lines().find(|line| line.starts_with("likely cause")).expect("a cause");
        // Times are the machine's.
        line.split(" after ")
            .next()
            .expect("words")
            .trim_start_matches("likely cause")
            .trim()
            .to_owned()
    };
    assert!(stories[0].starts_with("POST /orders  504 error"), "{}", stories[0]);
    assert_eq!(cause(stories[0]), "payments charge: timeout");
    assert!(stories[0].contains("operation timed out"), "{}", stories[0]);
    // Less than alone if the machine is busy.
    let share = stories[0].split("dependencies  ").nth(1).and_then(|rest| rest.split('%').next());
    let share = share.and_then(|share| share.parse::<u32>().ok());
    assert!(share.is_some_and(|share| share > 50), "most of the time: {}", stories[0]);

    assert!(stories[1].starts_with("POST /orders  panicked"), "{}", stories[1]);
    assert_eq!(cause(stories[1]), "price: panicked");
    assert!(
        stories[1].contains("attempt to divide by zero at examples/orders/service.rs"),
        "{}",
        stories[1]
    );

    assert!(stories[2].starts_with("POST /orders  cancelled"), "{}", stories[2]);
    assert_eq!(cause(stories[2]), "payments charge: cancelled");
    for story in stories {
        assert!(story.contains("consequence") && !story.contains("missing"), "{story}");
    }

    // Those that were answered with a refusal did not fail; asked by their id, they have their reason.
    let rows = candor(&["requests", "-", "--json"], &output.stdout).json();
    for (status, wanted) in [
        (402, "payments charge: responded with 402"),
        (404, "responded with 404; every step and call succeeded"),
        (400, "the body is not an order"),
    ] {
        let row = rows.iter().find(|row| row["status"] == status).expect("such a request");
        let id = row["request_id"].as_str().expect("an id");
        let said = candor(&["story", id, "-"], &output.stdout);
        assert_eq!(cause(&said.out), wanted);
    }
}

#[test]
fn colours_follow_the_usual_variables() {
    let input = joined(&failing("r-7"));
    let coloured = |name: &str, value: &str| {
        let mut command = command(&["story", "r-7", "-"]);
        command.env(name, value);
        run(command, &input).out.contains('\u{1b}')
    };
    assert!(coloured("CLICOLOR_FORCE", "1"));
    assert!(!coloured("CLICOLOR_FORCE", "0"));
    assert!(!coloured("NO_COLOR", "1"));
}

#[test]
fn no_row_is_wider_than_the_terminal() {
    let input = joined(&failing("r-7"));
    for width in [40, 60, 80, 200] {
        for command_line in
            [&["story", "r-7", "-", "--fields"][..], &["requests", "-"], &["steps", "-"]]
        {
            let mut command = command(command_line);
            command.env("COLUMNS", width.to_string());
            for row in run(command, &input).out.lines() {
                assert!(row.chars().count() <= width, "{row}");
            }
        }
    }
}

#[test]
fn what_can_t_be_asked_or_read_is_said_in_one_sentence() {
    for (args, wanted) in [
        (
            &["story", "r-7"][..],
            "candor: no files to find `r-7` in; give FILES, `-` for standard input, or --from URL\n",
        ),
        (
            &["story", "r-7", "no/such.log"],
            "candor: can't read no/such.log: No such file or directory (os error 2)\n",
        ),
        (&["steps", "/"], "candor: can't read /: is a directory\n"),
        (
            &["story"],
            "candor: no request to show; give the ID of one and FILES, or --failed and FILES\n",
        ),
        (
            &["story", "--failed"],
            "candor: nothing to read; give FILES, `-` for standard input, or --from URL\n",
        ),
        (
            &["story", "Cargo.toml"],
            "candor: `Cargo.toml` is a file; put the ID of a request or --failed before it\n",
        ),
        (
            &["requests", "--slow", "500", "-"],
            "candor: can't read 500: No such file or directory (os error 2); use --slow=500 to give a duration\n",
        ),
        (
            &["steps", "-", "--keys", "tss=time"],
            "candor: --keys takes renames such as ts=timestamp: `tss` is not a fixed key; expected one of ts, level, logger, \
             msg, request_id, user_id, method, path, service, trace_id, span_id, seq\n",
        ),
    ] {
        let said = candor(args, b"");
        assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (Some(2), wanted, ""));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let lines: Vec<String> =
        (0..2_000).flat_map(|number| failing(&format!("r-{number}"))).collect();
    let mut child = command(&["story", "-", "--failed", "--fields"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    child.stdin.take().expect("a pipe").write_all(&joined(&lines)).expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    assert_eq!(output.status.code(), Some(0));
}

/// The wide line of a request whose other lines were left out, with further members.
fn wide(level: &str, status: u16, outcome: &str) -> String {
    const WIDE: &str = ",\"slowest_step\":\"insert_order\",\"lines_left_out\":5,\
        \"step_own_ms\":{\"log_in\":3.287,\"price\":0.002},\"dependencies\":{\"payments\":{\"calls\":1,\"ms\":18.569},\
        \"sqlite\":{\"calls\":2,\"ms\":19.470,\"retries\":1}},\"cart_cents\":1250";
    let end = completed(43.7, status, outcome, WIDE);
    line("r-9", 43_700, level, 1, &end.replace("dependency_ms\":0.000", "dependency_ms\":38.000"))
}

#[test]
fn a_wide_line_shows_its_times_and_says_that_lines_were_left_out() {
    let said = candor(&["story", "r-9", "-"], &joined(&[wide("INFO", 201, "ok")]));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let wanted = "\
dependencies  87% of the time: sqlite 19.5 ms in 2 calls, payments 18.6 ms
steps         log_in 3.29 ms, price 0.002 ms of their own
fields        cart_cents=1250
left out      5 lines because the request ended well (LOG_STORY)
";
    assert!(said.out.contains(wanted), "{}", said.out);
    assert!(!said.out.contains("missing") && !said.out.contains("no steps"), "{}", said.out);
    let story =
        &candor(&["story", "r-9", "-", "--json"], &joined(&[wide("INFO", 201, "ok")])).json()[0];
    let part = &story["parts"][0];
    assert_eq!((&part["lines_left_out"], &part["missing_lines"]), (&5.into(), &0.into()));
    assert_eq!(part["step_own_ms"]["log_in"], 3.287);
    assert_eq!(part["dependencies"][0]["dependency"], "sqlite");
    // Every line that was left out was below WARN.
    let said = candor(&["story", "r-9", "-"], &joined(&[wide("INFO", 404, "ok")]));
    assert!(said.out.contains("every step and call succeeded"), "{}", said.out);
    let said = candor(&["story", "r-9", "-"], &joined(&[wide("ERROR", 500, "error")]));
    assert!(said.out.contains("left out      5 lines below WARN (LOG_STORY)"), "{}", said.out);
}

#[test]
fn requests_counts_wide_lines_and_steps_notes_them() {
    let mut lines = failing("r-7");
    lines.push(wide("INFO", 201, "ok"));
    let rows = candor(&["requests", "-", "--json"], &joined(&lines)).json();
    assert_eq!(rows.len(), 2);
    let said = candor(&["steps", "-"], &joined(&lines));
    assert!(
        said.err.contains("lines left out by LOG_STORY in 1 request or job; its"),
        "{}",
        said.err
    );
    assert!(said.out.contains("of the 100 ms of 1 request;"), "{}", said.out);
}
