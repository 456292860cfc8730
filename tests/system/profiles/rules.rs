//! The lines of each profile follow the published rules of its platform, and have every field of candor's own line.
//!
//! The rules are in `tests/data/profiles/`, each with its source. `keys.json` has the keys that a platform has names
//! for.

use std::collections::BTreeMap;

use candor_tests::keys;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use serde_json::{Map, json};

use super::*;

type Object = Map<String, Value>;

const KEYS: &str = include_str!("../../data/profiles/keys.json");

/// The name of a profile with JSON lines in `keys.json`, and its rules.
const JSON: [(Profile, &str, &str); 4] = [
    (Profile::Ecs, "ecs", include_str!("../../data/profiles/ecs.json")),
    (Profile::Gcp, "gcp", include_str!("../../data/profiles/gcp.json")),
    (Profile::Datadog, "datadog", include_str!("../../data/profiles/datadog.json")),
    (Profile::Bunyan, "bunyan", include_str!("../../data/profiles/bunyan.json")),
];

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Whether a value follows a rule of the data files.
fn follows(value: &Value, rule: &Value) -> bool {
    if let Some(values) = rule["one_of"].as_array() {
        return values.contains(value);
    }
    if let Some(fields) = rule["fields"].as_object() {
        let Some(object) = value.as_object() else { return false };
        return object
            .iter()
            .all(|(key, value)| fields.get(key).is_some_and(|rule| follows(value, rule)))
            && fields
                .iter()
                .all(|(key, rule)| rule["required"] != json!(true) || object.contains_key(key));
    }
    let text = value.as_str();
    let is_hex = |length| {
        text.is_some_and(|it| it.len() == length && it.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match rule["type"].as_str().expect("a type") {
        "text" => text.is_some(),
        "integer" => value.is_u64() || value.is_i64(),
        "date" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "hex16" => is_hex(16),
        "hex32" => is_hex(32),
        "digits" => text.is_some_and(|text| text.parse::<u64>().is_ok()),
        // A `Duration` of protobuf in JSON.
        "seconds" => text.is_some_and(|text| {
            text.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok())
        }),
        "texts" => value.as_object().is_some_and(|it| it.values().all(Value::is_string)),
        other => panic!("no type {other}"),
    }
}

/// Whether a name is that of the platform, with or without a rule.
fn is_reserved(name: &str, rules: &Value) -> bool {
    let root = name.split('.').next().unwrap_or_default();
    let reserved = rules["reserved"].as_array().is_some_and(|it| it.contains(&json!(root)));
    let prefix = rules["reserved_prefix"].as_str();
    reserved || prefix.is_some_and(|prefix| name.starts_with(prefix))
}

fn check_rules(line: &str, rules: &Value) {
    let names = keys(line);
    let object = parse(line);
    let fields = rules["fields"].as_object().expect("fields");
    for (name, rule) in fields {
        if let Some(index) = rule["index"].as_u64() {
            assert_eq!(&names[usize::try_from(index).expect("small")], name, "{line}");
        }
        if rule["required"] == json!(true) {
            assert!(object.get(name).is_some(), "`{name}` is missing in {line}");
        }
        let Some(value) = object.get(name) else { continue };
        assert!(follows(value, rule), "`{name}` is {value} in {line}");
        for other in rule["needs"].as_array().into_iter().flatten() {
            let other = other.as_str().expect("a name");
            assert!(object.get(other).is_some(), "`{name}` needs `{other}` in {line}");
        }
    }
    for name in names.iter().filter(|name| !fields.contains_key(*name)) {
        if let Some(prefix) = rules["others_begin_with"].as_str() {
            assert!(name.starts_with(prefix), "`{name}` in {line}");
            // Elasticsearch refuses a name with an empty part.
            assert!(!name.split('.').any(|part| part.trim().is_empty()), "`{name}` in {line}");
        }
        assert!(!is_reserved(name, rules) || name.ends_with('_'), "`{name}` in {line}");
    }
}

#[test]
fn every_line_follows_the_rules_of_its_platform() {
    for (profile, _, rules) in JSON {
        let rules = parse(rules);
        for (_, line) in run(profile).pairs() {
            check_harmless(line);
            check_rules(line, &rules);
        }
    }
}

/// No line can forge another one or a terminal sequence.
fn check_harmless(line: &str) {
    assert!(!line.chars().any(|c| c.is_control() || c == '\u{2028}'), "{line}");
}

/// The name that the platform has for a field, the form of its value, and whether the field keeps its own name.
fn target(rows: &Value, event: &str, key: &str, value: &Value) -> Option<(String, String)> {
    let rows = rows.as_array().expect("rows").iter();
    let row = rows
        .filter(|row| row["key"] == json!(key))
        .filter(|row| row["if"].is_null() || row["if"] == json!(event))
        // The row for one event comes first.
        .max_by_key(|row| !row["if"].is_null())?;
    let form = row["form"].as_str().unwrap_or_default();
    let fits = match form {
        "nanoseconds" => value.is_f64(),
        "result" => ["ok", "error", "cancelled", "panicked"].iter().any(|it| *value == json!(it)),
        _ if matches!(key, "seq" | "status" | "response_bytes") => value.is_u64(),
        _ => value.is_string(),
    };
    fits.then(|| (row["to"].as_str().expect("a name").to_owned(), form.to_owned()))
}

fn converted(value: &Value, form: &str) -> Value {
    let text = value.as_str().unwrap_or_default();
    match form {
        "nanoseconds" => {
            let micros = value.as_f64().expect("a number") * 1000.0;
            json!(micros.round() as u64 * 1000)
        }
        "result" => match text {
            "ok" => json!("success"),
            "cancelled" => json!("unknown"),
            _ => json!("failure"),
        },
        "severity" => match text {
            "TRACE" => json!("DEBUG"),
            "WARN" => json!("WARNING"),
            other => json!(other),
        },
        "lower" => json!(text.to_lowercase()),
        "number" => {
            let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"];
            let index = levels.iter().position(|level| *level == text).expect("a level");
            json!(10 * (index + 1))
        }
        "trace" => json!(format!("projects/shop-1/traces/{text}")),
        _ => value.clone(),
    }
}

/// Whether the value stands for a missing one.
fn is_absent(event: &str, key: &str, value: &Value) -> bool {
    let call = ["dependency_method", "url", "status", "error"];
    match key {
        "request_id" | "user_id" | "method" | "path" => *value == json!("-"),
        "status" if event == "request_completed" => value.is_null(),
        _ => event == "dependency_call" && call.contains(&key) && value.is_null(),
    }
}

fn get<'v>(line: &'v Value, path: &str) -> Option<&'v Value> {
    // Only `err/stack` and the like are paths; the names of Google have slashes of their own.
    match path.strip_prefix("err/") {
        Some(part) => line.get("err")?.get(part),
        None => line.get(path),
    }
}

