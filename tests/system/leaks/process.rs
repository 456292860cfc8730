//! Leak cases that need their own process: records of the `log` crate, and TRACE events of hyper and reqwest.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use candor::testing::assert_no_leak;
use candor::{Config, Format};
use candor_tests::check;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{CANARY, KEPT};

/// Set in a process that was started by a test.
const CHILD: &str = "CANDOR_TEST_CHILD";

/// Runs an ignored test of this binary in its own process.
#[track_caller]
pub(crate) fn run_in_own_process(test: &str) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[test]
fn events_of_libraries_leak_nothing() {
    run_in_own_process("leaks::process::inside");
}

#[test]
#[ignore = "needs a process of its own, which `events_of_libraries_leak_nothing` starts"]
fn inside() {
    if !is_child() {
        return;
    }
    let path = std::env::temp_dir().join(format!("candor-leaks-{}", std::process::id()));
    let levels = "trace,hyper=trace,hyper_util=trace,reqwest=trace,tower=trace";
    let config = Config::new().level(levels).expect("levels").format(Format::Json).file(&path);
    let config = config.print_panics(true);
    let _logging = config.init().expect("nothing is installed yet");

    let lines = lines_of(&path, work);
    assert_no_leak!(lines, CANARY);
    for wanted in [
        "\"logger\":\"hyper",
        "\"logger\":\"reqwest",
        "\"logger\":\"legacy\"",
        KEPT,
        "x-kept",
        "404",
    ] {
        assert!(lines.contains(wanted), "no {wanted} in\n{lines}");
    }
    let bare = candor::__private::without_redaction(|| lines_of(&path, work));
    for (input, mark) in [
        ("hyper and reqwest", "x-api-key"),
        ("log", "\"logger\":\"legacy\""),
        ("an error", "refused"),
    ] {
        let leaks = bare.lines().any(|line| line.contains(mark) && line.contains(CANARY));
        assert!(leaks, "{input} leaks nothing with redaction off:\n{bare}");
    }

    // Strict mode stays on once it is on, so this comes last.
    let config = Config::new().strict(true).strict_targets(["listed"]);
    drop(config.subscriber().expect("a configuration"));
    let first = line!() + 2;
    let lines = lines_of(&path, || {
        log::info!(target: "legacy", "a constant record");
        log::info!(target: "legacy", "of {}", String::from("Ada Lovelace"));
        log::info!(target: "listed::below", "a record of {}", "a listed target");
        // A record that is forwarded from elsewhere: its file is text of the running program.
        let file = String::from("/home/ada/a.py?token=Ada");
        let forwarded = log::Record::builder()
            .target("legacy")
            .level(log::Level::Info)
            .args(format_args!("x"))
            .file(Some(&file))
            .build();
        log::logger().log(&forwarded);
    });
    for (msg, line) in [("<text 17-32>", first), ("<text 9-16>", first + 1)] {
        let shown = format!("\"file\":\"{}\",\"line\":{line}", file!());
        let msg = format!("\"msg\":\"{msg}\"");
        let found = lines.lines().any(|line| line.contains(&msg) && line.contains(&shown));
        assert!(found, "no {msg} with {shown} in {lines}");
    }
    assert!(lines.contains("\"msg\":\"a record of a listed target\""), "{lines}");
    assert!(!lines.contains("Ada") && !lines.contains("constant"), "{lines}");
    assert!(lines.contains("\"msg\":\"<text 1>\"") && !lines.contains("a.py"), "{lines}");
    std::fs::remove_file(&path).expect("the file is there");
}

#[test]
fn a_deployment_adds_names_in_any_spelling_and_removes_exact_ones() {
    run_in_own_process("leaks::process::deployment");
}

