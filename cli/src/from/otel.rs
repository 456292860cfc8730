//! A row of OpenTelemetry's log table as the line that candor wrote.
//!
//! candor's OTLP export renames its keys as in the semantic conventions, and collectors store all values as text. If
//! the `log.record.original` attribute has the whole line, that line is used instead.

use serde_json::Value;

use super::values::{pairs, plain};
use crate::schema;
use crate::time::{self, Micros};

/// The attribute with the whole line.
const ORIGINAL: &str = "log.record.original";
/// The span of the request, if the record has that of a step.
const REQUEST_SPAN: &str = "candor.request.span_id";

/// Attributes of all lines and candor's keys.
const NAMES: [(&str, &str); 13] = [
    ("user.id", "user_id"),
    ("service.name", "service"),
    ("http.request.method", "method"),
    ("url.path", "path"),
    ("http.response.status_code", "status"),
    ("rpc.grpc.status_code", "grpc_status"),
    ("http.route", "route"),
    ("http.response.body.size", "response_bytes"),
    ("error.type", "error"),
    ("exception.type", "error_type"),
    ("exception.message", "error_detail"),
    ("exception.stacktrace", "exc"),
    ("event.name", "event"),
];

/// The same for calls, before the others.
const CALL_NAMES: [(&str, &str); 5] = [
    ("candor.request.method", "method"),
    ("candor.request.path", "path"),
    ("peer.service", "dependency"),
    ("http.request.method", "dependency_method"),
    ("url.full", "url"),
];

/// Attributes of calls that candor derives from others.
const DERIVED: [&str; 5] =
    ["server.address", "server.port", "db.system.name", "db.operation.name", "rpc.system"];

/// Writes a row as a line: attributes, time, trace id, span id, severity, service, scope and body.
pub(super) fn write_line(columns: &[String], out: &mut Vec<u8>) {
    let column = |index: usize| columns.get(index).map(String::as_str).unwrap_or_default();
    let attributes = pairs(column(0));
    if let Some((_, line)) = attributes.iter().find(|(name, _)| name == ORIGINAL) {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
        return;
    }
    let mut keys = named(attributes, column(7));
    let mut take = |name: &str| {
        let at = keys.iter().position(|(key, _)| key == name)?;
        Some(keys.remove(at).1)
    };
    let or_column =
        |attribute: Option<String>, index| attribute.unwrap_or_else(|| column(index).to_owned());
    let mut line = Vec::new();
    let mut put = |key: &str, value: String| line.push((key.to_owned(), value));
    put("ts", timestamp(column(1)).map(time::rfc3339).unwrap_or_default());
    put("level", column(4).to_owned());
    put("logger", column(6).to_owned());
    put("msg", column(7).to_owned());
    for key in ["request_id", "user_id", "method", "path"] {
        put(key, take(key).unwrap_or_else(|| "-".to_owned()));
    }
    for (key, value) in [
        ("service", or_column(take("service"), 5)),
        ("trace_id", column(2).to_owned()),
        ("span_id", or_column(take(REQUEST_SPAN), 3)),
    ] {
        if !value.is_empty() {
            put(key, value);
        }
    }
    for key in ["seq", "event"] {
        if let Some(value) = take(key) {
            put(key, value);
        }
    }
    line.extend(keys);
    for (index, (key, value)) in line.into_iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        // Writing into a vector can't fail.
        let _ = serde_json::to_writer(&mut *out, &key);
        out.push(b':');
        let _ = serde_json::to_writer(&mut *out, &typed(&key, value));
    }
    out.extend_from_slice(b"}\n");
}

/// The attributes with candor's names.
fn named(attributes: Vec<(String, String)>, body: &str) -> Vec<(String, String)> {
    let has = |name: &str| attributes.iter().any(|(known, _)| known == name);
    // A record has a separate field for the event, but not every table has a column for it. The message of candor's
    // events is their name.
    let known = attributes.iter().find(|(name, _)| name == "event.name" || name == "event");
    let event = known.map_or(body, |(_, event)| event.as_str());
    let event = if schema::is_event(event) { event.to_owned() } else { String::new() };
    let is_call = event == "dependency_call";
    let is_end = event == "request_completed" || event == "job_completed";
    let is_error_name =
        is_call || event == "step_timing" || event == "job_completed" || has("exception.type");
    let outcome = attributes.iter().find(|(name, _)| name == "outcome").map(|(_, it)| it.clone());
    let mut keys = Vec::with_capacity(attributes.len() + 1);
    if known.is_none() && !event.is_empty() {
        keys.push(("event".to_owned(), event));
    }
    for (name, value) in attributes {
        // If an error has no type, candor exports the outcome or the status as its type.
        let is_made = name == "error.type"
            && (Some(&value) == outcome.as_ref()
                || is_end && value.parse::<u16>().is_ok()
                || !is_error_name);
        if is_made || is_call && DERIVED.contains(&name.as_str()) {
            continue;
        }
        let of_call =
            is_call.then(|| CALL_NAMES.iter().find(|(known, _)| *known == name)).flatten();
        let own = of_call.or_else(|| NAMES.iter().find(|(known, _)| *known == name));
        keys.push((own.map_or(name, |(_, key)| (*key).to_owned()), value));
    }
    keys
}

