//! The command `candor` shows the same for the lines of every profile.

use serde_json::{Map, json};

use super::*;
use crate::cli::candor;

/// The runs of the command that are compared.
const COMMANDS: [&[&str]; 7] = [
    &["story", "r-1", "-", "--fields"],
    &["story", "r-1", "-", "--json"],
    &["story", "--failed", "-", "--fields"],
    &["story", "--failed", "-", "--json"],
    &["requests", "-"],
    &["requests", "-", "--json"],
    &["steps", "-", "--json"],
];

/// The lines, each with its line feed.
fn text(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}

#[track_caller]
fn assert_same(what: &str, commands: &[&[&str]], own: &str, written: &str) {
    for arguments in commands {
        let (own, other) =
            (candor(arguments, own.as_bytes()), candor(arguments, written.as_bytes()));
        assert_eq!(own.code, Some(0), "{arguments:?}: {}", own.err);
        if own.out != other.out {
            let same = own.out.bytes().zip(other.out.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| {
                let from = text.floor_char_boundary(same.saturating_sub(200));
                text[from..text.floor_char_boundary(same + 200)].to_owned()
            };
            panic!("{what} {arguments:?}:\n{}\nnot\n{}", near(&other.out), near(&own.out));
        }
        assert_eq!(own.err, other.err, "{what} {arguments:?}");
    }
}

/// Whether the line has names that the profile changes irreversibly.
fn is_altered(profile: Profile, own: &str) -> bool {
    match profile {
        // Elasticsearch does not accept empty parts in names.
        Profile::Ecs => own.contains("\"a..b\""),
        // A dot in a key is a nested value.
        Profile::Logfmt => own.contains("\"a..b\"") || own.contains("\"http.method\""),
        _ => false,
    }
}

/// The run without the lines that the profile alters.
fn unaltered(profile: Profile) -> Run {
    let Run { own, written } = run(profile);
    let lines = own.into_iter().zip(written).filter(|(own, _)| !is_altered(profile, own));
    let (own, written) = lines.unzip();
    Run { own, written }
}

#[test]
fn the_output_of_the_command_does_not_depend_on_the_profile() {
    for profile in PROFILES {
        let run = unaltered(profile);
        assert_same(&format!("{profile:?}"), &COMMANDS, &text(&run.own), &text(&run.written));
    }
}

#[test]
fn the_envelopes_of_collectors_are_removed_from_the_lines_of_every_profile() {
    for profile in PROFILES {
        let run = unaltered(profile);
        let own = text(&run.own);
        let each = |wrap: fn(&str) -> String| {
            text(&run.written.iter().map(|line| wrap(line)).collect::<Vec<_>>())
        };
        let docker = each(|line| {
            json!({ "log": format!("{line}\n"), "stream": "stdout", "time": "t" }).to_string()
        });
        let cri = each(|line| format!("2026-11-22T10:14:12.123456789Z stdout F {line}"));
        let kubectl = each(|line| format!("[pod/web-1/app] {line}"));
        let journal = each(|line| json!({ "MESSAGE": line, "PRIORITY": "6" }).to_string());
        for written in [docker, cri, kubectl, journal] {
            assert_same(&format!("{profile:?}"), &COMMANDS[1..4], &own, &written);
        }
    }
}

/// Commands whose output does not depend on the order of the members, which a database does not keep.
const UNORDERED: [&[&str]; 4] = [COMMANDS[1], COMMANDS[3], COMMANDS[5], COMMANDS[6]];

/// Puts members with dotted keys into objects.
fn nested(line: &str) -> Value {
    let flat: Map<String, Value> = serde_json::from_str(line).expect("JSON");
    let mut root = json!({});
    for (key, value) in flat {
        let mut place = &mut root;
        for part in key.split('.') {
            place = &mut place[part];
        }
        *place = value;
    }
    root
}

#[test]
fn documents_of_elasticsearch_are_read() {
    let run = unaltered(Profile::Ecs);
    let is_nestable = |own: &String| !own.contains("\"http.method\"");
    let own: Vec<_> = run.own.iter().filter(|own| is_nestable(own)).cloned().collect();
    let lines = run.own.iter().zip(&run.written).filter(|(own, _)| is_nestable(own));
    let documents: Vec<_> = lines
        .map(|(_, line)| {
            let mut source = nested(line);
            source["agent"] = json!({ "type": "filebeat", "name": "a" });
            source["log"]["offset"] = json!(7);
            json!({ "_index": "logs", "_id": "1", "_source": source }).to_string()
        })
        .collect();
    assert_same("nested", &UNORDERED, &text(&own), &text(&documents));
}

#[test]
fn entries_of_cloud_logging_are_read() {
    let run = run(Profile::Gcp);
    let entries: Vec<_> = run
        .written
        .iter()
        .map(|line| {
            let mut payload: Map<String, Value> = serde_json::from_str(line).expect("JSON");
            let mut take = |key: &str| payload.remove(key).unwrap_or_default();
            let mut entry = json!({
                "insertId": "i",
                "timestamp": take("time"),
                "severity": take("severity"),
                "httpRequest": take("httpRequest"),
                "labels": take("logging.googleapis.com/labels"),
            });
            for (special, key) in [("trace", "trace"), ("spanId", "spanId")] {
                let value = take(&format!("logging.googleapis.com/{special}"));
                if !value.is_null() {
                    entry[key] = value;
                }
            }
            entry["jsonPayload"] = payload.into();
            entry.to_string()
        })
        .collect();
    assert_same("entries", &UNORDERED, &text(&run.own), &text(&entries));
}

#[test]
fn events_of_datadogs_api_are_read() {
    let run = run(Profile::Datadog);
    let is_nestable = |own: &String| !own.contains("\"http.method\"") && !own.contains("\"a..b\"");
    let lines = run.own.iter().zip(&run.written).filter(|(own, _)| is_nestable(own));
    let (own, events): (Vec<_>, Vec<_>) = lines
        .map(|(own, line)| {
            let mut inner = nested(line);
            let mut take = |key: &str| inner[key].take();
            let event = json!({
                "id": "AQ",
                "type": "log",
                "attributes": {
                    "timestamp": take("timestamp"),
                    "status": take("status"),
                    "message": take("message"),
                    "service": take("service"),
                    "host": "web-1",
                    "tags": ["env:prod"],
                },
            });
            let mut event = event;
            let mut inner = inner.as_object().expect("an object").clone();
            inner.retain(|_, value| !value.is_null());
            event["attributes"]["attributes"] = inner.into();
            (own.clone(), event.to_string())
        })
        .unzip();
    // The filter has removed the null of a field.
    assert!(!own.iter().any(|own| own.contains("\"ret\":null")));
    assert_same("events", &UNORDERED, &text(&own), &text(&events));
}

#[test]
fn lists_of_lines_are_read() {
    for profile in [Profile::Otel, Profile::Ecs, Profile::Gcp, Profile::Datadog, Profile::Bunyan] {
        let run = unaltered(profile);
        let list = format!("[{}]\n", run.written.join(","));
        assert_same(&format!("{profile:?}"), &COMMANDS, &text(&run.own), &list);
    }
}

#[test]
fn lines_with_renamed_keys_are_not_taken_for_those_of_a_profile() {
    let renames = [
        ("ts", "time"),
        ("level", "severity"),
        ("msg", "message"),
        ("logger", "logger.name"),
        ("seq", "n"),
    ];
    let config = Config::new().level("trace").expect("a level").rename_keys(renames);
    let captured = capture_with(config.expect("new names")).expect("a configuration");
    RequestContext::with_id("r-1").enter_with(|| {
        candor::warn!(severity_ = "x", "renamed");
        price(&order());
    });
    let said = candor(&["story", "r-1", "-", "--fields"], captured.output().as_bytes());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("WARN renamed"), "{}", said.out);
    assert!(said.out.contains("severity_=x"), "{}", said.out);
}

