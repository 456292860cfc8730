//! Values after a sensitive name: `key=value`, `"key": "value"`, `--key value`, `<key>value</key>`.

use super::name::{
    CREDENTIAL_HEADERS, FoundName, LONGEST_NAME, NAMES_OF_A_NAME, NAMES_OF_A_VALUE, Separator,
    clip, holds_the_name, holds_the_value, in_name, is_credential_header, is_quote,
};
use super::range::{HiddenRange, run};
use super::value::{GRANTS, NamedValue, balanced, is_grant_name};
use crate::redact::keys::{self, WordEndings, hides, is_adjusted};

/// The endings of all words that [`value`] reacts to.
static ENDS: WordEndings = WordEndings::of_sensitive()
    .and(&CREDENTIAL_HEADERS)
    .and(&NAMES_OF_A_NAME)
    .and(&NAMES_OF_A_VALUE)
    .and(&["value"])
    .and(&GRANTS);

/// Fast reject: true if the name before the separator is certainly harmless.
#[inline]
fn is_harmless(text: &str, floor: usize, at: usize) -> bool {
    let bytes = text.as_bytes();
    let quote = at.checked_sub(1).map(|last| bytes[last]).filter(|&byte| is_quote(byte));
    let end = at - usize::from(quote.is_some());
    let Some((start, may_matter)) = ENDS.plain_name(bytes, end).filter(|it| it.0 < end) else {
        return false;
    };
    let begins = match start.checked_sub(1).map(|before| bytes[before]) {
        opener if quote.is_some() => opener == quote,
        // An escape or a non-ASCII letter may be part of the name.
        Some(opener) => b" ,;({&?/=\n\t".contains(&opener),
        None => true,
    };
    let is_whole = begins && (start > floor || floor == 0);
    is_whole && !is_adjusted() && !(may_matter && matters(&text[start..end]))
}

#[inline(never)]
fn matters(name: &str) -> bool {
    keys::may_be_sensitive(name)
        || is_credential_header(name)
        || holds_the_value(name)
        || holds_the_name(name)
        || is_grant_name(name)
}

/// Returns the value after the separator at `at`, if its name is sensitive.
#[inline]
pub(super) fn value<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    half: &mut HalfPair,
) -> Option<HiddenRange<'a>> {
    if is_harmless(text, floor, at) {
        return None;
    }
    value_by_name(text, floor, at, half)
}

fn value_by_name<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    half: &mut HalfPair,
) -> Option<HiddenRange<'a>> {
    let separator = Separator::at(text.as_bytes(), at)?;
    let name = FoundName::before(text, floor, at)?;
    let value = NamedValue { text, name: &name, separator: &separator };
    if name.is_sensitive() || value.is_grant() {
        *half = HalfPair::default();
        return value.secret();
    }
    if holds_the_value(name.text) {
        if half.named.is_some_and(|named| in_one_object(text, named, name.start)) {
            *half = HalfPair::default();
            return value.secret();
        }
        half.value = Some((name.start, separator));
    } else if holds_the_name(name.text) && value.names_a_secret() {
        // The value may come before its name: `{"value": "…", "name": "password"}`.
        match half.value.take() {
            Some((start, separator))
                if start >= floor && in_one_object(text, start, name.start) =>
            {
                let name = FoundName::before(text, floor, separator.at)?;
                return NamedValue { text, name: &name, separator: &separator }.secret();
            }
            _ => half.named = Some(name.start),
        }
    }
    None
}

/// The half of a name-value pair that was found so far.
#[derive(Default)]
pub(super) struct HalfPair {
    named: Option<usize>,
    value: Option<(usize, Separator)>,
}

/// Whether two names are near each other, with no brace between them.
fn in_one_object(text: &str, first: usize, second: usize) -> bool {
    const FARTHEST: usize = 512;
    let between = text.as_bytes().get(first..second);
    between.is_some_and(|part| {
        part.len() <= FARTHEST && !part.iter().any(|byte| matches!(byte, b'{' | b'}'))
    })
}

/// Returns the comma of a possible `("key", "value")` or `["key", "value"]`, given its bracket.
pub(super) fn comma(bytes: &[u8], open: usize) -> Option<usize> {
    let start = run(bytes, open + 1, |byte| byte.is_ascii_whitespace());
    let start = run(bytes, start, |byte| byte == b'\\');
    let quote = bytes.get(start).copied().filter(|&quote| is_quote(quote))?;
    let near = &bytes[start + 1..bytes.len().min(start + 1 + LONGEST_NAME)];
    let at = start + 2 + near.iter().position(|&byte| byte == quote)?;
    (bytes.get(at) == Some(&b',')).then_some(at)
}

/// Returns the value of `("key", "value")`, as `Debug` prints pairs, or of `["key", "value"]`, as JSON does, given the
/// comma.
///
/// `wasted` counts the bytes that were read of values in lists that are not pairs.
pub(super) fn tuple<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    wasted: &mut usize,
) -> Option<HiddenRange<'a>> {
    let bytes = text.as_bytes();
    let name = FoundName::before(text, floor, at)?;
    let before = bytes[..name.start.checked_sub(name.quote.len())?].trim_ascii_end();
    let opener = *before.last()?;
    if !matches!(opener, b'(' | b'[') || !name.is_sensitive() {
        return None;
    }
    let separator = Separator { at, end: at + 1, colon: false, encoded: false };
    let value = NamedValue { text, name: &name, separator: &separator };
    if opener == b'(' {
        return value.secret();
    }
    // A list of exactly two strings is a pair; any other list may be a list of names.
    let start = run(bytes, at + 1, |byte| byte == b' ');
    let start = run(bytes, start, |byte| byte == b'\\');
    bytes.get(start).filter(|&&byte| is_quote(byte))?;
    let secret = value.secret()?;
    let close = run(bytes, secret.end, |byte| byte == b'\\' || is_quote(byte) || byte == b' ');
    if bytes.get(close) != Some(&b']') {
        *wasted += secret.end - secret.start;
    }
    // Brackets that are opened again and again without being closed would take quadratic time, so the value is hidden.
    (bytes.get(close) == Some(&b']') || *wasted > bytes.len()).then_some(secret)
}

