//! Finds the end of a value that is hidden because of its name.

use super::harmless::{HARMLESS_BYTES, is_harmless, is_no_pair};
use super::name::{FoundName, LONGEST_NAME, Separator, clip, in_name, is_one_of, is_quote};
use super::range::{HiddenBy, HiddenRange, REDACTED, run};
use super::token::private_key;
use crate::redact::keys::hides;

/// The value after a name and its separator.
pub(super) struct NamedValue<'a, 'b> {
    pub(super) text: &'a str,
    pub(super) name: &'b FoundName<'a>,
    pub(super) separator: &'b Separator,
}

impl NamedValue<'_, '_> {
    pub(super) fn secret(&self) -> Option<HiddenRange> {
        let name = self.name.start;
        let reason = HiddenBy::Name(name, name + self.name.text.len());
        self.hidden().map(|range| HiddenRange { reason, ..range })
    }

    fn hidden(&self) -> Option<HiddenRange> {
        let bytes = self.text.as_bytes();
        let quoted_name = self.name.is_quoted;
        // Text in escaped quotes ends with them, in a view.
        if let Some([b'\\', quote]) = bytes[..self.name.start].last_chunk()
            && is_quote(*quote)
        {
            return None;
        }
        let first = run(bytes, self.separator.end, |byte| {
            matches!(byte, b' ' | b'\t' | 1) || quoted_name && matches!(byte, b'\n' | b'\r')
        });
        let start = self.after_type(first);
        if let Some(secret) = self.before_string(start) {
            return Some(secret);
        }
        let quote = *bytes.get(start)?;
        if is_no_pair(self.name, self.separator, start) {
            return None;
        }
        if let Some(secret) =
            self.block(start).or_else(|| self.typographic(start)).or_else(|| self.heredoc(start))
        {
            return Some(secret);
        }
        if is_quote(quote) {
            return Some(self.quoted(start, quote));
        }
        // `Some("x")`, `Token { … }`, `b"x"`, and lists and objects.
        let bracket = run(bytes, start, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'&' | b':')
        });
        let opened = match bytes.get(bracket) {
            Some(b' ') if bytes.get(bracket + 1) == Some(&b'{') && bracket > start => {
                Some(bracket + 1)
            }
            // `Just "x"` in Haskell.
            Some(b' ')
                if bytes.get(bracket + 1) == Some(&b'"') && &bytes[start..bracket] == b"Just" =>
            {
                return Some(self.quoted(bracket + 1, b'"'));
            }
            Some(b'(' | b'[' | b'{') => Some(bracket),
            Some(&quote)
                if is_quote(quote)
                    && bytes
                        .get(bracket + 1)
                        .is_some_and(|&next| next > b' ' && !b",;)]}".contains(&next))
                    && (1..=2).contains(&(bracket - start))
                    && bytes[start..bracket]
                        .iter()
                        .all(|byte| b"bBrRuUfFeExXnN&".contains(byte)) =>
            {
                return Some(self.quoted(bracket, quote));
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
            // `{SSHA}5en6G6MezRroT3XKqkdPOmY` goes on after the bracket.
            Some(at) => self.after_bracket(start, balanced(bytes, at)),
            None => {
                let end = |limit| {
                    if self.name.is_header() && !quoted_name {
                        self.line_end(start, limit)
                    } else {
                        self.unquoted_end_within(start, start, limit)
                    }
                };
                // A value that is not hidden is not read to its end, which keeps the scan linear.
                let judged = start + HARMLESS_BYTES;
                // A backslash before the limit is left out, as one before the end of a value is.
                let near = end(judged + 1);
                if is_harmless(self.name, self.separator, start, near) {
                    return None;
                }
                if near < judged { near } else { end(bytes.len()) }
            }
        };
        let quote = self.name.is_quoted.then(|| {
            let quote = self.name.start + self.name.text.len();
            (quote, quote + 1)
        });
        (end > start).then_some(HiddenRange { quote, ..HiddenRange::new(start, end) })
    }

    /// Returns the end of a value that began with brackets: `string(12) "x"` and `(string) (len=12) "x"` go on.
    fn after_bracket(&self, start: usize, mut end: usize) -> usize {
        let bytes = self.text.as_bytes();
        loop {
            match bytes[end..] {
                [b' ', b'"', ..] => return bytes.len().min(self.quoted(end + 1, b'"').end + 1),
                [b' ', b'(', ..] => end = balanced(bytes, end + 1),
                // A part of a URL that was scrubbed before.
                [b'/', ..] if bytes[start..end] == *REDACTED.as_bytes() => return end,
                _ => return self.unquoted_end(start, end),
            }
        }
    }

    /// Returns the position after a type (`password: &str = "x"`) or a scheme.
    fn after_type(&self, start: usize) -> usize {
        match self.word_before_string(start) {
            Some((word, quote)) if is_type(word) || is_auth_scheme(word) => quote,
            _ => start,
        }
    }

    /// Returns the word and the string after it that may both be parts of the value: `password: hunter2 = "x"`,
    /// `password: !tag "x"`.
    fn before_string(&self, start: usize) -> Option<HiddenRange> {
        let (_, quote) = self.word_before_string(start)?;
        let end = self.quoted(quote, self.text.as_bytes()[quote]).end;
        Some(HiddenRange::new(start, self.text.len().min(end + 1)))
    }

    /// Returns the word after a colon and the position of the string that follows after `=` or a scheme.
    fn word_before_string(&self, start: usize) -> Option<(&[u8], usize)> {
        let bytes = self.text.as_bytes();
        let near = &bytes[..bytes.len().min(start + LONGEST_NAME)];
        let end = run(near, start, |byte| byte > b' ' && !is_quote(byte));
        let word = bytes.get(start..end).filter(|word| self.separator.colon && !word.is_empty())?;
        match bytes[end..] {
            [b' ', b'=', b' ', quote, ..] if is_quote(quote) => Some((word, end + 3)),
            [b' ', quote, ..] if is_quote(quote) && is_scheme(word) => Some((word, end + 1)),
            _ => None,
        }
    }

    /// Returns the lines of a here-document: `<<EOT`, and the lines up to `EOT`.
    fn heredoc(&self, start: usize) -> Option<HiddenRange> {
        let bytes = self.text.as_bytes();
        let rest = bytes[start..].strip_prefix(b"<<")?;
        let rest = rest.strip_prefix(b"-").or(rest.strip_prefix(b"~")).unwrap_or(rest);
        let marker = &rest[..run(rest, 0, |byte| byte.is_ascii_alphanumeric() || byte == b'_')];
        let after = bytes.len() - rest.len() + marker.len();
        let line = run(bytes, after, |byte| matches!(byte, b' ' | b'\t' | b'\r')) + 1;
        if marker.is_empty() || line >= bytes.len() || bytes[line - 1] != b'\n' {
            return None;
        }
        let mut end = line;
        while end < bytes.len() {
            let next = run(bytes, end, |byte| byte != b'\n');
            if bytes[end..next].trim_ascii() == marker {
                let has_text = end > line;
                return has_text.then(|| HiddenRange::new(line, end - 1));
            }
            end = bytes.len().min(next + 1);
        }
        // Without its end, the marker may be a password.
        Some(HiddenRange::new(start, bytes.len()))
    }

    /// Returns the indented lines of a YAML block, after `password: |` or after `password:`, and the items of a list.
    fn block(&self, start: usize) -> Option<HiddenRange> {
        if !self.separator.colon || self.name.is_quoted {
            return None;
        }
        let bytes = self.text.as_bytes();
        // A tag may come first: `!vault |`. A password may begin with `!`, too.
        let tag = if bytes[start] == b'!' { run(bytes, start, |byte| byte > b' ') } else { start };
        let behind = run(bytes, tag, |byte| byte == b' ');
        let is_marked = matches!(bytes.get(behind), Some(b'|' | b'>'));
        let start = if is_marked { behind } else { start };
        let marks =
            |byte: u8| matches!(byte, b'|' | b'>' | b'-' | b'+' | b'\r') || byte.is_ascii_digit();
        let first = run(bytes, start, |byte| marks(byte) && (is_marked || byte == b'\r'));
        let column = self.column();
        // `tokens:` may have one under each of several names.
        let is_plural = self.name.text.ends_with('s');
        let mut end = first;
        while bytes.get(end) == Some(&b'\n') {
            let text = run(bytes, end + 1, |byte| matches!(byte, b' ' | b'\t'));
            let indent = text - end - 1;
            let is_item =
                bytes[text..].starts_with(b"- ") && column.is_some_and(|column| indent >= column);
            let is_inside = column.is_some_and(|column| indent > column);
            // An empty line of a block.
            if is_marked && bytes.get(text) == Some(&b'\n') && bytes.get(text + 1) == Some(&b' ') {
                end = text;
                continue;
            }
            let is_more = (indent > 0 || is_item)
                && (is_item || is_inside || column.is_none())
                && bytes.get(text).is_some_and(|byte| !matches!(byte, b'\n' | b'\r'))
                && (is_marked
                    || is_item
                    || is_inside && is_plural
                    || !label_follows(bytes, text, true));
            if !is_more {
                break;
            }
            end = run(bytes, text, |byte| byte != b'\n');
        }
        (end > first)
            .then(|| HiddenRange::new(run(bytes, first, |byte| byte.is_ascii_whitespace()), end))
    }

    /// Returns how far the name is indented, if it begins its line.
    fn column(&self) -> Option<usize> {
        let head = &self.text.as_bytes()[..self.name.start];
        let blanks = head.iter().rev().take_while(|&&byte| byte == b' ').count();
        let line = head.len() - blanks;
        (line == 0 || matches!(head[line - 1], b'\n' | b'"' | b'\'')).then_some(blanks)
    }

    /// Returns the content of `“…”`, `«…»` and the like.
    fn typographic(&self, start: usize) -> Option<HiddenRange> {
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

    /// Returns the content of the string that begins with the quote at `at`, with the strings that are joined to it.
    fn quoted(&self, at: usize, quote: u8) -> HiddenRange {
        let bytes = self.text.as_bytes();
        let triple = [quote; 3];
        if bytes[at..].starts_with(&triple) {
            let end = bytes[at + 3..].windows(3).position(|part| part == triple);
            return HiddenRange::new(at + 3, end.map_or(bytes.len(), |len| at + 3 + len));
        }
        let (mut open, mut quote) = (at, quote);
        loop {
            let Some(close) = closing(bytes, open + 1, quote, true) else {
                return HiddenRange::new(at + 1, bytes.len());
            };
            (open, quote) = match bytes[close + 1..] {
                // A new value may follow the old one: `"x" -> "y"`; and a part of it: `"x" + "y"`.
                [b' ', b'-', b'>', b' ', next, ..] if is_quote(next) => (close + 5, next),
                [b' ', b'+', b' ', next, ..] if is_quote(next) => (close + 4, next),
                // A shell joins strings: `'it'\''s'`.
                [b'\\', b'\'', b'\'', ..] => (close + 3, b'\''),
                [b'"', b'\'', b'"', next, ..] | [b'\'', b'"', b'\'', next, ..]
                    if is_quote(next) =>
                {
                    (close + 4, next)
                }
                _ => return HiddenRange::new(at + 1, close),
            };
        }
    }

    /// Returns the end of the line, or of the string that begins with the name, or the limit if that is nearer.
    fn line_end(&self, start: usize, limit: usize) -> usize {
        let bytes = self.text.as_bytes();
        let opener = bytes[..self.name.start].last().filter(|&&byte| is_quote(byte));
        // `Digest realm="a", nonce="b"` holds strings itself.
        let mut in_string = false;
        let mut at = start;
        while at < bytes.len().min(limit) {
            let escaped = bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'n' | b'r'));
            if escaped || matches!(bytes[at], b'\n' | b'\r') {
                break;
            }
            if Some(&bytes[at]) == opener {
                if !in_string && bytes[at - 1] != b'=' && bytes[at - 1] != b' ' {
                    break;
                }
                in_string = !in_string;
            }
            at += 1;
        }
        at
    }

    /// Returns the end of the value that starts at `start`, given that it does not end before `at`.
    ///
    /// If in doubt the value goes on: a password can contain any character. It ends at a blank, or where another field
    /// begins.
    fn unquoted_end(&self, start: usize, at: usize) -> usize {
        self.unquoted_end_within(start, at, self.text.len())
    }

    /// The same up to a limit: a value that is longer ends there or farther on.
    fn unquoted_end_within(&self, start: usize, mut at: usize, limit: usize) -> usize {
        let bytes = self.text.as_bytes();
        let least = at;
        let spaced = self.separator.end < start;
        let is_sentence = at == start
            && self.separator.colon
            && spaced
            && (self.name.is_phrase() || self.name.begins_field());
        if let Some(key) = private_key(self.text, at) {
            return key.end;
        }
        let mut has_dollar = bytes[start..at].contains(&b'$');
        while at < bytes.len().min(limit) {
            has_dollar |= bytes[at] == b'$';
            let ends = match bytes[at] {
                b'\n' if at > start && bytes[at - 1] == b'\\' => {
                    at = run(bytes, at, |byte| byte.is_ascii_whitespace());
                    continue;
                }
                b'\n' => {
                    let text = run(bytes, at + 1, |byte| byte == b' ');
                    let is_more = self.separator.colon
                        && (least == start || at > least)
                        && text < bytes.len()
                        && self.column().is_some_and(|column| text - at - 1 > column)
                        && !label_follows(bytes, text, true);
                    if is_more {
                        at = text;
                        continue;
                    }
                    true
                }
                b'\r' => true,
                b'&' => parameter_follows(bytes, at),
                b'<' => tag_follows(bytes, at),
                byte if is_quote(byte) => quote_ends(bytes, at),
                b' ' | b'\t' => {
                    // `secret=a,password => "x"`: another name, whose value follows.
                    if let Some(next) = self.next_name(least, at) {
                        return next;
                    }
                    let word = bytes[start..at].rsplit(|&byte| byte == b' ').next();
                    !word.is_some_and(is_scheme)
                        && (!is_sentence || label_follows(bytes, at + 1, false))
                }
                // The parameters of a password hash: `$argon2id$v=19$m=65536,t=3,p=4$…`.
                b',' if has_dollar && bytes.get(at + 2) == Some(&b'=') => false,
                b',' | b';' | b')' | b']' | b'}' => field_ends(bytes, at),
                // An escaped line end.
                b'\\' => [&b"\\r\\n"[..], b"\\n"].iter().any(|line| {
                    bytes[at..].starts_with(line) && label_follows(bytes, at + line.len(), false)
                }),
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

    /// Returns the comma or semicolon before the last part of a value, if that part is a sensitive name or a scheme.
    fn next_name(&self, start: usize, end: usize) -> Option<usize> {
        let near = start.max(end.saturating_sub(LONGEST_NAME));
        let part =
            near + self.text.as_bytes()[near..end].iter().rposition(|byte| b",;".contains(byte))?;
        let name = clip(self.text, part + 1, end).trim_matches(|c: char| "{([\"':-".contains(c));
        (hides(name) || is_auth_scheme(name.as_bytes())).then_some(part)
    }

    /// Whether it is the `code` or `state` of an OAuth redirect: `?code=…&state=…`, or a long `code` elsewhere.
    pub(super) fn is_grant(&self) -> bool {
        // The name is checked first, so that a value that is not hidden is not read to its end.
        if !is_grant_name(self.name.text) {
            return false;
        }
        let start = self.separator.end;
        let in_query = |at: usize| matches!(self.text.as_bytes()[at], b'?' | b'&');
        if self.name.start.checked_sub(1).is_some_and(in_query) {
            return is_grant(
                self.name.text,
                clip(self.text, start, self.unquoted_end(start, start)),
            );
        }
        self.name.text.eq_ignore_ascii_case("code")
            && !self.separator.colon
            && is_long_code(&self.text.as_bytes()[start..])
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

/// Whether the text begins with a generated code, and not with the name of an error: `4/0AX4XfWh…`, but not
/// `ERR_HTTP2_STREAM_ERROR`.
fn is_long_code(text: &[u8]) -> bool {
    // Without `=`, so that each byte is read for one name only.
    let in_code = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/+%".contains(&byte);
    let code = &text[..run(text, 0, in_code)];
    let count = |is: fn(&u8) -> bool| code.iter().filter(|byte| is(byte)).count();
    // One digit in lower-case words can be the version of something: `http2_stream_error`.
    let least_digits = if count(u8::is_ascii_uppercase) > 0 { 1 } else { 2 };
    code.len() >= 16
        && count(u8::is_ascii_lowercase) > 0
        && count(u8::is_ascii_digit) >= least_digits
}

/// Whether the word may not be the value itself, which follows after the blank: a scheme (`Bearer abc`), or a tag or
/// anchor of YAML (`!!str abc`, `&anchor abc`). A password may look like a tag, so it is never shown as one.
pub(super) fn is_scheme(word: &[u8]) -> bool {
    let is_yaml = |name: &[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_alphabetic);
    if let [b'&' | b'!', name @ ..] = word
        && is_yaml(name.strip_prefix(b"!").unwrap_or(name))
    {
        return true;
    }
    is_auth_scheme(word)
}

/// Whether the word is a scheme of authentication.
pub(super) fn is_auth_scheme(word: &[u8]) -> bool {
    [&b"bearer"[..], b"basic", b"digest", b"token", b"apikey", b"negotiate", b"ntlm", b"hmac"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether the word is the type of a text: `&str`, `Option<String>`, `std::string`.
fn is_type(word: &[u8]) -> bool {
    #[rustfmt::skip]
    const PARTS: [&str; 24] = [
        "str", "string", "char", "byte", "bytes", "u8", "vec", "cow", "box", "arc", "rc", "static", "mut", "std", "alloc",
        "borrow", "option", "optional", "nullable", "list", "secret", "secretstring", "secretbox", "any",
    ];
    let mut parts =
        word.split(|byte| !byte.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).peekable();
    parts.peek().is_some()
        && parts.all(|part| std::str::from_utf8(part).is_ok_and(|part| is_one_of(part, &PARTS)))
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
        || matches!(bytes[next - 1], b',' | b';') && label_follows(bytes, next, false)
}

/// Whether the `&` at `at` is followed by another parameter of a query: `&user=7`, or `&amp;user=7` in XML.
fn parameter_follows(bytes: &[u8], at: usize) -> bool {
    let start = if bytes[at..].starts_with(b"&amp;") { at + 5 } else { at + 1 };
    let window = &bytes[..bytes.len().min(start + LONGEST_NAME)];
    let end = run(window, start.min(window.len()), in_name);
    end > start && window.get(end) == Some(&b'=')
}

/// Whether a tag follows: `</password>`, `<br>`, `<user id=…`. A password may contain `<`, but seldom a whole tag.
fn tag_follows(bytes: &[u8], at: usize) -> bool {
    let window = &bytes[..bytes.len().min(at + LONGEST_NAME)];
    let end = run(window, at + 1, |byte| byte.is_ascii_lowercase());
    bytes.get(at + 1) == Some(&b'/')
        || end > at + 1 && matches!(window.get(end), Some(b'>' | b' ' | b'/'))
}

/// Whether a quote at `at` ends the text around the field, and is not part of a password.
pub(super) fn quote_ends(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 1).is_none_or(|&byte| !byte.is_ascii_alphanumeric() && byte < 0x80)
}

/// Whether a name and a separator start at `at`; `blanks` allows blanks between them.
pub(super) fn label_follows(bytes: &[u8], at: usize, blanks: bool) -> bool {
    let window = &bytes[..bytes.len().min(at + LONGEST_NAME / 2)];
    let name = if at < window.len() { run(window, at, in_name) } else { at };
    let end = if blanks { run(window, name, |byte| byte == b' ') } else { name };
    name > at && bytes.get(end).is_some_and(|byte| matches!(byte, b'=' | b':'))
}

/// Returns the position of the closing quote.
///
/// `is_value` skips quotes that open a string: a value does not contain strings, but a bracket may.
pub(super) fn closing(bytes: &[u8], from: usize, quote: u8, is_value: bool) -> Option<usize> {
    let mut is_escaped = false;
    let mut doubled = from;
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        // SQL doubles a quote inside a string.
        if byte == b'\'' && quote == byte && is_value && at > from {
            if at < doubled {
                continue;
            }
            let behind =
                bytes.get(at + 2).is_some_and(|&byte| byte >= b' ' && !b",;)]}".contains(&byte));
            if bytes.get(at + 1) == Some(&quote) && behind {
                doubled = at + 2;
                continue;
            }
        }
        if byte == quote && !is_escaped && !(is_value && opens(bytes, from, at)) {
            return Some(at);
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    None
}

/// Whether a quote opens a string instead of closing one. If user input left a quote open, the next one may be the
/// first of `password="…"`, and the text after it must stay hidden.
fn opens(bytes: &[u8], from: usize, at: usize) -> bool {
    let before = bytes[from..at].last();
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
    let mut here = at;
    while here < bytes.len() {
        let byte = bytes[here];
        let opens_text = byte == b'"'
            || byte == b'\'' && matches!(bytes[here - 1], b'{' | b'[' | b'(' | b',' | b':' | b' ');
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ if opens_text => match closing(bytes, here + 1, byte, false) {
                Some(close) => here = close,
                None => return bytes.len(),
            },
            _ => {}
        }
        here += 1;
        if depth == 0 {
            return here;
        }
    }
    bytes.len()
}