#[test]
#[ignore = "needs a process of its own, which `a_deployment_adds_names_in_any_spelling_and_removes_exact_ones` starts"]
fn deployment() {
    if !is_child() {
        return;
    }
    let install = |sensitive: &[&str], not_sensitive: &[&str]| {
        let config = Config::new().sensitive(sensitive.iter().copied());
        let config = config.not_sensitive(not_sensitive.iter().copied());
        drop(config.subscriber().expect("a configuration"));
    };
    let hides = |name: &str| {
        candor::scrub::url_with_query(&format!("/a?{name}=1")).ends_with("=[REDACTED]")
    };
    assert!(!hides("internal-ref") && hides("zz_token"));
    install(&["internal-ref", "badge_secret"], &["zz_token", "badge_secret"]);
    for name in
        ["internalRef", "INTERNAL_REFS", "internalref", "internal-ref", "zzToken", "password"]
    {
        assert!(hides(name), "{name}");
    }
    assert!(!hides("internal") && !hides("reference") && !hides("zz_token"));
    assert!(hides("badge_secret"), "an added name is hidden even if it is also removed");
    let captured = candor::testing::capture_with(Config::new()).expect("a configuration");
    tracing::info!(internal_ref = 1, "seen");
    assert_eq!(captured.line("seen").text("internal_ref"), "[REDACTED]");
    install(&["k"], &[]);
    assert_eq!(candor::scrub::text("run --k hunter2"), "run --k [REDACTED]");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_of_a_huge_field_is_released() {
    run_in_own_process("leaks::process::huge");
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs a process of its own, which `memory_of_a_huge_field_is_released` starts"]
fn huge() {
    /// Resident memory of this process, in bytes.
    fn resident() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number")
            * 4096
    }

    if !is_child() {
        return;
    }
    let config = Config::new().writer(std::io::sink());
    tracing::subscriber::with_default(config.subscriber().expect("a configuration"), || {
        tracing::info!(text = "small", "before");
        let before = resident();
        for _ in 0..2 {
            // The secret at the end makes the scrubber copy the text.
            let text = format!("{} token=x", "a".repeat(48 << 20));
            tracing::info!(text, debug = ?text, "{text}");
            let error: Box<dyn Error> = text.into();
            tracing::error!(error, "failed");
        }
        let kept = resident().saturating_sub(before);
        assert!(kept < 24 << 20, "{kept} bytes of a field stay");
    });
}

/// The lines that `work` adds to the file, each of which must be valid.
fn lines_of(path: &Path, work: impl FnOnce()) -> String {
    let before = std::fs::read_to_string(path).expect("the file is there").len();
    work();
    let all = std::fs::read_to_string(path).expect("the file is there");
    let lines = all[before..].to_owned();
    lines.lines().for_each(check);
    lines
}

fn work() {
    log::info!(target: "legacy", "{KEPT} password={CANARY}");
    log::trace!(target: "legacy", "https://u:{CANARY}@example.com/?token={CANARY}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(call());
}

/// A call that reqwest logs byte by byte, and one whose connection is refused.
async fn call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            let mut part = [0; 1024];
            let len = stream.read(&mut part).await.expect("a request");
            asked.extend_from_slice(&part[..len]);
        }
        let answer = format!(
            "HTTP/1.1 404 Not Found\r\nset-cookie: theme=dark\r\nset-cookie: sid={CANARY}\r\nlocation: \
             /a?access_token={CANARY}\r\ncontent-length: 2\r\n\r\nno"
        );
        stream.write_all(answer.as_bytes()).await.expect("a caller");
    };
    let client =
        reqwest::Client::builder().no_proxy().connection_verbose(true).build().expect("a client");
    let ask = client
        .post(format!("http://user:{CANARY}@{address}/{KEPT}?api_key={CANARY}"))
        .header("x-api-key", CANARY)
        .header("x-kept", KEPT)
        .header("cookie", format!("sid={CANARY}"))
        .body(format!("{{\"password\":\"{CANARY}\"}}"))
        .send();
    let (answer, ()) = tokio::join!(ask, serve);
    let answer = answer.expect("an answer");
    tracing::debug!(?answer, headers = ?answer.headers(), "answered");
    drop(listener);
    let error = client.get(format!("http://{address}/{KEPT}?token={CANARY}")).send().await;
    let error = error.expect_err("nobody listens");
    tracing::error!(error = &error as &dyn Error, debug = ?error, display = %error, "refused");
}
