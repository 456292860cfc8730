//! `candor bill`: what the bytes of a log are spent on, and what settings would save.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The rows of `--json`.
struct Rows(Vec<Value>);

impl Rows {
    fn of(input: &[u8]) -> Self {
        Rows(candor(&["bill", "-", "--json"], input).json())
    }

    fn total(&self) -> u64 {
        self.0[0]["total_bytes"].as_u64().expect("a total")
    }

    fn by(&self, dimension: &str) -> Vec<(String, u64, u64)> {
        let rows = self.0.iter().filter(|row| row["by"] == dimension);
        rows.map(|row| {
            let count = |key: &str| row[key].as_u64().expect("a count");
            (row["name"].as_str().expect("a name").to_owned(), count("lines"), count("bytes"))
        })
        .collect()
    }

    fn bytes(&self, dimension: &str, name: &str) -> u64 {
        let rows = self.by(dimension);
        let row = rows.iter().find(|(other, ..)| other == name);
        row.unwrap_or_else(|| panic!("no {dimension} {name} in {rows:?}")).2
    }

    /// The bytes that a setting would leave.
    fn after(&self, setting: &str) -> u64 {
        let row = self.0.iter().find(|row| row["setting"] == setting);
        row.unwrap_or_else(|| panic!("no {setting}"))["bytes"].as_u64().expect("bytes")
    }

    /// Asserts that the rows of every kind add up to the size of the input.
    fn assert_sums(&self, size: usize, case: &str) {
        assert_eq!(self.total(), size as u64, "{case}");
        for dimension in ["event", "step", "dependency", "route", "level", "logger", "key"] {
            let rows = self.by(dimension);
            let sum: u64 = rows.iter().map(|(_, _, bytes)| bytes).sum();
            assert_eq!(sum, size as u64, "{case}: {dimension} {rows:?}");
        }
    }
}

/// A request without a problem: two steps, two calls and its last line.
fn healthy(id: &str) -> Vec<String> {
    vec![
        line(id, 10_000, "INFO", 1, &step("price", 1.25, "ok", 2, 1, 1.0)),
        line(id, 20_000, "INFO", 2, &call("payments", "charge", 12.5, None, 3, 1, 2.0)),
        line(id, 30_000, "INFO", 3, &call("payments", "confirm", 2.5, None, 4, 1, 3.0)),
        line(id, 35_000, "INFO", 4, "\"customer\":7"),
        line(id, 40_000, "INFO", 5, &step("place_order", 33.0, "ok", 1, 0, 0.5)),
        line(id, 41_000, "INFO", 6, &completed(41.0, 201, "ok", "")),
    ]
}

#[test]
fn shares_add_up_to_the_size_of_the_input_to_the_byte() {
    let lines = joined(&[failing("r-1"), healthy("r-2")].concat());
    let text = String::from_utf8(lines.clone()).expect("UTF-8");
    let in_docker: String = healthy("r-3")
        .iter()
        .map(|line| {
            let log = serde_json::to_string(&format!("{line}\n")).expect("JSON");
            format!("{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"2026-11-22T10:14:12.1Z\"}}\n")
        })
        .collect();
    let pretty: Value = serde_json::from_str(&healthy("r-4")[0]).expect("JSON");
    let pretty = serde_json::to_string_pretty(&pretty).expect("JSON");
    let split = {
        let line = &healthy("r-5")[1];
        let (head, tail) = line.split_at(50);
        format!("2026-11-22T10:14:12.1Z stdout P {head}\n2026-11-22T10:14:12.1Z stdout F {tail}\n")
    };
    let ecs = "{\"@timestamp\":\"2026-11-22T10:14:12.123456Z\",\"log.level\":\"INFO\",\"log.logger\":\"shop\",\
               \"message\":\"hello\",\"ecs.version\":\"8.11\",\"http.request.id\":\"r-6\"}\n";
    let huge_value = line("r-7", 1, "INFO", 1, &format!("\"blob\":\"{}\"", "x".repeat(2 << 20)));
    let mut invalid = line("r-8", 1, "INFO", 1, "\"name\":\"?\"").into_bytes();
    let at = invalid.iter().position(|byte| *byte == b'?').expect("a mark");
    invalid[at] = 0xff;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("candor's lines", lines.clone()),
        ("no final line feed", text.trim_end().as_bytes().to_vec()),
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("blank lines", text.replace('\n', "\n\n \n").into_bytes()),
        ("other lines", text.replace('\n', "\nstarting {x}\n{\"a\":1}\n").into_bytes()),
        ("a torn line", [&lines[..], &lines[..150], b"\n"].concat()),
        ("a torn line at the end", [&lines[..], &lines[..150]].concat()),
        ("a lost line feed", text.replacen('\n', "", 1).into_bytes()),
        ("a list", format!("[{}]\n", text.trim_end().replace('\n', ",")).into_bytes()),
        ("docker", in_docker.into_bytes()),
        ("kubectl", text.replace("{\"ts\"", "[pod/web-1/app] {\"ts\"").into_bytes()),
        ("jq", pretty.into_bytes()),
        ("CRI", split.into_bytes()),
        (
            "the rest of a CRI line is missing",
            b"2026-11-22T10:14:12.1Z stdout P {\"ts\"\n".to_vec(),
        ),
        ("profile ecs", ecs.repeat(3).into_bytes()),
        ("a long line", format!("{huge_value}\n{text}").into_bytes()),
        ("a line over the limit", [&lines[..], &vec![b'x'; 9 << 20], b"\n", &lines].concat()),
        ("invalid UTF-8", [&invalid[..], b"\n", &lines].concat()),
        ("nothing", Vec::new()),
        ("a NUL", b"\0\n\0".to_vec()),
    ];
    for (case, input) in cases {
        Rows::of(&input).assert_sums(input.len(), case);
    }
}

