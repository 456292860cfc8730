//! Values behind a sensitive name: `key=value`, `"key": "value"`, `--key value`, `<key>value</key>`.

use super::text::Secret;
use super::token::run;
use super::value::{GRANTS, Value, balanced, is_grant_name};
use crate::redact::keys::{
    self, Ends, added_by_deployment, completes_a_pair, decoded, hides, is_adjusted,
};

/// No name is longer; looking back no farther keeps the scan linear.
pub(super) const LONGEST_NAME: usize = 128;

const CREDENTIAL_HEADERS: [&str; 6] = [
    "authentication-info",
    "proxy-authentication-info",
    "x-ms-client-principal",
    "x-amzn-oidc-data",
    "x-client-cert",
    "x-sign",
];

const NAMES_OF_A_NAME: [&str; 15] = [
    "name",
    "key",
    "field",
    "header",
    "param",
    "parameter",
    "label",
    "property",
    "attribute",
    "variable",
    "setting",
    "option",
    "path",
    "k",
    "n",
];

const NAMES_OF_A_VALUE: [&str; 6] = ["val", "v", "content", "data", "default", "text"];

/// Of the words without which no name is one that [`value`] cares for.
static ENDS: Ends = Ends::of_sensitive()
    .and(&CREDENTIAL_HEADERS)
    .and(&NAMES_OF_A_NAME)
    .and(&NAMES_OF_A_VALUE)
    .and(&["value"])
    .and(&GRANTS);

/// Whether the name before a separator is plainly none to care for, as most are: a look is dear.
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
        // An escape or an unusual letter may be part of the name.
        Some(opener) => b" ,;({&?/=\n\t".contains(&opener),
        None => true,
    };
    let is_whole = begins && (start > floor || floor == 0);
    is_whole && !is_adjusted() && !(may_matter && matters(&text[start..end]))
}

#[inline(never)]
fn matters(name: &str) -> bool {
    keys::matters(name)
        || is_credential_header(name)
        || holds_the_value(name)
        || holds_the_name(name)
        || is_grant_name(name)
}

/// The value behind the separator at `at`, if its name is sensitive.
#[inline]
pub(super) fn value<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    half: &mut Half,
) -> Option<Secret<'a>> {
    if is_harmless(text, floor, at) {
        return None;
    }
    value_by_name(text, floor, at, half)
}

fn value_by_name<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    half: &mut Half,
) -> Option<Secret<'a>> {
    let separator = Separator::at(text.as_bytes(), at)?;
    let name = Name::before(text, floor, at)?;
    let value = Value { text, name: &name, separator: &separator };
    if name.is_sensitive() || value.is_grant() {
        *half = Half::default();
        return value.secret();
    }
    if holds_the_value(name.text) {
        if half.named.is_some_and(|named| in_one_object(text, named, name.start)) {
            *half = Half::default();
            return value.secret();
        }
        half.value = Some((name.start, separator));
    } else if holds_the_name(name.text) && value.names_a_secret() {
        // The value may stand before its name.
        match half.value.take() {
            Some((start, separator))
                if start >= floor && in_one_object(text, start, name.start) =>
            {
                let name = Name::before(text, floor, separator.at)?;
                return Value { text, name: &name, separator: &separator }.secret();
            }
            _ => half.named = Some(name.start),
        }
    }
    None
}

/// Headers that hold a credential under a name that does not say so.
pub(crate) fn is_credential_header(name: &str) -> bool {
    is_one_of(name, &CREDENTIAL_HEADERS)
}

/// What the name of a pair is called, as lists of headers, parameters, settings and changes have them.
pub(crate) fn holds_the_name(name: &str) -> bool {
    is_one_of(name, &NAMES_OF_A_NAME)
}

/// What its value is called: also `stringValue`, `new_value`.
pub(crate) fn holds_the_value(name: &str) -> bool {
    let ends = |tail: &str| {
        let from = name.len().checked_sub(tail.len());
        from.is_some_and(|from| name.as_bytes()[from..].eq_ignore_ascii_case(tail.as_bytes()))
    };
    ends("value") || ends("values") || is_one_of(name, &NAMES_OF_A_VALUE)
}

/// Half of a pair of name and value: where a sensitive name stands, or a value whose name is to come.
#[derive(Default)]
pub(super) struct Half {
    named: Option<usize>,
    value: Option<(usize, Separator)>,
}

