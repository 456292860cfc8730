//! Records as OTLP/JSON: the JSON form of the protobuf messages (OTLP, "JSON Protobuf Encoding"). Ids are hexadecimal,
//! and integers of 64 bits are strings.

use std::fmt::Write as _;

use super::{OtelRecord, Reading, Value, value_of};
use crate::format::resource::Resource;
use crate::json::{escape, members};

/// Appends a line as an export request with one record. The file receiver of the OpenTelemetry Collector
/// (`otlpjsonfile`) reads this form. Appends nothing if the text is not a line.
pub(crate) fn write_line(line: &str, reading: Reading<'_>, resource: &Resource, out: &mut String) {
    let Some(record) = OtelRecord::parse(line, 0, reading) else { return };
    out.push_str("{\"resourceLogs\":[{\"resource\":");
    write_resource(resource, out);
    out.push_str(",\"scopeLogs\":[{\"scope\":{\"name\":\"");
    out.push_str(record.scope);
    out.push_str("\"},\"logRecords\":[");
    write_record(&record, None, None, out);
    out.push_str("]}]}]}");
}

/// Appends `{"attributes":[…]}`.
pub(crate) fn write_resource(resource: &Resource, out: &mut String) {
    out.push_str("{\"attributes\":[");
    for (at, (name, value)) in resource.iter().enumerate() {
        out.push_str(if at == 0 { "{\"key\":" } else { ",{\"key\":" });
        escape::json_string(name.shown(), out);
        out.push_str(",\"value\":{\"stringValue\":");
        escape::json_string(value.shown(), out);
        out.push_str("}}");
    }
    out.push_str("]}");
}

/// Appends a `LogRecord`. `original` is the line, if the record has it as an attribute.
pub(crate) fn write_record(
    record: &OtelRecord<'_>,
    sampled: Option<bool>,
    original: Option<&str>,
    out: &mut String,
) {
    let OtelRecord { time, severity, body, event, .. } = record;
    let _ = write!(
        out,
        "{{\"timeUnixNano\":\"{time}\",\"observedTimeUnixNano\":\"{time}\",\"severityNumber\":{},\
         \"severityText\":\"{severity}\",\"body\":{{\"stringValue\":\"{body}\"}}",
        record.severity_number(),
    );
    if !event.is_empty() {
        let _ = write!(out, ",\"eventName\":\"{event}\"");
    }
    out.push_str(",\"attributes\":");
    write_attributes(record, original, out);
    if let Some(sampled) = sampled {
        let _ = write!(out, ",\"flags\":{}", u8::from(sampled));
    }
    if let Some(trace_id) = record.trace_id {
        let _ = write!(out, ",\"traceId\":\"{}\"", trace_id.as_str());
    }
    if let Some(span_id) = record.span_id {
        let _ = write!(out, ",\"spanId\":\"{}\"", span_id.as_str());
    }
    out.push('}');
}

/// Appends the attributes of a record as a list of `KeyValue`.
pub(crate) fn write_attributes(record: &OtelRecord<'_>, original: Option<&str>, out: &mut String) {
    out.push('[');
    let mut separator = "";
    for attribute in &record.attributes {
        out.push_str(separator);
        write_pair(&attribute.name, &attribute.value, 0, out);
        separator = ",";
    }
    if let Some(line) = original {
        let _ = write!(out, "{separator}{{\"key\":\"{ORIGINAL}\",\"value\":{{\"stringValue\":");
        members::value_as_string(line, out);
        out.push_str("}}");
    }
    out.push(']');
}

/// The attribute with the whole line (semantic conventions, "General logs attributes").
pub(crate) const ORIGINAL: &str = "log.record.original";

fn write_pair(name: &str, value: &str, depth: u32, out: &mut String) {
    let _ = write!(out, "{{\"key\":\"{name}\",\"value\":");
    write_value(value, depth, out);
    out.push('}');
}

fn write_value(json: &str, depth: u32, out: &mut String) {
    let _ = match value_of(json, depth) {
        Value::Text(text) => write!(out, "{{\"stringValue\":\"{text}\"}}"),
        Value::Json(json) => {
            out.push_str("{\"stringValue\":");
            members::value_as_string(json, out);
            out.push('}');
            return;
        }
        Value::Bool(bool) => write!(out, "{{\"boolValue\":{bool}}}"),
        Value::Int(int) => write!(out, "{{\"intValue\":\"{int}\"}}"),
        // Copied from the line, with the same digits.
        Value::Double(_) => write!(out, "{{\"doubleValue\":{json}}}"),
        Value::Null => write!(out, "{{}}"),
        Value::List(json) => {
            out.push_str("{\"arrayValue\":{\"values\":[");
            for (at, item) in members::of_array(json).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, depth + 1, out);
            }
            out.push_str("]}}");
            return;
        }
        Value::Object(json) => {
            out.push_str("{\"kvlistValue\":{\"values\":[");
            for (at, member) in members::of_object(json).enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_pair(member.key, member.value, depth + 1, out);
            }
            out.push_str("]}}");
            return;
        }
    };
}
