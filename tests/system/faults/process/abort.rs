//! Panics that end the process: their lines and all lines before them are written.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::{Ended, program, run, succeeds};
use crate::otlp::collector::Collector;

/// Runs a program that has to be ended by the signal of an abort.
fn aborts(env: &[(&str, &str)]) -> Ended {
    aborted(&mut program("process", "abort", env))
}

pub(super) fn aborted(program: &mut Command) -> Ended {
    let ended = run(program);
    assert_eq!(ended.status.signal(), Some(6), "{program:?}: {}: {}", ended.status, ended.stderr);
    ended
}

pub(super) fn numbers(lines: &[Value]) -> Vec<u64> {
    let numbered = lines.iter().filter(|line| line["msg"] == "numbered");
    numbered.map(|line| line["n"].as_u64().expect("a number")).collect()
}

pub(super) fn panics(lines: &[Value]) -> Vec<&str> {
    let panics = lines.iter().filter(|line| line["event"] == "panic");
    panics.map(|line| line["panic_message"].as_str().expect("text")).collect()
}

pub(super) const PLACES: [&str; 6] = ["main", "request", "job", "step", "thread", "task"];

#[test]
fn the_panic_and_the_queued_lines_are_written_if_a_hook_aborts() {
    for place in PLACES {
        let lines = aborts(&[("QUEUE", "1000"), ("HOW", "hook"), ("WHERE", place)]).lines();
        assert_eq!(numbers(&lines), (0..10).collect::<Vec<_>>(), "{place}");
        assert_eq!(panics(&lines), ["the end"], "{place}");
    }
}

#[test]
fn the_panic_and_the_queued_lines_are_written_if_the_panic_can_not_unwind() {
    for place in PLACES {
        let lines =
            aborts(&[("QUEUE", "1000"), ("HOW", "cannot-unwind"), ("WHERE", place)]).lines();
        assert_eq!(numbers(&lines), (0..10).collect::<Vec<_>>(), "{place}");
        let last = "panic in a function that cannot unwind";
        assert_eq!(panics(&lines), ["the end", last], "{place}");
    }
}

/// These panics were taken for ones that unwind, so the lines that other requests held were lost.
#[test]
fn bug_the_held_lines_were_lost_if_a_type_without_a_zero_value_was_zeroed() {
    let env = [("QUEUE", "1000"), ("HOW", "zeroed"), ("WHERE", "job")];
    let lines =
        aborts(&[env.as_slice(), &[("LOG_STORY", "problems"), ("BESIDE", "job")]].concat()).lines();
    assert_eq!(numbers(&lines), (0..10).collect::<Vec<_>>());
    assert_eq!(panics(&lines).len(), 1);
    assert_eq!(lines.iter().filter(|line| line["msg"] == "held").count(), 1);
}

#[test]
fn the_panic_and_the_queued_lines_are_written_if_a_destructor_panics_while_unwinding() {
    for place in ["main", "request", "task"] {
        let lines = aborts(&[("QUEUE", "1000"), ("HOW", "in-drop"), ("WHERE", place)]).lines();
        assert_eq!(numbers(&lines), (0..10).collect::<Vec<_>>(), "{place}");
        let last = "panic in a destructor during cleanup";
        assert_eq!(panics(&lines), ["the end", "in a destructor", last], "{place}");
    }
}

#[test]
fn the_panic_is_written_if_the_queue_is_full_and_the_writer_slow() {
    let env = [("QUEUE", "2"), ("WRITE_MS", "5"), ("WHERE", "request"), ("HOW", "cannot-unwind")];
    let lines = aborts(&env).lines();
    assert_eq!((numbers(&lines).len(), panics(&lines).len()), (10, 2));
    let drops = [env.as_slice(), &[("OVERLOAD", "drop"), ("LINES", "100")]].concat();
    let lines = aborts(&drops).lines();
    assert_eq!(panics(&lines).last(), Some(&"panic in a function that cannot unwind"));
    let dropped = lines.iter().filter(|line| line["event"] == "lines_dropped");
    let dropped: u64 = dropped.map(|line| line["lines"].as_u64().expect("a number")).sum();
    assert!(numbers(&lines).len() as u64 + dropped >= 100, "{lines:?}");
}

