//! A search for a secret in captured lines, in clear and in common encodings.

use super::Captured;
use crate::redact::keys::percent_decoded;

/// Length in bytes of the parts of a canary that are searched for. Shorter ones would match by chance.
const PART_LEN: usize = 6;

/// Asserts that a secret, the *canary*, does not occur in the captured lines.
///
/// The canary is searched for in clear, with JSON escapes, percent-encoded, in base64 (at each of the three offsets, in
/// both alphabets), in hex and as a list of bytes. Each part of six bytes counts as a leak, since part of a secret is
/// secret as well. Upper and lower case match each other. Choose a canary that does not contain words of the log.
///
/// The first argument is a [`Captured`](crate::testing::Captured), of which lines and
/// [output](crate::testing::Captured::output) are searched, or any text.
///
/// ```
/// use candor::testing::{assert_no_leak, capture};
///
/// let captured = capture();
/// tracing::info!(password = "hunter2-canary", attempt = 3, "log in");
/// assert_no_leak!(captured, "hunter2-canary");
/// ```
///
/// ```should_panic
/// # use candor::testing::{assert_no_leak, capture};
/// # let captured = capture();
/// tracing::info!(note = "aHVudGVyMi1jYW5hcnk=", "log in");
/// // the canary leaked: a part of it is in line 1 in base64, after `…seq":1,"note":"`
/// assert_no_leak!(captured, "hunter2-canary");
/// ```
///
/// # Panics
///
/// Panics if the canary is found or is shorter than six bytes. Also panics if nothing was captured, since then nothing
/// was tested.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_no_leak {
    ($captured:expr, $canary:expr $(,)?) => {
        $crate::testing::__assert_no_leak(&$captured, ::core::convert::AsRef::as_ref(&$canary))
    };
}

/// A capture or text to search for a canary.
pub trait SearchedText {
    fn searched_text(&self) -> String;
}

impl SearchedText for Captured {
    fn searched_text(&self) -> String {
        let mut lines = self.lines.all().join("\n");
        lines.push('\n');
        lines + &self.output()
    }
}

impl SearchedText for str {
    fn searched_text(&self) -> String {
        self.to_owned()
    }
}

impl SearchedText for String {
    fn searched_text(&self) -> String {
        self.clone()
    }
}

impl<T: SearchedText + ?Sized> SearchedText for &T {
    fn searched_text(&self) -> String {
        (**self).searched_text()
    }
}

#[doc(hidden)]
#[track_caller]
pub fn __assert_no_leak(captured: &(impl SearchedText + ?Sized), canary: &str) {
    let text = captured.searched_text();
    assert!(
        canary.len() >= PART_LEN,
        "a canary needs at least {PART_LEN} bytes, because shorter ones match by chance"
    );
    assert!(!text.trim().is_empty(), "nothing was captured, so nothing was tested for leaks");
    if let Some(leak) = find(&text, canary) {
        panic!("the canary leaked: {leak}");
    }
}

/// Describes the first leak, without showing any of the canary.
fn find(text: &str, canary: &str) -> Option<String> {
    let needles = Needle::all(canary.as_bytes());
    for (number, line) in text.lines().enumerate() {
        for (form, text) in forms(line) {
            let text = text.as_bytes();
            let lower = text.to_ascii_lowercase();
            let hit = needles.iter().filter_map(|needle| {
                let text = if needle.any_case { &lower } else { text };
                Some((position(text, &needle.bytes)?, needle.encoding))
            });
            if let Some((at, encoding)) = hit.min_by_key(|(at, _)| *at) {
                let whole = position(&lower, &canary.as_bytes().to_ascii_lowercase()).is_some();
                let what = if whole { "all" } else { "a part" };
                let how = match (encoding, form) {
                    ("", "") => "in clear".to_owned(),
                    (how, "") | ("", how) => format!("in {how}"),
                    (how, form) => format!("in {how} in {form}"),
                };
                let before = String::from_utf8_lossy(&text[at.saturating_sub(24)..at]).into_owned();
                return Some(format!(
                    "{what} of it is in line {} {how}, after `…{before}`",
                    number + 1
                ));
            }
        }
    }
    None
}

fn position(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

/// An encoded part of the canary.
struct Needle {
    encoding: &'static str,
    bytes: Vec<u8>,
    any_case: bool,
}

impl Needle {
    fn all(canary: &[u8]) -> Vec<Self> {
        let mut needles = Vec::new();
        for part in canary.windows(PART_LEN) {
            let mut put = |encoding, bytes: Vec<u8>, any_case| {
                needles.push(Needle { encoding, bytes, any_case });
            };
            put("", part.to_ascii_lowercase(), true);
            put(
                "hex",
                part.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
                true,
            );
            for separator in [", ", ","] {
                let list: Vec<String> = part.iter().map(ToString::to_string).collect();
                put("a list of bytes", list.join(separator).into_bytes(), false);
            }
            for offset in 0..3 {
                let std = base64(part, offset);
                let url: Vec<u8> = std.iter().map(|byte| url_safe(*byte)).collect();
                if url != std {
                    put("base64", url, false);
                }
                put("base64", std, false);
            }
        }
        needles
    }
}

/// Encodes `part` in base64, preceded by `offset` unknown bytes. Returns the characters that depend on `part` alone.
fn base64(part: &[u8], offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let first = offset * 8;
    let bit = |at: usize| part[(at - first) / 8] >> (7 - (at - first) % 8) & 1;
    let complete = first.div_ceil(6)..(first + part.len() * 8) / 6;
    complete
        .map(|index| {
            let value = (index * 6..index * 6 + 6).fold(0, |value, at| value << 1 | bit(at));
            ALPHABET[usize::from(value)]
        })
        .collect()
}

/// Replaces a character of the standard base64 alphabet with that of the URL-safe one.
fn url_safe(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => byte,
    }
}

/// The line and its decoded forms, each with the name of the encoding that was removed.
fn forms(line: &str) -> Vec<(&'static str, String)> {
    const NESTED: usize = 4;
    let mut forms = vec![("", line.to_owned())];
    let mut text = line.to_owned();
    for _ in 0..NESTED {
        let unescaped = unescaped(&text);
        if unescaped == text {
            break;
        }
        forms.push(("escapes", unescaped.clone()));
        text = unescaped;
    }
    for at in 0..forms.len() {
        let plain = percent_decoded(&forms[at].1);
        if plain != forms[at].1 {
            forms.push(("percent-encoding", plain));
        }
    }
    forms
}

/// Removes one level of JSON or Rust escapes: `\"`, `\u0041`, `\u{41}`, `\x41`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let Some(kind) = after.chars().next() else {
            rest = after;
            break;
        };
        let behind = &after[kind.len_utf8()..];
        let braced = behind.strip_prefix('{').and_then(|digits| digits.split_once('}'));
        let (digits, next) = match (kind, braced) {
            ('u', Some((digits, next))) => (digits, next),
            ('u', None) => behind.split_at_checked(4).unwrap_or_default(),
            ('x', _) => behind.split_at_checked(2).unwrap_or_default(),
            _ => ("", behind),
        };
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        rest = if c.is_some() { next } else { behind };
        out.push(c.unwrap_or(match kind {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            kind => kind,
        }));
    }
    out + rest
}
