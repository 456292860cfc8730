//! Values behind a sensitive name: `key=value`, `"key": "value"`, `--key value`, `<key>value</key>`.

use super::text::Secret;
use super::token::run;
use crate::keys::{decoded, hides};

/// No name is longer; looking back no farther keeps the scan linear.
const LONGEST_NAME: usize = 128;

/// The value behind the separator at `at`, if its name is sensitive.
pub(super) fn value<'a>(
    text: &'a str,
    floor: usize,
    at: usize,
    named: &mut bool,
) -> Option<Secret<'a>> {
    let separator = Separator::at(text.as_bytes(), at)?;
    let name = Name::before(text, floor, at)?;
    let value = Value { text, name: &name, separator: &separator };
    if name.is_sensitive() || *named && is_one_of(name.text, &["value", "val"]) || value.is_grant()
    {
        *named = false;
        return value.secret();
    }
    *named = is_one_of(name.text, &["name", "key"]) && value.names_a_secret();
    None
}

/// The value of `("key", "value")`, as `Debug` prints pairs, at its comma.
pub(super) fn tuple(text: &str, floor: usize, at: usize) -> Option<Secret<'_>> {
    let bytes = text.as_bytes();
    if at == 0 || !is_quote(bytes[at - 1]) {
        return None;
    }
    let name = Name::before(text, floor, at)?;
    let before = name.start.checked_sub(name.quote.len() + 1)?;
    if bytes[before] != b'(' || !name.is_sensitive() {
        return None;
    }
    let separator = Separator { end: at + 1, colon: false, encoded: false };
    Value { text, name: &name, separator: &separator }.secret()
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
    let separator = Separator { end, colon: false, encoded: false };
    Value { text, name: &name, separator: &separator }.secret()
}

/// The content of `<key>…</key>`, at the end of its opening tag.
pub(super) fn element(text: &str, floor: usize, at: usize) -> Option<Secret<'_>> {
    let bytes = text.as_bytes();
    let limit = floor.max(at.saturating_sub(LONGEST_NAME));
    let open = limit + bytes[limit..at].iter().rposition(|&byte| byte == b'<')?;
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

struct Separator {
    end: usize,
    colon: bool,
    /// `%3D`: then what ends the value is percent-encoded as well.
    encoded: bool,
}

impl Separator {
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let (byte, mut end) = decoded(bytes, at);
        let encoded = end > at + 1;
        let colon = byte == b':';
        if !colon && byte != b'=' {
            return None;
        }
        // `path::to` is no name and value.
        if colon && (bytes.get(end) == Some(&b':') || at > 0 && bytes[at - 1] == b':') {
            return None;
        }
        while end < bytes.len() && end < at + 3 && matches!(bytes[end], b'=' | b'>') {
            end += 1;
        }
        Some(Self { end, colon, encoded })
    }
}

struct Name<'a> {
    text: &'a str,
    start: usize,
    /// The quote behind the name with its backslashes, if there is one.
    quote: &'a str,
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
        if !self.quote.is_empty() {
            return hides(self.text)
                || self.text.contains("\\u") && self.unescaped().is_some_and(|name| hides(&name));
        }
        // `API key: …` needs the words before it, `prompt tokens: …` is saved by them.
        let two = self.widened();
        match &two {
            None => hides(self.text),
            Some(two) => hides(two.text) || two.widened().is_some_and(|three| hides(three.text)),
        }
    }

    /// With the word before it.
    fn widened(&self) -> Option<Self> {
        let end =
            self.start.checked_sub(1).filter(|&end| end > self.floor && self.bytes[end] == b' ')?;
        let limit = self.floor.max(end.saturating_sub(LONGEST_NAME / 2));
        let before = &self.bytes[limit..end];
        let start =
            limit + before.iter().rposition(|&byte| !in_name(byte)).map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&self.bytes[start..self.start + self.text.len()]).ok()?;
        (start < end).then_some(Self {
            text,
            start,
            quote: self.quote,
            bytes: self.bytes,
            floor: self.floor,
        })
    }

    fn unescaped(&self) -> Option<String> {
        serde_json::from_str(&format!("\"{}\"", self.text)).ok()
    }

    /// Headers whose value may hold any character: it goes to the end of the line.
    fn is_header(&self) -> bool {
        let tail = |word: &str| {
            let name = self.text.as_bytes();
            name.len() >= word.len()
                && name[name.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
        };
        tail("authorization") || tail("cookie")
    }

    /// What stands before it, with spaces skipped; a newline where it begins the text.
    fn opener(&self) -> u8 {
        let before = &self.bytes[self.floor..self.start];
        before.iter().rev().copied().find(|&byte| byte != b' ').unwrap_or(b'\n')
    }

    /// Whether it begins a line or a field, rather than ending a sentence ("could not read the token: …").
    fn begins_field(&self) -> bool {
        let first = self.widened().map(|two| two.widened().unwrap_or(two));
        [Some(self), first.as_ref()].into_iter().flatten().any(|name| {
            matches!(name.opener(), b'\n' | b'\r' | b'\t' | b',' | b';' | b'{' | b'(' | b'[' | b'|')
        })
    }
}

