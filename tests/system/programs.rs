//! The example programs, run with the commands of the README, and what the README and the index of the examples show.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use candor_tests::check;
use serde_json::Value;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Runs an example with the command of the README.
pub(super) fn run(example: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = candor_tests::cargo();
    command.args(["run", "--quiet", "--example", example]).current_dir(root());
    remove_settings(&mut command);
    let output = command.envs(environment.iter().copied()).output().expect("cargo runs");
    assert!(output.status.success(), "{example} failed: {}", text(&output.stderr));
    output
}

/// Removes the variables that candor reads from the environment of a command.
fn remove_settings(command: &mut Command) {
    for (name, _) in std::env::vars() {
        if name.starts_with("LOG_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Secrets that the example sends.
const SECRETS: [&str; 8] = [
    "4242424242424242",
    "5555555555554444",
    "4000000000000002",
    "4000000000000259",
    "correct-horse-battery",
    "hunter2hunter2",
    "k-5a5a5a5a5a",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MSJ9.c2lnbmF0dXJl",
];

/// A text in the forms it might leak in: plain, hex, percent-encoded, base64 at its three offsets, and
/// the middle of it.
fn encodings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let (mut hex, mut percent) = (String::new(), String::new());
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("a string takes it");
        write!(percent, "%{byte:02X}").expect("a string takes it");
    }
    let mut forms = vec![secret.to_owned(), hex, percent, secret[3..11].to_owned()];
    for offset in 0..3 {
        // Only whole groups of three bytes: the neighbouring bytes change the rest.
        let inner = &bytes[offset..];
        forms.push(base64(&inner[..inner.len() / 3 * 3]));
    }
    forms.into_iter().map(String::into_bytes).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|group| {
            let word = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            [18, 12, 6, 0].map(|shift| char::from(LETTERS[(word >> shift & 63) as usize]))
        })
        .collect()
}

fn assert_no_secret(place: &str, bytes: &[u8]) {
    for secret in SECRETS {
        for form in encodings(secret) {
            assert!(
                !bytes.windows(form.len()).any(|window| window == form),
                "{secret} stands in {place} as {}",
                String::from_utf8_lossy(&form)
            );
        }
    }
    // Many numbers contain these three digits, so only the bare code is searched.
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains("\"737\"") && !text.contains("cvv=737"), "the code stands in {place}");
}

#[test]
fn the_orders_example_logs_every_request_without_its_secrets() {
    let output = run("orders", &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let mut requests: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in stdout.lines() {
        check(line);
        let line: Value = serde_json::from_str(line).expect("JSON");
        let id = line["request_id"].as_str().expect("an id").to_owned();
        assert_ne!(id, "-", "a line of nobody's: {line}");
        requests.entry(id).or_default().push(line);
    }
    let mut ends = Vec::new();
    for (id, lines) in &requests {
        ends.push(check_request(id, lines));
    }
    ends.sort();
    // The health check is muted.
    let wanted = [
        "200 ok",
        "201 ok",
        "201 ok",
        "400 ok",
        "402 ok",
        "404 ok",
        "504 error",
        "null cancelled",
        "null panicked",
    ];
    assert_eq!(ends, wanted);

    let database = stderr.rsplit("orders kept in ").next().expect("a path").trim();
    let kept = std::fs::read(database).expect("the database is there");
    std::fs::remove_file(database).expect("and can be removed");
    assert!(kept.windows(3).any(|window| window == b"tea"), "orders are kept");
    assert_no_secret("standard output", stdout.as_bytes());
    assert_no_secret("standard error", stderr.as_bytes());
    assert_no_secret("the database", &kept);
}

/// Checks the lines of one request and returns its status and outcome.
fn check_request(id: &str, lines: &[Value]) -> String {
    let of = |event: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["event"] == event).collect()
    };
    let completed = of("request_completed");
    assert_eq!(completed.len(), 1, "{id} is completed once");
    let steps: Vec<&Value> = of("step_timing").into_iter().chain(of("dependency_call")).collect();
    let mut ids: Vec<u64> =
        steps.iter().map(|step| step["step_id"].as_u64().expect("an id")).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "no step of {id} is missing");
    for step in steps {
        let parent = step["parent_id"].as_u64().expect("a parent");
        assert!(parent == 0 || ids.contains(&parent), "{id} has no step {parent}");
    }
    let mut numbers: Vec<u64> =
        lines.iter().map(|line| line["seq"].as_u64().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>(), "no line of {id} is lost");
    let completed = completed[0];
    let calls = completed["dependency_calls"].as_u64().expect("a number");
    assert_eq!(calls, of("dependency_call").len() as u64);
    assert_eq!(completed["steps"], of("step_timing").len() as u64);
    format!("{} {}", completed["status"], completed["outcome"].as_str().expect("an outcome"))
}

