//! Splits a name into normalised words: decoded, folded to ASCII, in lower case and in the singular.

pub(super) struct Word {
    /// Its last 16 bytes, in lower case.
    pub(super) text: u128,
    pub(super) len: u32,
    pub(super) plural: bool,
    pub(super) holds_password: bool,
}

/// An iterator over the normalised words of a name.
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a number follows the last word, as in `tokens_1`.
    pub(super) ends_in_number: bool,
}

const SEPARATOR: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;

static CLASS: [u8; 256] = {
    let mut class = [SEPARATOR; 256];
    let mut byte = 0;
    while byte < 256 {
        class[byte] = match byte {
            0x30..=0x39 => DIGIT,
            0x41..=0x5a => UPPER,
            0x61..=0x7a | 0x80..=0xff => LOWER,
            _ => SEPARATOR,
        };
        byte += 1;
    }
    class
};

impl<'a> Words<'a> {
    pub(super) const fn of(name: &'a str) -> Self {
        Words { bytes: name.as_bytes(), at: 0, ends_in_number: false }
    }

    pub(super) const fn next(&mut self) -> Option<Word> {
        let bytes = self.bytes;
        let mut word = Word { text: 0, len: 0, plural: false, holds_password: false };
        let mut before = SEPARATOR;
        while self.at < bytes.len() {
            let mut byte = bytes[self.at];
            let mut next = self.at + 1;
            if is_unusual(byte) {
                let (folded, end) = unusual(bytes, self.at);
                if folded == DROPPED {
                    self.at = end;
                    continue;
                }
                byte = folded;
                next = end;
            }
            let class = CLASS[byte as usize];
            if class == SEPARATOR {
                self.at = next;
                self.ends_in_number |= word.len > 0;
                if word.finish() {
                    self.ends_in_number = false;
                    return Some(word);
                }
                before = SEPARATOR;
                continue;
            }
            if class == UPPER {
                let hump = before != SEPARATOR && (before != UPPER || begins_word(bytes, next));
                if hump && word.finish() {
                    self.ends_in_number = false;
                    return Some(word);
                }
                byte |= 0x20;
            }
            word.push(byte);
            before = class;
            self.at = next;
        }
        self.ends_in_number |= word.len > 0;
        if word.finish() {
            self.ends_in_number = false;
            Some(word)
        } else {
            None
        }
    }
}

impl Word {
    const fn push(&mut self, byte: u8) {
        const PASSWORD: u64 = u64::from_be_bytes(*b"password");
        self.text = self.text << 8 | byte as u128;
        self.len += 1;
        #[allow(clippy::cast_possible_truncation, reason = "the last eight bytes")]
        let tail = self.text as u64;
        self.holds_password |= tail == PASSWORD;
    }

    /// Removes trailing digits and the plural. Returns whether anything is left.
    const fn finish(&mut self) -> bool {
        while self.len > 0 && CLASS[self.letter(0) as usize] == DIGIT {
            self.pop();
        }
        if self.len > 2 && self.letter(0) == b's' && !matches!(self.letter(1), b's' | b'u' | b'i') {
            self.pop();
            self.plural = true;
        }
        self.len > 0
    }

    /// Returns a letter, counted from the end.
    #[allow(clippy::cast_possible_truncation, reason = "one byte is asked for")]
    pub(super) const fn letter(&self, from_end: u32) -> u8 {
        (self.text >> (8 * from_end)) as u8
    }

    const fn pop(&mut self) {
        self.text >>= 8;
        self.len -= 1;
    }
}

/// Whether the capital before `at` begins a new word after an acronym: `P` does in `DBPassword`, `N` does not in
/// `userSSNs`.
const fn begins_word(bytes: &[u8], at: usize) -> bool {
    let (letter, next) = next_visible(bytes, at);
    letter.is_ascii_lowercase()
        && (letter != b's' || next_visible(bytes, next).0.is_ascii_lowercase())
}

/// Returns the next visible character as one byte, and the position after it; 0 at the end.
const fn next_visible(bytes: &[u8], mut at: usize) -> (u8, usize) {
    while at < bytes.len() {
        let byte = bytes[at];
        if !is_unusual(byte) {
            return (byte, at + 1);
        }
        let (folded, end) = unusual(bytes, at);
        if folded != DROPPED {
            return (folded, end);
        }
        at = end;
    }
    (0, at)
}

/// Returned by [`unusual`] for invisible characters.
const DROPPED: u8 = 1;

/// Whether the byte must be decoded.
const fn is_unusual(byte: u8) -> bool {
    byte >= 0x7f || byte == b'%' || byte < 0x20
}

/// Returns the ASCII byte for the percent-encoded or non-ASCII character at `at`, and the position after it. A letter
/// of another script becomes a byte above 0x80, so that it counts as a letter.
const fn unusual(bytes: &[u8], at: usize) -> (u8, usize) {
    let (lead, mut at) = decoded(bytes, at);
    if lead < 0x80 {
        // Control characters are invisible too, except for line ends and tabs.
        let dropped = (lead < 0x20 || lead == 0x7f) && !matches!(lead, b'\t' | b'\n' | b'\r');
        return (if dropped { DROPPED } else { lead }, at);
    }
    let (mut c, more) = match lead {
        0xc0..=0xdf => (lead as u32 & 0x1f, 1),
        0xe0..=0xef => (lead as u32 & 0x0f, 2),
        0xf0..=0xf7 => (lead as u32 & 0x07, 3),
        _ => return (b'?', at),
    };
    let mut left = more;
    while left > 0 && at < bytes.len() {
        let (byte, next) = decoded(bytes, at);
        if byte & 0xc0 != 0x80 {
            return (b'?', at);
        }
        c = c << 6 | byte as u32 & 0x3f;
        at = next;
        left -= 1;
    }
    (folded(c), at)
}

