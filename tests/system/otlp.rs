//! OTLP export: every line is a record with the same content, every record is delivered or counted, and nothing hangs.
//!
//! The programs run in a process of their own, the fixture, so that their counts are exact.

pub(crate) mod collector;
mod deep;
mod faults;
mod hostile;
mod records;
mod runtimes;
mod settings;
mod spans;
mod tls;

use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program of the fixture with exactly this environment, which exports to `endpoint`.
fn fixture(program: &str, endpoint: &str, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg(program).env_clear().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.env("OTEL_SERVICE_NAME", "shop").env("LOG_LEVEL", "debug");
    if program == "otlp" {
        // The program's records are one batch, however long it takes on a busy machine: its flush sends them.
        command.env("OTEL_BLRP_SCHEDULE_DELAY", "20000");
    }
    command.envs(env.iter().copied());
    command
}

/// The result of a run of the fixture.
#[derive(Debug)]
struct Run {
    lines: Vec<Value>,
    raw: Vec<String>,
    stderr: String,
    logs: Counts,
    spans: Counts,
    time: Duration,
}

/// The counts of one kind of record.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    emitted: u64,
    delivered: u64,
    waiting: u64,
    full: u64,
    rejected: u64,
    unreachable: u64,
    shutdown: u64,
}

impl Counts {
    fn dropped(&self) -> u64 {
        self.full + self.rejected + self.unreachable + self.shutdown
    }

    fn of(value: &Value) -> Self {
        let number = |value: &Value| value.as_u64().expect("a number");
        let dropped = &value["dropped"];
        let counts = Counts {
            emitted: number(&value["emitted"]),
            delivered: number(&value["delivered"]),
            waiting: number(&value["waiting"]),
            full: number(&dropped["full"]),
            rejected: number(&dropped["rejected"]),
            unreachable: number(&dropped["unreachable"]),
            shutdown: number(&dropped["shutdown"]),
        };
        assert_eq!(
            counts.emitted,
            counts.delivered + counts.waiting + counts.dropped(),
            "{counts:?}"
        );
        counts
    }
}

fn run(program: &str, endpoint: &str, env: &[(&str, &str)]) -> Run {
    finish(fixture(program, endpoint, env))
}

/// Runs a program for at most a minute.
fn finish(mut command: Command) -> Run {
    let began = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    Run::of(&output, began.elapsed())
}

impl Run {
    fn of(output: &Output, time: Duration) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {stderr}", output.status);
        let raw: Vec<_> =
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        let lines = raw
            .iter()
            .map(|line| {
                // `check` knows the usual keys only.
                if line.starts_with("{\"ts\"") {
                    candor_tests::check(line);
                }
                serde_json::from_str(line).expect("JSON")
            })
            .collect();
        let counts = stderr.lines().rev().find(|line| line.starts_with("{\"logs\""));
        let counts = counts.unwrap_or_else(|| panic!("no counts in {stderr}"));
        let counts: Value = serde_json::from_str(counts).expect("JSON");
        let (logs, spans) = (Counts::of(&counts["logs"]), Counts::of(&counts["spans"]));
        Run { lines, raw, stderr, logs, spans, time }
    }

    /// The `lines_dropped` lines of the export: number, kind, reason and detail.
    fn losses(&self) -> Vec<(u64, &str, &str, &str)> {
        self.lines
            .iter()
            .filter(|line| line["event"] == "lines_dropped")
            .map(|line| {
                assert_eq!(line["sink"], "otlp", "{line}");
                let text = |key: &str| line[key].as_str().unwrap_or_default();
                let lines = line["lines"].as_u64().expect("a number");
                (lines, text("records"), text("reason"), text("detail"))
            })
            .collect()
    }

    /// Lines that are exported: all but the reports of losses.
    fn exported(&self) -> usize {
        self.lines.iter().filter(|line| line["event"] != "lines_dropped").count()
    }
}

/// Waits until `holds` returns true, for at most ten seconds.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}
