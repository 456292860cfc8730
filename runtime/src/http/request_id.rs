//! `X-Request-ID`: taken from the caller where it is well-formed, made where it is not.

use http::{HeaderMap, HeaderName};

use crate::redact::scrub;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a refused id is shortened to.
const SHOWN: usize = 64;

/// The id the caller sent.
pub(super) enum Sent {
    Nothing,
    Valid(String),
    /// Not to be used or echoed; what of it may be logged.
    Refused(String),
}

pub(super) fn sent(headers: &HeaderMap) -> Sent {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let Some(value) = values.next() else { return Sent::Nothing };
    match value.to_str() {
        Ok(id) if is_valid(id) && values.next().is_none() => Sent::Valid(id.to_owned()),
        _ => {
            let text = String::from_utf8_lossy(value.as_bytes());
            let scrubbed = scrub::text_or_shape(&text);
            let mut shown: String = scrubbed.chars().take(SHOWN).collect();
            if shown.len() < scrubbed.len() {
                shown.push('…');
            }
            Sent::Refused(shown)
        }
    }
}

/// 1 to 128 characters of `[A-Za-z0-9._-]`.
fn is_valid(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
