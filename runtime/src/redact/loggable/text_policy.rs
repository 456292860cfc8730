//! Policies for a single text.

use super::Encoder;
use crate::redact::scrub;

/// A policy for a single text.
#[derive(Debug, Clone, Copy)]
pub enum TextPolicy {
    /// Shows the text, and numbers as numbers.
    Clear,
    /// Shows the first and last characters around a mask.
    Mask {
        /// How many characters are shown at the start.
        first: usize,
        /// How many characters are shown at the end.
        last: usize,
    },
    /// Shows a keyed pseudonym for the field of this name, or for the field that is written.
    Hash(Option<&'static str>),
    /// Shows a URL without user info, query and fragment.
    Url,
    /// Shows the first character and the domain of an address.
    Email,
    /// Shows free text after the scrubber.
    Scrub,
}

impl TextPolicy {
    #[inline]
    pub(super) fn write(self, text: &str, to: &mut Encoder<'_>) {
        match self {
            TextPolicy::Clear => to.text(text),
            TextPolicy::Mask { first, last } => masked(text, first, last, to),
            TextPolicy::Hash(name) => to.pseudonym(name, text.as_bytes()),
            TextPolicy::Url => to.text(&scrub::url(text)),
            TextPolicy::Email => email(text, to),
            TextPolicy::Scrub => to.text(&scrub::text(text)),
        }
    }
}

/// The mask always has four characters, so that it does not reveal the length. The ends are shown only if twice as many
/// characters stay hidden.
fn masked(text: &str, first: usize, last: usize, to: &mut Encoder<'_>) {
    // In ASCII a byte is a character, so there is no need to count.
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
    if let Some((first, domain)) = plain_email(text) {
        return to.plain_of([first, "***@", domain]);
    }
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

/// Fast path: returns the first character and the domain of an ordinary ASCII address, which needs neither trimming nor
/// escaping.
fn plain_email(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_alphanumeric() {
        return None;
    }
    // No label may be empty: the end counts as a dot, and a dot next to a dot becomes `OTHER`.
    let (mut met, mut last) = (0, DOT);
    for (at, byte) in bytes.iter().enumerate().rev() {
        let class = IN_DOMAIN[usize::from(*byte)];
        if class == AT {
            let is_domain = met == DOT && last != DOT && at > 0;
            return is_domain.then(|| Some((text.get(..1)?, text.get(at + 1..)?)))?;
        }
        met |= class | (class & last) << 1;
        last = class;
    }
    None
}

const LETTER: u8 = 0;
const DOT: u8 = 1;
const OTHER: u8 = 2;
const AT: u8 = 4;

/// The class of each byte in the domain of an address.
const IN_DOMAIN: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            classes[byte as usize] = LETTER;
        }
        byte += 1;
    }
    classes[b'.' as usize] = DOT;
    classes[b'@' as usize] = AT;
    classes
};

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}
