//! Escapes in a text, undone one level at a time.
//!
//! A secret and its name may be escaped: as `Debug` and JSON escape a string (`\"`, `\n`, `\u{7f}`), percent-encoded
//! (`%3D`), as XML and HTML write a character (`&quot;`), and with the colors of a terminal around it. So that no
//! detector has to know about escapes, the scanner looks at the text as it is, and then at one [`View`] after another
//! of it. A view maps its positions back, so a range that was found in it is hidden in the original text.
//!
//! | text | view |
//! |---|---|
//! | `sent\nghp_…`, `sent%0Aghp_…` | `sent`, a line feed, `ghp_…` |
//! | `{\"password\":\"a\\\"b\"}` | `{"password":"a\"b"}` |
//! | `password%3Dx%26user%3D7` | `password=x&user=7` |
//! | `&lt;password&gt;x` | `<password>x` |
//! | `password`, `ESC[2m`, `=x` | `password`, U+0001, `=x` |

use std::borrow::Cow;

use super::range::run;
use crate::redact::keys::decoded;

/// How many levels are undone. JSON in a string in a string … doubles in length with each level.
const LEVELS: usize = 8;

/// Stands for an escape without a character of its own. The key rule ignores it, and a word begins after it.
const INVISIBLE: &str = "\u{1}";

const ESCAPE: char = '\u{1b}';

/// A text with one level of its escapes undone.
pub(super) struct View {
    pub(super) text: String,
    /// The start of each undone escape, and the byte after it, here and in the text that the view was made of.
    escapes: Vec<[usize; 4]>,
}

impl View {
    /// Returns the views of the text, each with one more level undone, up to the first without an escape. If the text has
    /// colours, a second list follows in which they are removed without a trace, since they may divide a secret.
    pub(super) fn all(text: &str) -> [Vec<Self>; 2] {
        let marked = Self::list(text, INVISIBLE);
        let has_colors =
            text.contains(ESCAPE) || marked.iter().any(|view| view.text.contains(ESCAPE));
        let bare = if has_colors { Self::list(text, "") } else { Vec::new() };
        [marked, bare]
    }

    fn list(text: &str, color: &'static str) -> Vec<Self> {
        let mut views: Vec<Self> = Vec::new();
        while views.len() < LEVELS
            && let Some(view) = Self::of(views.last().map_or(text, |view| &view.text), color)
        {
            views.push(view);
        }
        views
    }

    /// Returns `None` if the text has no escapes. `color` takes the place of each color.
    fn of(text: &str, color: &'static str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut view = Self { text: String::new(), escapes: Vec::new() };
        let (mut copied, mut at) = (0, 0);
        while at < bytes.len() {
            let Some((undone, end)) = escape(text, at, color) else {
                at += 1;
                continue;
            };
            view.text.push_str(&text[copied..at]);
            let start = view.text.len();
            view.text.push_str(&undone);
            view.escapes.push([start, view.text.len(), at, end]);
            (copied, at) = (end, end);
        }
        if view.escapes.is_empty() {
            return None;
        }
        view.text.push_str(&text[copied..]);
        Some(view)
    }

    /// Returns the range of the original text that a range of this view stands for. An escape is covered as a whole.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        (self.position(start, false), self.position(end, true))
    }

    fn position(&self, at: usize, is_end: bool) -> usize {
        // The last escape that begins before `at`, or at it.
        let before = self.escapes.partition_point(|escape| escape[0] < at + usize::from(!is_end));
        match before.checked_sub(1).map(|last| self.escapes[last]) {
            None => at,
            Some([_, end, _, original_end]) if at >= end => original_end + (at - end),
            Some([_, _, original, original_end]) => {
                if is_end {
                    original_end
                } else {
                    original
                }
            }
        }
    }
}

/// Whether there is an escape at `at`.
pub(super) fn is_escape(text: &str, at: usize) -> bool {
    escape(text, at, INVISIBLE).is_some()
}

/// Returns what the escape at `at` stands for, and the position after it.
fn escape(text: &str, at: usize, color: &'static str) -> Option<(Cow<'static, str>, usize)> {
    let bytes = text.as_bytes();
    let (character, end) = match bytes[at] {
        b'\\' => backslash(bytes, at)?,
        b'%' => return percent(text, at),
        b'&' => entity(text, at)?,
        0x1b => return Some((color.into(), color_end(bytes, at)?)),
        _ => return None,
    };
    Some((character.to_string().into(), end))
}