struct Value<'a, 'b> {
    text: &'a str,
    name: &'b Name<'a>,
    separator: &'b Separator,
}

impl<'a> Value<'a, '_> {
    fn secret(&self) -> Option<Secret<'a>> {
        let bytes = self.text.as_bytes();
        let quoted_name = !self.name.quote.is_empty();
        let start = run(bytes, self.separator.end, |byte| {
            matches!(byte, b' ' | b'\t') || quoted_name && matches!(byte, b'\n' | b'\r')
        });
        let slashes = run(bytes, start, |byte| byte == b'\\') - start;
        let quote = *bytes.get(start + slashes)?;
        if is_quote(quote) {
            return Some(self.quoted(start + slashes, quote, slashes));
        }
        // `Some("x")`, `Token { … }`, `b"x"`, and lists and objects as they are.
        let bracket = run(bytes, start, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'&' | b':')
        });
        let opened = match bytes.get(bracket) {
            Some(b' ') if bytes.get(bracket + 1) == Some(&b'{') && bracket > start => {
                Some(bracket + 1)
            }
            Some(b'(' | b'[' | b'{') => Some(bracket),
            Some(&quote) if is_quote(quote) && (1..=2).contains(&(bracket - start)) => {
                return Some(self.quoted(bracket, quote, 0));
            }
            _ => None,
        };
        let end = match opened {
            Some(at) => balanced(bytes, at),
            None if self.name.is_header() && !quoted_name => self.line_end(start),
            None => self.unquoted_end(start),
        };
        (end > start).then_some(Secret { start, end, quotes: self.name.quote })
    }

    /// Whether it is itself a sensitive name. It is not consumed, so no more of it is read than a name has.
    fn names_a_secret(&self) -> bool {
        let end = self.text.len().min(self.separator.end + LONGEST_NAME);
        let end = (0..=end).rev().find(|&end| self.text.is_char_boundary(end)).unwrap_or(0);
        let near = Value { text: &self.text[..end], ..*self };
        near.secret().is_some_and(|it| hides(clip(near.text, it.start, it.end)))
    }

    fn quoted(&self, at: usize, quote: u8, slashes: usize) -> Secret<'a> {
        let bytes = self.text.as_bytes();
        let triple = [quote; 3];
        if bytes[at..].starts_with(&triple) {
            let end = bytes[at + 3..].windows(3).position(|part| part == triple);
            return Secret::new(at + 3, end.map_or(bytes.len(), |len| at + 3 + len));
        }
        Secret::new(
            at + 1,
            closing(bytes, at + 1, quote, slashes).map_or(bytes.len(), |close| close - slashes),
        )
    }

    fn line_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let opener = self
            .name
            .start
            .checked_sub(1)
            .map(|before| bytes[before])
            .filter(|&byte| is_quote(byte));
        let mut at = start;
        while at < bytes.len() {
            let escaped =
                bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'n' | b'r' | b'"'));
            if escaped || matches!(bytes[at], b'\n' | b'\r') || Some(bytes[at]) == opener {
                break;
            }
            at += 1;
        }
        at
    }

    fn unquoted_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let spaced = self.separator.end < start;
        let sentence = self.separator.colon && spaced && self.name.begins_field();
        let mut at = start;
        while at < bytes.len() {
            let ends = match bytes[at] {
                b'&' | b'\n' | b'\r' | b'<' => true,
                byte if is_quote(byte) => true,
                b' ' | b'\t' => {
                    !is_scheme(&bytes[start..at]) && (!sentence || label_follows(bytes, at + 1))
                }
                b',' | b';' | b')' | b']' | b'}' => field_ends(bytes, at),
                b'%' if self.separator.encoded => {
                    matches!(
                        decoded(bytes, at).0,
                        b'&' | b';' | b',' | b'"' | b'\'' | b'}' | b' ' | b'\n' | b'\r' | b'#'
                    )
                }
                _ => false,
            };
            if ends {
                break;
            }
            at += 1;
        }
        while at < bytes.len() && is_quote(bytes[at]) && at > start && bytes[at - 1] == b'\\' {
            at -= 1;
        }
        at
    }

    /// `?code=…`, the grant of an OAuth redirect, as against the status codes of this world.
    fn is_grant(&self) -> bool {
        let start = self.name.start;
        let bytes = self.text.as_bytes();
        self.name.text == "code" && start > 0 && matches!(bytes[start - 1], b'?' | b'&') && {
            let end = self.unquoted_end(self.separator.end);
            end - self.separator.end >= 10
                && !bytes[self.separator.end..end].iter().all(u8::is_ascii_digit)
        }
    }
}

