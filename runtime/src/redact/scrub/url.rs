use super::plain_path;
use super::range::REDACTED;
use super::shape_only::listed_or_shape;
use super::text::{is_clean, text};
use super::value::is_grant;
use crate::redact::keys::{hides, percent_decoded};
use crate::redact::strict_report::Place;
use crate::redact::{counted, off, strict};

const UNPARSEABLE: &str = "<unparseable url>";

/// Makes a URL safe to log: scheme, host, port and scrubbed path.
///
/// User info, query and fragment are removed. A relative reference must begin with `/`, `.` or `?`. Other text becomes
/// `"<unparseable url>"`. In [strict mode](crate::Config::strict) only listed path segments are shown.
///
/// ```
/// use candor::scrub::url;
///
/// assert_eq!(url("https://user:pw@api.example.com:8443/v1/orders?key=k#top"), "https://api.example.com:8443/v1/orders");
/// assert_eq!(url("/orders/7?token=t"), "/orders/7");
/// assert_eq!(url("no url"), "<unparseable url>");
/// ```
pub fn url(input: &str) -> String {
    if off::is_off() || is_plain_path(input) && !strict::is_reported() {
        return input.to_owned();
    }
    UrlParts::parse(input).map_or_else(|| UNPARSEABLE.to_owned(), |parts| parts.safe())
}

/// Makes a URL safe to log, as [`url()`], and keeps its query.
///
/// The names of parameters stay. A value is hidden if the [key rule](crate::keys) finds its name sensitive, else it is
/// scrubbed.
///
/// ```
/// use candor::scrub::url_with_query;
///
/// assert_eq!(url_with_query("/orders?page=2&api_key=k&next=%2Fa%3Ftoken%3Dt"), "/orders?page=2&api_key=[REDACTED]&next=[REDACTED]");
/// ```
pub fn url_with_query(input: &str) -> String {
    if off::is_off() {
        return input.to_owned();
    }
    let Some(parts) = UrlParts::parse(input) else {
        return UNPARSEABLE.to_owned();
    };
    let mut out = parts.safe();
    for (place, pair) in parts.query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        out.push(if place == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            None => out.push_str(&unless_secret(pair)),
            Some((name, value)) => {
                out.push_str(&unless_secret(name));
                out.push('=');
                let shown = if is_secret_value(name, value) {
                    counted::name(&form_decoded(name));
                    REDACTED.into()
                } else {
                    unless_secret(value)
                };
                out.push_str(&listed_or_shape(Place::QueryParameter, &form_decoded(name), shown));
            }
        }
    }
    out
}

struct UrlParts<'a> {
    /// Includes `://`; empty in a relative reference.
    scheme: &'a str,
    /// Host and port.
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> UrlParts<'a> {
    fn parse(input: &'a str) -> Option<Self> {
        if input
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\'))
        {
            return None;
        }
        let input = input.split('#').next()?;
        let (rest, query) = match input.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (input, None),
        };
        let (scheme, rest) = match rest.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => rest.split_at(scheme.len() + 3),
            _ if rest.starts_with("//") => rest.split_at(2),
            _ if rest.starts_with(['/', '.'])
                || rest.is_empty() && query.is_some()
                || rest == "*" =>
            {
                return Some(Self { scheme: "", host: "", path: rest, query });
            }
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next()?;
        (is_host(host) || host.is_empty() && scheme == "file://").then_some(Self {
            scheme,
            host,
            path,
            query,
        })
    }

    fn safe(&self) -> String {
        let mut out = String::with_capacity(self.scheme.len() + self.host.len() + self.path.len());
        out.push_str(self.scheme);
        out.push_str(self.host);
        let mut before = "";
        for (place, segment) in self.path.split('/').enumerate() {
            if place > 0 {
                out.push('/');
            }
            // Hides the code of `/reset-password/4f9d…`, and shows `/auth/login`.
            let opaque =
                segment.len() >= OPAQUE && segment.bytes().any(|byte| byte.is_ascii_digit());
            if opaque && hides(before) {
                counted::name(before);
                out.push_str(REDACTED);
            } else {
                out.push_str(&listed_or_shape(Place::Path, segment, unless_secret(segment)));
            }
            before = segment;
        }
        // A chat webhook is only recognised in the whole URL.
        text(&out).into_owned()
    }
}

/// A path segment of this length may be a secret if a sensitive segment comes before it.
pub(super) const OPAQUE: usize = 16;

/// Fast path: whether the URL is a path that is shown unchanged, without escapes, a query, long segments or triggers.
fn is_plain_path(input: &str) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            plain[byte as usize] =
                byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
            byte += 1;
        }
        plain
    };
    if plain_path::is_plain(input) {
        return !strict::is_on();
    }
    let (mut since_slash, mut longest, mut is_plain) = (0, 0, true);
    // Without a branch that leaves the loop, since most paths are plain.
    for byte in input.bytes() {
        since_slash = if byte == b'/' { 0 } else { since_slash + 1 };
        longest = since_slash.max(longest);
        is_plain &= PLAIN[usize::from(byte)];
    }
    is_plain
        && longest < OPAQUE
        && input.starts_with('/')
        && !input.starts_with("//")
        && is_clean(input)
}

/// The path without the fast path; `None` if it can't be parsed.
#[cfg(test)]
pub(super) fn safe_path(input: &str) -> Option<String> {
    UrlParts::parse(input).map(|parts| parts.safe())
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    port.bytes().all(|byte| byte.is_ascii_digit())
        && !name.is_empty()
        && match bare {
            Some(address) => address
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'%')),
            None => name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | ',')),
        }
}

/// Whether the value of a query parameter is hidden because of its name.
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    !off::is_off() && (hides(name) || is_grant(&form_decoded(name), value))
}

/// Returns a part of a URL scrubbed, or `[REDACTED]` if it contains a secret only after decoding.
fn unless_secret(part: &str) -> std::borrow::Cow<'_, str> {
    if part.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        let plain = form_decoded(part);
        if text(&plain) != plain {
            return REDACTED.into();
        }
    }
    text(part)
}

/// Decodes a part of a query: `+` is a blank, `%41` an `A` (WHATWG URL, form decoding).
pub(crate) fn form_decoded(part: &str) -> String {
    percent_decoded(part).replace('+', " ")
}
