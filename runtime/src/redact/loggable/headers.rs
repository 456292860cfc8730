use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::Encoder;
use super::json::{Json, encoded};
use crate::redact::keys::hides;
use crate::redact::media_type::header_or_shape;
use crate::redact::scrub::name::is_credential_header;
use crate::redact::scrub::{REDACTED, text, url};
use crate::redact::{counted, off, shown};

/// Redacts headers, as a JSON object with lower-case names.
///
/// A name that occurs several times has an array as its value.
///
/// These values are hidden: credentials, cookies, API keys, signatures, values marked
/// [sensitive](HeaderValue::is_sensitive), and headers whose name [the key rule](crate::keys) finds sensitive.
/// `referer`, `location`, `origin` and `link` are made safe as [URLs](crate::scrub::url). Other values are scrubbed as
/// text and cut at the value limit. A name that contains a secret is `[REDACTED]`. In [strict
/// mode](crate::Config::strict) only listed headers show their values.
///
/// ```
/// let mut map = http::HeaderMap::new();
/// map.insert("X-Api-Key", http::HeaderValue::from_static("k"));
/// map.insert("Referer", http::HeaderValue::from_static("https://example.com/a?token=t"));
/// assert_eq!(
///     candor::scrub::headers(&map).to_string(),
///     r#"{"x-api-key":"[REDACTED]","referer":"https://example.com/a"}"#,
/// );
/// ```
pub fn headers(map: &HeaderMap) -> Json {
    let mut object = Json::default();
    let mut hidden_names = 0;
    for name in map.keys() {
        let values: Vec<_> = map.get_all(name).iter().collect();
        let mut key = Cow::Borrowed(name.as_str());
        if shown::name(&key).as_str() != key {
            hidden_names += 1;
            key = match hidden_names {
                1 => REDACTED.into(),
                number => format!("{REDACTED}_{number}").into(),
            };
        }
        object.field(&encoded(&key), |out| {
            if let [value] = values[..] {
                return Encoder::buffered(out).text(&shown_value(name, value));
            }
            for (place, value) in values.iter().enumerate() {
                out.push(if place == 0 { '[' } else { ',' });
                Encoder::buffered(out).text(&shown_value(name, value));
            }
            out.push(']');
        });
    }
    object.finish()
}

fn shown_value(name: &HeaderName, value: &HeaderValue) -> String {
    let shown = without_secrets(name, value);
    header_or_shape(name.as_str(), shown.into()).into_owned()
}

fn without_secrets(name: &HeaderName, value: &HeaderValue) -> String {
    if off::is_off() {
        return String::from_utf8_lossy(value.as_bytes()).into_owned();
    }
    if value.is_sensitive() || is_credential(name) {
        counted::name(name.as_str());
        return REDACTED.to_owned();
    }
    let value = String::from_utf8_lossy(value.as_bytes());
    match *name {
        // Browsers send `null` if a page has no origin.
        header::ORIGIN if value == "null" => value.into_owned(),
        header::ORIGIN | header::REFERER | header::LOCATION | header::CONTENT_LOCATION => {
            url(&value)
        }
        header::LINK => links(&value),
        header::SEC_WEBSOCKET_PROTOCOL => protocols(name, &value),
        _ => text(&value).into_owned(),
    }
}

fn is_credential(name: &HeaderName) -> bool {
    *name == header::AUTHORIZATION
        || *name == header::PROXY_AUTHORIZATION
        || *name == header::COOKIE
        || *name == header::SET_COOKIE
        || is_credential_header(name.as_str())
        || name.as_str().ends_with("-sign")
        || hides(name.as_str())
}

/// Makes the targets of `<https://…>; rel="next", <…>` safe, and scrubs the rest.
fn links(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, (target, after))) =
        rest.split_once('<').and_then(|(before, link)| Some((before, link.split_once('>')?)))
    {
        out.push_str(&text(before));
        out.push('<');
        out.push_str(&url(target));
        out.push('>');
        rest = after;
    }
    out.push_str(&text(rest));
    out
}

/// Scrubs a list of subprotocols, `graphql-ws, soap`. Browsers can't set other headers on a WebSocket, so clients send
/// tokens here. A list that contains a token, or a name that announces one, is hidden.
fn protocols(name: &HeaderName, value: &str) -> String {
    const LONGEST_NAME: usize = 32;
    let is_token = |name: &str| {
        let opaque = name.len() >= 16
            && !name.contains('.')
            && name.bytes().any(|byte| byte.is_ascii_digit());
        opaque || name.len() > LONGEST_NAME || hides(name)
    };
    if value.split([',', ' ']).any(is_token) {
        counted::name(name.as_str());
        REDACTED.to_owned()
    } else {
        text(value).into_owned()
    }
}
