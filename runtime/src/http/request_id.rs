//! The `X-Request-ID` header of the caller.

use http::HeaderName;

use super::headers::SentHeader;
use crate::redact::shown::{self, Redacted};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a rejected id that are logged.
const LONGEST_SHOWN: usize = 64;

/// The id that the caller sent.
pub(super) enum IncomingId {
    Missing,
    Valid(Redacted<'static>),
    /// Malformed, altered by the scrubber, or sent twice: neither used nor echoed. Holds the scrubbed text to log.
    Rejected(Redacted<'static>),
}

impl IncomingId {
    pub(super) fn of(header: SentHeader<'_>) -> Self {
        let (value, id) = match header {
            SentHeader::Missing => return IncomingId::Missing,
            SentHeader::Once(value) => (value, value.to_str().ok()),
            SentHeader::Repeatedly(first) => (first, None),
        };
        id.and_then(shown::request_id).map_or_else(
            || {
                let text = String::from_utf8_lossy(value.as_bytes());
                let mut shown = shown::text_or_shape(&text).into_owned();
                if shown.cut_chars(LONGEST_SHOWN) {
                    shown.push("…");
                }
                IncomingId::Rejected(shown)
            },
            IncomingId::Valid,
        )
    }
}
