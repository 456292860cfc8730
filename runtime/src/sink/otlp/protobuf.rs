//! Records and spans as protobuf messages of OTLP 1.7 (`opentelemetry/proto/{logs,trace,common,resource}/v1`).
//!
//! The encoding is hand-written: there are few messages, and the alternative is a code generator with its run-time
//! crates. Tests decode it with the `opentelemetry-proto` crate.

use std::borrow::Cow;

use super::batch::ExportBatch;
use super::span::Span;
use crate::format::otel::{OtelRecord, Value, json as otel_json, value_of};
use crate::format::resource::Resource;
use crate::json::hex::Hex;
use crate::json::members;

/// Appends protobuf fields. A field that has its default value is omitted by the caller.
#[derive(Debug, Default)]
struct MessageWriter(Vec<u8>);

impl MessageWriter {
    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.push(low & 0x7f);
            }
            self.0.push(low | 0x80);
        }
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    fn int(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.varint(value);
    }

    fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// The text of a JSON string's content.
    fn string(&mut self, field: u32, escaped: &str) {
        self.bytes(field, unescaped(escaped).as_bytes());
    }

    fn id<const DIGITS: usize>(&mut self, field: u32, id: Hex<DIGITS>) {
        self.tag(field, 2);
        self.varint(DIGITS as u64 / 2);
        self.0.extend(id.bytes());
    }

    /// A nested message. Its length precedes it and is known only afterwards.
    fn nested(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, 2);
        // Most lengths take one byte. For a longer one, the message is moved.
        let start = self.0.len();
        self.0.push(0);
        write(self);
        let length = self.0.len() - start - 1;
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0[start] = short,
            _ => {
                let mut long = MessageWriter::default();
                long.varint(length as u64);
                self.0.splice(start..=start, long.0);
            }
        }
    }
}

/// The text of a JSON string's content.
pub(super) fn unescaped(escaped: &str) -> Cow<'_, str> {
    if escaped.contains('\\') {
        Cow::Owned(members::text_of(&format!("\"{escaped}\"")))
    } else {
        Cow::Borrowed(escaped)
    }
}

/// An `ExportLogsServiceRequest`.
pub(super) fn logs(batch: &ExportBatch<'_>, resource: &Resource, original: bool) -> Vec<u8> {
    let mut request = MessageWriter::default();
    request.nested(1, |resource_logs| {
        write_resource(resource, resource_logs);
        for (scope, records) in batch.records_by_scope() {
            resource_logs.nested(2, |scope_logs| {
                scope_logs.nested(1, |it| it.string(1, scope));
                for it in records {
                    let original = original.then_some(it.line);
                    scope_logs.nested(2, |message| {
                        write_record(&it.record, it.origin.sampled, original, message);
                    });
                }
            });
        }
    });
    request.0
}

/// An `ExportTraceServiceRequest`.
pub(super) fn traces(batch: &ExportBatch<'_>, resource: &Resource) -> Vec<u8> {
    let mut request = MessageWriter::default();
    request.nested(1, |resource_spans| {
        write_resource(resource, resource_spans);
        for (scope, spans) in batch.spans_by_scope() {
            resource_spans.nested(2, |scope_spans| {
                scope_spans.nested(1, |it| it.string(1, scope));
                for (record, span) in spans {
                    scope_spans.nested(2, |message| write_span(record, span, message));
                }
            });
        }
    });
    request.0
}

fn write_resource(resource: &Resource, out: &mut MessageWriter) {
    out.nested(1, |message| {
        for (name, value) in resource.iter() {
            message.nested(1, |pair| {
                pair.bytes(1, name.as_str().as_bytes());
                pair.nested(2, |it| it.bytes(1, value.as_str().as_bytes()));
            });
        }
    });
}

fn write_record(
    record: &OtelRecord<'_>,
    sampled: Option<bool>,
    original: Option<&str>,
    out: &mut MessageWriter,
) {
    out.fixed64(1, record.time);
    out.int(2, record.severity_number().into());
    out.string(3, record.severity);
    out.nested(5, |body| body.string(1, record.body));
    write_attributes(record, original, 6, out);
    if let Some(sampled) = sampled {
        out.fixed32(8, sampled.into());
    }
    if let Some(trace_id) = record.trace_id {
        out.id(9, trace_id);
    }
    if let Some(span_id) = record.span_id {
        out.id(10, span_id);
    }
    out.fixed64(11, record.time);
    if !record.event.is_empty() {
        out.string(12, record.event);
    }
}

fn write_attributes(
    record: &OtelRecord<'_>,
    original: Option<&str>,
    field: u32,
    out: &mut MessageWriter,
) {
    for attribute in &record.attributes {
        out.nested(field, |pair| write_pair(&attribute.name, &attribute.value, 0, pair));
    }
    if let Some(line) = original {
        out.nested(field, |pair| {
            pair.bytes(1, otel_json::ORIGINAL.as_bytes());
            pair.nested(2, |value| value.bytes(1, line.as_bytes()));
        });
    }
}

