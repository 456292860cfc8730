//! Names in a text, and the separators between a name and its value.

use crate::redact::keys::{added_by_deployment, completes_a_pair, hides};

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

#[rustfmt::skip]
pub(super) const NAMES_OF_A_VALUE: [&str; 11] = [
    "val", "v", "content", "data", "default", "text", "old", "new", "current", "previous", "input",
];

/// Words before `key` and `name` that do not belong to the name of a key: `ParameterKey`, `setting_name`.
#[rustfmt::skip]
const KINDS_OF_A_NAME: [&str; 14] = [
    "parameter", "param", "output", "input", "setting", "variable", "option", "header", "env", "environment", "config",
    "attribute", "field", "property",
];

/// Whether the header holds a credential although the key rule does not find its name sensitive.
pub(crate) fn is_credential_header(name: &str) -> bool {
    is_one_of(name, &CREDENTIAL_HEADERS)
}

/// Whether this key holds the name in a name-value pair, as in lists of headers, parameters and settings.
pub(crate) fn holds_the_name(name: &str) -> bool {
    let is_kind = |tail: &str| {
        let kind = name.len().checked_sub(tail.len()).and_then(|at| name.split_at_checked(at));
        kind.is_some_and(|(kind, end)| {
            end.eq_ignore_ascii_case(tail)
                && is_one_of(kind.trim_end_matches(['_', '-', ' ']), &KINDS_OF_A_NAME)
        })
    };
    is_one_of(name, &NAMES_OF_A_NAME) || is_kind("key") || is_kind("name")
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
}

impl Separator {
    /// Reads `=`, `:`, `==`, `:=`, `=>`, `->`, or a full-width `＝` or `：`, as Chinese and Japanese keyboards write them.
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let (colon, mut end) = match bytes[at..] {
            [b'=', ..] => (false, at + 1),
            [b':', ..] => (true, at + 1),
            [b'-', b'>', ..] | [b'<', b'-' | b'>', b' ', ..] => (false, at + 2),
            [0xef, 0xbc, 0x9d, ..] => (false, at + 3),
            [0xef, 0xbc, 0x9a, ..] => (true, at + 3),
            _ => return None,
        };
        // `path::to` is not a name and a value, but `name:: base64` is, in LDIF (RFC 2849).
        if colon && bytes[end..].starts_with(b": ") {
            end += 1;
        } else if colon && (bytes.get(end) == Some(&b':') || at > 0 && bytes[at - 1] == b':') {
            return None;
        }
        let longest = end + 2;
        while end < longest && bytes.get(end).is_some_and(|byte| matches!(byte, b'=' | b'>')) {
            end += 1;
        }
        Some(Self { at, end, colon })
    }
}

pub(super) struct FoundName<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) is_quoted: bool,
    pub(super) bytes: &'a [u8],
    pub(super) floor: usize,
}

impl<'a> FoundName<'a> {
    /// Returns the name before the separator at `end`.
    pub(super) fn before(text: &'a str, floor: usize, separator: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let limit = floor.max(separator.saturating_sub(LONGEST_NAME));
        let back = |from: usize, holds: &dyn Fn(u8) -> bool| {
            bytes[limit..from]
                .iter()
                .rposition(|&byte| !holds(byte))
                .map_or(limit, |last| limit + last + 1)
        };
        let mut end = back(separator, &|byte| matches!(byte, b' ' | b'\t'));
        let is_equals = bytes.get(separator) == Some(&b'=');
        // `!=`, `~=`, `??=`, `||=`, `+=`.
        if is_equals && end == separator {
            end = back(end, &|byte| b"!~?|+".contains(&byte));
            end = back(end, &|byte| byte == b' ');
        }
        // `**Password**: …` in Markdown.
        end = back(end, &|byte| byte == b'*');
        // `env['API_KEY'] = …`
        if end >= limit + 2 && bytes[end - 1] == b']' && is_quote(bytes[end - 2]) {
            end -= 1;
        }
        // `Key (api_key)=(…) already exists`, an error of PostgreSQL; not `pam_unix(sshd:session): …`.
        if is_equals && end >= limit + 2 && bytes[end - 1] == b')' {
            end -= 1;
        }
        // JSON may have the separator on a line of its own.
        let line = back(end, &|byte| byte.is_ascii_whitespace());
        if line > limit && bytes[line - 1] == b'"' {
            end = line;
        }
        let quote = *bytes[limit..end].last()?;
        if is_quote(quote) {
            end -= 1;
            // An escaped quote is one in a view of the text.
            if bytes[limit..end].last() == Some(&b'\\') {
                return None;
            }
            let start = back(end, &|byte| byte != quote && (byte >= b' ' || byte == 1));
            let is_cut = start == limit && limit > floor;
            let is_opened =
                is_cut || start > limit && (bytes[start - 1] == quote || bytes[start - 1] < b' ');
            let text = clip(text, start, end);
            // A sentence that names a field is not a name.
            let is_name =
                text.trim() == text && text.split(' ').count() <= 3 && !text.contains('`');
            return (is_opened && is_name).then_some(Self {
                text,
                start,
                is_quoted: true,
                bytes,
                floor,
            });
        }
        let mut start = back(end, &in_name);
        // `[password:protected] => x`, as PHP prints the fields of an object.
        if bytes[end - 1] == b']' && start > limit && bytes[start - 1] == b':' {
            start = back(end, &|byte| in_name(byte) || byte == b':');
        }
        let text = clip(text, start, end);
        // `auth::session: …` is a path of modules.
        let is_path = bytes[..start].ends_with(b"::") && bytes[separator] == b':';
        let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic() || byte >= 0x80);
        (has_letter && !is_path).then_some(Self { text, start, is_quoted: false, bytes, floor })
    }

    pub(super) fn is_sensitive(&self) -> bool {
        let hidden = hides(self.text) || is_credential_header(self.text);
        let Some(two) = self.widened().filter(|_| !self.is_quoted) else {
            return hidden;
        };
        let judged = |holds: &dyn Fn(&str) -> bool| {
            holds(two.text) || two.widened().is_some_and(|three| holds(three.text))
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
        let in_query = self.start > 0 && matches!(self.bytes[self.start - 1], b'?' | b'&');
        !in_query && (self.ends_in("authorization") || self.ends_in("cookie"))
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
    pub(super) fn opener(&self) -> u8 {
        let before = &self.bytes[self.floor..self.start];
        before.iter().rev().copied().find(|&byte| byte != b' ').unwrap_or(b'\n')
    }

    /// Whether the name begins a line or a field, and does not end a sentence ("could not read the token: …").
    pub(super) fn begins_field(&self) -> bool {
        let first = self.widened().map(|two| two.widened().unwrap_or(two));
        [Some(self), first.as_ref()]
            .into_iter()
            .flatten()
            .any(|name| b"\n\r\t,;{([|\"'`".contains(&name.opener()))
    }
}

pub(super) fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'%' | b'[' | b']' | b'@')
        || byte >= 0x80
        // An escape without a character of its own, in a view.
        || byte == 1
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
