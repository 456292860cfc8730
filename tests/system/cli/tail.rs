//! `candor tail`, while its input is still being written.

use std::fmt::Write as _;
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;

/// Longest wait for output. It comes after milliseconds, unless the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run of the command that goes on while the test looks at its output.
struct Live {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Live {
    fn start(args: &[&str]) -> Self {
        let mut child = tail_command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (out, first) = collect(child.stdout.take().expect("a pipe"));
        let (err, second) = collect(child.stderr.take().expect("a pipe"));
        let stdin = child.stdin.take();
        Live { child, stdin, out, err, readers: vec![first, second] }
    }

    fn write(&mut self, text: &[u8]) {
        self.stdin.as_mut().expect("it is open").write_all(text).expect("it is read");
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().expect("no panic")).into_owned()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().expect("no panic")).into_owned()
    }

    /// Waits until `is_there` holds for the output so far.
    fn wait(&self, what: &str, is_there: impl Fn(&str, &str) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_there(&self.out(), &self.err()) {
            assert!(Instant::now() < until, "no {what} in:\n{}{}", self.out(), self.err());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for(&self, text: &str) {
        self.wait(text, |out, _| out.contains(text));
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    }

    /// Waits for the end of the command.
    fn end(mut self) -> Said {
        drop(self.stdin.take());
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.out());
            std::thread::sleep(Duration::from_millis(5));
        };
        for reader in std::mem::take(&mut self.readers) {
            reader.join().expect("no panic");
        }
        Said { code: status.code(), out: self.out(), err: self.err() }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail_command(args: &[&str]) -> Command {
    let mut command = command(&["tail"]);
    command.args(args).env("TZ", "UTC").env("COLUMNS", "140");
    command
}

fn collect(
    mut from: impl std::io::Read + Send + 'static,
) -> (Arc<Mutex<Vec<u8>>>, std::thread::JoinHandle<()>) {
    let all = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&all);
    let reader = std::thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut block) {
            into.lock().expect("no panic").extend_from_slice(&block[..count]);
        }
    });
    (all, reader)
}

/// The output for an input that has ended.
fn tail(args: &[&str], input: &[u8]) -> String {
    let said = run(tail_command(args), input);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    // The first row is the date of the lines, since it is another one than today's.
    said.out.strip_prefix("2026-11-22\n").map(str::to_owned).unwrap_or(said.out)
}

/// A healthy request of 20 ms in two lines.
fn healthy(id: &str) -> Vec<String> {
    vec![
        line(id, 110_000, "INFO", 1, &step("price", 10.0, "ok", 1, 0, 1.0)),
        line(id, 120_000, "INFO", 2, &completed(20.0, 201, "ok", ",\"slowest_step\":\"price\"")),
    ]
}

/// A line of no request.
fn outside(level: &str, rest: &str) -> String {
    line("-", 5_000, level, 0, rest)
        .replace("\"user_id\":\"41\",\"method\":\"POST\",\"path\":\"/orders\",", "")
}

const FOLDED: &str =
    "10:00:00.120  201      20.0 ms  r-1            POST /orders  1 step, 1 call, slowest price\n";

#[test]
fn a_request_is_drawn_when_it_ends_and_not_when_the_input_does() {
    let mut live = Live::start(&[]);
    let request = healthy("r-1");
    live.write(&joined(&request[..1]));
    live.write(b"   Compiling orders v0.1.0\n");
    live.wait_for("   Compiling orders v0.1.0\n");
    assert!(!live.out().contains("/orders"), "{}", live.out());
    live.write(&joined(&request[1..]));
    live.wait_for(FOLDED);
    let said = live.end();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_eq!(said.out, format!("   Compiling orders v0.1.0\n2026-11-22\n{FOLDED}"));
}

#[test]
fn requests_whose_lines_are_mixed_are_drawn_one_by_one_in_the_order_of_their_ends() {
    let (good, bad) = (healthy("r-1"), failing("r-7"));
    let mixed = [&bad[..1], &good[..1], &bad[1..3], &good[1..], &bad[3..]].concat();
    let shown = tail(&[], &joined(&mixed));
    let tree = shown.strip_prefix(FOLDED).expect("the one that ended first");
    let rows: Vec<&str> = tree.lines().collect();
    assert_eq!(rows[0], "");
    assert_eq!(rows[1], "10:00:00.100  504 error 100 ms  r-7            POST /orders  user 41");
    assert_eq!(rows[2], "  likely cause  payments charge: timeout after 55.0 ms");
    for wanted in ["├ price ", "├ · WARN a line of its own", "└ → payments charge ", "55.0 ms ✗ "]
    {
        assert!(tree.contains(wanted), "{wanted} is not in\n{tree}");
    }
    assert!(tree.contains("✗ likely cause: error · timeout · POST http://payments/"), "{tree}");
}

