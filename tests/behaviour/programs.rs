//! The example programs as a newcomer runs them, and the README as one reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candor_tests::check;
use serde_json::Value;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Runs an example with the README's own command.
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

/// What the example sends and nobody may read.
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
        // Whole groups of three bytes only: what stands around them changes the rest.
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
    // Three digits stand in many numbers; the code would stand alone.
    let text = String::from_utf8_lossy(bytes);
    assert!(!text.contains("\"737\"") && !text.contains("cvv=737"), "the code stands in {place}");
}

#[test]
fn orders_tells_each_request_s_story_without_its_secrets() {
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
        ends.push(story(id, lines));
    }
    ends.sort();
    // The health check is quiet.
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

/// Checks one request's lines and returns how it ended.
fn story(id: &str, lines: &[Value]) -> String {
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
fn orders_is_readable_where_asked_and_says_what_it_does_not_know() {
    let output = run("orders", &[("LOG_FORMAT", "pretty")]);
    assert!(text(&output.stdout).contains("request_completed"));
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
fn the_redaction_example_shows_what_each_policy_shows() {
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
fn the_dependency_example_shows_how_calls_end() {
    let lines = text(&run("dependency", &[("LOG_FORMAT", "json")]).stdout);
    lines.lines().for_each(check);
    for category in ["connect", "timeout", "status", "pool"] {
        assert!(lines.contains(&format!("\"error\":\"{category}\"")), "no {category} in {lines}");
    }
}

/// A call that goes well at its third attempt, and one that does not at its second.
fn assert_retries(example: &str) {
    let output = text(&run(example, &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")]).stdout);
    assert_no_secret(example, output.as_bytes());
    let mut told = Vec::new();
    for line in output.lines() {
        check(line);
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["request_id"], "stock-check");
        if line["event"] == "dependency_attempt" {
            told.push(format!("attempt {}", line["attempt"]));
        }
        if line["event"] == "dependency_call" {
            let url = line["url"].as_str().expect("a URL");
            assert!(url.ends_with("/items/tea"), "{url}");
            let word = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            let words = ["level", "outcome", "error"].map(word).join(" ");
            told.push(format!("{} {words} after {} retries", line["status"], line["retries"]));
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
    assert_eq!(told, wanted, "{output}");
}

#[test]
fn retries_are_counted_from_backon() {
    assert_retries("retry_backon");
}

#[test]
fn retries_are_counted_from_reqwest_retry() {
    assert_retries("retry_reqwest");
}

fn readme(marker: &str) -> String {
    block("README.md", marker)
}

/// The block of a file under `<!-- marker -->`, without its fence.
pub(super) fn block(file: &str, marker: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).expect("a file of the repository");
    let after = text.split(&format!("<!-- {marker} -->\n")).nth(1).expect("the marker");
    let block = after.split("```").nth(1).expect("a block");
    block.split_once('\n').expect("a fence").1.to_owned()
}

/// A line with what changes from run to run replaced: times, ids made at random, ports.
pub(super) fn settled(line: &str) -> String {
    let mut out = String::new();
    let mut number = String::new();
    for c in line.chars().chain(['\n']) {
        // Whatever has a dot, a dash or a colon between its digits is a time, an address or an id.
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
    let shown: Vec<String> = readme("output: quickstart").lines().map(settled).collect();
    let real: Vec<String> = quickstart.lines().map(settled).collect();
    assert_eq!(shown, real);

    let output = run("orders", &[("LOG_FORMAT", "json")]);
    let real: Vec<String> = text(&output.stdout).lines().map(settled).collect();
    let database = text(&output.stderr);
    let database = database.rsplit("orders kept in ").next().expect("a path").trim();
    std::fs::remove_file(database).expect("the database is there");
    for line in readme("output: orders").lines() {
        assert!(real.contains(&settled(line)), "no such line is written any more:\n{line}");
    }
}
