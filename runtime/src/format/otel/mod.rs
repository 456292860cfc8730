//! Records of OpenTelemetry's log data model, made from the JSON of lines.
//!
//! The line is already redacted, so the record contains nothing that the line does not show. Names follow
//! OpenTelemetry's semantic conventions if the conventions define one ([`names`]).
//!
//! Sources: the [log data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/) and the
//! [OTLP](https://opentelemetry.io/docs/specs/otlp/) protocol, version 1.

pub(crate) mod json;
mod names;
mod value;

use std::borrow::Cow;

use super::keys::{FIXED, Keys};
use crate::json::hex::Hex;
use crate::json::members;
pub(crate) use value::{Value, value_of};

/// The attribute with the id of the request's own span, on records that belong to a step's span.
const REQUEST_SPAN_ID: &str = "candor.request.span_id";

/// A line as a log record. Strings are escaped as in the line.
#[derive(Debug, Clone)]
pub(crate) struct OtelRecord<'a> {
    pub(crate) kind: Kind,
    /// Nanoseconds since the Unix epoch, when the event happened. candor observes it at the same time.
    pub(crate) time: u64,
    pub(crate) severity: &'a str,
    /// The name of the instrumentation scope: the line's logger.
    pub(crate) scope: &'a str,
    pub(crate) body: &'a str,
    /// The name of the event; empty if it has none.
    pub(crate) event: &'a str,
    pub(crate) trace_id: Option<Hex<32>>,
    /// The span of the request.
    pub(crate) request_span: Option<Hex<16>>,
    /// The span of the active step, or else of the request.
    pub(crate) span_id: Option<Hex<16>>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// Kind of a line, which determines the meaning of some of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Step,
    Call,
    /// `request_completed`.
    Request,
    /// `job_completed`.
    Job,
}

/// An attribute of a record.
#[derive(Debug, Clone)]
pub(crate) struct Attribute<'a> {
    /// candor's own key; empty if the line does not have the attribute.
    pub(crate) key: &'a str,
    /// The name in OpenTelemetry, escaped as in JSON.
    pub(crate) name: Cow<'a, str>,
    /// JSON.
    pub(crate) value: Cow<'a, str>,
}

/// The settings of [`OtelRecord::parse`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The keys of the line.
    pub(crate) keys: &'a Keys,
    /// The service of the resource, which records do not repeat.
    pub(crate) service: Option<&'a str>,
    /// Whether steps have their own spans.
    pub(crate) has_step_spans: bool,
}

impl<'a> OtelRecord<'a> {
    /// Reads a line that candor wrote, without its line feed. `step` is the id of the step that was active, or 0; the
    /// line of a step names the step itself. Returns `None` if the text is not a line.
    pub(crate) fn parse(line: &'a str, step: u32, reading: Reading<'_>) -> Option<Self> {
        let mut record = OtelRecord {
            kind: Kind::Event,
            time: 0,
            severity: "",
            scope: "",
            body: "",
            event: "",
            trace_id: None,
            request_span: None,
            span_id: None,
            attributes: Vec::with_capacity(24),
        };
        let mut ts = None;
        for member in members::of_object(line) {
            let (key, value) = (reading.canonical(member.key), member.value);
            match key {
                "ts" => ts = Some(inside(value)),
                "level" => record.severity = inside(value),
                "logger" => record.scope = inside(value),
                "msg" => record.body = inside(value),
                "trace_id" => record.trace_id = Hex::parse(inside(value)),
                "span_id" => record.request_span = Hex::parse(inside(value)),
                "event" => {
                    record.event = inside(value);
                    record.kind = Kind::of(record.event);
                }
                "request_id" | "user_id" | "method" | "path" if value == "\"-\"" => {}
                "service" if reading.service == Some(inside(value)) => {}
                _ if value == "null" => {}
                _ => record.attributes.push(Attribute {
                    key,
                    name: Cow::Borrowed(key),
                    value: Cow::Borrowed(value),
                }),
            }
        }
        record.time = nanos_of(ts?)?;
        let own = record.integer("step_id").filter(|_| record.kind.is_step());
        let step = own.and_then(|step| u32::try_from(step).ok()).unwrap_or(step);
        record.span_id = match record.request_span {
            Some(request) if reading.has_step_spans && step != 0 => {
                let span = step_span(request, step);
                let value = Cow::Owned(format!("\"{}\"", request.as_str()));
                record.attributes.push(Attribute {
                    key: "",
                    name: Cow::Borrowed(REQUEST_SPAN_ID),
                    value,
                });
                Some(span)
            }
            request => request,
        };
        names::apply(&mut record);
        Some(record)
    }

    /// The JSON of a member, by candor's key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.key == key);
        found.map(|attribute| &*attribute.value)
    }

    pub(crate) fn integer(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// The text of a member, still escaped; empty if the line lacks it or it is not a string.
    pub(crate) fn escaped(&self, key: &str) -> &str {
        self.get(key).filter(|value| value.starts_with('"')).map_or("", inside)
    }

    /// A member in milliseconds, as nanoseconds.
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only spans need durations"))]
    pub(crate) fn millis(&self, key: &str) -> Option<u64> {
        nanos_of_millis(self.get(key)?)
    }

    /// The number of the severity (log data model, "Severity Fields").
    pub(crate) fn severity_number(&self) -> u8 {
        match self.severity {
            "TRACE" => 1,
            "DEBUG" => 5,
            "INFO" => 9,
            "WARN" => 13,
            "ERROR" => 17,
            "CRITICAL" => 21,
            _ => 0,
        }
    }
}

