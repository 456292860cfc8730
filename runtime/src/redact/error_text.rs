//! Errors as text: the name of the type, and the scrubbed messages of the chain.

use std::cmp::Reverse;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::mem;

use super::loggable::{NestedDebug, RedactedValue};
use super::{client_error, scrub};
#[cfg(feature = "subscriber")]
use crate::base::catch::catch_value;
use crate::base::catch::{Unshown, catch};
use crate::json::members;

/// Written in place of a value whose own formatting panicked or failed.
pub(crate) const UNPRINTABLE: &str = "<unprintable>";

/// Written in place of a value that is formatted inside too many others, because it logs itself.
pub(crate) const NESTED: &str = "<nested too deeply>";

/// The text in place of a value.
pub(crate) fn marker(unshown: Unshown) -> &'static str {
    match unshown {
        Unshown::Panicked => UNPRINTABLE,
        Unshown::Nested => NESTED,
    }
}

/// The chain is cut after this many errors, because an error may be its own source.
const LONGEST_CHAIN: usize = 32;

/// Appends the messages of an error and its sources, `outer: inner`, scrubbed; in strict mode their shape.
///
/// A source is left out if the text before already shows its message. `Display` and the sources of a `#[redact]` error
/// may show what its policies hide. The chain therefore ends with the text of its policies, which also replaces its
/// `Display` form in the messages of the errors around it.
pub(crate) fn write_chain(error: &dyn Error, out: &mut String) {
    let mut messages = Vec::new();
    let mut end = None;
    let mut hidden = Vec::new();
    let mut link = Some(error);
    while let Some(error) = link {
        if messages.len() == LONGEST_CHAIN {
            end = Some("…".to_owned());
            break;
        }
        let values = NestedDebug::values_in(&error);
        let message = display(error);
        if values.is_error || values.is_incomplete {
            let shown = values.found.first().filter(|_| values.is_error).map(|it| &*it.shown);
            let shown = shown.unwrap_or(UNPRINTABLE).to_owned();
            hidden.push((message, shown.clone()));
            end = Some(shown);
            link = None;
        } else {
            messages.push(message);
            link = next(error).map(|source| source as _);
        }
        let shown = |value: RedactedValue| Some((value.display?, value.shown));
        hidden.extend(values.found.into_iter().filter_map(shown));
    }
    // The text of one value may be a part of that of another one.
    hidden.sort_by_key(|(display, _)| Reverse(display.len()));
    let policies = |message| {
        let replaced =
            |message, (display, shown): &(String, String)| replace(message, display, shown);
        client_error::without_values(hidden.iter().fold(message, replaced))
    };
    let mut text = String::new();
    for (place, message) in messages.into_iter().map(policies).chain(end).enumerate() {
        // Many errors show their source in quotes of their own.
        let is_shown = text.ends_with(&message) || message.len() >= 8 && text.contains(&message);
        if place == 0 {
            text = message;
        } else if !is_shown {
            let _ = write!(text, ": {message}");
        }
    }
    out.push_str(&scrub::text_or_shape(&text));
}

/// A `Display` form of fewer bytes is replaced only as a whole word, since it may be a part of another one.
const SHORT: usize = 8;

/// Replaces the `Display` form of a value in a message.
fn replace(message: String, display: &str, shown: &str) -> String {
    if display.trim().is_empty() || display == UNPRINTABLE || !message.contains(display) {
        return message;
    }
    let is_part = |c: Option<char>| display.len() < SHORT && c.is_some_and(char::is_alphanumeric);
    let mut out = String::new();
    let mut rest = 0;
    let mut is_first = true;
    for (at, _) in message.match_indices(display) {
        let end = at + display.len();
        let (before, after) = (message[..at].chars().next_back(), message[end..].chars().next());
        if is_part(before) || is_part(after) {
            continue;
        }
        out.push_str(&message[rest..at]);
        // Once, since it may be long; `[REDACTED]` stands for the others.
        out.push_str(if mem::take(&mut is_first) { shown } else { scrub::REDACTED });
        rest = end;
    }
    out.push_str(&message[rest..]);
    out
}

