//! Sinks: every lost line is counted, and no line is cut, whatever the reader or the disk does.
//!
//! Failures that affect a whole process happen in a process of their own, the fixture. It prints
//! `candor::stats()` to standard error at its end, and each test compares the lines it finds with that.

mod audit;
mod background;
mod files;
mod rotation;
mod streams;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candor_tests::check;
use serde_json::Value;

/// A program of the fixture with exactly this environment.
fn fixture(program: &str, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fixture"));
    command.arg(program).env_clear().envs(env.iter().copied());
    command
}

fn run(program: &str, env: &[(&str, &str)]) -> Output {
    finished(fixture(program, env).output().expect("the fixture runs"))
}

/// The output of a program, which must have exited successfully.
fn finished(output: Output) -> Output {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    output
}

/// The counts that the fixture prints, which must add up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// The sum over all call sites.
    pub(crate) bytes: u64,
    pub(crate) emitted: u64,
    pub(crate) written: u64,
    pub(crate) waiting: u64,
    pub(crate) dropped: u64,
    /// Such as `stdout: io` and `file: full`.
    pub(crate) reasons: BTreeMap<String, u64>,
}

impl Counts {
    /// Parses the last line with counts.
    pub(crate) fn of(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let line = text.lines().rev().find(|line| line.contains("emitted "));
        let line = line.unwrap_or_else(|| panic!("no counts in {text}"));
        let line = line.find("bytes ").map_or(line, |start| &line[start..]);
        let (sums, reasons) = line.split_once(" (").unwrap_or((line, ""));
        let mut counts = Counts::default();
        for part in sums.split(", ") {
            let (name, number) = part.split_once(' ').expect("a name and a number");
            *match name {
                "bytes" => &mut counts.bytes,
                "emitted" => &mut counts.emitted,
                "written" => &mut counts.written,
                "waiting" => &mut counts.waiting,
                "dropped" => &mut counts.dropped,
                other => panic!("{other} in {line}"),
            } = number.parse().expect("a number");
        }
        for sink in reasons.trim_end_matches(')').split("; ").filter(|sink| !sink.is_empty()) {
            let (sink, reasons) = sink.split_once(": ").expect("a sink");
            for reason in reasons.split(", ") {
                let (reason, lines) = reason.split_once(' ').expect("a reason and a number");
                counts
                    .reasons
                    .insert(format!("{sink}: {reason}"), lines.parse().expect("a number"));
            }
        }
        assert_eq!(counts.emitted, counts.written + counts.waiting + counts.dropped, "{line}");
        assert_eq!(counts.reasons.values().sum::<u64>(), counts.dropped, "{line}");
        counts
    }
}

/// The lines of a text, each of which must be valid and complete.
fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is cut");
    text.lines()
        .map(|line| {
            check(line);
            serde_json::from_str(line).expect("JSON")
        })
        .collect()
}

/// The numbers of the numbered lines, by thread.
fn numbers(lines: &[Value]) -> BTreeMap<u64, Vec<u64>> {
    let mut threads = BTreeMap::<u64, Vec<u64>>::new();
    for line in lines.iter().filter(|line| line["msg"] == "numbered") {
        let thread = line["thread"].as_u64().unwrap_or(0);
        threads.entry(thread).or_default().push(line["n"].as_u64().expect("a number"));
    }
    threads
}

/// A temporary folder, removed on drop.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("candor-sinks-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The sorted names of its entries.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    /// The bytes of `app.log` and its backups.
    fn bytes(&self) -> u64 {
        let names = self.names();
        let logs = names.iter().filter(|name| name.starts_with("app.log"));
        logs.map(|name| fs::metadata(self.file(name)).expect("a file").len()).sum()
    }

    /// The lines of `app.log` and its backups, oldest first.
    fn all_lines(&self) -> Vec<Value> {
        let place = |name: &String| name.strip_prefix("app.log.")?.parse::<u32>().ok();
        let mut backups: Vec<_> = self.names().iter().filter_map(place).collect();
        backups.sort_unstable();
        let names = backups.iter().rev().map(|place| format!("app.log.{place}"));
        let names: Vec<_> = names.chain(["app.log".to_owned()]).collect();
        let contents = names.iter().filter_map(|name| fs::read(self.file(name)).ok());
        contents.flat_map(|content| lines(&content)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Copies a program in a process of its own. A copy that this process has open for writing can't be started, and another
/// test may pass it on to the program that it starts.
#[cfg(unix)]
pub(crate) fn copy_program(from: &str, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().expect("cp runs").success());
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
