//! Panics of a program that is built with `panic = "abort"`. Each of them ends the process.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::super::Ended;
use super::abort::{NOT_WRITTEN, PLACES, aborted, numbers, panics};
use crate::otlp::collector::Collector;

/// The program, built with its profile.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let build = candor_tests::cargo()
        .args(["build", "--quiet", "--package", "candor-aborting", "--profile", "aborting"])
        .status();
    assert!(build.expect("cargo runs").success());
    let tests = std::env::current_exe().expect("this program");
    let target = tests.ancestors().nth(3).expect("the target's folder");
    target.join("aborting/aborting")
});

/// Runs a program that has to be ended by the signal of an abort.
fn aborts(env: &[(&str, &str)]) -> Ended {
    aborted(Command::new(&*PROGRAM).arg("abort").env_clear().envs(env.iter().copied()))
}

#[test]
fn the_panic_and_all_lines_before_it_are_written() {
    for queue in ["0", "1000"] {
        for place in PLACES {
            for how in ["", "hook", "cannot-unwind", "in-drop"] {
                let lines = aborts(&[("QUEUE", queue), ("WHERE", place), ("HOW", how)]).lines();
                let last = lines.last().expect("lines");
                assert_eq!(numbers(&lines), (0..10).collect::<Vec<_>>(), "{queue} {place} {how}");
                assert_eq!(panics(&lines), ["the end"], "{queue} {place} {how}");
                assert_eq!(last["event"], "panic", "{queue} {place} {how}");
                let id = if matches!(place, "request" | "step" | "thread") { "r-1" } else { "-" };
                assert!(place == "job" || last["request_id"] == id, "{place} {how}: {last}");
            }
        }
    }
}

#[test]
fn held_and_folded_lines_are_written() {
    for queue in ["0", "100"] {
        let env = [("QUEUE", queue), ("WHERE", "job")];
        let held = [env.as_slice(), &[("LOG_STORY", "problems"), ("BESIDE", "job")]].concat();
        let lines = aborts(&held).lines();
        assert_eq!((numbers(&lines).len(), panics(&lines).len()), (10, 1), "{queue}");
        assert_eq!(lines.iter().filter(|line| line["msg"] == "held").count(), 1, "{queue}");
        let folded = [env.as_slice(), &[("LOG_FOLD", "1"), ("BESIDE", "repeats")]].concat();
        let lines = aborts(&folded).lines();
        let repeats: Vec<_> = lines.iter().filter(|line| line["msg"] == "repeated").collect();
        assert_eq!((repeats.len(), &repeats[1]["repeats"]), (2, &4.into()), "{queue}");
    }
}

#[test]
fn the_panic_passes_a_full_queue_and_all_dropped_lines_are_reported() {
    let env = [("QUEUE", "2"), ("WRITE_MS", "5"), ("WHERE", "request"), ("OVERLOAD", "drop")];
    let lines = aborts(&[env.as_slice(), &[("LINES", "100")]].concat()).lines();
    assert_eq!(panics(&lines), ["the end"]);
    let dropped = lines.iter().filter(|line| line["event"] == "lines_dropped");
    let dropped: u64 = dropped.map(|line| line["lines"].as_u64().expect("a number")).sum();
    assert_eq!(numbers(&lines).len() as u64 + dropped, 100, "{lines:?}");
}

#[test]
fn the_panic_is_on_standard_error_if_its_line_can_not_be_written() {
    let full = aborts(&[("LOG_FILE", "/dev/full")]);
    assert!(full.stderr.contains(NOT_WRITTEN), "{}", full.stderr);
    let env = [("QUEUE", "2"), ("WRITE_MS", "1"), ("STALL_MS", "60000"), ("BESIDE", "stall")];
    let stalls = aborts(&[env.as_slice(), &[("LINES", "0")]].concat());
    assert!(stalls.stderr.contains(NOT_WRITTEN), "{}", stalls.stderr);
}

#[test]
fn the_panic_is_exported() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let lines = aborts(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)]).lines();
    assert_eq!(panics(&lines).len(), 1);
    assert_eq!(collector.received().logs_of("panic"), 1);
}
