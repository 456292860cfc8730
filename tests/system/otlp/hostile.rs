//! Found by attacks on the export: writers that log, outputs that stall, odd fields, odd answers.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use candor::testing::capture_with;
use candor::{Config, Logging, Otlp, OtlpProtocol, Overload};
use tracing_subscriber::layer::SubscriberExt as _;

use super::collector::{Answer, Collector, closed_port, silent};
use super::{run, wait_until};

/// Runs `work` on a thread, for at most twenty seconds.
fn within_time(what: &str, work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    assert!(is_done.recv_timeout(Duration::from_secs(20)).is_ok(), "{what} hangs or fails");
}

fn unreachable() -> Otlp {
    Otlp::new(format!("http://127.0.0.1:{}", closed_port())).retry_for(Duration::from_millis(50))
}

/// A writer that logs a line for each line.
struct LoggingWriter;

impl Write for LoggingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tracing::info!("from the writer");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_logs_does_not_wait_for_a_full_queue() {
    within_time("a writer that logs", || {
        let config = Config::new().writer(LoggingWriter);
        let config = config.otlp(unreachable().queue(3, Overload::Block));
        let subscriber = config.subscriber().expect("a subscriber");
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..50 {
                tracing::info!("one");
            }
        });
    });
}

/// A writer that never returns.
struct StalledWriter;

impl Write for StalledWriter {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        loop {
            thread::park();
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_stalls_delays_the_end_of_the_guard_by_its_time_only() {
    let began = Instant::now();
    within_time("the guard", move || {
        let config = Config::new().writer(StalledWriter).background(1000, Overload::Drop);
        let (layer, logging) = config.otlp(unreachable()).build().expect("a layer");
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("one");
            drop(logging);
            assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        });
    });
}

#[test]
fn an_output_that_stalls_does_not_stop_the_export() {
    let collector = Collector::answering([Answer::Status(400, None)], Answer::Ok);
    let otlp = Otlp::new(collector.endpoint()).batch(1, Duration::ZERO);
    let config = Config::new().writer(StalledWriter).background(1000, Overload::Drop).otlp(otlp);
    let (layer, logging) = config.build().expect("a layer");
    let subscriber = tracing_subscriber::registry().with(layer);
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..20 {
        tracing::info!("one");
    }
    wait_until("the records", || collector.received().logs.len() == 19);
    // Their end would wait for the output.
    std::mem::forget((guard, logging));
}

/// A writer that ends the export when it gets the report of a loss.
struct EndingWriter {
    logging: Receiver<Logging>,
    has_ended: Arc<AtomicBool>,
}

impl Write for EndingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.windows(13).any(|part| part == b"lines_dropped") {
            drop(self.logging.try_recv());
            self.has_ended.store(true, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_can_end_the_export() {
    within_time("a writer that ends the export", || {
        let has_ended = Arc::new(AtomicBool::new(false));
        let (give, take) = channel();
        let writer = EndingWriter { logging: take, has_ended: Arc::clone(&has_ended) };
        let collector = Collector::answering([], Answer::Status(400, None));
        let otlp = Otlp::new(collector.endpoint()).batch(1, Duration::ZERO);
        let (layer, logging) = Config::new().writer(writer).otlp(otlp).build().expect("a layer");
        give.send(logging).expect("received");
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("one");
            wait_until("the end", || has_ended.load(Ordering::Relaxed));
            tracing::info!("two");
        });
    });
}

#[test]
fn fields_that_are_not_text_are_not_part_of_a_name() {
    for protocol in [OtlpProtocol::Json, OtlpProtocol::Protobuf] {
        let collector = Collector::start();
        let config = Config::new().otlp(Otlp::new(collector.endpoint()).protocol(protocol));
        let captured = capture_with(config).expect("a configuration");
        let object = serde_json::json!({ "a": 1 });
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let failed: io::Result<()> = candor::job("odd").traceparent(parent).run(|| {
            candor::context::set("route", candor::scrub::json(&object));
            candor::context::set("error_detail", candor::scrub::json(&object));
            candor::step("inner", || Err(io::Error::other("no")))
        });
        assert!(failed.is_err());
        drop(captured);
        // The collector panics on a request that is not valid.
        assert_eq!(collector.received().spans.len(), 2);
    }
}

