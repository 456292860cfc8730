//! W3C Trace Context (level 1): `traceparent: 00-<trace id>-<parent id>-<flags>`.

use http::{HeaderMap, HeaderName};

use crate::base::clock::Tick;
use crate::base::random;
use crate::request::trace::{Hex, Trace};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Returns the trace of a request that began at `now`, with a new span id.
///
/// It continues the caller's trace if there is one well-formed `traceparent`, else it is a new trace.
pub(super) fn of(headers: &HeaderMap, now: Tick) -> Trace {
    let span_id = Hex::of(random::bytes::<8>(now));
    let mut values = headers.get_all(TRACEPARENT).iter();
    let parsed = values.next().and_then(|value| value.to_str().ok()).and_then(parse);
    match parsed {
        Some((trace_id, parent_id, sampled)) if values.next().is_none() => {
            Trace { trace_id, span_id, parent_id: Some(parent_id), sampled, state: state(headers) }
        }
        _ => Trace {
            trace_id: Hex::of(random::bytes::<16>(now)),
            span_id,
            parent_id: None,
            sampled: true,
            state: None,
        },
    }
}

/// Returns the `traceparent` value that continues a trace.
pub(super) fn header(trace: &Trace) -> String {
    // With an OpenTelemetry layer, the parent is the calling span instead of the request.
    #[cfg(feature = "otel")]
    let of_here = crate::instrument::context::otel::span_of_here(trace);
    #[cfg(feature = "otel")]
    let trace = of_here.as_ref().unwrap_or(trace);
    let flags = u8::from(trace.sampled);
    format!("00-{}-{}-{flags:02x}", trace.trace_id.as_str(), trace.span_id.as_str())
}

/// Parses trace id, parent id and sampled flag. Versions after 00 may have further parts, which are ignored.
fn parse(header: &str) -> Option<(Hex<32>, Hex<16>, bool)> {
    let mut parts = header.trim().split('-');
    let (version, trace_id, parent_id, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let version = Hex::<2>::parse(version)?;
    let (trace_id, parent_id) = (Hex::parse(trace_id)?, Hex::parse(parent_id)?);
    let flags = u8::from_str_radix(Hex::<2>::parse(flags)?.as_str(), 16).ok()?;
    let is_well_formed = version.as_str() != "ff"
        && (!version.is_zero() || parts.next().is_none())
        && !trace_id.is_zero()
        && !parent_id.is_zero();
    is_well_formed.then_some((trace_id, parent_id, flags & 1 == 1))
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
        let (key, value) = member.split_once('=')?;
        let is_new = !members.iter().any(|known| known.split('=').next() == Some(key));
        if !(is_state_key(key) && is_state_value(value) && is_new) {
            return None;
        }
        members.push(member);
    }
    if members.len() > 32 {
        return None;
    }
    let mut length = members.iter().map(|member| member.len() + 1).sum::<usize>();
    while length > LONGEST_STATE + 1 {
        let large = members.iter().rposition(|member| member.len() > LARGE_MEMBER);
        length -= members.remove(large.unwrap_or(members.len() - 1)).len() + 1;
    }
    (!members.is_empty()).then(|| members.join(","))
}

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
