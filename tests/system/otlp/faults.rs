//! A collector that fails: every record is delivered or counted with its reason, and nothing hangs.

use std::time::Duration;

use super::collector::{Answer, Collector, closed_port, silent};
use super::{Run, fixture, run, wait_until};

/// Everything was delivered.
fn assert_whole(run: &Run, collector: &Collector) {
    assert_eq!(run.logs.delivered, run.logs.emitted, "{run:?}");
    assert_eq!(collector.received().logs.len() as u64, run.logs.delivered);
    assert_eq!(run.losses(), []);
}

/// The local lines report every dropped record.
fn assert_reported(run: &Run) {
    let reported: u64 = run.losses().iter().map(|loss| loss.0).sum();
    assert_eq!(reported, run.logs.dropped() + run.spans.dropped(), "{:?}", run.losses());
}

#[test]
fn an_overloaded_collector_gets_the_records_later() {
    for status in [429, 502, 503, 504] {
        let answers = [Answer::Status(status, None), Answer::Status(status, Some("0"))];
        let collector = Collector::answering(answers, Answer::Ok);
        let run = run("otlp", &collector.endpoint(), &[]);
        assert_whole(&run, &collector);
        assert_eq!(collector.received().requests, 4);
    }
}

#[test]
fn retry_after_is_respected() {
    let collector = Collector::answering([Answer::Status(429, Some("2"))], Answer::Ok);
    let run = run("otlp", &collector.endpoint(), &[]);
    assert_whole(&run, &collector);
    // The logs, the traces meanwhile, and the logs again.
    let times = collector.received().times.clone();
    assert!(times[1] - times[0] < Duration::from_secs(1), "{times:?}");
    assert!(times[2] - times[0] >= Duration::from_secs(2), "{times:?}");
}