#[test]
fn every_field_arrives_under_the_name_of_the_platform() {
    let table = parse(KEYS);
    for (profile, name, rules) in JSON {
        let rules = parse(rules);
        let lines = run_with(config(profile).resource("cloud.account.id", "shop-1"));
        for (own, line) in lines.pairs() {
            let written = parse(line);
            let event = own["event"].as_str().unwrap_or_default();
            for (key, value) in own.as_object().expect("an object") {
                if is_absent(event, key, value) {
                    continue;
                }
                let known = target(&table[name], event, key, value);
                if let Some((to, form)) = &known {
                    let expected = converted(value, form);
                    assert_eq!(get(&written, to), Some(&expected), "{key} as {to} in {line}");
                }
                // The exact outcome stays, and so do the fields without a name of the platform's.
                if known.is_none() || key == "outcome" {
                    let mut kept = match profile {
                        Profile::Ecs => format!("candor.{key}"),
                        _ => key.clone(),
                    };
                    let fields = rules["fields"].as_object().expect("fields");
                    let plain = kept.trim_end_matches('_');
                    if profile != Profile::Ecs
                        && (fields.contains_key(plain) || is_reserved(plain, &rules))
                    {
                        kept.push('_');
                    }
                    if profile == Profile::Ecs && kept.split('.').any(str::is_empty) {
                        kept = altered(key);
                    }
                    assert_eq!(written.get(&kept), Some(value), "{key} as {kept} in {line}");
                }
            }
        }
    }
}

