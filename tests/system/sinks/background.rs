//! The background writer: waiting, dropping and the reports of dropped lines.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use candor::{Config, Overload};

use super::{Counts, Folder, finished, fixture, lines, numbers, run, text};

#[test]
fn lines_keep_the_order_of_each_thread_and_none_is_lost() {
    for queue in ["1", "7", "100000"] {
        let output = run("threads", &[("THREADS", "8"), ("LINES", "500"), ("QUEUE", queue)]);
        let counts = Counts::of(&output.stderr);
        assert_eq!((counts.emitted, counts.written), (4000, 4000));
        assert_eq!(counts.bytes, output.stdout.len() as u64);
        let found = numbers(&lines(&output.stdout));
        assert_eq!(found.len(), 8);
        for numbers in found.values() {
            assert_eq!(*numbers, (0..500).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_stalled_reader_drops_lines_instead_of_blocking_and_the_log_reports_the_count() {
    let env = [("QUEUE", "100"), ("OVERLOAD", "drop"), ("LINES", "20000"), ("THREADS", "2")];
    let mut command = fixture("threads", &env);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // All lines are logged although the pipe is not read.
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut text = String::new();
    stderr.read_line(&mut text).expect("a line");
    assert_eq!(text, "logged\n");
    let mut out = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut out).expect("it is read");
    stderr.read_to_string(&mut text).expect("text");
    finished(child.wait_with_output().expect("it ends"));
    assert!(text.contains("left 0\n"), "{text}");
    let counts = Counts::of(text.as_bytes());
    let found = lines(&out);
    assert_eq!((counts.written, counts.waiting), (found.len() as u64, 0));
    assert_eq!(counts.bytes, out.len() as u64);
    let reports: Vec<_> = found.iter().filter(|line| line["event"] == "lines_dropped").collect();
    assert!(!reports.is_empty());
    for report in &reports {
        assert_eq!((&report["msg"], &report["level"]), (&"lines_dropped".into(), &"WARN".into()));
        assert_eq!((&report["logger"], &report["reason"]), (&"candor".into(), &"full".into()));
    }
    let reported: u64 = reports.iter().map(|line| line["lines"].as_u64().expect("a number")).sum();
    assert_eq!((reported, counts.reasons["stdout: full"]), (counts.dropped, counts.dropped));
    let numbered: usize = numbers(&found).values().map(Vec::len).sum();
    assert_eq!(numbered as u64 + counts.dropped, 40_000);
}

#[test]
fn warnings_and_errors_are_queued_when_lower_levels_are_dropped() {
    let env = [("QUEUE", "100"), ("OVERLOAD", "drop"), ("LINES", "10000"), ("WARNINGS", "100")];
    let mut command = fixture("overload", &env);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut text = String::new();
    stderr.read_line(&mut text).expect("a line");
    let mut out = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut out).expect("it is read");
    stderr.read_to_string(&mut text).expect("text");
    finished(child.wait_with_output().expect("it ends"));
    assert_eq!(Counts::of(text.as_bytes()).bytes, out.len() as u64);
    let found = lines(&out);
    let more: Vec<_> = found.iter().filter(|line| line["msg"] == "more").collect();
    let less: Vec<_> = found.iter().filter(|line| line["msg"] == "less").collect();
    assert_eq!(more.len(), 100);
    assert!(less.len() < 10_000, "nothing was dropped");
}

#[test]
fn flush_returns_at_its_deadline_with_the_number_of_queued_lines() {
    let env = [("QUEUE", "1000"), ("OVERLOAD", "drop"), ("LINES", "2000"), ("FLUSH_MS", "100")];
    let mut command = fixture("threads", &env);
    // The pipe is not read until the process has ended.
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let output = command.stdout(writer).output().expect("it runs");
    drop(command);
    let stderr = String::from_utf8(finished(output).stderr).expect("UTF-8");
    let counts = Counts::of(stderr.as_bytes());
    let left = |line: &str| line.strip_prefix("left ")?.parse::<u64>().ok();
    let left = stderr.lines().find_map(left).expect("a number");
    assert!(left > 0, "{stderr}");
    assert!(counts.waiting >= left, "{stderr}");
    let last = stderr.lines().last().expect("a line");
    assert_eq!(last, format!("candor: lines not written within 5s: {left}"));
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("it is read");
    assert_eq!(counts.bytes, out.len() as u64);
}

#[test]
fn lines_logged_after_the_guard_is_dropped_are_written_directly() {
    let output = run("after", &[("QUEUE", "100")]);
    assert_eq!(numbers(&lines(&output.stdout))[&0], [0, 1]);
    let counts = Counts::of(&output.stderr);
    assert_eq!((counts.written, counts.bytes), (2, output.stdout.len() as u64));
}

#[test]
fn bug_lines_were_lost_if_other_threads_logged_while_the_guard_was_dropped() {
    for _ in 0..5 {
        let output = run("during-the-drop", &[("QUEUE", "10000"), ("THREADS", "4")]);
        let counts = Counts::of(&output.stderr);
        assert_eq!((counts.waiting, counts.dropped), (0, 0));
        let found = numbers(&lines(&output.stdout));
        assert_eq!(found.len(), 4);
        // The lines that are written directly follow those of the queue.
        for numbers in found.values() {
            assert_eq!(*numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        }
        let written = found.values().map(Vec::len).sum::<usize>();
        assert_eq!(counts.written, written as u64);
    }
}

#[test]
fn a_critical_line_is_written_even_if_the_process_exits_right_after() {
    let output = run("ends-critical", &[("QUEUE", "1000")]);
    let found = lines(&output.stdout);
    assert_eq!(numbers(&found)[&0], (0..10).collect::<Vec<_>>());
    assert_eq!(found[10]["level"], "CRITICAL");
}

/// Each write is one datagram, so that writes can be told apart.
#[cfg(unix)]
#[test]
fn many_lines_are_one_atomic_pipe_write_of_whole_lines() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    let (reader, writer) = UnixDatagram::pair().expect("a pair");
    let mut command = fixture("threads", &[("QUEUE", "1000"), ("LINES", "2000")]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    drop(command);
    let mut buffer = vec![0; 100_000];
    let (mut writes, mut out) = (0, Vec::new());
    while numbers(&lines(&out)).get(&0).is_none_or(|numbers| numbers.len() < 2000) {
        // Reads all that is available, so that the whole is searched only once.
        for _ in 0..50 {
            let length = reader.recv(&mut buffer).expect("a datagram");
            assert!(length <= 4096 && buffer[length - 1] == b'\n', "{length} bytes");
            out.extend(&buffer[..length]);
            writes += 1;
            if out.ends_with(b"\n") && out.iter().filter(|b| **b == b'\n').count() == 2000 {
                break;
            }
        }
    }
    finished(child.wait_with_output().expect("it ends"));
    assert!(writes < 1000, "{writes} writes for 2000 lines");
}

#[test]
fn dropping_a_layer_writes_its_queued_lines() {
    let folder = Folder::new("layer");
    let path = folder.file("app.log");
    let config = Config::new().file(&path).background(100, Overload::Block);
    let subscriber = config.subscriber().expect("a file");
    tracing::subscriber::with_default(subscriber, || {
        for n in 0..50 {
            tracing::info!(n, "numbered");
        }
    });
    let found = lines(&fs::read(&path).expect("the file"));
    assert_eq!(numbers(&found)[&0], (0..50).collect::<Vec<_>>());
}

#[test]
fn the_dropped_lines_report_uses_the_pretty_format() {
    let env = [("QUEUE", "5"), ("OVERLOAD", "drop"), ("LINES", "50000"), ("LOG_FORMAT", "pretty")];
    let output = run("threads", &env);
    let counts = Counts::of(&output.stderr);
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    // The rows with a level; a header has none.
    let records = out.lines().filter(|row| row.as_bytes()[13] != b' ').count();
    assert_eq!(records as u64, counts.written);
    assert_eq!(counts.bytes, out.len() as u64);
    let report = out.lines().find(|line| line.contains("lines_dropped")).expect("a report");
    assert!(report.contains(" W candor lines_dropped lines="), "{report}");
    assert!(report.ends_with("reason=full"), "{report}");
}

#[test]
fn a_batch_is_split_between_lines_when_the_file_is_full() {
    let folder = Folder::new("queue-rotation");
    let path = folder.file("app.log");
    let env = [
        ("LOG_FILE", text(&path)),
        ("LOG_FILE_MAX_BYTES", "100000"),
        ("LOG_FILE_BACKUPS", "100"),
        ("QUEUE", "5000"),
        ("LINES", "5000"),
    ];
    let counts = Counts::of(&run("threads", &env).stderr);
    assert_eq!(counts.bytes, folder.bytes());
    for name in folder.names() {
        let length = fs::metadata(folder.file(&name)).expect("a file").len();
        assert!(length <= 100_000, "{name} holds {length} bytes");
    }
    assert_eq!(numbers(&folder.all_lines())[&0], (0..5000).collect::<Vec<_>>());
}

#[test]
fn bug_a_full_queue_that_blocks_held_critical_lines_and_the_panic_hook_for_ever() {
    let counts = Counts::of(&run("full-queue", &[("QUEUE", "2")]).stderr);
    assert_eq!((counts.emitted, counts.waiting), (6, 5));
    assert_eq!(counts.reasons["writer: full"], 1);
}

#[test]
fn bug_last_lines_waited_for_a_thread_of_their_request_that_waited_for_a_full_queue() {
    for format in ["json", "pretty"] {
        let env = [("QUEUE", "2"), ("LOG_FORMAT", format)];
        let counts = Counts::of(&run("full-queue-in-a-story", &env).stderr);
        assert_eq!((counts.emitted, counts.waiting), (6, 6), "{format}");
    }
}

#[cfg(unix)]
#[test]
fn a_service_stopped_by_a_signal_has_written_all_its_lines() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let build = candor_tests::cargo()
        .args(["build", "--quiet", "--example", "shutdown"])
        .current_dir(root)
        .status();
    assert!(build.expect("cargo runs").success());
    let tests = std::env::current_exe().expect("this program");
    let built = tests.parent().and_then(|deps| deps.parent()).expect("the target's folder");
    let mut command = Command::new(built.join("examples/shutdown"));
    command.env_clear().stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut out = String::new();
    for _ in 0..50 {
        stdout.read_line(&mut out).expect("output");
    }
    let told = Command::new("kill").arg(child.id().to_string()).status();
    assert!(told.expect("kill runs").success());
    stdout.read_to_string(&mut out).expect("it ends");
    assert!(child.wait().expect("it ends").success());
    let found = lines(out.as_bytes());
    let (last, before) = found.split_last().expect("lines");
    assert_eq!(last["msg"], "stopping");
    // Each unit of work writes two lines.
    assert_eq!(last["done"], before.len() / 2);
    assert_eq!(before.len() % 2, 0);
}