#[test]
fn a_request_with_a_problem_is_a_tree_and_any_other_one_line() {
    let end = |ms, status| line("r-1", 2_000_000, "INFO", 1, &completed(ms, status, "ok", ""));
    let is_tree = |lines: &[String]| tail(&[], &joined(lines)).lines().count() > 1;
    assert!(!is_tree(&[end(999.0, 200)]));
    assert!(!is_tree(&[end(5.0, 404)]));
    assert!(is_tree(&[end(1000.0, 200)]), "slow");
    assert!(is_tree(&[line("r-1", 1, "WARN", 1, ""), end(5.0, 200)]), "a warning");
    assert!(is_tree(&[line("r-1", 9, "INFO", 1, &completed(5.0, 200, "panicked", ""))]));
    let expanded = tail(&["--expand"], &joined(&healthy("r-1")));
    assert!(expanded.contains("\n  price  "), "{expanded}");
}

#[test]
fn a_job_is_drawn_with_its_name() {
    let rest =
        "\"event\":\"job_completed\",\"job\":\"nightly\",\"duration_ms\":7.000,\"outcome\":\"ok\"";
    let job = outside("INFO", rest).replace("\"request_id\":\"-\"", "\"request_id\":\"j-1\"");
    let shown = tail(&[], format!("{job}\n").as_bytes());
    assert_eq!(shown, "10:00:00.005  ok       7.00 ms  j-1            nightly\n");
}

#[test]
fn the_one_line_of_a_request_shows_what_it_sums_up() {
    let rest = ",\"lines_left_out\":5,\"step_own_ms\":{\"price\":1.5,\"place_order\":12},\
                \"dependencies\":{\"payments\":{\"calls\":2,\"ms\":6.5,\"retries\":1}},\"cart_cents\":1250";
    let end = completed(20.0, 201, "ok", rest).replace("\"retries\":0}", "\"retries\":1}");
    let shown = |level| {
        let mut command = tail_command(&[]);
        command.env("COLUMNS", "200");
        run(command, line("r-1", 120_000, level, 6, &end).as_bytes()).out
    };
    let wanted = "1 step, 1 call · place_order 12.0 ms, price 1.50 ms · → payments 6.50 ms in 2 calls · \
                  cart_cents=1250 · 5 lines left out\n";
    assert!(shown("INFO").ends_with(&format!("/orders  {wanted}")), "{}", shown("INFO"));
    assert!(shown("WARN").contains(&format!("/orders  user 41  {wanted}")), "{}", shown("WARN"));
}

#[test]
fn lost_lines_of_a_folded_request_are_counted() {
    let lines = healthy("r-1");
    let shown = tail(&[], &joined(&[outside("INFO", ""), lines[1].clone()]));
    assert!(
        shown.ends_with("POST /orders  ! 1 line missing · 1 step, 1 call, slowest price\n"),
        "{shown}"
    );
    // A request that began before the input is not known to lack any.
    let shown = tail(&[], &joined(&lines[1..]));
    assert!(!shown.contains("missing"), "{shown}");
}

#[test]
fn lines_of_other_programs_pass_unchanged_and_only_colours_control_the_terminal() {
    let foreign = "\u{1b}[32m   Compiling\u{1b}[0m orders v0.1.0\nthread 'main' panicked at src/main.rs:1:2:\n\
                   \n\t{\n    \"a\": [1]\n}\n{\"reason\":\"build-finished\",\"success\":true}\n  left: \"{\"\n";
    let mut command = tail_command(&[]);
    command.env("CLICOLOR_FORCE", "1");
    let said = run(command, foreign.as_bytes());
    // A colour ends with its line.
    assert_eq!(said.out, foreign.replace("orders v0.1.0", "orders v0.1.0\u{1b}[0m"));
    let harm = "a\u{1b}[2Jb\u{1b}]0;title\u{7}\u{202e}\rc\n";
    assert_eq!(tail(&[], harm.as_bytes()), "a\\u{1b}[2Jb\\u{1b}]0;title\\u{7}\\u{202e}\\rc\n");
    // The beginning of a line of candor.
    let torn = &healthy("r-1")[0][..80];
    assert_eq!(tail(&[], torn.as_bytes()), format!("{torn}\n"));
    assert_eq!(tail(&[], b"bytes \xff\xfe\n"), "bytes \u{fffd}\u{fffd}\n");
}