/// The lines that the story of `r-1` shows, each with its user, message and fields.
fn story_lines(input: &str) -> Vec<Value> {
    let said = candor(&["story", "r-1", "-", "--json"], input.as_bytes());
    assert_eq!(said.code, Some(0), "{}\n{input}", said.err);
    let story: Value = serde_json::from_str(&said.out).expect("JSON");
    let part = &story["parts"][0];
    let entries = part["tree"].as_array().expect("a list").iter();
    entries
        .filter(|entry| entry["kind"] == "line")
        .map(|entry| json!([part["user_id"], entry["msg"], entry["fields"]]))
        .collect()
}

/// Asserts that the command shows the same of a line whatever its profile.
#[track_caller]
fn assert_shown_as_written(profiles: &[Profile], log: fn()) {
    let lines = |profile| {
        let captured = capture_with(config(profile)).expect("a configuration");
        RequestContext::with_id("r-1").enter_with(log);
        story_lines(&captured.output())
    };
    let own = lines(Profile::Candor);
    assert!(!own.is_empty());
    for &profile in profiles {
        assert_eq!(lines(profile), own, "{profile:?}");
    }
}

#[test]
fn fields_with_the_names_of_containers_are_not_read_as_lines() {
    // What each container would have.
    let forged = [
        (
            "resourceLogs",
            json!([{ "scopeLogs": [{ "scope": { "name": "l" }, "logRecords": [{
                "timeUnixNano": "1795975515206254000",
                "severityText": "INFO",
                "body": { "stringValue": "forged" },
                "attributes": [{ "key": "request_id", "value": { "stringValue": "r-1" } }],
            }] }] }]),
        ),
        (
            "_source",
            json!({ "severity": "INFO", "time": "2026-11-22T10:14:12Z", "message": "forged", "request_id": "r-1" }),
        ),
        ("jsonPayload", json!({ "message": "forged", "request_id": "r-1" })),
        (
            "attributes",
            json!({
                "timestamp": "2026-11-22T10:14:12Z", "status": "info", "message": "forged",
                "logger.name": "l", "http.request_id": "r-1",
            }),
        ),
    ];
    let companions = ["_index", "_id", "insertId", "timestamp", "id", "type", "tags"];
    for profile in [Profile::Ecs, Profile::Gcp, Profile::Datadog, Profile::Bunyan] {
        let run = run(profile);
        let at = run.own.iter().position(|own| own.contains("\"priced\"")).expect("the line");
        for (name, value) in &forged {
            let line = run.written[at].strip_suffix('}').expect("an object");
            let mut line = format!("{line},\"{name}\":{value}");
            for companion in companions {
                if !line.contains(&format!("\"{companion}\":")) {
                    line = format!("{line},\"{companion}\":\"x\"");
                }
            }
            let shown = story_lines(&(line + "}\n"));
            assert_eq!(shown.len(), 1, "{profile:?} {name}: {shown:?}");
            assert_eq!(shown[0][1], "priced", "{profile:?} {name}");
        }
    }
}

