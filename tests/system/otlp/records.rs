//! A log record has the content of its line, field by field.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Value, json};

use super::collector::{Collector, header};
use super::run;

/// candor's keys and the names of their attributes, as in `docs/opentelemetry.md`. A `dependency_call` has other names for
/// the method and path of its request.
const NAMES: [(&str, &str); 14] = [
    ("user_id", "user.id"),
    ("method", "http.request.method"),
    ("path", "url.path"),
    ("dependency", "peer.service"),
    ("dependency_method", "http.request.method"),
    ("url", "url.full"),
    ("status", "http.response.status_code"),
    ("grpc_status", "rpc.grpc.status_code"),
    ("route", "http.route"),
    ("response_bytes", "http.response.body.size"),
    ("error", "error.type"),
    ("error_type", "exception.type"),
    ("error_detail", "exception.message"),
    ("exc", "exception.stacktrace"),
];

/// Attributes that a line does not have: derived by the semantic conventions, or added by the export.
const DERIVED: [&str; 7] = [
    "server.address",
    "server.port",
    "db.system.name",
    "db.operation.name",
    "rpc.system",
    "candor.request.span_id",
    "log.record.original",
];

fn plain(value: &AnyValue) -> Value {
    match value.value.as_ref() {
        None => Value::Null,
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::BoolValue(bool)) => json!(bool),
        Some(any_value::Value::IntValue(int)) => json!(int),
        Some(any_value::Value::DoubleValue(double)) => json!(double),
        Some(any_value::Value::ArrayValue(list)) => list.values.iter().map(plain).collect(),
        Some(any_value::Value::KvlistValue(list)) => Value::Object(members(&list.values)),
        Some(other) => panic!("{other:?}"),
    }
}

pub(super) fn members(pairs: &[KeyValue]) -> Map<String, Value> {
    let mut members = Map::new();
    for pair in pairs {
        let value = plain(pair.value.as_ref().expect("a value"));
        assert!(members.insert(pair.key.clone(), value).is_none(), "{} is there twice", pair.key);
    }
    members
}

/// The value as the record has it: without nulls, and integers that 64 bits can't hold as text.
fn expected(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.as_i64().is_none() && !number.is_f64() => {
            json!(number.to_string())
        }
        Value::Array(items) => items.iter().map(expected).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), expected(value))).collect()
        }
        other => other.clone(),
    }
}