#[test]
fn a_refused_batch_is_counted_and_not_sent_again() {
    for status in [400, 401, 404, 413, 500] {
        let collector = Collector::answering([], Answer::Status(status, None));
        let run = run("otlp", &collector.endpoint(), &[]);
        assert_eq!((run.logs.rejected, run.logs.delivered), (run.logs.emitted, 0));
        assert_eq!(run.spans.rejected, run.spans.emitted);
        assert_reported(&run);
        let detail = format!("the collector responded with HTTP status {status}");
        assert!(run.losses().iter().all(|loss| (loss.2, loss.3) == ("rejected", &detail)));
        assert_eq!(collector.received().requests, 2);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let collector = Collector::answering([], Answer::Redirect);
    let run = run(
        "otlp",
        &collector.endpoint(),
        &[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=t0ken")],
    );
    assert_eq!(run.logs.rejected, run.logs.emitted);
    assert_eq!(collector.received().requests, 2);
}

#[test]
fn rejected_records_of_a_partial_success_are_counted() {
    for protocol in ["http/protobuf", "http/json"] {
        let collector = Collector::answering([Answer::Partial(3)], Answer::Ok);
        let run = run("otlp", &collector.endpoint(), &[("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)]);
        assert_eq!((run.logs.rejected, run.logs.delivered), (3, run.logs.emitted - 3));
        assert_eq!(collector.received().logs.len() as u64, run.logs.delivered);
        assert_eq!(run.losses(), [(3, "logs", "rejected", "too old")]);
    }
}

#[test]
fn a_closed_connection_is_opened_again() {
    let collector = Collector::answering([Answer::Close, Answer::Close], Answer::Ok);
    let run = run("otlp", &collector.endpoint(), &[]);
    assert_whole(&run, &collector);
}

#[test]
fn an_unreachable_collector_costs_the_records_and_no_time() {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    let run = run("otlp", &endpoint, &[("RETRY_MS", "300")]);
    assert_eq!(
        (run.logs.unreachable, run.spans.unreachable),
        (run.logs.emitted, run.spans.emitted)
    );
    assert_reported(&run);
    assert!(
        run.losses().iter().all(|loss| loss.3.starts_with("the connection failed")),
        "{:?}",
        run.losses()
    );
    // The lines themselves are all there.
    assert_eq!(run.exported() as u64, run.logs.emitted);
}

#[test]
fn an_unknown_host_is_unreachable() {
    let run = run("otlp", "http://collector.invalid:4318", &[("RETRY_MS", "50")]);
    assert_eq!(run.logs.unreachable, run.logs.emitted);
    assert_reported(&run);
}

#[test]
fn the_guard_gives_up_after_its_time_and_counts_what_is_left() {
    let (_listener, endpoint) = silent();
    let run = run("otlp", &endpoint, &[("RUNTIME", "guard")]);
    assert_eq!((run.logs.shutdown, run.logs.waiting), (run.logs.emitted, 0));
    assert!(run.stderr.contains("candor: lines not exported within 5s: "), "{}", run.stderr);
    assert_reported(&run);
    assert!(run.time < Duration::from_secs(12), "{:?}", run.time);
}

#[test]
fn flush_returns_at_its_deadline() {
    let (_listener, endpoint) = silent();
    let run = run("otlp", &endpoint, &[("FLUSH_MS", "200"), ("RUNTIME", "exit")]);
    let left = run.stderr.lines().find_map(|line| line.strip_prefix("left ")?.parse::<u64>().ok());
    assert_eq!((left, run.logs.waiting), (Some(run.logs.emitted), run.logs.emitted));
    assert!(run.time < Duration::from_secs(5), "{:?}", run.time);
}

#[test]
fn a_request_that_takes_too_long_is_sent_again() {
    let hang = Answer::Hang(Duration::from_secs(2));
    let collector = Collector::answering([hang], Answer::Ok);
    let run = run("otlp", &collector.endpoint(), &[("OTEL_EXPORTER_OTLP_TIMEOUT", "200")]);
    assert_whole(&run, &collector);
}

#[test]
fn a_slow_collector_gets_all_records() {
    let collector = Collector::answering([], Answer::Slow(Duration::from_millis(100)));
    let env = [("LINES", "200"), ("EVERY_MS", "1"), ("OTEL_BLRP_SCHEDULE_DELAY", "10")];
    let run = run("otlp-threads", &collector.endpoint(), &env);
    assert_eq!(run.logs.emitted, 800);
    assert_whole(&run, &collector);
}

#[test]
fn a_collector_that_is_killed_and_started_again_gets_the_rest() {
    // The first collector answers once and then closes every connection.
    let answers = std::iter::once(Answer::Ok).chain(std::iter::repeat_n(Answer::Close, 4));
    let collector = Collector::answering(answers, Answer::Ok);
    let env = [("LINES", "100"), ("EVERY_MS", "5"), ("OTEL_BLRP_SCHEDULE_DELAY", "10")];
    let run = run("otlp-threads", &collector.endpoint(), &env);
    assert_eq!(run.logs.emitted, 400);
    assert_whole(&run, &collector);
}

#[test]
fn a_burst_is_delivered_or_counted() {
    let collector = Collector::start();
    let run = run("otlp-burst", &collector.endpoint(), &[("LINES", "100000")]);
    assert_eq!(run.logs.emitted, 100_000);
    assert_eq!(run.logs.delivered + run.logs.dropped(), 100_000);
    assert_eq!(collector.received().logs.len() as u64, run.logs.delivered);
    assert_reported(&run);
    assert!(run.logs.delivered >= 32_768, "{:?}", run.logs);
}

#[test]
fn a_burst_that_blocks_is_delivered_whole() {
    let collector = Collector::start();
    let env =
        [("LINES", "100000"), ("LOG_OTLP_OVERLOAD", "block"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "1000")];
    let run = run("otlp-burst", &collector.endpoint(), &env);
    assert_eq!(run.logs.emitted, 100_000);
    assert_whole(&run, &collector);
}

/// The queue is bounded, and so is what the process keeps while the collector is down.
#[test]
fn an_unreachable_collector_does_not_grow_the_process() {
    let endpoint = format!("http://127.0.0.1:{}", closed_port());
    let env =
        [("LINES", "300000"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "5000"), ("LOG_FILE", "/dev/null")];
    let mut child = fixture("otlp-burst", &endpoint, &env).spawn().expect("it runs");
    let status = format!("/proc/{}/status", child.id());
    let peak = || -> Option<u64> {
        let text = std::fs::read_to_string(&status).ok()?;
        let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let mut most = 0;
    while child.try_wait().expect("it ends").is_none() {
        most = peak().unwrap_or(0).max(most);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(most > 0 && most < 40_000, "{most} kB");
}

/// At these levels, the HTTP client logs its requests with their headers.
#[test]
fn lines_of_the_client_are_neither_written_nor_exported() {
    let collector = Collector::start();
    let env = [
        ("LOG_LEVEL", "trace,ureq=trace,ureq_proto=trace,rustls=trace"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=opaque-value"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "10"),
    ];
    let run = run("otlp", &collector.endpoint(), &env);
    assert!(run.raw.iter().all(|line| !line.contains("\"logger\":\"ureq")));
    let output = run.raw.join("\n") + &run.stderr;
    assert!(!output.contains("opaque") && !output.contains("x-tenant"), "{output}");
    let received = collector.received();
    assert!(received.logs.iter().all(|(scope, _)| !scope.name.starts_with("ureq")));
    assert_eq!(received.logs.len() as u64, run.logs.delivered);
}

/// Audit events with a separate file are written only to that file.
#[test]
fn audit_events_are_exported_unless_they_have_a_file_of_their_own() {
    let count = |collector: &Collector| {
        let received = collector.received();
        received.logs.iter().filter(|(_, log)| log.event_name == "audit").count()
    };
    let collector = Collector::start();
    run("otlp", &collector.endpoint(), &[]);
    let with_others = count(&collector);
    let file = std::env::temp_dir().join(format!("candor-otlp-audit-{}", std::process::id()));
    let collector = Collector::start();
    run("otlp", &collector.endpoint(), &[("LOG_AUDIT_FILE", file.to_str().expect("a path"))]);
    let _ = std::fs::remove_file(&file);
    assert_eq!((with_others, count(&collector)), (1, 0));
}

#[test]
fn a_service_that_runs_for_long_is_exported_all_the_time() {
    let collector = Collector::start();
    let env = [("LINES", "40"), ("EVERY_MS", "20"), ("OTEL_BLRP_SCHEDULE_DELAY", "50")];
    let mut command = fixture("otlp-threads", &collector.endpoint(), &env);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it runs");
    wait_until("records while the service runs", || collector.received().requests >= 5);
    assert!(child.try_wait().expect("it runs").is_none(), "it has ended");
    child.wait().expect("it ends");
    assert_eq!(collector.received().logs.len(), 160);
}