/// Returns one byte, percent-decoded as often as it was encoded, and the position after it.
pub(crate) const fn decoded(bytes: &[u8], at: usize) -> (u8, usize) {
    let mut byte = bytes[at];
    let mut end = at + 1;
    while byte == b'%' && end + 1 < bytes.len() {
        let (Some(high), Some(low)) = (hex(bytes[end]), hex(bytes[end + 1])) else {
            break;
        };
        byte = high << 4 | low;
        end += 2;
    }
    (byte, end)
}

/// Returns the text percent-decoded.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (byte, next) = decoded(text.as_bytes(), at);
        plain.push(byte);
        at = next;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "each arm's range keeps it below 256")]
#[rustfmt::skip]
const fn folded(c: u32) -> u8 {
    match c {
        // Soft hyphen, combining marks, zero-width and bidirectional marks, variation selectors, tags.
        0xad | 0x300..=0x36f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..=0xe0fff => DROPPED,
        // Full-width, circled and mathematical letters.
        0xff01..=0xff5e => (c - 0xfee0) as u8,
        0x24b6..=0x24cf => (c - 0x24b6) as u8 + b'A',
        0x24d0..=0x24e9 => (c - 0x24d0) as u8 + b'a',
        0x1d400..=0x1d6a3 => {
            let letter = ((c - 0x1d400) % 52) as u8;
            if letter < 26 { b'A' + letter } else { b'a' + letter - 26 }
        }
        // Accented Latin, Cyrillic, Greek, Armenian and phonetic letters that look like an ASCII letter.
        0xe0..=0xe5 | 0x101 | 0x103 | 0x105 | 0x251 | 0x430 | 0x3b1 => b'a',
        0xc0..=0xc5 | 0x100 | 0x102 | 0x104 | 0x410 | 0x391 => b'A',
        0x412 | 0x392 => b'B', 0x432 => b'b',
        0xe7 | 0x107 | 0x10d | 0x441 | 0x3f2 => b'c', 0xc7 | 0x106 | 0x10c | 0x421 | 0x3f9 => b'C',
        0x111 | 0x501 => b'd',
        0xe8..=0xeb | 0x113 | 0x117 | 0x119 | 0x11b | 0x435 | 0x450 | 0x451 | 0x3b5 => b'e',
        0xc8..=0xcb | 0x112 | 0x118 | 0x415 | 0x401 | 0x395 => b'E',
        0x11f | 0x261 => b'g', 0x4bb => b'h', 0x41d | 0x397 => b'H',
        0xec..=0xef | 0x12b | 0x131 | 0x456 | 0x457 | 0x3b9 | 0x269 => b'i', 0xcc..=0xcf | 0x130 | 0x406 | 0x399 => b'I',
        0x458 | 0x3f3 => b'j', 0x408 => b'J', 0x43a | 0x3ba => b'k', 0x41a | 0x39a | 0x212a => b'K',
        0x142 | 0x4cf => b'l', 0x141 => b'L', 0x43c => b'm', 0x41c | 0x39c => b'M',
        0xf1 | 0x144 | 0x578 => b'n', 0xd1 | 0x143 | 0x39d => b'N',
        0xf2..=0xf6 | 0xf8 | 0x14d | 0x151 | 0x43e | 0x3bf | 0x3c3 | 0x585 => b'o',
        0xd2..=0xd6 | 0xd8 | 0x14c | 0x150 | 0x41e | 0x39f => b'O',
        0x440 | 0x3c1 => b'p', 0x420 | 0x3a1 => b'P', 0x51b => b'q', 0x433 => b'r',
        0x15b | 0x15f | 0x161 | 0x17f | 0x455 => b's', 0x15a | 0x15e | 0x160 | 0x405 => b'S',
        0x442 | 0x3c4 => b't', 0x422 | 0x3a4 => b'T',
        0xf9..=0xfc | 0x16b | 0x171 | 0x3c5 | 0x57d => b'u', 0xd9..=0xdc | 0x16a | 0x170 => b'U',
        0x3bd | 0x475 => b'v', 0x461 | 0x51d | 0x3c9 => b'w', 0x445 | 0x3c7 => b'x', 0x425 | 0x3a7 => b'X',
        0xfd | 0xff | 0x443 | 0x3b3 => b'y', 0xdd | 0x423 | 0x3a5 => b'Y',
        0x17a | 0x17c | 0x17e => b'z', 0x179 | 0x17b | 0x17d | 0x396 => b'Z',
        0x80..=0xbf | 0xd7 | 0xf7 | 0x2000..=0x2bff | 0x3000..=0x303f => b'_',
        _ => 0x80 | (c & 0x7f) as u8,
    }
}
