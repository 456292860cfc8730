//! Values after a sensitive name: `key=value`, `"key": "value"`, `("key", "value")`, `Key("value")`,
//! `{"name": "key", "value": "…"}`, `| key | value |`.

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
pub(super) fn value(
    text: &str,
    floor: usize,
    at: usize,
    half: &mut HalfPair,
) -> Option<HiddenRange> {
    if is_harmless(text, floor, at) {
        return None;
    }
    value_by_name(text, floor, at, half)
}

fn value_by_name(text: &str, floor: usize, at: usize, half: &mut HalfPair) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let separator = Separator::at(bytes, at)?;
    let name = FoundName::before(text, floor, at)?;
    // `[password:protected] => x`: the value follows the arrow.
    if separator.colon && name.text.starts_with('[') {
        let near = &bytes[..bytes.len().min(at + LONGEST_NAME)];
        let close = run(near, at + 1, |byte| in_name(byte) && byte != b']' || byte == b':');
        if bytes[close..].starts_with(b"] => ") {
            return None;
        }
    }
    let value = NamedValue { text, name: &name, separator: &separator };
    // A flag may stand between the halves of a pair: `{"name": "password", "secret": true, "value": "…"}`.
    if name.is_sensitive() || value.is_grant() {
        return value.secret();
    }
    if holds_the_value(name.text) {
        // An object may have several: `{"name": "password", "old": "…", "new": "…"}`.
        if half.named.is_some_and(|named| in_one_object(text, named, name.start)) {
            return value.secret().map(|it| it.found_by("name-value pair"));
        }
        half.value = Some((name.start, floor, separator));
    } else if holds_the_name(name.text) {
        // The next item of a list has the same field.
        let is_next = |named: usize| text[named..].starts_with(name.text);
        half.named =
            half.named.filter(|&named| !is_next(named) && in_one_object(text, named, name.start));
        let before = half.value.take();
        if !value.names_a_secret() {
            return None;
        }
        // The value may come before its name: `{"value": "…", "name": "password"}`.
        match before {
            Some((start, floor, separator)) if in_one_object(text, start, name.start) => {
                half.named = Some(name.start);
                let name = FoundName::before(text, floor, separator.at)?;
                let value = NamedValue { text, name: &name, separator: &separator };
                return value.secret().map(|it| it.found_by("name-value pair"));
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
    /// The start of the name before the value, the floor at that time, and the separator.
    value: Option<(usize, usize, Separator)>,
}

/// Whether two names are near each other, and no brace between them ends or begins an object that has only one of them.
fn in_one_object(text: &str, first: usize, second: usize) -> bool {
    const FARTHEST: usize = 512;
    let between = text.as_bytes().get(first..second).filter(|part| part.len() <= FARTHEST);
    // Braces in strings do not count.
    let mut in_string = text.as_bytes()[..first].last() == Some(&b'"');
    let depth = between.and_then(|part| {
        part.iter().try_fold(0_usize, |depth, byte| {
            in_string ^= *byte == b'"';
            match byte {
                b'{' if !in_string => Some(depth + 1),
                b'}' if !in_string => depth.checked_sub(1),
                _ => Some(depth),
            }
        })
    });
    depth == Some(0)
}

/// Returns the comma of a possible `("key", "value")` or `["key", "value"]`, given its bracket.
pub(super) fn comma(bytes: &[u8], open: usize) -> Option<usize> {
    let start = run(bytes, open + 1, |byte| byte.is_ascii_whitespace());
    let quote = bytes.get(start).copied().filter(|&quote| is_quote(quote))?;
    let near = &bytes[start + 1..bytes.len().min(start + 1 + LONGEST_NAME)];
    let at = start + 2 + near.iter().position(|&byte| byte == quote)?;
    (bytes.get(at) == Some(&b',')).then_some(at)
}

/// Returns the value of `("key", "value")`, as `Debug` prints pairs, or of `["key", "value"]`, as JSON does, given the
/// comma.
///
/// `wasted` counts the bytes that were read of values in lists that are not pairs.
pub(super) fn tuple(
    text: &str,
    floor: usize,
    at: usize,
    wasted: &mut usize,
) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let name = FoundName::before(text, floor, at)?;
    let before = bytes[..name.start.checked_sub(usize::from(name.is_quoted))?].trim_ascii_end();
    let opener = *before.last()?;
    if !matches!(opener, b'(' | b'[') || !name.is_sensitive() {
        return None;
    }
    let separator = Separator { at, end: at + 1, colon: false };
    let value = NamedValue { text, name: &name, separator: &separator };
    if opener == b'(' {
        return value.secret();
    }
    // A list of exactly two strings is a pair; any other list may be a list of names.
    let start = run(bytes, at + 1, |byte| byte == b' ');
    bytes.get(start).filter(|&&byte| is_quote(byte))?;
    let secret = value.secret()?;
    let close = run(bytes, secret.end, |byte| is_quote(byte) || byte == b' ');
    if bytes.get(close) != Some(&b']') {
        *wasted += secret.end - secret.start;
    }
    // Brackets that are opened again and again without being closed would take quadratic time, so the value is hidden.
    (bytes.get(close) == Some(&b']') || *wasted > bytes.len()).then_some(secret)
}

/// Returns the content of `Password("x")` or `Some(Token { value: "x" })`, given the bracket. `Debug` prints the fields
/// of a type under the type's name, so this name is judged.
///
/// `wasted` counts the bytes that were searched for the end of a bracket in vain.
pub(super) fn constructor(
    text: &str,
    floor: usize,
    at: usize,
    wasted: &mut usize,
) -> Option<HiddenRange> {
    const MOST_UNCLOSED: usize = 16;
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
    // `äSecret("x")`: the type begins after the letters that no type begins with.
    let start = match bytes[start..end].iter().rposition(|byte| *byte >= 0x80) {
        Some(last) if !bytes[start].is_ascii() => start + last + 1,
        _ => start,
    };
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
    // `ACCESS_TOKEN(…)` is a table of SQL.
    if bytes[start..end].len() > 1 && !bytes[start..end].iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    // Brackets that are opened again and again without being closed would take quadratic time, so all that follows is
    // hidden. Source code has a few, in strings and comments.
    if *wasted / MOST_UNCLOSED > bytes.len() {
        return (at + 1 < bytes.len()).then(|| HiddenRange::new(at + 1, bytes.len()));
    }
    let mut close = balanced(bytes, at);
    // An open bracket in prose ends with the line.
    let is_closed = matches!(bytes[close - 1], b')' | b'}') && close > at + 1;
    let begins = run(bytes, at + 1, |byte| byte == b' ');
    if !is_closed && !bytes.get(begins).is_some_and(|&byte| is_quote(byte)) {
        *wasted += close - at;
        close = run(bytes, at, |byte| byte != b'\n');
    }
    let inner = at + 1..if close > at + 1 && matches!(bytes[close - 1], b')' | b'}') {
        close - 1
    } else {
        close
    };
    // `Token()` is empty, `Token(s)` is a plural in prose, and `Token(17)` a number of mio.
    let content = bytes[inner.clone()].trim_ascii();
    let is_number = &text[start..end] == "Token" && content.iter().all(u8::is_ascii_digit);
    (!matches!(content, b"" | b"s") && !is_number).then(|| HiddenRange::new(inner.start, inner.end))
}

/// Returns the values of `(email, password)=(…)`, an error of Postgres, and of `(email, password) VALUES (…), (…)`,
/// given the first bracket of the values.
pub(super) fn columns(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    // Only the names behind the last bracket are read, and each bracket is inspected, so this takes linear time.
    let before = bytes[floor..at].trim_ascii_end();
    let names = before
        .strip_suffix(b"=")
        .or_else(|| {
            before
                .split_last_chunk::<6>()
                .filter(|it| it.1.eq_ignore_ascii_case(b"values"))
                .map(|it| it.0)
        })?
        .trim_ascii_end()
        .strip_suffix(b")")?;
    let open = names.iter().rposition(|&byte| byte == b'(')?;
    let is_sensitive = |name: &[u8]| std::str::from_utf8(name).is_ok_and(hides);
    if !names[open + 1..].split(|&byte| byte == b',').any(is_sensitive) {
        return None;
    }
    let mut end = balanced(bytes, at);
    // The next row.
    while let Some(row) = bytes[end..].strip_prefix(b",").map(<[u8]>::trim_ascii_start)
        && row.first() == Some(&b'(')
    {
        end = balanced(bytes, bytes.len() - row.len());
    }
    Some(HiddenRange::new(at + 1, if bytes[end - 1] == b')' { end - 1 } else { end }))
}

/// Returns the list in `token IN ('a', 'b')` of SQL, given its bracket.
pub(super) fn listed(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let head = bytes[floor..at].trim_ascii_end();
    let (head, last) = head.split_last_chunk::<3>()?;
    if !last.eq_ignore_ascii_case(b" in")
        || !FoundName::before(text, floor, floor + head.len())?.is_sensitive()
    {
        return None;
    }
    let end = balanced(bytes, at);
    Some(HiddenRange::new(at + 1, if bytes[end - 1] == b')' { end - 1 } else { end }))
}

/// Returns the value after a tab, in a table whose columns are separated by tabs, given the first tab.
pub(super) fn column(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let name = FoundName::before(text, floor, at)?;
    let start = run(bytes, at, |byte| matches!(byte, b' ' | b'\t'));
    let is_value = bytes.get(start).is_some_and(|byte| !b"=:|->\n".contains(byte));
    let begins = matches!(name.opener(), b'\n' | b'\r' | b'\t' | b'"' | b'\'');
    (is_value
        && begins
        && !name.is_quoted
        && name.start + name.text.len() == at
        && hides(name.text))
    .then(|| after_blanks(text, start))
    .flatten()
}

/// Returns the value in `| key | value |`, given the sign between them.
pub(super) fn cell(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let is_between = at > 0 && bytes[at - 1] == b' ' && bytes.get(at + 1) == Some(&b' ');
    let name = is_between.then(|| FoundName::before(text, floor, at)).flatten()?;
    if !matches!(name.opener(), b'|' | b'\n' | b'\r') || !hides(name.text) {
        return None;
    }
    let start = run(bytes, at + 1, |byte| byte == b' ');
    let line = run(bytes, start, |byte| !matches!(byte, b'\n' | b'\r'));
    let end =
        bytes[start..line].windows(2).position(|part| part == b" |").map_or(line, |at| start + at);
    let end = start + bytes[start..end].trim_ascii_end().len();
    (end > start).then(|| HiddenRange::new(start, end))
}

/// Returns the value of a part of a form (`multipart/form-data`, RFC 7578), given the `=` in `name="password"`.
pub(super) fn form_part(text: &str, at: usize) -> Option<HiddenRange> {
    const FARTHEST: usize = 512;
    let bytes = text.as_bytes();
    let head = &bytes[at.saturating_sub(64)..at];
    let mut words = head.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-').rev();
    if words.next() != Some(b"name") || !words.any(|word| word.eq_ignore_ascii_case(b"form-data")) {
        return None;
    }
    let near = text.get(at + 1..)?;
    let name = near.trim_start_matches('"').split(['"', ';', '\r', '\n']).next()?;
    if !hides(name) {
        return None;
    }
    let near = &bytes[at..bytes.len().min(at + FARTHEST)];
    let blank_line = |end: &[u8]| {
        near.windows(end.len()).position(|part| part == end).map(|place| at + place + end.len())
    };
    let start = [blank_line(b"\r\n\r\n"), blank_line(b"\n\n")].into_iter().flatten().min()?;
    let end = text[start..].find("\n--").map_or(text.len(), |length| start + length);
    let end = start + bytes[start..end].trim_ascii_end().len();
    (end > start).then(|| HiddenRange::new(start, end))
}

/// Returns the value in `IDENTIFIED BY 'value'`, `SET PASSWORD FOR ada = 'value'` and the like of SQL, given its quote.
pub(super) fn statement(text: &str, at: usize) -> Option<HiddenRange> {
    const FARTHEST: usize = 96;
    let bytes = text.as_bytes();
    let head = &bytes[at.saturating_sub(FARTHEST)..at];
    let mut words = head.split(u8::is_ascii_whitespace).rev().filter(|word| !word.is_empty());
    let is = |word: &[u8], expected: &str| word.eq_ignore_ascii_case(expected.as_bytes());
    let last = words.next()?;
    if is(last, "like") {
        let name = words.next().and_then(|name| std::str::from_utf8(name).ok())?;
        return hides(name).then(|| after_blanks(text, at)).flatten();
    }
    let is_secret = match last {
        b"=" => {
            words.nth(1).is_some_and(|word| is(word, "for"))
                && words.next().is_some_and(|word| is(word, "password"))
        }
        _ if is(last, "by") || is(last, "as") => words.take(4).any(|word| is(word, "identified")),
        _ if is(last, "replace") => words.take(4).any(|word| is(word, "password")),
        _ => false,
    };
    is_secret.then(|| after_blanks(text, at)).flatten()
}

/// Returns the value in `PASSWORD 'value'` of SQL and `login ada password value` of `.netrc`, in a command that sets it,
/// in a table whose columns are separated by blanks, and in `the password is value`, given the `p` of the name.
pub(super) fn word(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let near = &bytes[..bytes.len().min(at + LONGEST_NAME)];
    let end = run(near, at, in_name);
    let mut start = run(near, end, |byte| matches!(byte, b' ' | b'\t'));
    let next = *bytes.get(start).filter(|_| start > end)?;
    let name = FoundName::before(text, floor, end).filter(|name| name.start <= at)?;
    if b"=:|->".contains(&next) || name.is_quoted || !hides(name.text) {
        return None;
    }
    let begins_line = matches!(name.opener(), b'\n' | b'\r' | b'"' | b'\'');
    let gap = &bytes[end..start];
    let is_plain = |start: usize| {
        let word = &bytes[start..run(bytes, start, |byte| byte > b' ')];
        word.iter().all(|byte| byte.is_ascii_lowercase() || b",.;:!?".contains(byte))
    };
    let is_column = gap.len() > 1 && begins_line && !is_plain(start);
    let rest = &bytes[start..];
    if let [b'0'..=b'9', b' ', ..] = rest {
        // `password 7 value` of a router: the number is the type of encryption.
        start += 2;
    } else if rest.len() > 3 && rest[..4].eq_ignore_ascii_case(b"for ") {
        return None;
    } else if let Some(said) =
        ["is ", "was ", "to "].iter().find(|said| rest.starts_with(said.as_bytes()))
    {
        start += said.len();
        if is_plain(start) {
            return None;
        }
    } else if !(begins_string(rest) || is_column || is_set(&bytes[..name.start])) {
        return None;
    }
    after_blanks(text, start)
}

/// Whether a string of SQL begins, with or without a prefix (`E'…'`), or between `$$`.
fn begins_string(rest: &[u8]) -> bool {
    match rest {
        [b'"' | b'\'', next, ..] => *next > b' ',
        [b'E' | b'e' | b'N' | b'n', b'\'', ..] | [b'$', b'$', ..] => true,
        _ => false,
    }
}

/// Whether the text ends in `login` and a word, or in a command that sets a variable.
fn is_set(head: &[u8]) -> bool {
    const FARTHEST: usize = 128;
    let near = &head[head.len().saturating_sub(FARTHEST)..];
    let mut words = near.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(3);
    let is = |word: Option<&[u8]>, expected: &[&str]| {
        word.is_some_and(|word| expected.iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes())))
    };
    near.last().is_some_and(u8::is_ascii_whitespace) && {
        let last = words.next();
        let before = words.next();
        is(before, &["login"])
            || is(last, &["set", "setenv", "setx", "env"])
            || is(before, &["config", "set"]) && last.is_some_and(|word| word.starts_with(b"-"))
    }
}

/// Returns the argument of `setPassword("value")` and `.password("value")`, given the bracket.
pub(super) fn setter(text: &str, floor: usize, at: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    bytes.get(at + 1).filter(|&&byte| is_quote(byte))?;
    let limit = floor.max(at.saturating_sub(LONGEST_NAME));
    let start = limit
        + bytes[limit..at]
            .iter()
            .rposition(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .map_or(0, |last| last + 1);
    let callee = clip(text, start, at);
    let name = callee.strip_prefix("set").or_else(|| callee.strip_prefix("with"));
    let is_call = start > 0 && bytes[start - 1] == b'.' || callee == "PASSWORD";
    let name = name.or_else(|| is_call.then_some(callee))?;
    hides(name).then(|| after_blanks(text, at + 1)).flatten()
}

/// Returns the value at `start`: a quoted one, or a word.
fn after_blanks(text: &str, start: usize) -> Option<HiddenRange> {
    let bytes = text.as_bytes();
    let start = run(bytes, start, |byte| byte == b' ');
    let name = FoundName { text: "", start, is_quoted: false, bytes, floor: start };
    let separator = Separator { at: start, end: start, colon: false };
    NamedValue { text, name: &name, separator: &separator }.secret()
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