#[test]
fn nothing_in_a_line_is_a_command_to_the_terminal() {
    let harm = "\\u001b[2J\\u0007\\r\\n\\u202e";
    let harmful: Vec<String> = [healthy("r-1"), failing("r-7")]
        .concat()
        .iter()
        .map(|line| {
            line.replace("/orders\"", &format!("/orders{harm}\""))
                .replace("\"shop\"", &format!("\"{harm}\""))
        })
        .chain([outside("WARN", &format!("\"k{harm}\":\"{harm}\""))])
        .collect();
    for args in [&[][..], &["--expand", "--fields"]] {
        let shown = tail(args, &joined(&harmful));
        assert!(shown.contains("/orders\\u{1b}[2J\\u{7}\\r\\n\\u{202e}"), "{shown}");
        assert!(
            !shown.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{shown:?}"
        );
    }
}

#[test]
fn records_are_found_behind_what_kubectl_docker_and_journald_put_before_them() {
    let record = &healthy("r-1")[1];
    let message = Value::from(record.as_str());
    for line in [
        format!("[pod/web-1/app] {record}"),
        format!("pod/web-1 app {record}"),
        format!("web-1  | {record}"),
        format!("\u{1b}[36mweb-1  |\u{1b}[0m {record}"),
        format!("2026-11-22T10:00:00.120Z stdout F {record}"),
        format!("Nov 22 10:14:12 host unit[7]: {record}"),
        format!("{{\"MESSAGE\":{message},\"PRIORITY\":\"6\"}}"),
    ] {
        let shown = tail(&[], format!("{line}\nweb-1  | not JSON\n").as_bytes());
        assert_eq!(shown, format!("{FOLDED}web-1  | not JSON\n"), "{line}");
    }
    // A line that a container runtime split, of candor and of another program.
    let (first, second) = record.split_at(90);
    let split = |first, second| {
        format!("2026-11-22T10:00:00Z stdout P {first}\n2026-11-22T10:00:00Z stdout F {second}\n")
    };
    assert_eq!(tail(&[], split(first, second).as_bytes()), FOLDED);
    assert_eq!(tail(&[], split("not ", "JSON").as_bytes()), "not JSON\n");
}

#[test]
fn lines_of_renamed_keys_and_of_profiles_are_read() {
    let renamed = healthy("r-1").join("\n").replace("\"ts\":", "\"wann\":");
    assert_eq!(tail(&["--keys", "ts=wann"], renamed.as_bytes()), FOLDED);
    let ecs = "{\"@timestamp\":\"2026-11-22T10:00:00.120Z\",\"log.level\":\"INFO\",\"message\":\"request_completed\",\
               \"ecs.version\":\"8.11.0\",\"log.logger\":\"http\",\"http.request.id\":\"r-1\",\"http.request.method\":\"GET\",\
               \"url.path\":\"/\",\"candor.event\":\"request_completed\",\"event.duration\":20000000,\"event.outcome\":\"success\",\
               \"http.response.status_code\":200}";
    let shown = tail(&[], ecs.as_bytes());
    assert_eq!(shown, "10:00:00.120  200      20.0 ms  r-1            GET /\n");
}

#[test]
fn lines_outside_of_requests_are_shown_at_once_and_those_below_warn_can_be_hidden() {
    let lines = joined(&[outside("INFO", "\"port\":8080"), outside("ERROR", "\"port\":8081")]);
    let error = "10:00:00.005  ERROR shop  a line of its own  port=8081\n";
    assert_eq!(
        tail(&[], &lines),
        format!("10:00:00.005  INFO shop  a line of its own  port=8080\n{error}")
    );
    assert_eq!(tail(&["--quiet"], &lines), error);
    // So are lines that come after the last one of their request.
    let late = line("r-1", 130_000, "WARN", 3, "\"port\":1");
    let shown = tail(&[], &joined(&[healthy("r-1"), vec![late]].concat()));
    assert_eq!(shown, format!("{FOLDED}10:00:00.130  WARN r-1 shop  a line of its own  port=1\n"));
}

