//! The promise of `docs/redaction.md`, measured: secrets, formats of tokens, harmless lines and names, each in a file of
//! `tests/data/redaction` that was collected before the code it measures.

use std::collections::BTreeMap;
use std::fmt;

use candor::Config;
use candor::keys::is_sensitive;
use candor::scrub;
use candor::testing::{Captured, capture_with};
use candor_tests::checked;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

pub(crate) const LEAKS: &str = include_str!("../data/redaction/leaks.jsonl");
const OUTSIDE: &str = include_str!("../data/redaction/outside.jsonl");
const FORMATS: &str = include_str!("../data/redaction/formats.tsv");
const HARMLESS: &str = include_str!("../data/redaction/harmless.txt");
const ON_PURPOSE: &str = include_str!("../data/redaction/hidden_on_purpose.txt");
const NAMES: &str = include_str!("../data/redaction/names.tsv");
const FIELDS: &str = include_str!("../data/redaction/fields.tsv");

/// A text with secrets, and harmless text that has to stay.
pub(crate) struct Case {
    kind: String,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
    kept: Vec<String>,
    is_json: bool,
}

pub(crate) fn cases(file: &str) -> Vec<Case> {
    let strings = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let case = |line: &str| {
        let case: Value = serde_json::from_str(line).expect("a case");
        Case {
            kind: case["kind"].as_str().expect("a kind").to_owned(),
            text: case["text"].as_str().expect("a text").to_owned(),
            secrets: strings(&case["secrets"]),
            kept: strings(&case["keep"]),
            is_json: case["json"] == true,
        }
    };
    file.lines().map(case).collect()
}

fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Logs the text through each door by which the text of others comes in.
pub(crate) fn log(case: &Case) {
    let text = &case.text;
    let error = Failure(text.clone());
    tracing::info!(door = "debug", ?text);
    tracing::info!(door = "display", %text);
    tracing::info!(door = "nested debug", value = ?Some(format!("{text:?}")));
    tracing::info!(door = "error", error = &error as &dyn std::error::Error);
    tracing::info!("{text}");
    tracing::info_span!("span", %text).in_scope(|| tracing::info!(door = "span"));
    log::info!("{text}");
    candor::info!(door = "policy", text = candor::policy::scrub(text));
    candor::info!(door = "value", value = scrub::json(&json!({ "note": text })));
    if case.is_json {
        let value: Value = serde_json::from_str(text).expect("JSON");
        candor::info!(door = "JSON", value = scrub::json(&value));
    }
    if let Ok(value) = HeaderValue::from_str(text) {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-note"), value)]);
        candor::info!(door = "header", headers = scrub::headers(&headers));
    }
    let encoded = percent_encoded(text);
    tracing::info!(door = "percent-encoded", %encoded);
    let url = scrub::url_with_query(&format!("/search?note={encoded}"));
    candor::info!(door = "query", url = candor::policy::clear(&url));
}

/// The text with escapes undone, as somebody reads it who looks for a secret.
pub(crate) fn readable(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        text = text.replace("\\\\", "\\").replace("\\\"", "\"").replace("\\'", "'");
    }
    let mut plain = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        (rest, _) = match byte.filter(|_| first == b'%') {
            Some(byte) => (&behind[2..], plain.push(byte)),
            None => (behind, plain.push(first)),
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// All text of a line.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => {
            for (key, value) in members {
                found.push(key.clone());
                texts(value, found);
            }
        }
        _ => {}
    }
}

fn written(case: &Case) -> Captured {
    let config = Config::new().level("info").expect("a level");
    let captured = capture_with(config).expect("a configuration");
    // Fails if a test before has installed it.
    let _ = captured.logging().map(candor::Logging::install_log);
    log(case);
    captured
}

/// The first secret of the case that a line shows, and the line.
fn leak(case: &Case) -> Option<String> {
    let captured = written(case);
    let lines = checked(&captured);
    assert!(lines.len() >= 11, "{} lines of {:?}", lines.len(), case.text);
    lines.iter().find_map(|line| {
        let mut found = Vec::new();
        texts(&serde_json::from_str(line.raw()).expect("a line"), &mut found);
        let shown = found.iter().flat_map(|text| [text.clone(), readable(text)]);
        let leaks = |text: &String| {
            let secret =
                |secret: &&String| text.contains(*secret) || text.contains(&readable(secret));
            case.secrets.iter().find(secret).map(|secret| format!("{secret:?} in {text:?}"))
        };
        shown.into_iter().find_map(|text| leaks(&text))
    })
}

#[test]
fn no_secret_of_the_promise_is_shown() {
    let cases = cases(LEAKS);
    let mut leaked = BTreeMap::<&str, Vec<String>>::new();
    for case in &cases {
        if let Some(leak) = leak(case) {
            leaked.entry(&case.kind).or_default().push(leak);
        }
    }
    println!("{} cases, {leaked:#?}", cases.len());
    assert!(cases.len() >= 800 && leaked.is_empty(), "{leaked:#?}");
}

/// Every case tests something.
#[test]
fn each_secret_is_shown_if_redaction_is_off() {
    let hidden: Vec<_> = cases(LEAKS)
        .iter()
        .filter(|case| candor::__private::without_redaction(|| leak(case)).is_none())
        .map(|case| case.text.clone())
        .collect();
    assert_eq!(hidden, Vec::<String>::new());
}

#[test]
fn harmless_text_beside_a_secret_stays() {
    for case in cases(LEAKS) {
        let shown = scrub::text(&case.text);
        for kept in &case.kept {
            assert!(shown.contains(kept), "{kept:?} of {:?} is gone: {shown:?}", case.text);
        }
    }
}

