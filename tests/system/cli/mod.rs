//! The command `candor`, which reads lines back.

mod aws;
mod bill;
mod clickhouse;
mod compare;
mod errors;
mod hostile;
mod http;
mod listing;
mod lnav;
mod migrate;
mod missing;
mod page;
mod schema;
mod server;
mod sources;
mod story;
mod tail;
mod tree;
mod usage;
mod view;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The command, built once for all tests.
///
/// Together with an example, its dependencies have the features that they have in the tests, so they are not compiled
/// again. The full tests build the command alone, as a user installs it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let what: &[&str] = if candor_tests::is_full() {
            &["--package", "candor-cli"]
        } else {
            &["--bin", "candor", "--example", "quickstart"]
        };
        let built = candor_tests::cargo()
            .args(["build", "--quiet", "--message-format", "json"])
            .args(what)
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "the command does not build");
        let messages = String::from_utf8(built.stdout).expect("UTF-8");
        let mut executables = messages.lines().filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let is_command = message["target"]["name"] == "candor";
            Some(PathBuf::from(message["executable"].as_str().filter(|_| is_command)?))
        });
        executables.next_back().expect("an executable")
    })
}

/// What a run said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// Runs the command with `input` as its standard input.
pub(super) fn candor(args: &[&str], input: &[u8]) -> Said {
    run(command(args), input)
}

/// The same on a terminal of this width.
pub(super) fn candor_at(columns: &str, args: &[&str], input: &[u8]) -> Said {
    let mut command = command(args);
    command.env("COLUMNS", columns);
    run(command, input)
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).env("COLUMNS", "100");
    for name in ["NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn run(mut command: Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that needs no more input closes it.
        let _ = stdin.write_all(&input);
    });
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic");
    Said {
        code: status.code(),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// A directory of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("candor-cli-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a new directory");
        Folder(path)
    }

    /// Writes a file and returns its path as an argument.
    fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, contents).expect("it can be written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A line of request `id` as candor writes it; `at` is in microseconds after ten o'clock.
fn line(id: &str, at: u64, level: &str, seq: u64, rest: &str) -> String {
    let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
    let event = rest.split("\"event\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let msg = event.unwrap_or("a line of its own");
    let comma = if rest.is_empty() { "" } else { "," };
    format!(
        "{{\"ts\":\"2026-11-22T10:{:02}:{:02}.{micros:06}Z\",\"level\":\"{level}\",\"logger\":\"shop\",\"msg\":\"{msg}\",\
         \"request_id\":\"{id}\",\"user_id\":\"41\",\"method\":\"POST\",\"path\":\"/orders\",\"trace_id\":\"t1\",\
         \"span_id\":\"s1\",\"seq\":{seq}{comma}{rest}}}",
        seconds / 60,
        seconds % 60,
    )
}

fn step(name: &str, ms: f64, outcome: &str, id: u64, parent: u64, offset: f64) -> String {
    format!(
        "\"event\":\"step_timing\",\"step\":\"{name}\",\"duration_ms\":{ms:.3},\"outcome\":\"{outcome}\",\
         \"step_id\":{id},\"parent_id\":{parent},\"offset_ms\":{offset:.3}"
    )
}

fn call(
    name: &str,
    operation: &str,
    ms: f64,
    error: Option<&str>,
    id: u64,
    parent: u64,
    offset: f64,
) -> String {
    let outcome = if error.is_some() { "error" } else { "ok" };
    let error = error.map_or("null".to_owned(), |error| format!("\"{error}\""));
    format!(
        "\"event\":\"dependency_call\",\"dependency\":\"{name}\",\"operation\":\"{operation}\",\
         \"dependency_method\":\"POST\",\"url\":\"http://{name}/\",\"status\":null,\"duration_ms\":{ms:.3},\
         \"retries\":0,\"error\":{error},\"outcome\":\"{outcome}\",\"step_id\":{id},\"parent_id\":{parent},\
         \"offset_ms\":{offset:.3}"
    )
}

fn completed(ms: f64, status: u16, outcome: &str, rest: &str) -> String {
    format!(
        "\"event\":\"request_completed\",\"status\":{status},\"duration_ms\":{ms:.3},\"outcome\":\"{outcome}\",\
         \"route\":\"/orders\",\"steps\":1,\"dependency_calls\":1,\"dependency_ms\":0.000,\"retries\":0{rest}"
    )
}

/// A request of 100 ms whose charge fails, line by line.
fn failing(id: &str) -> Vec<String> {
    vec![
        line(id, 30_000, "INFO", 1, &step("price", 10.0, "ok", 2, 1, 20.0)),
        line(id, 35_000, "WARN", 2, "\"stock\":3"),
        line(
            id,
            95_000,
            "ERROR",
            3,
            &call("payments", "charge", 55.0, Some("timeout"), 3, 1, 40.0),
        ),
        line(id, 98_000, "WARN", 4, &step("place_order", 97.0, "error", 1, 0, 1.0)),
        line(
            id,
            100_000,
            "ERROR",
            5,
            &completed(
                100.0,
                504,
                "error",
                ",\"cause\":{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"category\":\"timeout\"}",
            ),
        ),
    ]
}

fn joined(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

/// All nodes of a story's tree in their order, with their depth.
fn nodes(story: &Value) -> Vec<(usize, Value)> {
    fn add(nodes: &Value, depth: usize, into: &mut Vec<(usize, Value)>) {
        for node in nodes.as_array().into_iter().flatten() {
            into.push((depth, node.clone()));
            add(&node["children"], depth + 1, into);
        }
    }
    let mut all = Vec::new();
    for part in story["parts"].as_array().expect("parts") {
        add(&part["tree"], 0, &mut all);
    }
    all
}

/// `0 place_order` and so on.
fn outline(story: &Value) -> Vec<String> {
    let name = |node: &Value| node["name"].as_str().unwrap_or_default().to_owned();
    nodes(story).iter().map(|(depth, node)| format!("{depth} {}", name(node))).collect()
}
