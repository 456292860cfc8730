//! The `X-Request-ID` header of the caller.

use http::{HeaderMap, HeaderName};

use crate::redact::scrub;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a rejected id that are logged.
const LONGEST_SHOWN: usize = 64;

/// The id that the caller sent.
pub(super) enum IncomingId {
    Missing,
    Valid(String),
    /// Malformed, or sent twice: neither used nor echoed. Holds the scrubbed text to log.
    Rejected(String),
}

impl IncomingId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(REQUEST_ID).iter();
        let Some(value) = values.next() else { return IncomingId::Missing };
        match value.to_str() {
            Ok(id) if is_valid(id) && values.next().is_none() => IncomingId::Valid(id.to_owned()),
            _ => {
                let text = String::from_utf8_lossy(value.as_bytes());
                let scrubbed = scrub::text_or_shape(&text);
                let mut shown: String = scrubbed.chars().take(LONGEST_SHOWN).collect();
                if shown.len() < scrubbed.len() {
                    shown.push('…');
                }
                IncomingId::Rejected(shown)
            }
        }
    }
}

/// 1 to 128 characters of `[A-Za-z0-9._-]`.
fn is_valid(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
