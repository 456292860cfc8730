//! Standard output whose reader is full, gone, slow or stalled.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use candor::{Config, RequestContext, context, step_timed};

use super::{Counts, finished, fixture, lines, numbers, run};

#[cfg(target_os = "linux")]
#[test]
fn write_errors_of_a_full_device_are_counted() {
    for queue in ["0", "10"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = fixture("threads", &[("QUEUE", queue)]).stdout(full).output();
        let counts = Counts::of(&finished(output.expect("it runs")).stderr);
        assert_eq!((counts.written, counts.bytes), (0, 0));
        assert!(counts.reasons["stdout: io"] >= 100, "{counts:?}");
        assert!(queue != "0" || counts.emitted == 100, "{counts:?}");

        let counts =
            Counts::of(&run("threads", &[("LOG_FILE", "/dev/full"), ("QUEUE", queue)]).stderr);
        assert_eq!((counts.written, counts.bytes), (0, 0));
        assert!(counts.reasons["file: io"] >= 100, "{counts:?}");
    }
}

#[cfg(unix)]
#[test]
fn write_errors_of_a_closed_pipe_are_counted() {
    for queue in ["0", "10"] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = fixture("threads", &[("QUEUE", queue)]).stdout(writer).output();
        let counts = Counts::of(&finished(output.expect("it runs")).stderr);
        assert_eq!((counts.written, counts.bytes), (0, 0));
        assert!(counts.reasons["stdout: io"] >= 100, "{counts:?}");
    }
}

/// The child's standard error up to the line that reports that everything is logged.
fn until_logged(child: &mut Child) -> BufReader<std::process::ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("a line");
    assert_eq!(line, "logged\n");
    stderr
}

#[test]
fn a_stalled_reader_blocks_a_direct_writer_without_losing_lines() {
    let mut command = fixture("threads", &[("LINES", "2000")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // More than a pipe holds: the writer blocks until the pipe is read.
    thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("a child").is_none());
    let mut out = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut out).expect("it is read");
    let output = finished(child.wait_with_output().expect("it ends"));
    let counts = Counts::of(&output.stderr);
    assert_eq!((counts.written, counts.dropped), (2000, 0));
    assert_eq!(counts.bytes, out.len() as u64);
    assert_eq!(numbers(&lines(&out))[&0], (0..2000).collect::<Vec<_>>());
}

