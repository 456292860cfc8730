//! Names in a text, and the separators between a name and its value.

use crate::redact::keys::{added_by_deployment, completes_a_pair, decoded, hides};

/// The scanner looks back no farther than this for a name, which keeps it linear.
pub(super) const LONGEST_NAME: usize = 128;

#[rustfmt::skip]
pub(super) const CREDENTIAL_HEADERS: [&str; 6] = [
    "authentication-info", "proxy-authentication-info", "x-ms-client-principal", "x-amzn-oidc-data", "x-client-cert",
    "x-sign",
];

#[rustfmt::skip]
pub(super) const NAMES_OF_A_NAME: [&str; 15] = [
    "name", "key", "field", "header", "param", "parameter", "label", "property", "attribute", "variable", "setting",
    "option", "path", "k", "n",
];

pub(super) const NAMES_OF_A_VALUE: [&str; 6] = ["val", "v", "content", "data", "default", "text"];

/// Whether the header holds a credential although the key rule does not find its name sensitive.
pub(crate) fn is_credential_header(name: &str) -> bool {
    is_one_of(name, &CREDENTIAL_HEADERS)
}

/// Whether this key holds the name in a name-value pair, as in lists of headers, parameters and settings.
pub(crate) fn holds_the_name(name: &str) -> bool {
    is_one_of(name, &NAMES_OF_A_NAME)
}

/// Whether this key holds the value in a name-value pair; also `stringValue` and `new_value`.
pub(crate) fn holds_the_value(name: &str) -> bool {
    let ends = |tail: &str| {
        let from = name.len().checked_sub(tail.len());
        from.is_some_and(|from| name.as_bytes()[from..].eq_ignore_ascii_case(tail.as_bytes()))
    };
    ends("value") || ends("values") || is_one_of(name, &NAMES_OF_A_VALUE)
}

pub(super) struct Separator {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) colon: bool,
    /// Whether it is percent-encoded (`%3D`); then the end of the value is encoded too.
    pub(super) encoded: bool,
}

impl Separator {
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let (mut byte, mut end) = decoded(bytes, at);
        let encoded = end > at + 1;
        // Full-width `＝` and `：`, as Chinese and Japanese keyboards write them.
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
        // `path::to` is not a name and a value.
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

pub(super) struct FoundName<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// The quote after the name with its backslashes; empty if there is none.
    pub(super) quote: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) floor: usize,
}

impl<'a> FoundName<'a> {
    pub(super) fn before(text: &'a str, floor: usize, end: usize) -> Option<Self> {
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
        // `Key (api_key)=(…) already exists`, an error of PostgreSQL.
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

    pub(super) fn is_sensitive(&self) -> bool {
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
            // "prompt tokens: 512" is harmless, although "tokens" alone is not.
            judged(&hides)
        } else {
            completes_a_pair(self.text) && judged(&hides) || judged(&added_by_deployment)
        }
    }

    /// Whether `holds` is true of the name. In `\npin=…`, from escaped text, the name may also begin after the `n`.
    fn any(&self, holds: &dyn Fn(&str) -> bool) -> bool {
        let escaped = self.start.checked_sub(1).is_some_and(|before| self.bytes[before] == b'\\')
            && self.text.starts_with(['n', 'r', 't']);
        holds(self.text) || escaped && holds(&self.text[1..])
    }

    /// Returns the name together with the word before it.
    fn widened(&self) -> Option<Self> {
        let end =
            self.start.checked_sub(1).filter(|&end| end > self.floor && self.bytes[end] == b' ')?;
        let limit = self.floor.max(end.saturating_sub(LONGEST_NAME / 2));
        let before = &self.bytes[limit..end];
        let start =
            limit + before.iter().rposition(|&byte| !in_word(byte)).map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&self.bytes[start..self.start + self.text.len()]).ok()?;
        (start < end).then_some(Self { text, start, ..*self })
    }

    /// Whether it is a header whose value may contain any character, and so ends with the line.
    pub(super) fn is_header(&self) -> bool {
        self.ends_in("authorization") || self.ends_in("cookie")
    }

    /// Whether the value consists of several words.
    pub(super) fn is_phrase(&self) -> bool {
        self.ends_in("phrase") || self.ends_in("mnemonic")
    }

    fn ends_in(&self, word: &str) -> bool {
        let name = self.text.as_bytes();
        name.len() >= word.len()
            && name[name.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
    }

    /// Returns the character before the name, ignoring spaces; a line feed if the text begins with the name.
    fn opener(&self) -> u8 {
        let before = &self.bytes[self.floor..self.start];
        before.iter().rev().copied().find(|&byte| byte != b' ').unwrap_or(b'\n')
    }

    /// Whether the name begins a line or a field, and does not end a sentence ("could not read the token: …").
    pub(super) fn begins_field(&self) -> bool {
        let first = self.widened().map(|two| two.widened().unwrap_or(two));
        [Some(self), first.as_ref()].into_iter().flatten().any(|name| {
            matches!(name.opener(), b'\n' | b'\r' | b'\t' | b',' | b';' | b'{' | b'(' | b'[' | b'|')
        })
    }
}

/// Returns the start of the escape that ends at `at` or contains it. `Debug` and JSON write `pass\u{200b}word` and
/// `pass\u0077ord`, with one backslash for each time that the text was escaped.
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

/// Returns the name with its escapes decoded.
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

/// Whether the byte belongs to a word before a name: digits do not, as in `user=42 elapsed: …`.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-') || byte >= 0x80
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

pub(super) fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Returns `text[start..end]`, with `start` moved to the next character boundary.
pub(super) fn clip(text: &str, start: usize, end: usize) -> &str {
    let start = (start..end).find(|&at| text.is_char_boundary(at)).unwrap_or(end);
    text.get(start..end).unwrap_or_default()
}