#[test]
fn names_of_attributes_are_unique() {
    let collector = Collector::start();
    let config = Config::new().otlp(Otlp::new(collector.endpoint()).original(true));
    let captured = capture_with(config).expect("a configuration");
    tracing::info!(
        log.record.original = "mine",
        error.type = "mine",
        candor.request.span_id = "mine",
        service.name = "mine",
        exception.message = "mine",
        error = "class",
        error_type = "type",
        error_detail = "detail",
        "collision"
    );
    drop(captured);
    let received = collector.received();
    let (_, log) = &received.logs[0];
    let mut names: Vec<_> = log.attributes.iter().map(|it| it.key.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    assert!(names.contains(&"log.record.original_"), "{names:?}");
}

#[test]
fn durations_of_any_length_are_accepted() {
    let collector = Collector::start();
    let otlp = Otlp::new(collector.endpoint())
        .batch(10, Duration::MAX)
        .timeout(Duration::MAX)
        .retry_for(Duration::MAX);
    let captured = capture_with(Config::new().otlp(otlp)).expect("a configuration");
    candor::info!("one");
    drop(captured);
    assert_eq!(collector.received().logs.len(), 1);
}

#[test]
fn what_a_collector_echoes_of_the_headers_is_hidden_and_short() {
    let error = format!("tenant zq81-opaque-value is over its quota {}", "x ".repeat(10_000));
    let collector = Collector::answering([Answer::Rejected(1, error)], Answer::Ok);
    let env = [("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=zq81-opaque-value")];
    let run = run("otlp", &collector.endpoint(), &env);
    let losses = run.losses();
    let [(1, "logs", "rejected", detail)] = losses[..] else { panic!("{losses:?}") };
    assert!(detail.starts_with("tenant [REDACTED] is over its quota x x"), "{detail}");
    assert!(detail.len() < 250, "{detail}");
}

#[test]
fn an_absurd_number_of_rejected_records_is_not_believed() {
    for protocol in ["http/protobuf", "http/json"] {
        for rejected in [-1, i64::MAX] {
            let answer = Answer::Rejected(rejected, "odd".to_owned());
            let collector = Collector::answering([answer], Answer::Ok);
            let env = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
            let run = run("otlp", &collector.endpoint(), &env);
            let expected = if rejected < 0 { 0 } else { run.logs.emitted };
            assert_eq!(run.logs.rejected, expected, "{protocol} {rejected}");
        }
    }
}

#[test]
fn a_collector_that_asks_for_no_wait_is_not_flooded() {
    let collector = Collector::answering([], Answer::Status(429, Some("0")));
    let run = run("otlp", &collector.endpoint(), &[("RETRY_MS", "1000")]);
    assert_eq!(run.logs.unreachable, run.logs.emitted);
    assert!(collector.received().requests < 20, "{}", collector.received().requests);
}

#[test]
fn traces_alone_count_spans_and_nothing_else() {
    let (_listener, endpoint) = silent();
    let run = run("otlp", &endpoint, &[("OTEL_LOGS_EXPORTER", "none"), ("RUNTIME", "guard")]);
    assert_eq!(run.logs.emitted, 0);
    assert_eq!((run.spans.emitted, run.spans.shutdown), (19, 19));
}

/// `flush` and then `exit`: the report is on the output by then.
#[test]
fn a_flush_waits_for_the_report_of_a_loss() {
    for _ in 0..5 {
        let collector = Collector::answering([], Answer::Status(400, None));
        let run = run("otlp", &collector.endpoint(), &[("RUNTIME", "exit")]);
        let reported: u64 = run.losses().iter().map(|loss| loss.0).sum();
        assert_eq!(reported, run.logs.rejected + run.spans.rejected);
    }
}
