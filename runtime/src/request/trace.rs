//! The W3C trace context of a request (level 1): `traceparent: 00-<trace id>-<parent id>-<flags>`.

use std::sync::Arc;

use crate::base::clock::Tick;
use crate::base::random;
use crate::json::hex::Hex;

/// Ids and state of a trace context.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names of the specification")]
pub(crate) struct Trace {
    pub(crate) trace_id: Hex<32>,
    /// The request's own span.
    pub(crate) span_id: Hex<16>,
    /// The caller's span, if it sent one.
    pub(crate) parent_id: Option<Hex<16>>,
    /// The sampled flag of the caller's `traceparent`.
    pub(crate) sampled: bool,
    /// Trace and span of the request in which a job began.
    pub(crate) link: Option<Arc<(Hex<32>, Hex<16>)>>,
    /// The caller's `tracestate`, if it is well-formed.
    pub(crate) state: Option<String>,
}

/// The caller's span, as its `traceparent` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace_id: Hex<32>,
    span_id: Hex<16>,
    sampled: bool,
}

impl Trace {
    /// The trace of a request that began at `now`, with a new span id: the caller's trace, or a new one.
    pub(crate) fn after(parent: Option<TraceParent>, now: Tick) -> Self {
        Self::with_ids(parent, random::bytes(now), random::bytes(now))
    }

    /// The trace of a request that has the caller's trace or a new one, with the bytes of new ids.
    pub(crate) fn with_ids(
        parent: Option<TraceParent>,
        trace_id: [u8; 16],
        span_id: [u8; 8],
    ) -> Self {
        let span_id = Hex::of(span_id);
        match parent {
            Some(TraceParent { trace_id, span_id: parent_id, sampled }) => Trace {
                trace_id,
                span_id,
                parent_id: Some(parent_id),
                sampled,
                link: None,
                state: None,
            },
            None => Trace {
                trace_id: Hex::of(trace_id),
                span_id,
                parent_id: None,
                sampled: true,
                link: None,
                state: None,
            },
        }
    }
}

impl TraceParent {
    /// Parses a `traceparent`; `None` if it is malformed. Versions after 00 may have further parts, which are ignored.
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        let header = str::from_utf8(header).ok()?.trim_matches([' ', '\t']);
        let mut parts = header.split('-');
        let (version, trace_id, span_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = Hex::<2>::parse(version)?;
        let (trace_id, span_id) = (Hex::parse(trace_id)?, Hex::parse(span_id)?);
        let flags = u8::from_str_radix(Hex::<2>::parse(flags)?.as_str(), 16).ok()?;
        let is_well_formed = version.as_str() != "ff"
            && (!version.is_zero() || parts.next().is_none())
            && !trace_id.is_zero()
            && !span_id.is_zero();
        is_well_formed.then_some(TraceParent { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}
