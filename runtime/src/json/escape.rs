//! Escapes text for a JSON string.
//!
//! A value must not be able to forge a second line, a field or a terminal sequence. Therefore DEL, the C1 controls, the
//! line separators U+2028/9 and the bidirectional controls are written as `\uXXXX`, in addition to the characters that
//! RFC 8259 (section 7) requires.

use super::shown::Shown;

/// The escape of each byte: 0 for none, `b'u'` for a numeric escape, `0xff` if it depends on the whole character that
/// starts with the byte, else the character after the backslash.
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
    // The lead bytes of the non-ASCII characters in `is_unsafe`.
    class[0xc2] = 0xff;
    class[0xd8] = 0xff;
    class[0xe2] = 0xff;
    class[0xef] = 0xff;
    class
};

/// Whether the character changes how a line is split or shown: C0 and C1 controls, U+061C, U+200E/F, the line
/// separators, the bidirectional embeddings and isolates, and the byte order mark.
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

/// Appends `text` as the content of a JSON string.
#[inline]
pub(crate) fn json_text(text: Shown<'_>, out: &mut String) {
    let text = text.as_str();
    if is_clean(text) {
        out.push_str(text);
    } else {
        escaped(text, out);
    }
}

/// Fast path: whether the text is printable ASCII without escapes. Checks eight bytes at a time; the last eight may
/// overlap.
pub(crate) fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    if let Some(last) = bytes.last_chunk() {
        let mut hits = hits(*last);
        for eight in bytes.as_chunks().0 {
            hits |= self::hits(*eight);
        }
        return hits == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let mut both = [0; 8];
        both[..4].copy_from_slice(first);
        both[4..].copy_from_slice(last);
        return hits(both) == 0;
    }
    bytes.iter().all(|byte| CLASS[usize::from(*byte)] == 0)
}

/// Slow path of [`json_text`]: text with characters to escape or non-ASCII characters.
#[cold]
fn escaped(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    let mut at = 0;
    while at < bytes.len() {
        if let Some(eight) = bytes[at..].first_chunk() {
            let clean = hits(*eight).trailing_zeros() as usize / 8;
            at += clean;
            if clean == 8 {
                continue;
            }
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

/// Sets the high bit of the first byte that is not printable ASCII or needs an escape. Those of the bytes before it are
/// zero, those after it undefined, since a subtraction may borrow from the next byte.
#[inline]
fn hits(eight: [u8; 8]) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    let bytes = u64::from_le_bytes(eight);
    let below = |least: u64| bytes.wrapping_sub(EACH * least) & !bytes;
    let equal = |byte: u8| {
        let other = bytes ^ (EACH * u64::from(byte));
        other.wrapping_sub(EACH) & !other
    };
    (bytes | below(0x20) | equal(b'"') | equal(b'\\') | equal(0x7f)) & HIGH
}

/// All characters in `is_unsafe` are in the basic plane, so one unit of four digits is enough.
fn unicode_escape(c: char, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let code = u32::from(c);
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from(HEX[(code >> shift & 0xf) as usize]));
    }
}

/// Appends `text` in quotes.
#[inline]
pub(crate) fn json_string(text: Shown<'_>, out: &mut String) {
    out.push('"');
    json_text(text, out);
    out.push('"');
}

/// Returns the text of a JSON string, quotes included. `None` if the JSON is not a string.
pub(crate) fn unescaped(json: &str) -> Option<String> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['\\', '"']) {
        if rest.as_bytes()[at] == b'"' {
            return None;
        }
        out.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        let mut width = 2;
        out.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = unit(&rest[at..])?;
                width = 6;
                match char::from_u32(first) {
                    Some(c) => c,
                    // The first half of a surrogate pair.
                    None => {
                        let units = [first, unit(&rest[at + 6..])?];
                        width = 12;
                        let units = units.map(|unit| u16::try_from(unit).unwrap_or_default());
                        char::decode_utf16(units).next()?.ok()?
                    }
                }
            }
            _ => return None,
        });
        rest = &rest[at + width..];
    }
    out.push_str(rest);
    Some(out)
}

/// The number in the escape `\uXXXX` at the beginning of the text.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_hex.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escaped_character_is_read_back() {
        let text: String = ('\0'..='\u{ffff}').chain(['\u{1f600}', 'a']).collect();
        let mut json = String::new();
        json_string(Shown::redacted(&text), &mut json);
        assert_eq!(unescaped(&json).as_deref(), Some(&*text));
    }

    #[test]
    fn only_a_json_string_is_unescaped() {
        assert_eq!(unescaped(r#""\ud83d\ude00 \/""#).as_deref(), Some("\u{1f600} /"));
        for other in [
            "",
            "\"",
            "7",
            "null",
            r#""\"#,
            r#""a"b""#,
            r#""\x""#,
            r#""\ud83d""#,
            r#""\u+123""#,
            r#""\u12""#,
            r#""\ud83d\u0041""#,
        ] {
            assert_eq!(unescaped(other), None, "{other}");
        }
    }
}