#[test]
fn several_files_are_one_bill_and_compressed_ones_count_as_text() {
    let folder = Folder::new("bill-files");
    let (one, other) = (joined(&failing("r-1")), joined(&healthy("r-2")));
    let plain = folder.file("app.log", &one);
    let packed = folder.file("app.log.1.gz", &gzip(&other));
    let rows = Rows(candor(&["bill", &plain, &packed, "--json"], b"").json());
    rows.assert_sums(one.len() + other.len(), "two files");
    assert_eq!(rows.0[0]["requests"], 2);
    assert_eq!(rows.0[0]["lines"], 11);
}

#[test]
fn lines_are_counted_by_event_step_dependency_route_level_and_logger() {
    let lines = [failing("r-1"), healthy("r-2")].concat();
    let rows = Rows::of(&joined(&lines));
    let size = |marker: &str| -> u64 {
        lines.iter().filter(|line| line.contains(marker)).map(|line| line.len() as u64 + 1).sum()
    };
    assert_eq!(rows.bytes("event", "step_timing"), size("\"event\":\"step_timing\""));
    assert_eq!(rows.bytes("event", "“a line of its own”"), size("a line of its own"));
    assert_eq!(rows.bytes("step", "price"), size("\"step\":\"price\""));
    assert_eq!(rows.bytes("dependency", "payments"), size("\"dependency\":\"payments\",\"op"));
    assert_eq!(rows.bytes("route", "POST /orders"), rows.total());
    assert_eq!(rows.bytes("level", "WARN"), size("\"level\":\"WARN\""));
    assert_eq!(rows.bytes("logger", "shop"), rows.total());
}

#[test]
fn the_bytes_of_a_key_are_those_of_its_members_and_their_commas() {
    let mut input = joined(&[failing("r-1"), healthy("r-2")].concat());
    // A line whose keys are in another order, with nested values and escapes.
    input.extend_from_slice(
        b"{\"ts\":\"2026-11-22T10:00:00.000001Z\",\"level\":\"INFO\",\"request_id\":\"-\",\
          \"odd \\\"key\\\"\":{\"a\":[1,\"}\"]},\"n\":-1.5e3,\"last\":null}\n",
    );
    let rows = Rows::of(&input);
    let mut wanted = BTreeMap::<String, u64>::new();
    let mut structure = 0;
    for line in String::from_utf8(input.clone()).expect("UTF-8").lines() {
        let members: serde_json::Map<String, Value> = serde_json::from_str(line).expect("JSON");
        let mut rest = line.len() as u64 + 1;
        // What a member takes is found in the text: numbers must not be written in another way.
        let mut starts: Vec<(usize, &String)> = members
            .keys()
            .map(|key| {
                let quoted = format!("{}:", serde_json::to_string(key).expect("JSON"));
                (line.find(&quoted).expect("the key"), key)
            })
            .collect();
        starts.sort_unstable();
        for (index, (from, key)) in starts.iter().enumerate() {
            let to = starts.get(index + 1).map_or(line.len() - 1, |(next, _)| *next);
            let bytes = (to - from) as u64;
            *wanted.entry((*key).clone()).or_default() += bytes;
            rest -= bytes;
        }
        structure += rest;
    }
    for (key, bytes) in wanted {
        assert_eq!(rows.bytes("key", &key), bytes, "{key}");
    }
    assert_eq!(rows.bytes("key", "braces, line feeds, prefixes"), structure);
}

