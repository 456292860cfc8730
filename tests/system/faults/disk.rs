//! Faults of disks and files.

#[cfg(unix)]
mod daemon;
mod folders;
mod full;
#[cfg(target_os = "linux")]
mod locks;
mod shared;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LIMIT, program, run, succeeds};
use crate::sinks::{Counts, Folder};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A program that runs until its own end, while the test does something to its files.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts the program, and waits until it has configured logging.
    fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("a line");
        assert_eq!(line, "started\n");
        Running { child, stderr }
    }

    fn signal(&self, name: &str) {
        let signal = [&format!("-{name}"), &self.child.id().to_string()];
        assert!(Command::new("kill").args(signal).status().expect("kill runs").success());
    }

    /// Waits for its end, and returns its counts.
    fn counts(mut self) -> Counts {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if started.elapsed() > LIMIT {
                self.child.kill().expect("killed");
                self.child.wait().expect("a child");
                panic!("it hangs");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let mut stderr = Vec::new();
        self.stderr.read_to_end(&mut stderr).expect("it can be read");
        assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
        Counts::of(&stderr)
    }
}

/// What is in the files of a folder whose names start with `app.log`.
#[derive(Debug, Default)]
struct Found {
    /// The whole lines, by process.
    lines: Vec<Value>,
    /// Lines of which a part is missing.
    broken: usize,
    bytes: u64,
}

impl Found {
    /// Reads the files, in which no line may be blank, and none joined to another one.
    fn of(folder: &Path) -> Self {
        let mut found = Found::default();
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("UTF-8");
            if name.starts_with("app.log") {
                found.add(&name, &fs::read(entry.path()).expect("a file"));
            }
        }
        found
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        self.bytes += content.len() as u64;
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            assert!(!text.trim().is_empty(), "a blank line in {name}");
            assert_eq!(
                text.matches("{\"ts\":").count().max(1),
                1,
                "joined lines in {name}: {}",
                short(&text)
            );
            match serde_json::from_str(&text) {
                Ok(value) if text.ends_with('\n') => self.lines.push(value),
                _ => self.broken += 1,
            }
        }
    }

    /// The reason and the number of lines of each `lines_dropped` line.
    fn reports(&self) -> impl Iterator<Item = (&str, u64)> {
        let reports = self.lines.iter().filter(|line| line["event"] == "lines_dropped");
        reports.map(|line| {
            let reason = line["reason"].as_str().expect("a reason");
            (reason, line["lines"].as_u64().expect("a number"))
        })
    }

    /// How many whole lines a process has written. Each must be there once.
    fn of_process(&self, process: u32) -> u64 {
        let lines = self.lines.iter().filter(|line| line["process"] == process);
        let mut numbers: Vec<_> =
            lines.map(|line| (line["thread"].as_u64(), line["n"].as_u64())).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "a line is there twice");
        count as u64
    }
}

/// Compiles a library from C, which is loaded into a program before others; `None` without a C compiler.
#[cfg(target_os = "linux")]
fn library(folder: &Folder, content: &str) -> Option<std::path::PathBuf> {
    let (source, library) = (folder.file("shim.c"), folder.file("shim.so"));
    fs::write(&source, content).expect("a file");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
    let is_compiled = compiler.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    is_compiled.then_some(library)
}

/// The two ends of a long text.
fn short(text: &str) -> String {
    let ends = |at: usize| text.chars().skip(at).take(150).collect::<String>();
    format!("{} … {}", ends(0), ends(text.chars().count().saturating_sub(150)))
}

#[test]
fn counts_hold_in_all_orders_of_failed_and_partial_writes() {
    let ended = succeeds("disk", "orders", &[]);
    assert_eq!(ended.stdout, "4056 orders\n");
}

#[test]
fn bug_a_writer_that_was_interrupted_very_often_overflowed_the_stack() {
    let lines = succeeds("disk", "interrupted", &[]).lines();
    let messages: Vec<_> = lines.iter().map(|line| &line["msg"]).collect();
    assert_eq!(messages, ["written"]);
}

#[test]
fn bug_a_writer_that_panicked_when_it_was_dropped_aborted_an_unwinding_thread() {
    let ended = succeeds("disk", "panics-on-drop", &[]);
    assert!(ended.stderr.ends_with("survived\n"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("dropped\n").count(), 1, "{}", ended.stderr);
    assert_eq!(ended.lines()[0]["msg"], "written");
}