/// The names that Elasticsearch refuses, as [`hostile`] has them.
fn altered(key: &str) -> String {
    let name = match key {
        "" => "_",
        "." => "__",
        "a..b" => "a__b_",
        other => panic!("{other} is not refused"),
    };
    format!("candor.{name}")
}

#[test]
fn a_completed_request_is_an_http_request_of_cloud_logging() {
    let run = run(Profile::Gcp);
    let ends = run.pairs().filter(|(own, _)| own["event"] == "request_completed");
    let requests: Vec<_> = ends
        .map(|(own, line)| {
            let seconds = own["duration_ms"].as_f64().expect("a number") / 1000.0;
            let request = &parse(line)["httpRequest"];
            assert_eq!(request["latency"], json!(format!("{seconds:.6}s")), "{line}");
            (request["requestUrl"].clone(), request["status"].clone())
        })
        .collect();
    assert_eq!(requests, [(json!("/orders/7"), json!(502)), (json!("/orders/8"), json!(null))]);
}

#[test]
fn a_panic_is_reported_to_error_reporting() {
    let run = run(Profile::Gcp);
    let (_, line) = run.pairs().find(|(own, _)| own["event"] == "panic").expect("a panic");
    let line = parse(line);
    assert!(line["@type"].as_str().is_some_and(|it| it.ends_with("ReportedErrorEvent")));
    assert_eq!(line["serviceContext"], json!({ "service": "orders", "version": "1.4.2" }));
    assert!(line["stack_trace"].as_str().is_some_and(|it| it.contains("profiles.rs")));
}

/// The pairs of a logfmt line, parsed as go-logfmt does.
fn logfmt(line: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c <= ' ' || c == '=' || c == '"').expect("a key");
        let (key, after) = rest.split_at(end);
        assert!(!key.is_empty() && !key.contains('\u{fffd}'), "the key {key:?} in {line}");
        let after = after.strip_prefix('=').unwrap_or_else(|| panic!("no `=` after {key}: {line}"));
        let (value, after) = if after.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(after).into_iter::<String>();
            let value = values.next().expect("a value").expect("a string");
            (value, &after[values.byte_offset()..])
        } else {
            let end = after.find(' ').unwrap_or(after.len());
            let (value, after) = after.split_at(end);
            let is_bare = |c: char| c > ' ' && c != '=' && c != '"' && c != '\u{fffd}';
            assert!(value.chars().all(is_bare), "the value {value:?} in {line}");
            (value.to_owned(), after)
        };
        assert!(after.is_empty() || after.starts_with(' '), "after {key} in {line}");
        rest = after.trim_start_matches(' ');
        assert!(pairs.insert(key.to_owned(), value).is_none(), "`{key}` stands twice in {line}");
    }
    pairs
}

/// The values of a field, with dotted keys.
fn flat(key: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            inner.iter().for_each(|(part, value)| flat(&format!("{key}.{part}"), value, out));
        }
        Value::String(text) => out.push((key.to_owned(), text.clone())),
        other => out.push((key.to_owned(), other.to_string())),
    }
}

#[test]
fn logfmt_is_parsed_back_to_the_same_fields() {
    for (own, line) in run(Profile::Logfmt).pairs() {
        check_harmless(line);
        let pairs = logfmt(line);
        let event = own["event"].as_str().unwrap_or_default();
        let mut count = 0;
        for (key, value) in own.as_object().expect("an object") {
            if is_absent(event, key, value) {
                continue;
            }
            let mut values = Vec::new();
            flat(key, value, &mut values);
            for (key, value) in values {
                count += 1;
                let value = if key == "level" { value.to_lowercase() } else { value };
                let key = match &*key {
                    "of its own" => "of_its_own",
                    "" => "_",
                    "\"=\u{1b}" => "____u001b",
                    other => other,
                };
                let written = pairs.get(key).map(String::as_str);
                let number = |text: &str| text.parse::<f64>().ok();
                let is_same = written == Some(&value)
                    || written.and_then(number).is_some_and(|it| number(&value) == Some(it));
                assert!(is_same, "{key} is {written:?} and not {value:?} in {line}");
            }
        }
        assert_eq!(count, pairs.len(), "{line}");
    }
}