#[test]
fn a_level_saves_the_bytes_of_the_lines_that_it_filters() {
    let mut lines = [failing("r-1"), healthy("r-2")].concat();
    for line in &mut lines {
        if line.contains("_completed\"") {
            *line = line.replace("\"logger\":\"shop\"", "\"logger\":\"http\"");
        }
    }
    lines.push(line("r-2", 5, "DEBUG", 7, "\"detail\":1"));
    lines.push(line("-", 5, "INFO", 1, "\"event\":\"audit\""));
    lines.push("not candor's".to_owned());
    let rows = Rows::of(&joined(&lines));
    let filtered = |is_kept: &dyn Fn(&str) -> bool| -> u64 {
        let always = |line: &str| line.contains("\"audit\"") || !line.starts_with('{');
        let kept = lines.iter().filter(|line| always(line) || is_kept(line));
        kept.map(|line| line.len() as u64 + 1).sum()
    };
    let is_warn = |line: &str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
    assert_eq!(rows.after("LOG_LEVEL=info"), filtered(&|line| !line.contains("\"DEBUG\"")));
    assert_eq!(rows.after("LOG_LEVEL=warn"), filtered(&is_warn));
    let with_http = |line: &str| is_warn(line) || line.contains("\"logger\":\"http\"");
    assert_eq!(rows.after("LOG_LEVEL=warn,http=info"), filtered(&with_http));
}

/// The last line of `healthy` as story mode writes it.
fn wide(id: &str) -> String {
    let last = healthy(id).pop().expect("a last line");
    let inner = last.strip_suffix('}').expect("an object").replace("\"seq\":6", "\"seq\":1");
    format!(
        "{inner},\"lines_left_out\":5,\"step_own_ms\":{{\"place_order\":16.750,\"price\":1.250}},\
         \"dependencies\":{{\"payments\":{{\"calls\":2,\"ms\":15.000}}}}}}"
    )
}

#[test]
fn story_mode_is_estimated_from_each_request_within_three_percent() {
    let (mut all, mut problems, mut summary) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..200 {
        let id = format!("r-{number}");
        if number % 10 == 0 {
            let lines = failing(&id);
            all.extend(lines.clone());
            problems.extend(lines.clone());
            // Its lines at WARN and above; its last line is wide too.
            let wide = ",\"lines_left_out\":1,\"step_own_ms\":{\"place_order\":32.000,\"price\":10.000},\
                        \"dependencies\":{\"payments\":{\"calls\":1,\"ms\":55.000}}}";
            summary.extend_from_slice(&lines[1..4]);
            summary.push(format!("{}{wide}", lines[4].strip_suffix('}').expect("an object")));
        } else {
            all.extend(healthy(&id));
            problems.push(wide(&id));
            summary.push(wide(&id));
        }
    }
    let rows = Rows::of(&joined(&all));
    for (setting, lines) in [("LOG_STORY=problems", problems), ("LOG_STORY=summary", summary)] {
        let (wanted, estimated) = (joined(&lines).len() as f64, rows.after(setting) as f64);
        let difference = (estimated - wanted).abs() / wanted;
        assert!(difference < 0.03, "{setting}: {estimated} instead of {wanted}");
    }
}

