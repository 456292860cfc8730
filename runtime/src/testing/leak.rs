//! Whether a secret stands in what was captured, in whatever form it might have got there.

use super::Captured;
use crate::redact::keys::decoded;

/// Bytes of a canary that must stand nowhere: fewer stand in any log by chance.
const SHORTEST: usize = 6;

/// Asserts that a secret, the *canary*, stands nowhere in what was captured.
///
/// It is looked for in clear, in JSON escapes, percent-encoded, in base64 (at each of its three offsets,
/// in both alphabets), in hex and as a list of bytes, and so is every part of six bytes: half a secret is
/// a leak too. Letters match in either case. Choose a canary that has no word of the log in it.
///
/// It takes a [`Captured`](crate::testing::Captured), whose lines and
/// [output](crate::testing::Captured::output) it looks at, or any text.
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
/// // the canary leaked: a part of it stands in line 1 in base64, behind `…seq":1,"note":"`
/// assert_no_leak!(captured, "hunter2-canary");
/// ```
///
/// # Panics
///
/// Where it finds the canary; where nothing was captured, since then nothing was tested; and where the
/// canary has less than six bytes.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_no_leak {
    ($captured:expr, $canary:expr $(,)?) => {
        $crate::testing::__assert_no_leak(&$captured, ::core::convert::AsRef::as_ref(&$canary))
    };
}

/// What can hold a leak: a capture, or any text.
pub trait Written {
    fn written(&self) -> String;
}

impl Written for Captured {
    fn written(&self) -> String {
        let mut lines = self.lines.all().join("\n");
        lines.push('\n');
        lines + &self.output()
    }
}

impl Written for str {
    fn written(&self) -> String {
        self.to_owned()
    }
}

impl Written for String {
    fn written(&self) -> String {
        self.clone()
    }
}

impl<T: Written + ?Sized> Written for &T {
    fn written(&self) -> String {
        (**self).written()
    }
}

#[doc(hidden)]
#[track_caller]
pub fn __assert_no_leak(captured: &(impl Written + ?Sized), canary: &str) {
    let written = captured.written();
    assert!(
        canary.len() >= SHORTEST,
        "a canary needs at least {SHORTEST} bytes to be told from chance"
    );
    assert!(!written.trim().is_empty(), "nothing was captured, so nothing was tested for leaks");
    if let Some(leak) = find(&written, canary) {
        panic!("the canary leaked: {leak}");
    }
}

/// Where the canary stands; the text holds none of it.
fn find(written: &str, canary: &str) -> Option<String> {
    let needles = Needle::all(canary.as_bytes());
    for (number, line) in written.lines().enumerate() {
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
                let behind = String::from_utf8_lossy(&text[at.saturating_sub(24)..at]).into_owned();
                return Some(format!(
                    "{what} of it stands in line {} {how}, behind `…{behind}`",
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

/// A part of the canary as it would stand there.
struct Needle {
    encoding: &'static str,
    bytes: Vec<u8>,
    any_case: bool,
}

impl Needle {
    fn all(canary: &[u8]) -> Vec<Self> {
        let mut needles = Vec::new();
        for part in canary.windows(SHORTEST) {
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
                let url: Vec<u8> = std.iter().map(|byte| url_letter(*byte)).collect();
                if url != std {
                    put("base64", url, false);
                }
                put("base64", std, false);
            }
        }
        needles
    }
}

/// The letters of base64 that `part` alone decides, where `offset` bytes stand before it in its group.
fn base64(part: &[u8], offset: usize) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let first = offset * 8;
    let bit = |at: usize| part[(at - first) / 8] >> (7 - (at - first) % 8) & 1;
    let decided = first.div_ceil(6)..(first + part.len() * 8) / 6;
    decided
        .map(|letter| {
            let value = (letter * 6..letter * 6 + 6).fold(0, |value, at| value << 1 | bit(at));
            LETTERS[usize::from(value)]
        })
        .collect()
}

fn url_letter(letter: u8) -> u8 {
    match letter {
        b'+' => b'-',
        b'/' => b'_',
        letter => letter,
    }
}

/// The line as it stands, and what is behind its escapes, each with the name of how it was hidden.
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

/// One level of JSON's and Rust's escapes taken away: `\"`, `\u0041`, `\u{41}`, `\x41`.
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

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, next) = decoded(bytes, at);
        plain.push(byte);
        at = next;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::find;

    const CANARY: &str = "Zq7\"xK/4w+Vt";

    fn how(written: &str) -> String {
        let found = find(written, CANARY).unwrap_or_else(|| panic!("not found in {written}"));
        assert!(!found.contains("xK/4"), "the message shows the canary: {found}");
        found
    }

    #[test]
    fn every_encoding_is_known() {
        assert!(how("a: Zq7\"xK/4w+Vt.").contains("all of it stands in line 1 in clear"));
        assert!(how("first\nb: zQ7\"Xk/4W+vT").contains("line 2 in clear"));
        assert!(how("c=xK/4w+").contains("a part of it stands in line 1 in clear"));
        assert!(how(r#"{"a":"Zq7\"xK"}"#).contains("in escapes, behind `…{\"a\":\"`"));
        assert!(how(r#"{"a":"\"Zq7\\\"xK\""}"#).contains("in escapes"));
        assert!(how(r"\u005aq7\u0022xK").contains("in escapes"));
        assert!(how("?a=Zq7%22xK%2F4w").contains("in percent-encoding"));
        assert!(how("?a=Zq7%2522xK").contains("in percent-encoding"));
        assert!(how("5a713722784b").contains("in hex"));
        assert!(how("5A713722784B").contains("in hex"));
        assert!(how("[90, 113, 55, 34, 120, 75]").contains("in a list of bytes"));
        assert!(how("[90,113,55,34,120,75]").contains("in a list of bytes"));
    }

    #[test]
    fn base64_is_known_at_each_offset_and_in_both_alphabets() {
        // printf 'Zq7"xK/4w+Vt' | base64, with no, one and two letters before it.
        for text in ["WnE3InhLLzR3K1Z0", "YVpxNyJ4Sy80dytWdA==", "YWFacTcieEsvNHcrVnQ="] {
            assert!(how(text).contains("in base64"), "{text}");
        }
        // Bytes whose base64 needs the two letters that differ.
        let canary = "\u{7ff}\u{7fe}\u{7ff}\u{7fb}";
        for text in ["37/fvt+/37s=", "37_fvt-_37s"] {
            assert!(find(text, canary).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_part_of_six_bytes_is_no_leak() {
        assert_eq!(find("Zq7\"x and xK/4w, +Vt", CANARY), None);
        assert_eq!(find("WnE3In", CANARY), None);
    }

    #[test]
    #[should_panic(expected = "nothing was captured")]
    fn an_empty_capture_fails() {
        let captured = super::super::capture();
        super::__assert_no_leak(&captured, CANARY);
    }

    #[test]
    #[should_panic(expected = "at least 6 bytes")]
    fn a_canary_that_chance_could_write_fails() {
        super::__assert_no_leak("a line", "12345");
    }
}