#[test]
fn failed_slow_and_grep_restrict_what_is_shown() {
    let slow = |id: &str| {
        line(
            id,
            900_000,
            "INFO",
            1,
            &completed(700.0, 200, "ok", ",\"basket\":\"Birnen \\\"x\\\"\""),
        )
    };
    let all = [
        healthy("r-1"),
        failing("r-7"),
        vec![slow("r-8"), outside("INFO", "\"n\":1"), outside("WARN", "\"n\":2")],
        failing("r-9")[..2].to_vec(),
    ];
    let all = joined(&all.concat());
    let ids = |args: &[&str]| {
        let shown = tail(args, &all);
        let ids: Vec<String> = ["r-1", "r-7", "r-8", "r-9", "n=1", "n=2"]
            .into_iter()
            .filter(|id| shown.contains(id))
            .map(str::to_owned)
            .collect();
        ids.join(" ")
    };
    assert_eq!(ids(&[]), "r-1 r-7 r-8 r-9 n=1 n=2");
    assert_eq!(ids(&["--failed"]), "r-7 r-9 n=2");
    assert_eq!(ids(&["--slow", "100"]), "r-7 r-8 n=2");
    assert_eq!(ids(&["--slow=0.5s"]), "r-8 n=2");
    assert_eq!(ids(&["--failed", "--slow=50ms"]), "r-7 n=2");
    assert_eq!(ids(&["--grep", "bIRNEN"]), "r-8");
    assert_eq!(ids(&["--grep", "birnen \"X\""]), "r-8");
    assert_eq!(ids(&["--grep", "PRICE"]), "r-1 r-7 r-9");
    assert_eq!(ids(&["--grep", "charge", "--failed"]), "r-7");
}

#[test]
fn a_file_is_followed_from_its_end_through_truncation_and_rotation() {
    let folder = Folder::new("tail-rotation");
    let path =
        folder.file("app.log", &joined(&[healthy("r-0"), healthy("r-1")[..1].to_vec()].concat()));
    let mut live = Live::start(&[&path]);
    let append = |text: &[u8]| {
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(&path).expect("a file");
        file.write_all(text).expect("it can be written");
    };
    append(&joined(&healthy("r-9")));
    live.wait(" the first request", |out, _| {
        // The file may have been opened after the first lines were appended.
        append(&joined(&healthy("r-9")));
        out.contains("r-9")
    });
    // The lines before the end complete the request that was open there.
    append(&joined(&healthy("r-1")[1..]));
    live.wait_for(FOLDED);
    assert!(!live.out().contains("r-0") && !live.out().contains("missing"), "{}", live.out());
    // The old file is read to its end, also after it is renamed.
    let mut held = std::fs::OpenOptions::new().append(true).open(&path).expect("a file");
    std::fs::rename(&path, folder.0.join("app.log.1")).expect("it can be renamed");
    held.write_all(&joined(&healthy("r-2"))).expect("it can be written");
    append(&joined(&healthy("r-3")));
    live.wait_for("r-3");
    live.wait_for("r-2");
    std::fs::write(&path, joined(&healthy("r-4")[1..])).expect("it can be truncated");
    live.wait_for("r-4");
    live.wait("note", |_, err| err.contains("app.log was truncated; reading it from its start"));
    #[cfg(unix)]
    {
        append(&joined(&failing("r-5")[..1]));
        append(&joined(&healthy("r-6")));
        live.wait_for("r-6");
        live.interrupt();
        live.stdin = None;
        let said = live.end();
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(said.out.contains("no end") && said.out.contains("r-5"), "{}", said.out);
        assert_eq!(said.out.matches("r-6").count(), 1, "{}", said.out);
    }
}