/// A non-blocking stream, as inherited from a parent process.
#[cfg(unix)]
#[test]
fn a_non_blocking_stream_is_retried_and_then_given_up() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    // Writes wait for a slow reader.
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    let mut command = fixture("threads", &[("LINES", "3000"), ("THREADS", "2")]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    drop(command);
    thread::sleep(Duration::from_millis(100));
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("it is read");
    let counts = Counts::of(&finished(child.wait_with_output().expect("it ends")).stderr);
    assert_eq!((counts.written, counts.dropped), (6000, 0));
    assert_eq!((lines(&out).len(), counts.bytes), (6000, out.len() as u64));

    // Writes do not wait for a stalled reader at every line.
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    let mut command = fixture("threads", &[("LINES", "3000")]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(command);
    let mut rest = until_logged(&mut child);
    let mut text = Vec::new();
    rest.read_to_end(&mut text).expect("it ends");
    let counts = Counts::of(&text);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(counts.reasons["stdout: stalled"], counts.dropped);
    assert!(counts.dropped > 0 && counts.written > 0, "{counts:?}");
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("it is read");
    assert_eq!(counts.bytes, out.len() as u64);
    // The last line can be incomplete, since its process ended.
    let whole = out.iter().rposition(|byte| *byte == b'\n').expect("lines") + 1;
    let found = lines(&out[..whole]);
    assert_eq!(numbers(&found)[&0], (0..counts.written).collect::<Vec<_>>());
}

#[test]
fn a_writer_that_panics_or_logs_loses_only_its_own_lines() {
    for queue in ["0", "10"] {
        let panics = Counts::of(&run("writer-panics", &[("QUEUE", queue)]).stderr);
        assert_eq!((panics.written, panics.bytes), (0, 0));
        assert!(panics.reasons["writer: panicked"] >= 2, "{panics:?}");
        // The lines of the panics could not be written either.
        assert!(panics.reasons["writer: reentrant"] >= 2, "{panics:?}");
    }
    // Two lines from inside each of two writes, and one from inside the flush.
    let logs = Counts::of(&run("writer-logs", &[]).stderr);
    assert_eq!((logs.written, logs.reasons["writer: reentrant"]), (2, 5));
    let logs = Counts::of(&run("writer-logs", &[("QUEUE", "10")]).stderr);
    assert!(logs.written >= 2 && logs.reasons["writer: reentrant"] >= 5, "{logs:?}");
}

#[test]
fn bug_a_writer_whose_flush_stalled_held_the_flush_of_the_guard_for_ever() {
    let counts = Counts::of(&run("flush-stalls", &[]).stderr);
    assert_eq!((counts.emitted, counts.written), (1, 1));
}

#[test]
fn bug_a_bill_that_stalled_held_the_end_of_the_guard_for_ever() {
    let counts = Counts::of(&run("bill-stalls", &[]).stderr);
    assert_eq!((counts.written, counts.waiting), (1, 1));
}

#[test]
fn bug_raised_levels_did_not_fall_back_while_the_timer_wrote_to_a_stalled_output() {
    run("fold-stalls", &[]);
}

#[test]
fn hostile_values_and_contexts_lose_no_line() {
    for queue in ["0", "10"] {
        let output = run("hostile", &[("QUEUE", queue)]);
        let found = lines(&output.stdout);
        let counts = Counts::of(&output.stderr);
        assert_eq!((counts.written, counts.dropped), (found.len() as u64, 0));
        assert_eq!(counts.bytes, output.stdout.len() as u64);
        let messages: Vec<_> =
            found.iter().map(|line| line["msg"].as_str().expect("text")).collect();
        for wanted in [
            "logged by a value",
            "endless",
            "dropped while unwinding",
            "dropped at the end",
            "deep",
            "panics under a hook",
            "said by a hook",
            "said by a hook, after all",
            "dropped before the thread's locals",
            "dropped after the thread's locals",
            "huge",
        ] {
            assert!(messages.contains(&wanted), "{wanted} is missing");
        }
        let value = |message: &str| {
            let found = found.iter().find(|line| line["msg"] == message);
            found.expect("the line")["value"].clone()
        };
        assert_eq!(value("talks"), "talks");
        assert_eq!(value("panics"), "<unprintable>");
        assert_eq!(value("fails"), "<unprintable>");
        assert_eq!(value("panics under a hook"), "<unprintable>");
        assert_eq!(messages.iter().filter(|message| **message == "said by a hook").count(), 2);
        // The lines of a request are numbered without gaps.
        let mut seq: Vec<_> = found.iter().filter_map(|line| line["seq"].as_u64()).collect();
        seq.sort_unstable();
        assert_eq!(seq, (1..=seq.len() as u64).collect::<Vec<_>>());
        // The memory of values of 200 MB is released.
        let stderr = String::from_utf8_lossy(&output.stderr);
        let kept = stderr.lines().find_map(|line| line.strip_prefix("kept ")?.strip_suffix(" MB"));
        let kept: u64 = kept.expect("a value").parse().expect("a number");
        assert!(kept < 30, "{kept} MB are kept");
    }
}

/// A writer that records the current request while it writes.
struct Finds(Arc<Mutex<Vec<bool>>>);

impl Write for Finds {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").push(context::current().is_some());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines logged by the writer would otherwise use sequence numbers of the request.
#[test]
fn no_request_is_current_inside_a_writer() {
    #[step_timed(fields(id = 7))]
    fn good() {}

    let found = Arc::<Mutex<_>>::default();
    let config = Config::new().writer(Finds(Arc::clone(&found)));
    let subscriber = config.subscriber().expect("a configuration");
    tracing::subscriber::with_default(subscriber, || {
        RequestContext::with_id("r-1").enter_with(|| {
            for _ in 0..3 {
                good();
                assert_eq!(context::current().expect("the request").id(), "r-1");
            }
        });
    });
    assert_eq!(*found.lock().expect("no panic"), [false; 3]);
}
