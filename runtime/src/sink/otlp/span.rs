//! Spans made from the lines of steps, calls, requests and jobs.

use std::borrow::Cow;
use std::sync::Arc;

use super::LineOrigin;
use crate::format::otel::{Kind, OtelRecord, step_span};
use crate::json::hex::Hex;

/// A span. Its attributes are those of the record. Strings are escaped as in the line.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the protocol")]
pub(super) struct Span<'a> {
    pub(super) trace_id: Hex<32>,
    pub(super) span_id: Hex<16>,
    pub(super) parent: Option<Hex<16>>,
    pub(super) name: Cow<'a, str>,
    pub(super) kind: SpanKind,
    /// Nanoseconds since the Unix epoch.
    pub(super) start: u64,
    pub(super) end: u64,
    /// The message of the status if it is an error.
    pub(super) error: Option<Cow<'a, str>>,
    pub(super) link: Option<Arc<(Hex<32>, Hex<16>)>>,
    /// `Span.flags`: W3C trace flags, and whether the parent is remote.
    pub(super) flags: u32,
}

/// `SpanKind` of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Consumer = 5,
}

const SAMPLED: u32 = 1;
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

impl<'a> Span<'a> {
    /// The span of a line; `None` if the line is not a span, or if its trace is not sampled.
    pub(super) fn of(record: &OtelRecord<'a>, origin: &LineOrigin) -> Option<Self> {
        let (trace_id, request) = (record.trace_id?, record.request_span?);
        if record.kind == Kind::Event || origin.sampled == Some(false) {
            return None;
        }
        let took = record.millis("duration_ms")?;
        let is_own = record.kind.is_step();
        let parent = match record.integer("parent_id") {
            Some(parent) if is_own => Some(step_span(request, u32::try_from(parent).ok()?)),
            _ => origin.parent,
        };
        let is_remote = !is_own && parent.is_some();
        Some(Span {
            trace_id,
            span_id: if is_own { record.span_id? } else { request },
            parent,
            name: name(record),
            kind: match record.kind {
                Kind::Call => SpanKind::Client,
                Kind::Request => SpanKind::Server,
                Kind::Job if is_remote => SpanKind::Consumer,
                Kind::Job | Kind::Event | Kind::Step => SpanKind::Internal,
            },
            start: record.time.saturating_sub(took),
            end: record.time,
            error: error(record),
            link: origin.link.clone().filter(|_| !is_own),
            flags: SAMPLED | KNOWS_REMOTE | if is_remote { IS_REMOTE } else { 0 },
        })
    }
}

/// A name of low cardinality: step, `dependency operation`, `METHOD /route`, job.
fn name<'a>(record: &OtelRecord<'a>) -> Cow<'a, str> {
    let joined = |first: &str, second: &str| {
        let separator = if first.is_empty() || second.is_empty() { "" } else { " " };
        Cow::Owned(format!("{first}{separator}{second}"))
    };
    match record.kind {
        Kind::Call => joined(record.escaped("dependency"), record.escaped("operation")),
        // Without a route, the method alone: paths have too many values (semantic conventions, HTTP spans, "Name").
        Kind::Request => joined(record.escaped("method"), record.escaped("route")),
        Kind::Job => Cow::Owned(record.escaped("job").to_owned()),
        Kind::Step | Kind::Event => Cow::Owned(record.escaped("step").to_owned()),
    }
}

/// The message of an error status. A cancelled span has no error status, because the caller gave up.
fn error<'a>(record: &OtelRecord<'a>) -> Option<Cow<'a, str>> {
    matches!(record.escaped("outcome"), "error" | "panicked").then(|| {
        let texts = ["error_detail", "error"].map(|key| record.escaped(key));
        Cow::Owned(texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned())
    })
}