/// Whether no object ends or begins between two names, near each other.
fn in_one_object(text: &str, first: usize, second: usize) -> bool {
    const FARTHEST: usize = 512;
    let between = text.as_bytes().get(first..second);
    between.is_some_and(|part| {
        part.len() <= FARTHEST && !part.iter().any(|byte| matches!(byte, b'{' | b'}'))
    })
}

/// The comma of what may be a `("key", "value")`, or a `["key", "value"]`, at its bracket.
pub(super) fn comma(bytes: &[u8], open: usize) -> Option<usize> {
    let start = run(bytes, open + 1, |byte| byte.is_ascii_whitespace());
    let start = run(bytes, start, |byte| byte == b'\\');
    let quote = bytes.get(start).copied().filter(|&quote| is_quote(quote))?;
    let near = &bytes[start + 1..bytes.len().min(start + 1 + LONGEST_NAME)];
    let at = start + 2 + near.iter().position(|&byte| byte == quote)?;
    (bytes.get(at) == Some(&b',')).then_some(at)
}

/// The value of `("key", "value")`, as `Debug` prints pairs, and of `["key", "value"]`, as JSON does, at its comma.
///
/// `in_vain` is how much was read of values that stood in longer lists.
pub(super) fn tuple<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    in_vain: &mut usize,
) -> Option<Secret<'a>> {
    let bytes = text.as_bytes();
    let name = Name::before(text, floor, at)?;
    let before = bytes[..name.start.checked_sub(name.quote.len())?].trim_ascii_end();
    let opener = *before.last()?;
    if !matches!(opener, b'(' | b'[') || !name.is_sensitive() {
        return None;
    }
    let separator = Separator { at, end: at + 1, colon: false, encoded: false };
    let value = Value { text, name: &name, separator: &separator };
    if opener == b'(' {
        return value.secret();
    }
    // A list of names is longer, or shorter.
    let start = run(bytes, at + 1, |byte| byte == b' ');
    let start = run(bytes, start, |byte| byte == b'\\');
    bytes.get(start).filter(|&&byte| is_quote(byte))?;
    let secret = value.secret()?;
    let close = run(bytes, secret.end, |byte| byte == b'\\' || is_quote(byte) || byte == b' ');
    if bytes.get(close) != Some(&b']') {
        *in_vain += secret.end - secret.start;
    }
    // What opens again and again what it does not close would be read as often, and is hidden instead.
    (bytes.get(close) == Some(&b']') || *in_vain > bytes.len()).then_some(secret)
}

/// The value of `--key value`, at its first dash.
pub(super) fn flag(text: &str, at: usize) -> Option<Secret<'_>> {
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
    let name = Name { text: &text[at..end], start: at, quote: "", bytes, floor: at };
    let separator = Separator { at: end, end, colon: false, encoded: false };
    Value { text, name: &name, separator: &separator }.secret()
}

/// The content of `Password("x")`, `Some(Token { value: "x" })`, at its bracket: `Debug` prints what a type or a
/// variant holds without a name of its own, so the type's name stands for it.
pub(super) fn constructor(text: &str, floor: usize, at: usize) -> Option<Secret<'_>> {
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
    // A letter that is none of ASCII may stand for one.
    let is_plain = |at: usize| at == 0 || bytes[at - 1].is_ascii();
    let plain = ENDS.plain_name(bytes, end).filter(|&(at, _)| is_plain(at));
    if matches!(plain, Some((_, false))) && !is_adjusted() {
        return None;
    }
    // `get_token(7)` is a call, and what it returned stands elsewhere.
    if !bytes.get(start).is_some_and(u8::is_ascii_uppercase) || !hides(clip(text, start, end)) {
        return None;
    }
    let close = balanced(bytes, at);
    let inner = at + 1..if close > at + 1 && matches!(bytes[close - 1], b')' | b'}') {
        close - 1
    } else {
        close
    };
    // Nothing in it; the plural of prose, "Token(s)".
    let empty = matches!(bytes[inner.clone()].trim_ascii(), b"" | b"s");
    (!empty).then(|| Secret::new(inner.start, inner.end))
}

