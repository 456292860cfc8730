//! `candor schema`: the keys of the lines, for other programs.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::programs::{self, root};

/// The examples' own fields.
const FIELDS: [&str; 7] =
    ["basket", "customer", "order", "order_id", "quantity", "reserved", "sku"];

fn schema(args: &[&str]) -> String {
    let said = candor(&[&["schema"], args].concat(), b"");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{args:?}");
    said.out
}

/// The table of keys, from the JSON Schema: type and events.
fn keys() -> BTreeMap<String, (Vec<String>, String)> {
    let schema: Value = serde_json::from_str(&schema(&["json-schema"])).expect("JSON");
    let properties = schema["properties"].as_object().expect("properties");
    let key = |(name, property): (&String, &Value)| {
        let kinds = match &property["type"] {
            Value::String(kind) => vec![kind.clone()],
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => vec![],
        };
        let help = property["description"].as_str().expect("a description");
        let on = help.rsplit("On: ").next().expect("lines").to_owned();
        (name.clone(), (kinds, on))
    };
    properties.iter().map(key).collect()
}

fn events() -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(&schema(&["json-schema"])).expect("JSON");
    let names = schema["properties"]["event"]["examples"].as_array().expect("events");
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn the_reference_is_the_page_in_the_docs() {
    let page = std::fs::read_to_string(root().join("docs/line-reference.md")).expect("the page");
    assert!(
        page == schema(&["markdown"]),
        "docs/line-reference.md is stale; run `cargo run -p candor-cli -- schema markdown >docs/line-reference.md`"
    );
}

/// Checks the types of the keys in all lines of an output, and the events that have them. Returns the number of lines,
/// and the keys that the table lacks.
fn check(output: &Output) -> (usize, BTreeSet<String>) {
    let (keys, events) = (keys(), events());
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut unknown = BTreeSet::new();
    let mut count = 0;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines.filter(|line| line.get("ts").is_some()) {
        count += 1;
        let event = line["event"].as_str().unwrap_or_default();
        assert!(event.is_empty() || events.contains(event), "{line}");
        for (key, value) in line.as_object().expect("a line") {
            let Some((kinds, on)) = keys.get(key) else {
                unknown.insert(key.clone());
                continue;
            };
            let kind = match value {
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
                Value::Number(number) if number.is_u64() => "integer",
                Value::Number(_) => "number",
            };
            let fits = |known: &String| known == kind || known == "number" && kind == "integer";
            // A line without an event may have a field of that name.
            let is_own = !event.is_empty() || on == "every line.";
            assert!(
                !is_own || kinds.is_empty() || kinds.iter().any(fits),
                "{key} is {kinds:?}: {line}"
            );
            let is_there =
                on == "some lines." || on == "every line." || on.contains(&format!("`{event}`"));
            assert!(!is_own || is_there, "{key} is on {on} {line}");
        }
    }
    (count, unknown)
}

#[test]
fn every_line_of_the_examples_has_the_keys_of_the_reference() {
    let mut unknown = BTreeSet::new();
    for example in ["quickstart", "dependency", "orders"] {
        let output = programs::run(example, &[("LOG_FORMAT", "json"), ("LOG_LEVEL", "debug")]);
        let (count, more) = check(&output);
        assert!(count > 3, "{example} wrote {count} lines");
        unknown.extend(more);
    }
    let fields: BTreeSet<String> = FIELDS.map(str::to_owned).into();
    assert_eq!(unknown, fields, "keys of candor's own, or fields of the examples");
}

#[test]
fn every_line_of_the_fixture_has_the_types_of_the_reference() {
    for (program, least) in [("hostile", 20), ("error_only", 70), ("audit", 3), ("elsewhere", 50)] {
        let mut fixture = Command::new(env!("CARGO_BIN_EXE_fixture"));
        fixture.arg(program).env("LOG_FORMAT", "json").env("LOG_LEVEL", "debug");
        let (count, _) = check(&fixture.output().expect("the fixture runs"));
        assert!(count >= least, "{program} wrote {count} lines");
    }
}

/// The source of the library, without its tests.
fn sources() -> Vec<String> {
    fn add(folder: &Path, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).expect("a source");
                into.push(source.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
            }
        }
    }
    let mut sources = Vec::new();
    add(&root().join("runtime/src"), &mut sources);
    sources
}