/// The JSON of an error whose type has `#[redact]`, by its `Debug` form.
pub(crate) fn redacted(error: &dyn Error) -> Option<String> {
    let values = NestedDebug::values_in(&error);
    values.found.into_iter().next().filter(|_| values.is_error)?.json
}

/// The text of a `#[redact]` type with this JSON: text without its quotes, anything else in `Debug` form.
pub(crate) fn redacted_text(value: &dyn fmt::Debug, json: &str) -> String {
    if json.starts_with(['{', '[']) {
        display(&format_args!("{value:?}"))
    } else {
        members::text_of(json)
    }
}

/// Returns the `Display` form of a value, or `<unprintable>` if formatting it fails or panics.
pub(crate) fn display(value: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = String::new();
    match catch(|| write!(text, "{value}")) {
        Some(Ok(())) => text,
        _ => UNPRINTABLE.to_owned(),
    }
}

/// Returns the `Display` form of a value of a log call, or a marker if it can't be shown.
#[cfg(feature = "subscriber")]
pub(crate) fn display_value(value: &(impl fmt::Display + ?Sized)) -> String {
    catch_value(|| display(value)).unwrap_or_else(|unshown| marker(unshown).to_owned())
}

/// Returns the source of an error, or `None` if asking for it panics.
pub(crate) fn next<'a>(error: &'a (dyn Error + 'a)) -> Option<&'a (dyn Error + 'static)> {
    catch(|| error.source()).flatten()
}

/// Returns the name of a type without its lifetimes: `shop::Refused<'_, u8>` is `shop::Refused<u8>`.
pub(crate) fn without_lifetimes(full: &str) -> String {
    let mut out = String::with_capacity(full.len());
    let mut rest = full;
    while let Some(at) = rest.find('\'') {
        out.push_str(&rest[..at]);
        let after = rest[at + 1..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        rest = after.strip_prefix(", ").or_else(|| after.strip_prefix(' ')).unwrap_or(after);
        // The lifetime was the last one of a list.
        if rest.starts_with('>') {
            if let Some(list) = out.strip_suffix('<') {
                out.truncate(list.len());
                rest = &rest[1..];
            } else if let Some(list) = out.strip_suffix(", ") {
                out.truncate(list.len());
            }
        }
    }
    out.push_str(rest);
    out.replace(" + >", ">")
}

/// Returns the name of a type without paths and lifetimes: `shop::CardDeclined` is `CardDeclined`, even inside `<>`.
pub(crate) fn short_name(full: &str) -> String {
    let full = &without_lifetimes(full);
    let mut out = String::new();
    let mut segment = 0;
    for (at, c) in full.char_indices() {
        if c == ':' {
            segment = at + 1;
        } else if !(c.is_alphanumeric() || c == '_') {
            out.push_str(&full[segment..at]);
            out.push(c);
            segment = at + c.len_utf8();
        }
    }
    out.push_str(&full[segment..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_not_part_of_the_name_of_an_error() {
        for (full, shown, short) in [
            ("shop::Refused", "shop::Refused", "Refused"),
            ("shop::Refused<'_>", "shop::Refused", "Refused"),
            (
                "shop::Refused<'_, alloc::string::String>",
                "shop::Refused<alloc::string::String>",
                "Refused<String>",
            ),
            ("shop::Pair<'_, '_>", "shop::Pair", "Pair"),
            ("a::Outer<b::Inner<'_>, '_>", "a::Outer<b::Inner>", "Outer<Inner>"),
            ("&'_ str", "&str", "&str"),
            (
                "alloc::boxed::Box<dyn core::error::Error + '_>",
                "alloc::boxed::Box<dyn core::error::Error>",
                "Box<dyn Error>",
            ),
            ("(a::A, b::B)", "(a::A, b::B)", "(A, B)"),
        ] {
            assert_eq!(without_lifetimes(full), shown);
            assert_eq!(short_name(full), short);
        }
    }
}
