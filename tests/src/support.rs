//! Assertions about lines, and the fuzz targets, shared by the test programs.

pub mod fuzz;
mod random;

pub use random::Random;

use std::collections::HashSet;
use std::fmt;
use std::process::Command;

use candor::testing::{Captured, Line};
use serde_json::Value;
use serde_json::de::Deserializer;

/// Whether all cases are to be run, also those that differ from others only in their number or their random text.
///
/// Set by `CANDOR_TESTS=full`, as in `.ci/run`.
pub fn is_full() -> bool {
    std::env::var_os("CANDOR_TESTS").is_some_and(|how| how == "full")
}

/// Every `n`th of the cases, or all of them in the full tests.
pub fn sampled<T>(cases: Vec<T>, n: usize) -> Vec<T> {
    cases.into_iter().step_by(if is_full() { 1 } else { n }).collect()
}

/// How often random input is tried: this often in the full tests, a fifth of it otherwise.
pub fn rounds(full: usize) -> usize {
    if is_full() { full } else { full / 5 }
}

/// Cargo, as it is outside a test.
///
/// `cargo test` sets variables about the test's package. The build script of `ring` runs again if they differ, and then
/// candor and everything else that depends on it would be compiled again.
pub fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let is_of_package = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"]
                .iter()
                .any(|of| name.starts_with(of))
        });
        if is_of_package {
            command.env_remove(name);
        }
    }
    command
}

/// The fixed keys of a line in order; those marked `false` are present only if known.
const FIXED: [(&str, bool); 12] = [
    ("ts", true),
    ("level", true),
    ("logger", true),
    ("msg", true),
    ("request_id", true),
    ("user_id", true),
    ("method", true),
    ("path", true),
    ("service", false),
    ("trace_id", false),
    ("span_id", false),
    ("seq", false),
];

/// Returns all lines of a capture, after checking each of them.
///
/// # Panics
///
/// Panics if a line is invalid, or if nothing was captured.
pub fn checked(captured: &Captured) -> Vec<Line> {
    let lines = captured.lines();
    assert!(!lines.is_empty(), "nothing was captured");
    for line in &lines {
        check(line.raw());
    }
    lines
}

/// Asserts that `line` is valid: a JSON object with unique keys that starts with the fixed
/// ones in order, and has no raw control character.
///
/// # Panics
///
/// Panics if it is not.
pub fn check(line: &str) {
    assert!(line.len() < 16_000, "a line of {} bytes", line.len());
    for c in line.chars() {
        let harmful = c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
        assert!(!harmful, "{c:?} stands raw in {line}");
    }
    let keys = keys(line);
    let mut rest = keys.iter().map(String::as_str).peekable();
    for (key, required) in FIXED {
        if rest.peek() == Some(&key) {
            rest.next();
        } else {
            assert!(!required, "`{key}` is missing or out of place in {line}");
        }
    }
    for key in rest {
        assert!(FIXED.iter().all(|(fixed, _)| *fixed != key), "`{key}` is out of place in {line}");
    }
    let value: Value = serde_json::from_str(line).expect("`keys` has parsed it");
    check_error(&value);
}

/// Asserts that error and status of a step, call or job have the expected types.
fn check_error(line: &Value) {
    if !matches!(line["event"].as_str(), Some("step_timing" | "dependency_call" | "job_completed"))
    {
        return;
    }
    for key in ["error", "error_type", "error_detail"] {
        let value = &line[key];
        assert!(value.is_null() || value.is_string(), "`{key}` is {value} in {line}");
    }
    // In a line that is too long, the value is cut and becomes a string.
    let fields = &line["error_fields"];
    let is_cut = line.get("truncated").is_some() && fields.is_string();
    assert!(
        fields.is_null() || fields.is_object() || is_cut,
        "`error_fields` is {fields} in {line}"
    );
    let status = &line["status"];
    let is_http = status.as_u64().is_some_and(|status| status >= 100);
    let is_call = line["event"] == "dependency_call";
    assert!(!is_call || status.is_null() || is_http, "`status` is {status} in {line}");
    let code = &line["grpc_status"];
    let is_grpc = code.as_u64().is_some_and(|code| code <= 16);
    assert!(!is_call || code.is_null() || is_grpc, "`grpc_status` is {code} in {line}");
}

/// Returns the top-level keys of a JSON object in order.
///
/// # Panics
///
/// Panics if the text is not a JSON object, or has a duplicate key at any depth.
pub fn keys(json: &str) -> Vec<String> {
    let mut deserializer = Deserializer::from_str(json);
    let keys = serde::Deserializer::deserialize_any(&mut deserializer, Unique)
        .unwrap_or_else(|error| panic!("{error} in {json}"));
    deserializer.end().unwrap_or_else(|error| panic!("{error} in {json}"));
    keys
}

/// Deserializes a value without duplicate keys, and returns the keys of an object.
struct Unique;

impl<'de> serde::de::DeserializeSeed<'de> for Unique {
    type Value = Vec<String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Vec<String>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Unique {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without duplicate keys")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut keys = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Unique)?;
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("the key `{key}` stands twice")));
            }
            keys.push(key);
        }
        Ok(keys)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(Unique)?.is_some() {}
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

/// Returns the values of `key` of all lines that have it.
pub fn values(lines: &[Line], key: &str) -> Vec<Value> {
    lines.iter().filter_map(|line| line.get(key).cloned()).collect()
}

/// Doc tests of the macros. They are here because `candor-macros` does not depend on candor.
#[cfg(doctest)]
mod macros {
    #[doc = include_str!("../../macros/docs/step_timed.md")]
    struct StepTimed;
    #[doc = include_str!("../../macros/docs/dependency_call.md")]
    struct DependencyCall;
    #[doc = include_str!("../../macros/docs/redact.md")]
    struct Redact;
    #[doc = include_str!("../../macros/docs/instrument.md")]
    struct Instrument;
}

/// Doc tests of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

// Doc tests of the guide. They are here because its code uses crates that candor does not depend on.
#[cfg(doctest)]
#[path = "../../runtime/src/_guide.rs"]
mod guide;