#[test]
fn every_event_of_the_library_is_in_the_reference_with_its_keys() {
    let (keys, known) = (keys(), events());
    let mut found = BTreeSet::new();
    for source in sources() {
        // `STARTED = "job_started" DEBUG "jobs" [job];`
        for sites in source.split("event_sites! {").skip(1) {
            let sites = sites.split("\n}").next().expect("an end");
            for site in sites.split(';') {
                let Some((_, site)) = site.rsplit_once(" = \"") else { continue };
                let event = site.split('"').next().expect("a name");
                found.insert(event.to_owned());
                let fields = site.split(['[', ']']).nth(1).expect("fields");
                for field in fields.split_whitespace() {
                    let (_, on) = keys.get(field).unwrap_or_else(|| panic!("{field} of {event}"));
                    let is_there = on.contains(&format!("`{event}`")) || on == "some lines.";
                    assert!(is_there, "{field} of {event} is on {on}");
                }
            }
        }
        for (before, after) in [
            ("members::text(out, \"event\", \"", "\""),
            ("text(out, limit, \"event\", \"", "\""),
            ("notice_with(Severity::Info, \"", "\""),
            ("notice_with(Severity::Warn, \"", "\""),
            ("notice_always(Severity::Info, \"", "\""),
            ("notice_always(Severity::Warn, \"", "\""),
            ("\"event\\\":\\\"", "\\"),
            ("event: \"", "\""),
        ] {
            for rest in source.split(before).skip(1) {
                found.insert(rest.split(after).next().expect("a name").to_owned());
            }
        }
        // `logger.notice(Severity::Warn, "lines_filtered", &help)`, on one row or several.
        let calls = source.split(".notice(").skip(1).chain(source.split("at_call_site(").skip(1));
        for call in calls {
            let names = call.split('"').skip(1).take(1);
            let is_name =
                |name: &&str| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
            found
                .extend(names.filter(is_name).filter(|name| name.contains('_')).map(str::to_owned));
        }
    }
    let found: BTreeSet<String> = found.into_iter().filter(|name| !name.is_empty()).collect();
    let lacking: Vec<_> = found.difference(&known).collect();
    assert!(lacking.is_empty(), "events that the reference lacks: {lacking:?}");
    let invented: Vec<_> = known.difference(&found).collect();
    assert!(invented.is_empty(), "events that the library does not write: {invented:?}");
}

#[test]
fn the_tables_of_clickhouse_have_the_columns_that_the_command_reads() {
    let local = schema(&["clickhouse"]);
    for column in [
        "line String,",
        "ts DateTime ",
        "request_id String ",
        "trace_id String ",
        "span_id String ",
        "event String ",
    ] {
        for ddl in [&local, &schema(&["clickhouse", "--otel"])] {
            assert!(
                ddl.contains(&format!("\n    {column}")) || column == "line String,",
                "{column}: {ddl}"
            );
        }
    }
    assert!(local.contains("create table if not exists default.candor\n"), "{local}");
    // Both would break an insert: one on old servers, one through a Distributed table.
    assert!(!local.contains("DateTime64") && !local.contains("materialized"), "{local}");
    let cluster = schema(&["clickhouse", "--table", "logs", "--cluster", "two"]);
    let wanted = "create table if not exists default.logs_all as default.logs\n\
                  engine = Distributed(two, default, logs, cityHash64(request_id));\n";
    assert!(cluster.ends_with(wanted), "{cluster}");
    let otel = schema(&["clickhouse", "--otel", "--cluster", "two"]);
    assert!(
        otel.contains("create table if not exists default.otel_logs as default.otel_logs_shard\n"),
        "{otel}"
    );
    // A name and not `currentDatabase()`, which old servers evaluate again at each start.
    let named = schema(&["clickhouse", "--otel", "--cluster", "two", "--database", "logs"]);
    assert!(named.contains("create table if not exists logs.otel_logs_shard\n"), "{named}");
    assert!(named.contains("Distributed(two, logs, otel_logs_shard,"), "{named}");
    for name in ["a b", "a`b", "1a", "", "a;b"] {
        let said = candor(&["schema", "clickhouse", "--table", name], b"");
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{name}");
    }
}

#[test]
fn schemas_are_made_of_the_same_keys() {
    let keys = keys();
    let template: Value = serde_json::from_str(&schema(&["elastic"])).expect("JSON");
    let mapped = template["template"]["mappings"]["properties"].as_object().expect("properties");
    assert!(mapped.keys().eq(keys.keys()));
    assert_eq!(mapped["ts"]["type"], "date_nanos");
    assert_eq!(mapped["duration_ms"]["type"], "double");
    let view = schema(&["duckdb", "it's.log"]);
    assert!(view.contains("'it''s.log'"), "{view}");
    for key in keys.keys() {
        assert!(view.contains(&format!("\"{key}\": '")), "{key}: {view}");
    }
    let schema: Value = serde_json::from_str(&schema(&["json-schema"])).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let required = schema["required"].as_array().expect("a list");
    for key in ["ts", "level", "logger", "msg", "request_id", "user_id", "method", "path"] {
        assert!(required.iter().any(|name| name == key), "{key}");
    }
}
