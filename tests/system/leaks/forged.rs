//! A record is one line of unique keys without raw control characters, whatever its values and names hold.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use candor::policy::{clear, scrub};
use candor::testing::capture_with;
use candor::{Config, Format, RequestContext, context, step_timed};
use candor_tests::{Random, check, is_full, rounds};
use serde_json::json;

/// Text that ends lines, values or fields, moves the cursor, or reverses text.
const HOSTILE: [&str; 40] = [
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\t",
    "\x08",
    "\x0c",
    "\x1b[31m",
    "\x1b]0;x\x07",
    "\x7f",
    "\u{80}",
    "\u{85}",
    "\u{9b}31m",
    "\u{61c}",
    "\u{200e}",
    "\u{200f}",
    "\u{2028}",
    "\u{2029}",
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{feff}",
    "\\",
    "\"",
    "\\\"",
    "\\u000a",
    "'",
    "{",
    "}",
    "\",\"level\":\"INFO\"",
    "level",
    "msg",
    "seq",
    "event",
    "exc",
    "é",
    "😀",
    "a",
    "=",
];

#[test]
fn no_value_or_name_forges_a_line_a_field_or_an_escape_sequence() {
    let mut random = Random::new(5);
    for round in 0..rounds(1500) {
        let config = Config::new().level("trace").expect("a level").format(Format::Pretty);
        let captured = capture_with(config).expect("a configuration");
        let mut text = || random.pieces(&HOSTILE, 6);
        let (name, other, value, key) = (text(), text(), text(), text());
        let context = RequestContext::with_id(&text()).with_method(&text()).with_path(&text());
        let written = context.enter_with(|| {
            context::set_user(clear(&text()));
            context::set(&name, clear(&value));
            context::set(&other, 7);
            // The backtrace of a panic takes longer than everything else in a round.
            log(&name, &other, &value, &key, is_full() || round % 8 == 0)
        });
        let lines = captured.lines();
        let output = captured.output();
        assert_eq!(lines.len(), written, "round {round}: {lines:?}");
        let rows: Vec<&str> = output.split_terminator('\n').collect();
        // In the pretty format, a record's first row has a time or a duration, and so has the one header in front of the
        // first record; each other row is indented past the level.
        let is_first = |row: &str| row.get(..12).is_some_and(|first| !first.trim().is_empty());
        let is_header = |row: &str| row.get(12..19).is_some_and(|number| number == "   #1  ");
        let headers = rows.iter().filter(|row| is_first(row) && is_header(row)).count();
        let firsts = rows.iter().filter(|row| is_first(row)).count();
        let requests = usize::from(lines[0].text("request_id") != "-");
        assert_eq!((headers, firsts), (requests, written + requests), "round {round}: {output}");
        lines.iter().for_each(|line| check(line.raw()));
        let raw = |c: char| {
            c != '\n' && c.is_control()
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        };
        assert!(!output.contains(raw), "round {round}: {output:?}");
    }
}

/// Logs through every input, a panic only if `panics`; returns the number of lines.
fn log(name: &str, other: &str, value: &str, key: &str, panics: bool) -> usize {
    #[step_timed(fields(value = scrub(value), map))]
    fn step(value: &str, map: &BTreeMap<u64, u64>, name: &str, other: &str) -> Result<(), String> {
        candor::record(name, 1);
        candor::record(other, clear(value));
        Err(value.to_owned())
    }

    tracing::info!(target: "hostile\n\u{202e}\"", note = value, debug = ?value, display = %value, "{value}");
    tracing::info!(level = value, { "a\nb\u{202e}" } = value, msg = 1, "{key}");
    tracing::info_span!("around", { "c\u{1b}[0m" } = value, note = value).in_scope(|| {
        candor::info!(note = clear(value), "said {}", clear(value));
    });
    let body =
        json!({ key: value, "a": { key: [value] }, "in": json!({ key: value }).to_string() });
    candor::info!(body = candor::scrub::json(&body), "body");
    tracing::info!(map = ?BTreeMap::from([(key, value)]), "map");
    step(value, &BTreeMap::from([(1, 2)]), name, other).expect_err("an error");
    if panics {
        catch_unwind(|| panic!("{value}")).expect_err("a panic");
    }
    6 + usize::from(panics)
}
