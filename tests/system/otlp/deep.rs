//! Values that are nested very deep are records that decoders accept.

use serde_json::{Map, Value};

use super::collector::Collector;
use super::records::members;
use crate::faults;

/// The depth at which a value becomes JSON text.
const DEEPEST: usize = 16;

/// The number of JSON texts in an attribute of a record, which a decoder with a limit of 127 levels accepts.
fn json_texts(value: &Value, depth: usize) -> usize {
    match value {
        Value::String(text) if depth == DEEPEST && text.starts_with(['[', '{']) => {
            let _: Value = serde_json::from_str(text).expect("JSON");
            1
        }
        Value::Array(items) => items.iter().map(|item| json_texts(item, depth + 1)).sum(),
        Value::Object(members) => members.values().map(|item| json_texts(item, depth + 1)).sum(),
        _ => {
            assert!(depth <= DEEPEST, "{value}");
            0
        }
    }
}

/// Values of 120 and of 100,000 levels.
#[test]
fn a_value_that_is_nested_very_deep_is_a_record_that_decoders_accept() {
    for (protocol, original) in [("http/protobuf", "0"), ("http/json", "0"), ("http/json", "1")] {
        let collector = Collector::start();
        let endpoint = collector.endpoint();
        let env = [
            ("LOG_FORMAT", "json"),
            ("LOG_OTLP_ORIGINAL", original),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "100000"),
        ];
        let ended = faults::run(&mut faults::program("values", "depth-few", &env));
        let is_done = ended.status.success() && ended.stderr.contains("survived\n");
        assert!(is_done, "{}: {}", ended.status, ended.stderr);

        let mut lines: Vec<Value> =
            ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let received = collector.received();
        // A record that can't be decoded would be missing.
        assert_eq!(received.logs.len(), lines.len(), "{}", ended.stderr);
        let records: Vec<_> =
            received.logs.iter().map(|(_, log)| members(&log.attributes)).collect();
        let texts: usize = records.iter().flat_map(Map::values).map(|it| json_texts(it, 0)).sum();
        assert!(texts > 100, "{texts} values are deep");
        if original == "1" {
            // Records arrive in another order.
            let original = |record: &Map<String, Value>| {
                let text = record["log.record.original"].as_str().expect("a line");
                serde_json::from_str(text).expect("JSON")
            };
            let mut originals: Vec<Value> = records.iter().map(original).collect();
            lines.sort_by_key(Value::to_string);
            originals.sort_by_key(Value::to_string);
            assert_eq!(originals, lines);
        }
    }
}