/// `Bearer abc`: the value goes on behind the space.
fn is_scheme(word: &[u8]) -> bool {
    [&b"bearer"[..], b"basic", b"digest", b"token", b"apikey", b"negotiate", b"ntlm", b"hmac"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether a comma or bracket at `at` ends the field, rather than being part of a password.
fn field_ends(bytes: &[u8], at: usize) -> bool {
    let mut next = at;
    while next < at + 4
        && bytes
            .get(next)
            .is_some_and(|byte| matches!(byte, b',' | b';' | b')' | b']' | b'}' | b'.'))
    {
        next += 1;
    }
    bytes.get(next).is_none_or(|&byte| byte.is_ascii_whitespace() || is_quote(byte) || byte == b'<')
        || label_follows(bytes, next)
}

/// Whether a name and a separator start at `at`.
fn label_follows(bytes: &[u8], at: usize) -> bool {
    let window = &bytes[..bytes.len().min(at + LONGEST_NAME / 2)];
    let end = if at < window.len() { run(window, at, in_name) } else { at };
    end > at && bytes.get(end).is_some_and(|byte| matches!(byte, b'=' | b':'))
}

/// Where the quote that closes is. Text that was escaped `n` times has 2ⁿ-1 backslashes before each of its
/// own quotes, and twice that many and one more before those inside its strings.
fn closing(bytes: &[u8], from: usize, quote: u8, slashes: usize) -> Option<usize> {
    let mut run = 0;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        if byte == quote && run % (2 * (slashes + 1)) == slashes {
            return Some(at);
        }
        run = if byte == b'\\' { run + 1 } else { 0 };
    }
    None
}

/// The end of the brackets that open at `at`; of the text where they don't close.
fn balanced(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut slashes = 0;
    let mut here = at;
    while here < bytes.len() {
        let byte = bytes[here];
        let opens_text = byte == b'"'
            || byte == b'\'' && matches!(bytes[here - 1], b'{' | b'[' | b'(' | b',' | b':' | b' ');
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ if opens_text => match closing(bytes, here + 1, byte, slashes) {
                Some(close) => here = close,
                None => return bytes.len(),
            },
            _ => {}
        }
        here += 1;
        if depth == 0 {
            return here;
        }
        slashes = if byte == b'\\' { slashes + 1 } else { 0 };
    }
    bytes.len()
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'%' | b'[' | b']' | b'@')
        || byte >= 0x80
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// `text[start..end]`, from the next whole character.
fn clip(text: &str, start: usize, end: usize) -> &str {
    let start = (start..end).find(|&at| text.is_char_boundary(at)).unwrap_or(end);
    text.get(start..end).unwrap_or_default()
}