/// A value of OTLP as JSON.
fn any(value: Option<&AnyValue>) -> Value {
    use any_value::Value as Any;
    match value.and_then(|value| value.value.as_ref()) {
        None => Value::Null,
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(bool)) => json!(bool),
        Some(Any::IntValue(int)) => json!(int),
        Some(Any::DoubleValue(double)) => json!(double),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|item| any(Some(item))).collect(),
        Some(Any::KvlistValue(list)) => attributes(&list.values).into(),
        Some(other) => panic!("{other:?}"),
    }
}

fn attributes(pairs: &[KeyValue]) -> Object {
    let mut object = Object::new();
    for pair in pairs {
        let before = object.insert(pair.key.clone(), any(pair.value.as_ref()));
        assert!(before.is_none(), "the attribute {} twice", pair.key);
    }
    object
}

#[test]
fn otlp_lines_are_decoded_by_opentelemetrys_own_types() {
    for (own, line) in run(Profile::Otel).pairs() {
        check_harmless(line);
        let request: ExportLogsServiceRequest = serde_json::from_str(line).expect("OTLP");
        let [resource_logs] = &request.resource_logs[..] else { panic!("{line}") };
        let resource = attributes(&resource_logs.resource.as_ref().expect("a resource").attributes);
        assert_eq!(resource["service.name"], "orders");
        assert_eq!(resource["service.version"], "1.4.2");
        let [scope] = &resource_logs.scope_logs[..] else { panic!("{line}") };
        assert_eq!(scope.scope.as_ref().expect("a scope").name, own["logger"].as_str().unwrap());
        let [record] = &scope.log_records[..] else { panic!("{line}") };
        assert_eq!(record.severity_text, own["level"].as_str().unwrap());
        assert_eq!(any(record.body.as_ref()), own["msg"]);
        assert_eq!(record.event_name, own["event"].as_str().unwrap_or_default());
        let ts: jiff::Timestamp = own["ts"].as_str().unwrap().parse().expect("a time");
        assert_eq!(i128::from(record.time_unix_nano), ts.as_nanosecond());
        let trace = record.trace_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(trace, own.get("trace_id").map_or("", |id| id.as_str().unwrap()));
        let values: Vec<Value> =
            attributes(&record.attributes).into_iter().map(|(_, it)| it).collect();
        let fixed = ["ts", "level", "logger", "msg", "service", "trace_id", "span_id", "event"];
        for (key, value) in own.as_object().expect("an object") {
            if fixed.contains(&key.as_str()) || *value == json!("-") || value.is_null() {
                continue;
            }
            assert!(values.contains(value), "{key} in {line}");
        }
    }
}

#[test]
fn no_profile_shows_a_secret() {
    for profile in PROFILES {
        let run = run(profile);
        for line in &run.written {
            for secret in SECRETS {
                assert!(!line.contains(secret), "{secret} in {line}");
            }
        }
        // What is harmless is there, so the run has logged.
        assert!(run.written.iter().any(|line| line.contains("green tea")));
    }
}

#[test]
fn a_profiles_lines_keep_the_limit() {
    #[step_timed(fields(note = clear(note), order))]
    fn long(note: &str, order: &Order) {}

    for profile in PROFILES {
        for limit in [1024, 4000, 16_000] {
            let config = config(profile).line_limit(limit).value_limit(20_000);
            let captured = capture_with(config).expect("a configuration");
            let context = RequestContext::with_id("r-1");
            context.enter_with(|| {
                for length in [limit / 2, limit - 500, limit, 3 * limit] {
                    long(&"n\"".repeat(length / 2), &order());
                    let items: Vec<u32> = (0..u32::try_from(length / 4).expect("small")).collect();
                    candor::info!(items = items, "many");
                    (0..length / 60).for_each(|n| context::set(&format!("name_{n}"), n as u64));
                    candor::info!("many fields");
                }
            });
            for line in captured.output().lines() {
                assert!(line.len() < limit, "{profile:?} {limit}: {} bytes {line}", line.len());
                if profile == Profile::Logfmt {
                    logfmt(line);
                } else {
                    keys(line);
                }
            }
            assert!(captured.output().contains("truncated"), "{profile:?} {limit}");
        }
    }
}