#[test]
fn a_request_with_a_problem_or_missing_lines_or_no_end_counts_as_written_in_full() {
    let slow = {
        let mut lines = healthy("r-1");
        lines[5] = line("r-1", 41_000, "INFO", 6, &completed(2_500.0, 201, "ok", ""));
        lines
    };
    let with_lines = |count: u64, bytes: usize| {
        let rest = format!("\"text\":\"{}\"", "x".repeat(bytes));
        let mut lines: Vec<String> =
            (1..=count).map(|seq| line("r-1", 1, "INFO", seq, &rest)).collect();
        lines.push(line("r-1", 2, "INFO", count + 1, &completed(2.0, 201, "ok", "")));
        lines
    };
    let held = Rows::of(&joined(&with_lines(150, 0)));
    assert!(held.after("LOG_STORY=problems") < held.total(), "few lines");
    for (case, lines) in [
        ("a WARN", failing("r-1")),
        ("more lines than are held", with_lines(257, 0)),
        ("more bytes than are held", with_lines(3, 30_000)),
        ("an audit line", {
            let mut lines = healthy("r-1");
            lines[3] = line("r-1", 35_000, "INFO", 4, "\"event\":\"audit\"");
            lines
        }),
        ("slow", slow),
        ("a missing line", healthy("r-1")[1..].to_vec()),
        ("no end", healthy("r-1")[..5].to_vec()),
        ("no request", vec![line("-", 1, "INFO", 1, ""); 3]),
    ] {
        let rows = Rows::of(&joined(&lines));
        assert_eq!(rows.after("LOG_STORY=problems"), rows.total(), "{case}");
    }
}

#[test]
fn compact_leaves_out_placeholders_and_what_the_first_line_said() {
    let mut lines = healthy("r-1");
    lines[0] = lines[0].replace("\"user_id\":\"41\"", "\"user_id\":\"-\"");
    // The user is as unknown as on the first line; the trace was known there.
    lines[1] = lines[1].replace("\"user_id\":\"41\"", "\"user_id\":\"-\"");
    lines[2] = lines[2].replace("\"trace_id\":\"t1\"", "\"trace_id\":\"-\"");
    let outside =
        line("-", 1, "INFO", 1, "").replace("\"41\"", "\"-\"").replace("\"POST\"", "\"-\"");
    let rows = Rows::of(&joined(&[&lines[..], std::slice::from_ref(&outside)].concat()));
    let said = ["\"method\":\"POST\",", "\"path\":\"/orders\",", "\"trace_id\":\"t1\","];
    let last = lines.len() - 1;
    let mut compact: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| match index {
            0 => line.replace("\"user_id\":\"-\",", ""),
            // The last line is complete.
            index if index == last => line.clone(),
            1 => said.iter().fold(line.replace("\"user_id\":\"-\",", ""), |line, member| {
                line.replace(member, "")
            }),
            // The first line did not have the user.
            _ => said.iter().fold(line.clone(), |line, member| line.replace(member, "")),
        })
        .collect();
    compact.push(
        ["\"request_id\":\"-\",", "\"user_id\":\"-\",", "\"method\":\"-\","]
            .iter()
            .fold(outside, |line, member| line.replace(member, "")),
    );
    assert_eq!(rows.after("LOG_PROFILE=compact"), joined(&compact).len() as u64);
}

#[test]
fn a_request_beyond_the_limit_of_open_ones_is_kept_and_said_so() {
    let mut input = Vec::new();
    for number in 0..120_000 {
        let line = line(&format!("r-{number}"), 1, "INFO", 1, "");
        writeln!(input, "{line}").expect("memory");
    }
    // The end of a request whose first line is forgotten.
    let end = line("r-0", 2, "INFO", 2, &completed(1.0, 200, "ok", ""));
    writeln!(input, "{end}").expect("memory");
    let said = candor(&["bill", "-", "--json"], &input);
    let rows = Rows(said.json());
    assert_eq!(rows.after("LOG_STORY=problems"), input.len() as u64);
    assert!(said.err.contains("count as written in full"), "{}", said.err);
    rows.assert_sums(input.len(), "many open requests");
}

#[test]
fn names_without_end_are_counted_in_bounded_tables() {
    let mut input = Vec::new();
    for number in 0..10_000 {
        let rest =
            format!("\"key_{number}\":1,{}", step(&format!("step {number}"), 1.0, "ok", 1, 0, 0.0));
        let rest = rest.split_once(',').map(|(key, step)| format!("{step},{key}")).expect("two");
        writeln!(input, "{}", line("r-1", 1, "INFO", number, &rest)).expect("memory");
    }
    let rows = Rows::of(&input);
    rows.assert_sums(input.len(), "many names");
    assert!(rows.by("step").len() < 5_000 && rows.by("key").len() < 5_000);
    assert!(rows.bytes("step", "further names") > 0);
}