/// The content of `<key>…</key>`, at the end of its opening tag, which begins at `open`.
pub(super) fn element(text: &str, floor: usize, open: usize, at: usize) -> Option<Secret<'_>> {
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
    (end > at + 1).then(|| Secret::new(at + 1, end))
}

pub(super) struct Separator {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) colon: bool,
    /// `%3D`: then what ends the value is percent-encoded as well.
    pub(super) encoded: bool,
}

impl Separator {
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let (mut byte, mut end) = decoded(bytes, at);
        let encoded = end > at + 1;
        // `＝` and `：`, as keyboards for Chinese and Japanese have them.
        if let Some(full_width) = bytes.get(at..at + 3) {
            match full_width {
                [0xef, 0xbc, 0x9d] => (byte, end) = (b'=', at + 3),
                [0xef, 0xbc, 0x9a] => (byte, end) = (b':', at + 3),
                _ => {}
            }
        }
        let colon = byte == b':';
        if !colon && byte != b'=' {
            return None;
        }
        // `path::to` is no name and value.
        if colon && (bytes.get(end) == Some(&b':') || at > 0 && bytes[at - 1] == b':') {
            return None;
        }
        let first = end;
        while end < bytes.len() && end < first + 2 && !encoded && matches!(bytes[end], b'=' | b'>')
        {
            end += 1;
        }
        Some(Self { at, end, colon, encoded })
    }
}

pub(super) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// The quote behind the name with its backslashes, if there is one.
    pub(super) quote: &'a str,
    bytes: &'a [u8],
    floor: usize,
}

impl<'a> Name<'a> {
    fn before(text: &'a str, floor: usize, end: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let limit = floor.max(end.saturating_sub(LONGEST_NAME));
        let back = |from: usize, holds: &dyn Fn(u8) -> bool| {
            bytes[limit..from]
                .iter()
                .rposition(|&byte| !holds(byte))
                .map_or(limit, |last| limit + last + 1)
        };
        let mut end = back(end, &|byte| byte == b' ');
        // `env['API_KEY'] = …`
        if end >= limit + 2 && bytes[end - 1] == b']' && is_quote(bytes[end - 2]) {
            end -= 1;
        }
        // `Key (api_key)=(…) already exists`, as PostgreSQL says.
        if end >= limit + 2 && bytes[end - 1] == b')' {
            end -= 1;
        }
        let quote = *bytes[limit..end].last()?;
        if is_quote(quote) {
            let close = end;
            end = back(end - 1, &|byte| byte == b'\\');
            let start = back(end, &|byte| byte != quote && byte >= b' ');
            return Some(Self {
                text: clip(text, start, end),
                start,
                quote: &text[end..close],
                bytes,
                floor,
            });
        }
        let mut start = back(end, &in_name);
        while let Some(escape) = escape_around(bytes, limit, start) {
            start = back(escape, &in_name);
        }
        let mut at = end;
        while let Some(offset) = bytes[start..at].iter().rposition(|&byte| byte == b'%') {
            at = start + offset;
            let (byte, next) = decoded(&bytes[..end], at);
            if !in_name(byte) {
                start = next;
                break;
            }
        }
        let name = clip(text, start, end);
        name.bytes().any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80).then_some(Self {
            text: name,
            start,
            quote: "",
            bytes,
            floor,
        })
    }

    fn is_sensitive(&self) -> bool {
        if self.text.contains('\\') && hides(&unescaped(self.text)) {
            return true;
        }
        let hidden = self.any(&|name| hides(name) || is_credential_header(name));
        let Some(two) = self.widened().filter(|_| self.quote.is_empty()) else {
            return hidden;
        };
        let judged = |holds: &dyn Fn(&str) -> bool| {
            two.any(holds) || two.widened().is_some_and(|three| three.any(holds))
        };
        if is_credential_header(self.text) {
            true
        } else if hidden {
            // "prompt tokens: 512"
            judged(&hides)
        } else {
            completes_a_pair(self.text) && judged(&hides) || judged(&added_by_deployment)
        }
    }

    /// Whether it holds of the name. In `\npin=…`, a line of text that was escaped, the first letter is none.
    fn any(&self, holds: &dyn Fn(&str) -> bool) -> bool {
        let escaped = self.start.checked_sub(1).is_some_and(|before| self.bytes[before] == b'\\')
            && self.text.starts_with(['n', 'r', 't']);
        holds(self.text) || escaped && holds(&self.text[1..])
    }

    /// With the word before it.
    fn widened(&self) -> Option<Self> {
        let end =
            self.start.checked_sub(1).filter(|&end| end > self.floor && self.bytes[end] == b' ')?;
        let limit = self.floor.max(end.saturating_sub(LONGEST_NAME / 2));
        let before = &self.bytes[limit..end];
        let start =
            limit + before.iter().rposition(|&byte| !in_word(byte)).map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&self.bytes[start..self.start + self.text.len()]).ok()?;
        (start < end).then_some(Self {
            text,
            start,
            quote: self.quote,
            bytes: self.bytes,
            floor: self.floor,
        })
    }

    /// Headers whose value may hold any character: it goes to the end of the line.
    pub(super) fn is_header(&self) -> bool {
        self.ends_in("authorization") || self.ends_in("cookie")
    }

    /// Secrets that are several words.
    pub(super) fn is_phrase(&self) -> bool {
        self.ends_in("phrase") || self.ends_in("mnemonic")
    }

    fn ends_in(&self, word: &str) -> bool {
        let name = self.text.as_bytes();
        name.len() >= word.len()
            && name[name.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
    }

    /// What stands before it, with spaces skipped; a newline where it begins the text.
    fn opener(&self) -> u8 {
        let before = &self.bytes[self.floor..self.start];
        before.iter().rev().copied().find(|&byte| byte != b' ').unwrap_or(b'\n')
    }

    /// Whether it begins a line or a field, rather than ending a sentence ("could not read the token: …").
    pub(super) fn begins_field(&self) -> bool {
        let first = self.widened().map(|two| two.widened().unwrap_or(two));
        [Some(self), first.as_ref()].into_iter().flatten().any(|name| {
            matches!(name.opener(), b'\n' | b'\r' | b'\t' | b',' | b';' | b'{' | b'(' | b'[' | b'|')
        })
    }
}

