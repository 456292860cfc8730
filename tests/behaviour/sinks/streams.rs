//! Standard output whose other end is full, gone, slow or asleep.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use candor::{Config, RequestContext, context, step_timed};

use super::{Said, finished, fixture, lines, numbers, run};

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_survived_and_counted() {
    for queue in ["0", "10"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = fixture("threads", &[("QUEUE", queue)]).stdout(full).output();
        let said = Said::of(&finished(output.expect("it runs")).stderr);
        assert_eq!(said.written, 0);
        assert!(said.reasons["stdout: io"] >= 100, "{said:?}");
        assert!(queue != "0" || said.emitted == 100, "{said:?}");

        let said = Said::of(&run("threads", &[("LOG_FILE", "/dev/full"), ("QUEUE", queue)]).stderr);
        assert_eq!(said.written, 0);
        assert!(said.reasons["file: io"] >= 100, "{said:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_is_gone_is_survived_and_counted() {
    for queue in ["0", "10"] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = fixture("threads", &[("QUEUE", queue)]).stdout(writer).output();
        let said = Said::of(&finished(output.expect("it runs")).stderr);
        assert_eq!(said.written, 0);
        assert!(said.reasons["stdout: io"] >= 100, "{said:?}");
    }
}

/// The child's standard error up to the line that says that all is logged.
fn until_logged(child: &mut Child) -> BufReader<std::process::ChildStderr> {
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "logged\n");
    said
}

#[test]
fn a_reader_that_stalls_holds_a_direct_writer_and_costs_no_line() {
    let mut command = fixture("threads", &[("LINES", "2000")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // More than a pipe takes: it is held until someone reads.
    thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("a child").is_none());
    let mut out = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut out).expect("it is read");
    let output = finished(child.wait_with_output().expect("it ends"));
    let said = Said::of(&output.stderr);
    assert_eq!((said.written, said.dropped), (2000, 0));
    assert_eq!(numbers(&lines(&out))[&0], (0..2000).collect::<Vec<_>>());
}

/// A stream that never waits, as a parent may hand it down.
#[cfg(unix)]
#[test]
fn a_non_blocking_stream_is_asked_again_and_given_up_in_the_end() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    // A reader that is slow is waited for.
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    let mut command = fixture("threads", &[("LINES", "3000"), ("THREADS", "2")]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    drop(command);
    thread::sleep(Duration::from_millis(100));
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("it is read");
    let said = Said::of(&finished(child.wait_with_output().expect("it ends")).stderr);
    assert_eq!((said.written, said.dropped), (6000, 0));
    assert_eq!(lines(&out).len(), 6000);

    // One that sleeps is not waited for with every line.
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    let mut command = fixture("threads", &[("LINES", "3000")]);
    command.stdout(Stdio::from(OwnedFd::from(writer))).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(command);
    let mut rest = until_logged(&mut child);
    let mut said = Vec::new();
    rest.read_to_end(&mut said).expect("it ends");
    let said = Said::of(&said);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(said.reasons["stdout: stalled"], said.dropped);
    assert!(said.dropped > 0 && said.written > 0, "{said:?}");
    let mut out = Vec::new();
    reader.read_to_end(&mut out).expect("it is read");
    // The last one may be half written: its process ended before it could be finished.
    let whole = out.iter().rposition(|byte| *byte == b'\n').expect("lines") + 1;
    let found = lines(&out[..whole]);
    assert_eq!(numbers(&found)[&0], (0..said.written).collect::<Vec<_>>());
}

#[test]
fn a_writer_that_panics_or_logs_loses_its_own_lines_and_stops_nothing() {
    for queue in ["0", "10"] {
        let panics = Said::of(&run("writer-panics", &[("QUEUE", queue)]).stderr);
        assert_eq!(panics.written, 0);
        assert!(panics.reasons["writer: panicked"] >= 2, "{panics:?}");
        // The panics themselves could not be written either.
        assert!(panics.reasons["writer: reentrant"] >= 2, "{panics:?}");
    }
    // Two lines from inside each of two writes, and one from inside the flush.
    let logs = Said::of(&run("writer-logs", &[]).stderr);
    assert_eq!((logs.written, logs.reasons["writer: reentrant"]), (2, 5));
    let logs = Said::of(&run("writer-logs", &[("QUEUE", "10")]).stderr);
    assert!(logs.written >= 2 && logs.reasons["writer: reentrant"] >= 5, "{logs:?}");
}

#[test]
fn values_and_places_that_make_logging_hard_cost_no_line() {
    for queue in ["0", "10"] {
        let output = run("hostile", &[("QUEUE", queue)]);
        let found = lines(&output.stdout);
        let said = Said::of(&output.stderr);
        assert_eq!((said.written, said.dropped), (found.len() as u64, 0));
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
        // The numbers of a request's lines have no gap.
        let mut seq: Vec<_> = found.iter().filter_map(|line| line["seq"].as_u64()).collect();
        seq.sort_unstable();
        assert_eq!(seq, (1..=seq.len() as u64).collect::<Vec<_>>());
        // What values of 200 MB took is given back.
        let said = String::from_utf8_lossy(&output.stderr);
        let kept = said.lines().find_map(|line| line.strip_prefix("kept ")?.strip_suffix(" MB"));
        let kept: u64 = kept.expect("it says so").parse().expect("a number");
        assert!(kept < 30, "{kept} MB are kept");
    }
}

/// Tells whose request it finds while it writes.
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

/// What it said of itself would take the numbers of the request's own lines.
#[test]
fn a_writer_finds_no_request_while_it_writes_a_steps_line() {
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
