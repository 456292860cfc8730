//! W3C Trace Context (level 1): `traceparent: 00-<trace id>-<parent id>-<flags>`.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName};

use crate::context::Trace;

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace of a request: the caller's where its header is well-formed, else a new one; the span id
/// is always the request's own.
pub(super) fn of(headers: &HeaderMap) -> Trace {
    let random = uuid::Uuid::new_v4();
    let span_id = hex(&uuid::Uuid::new_v4().as_bytes()[8..]);
    let mut values = headers.get_all(TRACEPARENT).iter();
    let sent = values.next().and_then(|value| value.to_str().ok()).and_then(parse);
    match sent {
        Some((trace_id, sampled)) if values.next().is_none() => {
            Trace { trace_id: trace_id.to_owned(), span_id, sampled }
        }
        _ => Trace { trace_id: hex(random.as_bytes()), span_id, sampled: true },
    }
}

/// The header that continues a trace.
pub(super) fn header(trace: &Trace) -> String {
    let flags = u8::from(trace.sampled);
    format!("00-{}-{}-{flags:02x}", trace.trace_id, trace.span_id)
}

/// Trace id and sampled flag of a header. A version after 00 may have more parts, which are not read.
fn parse(header: &str) -> Option<(&str, bool)> {
    let mut parts = header.trim().split('-');
    let (version, trace_id, parent_id, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let well_formed = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && is_hex(trace_id, 32)
        && trace_id.bytes().any(|b| b != b'0')
        && is_hex(parent_id, 16)
        && parent_id.bytes().any(|b| b != b'0')
        && is_hex(flags, 2);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    well_formed.then_some((trace_id, flags & 1 == 1))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_header_is_read_strictly() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(parse(&format!("00-{id}-00f067aa0ba902b7-01")), Some((id, true)));
        assert_eq!(parse(&format!("cc-{id}-00f067aa0ba902b7-00-more")), Some((id, false)));
        for bad in [
            format!("00-{id}-00f067aa0ba902b7"),
            format!("00-{id}-00f067aa0ba902b7-01-more"),
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{id}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