impl Kind {
    pub(crate) fn of(event: &str) -> Self {
        match event {
            "step_timing" => Kind::Step,
            "dependency_call" => Kind::Call,
            "request_completed" => Kind::Request,
            "job_completed" => Kind::Job,
            _ => Kind::Event,
        }
    }

    /// Whether the line belongs to a step or call, which has an id.
    pub(crate) fn is_step(self) -> bool {
        matches!(self, Kind::Step | Kind::Call)
    }
}

impl Reading<'_> {
    /// candor's own name for a key of the line.
    fn canonical<'k>(&self, key: &'k str) -> &'k str {
        if !self.keys.are_renamed() {
            return key;
        }
        if let Some(index) = (0..FIXED.len()).find(|index| self.keys.is_name(*index, key)) {
            return FIXED[index];
        }
        // A key has a trailing underscore if a fixed key was renamed to its name.
        match key.strip_suffix('_') {
            Some(plain) if self.keys.is_renamed_to(plain) => plain,
            _ => key,
        }
    }
}

/// Id of a step's span. It is the same wherever it is computed, and different for each step of a request.
pub(crate) fn step_span(request: Hex<16>, step: u32) -> Hex<16> {
    if step == 0 {
        return request;
    }
    let request = u64::from_str_radix(request.as_str(), 16).unwrap_or_default();
    // SplitMix64 is a bijection, so two steps of a request never get the same id.
    let mut mixed = request.wrapping_add(u64::from(step).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // An id of zeros is invalid (W3C Trace Context, section 3.2.2.4).
    Hex::of(mixed.max(1).to_be_bytes())
}

/// The content of a JSON string, still escaped; any other value unchanged.
pub(crate) fn inside(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// Nanoseconds since the Unix epoch of a line's timestamp.
fn nanos_of(ts: &str) -> Option<u64> {
    let at: jiff::Timestamp = ts.parse().ok()?;
    u64::try_from(at.as_nanosecond()).ok()
}

/// Milliseconds with up to six decimals, as nanoseconds.
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only spans need durations"))]
fn nanos_of_millis(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let digits = fraction.get(..fraction.len().min(6))?;
    let fraction: u64 = format!("{digits:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"ts":"2026-11-22T10:14:12.123456Z","level":"CRITICAL","logger":"shop","msg":"step_timing","request_id":"r-7","user_id":"-","method":"POST","path":"/orders","service":"shop","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","seq":3,"event":"step_timing","step":"pay","duration_ms":401.662,"outcome":"error","step_id":4,"parent_id":1,"offset_ms":3.4,"error":"timeout"}"#;

    fn reading(keys: &Keys) -> Reading<'_> {
        Reading { keys, service: Some("shop"), has_step_spans: true }
    }

    #[test]
    fn a_line_is_a_record() {
        let keys = Keys::default();
        let record = OtelRecord::parse(LINE, 0, reading(&keys)).expect("a line");
        assert_eq!(record.time, 1_795_342_452_123_456_000);
        assert_eq!((record.severity_number(), record.scope), (21, "shop"));
        assert_eq!((record.event, record.kind), ("step_timing", Kind::Step));
        assert_eq!(record.millis("duration_ms"), Some(401_662_000));
        let names: Vec<_> = record.attributes.iter().map(|it| &*it.name).collect();
        assert_eq!(
            names,
            [
                "request_id",
                "http.request.method",
                "url.path",
                "seq",
                "step",
                "duration_ms",
                "outcome",
                "step_id",
                "parent_id",
                "offset_ms",
                "error.type",
                "candor.request.span_id",
            ]
        );
    }

    #[test]
    fn a_renamed_key_is_read_by_its_own_name() {
        let keys = Keys::parse("ts=time,level=status").expect("renames");
        let line = r#"{"time":"2026-11-22T10:14:12Z","status":"WARN","logger":"http","msg":"m","request_id":"-","user_id":"-","method":"-","path":"-","event":"request_completed","status_":200}"#;
        let record = OtelRecord::parse(line, 0, reading(&keys)).expect("a line");
        assert_eq!((record.severity, record.integer("status")), ("WARN", Some(200)));
    }

    #[test]
    fn steps_of_a_request_have_different_spans() {
        let request = Hex::parse("00f067aa0ba902b7").expect("an id");
        let spans: std::collections::HashSet<_> =
            (0..10_000).map(|step| step_span(request, step).as_str().to_owned()).collect();
        assert_eq!(spans.len(), 10_000);
        assert_eq!(step_span(request, 0), request);
    }

    #[test]
    fn milliseconds_are_read_exactly() {
        for (text, nanos) in [("0.001", 1000), ("401.662", 401_662_000), ("7", 7_000_000)] {
            assert_eq!(nanos_of_millis(text), Some(nanos), "{text}");
        }
        assert_eq!((nanos_of_millis("null"), nanos_of_millis("1.x")), (None, None));
    }
}