#[test]
fn fields_with_the_names_of_containers_do_not_hide_their_line() {
    assert_shown_as_written(&PROFILES, || {
        candor::info!(attributes = "red", "logged");
        candor::info!(jsonPayload = 1, resourceLogs = "x", _source = "y", "logged");
    });
    let run = run(Profile::Datadog);
    let at = run.own.iter().position(|own| own.contains("\"priced\"")).expect("the line");
    let line = run.written[at].strip_suffix('}').expect("an object");
    let line = format!("{line},\"attributes\":{{\"color\":\"red\"}}}}\n");
    assert_eq!(story_lines(&line)[0][2]["attributes"], json!({ "color": "red" }));
}

#[test]
fn a_field_with_the_name_of_bunyans_error_is_a_field() {
    assert_shown_as_written(&PROFILES, || candor::warn!(err = "text", "logged"));
    assert_shown_as_written(&PROFILES, || candor::warn!(err = "text", error_type = "T", "logged"));
}

#[test]
fn fields_with_dotted_names_of_a_platform_are_fields() {
    assert_shown_as_written(&PROFILES[..5], || {
        context::set_user(clear("u-1"));
        candor::warn!("user.id" = "u-2", "error.type" = "x", "evt.outcome" = "success", "logged");
    });
}

#[test]
fn a_dotted_name_that_begins_with_a_fixed_key_is_a_field() {
    assert_shown_as_written(&PROFILES, || {
        candor::warn!("path.x" = 1, "service.x" = 2, "user_id.x" = 3, "logged");
    });
}

#[test]
fn hostile_lines_do_not_stop_the_command() {
    let nested =
        |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    let lines = [
        format!("{{\"@timestamp\":\"t\",\"ecs\":1,\"log\":{}}}", nested("{\"a\":", "}")),
        nested("{\"_source\":", "}"),
        format!(
            "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{}}}]}}]}}]}}",
            nested("{\"arrayValue\":{\"values\":[", "]}}")
        ),
        format!(
            "ts=2026-11-22T10:14:12Z level=info logger=l msg=m {}=1",
            "a.".repeat(50_000) + "b"
        ),
        format!("ts=2026-11-22T10:14:12Z level=info logger=l msg=m a=\"{}\"", "[".repeat(50_000)),
        "ts= level= logger= msg=".to_owned(),
        "ts=2026-11-22T10:14:12Z level=\"info logger=l msg=m".to_owned(),
        "{\"v\":0,\"hostname\":1,\"pid\":2,\"time\":3,\"msg\":4,\"err\":5}".to_owned(),
        "{\"severity\":null,\"time\":null,\"message\":null}".to_owned(),
        "{\"jsonPayload\":{\"message\":{}}}".to_owned(),
        "{\"attributes\":{\"attributes\":[]}}".to_owned(),
        "{\"resourceLogs\":{}}".to_owned(),
    ];
    let run = run(Profile::Candor);
    let mut input = text(&lines);
    input.push_str(&text(&run.own));
    let (alone, among) =
        (candor(COMMANDS[0], text(&run.own).as_bytes()), candor(COMMANDS[0], input.as_bytes()));
    assert_eq!((among.code, among.out), (Some(0), alone.out), "{}", among.err);
}
