//! Steps, calls, requests and jobs are spans of one tree, with the times of their lines.

use std::collections::HashMap;

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use super::collector::Collector;
use super::{Run, run};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn exported() -> (Run, Vec<Span>) {
    let collector = Collector::start();
    let run = run("otlp", &collector.endpoint(), &[]);
    let spans = collector.received().spans.iter().map(|(_, span)| span.clone()).collect();
    (run, spans)
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::{IntValue, StringValue};
    let value = &span.attributes.iter().find(|it| it.key == key)?.value;
    Some(match value.as_ref()?.value.as_ref()? {
        StringValue(text) => text.clone(),
        IntValue(int) => int.to_string(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn every_timed_line_of_a_sampled_trace_is_a_span_of_its_time() {
    let (run, spans) = exported();
    let timed: Vec<&Value> = run
        .lines
        .iter()
        .filter(|line| line.get("duration_ms").is_some() && line.get("trace_id").is_some())
        // The caller did not sample this trace.
        .filter(|line| line["trace_id"] != "4bf92f3577b34da6a3ce929d0e0e4737")
        .collect();
    assert_eq!(spans.len(), timed.len());
    assert!(timed.len() >= 17, "{}", timed.len());
    for line in timed {
        let end: jiff::Timestamp = line["ts"].as_str().expect("ts").parse().expect("a time");
        let end = u64::try_from(end.as_nanosecond()).expect("after 1970");
        let took = (line["duration_ms"].as_f64().expect("a number") * 1e6).round() as u64;
        let found = spans.iter().filter(|span| {
            hex(&span.trace_id) == line["trace_id"]
                && span.end_time_unix_nano == end
                && span.end_time_unix_nano - span.start_time_unix_nano == took
        });
        assert!(found.count() >= 1, "no span of {line}");
    }
}

#[test]
fn parents_of_spans_are_those_of_the_lines() {
    let (run, spans) = exported();
    let by_id: HashMap<String, &Span> =
        spans.iter().map(|span| (hex(&span.span_id), span)).collect();
    assert_eq!(by_id.len(), spans.len());
    let first = "4bf92f3577b34da6a3ce929d0e0e4736";
    let of_first: Vec<_> = spans.iter().filter(|span| hex(&span.trace_id) == first).collect();
    let path = |span: &Span| {
        let mut span = span;
        let mut names = vec![span.name.clone()];
        while let Some(parent) = by_id.get(&hex(&span.parent_span_id)) {
            span = parent;
            names.push(span.name.clone());
        }
        (names.join(" < "), hex(&span.parent_span_id))
    };
    let paths: Vec<_> = of_first.iter().map(|span| path(span).0).collect();
    for expected in [
        "POST",
        "place_order < POST",
        "payments charge < place_order < POST",
        "parse < place_order < POST",
        "parse < parse < parse < parse < place_order < POST",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{expected} in {paths:?}");
    }
    for span in of_first {
        assert_eq!(path(span).1, "00f067aa0ba902b7", "the caller's span");
    }
    // The next service gets the span of the call as its parent.
    let sent = run.lines.iter().find(|line| line["msg"] == "outbound" && line["trace_id"] == first);
    let sent = sent.expect("an outgoing call")["parent"].as_str().expect("text");
    let call =
        named(&spans, "payments charge").into_iter().find(|span| hex(&span.trace_id) == first);
    let call = hex(&call.expect("a call").span_id);
    assert_eq!(sent, format!("00-{first}-{call}-01"));
}

#[test]
fn an_event_belongs_to_the_span_of_the_active_step() {
    let collector = Collector::start();
    run("otlp", &collector.endpoint(), &[]);
    let received = collector.received();
    let spans: HashMap<_, _> =
        received.spans.iter().map(|(_, span)| (span.span_id.clone(), span.name.as_str())).collect();
    let of = |text: &str| {
        let is_it = |body: &opentelemetry_proto::tonic::logs::v1::LogRecord| {
            format!("{:?}", body.body).contains(text)
        };
        let (_, log) = received.logs.iter().find(|(_, log)| is_it(log)).expect(text);
        spans.get(&log.span_id).copied()
    };
    assert_eq!(of("\"placing\""), Some("place_order"));
    assert_eq!(of("\"charging\""), Some("payments charge"));
    assert_eq!(of("\"deep\""), Some("parse"));
    assert_eq!(of("\"request_started\""), Some("POST"));
    assert_eq!(of("\"outside any request\""), None);
}

#[test]
fn kinds_status_and_conventions() {
    let (_, spans) = exported();
    let kind = |name| named(&spans, name)[0].kind;
    // SpanKind: internal 1, server 2, client 3, consumer 5.
    assert_eq!((kind("POST"), kind("place_order"), kind("payments charge")), (2, 1, 3));
    assert_eq!((kind("rebuild"), kind("consume"), kind("scan")), (1, 5, 1));
    let calls = named(&spans, "payments charge");
    let failed = calls.iter().find(|span| span.status.is_some()).expect("a failed call");
    let status = failed.status.as_ref().expect("a status");
    assert_eq!(status.code, 2);
    assert!(status.message.contains("declined: limit \"quoted\"\nline two"), "{}", status.message);
    assert!(!status.message.contains("hunter2"));
    let expected = [
        ("server.address", "pay.example"),
        ("server.port", "8080"),
        ("http.request.method", "POST"),
        ("url.full", "http://pay.example:8080/charges"),
        ("peer.service", "payments"),
    ];
    for (key, value) in expected {
        assert_eq!(attribute(failed, key).as_deref(), Some(value), "{key}");
    }
    let requests = named(&spans, "POST");
    let statuses: Vec<_> = requests
        .iter()
        .map(|span| (attribute(span, "http.response.status_code"), attribute(span, "error.type")))
        .collect();
    assert!(statuses.contains(&(Some("200".to_owned()), None)), "{statuses:?}");
    assert!(statuses.contains(&(Some("502".to_owned()), Some("502".to_owned()))), "{statuses:?}");
    assert!(statuses.contains(&(None, Some("panicked".to_owned()))), "{statuses:?}");
}

#[test]
fn a_trace_that_the_caller_did_not_sample_has_no_spans_but_log_records() {
    let collector = Collector::start();
    run("otlp", &collector.endpoint(), &[]);
    let received = collector.received();
    let unsampled = "4bf92f3577b34da6a3ce929d0e0e4737";
    assert!(received.spans.iter().all(|(_, span)| hex(&span.trace_id) != unsampled));
    let logs: Vec<_> =
        received.logs.iter().filter(|(_, log)| hex(&log.trace_id) == unsampled).collect();
    assert!(logs.len() >= 3);
    assert!(logs.iter().all(|(_, log)| log.flags == 0));
}

#[test]
fn a_job_inside_a_request_is_linked_to_it() {
    use candor::testing::capture_with;
    use candor::{Config, Otlp};

    let collector = Collector::start();
    let captured =
        capture_with(Config::new().otlp(Otlp::new(collector.endpoint()))).expect("a configuration");
    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    candor::job("outer").traceparent(sent).run(|| candor::job("inner").run(|| ()));
    drop(captured);
    let received = collector.received();
    let span =
        |name: &str| &received.spans.iter().find(|(_, span)| span.name == name).expect(name).1;
    let (outer, inner) = (span("outer"), span("inner"));
    assert_ne!(outer.trace_id, inner.trace_id);
    assert_eq!(
        (&inner.links[0].trace_id, &inner.links[0].span_id),
        (&outer.trace_id, &outer.span_id)
    );
    assert!(outer.links.is_empty());
}

#[test]
fn traces_can_be_exported_alone_and_logs_alone() {
    let collector = Collector::start();
    let traces = run("otlp", &collector.endpoint(), &[("OTEL_LOGS_EXPORTER", "none")]);
    assert_eq!((traces.logs.emitted, collector.received().logs.len()), (0, 0));
    assert_eq!(traces.spans.delivered as usize, collector.received().spans.len());
    assert!(traces.spans.delivered > 10);
    let collector = Collector::start();
    let logs = run("otlp", &collector.endpoint(), &[("OTEL_TRACES_EXPORTER", "none")]);
    assert_eq!((logs.spans.emitted, collector.received().spans.len()), (0, 0));
    assert_eq!(logs.logs.delivered as usize, collector.received().logs.len());
    // Without spans of steps, records belong to the span of their request.
    let received = collector.received();
    assert!(
        received
            .logs
            .iter()
            .all(|(_, log)| { log.attributes.iter().all(|it| it.key != "candor.request.span_id") })
    );
}
