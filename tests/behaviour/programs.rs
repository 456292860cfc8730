//! The example programs, run with the commands of the README, and the README itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candor_tests::check;
use serde_json::Value;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Runs an example with the command of the README.
pub(super) fn run(example: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", example]).current_dir(root());
    for (name, _) in std::env::vars() {
        if name.starts_with("LOG_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    let output = command.envs(environment.iter().copied()).output().expect("cargo runs");
    assert!(output.status.success(), "{example} failed: {}", text(&output.stderr));
    output
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
    let usage = Command::new(env!("CARGO"))
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

fn readme(marker: &str) -> String {
    block("README.md", marker)
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

#[test]
fn the_readme_shows_the_code_and_the_output_of_the_examples() {
    let code = readme("code: examples/quickstart.rs");
    let shown: String =
        code.lines().take_while(|line| !line.starts_with("# ")).collect::<Vec<_>>().join("\n");
    let source = std::fs::read_to_string(root().join("examples/quickstart.rs")).expect("a source");
    assert!(source.contains(shown.trim()), "the README shows other code than the example has");

    let quickstart = text(&run("quickstart", &[("LOG_FORMAT", "pretty")]).stdout);
    // The column of durations is aligned at their end.
    let rows = |text: &str| text.lines().map(|row| normalized(row.trim_start())).collect();
    let shown: Vec<String> = rows(&readme("output: quickstart"));
    let real: Vec<String> = rows(&quickstart);
    assert_eq!(shown, real);

    let output = run("orders", &[("LOG_FORMAT", "json")]);
    let real: Vec<String> = text(&output.stdout).lines().map(normalized).collect();
    let database = text(&output.stderr);
    let database = database.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");
    for line in readme("output: orders").lines() {
        assert!(real.contains(&normalized(line)), "no such line is written any more:\n{line}");
    }
}