/// Printed to standard error if the line of the panic could not be written.
pub(super) const NOT_WRITTEN: &str = "candor: the process ends because a thread panicked at ";

#[test]
fn bug_the_last_panic_was_not_reported_if_its_line_could_not_be_written() {
    for queue in ["0", "10"] {
        for how in ["hook", "cannot-unwind"] {
            let env = [("QUEUE", queue), ("LOG_FILE", "/dev/full"), ("HOW", how)];
            let stderr = aborts(&env).stderr;
            let is_last = how == "cannot-unwind";
            assert_eq!(stderr.contains(NOT_WRITTEN), is_last, "{queue} {how}: {stderr}");
        }
    }
}

#[test]
fn a_writer_that_stalls_delays_the_end_for_a_limited_time() {
    let began = Instant::now();
    for overload in ["block", "drop"] {
        let mut env =
            vec![("QUEUE", "2"), ("WRITE_MS", "1"), ("STALL_MS", "60000"), ("LINES", "0")];
        env.extend([("BESIDE", "stall"), ("WHERE", "request"), ("HOW", "cannot-unwind")]);
        if overload == "drop" {
            env.push(("OVERLOAD", "drop"));
        }
        let stderr = aborts(&env).stderr;
        assert!(stderr.contains(NOT_WRITTEN), "{overload}: {stderr}");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn bug_a_thread_ignored_the_capacity_of_the_queue_after_a_panic_that_was_caught() {
    let env = [("QUEUE", "2"), ("OVERLOAD", "drop"), ("WRITE_MS", "5"), ("LINES", "200")];
    let ended = succeeds("process", "like-an-abort", &env);
    let lines = ended.lines();
    assert_eq!(panics(&lines), ["null pointer dereference occurred"]);
    assert!(numbers(&lines).len() < 200, "{}", ended.stderr);
}

#[test]
fn bug_a_writer_whose_panic_ended_the_process_left_no_message() {
    for queue in ["0", "10"] {
        let ended = run(&mut program("process", "writer-aborts", &[("QUEUE", queue)]));
        assert_eq!(ended.status.signal(), Some(6), "{}: {}", ended.status, ended.stderr);
        assert!(ended.stderr.contains("because the writer panicked at "), "{}", ended.stderr);
    }
}

#[test]
fn bug_a_panic_below_another_subscriber_lost_the_lines_that_were_queued() {
    let env = [("QUEUE", "1000"), ("WRITE_MS", "2"), ("LINES", "200"), ("WHERE", "subscriber")];
    let lines = aborts(&[env.as_slice(), &[("HOW", "cannot-unwind")]].concat()).lines();
    assert_eq!(numbers(&lines).len(), 200);
}

#[test]
fn held_and_folded_lines_are_written() {
    let env = [("QUEUE", "100"), ("HOW", "cannot-unwind"), ("WHERE", "job")];
    let held = [env.as_slice(), &[("LOG_STORY", "problems"), ("BESIDE", "job")]].concat();
    let lines = aborts(&held).lines();
    assert_eq!(numbers(&lines).len(), 10);
    assert_eq!(lines.iter().filter(|line| line["msg"] == "held").count(), 1);
    let folded = [env.as_slice(), &[("LOG_FOLD", "1"), ("BESIDE", "repeats")]].concat();
    let lines = aborts(&folded).lines();
    let repeats: Vec<_> = lines.iter().filter(|line| line["msg"] == "repeated").collect();
    assert_eq!((repeats.len(), &repeats[1]["repeats"]), (2, &4.into()));
}

#[test]
fn the_panic_is_exported() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("HOW", "cannot-unwind")];
    let lines = aborts(&env).lines();
    assert_eq!(panics(&lines).len(), 2);
    assert_eq!(collector.received().logs_of("panic"), 2);
}
