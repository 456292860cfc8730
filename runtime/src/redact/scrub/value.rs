//! Finds the end of a value that is hidden because of its name.

use super::name::{FoundName, LONGEST_NAME, Separator, clip, in_name, is_one_of, is_quote};
use super::range::{HiddenRange, run};
use crate::redact::keys::{decoded, hides};

/// The value after a name and its separator.
pub(super) struct NamedValue<'a, 'b> {
    pub(super) text: &'a str,
    pub(super) name: &'b FoundName<'a>,
    pub(super) separator: &'b Separator,
}

impl<'a> NamedValue<'a, '_> {
    pub(super) fn secret(&self) -> Option<HiddenRange<'a>> {
        let bytes = self.text.as_bytes();
        let quoted_name = !self.name.quote.is_empty();
        let start = run(bytes, self.separator.end, |byte| {
            matches!(byte, b' ' | b'\t') || quoted_name && matches!(byte, b'\n' | b'\r')
        });
        let slashes = run(bytes, start, |byte| byte == b'\\') - start;
        let quote = *bytes.get(start + slashes)?;
        if let Some(secret) = self.block(start).or_else(|| self.typographic(start)) {
            return Some(secret);
        }
        if is_quote(quote) {
            return Some(self.quoted(start + slashes, quote, slashes));
        }
        // `Some("x")`, `Token { … }`, `b"x"`, and lists and objects.
        let bracket = run(bytes, start, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'&' | b':')
        });
        let opened = match bytes.get(bracket) {
            Some(b' ') if bytes.get(bracket + 1) == Some(&b'{') && bracket > start => {
                Some(bracket + 1)
            }
            Some(b'(' | b'[' | b'{') => Some(bracket),
            Some(&quote)
                if is_quote(quote)
                    && (1..=2).contains(&(bracket - start))
                    && bytes[start..bracket].iter().all(|byte| b"bBrRuUfF&".contains(byte)) =>
            {
                return Some(self.quoted(bracket, quote, 0));
            }
            _ => None,
        };
        // If the next line begins with a field of its own, the value is missing.
        if opened.is_none()
            && bytes[self.separator.end..start].contains(&b'\n')
            && label_follows(bytes, start, true)
        {
            return None;
        }
        let end = match opened {
            Some(at) => balanced(bytes, at),
            None if self.name.is_header() && !quoted_name => self.line_end(start),
            None => self.unquoted_end(start),
        };
        (end > start).then_some(HiddenRange { start, end, quotes: self.name.quote })
    }

    /// Returns the indented lines of a YAML block, after `password: |` or after `password:`.
    fn block(&self, start: usize) -> Option<HiddenRange<'a>> {
        if !self.separator.colon || !self.name.quote.is_empty() {
            return None;
        }
        let bytes = self.text.as_bytes();
        let marked = matches!(bytes[start], b'|' | b'>');
        let marks =
            |byte: u8| matches!(byte, b'|' | b'>' | b'-' | b'+' | b'\r') || byte.is_ascii_digit();
        let first = run(bytes, start, |byte| marks(byte) && (marked || byte == b'\r'));
        let mut end = first;
        while bytes.get(end) == Some(&b'\n') {
            let text = run(bytes, end + 1, |byte| matches!(byte, b' ' | b'\t'));
            let is_more = text > end + 1
                && bytes.get(text).is_some_and(|byte| !matches!(byte, b'\n' | b'\r'))
                && (marked || !label_follows(bytes, text, true));
            if !is_more {
                break;
            }
            end = run(bytes, text, |byte| byte != b'\n');
        }
        (end > first)
            .then(|| HiddenRange::new(run(bytes, first, |byte| byte.is_ascii_whitespace()), end))
    }

    /// Returns the content of `“…”`, `«…»` and the like.
    fn typographic(&self, start: usize) -> Option<HiddenRange<'a>> {
        let text = self.text.get(start..)?;
        let (open, close) = [("“", "”"), ("„", "“"), ("«", "»"), ("‘", "’"), ("「", "」")]
            .into_iter()
            .find(|(open, _)| text.starts_with(open))?;
        let start = start + open.len();
        let end = self.text[start..].find(close).map_or(self.text.len(), |len| start + len);
        (end > start).then(|| HiddenRange::new(start, end))
    }

    /// Whether the value is itself a sensitive name. It is read no farther than a name can be long, because the scan
    /// continues at its start.
    pub(super) fn names_a_secret(&self) -> bool {
        let end = self.text.len().min(self.separator.end + LONGEST_NAME);
        let end = (0..=end).rev().find(|&end| self.text.is_char_boundary(end)).unwrap_or(0);
        let near = NamedValue { text: &self.text[..end], ..*self };
        near.secret().is_some_and(|it| hides(clip(near.text, it.start, it.end)))
    }

    fn quoted(&self, at: usize, quote: u8, slashes: usize) -> HiddenRange<'a> {
        let bytes = self.text.as_bytes();
        let triple = [quote; 3];
        if bytes[at..].starts_with(&triple) {
            let end = bytes[at + 3..].windows(3).position(|part| part == triple);
            return HiddenRange::new(at + 3, end.map_or(bytes.len(), |len| at + 3 + len));
        }
        HiddenRange::new(
            at + 1,
            closing(bytes, at + 1, quote, slashes, true)
                .map_or(bytes.len(), |close| close - slashes),
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
            let escaped = bytes[at] == b'\\'
                && match bytes.get(at + 1) {
                    Some(b'n' | b'r') => true,
                    // If the text is escaped, so are the quotes in the value: `Digest realm=\"…\", …`.
                    Some(b'"') => json_goes_on(&bytes[at + 2..]),
                    _ => false,
                };
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
        let sentence =
            self.separator.colon && spaced && (self.name.is_phrase() || self.name.begins_field());
        let mut at = start;
        while at < bytes.len() {
            let ends = match bytes[at] {
                b'&' | b'\n' | b'\r' | b'<' => true,
                byte if is_quote(byte) => quote_ends(bytes, at),
                b' ' | b'\t' => {
                    !is_scheme(&bytes[start..at])
                        && (!sentence || label_follows(bytes, at + 1, false))
                }
                b',' | b';' | b')' | b']' | b'}' => field_ends(bytes, at),
                // An escaped line end.
                b'\\' => [&b"\\r\\n"[..], b"\\n"].iter().any(|line| {
                    bytes[at..].starts_with(line) && label_follows(bytes, at + line.len(), false)
                }),
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

    /// Whether it is the `code` or `state` of an OAuth redirect: `?code=…&state=…`.
    pub(super) fn is_grant(&self) -> bool {
        let in_query = |at: usize| matches!(self.text.as_bytes()[at], b'?' | b'&');
        // The name is checked first, so that a value that is not hidden is not read to its end.
        is_grant_name(self.name.text) && self.name.start.checked_sub(1).is_some_and(in_query) && {
            let start = self.separator.end;
            is_grant(self.name.text, clip(self.text, start, self.unquoted_end(start)))
        }
    }
}

pub(super) const GRANTS: [&str; 2] = ["code", "state"];

pub(super) fn is_grant_name(name: &str) -> bool {
    is_one_of(name, &GRANTS)
}

/// Whether the parameter is the `code` or `state` of an OAuth redirect, and not a status code or `state=open`.
pub(super) fn is_grant(name: &str, value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let word = value.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    if name.eq_ignore_ascii_case("code") {
        value.len() >= 10 && digits < value.len()
    } else {
        let opaque = value.len() >= 8 && digits > 0 || value.len() >= 16 && !word;
        name.eq_ignore_ascii_case("state") && opaque && digits < value.len()
    }
}

/// Whether `rest` continues JSON after a string: with the next string, or with the end of the list or object.
fn json_goes_on(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    match rest.first() {
        None | Some(b'}' | b']') => true,
        Some(b',') => matches!(rest[1..].trim_ascii_start().first(), Some(b'\\' | b'"')),
        _ => false,
    }
}

/// Whether the word is an authentication scheme, so that the value continues after the blank: `Bearer abc`.
fn is_scheme(word: &[u8]) -> bool {
    [&b"bearer"[..], b"basic", b"digest", b"token", b"apikey", b"negotiate", b"ntlm", b"hmac"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether a comma or bracket at `at` ends the field, and is not part of a password.
fn field_ends(bytes: &[u8], at: usize) -> bool {
    let mut next = at;
    while next < at + 4
        && bytes
            .get(next)
            .is_some_and(|byte| matches!(byte, b',' | b';' | b')' | b']' | b'}' | b'.'))
    {
        next += 1;
    }
    // A clause continues after `)`: `error for url (…?token=x): refused`.
    let clause = bytes[at] == b')' && bytes[next..].starts_with(b": ");
    clause
        || bytes
            .get(next)
            .is_none_or(|&byte| byte.is_ascii_whitespace() || is_quote(byte) || byte == b'<')
        || label_follows(bytes, next, false)
}

/// Whether a quote at `at` ends the text around the field, and is not part of a password.
fn quote_ends(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 1).is_none_or(|&byte| !byte.is_ascii_alphanumeric() && byte < 0x80)
}

/// Whether a name and a separator start at `at`; `blanks` allows blanks between them.
fn label_follows(bytes: &[u8], at: usize, blanks: bool) -> bool {
    let window = &bytes[..bytes.len().min(at + LONGEST_NAME / 2)];
    let name = if at < window.len() { run(window, at, in_name) } else { at };
    let end = if blanks { run(window, name, |byte| byte == b' ') } else { name };
    name > at && bytes.get(end).is_some_and(|byte| matches!(byte, b'=' | b':'))
}

/// Returns the position of the closing quote. In text that was escaped `n` times, 2ⁿ-1 backslashes precede its own
/// quotes, and twice that number and one more precede the quotes inside its strings.
///
/// `is_value` skips quotes that open a string: a value does not contain strings, but a bracket may.
fn closing(bytes: &[u8], from: usize, quote: u8, slashes: usize, is_value: bool) -> Option<usize> {
    let mut run = 0;
    let mut doubled = from;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        // SQL doubles a quote inside a string.
        if byte == b'\'' && quote == byte && slashes == 0 && is_value && at > from {
            if at < doubled {
                continue;
            }
            let behind =
                bytes.get(at + 2).is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b' ');
            if bytes.get(at + 1) == Some(&quote) && behind {
                doubled = at + 2;
                continue;
            }
        }
        if byte == quote
            && run % (2 * (slashes + 1)) == slashes
            && !(is_value && opens(bytes, from, at - slashes, at))
        {
            return Some(at);
        }
        run = if byte == b'\\' { run + 1 } else { 0 };
    }
    None
}

/// Whether a quote opens a string instead of closing one. If user input left a quote open, the next one may be the
/// first of `password="…"`, and the text after it must stay hidden.
fn opens(bytes: &[u8], from: usize, start: usize, at: usize) -> bool {
    let before = bytes[from..start].last();
    match bytes.get(at + 1) {
        None => false,
        Some(&byte) if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 => true,
        // The quote closes a name.
        Some(b':' | b'=') => true,
        Some(byte) => {
            let delimits = byte.is_ascii_whitespace() || b",;.)]}>&<\\/\"'`|?!".contains(byte);
            !delimits && before.is_some_and(|byte| b"([{:=".contains(byte))
        }
    }
}

/// Returns the end of the brackets that open at `at`, or the end of the text if they are not closed.
pub(super) fn balanced(bytes: &[u8], at: usize) -> usize {
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
            _ if opens_text => match closing(bytes, here + 1, byte, slashes, false) {
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