/// A value of an attribute, which is text, with the type that candor's key has.
fn typed(key: &str, value: String) -> Value {
    let parsed = || serde_json::from_str::<Value>(&value).ok();
    let kept = match schema::is_text(key) {
        Some(true) => None,
        Some(false) => parsed().filter(|value| !value.is_string()),
        // A field of the service: text that looks like a number may have been a string, but only an object or a list
        // looks like one.
        None => parsed().filter(|value| value.is_object() || value.is_array()),
    };
    kept.map_or(Value::String(value), plain)
}

/// `toFloat64` of a time: seconds of a `DateTime64`, nanoseconds of an `Int64`. Both are exact to a microsecond.
fn timestamp(text: &str) -> Option<Micros> {
    const LATEST_SECONDS: f64 = 1e11;
    let at: f64 = text.parse().ok()?;
    let micros = if at < LATEST_SECONDS { at * 1e6 } else { at / 1e3 };
    Some(micros.round() as Micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(attributes: &str, body: &str) -> String {
        let columns = [attributes, "1795342452.123456", "t1", "s2", "WARN", "shop", "deps", body];
        let columns: Vec<String> = columns.map(str::to_owned).into();
        let mut out = Vec::new();
        write_line(&columns, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_call_has_its_own_method_and_that_of_its_request() {
        let attributes = "{'request_id':'r-7','candor.request.method':'POST','candor.request.path':'/orders','seq':'3',\
                          'peer.service':'payments','operation':'charge','http.request.method':'PUT',\
                          'url.full':'http://pay/','http.response.status_code':'504','duration_ms':'1.5','retries':'2',\
                          'error.type':'timeout','server.address':'pay','candor.request.span_id':'s1',\
                          'order':'007','items':'[1,2]'}";
        let wanted = "{\"ts\":\"2026-11-22T10:14:12.123456Z\",\"level\":\"WARN\",\"logger\":\"deps\",\"msg\":\"dependency_call\",\
                      \"request_id\":\"r-7\",\"user_id\":\"-\",\"method\":\"POST\",\"path\":\"/orders\",\"service\":\"shop\",\"trace_id\":\"t1\",\"span_id\":\"s1\",\"seq\":3,\"event\":\"dependency_call\",";
        let line = line(attributes, "dependency_call");
        assert!(line.starts_with(wanted), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        for (key, wanted) in [
            ("method", "\"POST\""),
            ("path", "\"/orders\""),
            ("dependency", "\"payments\""),
            ("dependency_method", "\"PUT\""),
            ("status", "504"),
            ("duration_ms", "1.5"),
            ("seq", "3"),
            ("retries", "2"),
            ("error", "\"timeout\""),
            ("event", "\"dependency_call\""),
            ("order", "\"007\""),
            ("items", "[1,2]"),
            ("server.address", "null"),
        ] {
            assert_eq!(value[key].to_string(), wanted, "{key}");
        }
    }

    #[test]
    fn a_type_of_error_that_candor_made_up_is_left_out() {
        let end = line(
            "{'outcome':'error','http.response.status_code':'504','error.type':'504'}",
            "request_completed",
        );
        assert!(!end.contains("\"error\":"), "{end}");
        let step =
            line("{'outcome':'panicked','step':'pay','error.type':'panicked'}", "step_timing");
        assert!(!step.contains("\"error\":"), "{step}");
    }

    #[test]
    fn the_original_line_wins() {
        let attributes = r#"[('request_id','x'),('log.record.original','{"ts":"it\'s"}')]"#;
        assert_eq!(line(attributes, "m"), "{\"ts\":\"it's\"}\n");
    }

    #[test]
    fn times_are_exact_to_a_microsecond_in_both_types() {
        assert_eq!(timestamp("1795342452.123456"), Some(1_795_342_452_123_456));
        assert_eq!(timestamp("1795342452123456000"), Some(1_795_342_452_123_456));
        assert_eq!(timestamp("1.795342452123456e18"), Some(1_795_342_452_123_456));
    }
}
