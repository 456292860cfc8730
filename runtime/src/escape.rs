//! Text made safe inside a JSON string.
//!
//! A value must not be able to forge a second line, a field or a terminal sequence, so beside what
//! RFC 8259 (section 7) asks for, DEL, the C1 controls, the line separators U+2028/9 and the
//! bidirectional controls are written as `\uXXXX`.

use std::fmt::{self, Write as _};

/// What one byte asks for: 0 nothing, `b'u'` a numeric escape, `0xff` a closer look at the
/// character that starts here, else the letter behind the backslash.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        class[byte] = b'u';
        byte += 1;
    }
    class[0x08] = b'b';
    class[0x09] = b't';
    class[0x0a] = b'n';
    class[0x0c] = b'f';
    class[0x0d] = b'r';
    class[0x7f] = b'u';
    class[b'"' as usize] = b'"';
    class[b'\\' as usize] = b'\\';
    // The lead bytes of every character `is_unsafe` names outside ASCII.
    class[0xc2] = 0xff;
    class[0xd8] = 0xff;
    class[0xe2] = 0xff;
    class[0xef] = 0xff;
    class
};

/// Characters outside ASCII that change how a line is split or shown: C1 controls, U+061C, U+200E/F,
/// the line separators, the bidirectional embeddings and isolates, the byte order mark.
pub(crate) const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}')
}

/// Appends `text` as the inside of a JSON string.
pub(crate) fn json_text(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    let mut at = 0;
    while at < bytes.len() {
        if let Some(eight) = bytes[at..].first_chunk::<8>()
            && all_plain(*eight)
        {
            at += 8;
            continue;
        }
        let class = CLASS[usize::from(bytes[at])];
        if class == 0 {
            at += 1;
            continue;
        }
        let mut width = 1;
        if class == 0xff {
            let c = text[at..].chars().next().unwrap_or('\u{fffd}');
            width = c.len_utf8();
            if !is_unsafe(c) {
                at += width;
                continue;
            }
            out.push_str(&text[clean_from..at]);
            unicode_escape(c, out);
        } else {
            out.push_str(&text[clean_from..at]);
            if class == b'u' {
                unicode_escape(char::from(bytes[at]), out);
            } else {
                out.push('\\');
                out.push(char::from(class));
            }
        }
        at += width;
        clean_from = at;
    }
    out.push_str(&text[clean_from..]);
}

/// Whether these eight bytes are ASCII that stays as it is: no control, DEL, quote or backslash.
///
/// Almost all text is, so it is looked at in one word. A borrow from a lower byte can make a byte look
/// like a hit that is none, never the other way round; the closer look then finds nothing.
#[inline]
fn all_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    const fn zero_byte(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let word = u64::from_ne_bytes(bytes);
    let control = word.wrapping_sub(u64::from_ne_bytes([0x20; 8])) & !word;
    let quote = zero_byte(word ^ u64::from_ne_bytes([b'"'; 8]));
    let backslash = zero_byte(word ^ u64::from_ne_bytes([b'\\'; 8]));
    let delete = zero_byte(word ^ u64::from_ne_bytes([0x7f; 8]));
    (word | control | quote | backslash | delete) & HIGH == 0
}

/// All characters `is_unsafe` names are in the basic plane, so one unit of four digits is enough.
fn unicode_escape(c: char, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let code = u32::from(c);
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from(HEX[(code >> shift & 0xf) as usize]));
    }
}

/// Appends `text` in quotes.
pub(crate) fn json_string(text: &str, out: &mut String) {
    out.push('"');
    json_text(text, out);
    out.push('"');
}

/// A `fmt::Write` that escapes what is written through it.
pub(crate) struct Escaping<'a>(pub(crate) &'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        json_text(text, self.0);
        Ok(())
    }
}

/// Appends the `Display` form of a value as the inside of a JSON string.
pub(crate) fn json_display(value: &dyn fmt::Display, out: &mut String) -> fmt::Result {
    write!(Escaping(out), "{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_seen_at_every_place_of_a_word() {
        for byte in 0..0x80_u8 {
            for place in 0..20 {
                let mut text = "a".repeat(20);
                text.replace_range(place..=place, &char::from(byte).to_string());
                let mut out = String::new();
                json_text(&text, &mut out);
                let plain = CLASS[usize::from(byte)] == 0;
                assert_eq!(out == text, plain, "{byte:#x} at {place}");
                assert_eq!(serde_json::from_str::<String>(&format!("\"{out}\"")).ok(), Some(text));
            }
        }
    }
}
