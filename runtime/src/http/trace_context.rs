//! The headers of W3C Trace Context (level 1): `traceparent` and `tracestate`.

use http::{HeaderMap, HeaderName};

use super::headers::SentHeader;
#[cfg(feature = "otlp")]
use crate::format::{otel, record::Severity};
use crate::json::hex::Hex;
use crate::request::trace::{Trace, TraceParent};
#[cfg(feature = "otlp")]
use crate::{current, logger};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Returns the trace of a request, with the bytes of new ids.
///
/// It continues the caller's trace if there is one well-formed `traceparent`, else it is a new trace.
pub(super) fn of(
    headers: &HeaderMap,
    traceparent: SentHeader<'_>,
    trace_id: [u8; 16],
    span_id: [u8; 8],
) -> Trace {
    let parent = match traceparent {
        SentHeader::Once(header) => TraceParent::parse(header.as_bytes()),
        SentHeader::Missing | SentHeader::Repeatedly(_) => None,
    };
    let mut trace = Trace::with_ids(parent, trace_id, span_id);
    if parent.is_some() {
        trace.state = state(headers);
    }
    trace
}

/// Returns the `traceparent` value that continues a trace.
pub(super) fn header(trace: &Trace) -> String {
    // With an OpenTelemetry layer, the parent is the calling span instead of the request.
    #[cfg(feature = "otel")]
    let of_here = crate::instrument::context::otel::span_of_here(trace);
    #[cfg(feature = "otel")]
    let trace = of_here.as_ref().unwrap_or(trace);
    #[cfg(feature = "otel")]
    let is_of_another_layer = of_here.is_some();
    #[cfg(not(feature = "otel"))]
    let is_of_another_layer = false;
    let span = if is_of_another_layer { None } else { span_of_call(trace) };
    let span = span.unwrap_or(trace.span_id);
    let flags = u8::from(trace.sampled);
    format!("00-{}-{}-{flags:02x}", trace.trace_id.as_str(), span.as_str())
}

/// The span of the current dependency call, if spans are exported and the call becomes one.
#[cfg_attr(
    not(feature = "otlp"),
    expect(unused_variables, clippy::missing_const_for_fn, reason = "only OTLP exports")
)]
fn span_of_call(trace: &Trace) -> Option<Hex<16>> {
    #[cfg(feature = "otlp")]
    {
        let call = current::with(|frame| frame.call.clone()).flatten()?;
        let is_span =
            logger::exports_spans() && call.site.may_write(Severity::of(call.site.spec.level));
        is_span.then(|| otel::step_span(trace.span_id, call.step()))
    }
    #[cfg(not(feature = "otlp"))]
    None
}

/// Returns the caller's `tracestate`, to be sent on; `None` if it is malformed.
///
/// A long one is shortened as the specification asks: members over [`LARGE_MEMBER`] go first, then the last ones.
fn state(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(TRACESTATE).iter().map(|value| value.to_str().ok());
    let all: Vec<&str> = values.collect::<Option<_>>()?;
    let all = all.join(",");
    let mut members: Vec<&str> = Vec::new();
    for member in all.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        if member.is_empty() {
            continue;
        }
        // Checked before the search for the key, which would take quadratic time.
        if members.len() == MOST_MEMBERS {
            return None;
        }
        let (key, value) = member.split_once('=')?;
        let is_new = !members.iter().any(|known| known.split('=').next() == Some(key));
        if !(is_state_key(key) && is_state_value(value) && is_new) {
            return None;
        }
        members.push(member);
    }
    let mut length = members.iter().map(|member| member.len() + 1).sum::<usize>();
    while length > LONGEST_STATE + 1 {
        let large = members.iter().rposition(|member| member.len() > LARGE_MEMBER);
        length -= members.remove(large.unwrap_or(members.len() - 1)).len() + 1;
    }
    (!members.is_empty()).then(|| members.join(","))
}

/// The maximum number of members of a well-formed header.
const MOST_MEMBERS: usize = 32;

/// Length in bytes beyond which a member is removed first.
const LARGE_MEMBER: usize = 128;

/// Length in bytes that every system has to propagate.
const LONGEST_STATE: usize = 512;

/// `vendor` or `tenant@vendor`.
fn is_state_key(key: &str) -> bool {
    let is_rest = |text: &str| {
        text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let starts_low = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    match key.split_once('@') {
        None => key.len() <= 256 && starts_low(key) && is_rest(key),
        Some((tenant, system)) => {
            (1..=241).contains(&tenant.len())
                && (starts_low(tenant) || tenant.starts_with(|c: char| c.is_ascii_digit()))
                && is_rest(tenant)
                && system.len() <= 14
                && starts_low(system)
                && is_rest(system)
        }
    }
}

fn is_state_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|b| matches!(b, b' '..=b'~') && b != b',' && b != b'=')
}
