//! Media types in strict mode: a caller can put any text into their parameters.

use std::borrow::Cow;

use super::scrub::{self, REDACTED};
use super::strict;
use super::strict_report::{self, Place};

/// Returns the scrubbed value `shown` of the header `name`. In strict mode a header that is not listed shows its shape,
/// and the parameters of media types other than `charset` and `q` do.
pub(crate) fn header_or_shape<'a>(name: &str, shown: Cow<'a, str>) -> Cow<'a, str> {
    let is_reported = strict::is_reported();
    if !strict::is_on() && !is_reported {
        return shown;
    }
    if !matches!(name, "content-type" | "accept") || strict::is_listed(name) {
        return scrub::listed_or_shape(Place::Header, name, shown);
    }
    let shape = media_types(&shown);
    if !is_reported {
        return shape.into();
    }
    if shape != shown {
        strict_report::named(Place::Header, name);
    }
    shown
}

/// Shows `text/html;q=0.8, application/json; profile=ada` as
/// `text/html;q=0.8, application/json; profile=<text 3-4>`. Separators within quotes are not supported: each part
/// between them shows its own shape.
fn media_types(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, media_type) in text.split(',').enumerate() {
        if place > 0 {
            out.push(',');
        }
        let mut parts = media_type.split(';');
        let range = parts.next().unwrap_or_default();
        part(range, &mut out, |range, out| push_if(is_range(range), range, out));
        for parameter in parts {
            out.push(';');
            part(parameter, &mut out, push_parameter);
        }
    }
    out
}

/// Calls `push` with the trimmed part. One blank before it is kept.
fn part(part: &str, out: &mut String, push: impl FnOnce(&str, &mut String)) {
    if part.starts_with([' ', '\t']) {
        out.push(' ');
    }
    let part = part.trim_matches([' ', '\t']);
    if !part.is_empty() {
        push(part, out);
    }
}

fn push_parameter(parameter: &str, out: &mut String) {
    let Some((name, value)) = parameter.split_once('=') else {
        return push_if(false, parameter, out);
    };
    let is_name = name.len() <= 16 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    push_if(is_name, name, out);
    out.push('=');
    let is_shown = if name.eq_ignore_ascii_case("q") {
        value.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    } else {
        name.eq_ignore_ascii_case("charset") && value.len() <= 24 && is_token(value)
    };
    push_if(is_shown, value, out);
}

fn push_if(is_shown: bool, text: &str, out: &mut String) {
    if is_shown || text == REDACTED {
        out.push_str(text);
    } else {
        out.push_str(&scrub::shape(text));
    }
}

/// Whether the text is `type/subtype`, which may have wildcards.
fn is_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Whether the text is a token of RFC 9110 (section 5.6.2), as far as media types use its characters.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&b))
}