fn write_pair(name: &str, json: &str, depth: u32, pair: &mut MessageWriter) {
    pair.string(1, name);
    pair.nested(2, |value| write_value(json, depth, value));
}

fn write_value(json: &str, depth: u32, out: &mut MessageWriter) {
    match value_of(json, depth) {
        Value::Text(text) => out.string(1, text),
        Value::Json(json) => out.bytes(1, json.as_bytes()),
        Value::Bool(bool) => out.int(2, bool.into()),
        // The variant of a `oneof` is written even if it has the default value.
        Value::Int(int) => out.int(3, int.cast_unsigned()),
        Value::Double(double) => out.fixed64(4, double.to_bits()),
        Value::List(json) => out.nested(5, |list| {
            for item in members::of_array(json) {
                list.nested(1, |value| write_value(item, depth + 1, value));
            }
        }),
        Value::Object(json) => out.nested(6, |list| {
            for member in members::of_object(json) {
                list.nested(1, |pair| write_pair(member.key, member.value, depth + 1, pair));
            }
        }),
        Value::Null => {}
    }
}

fn write_span(record: &OtelRecord<'_>, span: &Span<'_>, out: &mut MessageWriter) {
    out.id(1, span.trace_id);
    out.id(2, span.span_id);
    if let Some(parent) = span.parent {
        out.id(4, parent);
    }
    out.string(5, &span.name);
    out.int(6, span.kind as u64);
    out.fixed64(7, span.start);
    out.fixed64(8, span.end);
    write_attributes(record, None, 9, out);
    if let Some((trace_id, span_id)) = span.link.as_deref() {
        out.nested(13, |link| {
            link.id(1, *trace_id);
            link.id(2, *span_id);
        });
    }
    if let Some(message) = &span.error {
        out.nested(15, |status| {
            if !message.is_empty() {
                status.string(2, message);
            }
            status.int(3, 2);
        });
    }
    out.fixed32(16, span.flags);
}

/// The number of rejected records in a response, and the reason. The message is an
/// `Export{Logs,Trace}ServiceResponse`; `None` if it is malformed or rejects nothing.
pub(super) fn partial_success(response: &[u8]) -> Option<(u64, String)> {
    let partial = fields(response).find_map(|field| match field? {
        (1, WireField::Bytes(bytes)) => Some(bytes),
        _ => None,
    })?;
    let (mut rejected, mut message) = (0, String::new());
    for field in fields(partial) {
        match field? {
            // A negative count makes no sense and counts as none.
            (1, WireField::Int(count)) => {
                rejected = if count.cast_signed() > 0 { count } else { 0 }
            }
            (2, WireField::Bytes(text)) => message = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    (rejected > 0).then_some((rejected, message))
}

enum WireField<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message. The last item is `None` if the message is malformed.
fn fields(mut message: &[u8]) -> impl Iterator<Item = Option<(u64, WireField<'_>)>> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let field = next_field(&mut message);
        if field.is_none() {
            message = &[];
        }
        Some(field)
    })
}

fn next_field<'a>(message: &mut &'a [u8]) -> Option<(u64, WireField<'a>)> {
    let tag = read_varint(message)?;
    let mut skip = |length: usize| {
        let (bytes, rest) = message.split_at_checked(length)?;
        *message = rest;
        Some(bytes)
    };
    let field = match tag & 7 {
        0 => WireField::Int(read_varint(message)?),
        1 => skip(8).map(|_| WireField::Other)?,
        2 => {
            let length = usize::try_from(read_varint(message)?).ok()?;
            let (bytes, rest) = message.split_at_checked(length)?;
            *message = rest;
            WireField::Bytes(bytes)
        }
        5 => skip(4).map(|_| WireField::Other)?,
        _ => return None,
    };
    Some((tag >> 3, field))
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        // partial_success { rejected_log_records: 300, error_message: "no" }, and an unknown field.
        let response = [0x0a, 0x07, 0x08, 0xac, 0x02, 0x12, 0x02, b'n', b'o', 0x10, 0x01];
        assert_eq!(partial_success(&response), Some((300, "no".to_owned())));
        assert_eq!(partial_success(&[]), None);
        // A message without rejected records is a warning.
        assert_eq!(partial_success(&[0x0a, 0x04, 0x12, 0x02, b'n', b'o']), None);
        for end in 1..9 {
            assert_eq!(partial_success(&response[..end]), None, "cut after {end} bytes");
        }
        assert_eq!(partial_success(&[0xff; 40]), None);
    }
}
