//! What a policy does with one piece of text.

use super::Encoder;
use crate::redact::scrub;

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
    #[inline]
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

/// First letter and domain of what nearly every address is: neither needs a trim, an escape or a closer look.
fn plain_email(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_alphanumeric() {
        return None;
    }
    // A label may not be empty: the end counts as a dot, and a dot beside another as something else.
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

/// What each byte is in the domain of an address.
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
