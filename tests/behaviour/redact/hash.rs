//! Keyed hashes. The key is a setting of the process, so each case runs in its own one.

use std::process::Command;

use candor_tests::check;
use serde_json::Value;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Runs the fixture; returns its standard output and standard error.
fn run(key: Option<&str>) -> (Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg("hash").env_clear();
    if let Some(key) = key {
        command.env("LOG_HASH_KEY", key);
    }
    let output = command.output().expect("the fixture runs");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = lines.lines().map(|line| {
        check(line);
        assert!(!line.contains("ada@"), "{line}");
        serde_json::from_str(line).expect("JSON")
    });
    (lines.collect(), String::from_utf8(output.stderr).expect("UTF-8"))
}

fn named<'a>(lines: &'a [Value], msg: &str) -> &'a Value {
    lines.iter().find(|line| line["msg"] == msg).unwrap_or_else(|| panic!("no `{msg}`: {lines:?}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn hashes_have_one_format_with_the_key_id() {
    let (lines, _) = run(Some(KEY));
    let email = text(&named(&lines, "fields")["email"]);
    let parts: Vec<&str> = email.split(':').collect();
    assert_eq!(
        (parts.len(), parts[0], parts[1].len(), parts[2].len()),
        (3, "h1", 4, 16),
        "{email}"
    );
    assert!(parts[1..].concat().chars().all(|c| c.is_ascii_hexdigit()), "{email}");
    let (others, _) = run(Some(&KEY.replace("00", "ff")));
    let other = text(&named(&others, "fields")["email"]);
    assert_ne!(other.split(':').nth(1), Some(parts[1]), "the id tells keys apart");
    assert_ne!(other.split(':').nth(2), Some(parts[2]));
}

/// Fixed values, since hashes must stay comparable across versions.
#[test]
fn hashes_are_stable_across_processes_and_versions() {
    let (lines, _) = run(Some(KEY));
    let (again, _) = run(Some(&KEY.to_uppercase()));
    assert_eq!(named(&lines, "fields")["email"], named(&again, "fields")["email"]);
    assert_eq!(named(&lines, "fields")["email"], "h1:d2ad:435120e08928bf02");
}

#[test]
fn hashes_are_separated_by_field_name() {
    let (lines, _) = run(Some(KEY));
    let fields = named(&lines, "fields");
    assert_ne!(fields["email"], fields["referrer"], "one value, two names");
    assert_ne!(fields["email"], fields["user_id"]);
    assert_eq!(named(&lines, "in a struct")["login"]["email"], fields["email"]);
    assert_eq!(named(&lines, "in a struct")["login"]["by_hand"], fields["by_hand"]);
    assert_eq!(named(&lines, "recorded")["email"], fields["email"]);
    assert_eq!(named(&lines, "recorded")["list"][0], fields["list"]);
    let (one, other) =
        (&named(&lines, "in a newtype")["one"], &named(&lines, "in a newtype")["two"]);
    assert_eq!(one, other, "a newtype goes by its own name");
    let step = lines.iter().find(|line| line["step"] == "sign_up").expect("a step");
    assert_eq!(step["email"], fields["email"]);
    assert_eq!(step["context"], fields["context"]);
    assert!(text(&step["ret"]).starts_with("h1:") && step["ret"] != fields["email"]);
}

#[test]
fn a_type_of_a_crate_without_the_subscriber_is_hashed() {
    let (lines, _) = run(Some(KEY));
    let account = &named(&lines, "of a shared crate")["account"];
    assert_eq!(account["email"], named(&lines, "fields")["email"]);
    assert_eq!(account["card"], "****4242");
}

#[test]
fn a_list_of_chars_or_numbers_has_one_hash() {
    let (lines, _) = run(Some(KEY));
    let lists = named(&lines, "lists");
    for whole in ["letters", "bytes", "numbers", "set"] {
        assert!(text(&lists[whole]).starts_with("h1:"), "{lists}");
    }
    assert_eq!(lists["texts"].as_array().map(Vec::len), Some(2));
    assert_eq!(lists["none"], Value::Null);
    let map = lists["map"].as_object().expect("a map");
    assert!(map.keys().all(|key| key.starts_with("h1:")), "{lists}");
}

#[test]
fn without_a_key_values_are_hidden_and_one_warning_is_logged() {
    let (lines, _) = run(None);
    assert_eq!(named(&lines, "fields")["email"], "[REDACTED]");
    assert_eq!(named(&lines, "in a struct")["login"]["email"], "[REDACTED]");
    assert_eq!(lines[0]["user_id"], "[REDACTED]");
    let warnings: Vec<_> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(text(&warnings[0]["msg"]).contains("LOG_HASH_KEY"));
    let (lines, _) = run(Some(KEY));
    assert!(lines.iter().all(|line| line["level"] != "WARN"));
}

#[test]
fn an_invalid_key_is_an_error_that_does_not_repeat_the_key() {
    for wrong in ["deadbeef", &"g".repeat(64), &KEY[1..], &"+f".repeat(32)] {
        let (lines, error) = run(Some(wrong));
        assert!(lines.is_empty());
        assert!(error.contains("LOG_HASH_KEY") && error.contains("64 hex digits"), "{error}");
        assert!(!error.contains(wrong), "{error}");
    }
}