/// Where the escape begins that ends, or is cut, at `at`, as `Debug` and JSON write one: `pass\u{200b}word`,
/// `pass\u0077ord`, with as many backslashes as the text was escaped often.
fn escape_around(bytes: &[u8], limit: usize, at: usize) -> Option<usize> {
    let before = &bytes[limit..at];
    let slash = if before.last() == Some(&b'}') {
        let open = before.iter().rposition(|&byte| byte == b'{')?;
        let hex = before.get(open + 1..before.len() - 1)?;
        let is_escape = before[..open].ends_with(b"\\u") && (1..=6).contains(&hex.len());
        (is_escape && hex.iter().all(u8::is_ascii_hexdigit)).then(|| open - 2)?
    } else {
        let digits = bytes.get(at + 1..at + 5)?;
        let is_escape = bytes[at] == b'u' && digits.iter().all(u8::is_ascii_hexdigit);
        before.len().checked_sub(1).filter(|&slash| is_escape && before[slash] == b'\\')?
    };
    Some(limit + before[..slash].iter().rposition(|&byte| byte != b'\\').map_or(0, |last| last + 1))
}

/// The name without its escapes.
fn unescaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let after = after.trim_start_matches('\\');
        rest = after.get(1..).unwrap_or_default();
        match after.as_bytes().first() {
            Some(b'u') => {
                let braced = rest.strip_prefix('{').and_then(|hex| hex.split_once('}'));
                let (digits, next) =
                    braced.or_else(|| rest.split_at_checked(4)).unwrap_or((rest, ""));
                out.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
                rest = next;
            }
            Some(b'n' | b'r' | b't') => out.push(' '),
            _ => rest = after,
        }
    }
    out + rest
}

pub(super) fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'%' | b'[' | b']' | b'@')
        || byte >= 0x80
}

/// What words before a name are made of: not `42`, as in `user=42 elapsed: …`.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-') || byte >= 0x80
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

pub(super) fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// `text[start..end]`, from the next whole character.
pub(super) fn clip(text: &str, start: usize, end: usize) -> &str {
    let start = (start..end).find(|&at| text.is_char_boundary(at)).unwrap_or(end);
    text.get(start..end).unwrap_or_default()
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::keys::words_of_the_rule;

    /// What is passed over unseen would not be hidden by a closer look either.
    #[test]
    fn no_name_that_hides_a_value_is_taken_for_harmless() {
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
                        let mut half = Half::default();
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
