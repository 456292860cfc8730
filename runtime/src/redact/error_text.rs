//! Errors in lines: the type's name, and the scrubbed text of the chain.

use std::error::Error;
use std::fmt::{self, Write as _};

use super::scrub;
use crate::base::catch::catch;

/// What stands for a value whose own formatting panicked or failed.
pub(crate) const UNPRINTABLE: &str = "<unprintable>";

/// A chain longer than this is cut: an error may be its own source.
const LONGEST_CHAIN: usize = 32;

/// What reqwest writes before the URL in its errors.
const FOR_URL: &str = " for url (";

/// Appends the text of an error and its sources, `outer: inner`, scrubbed; in strict mode its shape. A
/// source whose text the
/// outer one already ends with is not repeated.
pub(crate) fn write_chain(error: &dyn Error, out: &mut String) {
    let mut text = shown(display(error));
    let mut source = next(error);
    let mut links = 1;
    while let Some(error) = source {
        if links == LONGEST_CHAIN {
            text.push_str(": …");
            break;
        }
        let inner = shown(display(error));
        if !text.ends_with(&inner) {
            let _ = write!(text, ": {inner}");
        }
        source = next(error);
        links += 1;
    }
    out.push_str(&scrub::text_or_shape(&text));
}

/// The text of an error without what clients put into it and nobody has decided to show.
fn shown(mut text: String) -> String {
    // redis ends with the value itself where it is of another type than the caller's.
    if let Some(at) = text.find("(value was ") {
        text.truncate(at);
        text.push_str("(value [REDACTED])");
    }
    if !text.contains(FOR_URL) {
        return text;
    }
    // reqwest names the whole URL, with a query of which no name need be sensitive.
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(FOR_URL) {
        let (before, after) = rest.split_at(at + FOR_URL.len());
        out.push_str(before);
        let word = after.find(char::is_whitespace).map_or(after, |end| &after[..end]);
        let end = word.rfind(')').unwrap_or(0);
        if end > 0 {
            out.push_str(&scrub::url(&word[..end]));
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// The text of a value, or `<unprintable>` where its own formatting fails.
pub(crate) fn display(value: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = String::new();
    match catch(|| write!(text, "{value}")) {
        Some(Ok(())) => text,
        _ => UNPRINTABLE.to_owned(),
    }
}

/// The source of an error, unless asking for it panics.
pub(crate) fn next<'a>(error: &'a (dyn Error + 'a)) -> Option<&'a (dyn Error + 'static)> {
    catch(|| error.source()).flatten()
}

/// The name of a type without its path: `shop::CardDeclined` is `CardDeclined`, also inside `<>`.
pub(crate) fn short_name(full: &str) -> String {
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
    use super::short_name;

    #[test]
    fn a_type_is_named_without_its_path() {
        assert_eq!(short_name("shop::errors::CardDeclined"), "CardDeclined");
        assert_eq!(short_name("alloc::boxed::Box<dyn core::error::Error>"), "Box<dyn Error>");
        assert_eq!(short_name("(a::B, &c::D)"), "(B, &D)");
    }
}
