//! Tests each order of installation for the crates in `docs/beside-others.md`.

use std::process::Command;

use serde_json::Value;

/// The lines of a program, and its standard error.
fn run(program: &str) -> (Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_beside"))
        .arg(program)
        .env_clear()
        .env("LOG_FORMAT", "json")
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{program}: {stderr}");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!lines.contains("canary"), "{lines}");
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    (lines.collect(), stderr)
}

fn count(lines: &[Value], event: &str) -> usize {
    lines.iter().filter(|line| line["event"] == event).count()
}

#[test]
fn sentry_after_candors_panic_hook_gets_panics_and_failures() {
    let (lines, stderr) = run("sentry");
    assert_eq!((count(&lines, "panic"), count(&lines, "panic_hook_kept")), (1, 0));
    assert_eq!(count(&lines, "panic_hook_replaced"), 0);
    assert!(!stderr.contains("panicked at"), "the raw message: {stderr}");
    // Sentry sees the raw panic, and readable messages of failures.
    assert!(stderr.contains("exceptions=[\"sold out, token=canary-beside\"]"), "{stderr}");
    assert!(stderr.contains("sentry message=\"payments charge: timeout after "), "{stderr}");
    assert!(stderr.contains("sentry message=\"check_out: panicked after "), "{stderr}");
}

#[test]
fn sentry_before_candor_gets_panics_and_prints_them() {
    for program in ["sentry-first", "sentry-and-init"] {
        let (lines, stderr) = run(program);
        assert_eq!((count(&lines, "panic"), count(&lines, "panic_hook_kept")), (1, 1), "{program}");
        assert!(stderr.contains("exceptions=[\"sold out, token=canary-beside\"]"), "{stderr}");
        // Sentry's hook calls the default one, which it replaced.
        assert!(stderr.contains("panicked at"), "{stderr}");
    }
}

#[test]
fn color_eyre_before_candor_prints_its_report_after_the_line() {
    let (lines, stderr) = run("color-eyre");
    assert_eq!((count(&lines, "panic"), count(&lines, "panic_hook_kept")), (1, 1));
    assert!(stderr.contains("The application panicked"), "{stderr}");
}

#[test]
fn color_eyre_after_candor_replaces_the_hook_until_it_is_installed_again() {
    let (lines, stderr) = run("color-eyre-later");
    assert_eq!((count(&lines, "panic"), count(&lines, "panic_hook_replaced")), (0, 1));
    assert!(stderr.contains("The application panicked"), "{stderr}");
    let (lines, _) = run("color-eyre-later-and-again");
    assert_eq!((count(&lines, "panic"), count(&lines, "panic_hook_replaced")), (1, 0));
}

#[test]
fn env_logger_before_candor_keeps_the_records_of_the_log_crate() {
    let (lines, stderr) = run("env-logger");
    assert_eq!(count(&lines, "logger_taken"), 1);
    assert!(lines.iter().all(|line| line["msg"] != "of a library"));
    assert!(stderr.contains("of a library"), "{stderr}");
}

#[test]
fn env_logger_after_candor_is_not_installed() {
    let (lines, stderr) = run("env-logger-later");
    assert_eq!(stderr, "env_logger: false\n");
    assert_eq!((lines.len(), count(&lines, "logger_taken")), (1, 0));
    assert_eq!(lines[0]["msg"], "of a library");
}
