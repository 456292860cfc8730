//! Input that wants to harm the reader: his terminal, his browser, his memory.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;

/// xorshift, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).expect("it is below")
    }
}

const HARM: &str = "\u{1b}[2J\u{7}\u{8}\u{7f}\u{85}\u{9b}31m\u{202e}\u{2066}\u{2028}\u{2029}\u{200b}\u{feff}\r\u{e0041}";

fn assert_harmless(text: &str, what: &str) {
    for c in text.chars().filter(|c| *c != '\n') {
        let harmful = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        assert!(!harmful, "{c:?} stands raw in {what}");
    }
}

/// All ways to look at an input.
fn all(input: &[u8]) -> Vec<(String, Said)> {
    let commands: [&[&str]; 7] = [
        &["story", "r-7", "-"],
        &["story", "r-7", "-", "--fields"],
        &["story", "-", "--failed", "--json"],
        &["requests", "-"],
        &["requests", "-", "--since", "1h"],
        &["steps", "-"],
        &["tail", "-", "--expand", "--fields"],
    ];
    let run = |args: &&[&str]| {
        let mut said = candor(args, input);
        if args[0] == "tail" {
            // Lines of other programs keep their tabs.
            said.out = said.out.replace('\t', "");
        }
        (args.join(" "), said)
    };
    commands.iter().map(run).collect()
}

/// Lines with `harm` wherever a log can have text.
fn poisoned(harm: &str) -> Vec<u8> {
    let json = serde_json::to_string(harm).expect("JSON");
    let json = json.trim_matches('"');
    let mut lines = Vec::new();
    for form in [json, harm] {
        for text in failing("r-7") {
            let mut poisoned = text;
            for place in [
                "shop",
                "place_order",
                "payments",
                "charge",
                "/orders",
                "timeout",
                "a line of its own",
                "stock",
                "error",
                "41",
                "t1",
                "INFO",
            ] {
                poisoned = poisoned.replace(&format!("\"{place}"), &format!("\"{place}{form}"));
            }
            // What names the event and its keys stays, or it is none of candor's lines.
            poisoned = poisoned.replace(&format!("\"error{form}\":"), "\"error\":");
            lines.push(poisoned);
        }
        lines.push(line(
            "r-7",
            40_000,
            "WARN",
            9,
            &format!("\"k{form}\":\"v{form}\",\"n\":{{\"{form}\":[\"{form}\"]}}"),
        ));
    }
    joined(&lines)
}

#[test]
fn nothing_in_a_log_is_a_command_to_the_terminal() {
    let input = poisoned(HARM);
    for (what, said) in all(&input) {
        assert_eq!(said.code, Some(0), "{what}: {}", said.err);
        assert_harmless(&said.out, &what);
        assert_harmless(&said.err, &what);
    }
    // What the user or the file's name brings is shown no other way.
    let said = candor(&["story", "x\u{1b}[2J", "-"], &input);
    assert_harmless(&said.err, "an id");
    let said = candor(&["story", "r-7", "no\u{1b}[2J"], &input);
    assert_harmless(&said.err, "a file's name");
}

#[test]
fn nothing_in_a_log_is_markup() {
    let folder = Folder::new("markup");
    let input = folder
        .file("app.log", &poisoned("<script>alert(1)</script><img src=x onerror='a'>\"'&amp;"));
    let page = folder.0.join("story.html");
    let said = candor(&["story", "r-7", &input, "--html", page.to_str().expect("UTF-8")], b"");
    assert_eq!(said.code, Some(0), "{}", said.err);
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn any_bytes_are_taken_without_a_panic_and_shown_without_a_control() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let seed = [poisoned(HARM), joined(&failing("r-7"))].concat();
    for round in 0..40 {
        let mut input = seed.clone();
        for _ in 0..=random.next(60) {
            let at = random.next(input.len());
            match random.next(6) {
                0 => input[at] = u8::try_from(random.next(256)).expect("a byte"),
                1 => drop(input.remove(at)),
                2 => input.insert(at, b"{}[]\"\\,:\n\0\x1b"[random.next(11)]),
                3 => input.truncate(at.max(1)),
                4 => {
                    let end = (at + random.next(300)).min(input.len());
                    let part = input[at..end].to_vec();
                    input.splice(at..at, part);
                }
                _ => {
                    let end = (at + 9).min(input.len());
                    input.splice(at..end, *b"-1e999999");
                }
            }
        }
        for (what, said) in all(&input) {
            let what = format!("round {round}, {what}");
            assert!(matches!(said.code, Some(0..=2)), "{what}: {said:?}");
            assert!(!said.err.contains("panicked"), "{what}: {}", said.err);
            assert_harmless(&said.out, &what);
            assert_harmless(&said.err, &what);
        }
    }
}