#[test]
fn the_orders_example_supports_pretty_output_and_rejects_unknown_arguments() {
    let output = run("orders", &[("LOG_FORMAT", "pretty")]);
    assert!(text(&output.stdout).contains(" #1  201 ok · "), "{}", text(&output.stdout));
    let usage = candor_tests::cargo()
        .args(["run", "--quiet", "--example", "orders", "--", "--prot", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("unknown argument `--prot`"));
    let path = text(&output.stderr);
    let database = path.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");
}

#[test]
fn the_redaction_example_shows_each_policy() {
    let output = text(&run("redaction", &[]).stdout);
    let shown: Vec<&str> = output.lines().filter(|line| line.starts_with("as ")).collect();
    assert_eq!(shown.len(), 2, "{output}");
    for line in shown {
        assert!(line.contains("****4242") && line.contains("a***@example.com"), "{line}");
        for hidden in ["4242424242424242", "737", "hunter2", "Main Street", "user:pass", "scan"] {
            assert!(!line.contains(hidden), "{hidden} stands in {line}");
        }
    }
}

#[test]
fn the_dependency_example_shows_each_error_category() {
    let lines = text(&run("dependency", &[("LOG_FORMAT", "json")]).stdout);
    lines.lines().for_each(check);
    for category in ["connect", "timeout", "status", "not_found", "pool"] {
        assert!(lines.contains(&format!("\"error\":\"{category}\"")), "no {category} in {lines}");
    }
}

/// One call succeeds at its third attempt, and one fails at its second.
fn assert_retries(example: &str) {
    let output = text(&run(example, &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")]).stdout);
    assert_no_secret(example, output.as_bytes());
    let mut attempts = Vec::new();
    for line in output.lines() {
        check(line);
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["request_id"], "stock-check");
        if line["event"] == "dependency_attempt" {
            attempts.push(format!("attempt {}", line["attempt"]));
        }
        if line["event"] == "dependency_call" {
            let url = line["url"].as_str().expect("a URL");
            assert!(url.ends_with("/items/tea"), "{url}");
            let word = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            let words = ["level", "outcome", "error"].map(word).join(" ");
            attempts.push(format!("{} {words} after {} retries", line["status"], line["retries"]));
            let time = |key: &str| line[key].as_f64().expect("a number");
            assert!(time("last_attempt_ms") < time("duration_ms"), "{line}");
        }
    }
    let wanted = [
        "attempt 2",
        "attempt 3",
        "200 WARN ok - after 2 retries",
        "attempt 2",
        "null ERROR error connect after 1 retries",
    ];
    assert_eq!(attempts, wanted, "{output}");
}

#[test]
fn retries_of_backon_are_counted() {
    assert_retries("retry_backon");
}

#[test]
fn retries_of_reqwest_retry_are_counted() {
    assert_retries("retry_reqwest");
}

/// The code block of a file after `<!-- marker -->`, without its fence.
pub(super) fn block(file: &str, marker: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).expect("a file of the repository");
    let after = text.split(&format!("<!-- {marker} -->\n")).nth(1).expect("the marker");
    let block = after.split("```").nth(1).expect("a block");
    block.split_once('\n').expect("a fence").1.to_owned()
}

/// The line with times, random ids and ports replaced.
pub(super) fn normalized(line: &str) -> String {
    let mut out = String::new();
    let mut number = String::new();
    for c in line.chars().chain(['\n']) {
        // Digits with a dot, a dash or a colon in between are a time, an address or an id.
        if c.is_ascii_hexdigit() || (!number.is_empty() && ".-:…".contains(c)) {
            number.push(c);
            continue;
        }
        let is_date = number.len() == 10 && number.matches('-').count() == 2;
        let varies = number.bytes().any(|b| b.is_ascii_digit())
            && (number.contains(['.', ':', '…']) || number.len() >= 16 || is_date);
        out.push_str(if varies { "#" } else { &number });
        number.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// The rows of an output. The column of durations is aligned at their end.
fn rows(text: &str) -> Vec<String> {
    text.lines().map(|row| normalized(row.trim_start())).collect()
}

fn example(marker: &str) -> String {
    block("examples/README.md", marker)
}

#[test]
fn the_index_of_the_examples_names_each_of_them() {
    let index = std::fs::read_to_string(root().join("examples/README.md")).expect("the index");
    let manifest = std::fs::read_to_string(root().join("examples/Cargo.toml")).expect("a manifest");
    let names = manifest.split("[[example]]\n").skip(1).filter_map(|rest| rest.split('"').nth(1));
    let missing: Vec<&str> = names.filter(|name| !index.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn the_index_of_the_examples_shows_their_output() {
    for name in ["quickstart", "dependency"] {
        let real = text(&run(name, &[("LOG_FORMAT", "pretty")]).stdout);
        assert_eq!(rows(&example(&format!("output: {name}"))), rows(&real), "{real}");
    }
    // The failed call is not shown, since its error differs between systems.
    for (name, environment) in [
        ("redaction", &[][..]),
        ("retry_backon", &[("LOG_FORMAT", "pretty"), ("LOG_LEVEL", "debug")]),
    ] {
        let real = text(&run(name, environment).stdout);
        let real_rows = rows(&real);
        for row in rows(&example(&format!("output: {name}"))) {
            assert!(real_rows.contains(&row), "no such row any more: {row}\n{real}");
        }
    }
    let output = run("orders", &[("LOG_FORMAT", "json")]);
    let real: Vec<String> = text(&output.stdout).lines().map(normalized).collect();
    let database = text(&output.stderr);
    let database = database.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");
    for line in example("output: orders").lines() {
        assert!(real.contains(&normalized(line)), "no such line is written any more:\n{line}");
    }
}

/// A running example, which is killed when it is dropped.
struct Running(Child);

impl Running {
    /// Builds and starts an example. `cargo run` would remain between the test and the program.
    fn start(example: &str, format: &str) -> Self {
        let mut build = candor_tests::cargo();
        build.args(["build", "--quiet", "--example", example]).current_dir(root());
        assert!(build.status().expect("cargo runs").success(), "{example} does not compile");
        let test = std::env::current_exe().expect("a program");
        let folder = test.ancestors().nth(2).expect("target/debug").join("examples");
        let mut command = Command::new(folder.join(example));
        remove_settings(&mut command);
        Self(command.env("LOG_FORMAT", format).stdout(Stdio::piped()).spawn().expect("it starts"))
    }

    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let output = self.0.stdout.take().expect("a pipe");
        BufReader::new(output).lines().map(|line| line.expect("UTF-8"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn the_shutdown_example_ends_when_it_is_told_to() {
    let mut program = Running::start("shutdown", "pretty");
    let mut lines = program.lines();
    lines.next().expect("it works");
    let kill = format!("kill -TERM {}", program.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    let last = lines.last().expect("a line");
    assert!(program.0.wait().expect("it ends").success());
    let without_count = |line: &str| normalized(line.split("done=").next().expect("a text"));
    assert_eq!(without_count(&last), without_count(example("output: shutdown").trim_end()));
}

/// The text without the white space between the tokens of JSON.
fn minified(json: &str) -> String {
    let (mut is_string, mut is_escaped) = (false, false);
    let keep = |c: &char| {
        let is_quote = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_string ^= is_quote;
        is_string || !c.is_whitespace()
    };
    json.chars().filter(keep).collect()
}

/// Sends a request to a server that listens on port 3000 soon.
fn send(head: &str, body: &str) -> String {
    for _ in 0..600 {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, 3000)) {
            let length = body.len();
            let request = format!(
                "{head} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(request.as_bytes()).expect("it is sent");
            let mut response = String::new();
            stream.read_to_string(&mut response).expect("a response");
            return response;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing listens on port 3000");
}

#[test]
fn the_readme_shows_the_service_and_its_line() {
    let source = std::fs::read_to_string(root().join("examples/hello.rs")).expect("a source");
    let (_, code) = source.split_once("\n\n").expect("the comment of the crate");
    assert_eq!(block("README.md", "code: examples/hello.rs"), code);

    // The request of the README's `curl` command.
    let page = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let body = page.split("-d '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a body");
    let mut program = Running::start("hello", "json");
    let mut lines = program.lines();
    let response = send("POST /orders", body);
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let real = lines.next().expect("a line");
    check(&real);
    let shown = minified(&block("README.md", "output: hello"));
    assert_eq!(normalized(&shown), normalized(&real));
}