/// Returns the value of `--key value`, given the first dash.
pub(super) fn flag(text: &str, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    let begins = at == 0 || bytes[at - 1] == b' ' || is_quote(bytes[at - 1]);
    if !begins || !bytes[at..].starts_with(b"--") {
        return None;
    }
    let end = run(&bytes[..bytes.len().min(at + LONGEST_NAME)], at, in_name);
    let value = bytes.get(end + 1)?;
    if bytes[end] != b' ' || *value == b'-' || !hides(&text[at..end]) {
        return None;
    }
    let name = FoundName { text: &text[at..end], start: at, quote: "", bytes, floor: at };
    let separator = Separator { at: end, end, colon: false, encoded: false };
    NamedValue { text, name: &name, separator: &separator }.secret()
}

/// Returns the content of `Password("x")` or `Some(Token { value: "x" })`, given the bracket. `Debug` prints the fields
/// of a type under the type's name, so this name is judged.
pub(super) fn constructor(text: &str, floor: usize, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    let end = match bytes[at] {
        b'{' => at.checked_sub(1).filter(|&blank| bytes[blank] == b' ')?,
        _ => at,
    };
    let limit = floor.max(end.saturating_sub(LONGEST_NAME));
    let in_type = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let start = bytes[limit..end]
        .iter()
        .rposition(|byte| !in_type(byte))
        .map_or(limit, |last| limit + last + 1);
    // A non-ASCII letter before the name may be part of it.
    let is_plain = |at: usize| at == 0 || bytes[at - 1].is_ascii();
    let plain = ENDS.plain_name(bytes, end).filter(|&(at, _)| is_plain(at));
    if matches!(plain, Some((_, false))) && !is_adjusted() {
        return None;
    }
    // `get_token(7)` is a call: its argument is not the token.
    if !bytes.get(start).is_some_and(u8::is_ascii_uppercase) || !hides(clip(text, start, end)) {
        return None;
    }
    let close = balanced(bytes, at);
    let inner = at + 1..if close > at + 1 && matches!(bytes[close - 1], b')' | b'}') {
        close - 1
    } else {
        close
    };
    // `Token()` is empty, and `Token(s)` is a plural in prose.
    let empty = matches!(bytes[inner.clone()].trim_ascii(), b"" | b"s");
    (!empty).then(|| HiddenRange::new(inner.start, inner.end))
}

/// Returns the content of `<key>…</key>`, given the start and the end of its opening tag.
pub(super) fn element(text: &str, floor: usize, open: usize, at: usize) -> Option<HiddenRange<'_>> {
    let bytes = text.as_bytes();
    if open < floor.max(at.saturating_sub(LONGEST_NAME)) {
        return None;
    }
    let tag = run(&bytes[..at], open + 1, |byte| in_name(byte) || byte == b':');
    if tag == open + 1 || bytes[at - 1] == b'/' || !hides(clip(text, open + 1, tag)) {
        return None;
    }
    let name = clip(text, open + 1, tag);
    let end = text[at..]
        .match_indices("</")
        .find(|(offset, _)| text[at + offset + 2..].starts_with(name))
        .map_or(text.len(), |(offset, _)| at + offset);
    (end > at + 1).then(|| HiddenRange::new(at + 1, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::keys::words_of_the_rule;

    /// The fast reject must not skip a name that the full check would hide.
    #[test]
    fn the_fast_reject_skips_no_sensitive_name() {
        let plain =
            ["", "user", "x", "cardboard", "max", "Order", "sw", "db", "K8s", "e", "SSNs", "my_"];
        let words: Vec<_> = words_of_the_rule()
            .chain(CREDENTIAL_HEADERS)
            .chain(NAMES_OF_A_NAME)
            .chain(NAMES_OF_A_VALUE)
            .chain(["value"])
            .chain(GRANTS)
            .flat_map(|word| {
                let (first, rest) = word.split_at(1);
                [word.to_owned(), first.to_uppercase() + rest, word.to_uppercase()]
            })
            .collect();
        let mut hidden = 0;
        for word in &words {
            for before in plain {
                for name in [
                    format!("{before}{word}"),
                    format!("{before}_{word}"),
                    format!("{before}.{word}s"),
                    format!("{word}{before}"),
                    format!("{word}-{before}2"),
                    format!("{word}7{before}"),
                    format!("api {word}"),
                    format!("{word} {before}"),
                ] {
                    for text in [
                        format!("{name}=0a1b2c3d4e5f"),
                        format!("?{name}: 0a1b2c3d4e5f"),
                        format!("{{\"{name}\": \"0a1b2c3d4e5f\"}}"),
                        format!("name=password {name}=0a1b2c3d4e5f"),
                    ] {
                        let at = text.rfind(['=', ':']).unwrap_or_default();
                        let mut half = HalfPair::default();
                        if let Some(first) = text.find('=').filter(|&first| first < at) {
                            assert!(value(&text, 0, first, &mut half).is_none(), "{text}");
                        }
                        let seen = value_by_name(&text, 0, at, &mut half).is_some();
                        hidden += usize::from(seen);
                        assert!(!(seen && is_harmless(&text, 0, at)), "{text}");
                    }
                }
            }
        }
        assert!(hidden > 10_000, "{hidden}");
    }
}