#[test]
fn parents_that_go_round_in_circles_end() {
    let lines = [
        line("r-7", 1, "INFO", 1, &step("a", 1.0, "ok", 1, 2, 0.0)),
        line("r-7", 2, "INFO", 2, &step("b", 1.0, "ok", 2, 1, 0.0)),
        line("r-7", 3, "INFO", 3, &step("self", 1.0, "ok", 3, 3, 0.0)),
        line("r-7", 4, "INFO", 4, &step("twice", 1.0, "ok", 3, 1, 0.0)),
    ];
    let story = &candor(&["story", "r-7", "-", "--json"], &joined(&lines)).json()[0];
    assert_eq!(outline(story).len(), 4, "{story}");
}

#[test]
fn a_tree_of_thousands_of_levels_is_shown() {
    let lines: Vec<String> = (1..=5_000_u64)
        .map(|id| line("r-7", id, "INFO", id, &step("deep", 1.0, "ok", id, id - 1, 0.0)))
        .collect();
    for args in [&["story", "r-7", "-"][..], &["story", "r-7", "-", "--json"]] {
        let said = candor(args, &joined(&lines));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.contains("deep"));
    }
}

/// Runs the command, which must not take quadratic time.
fn soon(args: &'static [&'static str], input: Vec<u8>) -> Said {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(candor(args, &input)));
    is_done.recv_timeout(Duration::from_mins(1)).expect("it takes linear time")
}

/// Each request was compared with each call of each other request, and those with each request again.
#[test]
fn thousands_of_requests_with_one_id_are_shown() {
    let mut lines = Vec::new();
    for request in 0..3_000 {
        let (at, span) = (request * 1_000_000, format!("\"span_id\":\"s{request}\""));
        let called = call("payments", "charge", 49.0, None, 1, 0, 0.5);
        lines.push(line("r-7", at + 49_500, "INFO", 1, &called));
        lines.push(line("r-7", at + 50_000, "INFO", 2, &completed(50.0, 200, "ok", "")));
        for line in lines.iter_mut().rev().take(2) {
            *line = line.replace("\"span_id\":\"s1\"", &span);
        }
    }
    let story = &soon(&["story", "r-7", "-", "--json"], joined(&lines)).json()[0];
    assert_eq!(story["parts"].as_array().map(Vec::len), Some(3_000));
}

/// Each of the members was compared with all others.
#[test]
fn a_line_with_thousands_of_names_of_the_same_value_is_shown() {
    let ids = ",\"uid\":1".repeat(200_000);
    let line = line("r-7", 1, "INFO", 1, &format!("\"n\":1{ids}"));
    let said = soon(&["view", "-"], format!("{line}\n").into_bytes());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("a line of its own"), "{}", said.out);
}

/// candor writes lines of up to 121 levels, and `serde_json` parses 127.
#[test]
fn values_of_any_depth_are_read() {
    for levels in [120, 126, 127, 100_000] {
        let mut lines = failing("r-7");
        let value = format!("\"deep\":{}{}", "[".repeat(levels), "]".repeat(levels));
        lines.push(line("r-7", 1, "INFO", 90, &value));
        for (what, said) in all(&joined(&lines)) {
            assert!(
                said.code.is_some_and(|code| code < 2),
                "{what}, {levels} levels: {}",
                said.err
            );
        }
        let story = candor(&["story", "r-7", "-"], &joined(&lines));
        assert_eq!(story.code, Some(0), "{levels} levels: {}", story.err);
    }
}

#[test]
fn times_beyond_all_measure_are_shown() {
    let mut lines = failing("r-7");
    lines.push(line("r-7", 1, "INFO", 6, "\"event\":\"step_timing\",\"step\":\"long\",\"duration_ms\":1e308,\"outcome\":\"ok\",\"step_id\":9,\"parent_id\":0,\"offset_ms\":-1e308"));
    lines.push(line("r-7", 1, "INFO", 18_446_744_073_709_551_615, ""));
    for (what, said) in all(&joined(&lines)) {
        assert_eq!(said.code, Some(0), "{what}: {}", said.err);
    }
}

#[test]
fn what_was_pasted_is_no_command_to_the_terminal_either() {
    let pasted = "x\u{1b}[2J\u{202e}y\u{9b}1m\r\n";
    for args in [
        &["requests", "-", "--since", pasted][..],
        &["requests", pasted],
        &["story", pasted, "-"],
        &["steps", "-", "--keys", pasted],
        &["steps", "-", "--top", pasted],
        &[pasted],
    ] {
        let said = candor(args, b"");
        assert_ne!(said.code, Some(0));
        assert_harmless(&said.err, "the refusal");
    }
}

#[cfg(unix)]
#[test]
fn a_standard_error_that_is_full_changes_no_exit_code() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    for (args, code) in [(&["story", "r-7", "-"][..], 1), (&["story", "r-7", "no/such"], 2)] {
        let status = command(args).stdin(Stdio::null()).stderr(full()).status().expect("it starts");
        assert_eq!(status.code(), Some(code));
    }
}