/// `\n`, `\"`, `\x7f`, `\u{7f}`, `\u007f`, `\177`.
fn backslash(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let second = *bytes.get(at + 1)?;
    let character = match second {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'a' | b'b' | b'f' | b'v' => '\u{1}',
        b'e' => ESCAPE,
        b'"' | b'\'' | b'`' | b'\\' | b'/' => char::from(second),
        // `\033` in C, and `\0` in Rust, after which digits may follow that do not belong to it.
        b'0'..=b'3' => {
            let octal = bytes.get(at + 1..at + 4).and_then(|digits| from_digits(digits, 8));
            let is_control =
                |character: &char| matches!(character, '\t' | '\n' | '\r' | ' ' | '\u{1b}');
            return match octal.filter(|character| second != b'0' || is_control(character)) {
                Some(character) => Some((character, at + 4)),
                None => (second == b'0').then_some((' ', at + 2)),
            };
        }
        b'x' | b'u' | b'U' if bytes.get(at + 2) == Some(&b'{') => {
            let end =
                run(&bytes[..bytes.len().min(at + 11)], at + 3, |byte| byte.is_ascii_hexdigit());
            let character = from_digits(&bytes[at + 3..end], 16)?;
            return (bytes.get(end) == Some(&b'}')).then_some((character, end + 1));
        }
        b'x' | b'u' | b'U' => {
            let end = at
                + 2
                + match second {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
            return Some((from_digits(bytes.get(at + 2..end)?, 16)?, end));
        }
        _ => return None,
    };
    Some((character, at + 2))
}

/// Returns the character with this number, a blank for NUL, with which arguments are separated, and [`INVISIBLE`] for
/// half of a surrogate pair.
fn from_digits(digits: &[u8], radix: u32) -> Option<char> {
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
    Some(if number == 0 { ' ' } else { char::from_u32(number).unwrap_or('\u{1}') })
}

/// A percent-encoded character, even if encoded several times (`%253D`), and `%u003D`.
fn percent(text: &str, at: usize) -> Option<(Cow<'static, str>, usize)> {
    let bytes = text.as_bytes();
    if let Some(digits) = bytes.get(at..at + 6).and_then(|six| six.strip_prefix(b"%u")) {
        return Some((from_digits(digits, 16)?.to_string().into(), at + 6));
    }
    let (first, mut end) = decoded(bytes, at);
    if end == at + 1 {
        return None;
    }
    let length = match first {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let mut character = vec![first];
    while character.len() < length && bytes.get(end) == Some(&b'%') {
        let (byte, next) = decoded(bytes, end);
        character.push(byte);
        end = next;
    }
    match String::from_utf8(character) {
        Ok(character) if character == "\0" => Some((" ".into(), end)),
        Ok(character) => Some((character.into(), end)),
        // `%25Be` is an encoded `%` and two letters.
        Err(_) => bytes[at..].starts_with(b"%25").then(|| ("%".into(), at + 3)),
    }
}

/// `&quot;`, `&#34;`, `&#x22;`.
fn entity(text: &str, at: usize) -> Option<(char, usize)> {
    const LONGEST: usize = 8;
    let near = text.as_bytes()[at + 1..].iter().take(LONGEST);
    let end =
        at + 1 + near.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
    if text.as_bytes().get(end) != Some(&b';') {
        return None;
    }
    let name = &text[at + 1..end];
    let character = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(number) => from_digits(number.as_bytes(), 16)?,
            None => from_digits(number.as_bytes(), 10)?,
        },
        None => match name {
            "quot" => '"',
            "apos" => '\'',
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "nbsp" => ' ',
            "equals" => '=',
            "colon" => ':',
            "Tab" => '\t',
            "NewLine" => '\n',
            _ => return None,
        },
    };
    Some((character, end + 1))
}

/// Returns the end of a control sequence of a terminal, as in `ESC[1;31m` (ECMA-48).
fn color_end(bytes: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 32;
    let near = &bytes[..bytes.len().min(at + LONGEST)];
    if bytes.get(at + 1) != Some(&b'[') {
        return None;
    }
    let end = run(near, at + 2, |byte| matches!(byte, 0x20..=0x3f));
    near.get(end).is_some_and(|byte| matches!(byte, 0x40..=0x7e)).then_some(end + 1)
}
