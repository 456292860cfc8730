//! Faults: each in a process of its own, which may neither hang nor abort, and whose lines are all accounted for.

mod disk;
mod process;
mod values;

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use candor_tests::check;
use serde_json::Value;

/// A process that still runs after this time hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// How a program of the fixture ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The lines of standard output, each checked.
    fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                check(line);
                serde_json::from_str(line).expect("JSON")
            })
            .collect()
    }
}

/// A program of the fixture, with exactly this environment.
pub(crate) fn program(topic: &str, name: &str, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faults"));
    command.args([topic, name]).env_clear().envs(env.iter().copied());
    command
}

/// Runs a program to its end; one that hangs is killed, and fails the test.
pub(crate) fn run(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let stdout = read(child.stdout.take().expect("piped"));
    let stderr = read(child.stderr.take().expect("piped"));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("it can be killed");
            child.wait().expect("a child");
            panic!("{command:?} hangs; it wrote:\n{}", stderr.join().expect("a reader"));
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ended {
        status,
        stdout: stdout.join().expect("a reader"),
        stderr: stderr.join().expect("a reader"),
    }
}

/// Runs a program that has to exit successfully.
fn succeeds(topic: &str, name: &str, env: &[(&str, &str)]) -> Ended {
    let ended = run(&mut program(topic, name, env));
    assert!(ended.status.success(), "{topic} {name}: {}: {}", ended.status, ended.stderr);
    ended
}

/// Reads a pipe in a thread, so that a full pipe does not stop the program.
fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