#[test]
fn a_file_can_appear_later_and_be_read_from_its_last_lines_or_its_start() {
    let folder = Folder::new("tail-start");
    let later = folder.0.join("later.log");
    let live = Live::start(&[later.to_str().expect("UTF-8")]);
    live.wait("note", |_, err| {
        err.contains("later.log does not exist yet; waiting for it to be created")
    });
    std::fs::write(&later, joined(&healthy("r-1"))).expect("it can be written");
    live.wait_for(FOLDED);
    let file =
        folder.file("app.log", &joined(&[healthy("r-1"), healthy("r-2"), healthy("r-3")].concat()));
    let live = Live::start(&[&file, "--lines", "3"]);
    live.wait_for("r-3");
    assert!(live.out().contains("r-2") && !live.out().contains("r-1"), "{}", live.out());
    let live = Live::start(&[&file, "--from-start"]);
    live.wait_for("r-3");
    assert!(live.out().contains("r-1"), "{}", live.out());
    for (path, wanted) in [
        (folder.0.to_str().expect("UTF-8").to_owned(), "is a directory"),
        (folder.file("app.log.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0]), "zcat FILE | candor tail"),
    ] {
        let said = Live::start(&[&path]).end();
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains(wanted), "{}", said.err);
    }
}

#[test]
#[cfg(unix)]
fn after_ctrl_c_the_last_lines_of_the_pipe_are_still_read() {
    let mut live = Live::start(&["-"]);
    live.write(&joined(&healthy("r-1")[..1]));
    live.write(b"^C\n");
    live.wait_for("^C");
    live.interrupt();
    live.wait("note", |_, err| {
        err.contains("waiting for the last lines of the input; press Ctrl-C again to end")
    });
    live.write(&joined(&healthy("r-1")[1..]));
    live.wait_for(FOLDED);
    // A second one ends it although the pipe is open.
    live.write(&joined(&failing("r-7")[..1]));
    live.write(b"^C\n");
    live.wait("echo", |out, _| out.matches("^C").count() == 2);
    live.interrupt();
    let pipe = live.stdin.take();
    let said = live.end();
    drop(pipe);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("no end") && said.out.contains("r-7"), "{}", said.out);
}

#[test]
fn a_request_that_is_open_for_long_is_reported_once() {
    let stuck = "\"event\":\"request_stuck\",\"open\":[{\"step\":\"charge\",\"dependency\":\"payments\",\"step_id\":3,\"age_ms\":30000.0}]";
    let mut live = Live::start(&["--stuck", "50ms"]);
    live.write(&joined(&healthy("r-1")[..1]));
    live.wait_for("1 line so far, the latest: price 10.0 ms");
    live.write(&joined(&[
        line("r-2", 30_000, "WARN", 1, stuck),
        line("r-2", 40_000, "WARN", 2, stuck),
    ]));
    live.wait_for("waits in payments charge");
    // At LOG_LEVEL=warn a request can have nothing but warnings.
    live.write(&joined(&[line("r-3", 30_000, "WARN", 1, "\"stock\":3")]));
    live.wait_for("stock=3");
    live.write(&joined(&healthy("r-1")[1..]));
    live.wait_for("1 step, 1 call");
    let said = live.end();
    assert_eq!(said.out.matches("so far").count(), 3, "{}", said.out);
    assert!(!said.out.contains("missing · "), "{}", said.out);
}

#[test]
fn a_request_without_an_end_is_known_by_its_first_line_in_profile_compact() {
    let second = line("r-7", 31_000, "INFO", 2, "\"stock\":3");
    let short = second.replace("\"user_id\":\"41\",\"method\":\"POST\",\"path\":\"/orders\",", "");
    let shown = tail(&[], &joined(&[line("r-7", 30_000, "INFO", 1, ""), short]));
    let head = "\n10:00:00.031  no end  ≥1.00 ms  r-7            POST /orders\n";
    assert!(shown.contains(head) && shown.contains("stock=3"), "{shown}");
}

#[test]
fn requests_that_never_end_are_given_up_in_bounded_memory() {
    let mut live = Live::start(&["--grep", "the end"]);
    let mut block = String::new();
    for id in 0..100_000 {
        let _ = writeln!(
            block,
            "{{\"ts\":\"2026-11-22T10:00:00Z\",\"level\":\"INFO\",\"request_id\":\"r-{id}\",\"method\":\"GET\",\
             \"padding\":\"{:300}\"}}",
            ""
        );
        if block.len() > 1 << 20 {
            live.write(block.as_bytes());
            block.clear();
        }
    }
    live.write(block.as_bytes());
    live.write(b"the end\n");
    live.wait_for("the end\n");
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", live.child.id())) {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        assert!(kilobytes < 30_000, "{kilobytes} kB");
    }
    // One request is bounded too.
    let padding = format!("\"padding\":\"{}\"", "x".repeat(100_000));
    let long = line("r-1", 30_000, "INFO", 1, &padding);
    let shown = tail(&[], format!("{long}\n").repeat(12).as_bytes());
    assert!(shown.contains("! 2 more lines are left out"), "{shown}");
}

#[test]
fn the_oldest_of_too_many_open_requests_is_drawn_without_an_end() {
    let lines: Vec<String> =
        (0..10_001).map(|id| line(&format!("r-{id:05}"), 30_000, "INFO", 1, "")).collect();
    let mut live = Live::start(&[]);
    live.write(&joined(&lines));
    live.wait_for("no end");
    live.wait_for("r-00000");
    assert_eq!(live.out().matches("no end").count(), 1, "{}", live.out());
}