fn name(line: &Value, key: &str) -> String {
    let is_call = line["event"] == "dependency_call";
    let has_class = line.get("error_type").is_some() || line["event"] != Value::Null;
    match key {
        "method" | "path" if is_call => format!("candor.request.{key}"),
        "error" if !has_class => key.to_owned(),
        "status" | "grpc_status" | "route" | "response_bytes" | "url" | "dependency"
            if !matches!(line["event"].as_str(), Some("dependency_call" | "request_completed")) =>
        {
            key.to_owned()
        }
        _ => NAMES.iter().find(|(own, _)| *own == key).map_or(key, |(_, name)| name).to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_same(line: &Value, scope: &str, log: &LogRecord) {
    let line_members = line.as_object().expect("an object");
    let mut attributes = members(&log.attributes);
    let time: jiff::Timestamp = line["ts"].as_str().expect("ts").parse().expect("a time");
    let nanos = u64::try_from(time.as_nanosecond()).expect("after 1970");
    assert_eq!((log.time_unix_nano, log.observed_time_unix_nano), (nanos, nanos));
    let numbers =
        [("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17), ("CRITICAL", 21)];
    let number = numbers.into_iter().find(|(name, _)| *name == line["level"]).expect("a level").1;
    assert_eq!(
        (log.severity_number, log.severity_text.as_str()),
        (number, line["level"].as_str().expect("text"))
    );
    assert_eq!(scope, line["logger"].as_str().expect("text"));
    assert_eq!(plain(log.body.as_ref().expect("a body")), line["msg"]);
    assert_eq!(log.event_name, line["event"].as_str().unwrap_or_default());
    assert_eq!(hex(&log.trace_id), line["trace_id"].as_str().unwrap_or_default());
    let request_span = attributes.get("candor.request.span_id").cloned();
    let span = hex(&log.span_id);
    match request_span {
        Some(request) => {
            assert_eq!(request, line["span_id"]);
            assert_ne!(line["span_id"], span.as_str());
        }
        None => assert_eq!(span, line["span_id"].as_str().unwrap_or_default()),
    }
    for (key, value) in line_members {
        let is_elsewhere = matches!(
            key.as_str(),
            "ts" | "level" | "logger" | "msg" | "event" | "trace_id" | "span_id" | "service"
        );
        let is_missing = value.is_null()
            || (*value == "-"
                && matches!(key.as_str(), "request_id" | "user_id" | "method" | "path"));
        if is_elsewhere || is_missing {
            continue;
        }
        let name = name(line, key);
        // A field of the service with the name of an attribute has an underscore.
        let own = [format!("{name}_"), name.clone()];
        let found = own.iter().find(|own| attributes.get(*own) == Some(&expected(value)));
        let found = found.and_then(|own| attributes.remove(own));
        assert_eq!(found, Some(expected(value)), "{key} as {name} in {line}");
    }
    for name in attributes.keys() {
        let is_known =
            DERIVED.contains(&name.as_str()) || (name == "error.type" && line["outcome"] != "ok");
        assert!(is_known, "{name} in the record of {line}");
    }
}

fn assert_all_same(run: &super::Run, collector: &Collector) {
    let received = collector.received();
    let key = |line: &Value| {
        (
            line["request_id"].to_string(),
            line["seq"].as_u64(),
            line["msg"].to_string(),
            line["ts"].to_string(),
        )
    };
    let mut lines: Vec<&Value> = run.lines.iter().collect();
    lines.sort_by_key(|line| key(line));
    let mut logs: Vec<_> = received
        .logs
        .iter()
        .map(|(scope, log)| {
            let attributes = members(&log.attributes);
            let id = attributes.get("request_id").cloned().unwrap_or(json!("-"));
            let nanos = i128::from(log.time_unix_nano);
            let ts = format!("{:.6}", jiff::Timestamp::from_nanosecond(nanos).expect("a time"));
            let body = plain(log.body.as_ref().expect("a body"));
            let key = (
                id.to_string(),
                attributes.get("seq").and_then(Value::as_u64),
                body.to_string(),
                json!(ts).to_string(),
            );
            (key, scope.name.as_str(), log)
        })
        .collect();
    logs.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(lines.len(), logs.len());
    assert!(lines.len() > 35, "{} lines", lines.len());
    for (line, (_, scope, log)) in lines.iter().zip(logs) {
        assert_same(line, scope, log);
    }
}

#[test]
fn every_record_has_the_content_of_its_line() {
    for (protocol, compression) in
        [("http/protobuf", "none"), ("http/protobuf", "gzip"), ("http/json", "none")]
    {
        let collector = Collector::start();
        let env = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ];
        let run = run("otlp", &collector.endpoint(), &env);
        assert_eq!(run.logs.delivered, run.lines.len() as u64);
        assert_all_same(&run, &collector);
        let received = collector.received();
        let encoding = received.headers.iter().map(|it| header(it, "content-encoding")).next();
        assert_eq!(encoding == Some("gzip"), compression == "gzip");
    }
}

#[test]
fn a_record_has_the_whole_line_if_asked_for() {
    let collector = Collector::start();
    let run = run("otlp", &collector.endpoint(), &[("LOG_OTLP_ORIGINAL", "1")]);
    assert_all_same(&run, &collector);
    let mut originals: Vec<String> = collector
        .received()
        .logs
        .iter()
        .map(|(_, log)| {
            members(&log.attributes)["log.record.original"].as_str().expect("text").to_owned()
        })
        .collect();
    let mut raw = run.raw.clone();
    originals.sort();
    raw.sort();
    assert_eq!(originals, raw);
}

#[test]
fn renamed_keys_do_not_change_the_records() {
    let collector = Collector::start();
    let run =
        run("otlp", &collector.endpoint(), &[("LOG_KEYS", "ts=time,level=status,msg=message")]);
    let received = collector.received();
    assert_eq!(run.logs.delivered as usize, received.logs.len());
    let completed: Vec<_> =
        received.logs.iter().filter(|(_, log)| log.event_name == "request_completed").collect();
    assert_eq!(completed.len(), 4);
    for (_, log) in completed {
        let attributes = members(&log.attributes);
        assert!(
            attributes.get("http.response.status_code").is_none_or(Value::is_i64),
            "{attributes:?}"
        );
        assert!(!attributes.contains_key("status_") && !attributes.contains_key("status"));
        assert!(matches!(log.severity_text.as_str(), "INFO" | "ERROR"), "{}", log.severity_text);
    }
}

#[test]
fn the_resource_describes_the_service_and_is_redacted() {
    let collector = Collector::start();
    let attributes =
        "service.version=1.4.2,deployment.environment.name=prod,api_key=s3cr3t,team=a%2Cb";
    run("otlp", &collector.endpoint(), &[("OTEL_RESOURCE_ATTRIBUTES", attributes)]);
    let received = collector.received();
    let resource = members(&received.resources[0].attributes);
    let expected = json!({
        "service.name": "shop",
        "service.version": "1.4.2",
        "deployment.environment.name": "prod",
        "api_key": "[REDACTED]",
        "team": "a,b",
    });
    assert_eq!(Value::Object(resource), expected);
}

#[test]
fn headers_of_a_signal_replace_those_of_all() {
    let collector = Collector::start();
    let env = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop%20a,authorization=Bearer%20t0ken"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-tenant=traces"),
    ];
    let run = run("otlp", &collector.endpoint(), &env);
    let received = collector.received();
    let sent: BTreeMap<_, _> = received
        .headers
        .iter()
        .map(|headers| (header(headers, "x-tenant"), header(headers, "authorization")))
        .collect();
    assert_eq!(sent, BTreeMap::from([("shop a", "Bearer t0ken"), ("traces", "")]));
    assert!(!run.stderr.contains("t0ken"));
}