#[test]
fn a_price_and_a_month_are_computed_from_bytes_and_timestamps() {
    // 100 lines within 30 seconds, 86,400 times as much in 30 days.
    let lines: Vec<String> =
        (0..=100).map(|number| line("r-1", number * 300_000, "INFO", number, "")).collect();
    let input = joined(&lines);
    let rows =
        candor(&["bill", "-", "--json", "--price", "$2.00/MB", "--per-month"], &input).json();
    let month = input.len() as f64 * 86_400.0;
    assert_eq!(rows[0]["bytes_per_month"].as_f64(), Some(month));
    let price = rows[0]["price"].as_f64().expect("a price");
    assert!((price - month * 2.0 / 1e6).abs() < 1e-3, "{price}");
    let said = candor(&["bill", "-", "--price", "$2.00/MB", "--per-month"], &input);
    assert!(said.out.contains("in 30 days at this rate  $"), "{}", said.out);
    // A single timestamp gives no rate.
    let said = candor(&["bill", "-", "--per-month"], &joined(&lines[..1]));
    assert_eq!(said.code, Some(0));
    assert_eq!(
        said.err,
        "candor: all lines have the same time, so --per-month has no effect; use it with a longer log\n"
    );
}

#[test]
fn a_wrong_price_and_a_missing_file_are_explained() {
    for price in ["0.50", "much/GiB", "1/parsec", "-1/GB"] {
        let said = candor(&["bill", "-", &format!("--price={price}")], b"");
        assert_eq!(said.code, Some(2), "{price}");
        assert!(said.err.contains("such as 0.50/GiB or $0.50/GB"), "{price}: {}", said.err);
    }
    let said = candor(&["bill", "-", &format!("--price={}/GB", "9".repeat(308))], b"");
    assert_eq!(said.code, Some(2), "{}", said.out);
    let said = candor(&["bill", "/does/not/exist"], b"");
    assert_eq!(said.code, Some(2));
    assert!(said.err.starts_with("candor: can't read /does/not/exist: "), "{}", said.err);
    // Standard input is the default.
    for args in [&["bill", "-"][..], &["bill"], &["bill", "--html", "-"]] {
        let said = candor(args, b"10:14:12.123 INFO  shop hello\n");
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
        assert_eq!(said.err, "candor: the input contains no candor lines (set LOG_FORMAT=json)\n");
    }
}

#[test]
fn the_table_fits_the_terminal_and_folds_small_rows() {
    let lines: Vec<String> = (0..30)
        .map(|number| {
            line(
                "r-1",
                number,
                "INFO",
                number,
                &step(&format!("step_{number:02}"), 1.0, "ok", 1, 0, 0.0),
            )
        })
        .collect();
    for columns in ["40", "80", "120"] {
        let said = candor_at(columns, &["bill", "-", "--price", "€0.5/GiB"], &joined(&lines));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let width: usize = columns.parse().expect("a number");
        let widest = said.out.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(width), "{widest:?} columns: {}", said.out);
        assert!(said.out.contains("20 others"), "{}", said.out);
    }
    let said = candor(&["bill", "-", "--top", "0"], &joined(&lines));
    assert!(said.out.contains("step_29") && !said.out.contains("others"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'));
}

#[test]
fn the_page_escapes_the_log_and_loads_nothing() {
    let evil = "<script>alert(1)</script>\\\"'&";
    let lines = vec![
        line("r-1", 1, "INFO", 1, &step(evil, 1.0, "ok", 1, 0, 0.0)),
        line("r-1", 2, "INFO", 2, &format!("\"<img src=x>\":1,{}", completed(1.0, 200, "ok", ""))),
        line("r-2", 3, evil, 1, &format!("\"k\":\"{evil}\"")),
    ];
    let said = candor(&["bill", "-", "--html", "-", "--price", "$1/GB"], &joined(&lines));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("&lt;script&gt;alert(1)"), "{}", said.out);
    for outside in
        ["<script", "<img", "src=x>", "http-equiv=\"refresh\"", "<link", "url(", "onerror"]
    {
        assert!(!said.out.contains(outside), "{outside} stands in the page");
    }
    assert!(said.out.contains("class=\"tile\""));
    // A tile for each of the largest keys, within the map.
    let places = said.out.split("style=\"left:").skip(1);
    for place in places {
        let mut numbers =
            place.split(['%', ';', ':', '"']).filter_map(|word| word.parse::<f64>().ok());
        let mut next = || numbers.next().expect("a number");
        let (left, top, width, height) = (next(), next(), next(), next());
        assert!(left >= 0.0 && left + width <= 100.01, "{left} {width}");
        assert!(top >= 0.0 && top + height <= 100.01, "{top} {height}");
    }
}