/// What the documentation says stays outside is still outside. If this fails, move the case to the promise.
#[test]
fn each_case_outside_the_promise_leaks() {
    let hidden: Vec<_> = cases(OUTSIDE).into_iter().filter(|case| leak(case).is_none()).collect();
    let texts: Vec<_> = hidden.iter().map(|case| &case.text).collect();
    assert!(texts.is_empty(), "{texts:#?}");
}

/// The lines of a block of `docs/redaction.md`.
fn documented(marker: &str) -> Vec<String> {
    let block = super::programs::block("docs/redaction.md", marker);
    block.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn each_line_of_the_documented_promise_is_true() {
    let lines = documented("promise");
    let pairs: Vec<_> = lines.iter().filter_map(|line| line.split_once(" -> ")).collect();
    for (input, expected) in &pairs {
        assert_eq!(scrub::text(input.trim_end()), *expected);
    }
    // The headings are four.
    assert!(pairs.len() >= 30 && lines.len() - pairs.len() == 4, "{lines:#?}");
}

#[test]
fn harmless_and_unknown_text_of_the_documentation_stays() {
    let lines: Vec<_> = documented("harmless").into_iter().chain(documented("outside")).collect();
    for line in &lines {
        assert_eq!(scrub::text(line), *line);
    }
    assert!(lines.len() >= 12, "{lines:#?}");
}

/// A string of a format such as `ghp_[A-Za-z0-9]{36}`, the same in each run.
fn sample(pattern: &str, seed: u64) -> String {
    let mut random = candor_tests::Random::new(seed);
    let mut sample = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(first) = rest.next() {
        let mut set = vec![first];
        if first == '[' {
            let body: Vec<char> = rest.by_ref().take_while(|&c| c != ']').collect();
            set.clear();
            let mut at = 0;
            while let Some(&from) = body.get(at) {
                match (body.get(at + 1), body.get(at + 2)) {
                    (Some('-'), Some(&to)) => (at, ()) = (at + 3, set.extend(from..=to)),
                    _ => (at, ()) = (at + 1, set.push(from)),
                }
            }
        }
        let mut times = 1;
        if rest.next_if_eq(&'{').is_some() {
            let count: String = rest.by_ref().take_while(|&c| c != '}').collect();
            times = count.split(',').next().and_then(|least| least.parse().ok()).expect("a number");
        }
        for _ in 0..times {
            sample.push(set[random.below(set.len())]);
        }
    }
    sample
}

#[test]
#[allow(clippy::cast_precision_loss, reason = "a few hundred formats")]
fn nearly_all_documented_formats_of_tokens_are_known() {
    let formats: Vec<(&str, &str)> = FORMATS
        .lines()
        .map(|line| line.split_once('\t').expect("a tab"))
        .map(|(vendor, rest)| (vendor, rest.split('\t').next().unwrap_or_default()))
        .collect();
    let is_unknown = |pattern: &str| {
        (1..=3).any(|seed| {
            let token = sample(pattern, seed);
            let shown = scrub::text(&format!("got {token} now")).into_owned();
            shown.contains(&token[token.len() / 2..])
        })
    };
    let unknown: Vec<_> = formats.iter().filter(|(_, pattern)| is_unknown(pattern)).collect();
    let share = 100.0 * unknown.len() as f64 / formats.len() as f64;
    println!("{share:.1} % of {} formats are unknown: {unknown:#?}", formats.len());
    assert!(formats.len() >= 500 && share <= 5.0, "{share} %: {unknown:#?}");
}

#[test]
fn harmless_lines_are_not_altered() {
    let lines: Vec<&str> = HARMLESS.lines().collect();
    let altered: Vec<_> = lines
        .iter()
        .map(|line| (line, scrub::text(line)))
        .filter(|(line, shown)| shown != *line)
        .collect();
    println!("{} of {}: {altered:#?}", altered.len(), lines.len());
    assert!(lines.len() >= 700 && altered.len() * 100 <= lines.len(), "{altered:#?}");
}

/// A value under a sensitive name is hidden with everything below it, and `name:value` without a blank is a pair.
#[test]
fn what_the_key_rule_hides_on_purpose_is_hidden() {
    for line in ON_PURPOSE.lines() {
        assert_ne!(scrub::text(line), line);
    }
}

/// Asserts that no more than these shares of names are missed and falsely hidden, in percent.
#[allow(clippy::cast_precision_loss, reason = "a few hundred names")]
fn assert_names_are_judged_right(file: &str, most_missed: f64, most_false: f64) {
    let wrong = |label: &str| {
        let names: Vec<&str> = file
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|columns| columns[1] == label)
            .map(|columns| columns[0])
            .collect();
        let wrong: Vec<_> =
            names.iter().filter(|name| is_sensitive(name) != (label == "sensitive")).collect();
        let share = 100.0 * wrong.len() as f64 / names.len() as f64;
        println!("{label}: {share:.1} % of {} are judged wrong: {wrong:?}", names.len());
        share
    };
    assert!(wrong("sensitive") <= most_missed && wrong("harmless") <= most_false);
}

#[test]
fn nearly_all_names_are_judged_right() {
    assert_names_are_judged_right(NAMES, 2.5, 2.0);
}

/// Fields of published crates whose names have `key`, `token`, `code` and the like. Few are sensitive, and some only
/// their type tells.
#[test]
fn few_fields_of_rust_structs_are_hidden_in_vain() {
    assert_names_are_judged_right(FIELDS, 10.0, 3.0);
}