#[test]
fn a_closed_pager_ends_it_without_an_error() {
    let mut child = tail_command(&["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"a line\n").expect("it is read");
    let (err, reader) = collect(child.stderr.take().expect("a pipe"));
    let status = child.wait().expect("it ends");
    reader.join().expect("no panic");
    assert_eq!((status.code(), err.lock().expect("no panic").len()), (Some(0), 0));
    drop(stdin);
}

#[test]
fn times_are_those_of_the_zone_of_the_machine() {
    let mut command = tail_command(&[]);
    command.env("TZ", "Asia/Kolkata");
    let said = run(command, &joined(&healthy("r-1")));
    let known = Path::new("/usr/share/zoneinfo/Asia/Kolkata").exists();
    let wanted =
        if known { "2026-11-22 IST\n15:30:00.120  201 " } else { "2026-11-22\n10:00:00.120  201 " };
    assert!(said.out.starts_with(wanted), "{}", said.out);
}

#[test]
fn lines_of_other_programs_pass_through_whatever_they_look_like() {
    let pino = "{\"level\":50,\"time\":1732876800123,\"req_id\":\"abc\",\"msg\":\"db is down\"}\n";
    for input in [pino, "[\n", "]\n", "],\n"] {
        assert_eq!(tail(&[], input.as_bytes()), input);
    }
    // The last part of the line never comes.
    let part = "2026-11-22T10:14:12.1Z stdout P starting wor\n";
    assert_eq!(tail(&[], part.as_bytes()), "starting wor\n");
    // Without colours of its own, the command shows none of others.
    assert_eq!(tail(&[], b"\x1b[31mred\x1b[0m\n"), "red\n");
}

#[test]
fn a_line_without_an_id_belongs_to_no_request() {
    for id in ["null", "\"\""] {
        let line =
            outside("INFO", "").replace("\"request_id\":\"-\"", &format!("\"request_id\":{id}"));
        let shown = tail(&[], format!("{line}\n").as_bytes());
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(!shown.contains("no end"), "{shown}");
    }
}

#[test]
fn a_file_that_is_named_twice_is_followed_once_and_a_bad_one_is_reported_at_once() {
    let folder = Folder::new("tail-twice");
    let log = folder.file("app.log", &joined(&healthy("r-1")));
    let again = log.replace("app.log", "./app.log");
    let mut live = Live::start(&["--from-start", &log, "-", &again]);
    live.wait_for("r-1");
    // Compressed data can't be followed.
    live.write(&[0x1f, 0x8b, 8, 0, 0, 0]);
    live.wait("the reason", |_, err| err.contains("it is compressed with gzip"));
    assert_eq!(live.out().matches("r-1").count(), 1, "{}", live.out());
}

#[test]
fn an_unknown_time_zone_is_reported_and_utc_is_used() {
    let mut command = tail_command(&[]);
    command.env("TZ", "nonsense");
    let said = run(command, &joined(&healthy("r-1")));
    assert!(said.out.ends_with(FOLDED), "{}", said.out);
    assert_eq!(
        said.err,
        "candor: the time zone `nonsense` in TZ is unknown; times are shown in UTC\n"
    );
}

#[test]
fn absurd_durations_leave_the_columns_apart() {
    let rest = ",\"lines_left_out\":5,\"step_own_ms\":{\"price\":1e300},\
                \"dependencies\":{\"payments\":{\"calls\":1,\"ms\":1e300}}";
    let end = completed(20.0, 504, "timeout", rest).replace("20.000", "1e300");
    let shown = tail(&["--expand"], &joined(&[line("r-1", 120_000, "INFO", 1, &end)]));
    assert!(shown.contains("504 timeout 1000000000 s r-1 "), "{shown}");
    assert!(!shown.contains("00000000000"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_in_the_place_of_a_followed_file_is_reported_and_not_opened() {
    let folder = Folder::new("tail-pipe");
    let log = folder.file("app.log", &joined(&healthy("r-1")));
    let live = Live::start(&["--from-start", &log]);
    live.wait_for("r-1");
    std::fs::remove_file(&log).expect("it exists");
    assert!(Command::new("mkfifo").arg(&log).status().expect("mkfifo").success());
    live.wait("the reason", |_, err| err.contains("it is not a regular file"));
    std::fs::remove_file(&log).expect("it exists");
    folder.file("app.log", &joined(&healthy("r-2")));
    live.wait_for("r-2");
}
