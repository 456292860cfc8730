//! What a policy does with one piece of text.

use super::Encoder;
use crate::scrub;

/// What a policy does with one piece of text.
#[derive(Debug, Clone, Copy)]
pub enum Leaf {
    /// As it is; a number stays a number.
    Clear,
    /// The first and last characters around a mask.
    Mask {
        /// How many characters stay readable at the start.
        first: usize,
        /// How many at the end.
        last: usize,
    },
    /// A keyed pseudonym under this name, or under that of the place where it is written.
    Hash(Option<&'static str>),
    /// A URL without user info, query and fragment.
    Url,
    /// An address with its first letter and its domain.
    Email,
    /// Free text through the scrubber.
    Scrub,
}

impl Leaf {
    pub(super) fn write(self, text: &str, to: &mut Encoder<'_>) {
        match self {
            Leaf::Clear => to.text(text),
            Leaf::Mask { first, last } => masked(text, first, last, to),
            Leaf::Hash(name) => to.pseudonym(name, text.as_bytes()),
            Leaf::Url => to.text(&scrub::url(text)),
            Leaf::Email => email(text, to),
            Leaf::Scrub => to.text(&scrub::text(text)),
        }
    }
}

/// The mask has one width, so that it does not tell the length; the ends are shown only where twice
/// as many characters stay hidden.
fn masked(text: &str, first: usize, last: usize, to: &mut Encoder<'_>) {
    // A look at the bytes tells as much, and costs less.
    let is_ascii = text.is_ascii();
    let length = if is_ascii { text.len() } else { text.chars().count() };
    let shown = first.saturating_add(last);
    if length < 8 || length.saturating_sub(shown) < shown.saturating_mul(2) {
        return to.redacted();
    }
    let byte = |character| {
        let counted = || text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
        if is_ascii { character } else { counted() }
    };
    to.text_of([&text[..byte(first)], "****", &text[byte(length - last)..]]);
}

fn email(text: &str, to: &mut Encoder<'_>) {
    let text = text.trim();
    let at = text.bytes().rposition(|byte| byte == b'@');
    match at.map(|at| (&text[..at], &text[at + 1..])) {
        Some((local, domain)) if is_domain(domain) && !local.is_empty() => {
            let first = local.chars().next().map_or(0, char::len_utf8);
            to.text_of([&local[..first], "***@", domain]);
        }
        _ => to.redacted(),
    }
}

fn is_domain(text: &str) -> bool {
    if text.is_ascii() {
        return is_ascii_domain(text.as_bytes());
    }
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

/// The same in one pass.
fn is_ascii_domain(text: &[u8]) -> bool {
    let (mut has_dot, mut label) = (false, 0);
    for byte in text {
        match byte {
            b'.' if label == 0 => return false,
            b'.' => (has_dot, label) = (true, 0),
            b'-' => label += 1,
            byte if byte.is_ascii_alphanumeric() => label += 1,
            _ => return false,
        }
    }
    has_dot && label > 0
}
