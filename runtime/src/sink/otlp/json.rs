//! Batches as OTLP/JSON (OTLP, "JSON Protobuf Encoding").

use std::fmt::Write as _;

use super::batch::ExportBatch;
use super::span::Span;
use crate::format::otel::{OtelRecord, json};
use crate::format::resource::Resource;

/// An `ExportLogsServiceRequest`.
pub(super) fn logs(batch: &ExportBatch<'_>, resource: &Resource, original: bool) -> Vec<u8> {
    let mut out = String::from("{\"resourceLogs\":[{\"resource\":");
    json::write_resource(resource, &mut out);
    out.push_str(",\"scopeLogs\":[");
    for (at, (scope, records)) in batch.records_by_scope().into_iter().enumerate() {
        let _ = write!(out, "{}{{\"scope\":{{\"name\":\"{scope}\"}},\"logRecords\":[", comma(at));
        for (at, it) in records.into_iter().enumerate() {
            out.push_str(comma(at));
            json::write_record(
                &it.record,
                it.origin.sampled,
                original.then_some(it.line),
                &mut out,
            );
        }
        out.push_str("]}");
    }
    out.push_str("]}]}");
    out.into_bytes()
}

/// An `ExportTraceServiceRequest`.
pub(super) fn traces(batch: &ExportBatch<'_>, resource: &Resource) -> Vec<u8> {
    let mut out = String::from("{\"resourceSpans\":[{\"resource\":");
    json::write_resource(resource, &mut out);
    out.push_str(",\"scopeSpans\":[");
    for (at, (scope, spans)) in batch.spans_by_scope().into_iter().enumerate() {
        let _ = write!(out, "{}{{\"scope\":{{\"name\":\"{scope}\"}},\"spans\":[", comma(at));
        for (at, (record, span)) in spans.into_iter().enumerate() {
            out.push_str(comma(at));
            write_span(record, span, &mut out);
        }
        out.push_str("]}");
    }
    out.push_str("]}]}");
    out.into_bytes()
}

fn write_span(record: &OtelRecord<'_>, span: &Span<'_>, out: &mut String) {
    let Span { trace_id, span_id, parent, name, kind, start, end, error, link, flags } = span;
    let (trace_id, span_id, kind) = (trace_id.as_str(), span_id.as_str(), *kind as u8);
    let _ = write!(out, "{{\"traceId\":\"{trace_id}\",\"spanId\":\"{span_id}\"");
    if let Some(parent) = parent {
        let _ = write!(out, ",\"parentSpanId\":\"{}\"", parent.as_str());
    }
    let _ = write!(
        out,
        ",\"flags\":{flags},\"name\":\"{name}\",\"kind\":{kind},\"startTimeUnixNano\":\"{start}\",\
         \"endTimeUnixNano\":\"{end}\",\"attributes\":"
    );
    json::write_attributes(record, None, out);
    if let Some((trace_id, span_id)) = link.as_deref() {
        let (trace_id, span_id) = (trace_id.as_str(), span_id.as_str());
        let _ = write!(out, ",\"links\":[{{\"traceId\":\"{trace_id}\",\"spanId\":\"{span_id}\"}}]");
    }
    if let Some(message) = error {
        let _ = write!(out, ",\"status\":{{\"message\":\"{message}\",\"code\":2}}");
    }
    out.push('}');
}

fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { "," }
}

/// The number of rejected records in a response, and the reason.
pub(super) fn partial_success(response: &[u8]) -> Option<(u64, String)> {
    let response: serde_json::Value = serde_json::from_slice(response).ok()?;
    let partial = &response["partialSuccess"];
    let count = ["rejectedLogRecords", "rejectedSpans"].into_iter().find_map(|key| {
        // Integers of 64 bits are strings; some servers send numbers.
        let count = &partial[key];
        count.as_u64().or_else(|| count.as_str()?.parse().ok())
    })?;
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    (count > 0).then(|| (count, message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_read() {
        let response = br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#;
        assert_eq!(partial_success(response), Some((3, "no".to_owned())));
        assert_eq!(
            partial_success(br#"{"partialSuccess":{"rejectedSpans":2}}"#).map(|it| it.0),
            Some(2)
        );
        for none in [&b"{}"[..], b"{\"partialSuccess\":{}}", b"no JSON", b""] {
            assert_eq!(partial_success(none), None);
        }
    }
}