#[test]
fn renamed_keys_are_counted_by_the_names_in_the_log() {
    let lines: Vec<String> = healthy("r-1")
        .iter()
        .map(|line| line.replace("\"ts\":", "\"wann\":").replace("\"level\":", "\"stufe\":"))
        .collect();
    let input = joined(&lines);
    let rows =
        Rows(candor(&["bill", "-", "--json", "--keys", "ts=wann,level=stufe"], &input).json());
    rows.assert_sums(input.len(), "renamed keys");
    assert_eq!(rows.bytes("level", "INFO"), input.len() as u64);
    assert!(rows.bytes("key", "wann") > 0);
    assert_eq!(rows.0[0]["last_ts"], "2026-11-22T10:00:00.041000Z");
}

#[test]
fn a_page_never_overwrites_an_input() {
    let folder = Folder::new("bill-page");
    let lines = joined(&failing("r-1"));
    let log = folder.file("app.log", &lines);
    for args in [&["bill", &log, "--html", &log][..], &["story", "r-1", &log, "--html", &log]] {
        let said = candor(args, b"");
        assert_eq!(said.code, Some(2), "{args:?}");
        assert_eq!(
            said.err,
            "candor: --html names a file that is read; give the page another name\n"
        );
        assert!(std::fs::read(&log).expect("it exists") == lines, "{args:?}");
    }
}

#[test]
fn numbers_over_the_limits_are_counted_and_do_not_overflow() {
    let huge = "\"event\":\"dependency_call\",\"dependency\":\"payments\",\"retries\":18446744073709551615,\
                \"duration_ms\":1e300";
    let lines: Vec<String> = (1..=3).map(|seq| line("r-1", 1, "INFO", seq, huge)).collect();
    let end = line("r-1", 2, "INFO", 4, &completed(1e300, 200, "ok", ""));
    let rows = Rows::of(&joined(&[lines, vec![end]].concat()));
    assert_eq!(rows.0[0]["requests"], 1);
}

#[test]
fn a_line_after_the_end_of_its_request_is_not_another_request() {
    let mut lines = healthy("r-1");
    let late = line("r-1", 50_000, "INFO", 7, "");
    lines.push(late.clone());
    let rows = Rows::of(&joined(&lines));
    assert_eq!(rows.0[0]["requests"], 1);
    assert_eq!(rows.bytes("route", "(after the end)"), late.len() as u64 + 1);
    // An id that is used again starts with the first line.
    let rows = Rows::of(&joined(&[healthy("r-1"), healthy("r-1")].concat()));
    assert_eq!(rows.0[0]["requests"], 2);
}

#[test]
fn levels_of_other_loggers_and_times_with_an_offset_are_understood() {
    let times = ["23:30:00.000000Z", "23:00:00.000000-02:00", "23:00:00.000000+03:00"];
    let lines: Vec<String> = times
        .iter()
        .map(|time| {
            let line = line("-", 1, "fatal", 1, "");
            let end = line.find("\",\"level\"").expect("a time");
            format!("{{\"ts\":\"2026-11-22T{time}{}", &line[end..])
        })
        .collect();
    let rows = Rows::of(&joined(&lines));
    assert_eq!(rows.0[0]["first_ts"], "2026-11-22T20:00:00.000000Z");
    assert_eq!(rows.0[0]["last_ts"], "2026-11-23T01:00:00.000000Z");
    // Every setting writes all lines, so none has a row that saves something.
    assert!(rows.0.iter().all(|row| row["setting"] != "LOG_LEVEL=warn"));
}
