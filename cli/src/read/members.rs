//! Iterates over the members of a JSON object without building a tree.
//!
//! For speed, only the structure is checked: a string ends at its quote, a nested value at its bracket.
//! Records that a subcommand displays are parsed with `serde_json`.

use std::borrow::Cow;

use memchr::memchr2;

/// Error: the text is not a JSON object, or the object is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Calls `each` with every key (without its quotes) and value, both as written, until it returns `false`.
/// Returns the end of the object, or of the last value that was passed to `each`.
///
/// `{"a":1,"b":{"c":2}}` gives `a`, `1` and `b`, `{"c":2}`.
pub(super) fn walk<'a>(
    text: &'a [u8],
    each: impl FnMut(&'a [u8], &'a [u8]) -> bool,
) -> Result<usize, Malformed> {
    if text.first() != Some(&b'{') {
        return Err(Malformed);
    }
    let at = skip_blanks(text, 1);
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    walk_from(text, at, each)
}

/// Like `walk`, from the member whose key begins at `at`.
pub(super) fn walk_from<'a>(
    text: &'a [u8],
    mut at: usize,
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> bool,
) -> Result<usize, Malformed> {
    loop {
        if text.get(at) != Some(&b'"') {
            return Err(Malformed);
        }
        let key_end = string_end(text, at)?;
        let key = &text[at + 1..key_end - 1];
        at = skip_blanks(text, key_end);
        if text.get(at) != Some(&b':') {
            return Err(Malformed);
        }
        at = skip_blanks(text, at + 1);
        let value_end = value_end(text, at)?;
        if !each(key, &text[at..value_end]) {
            return Ok(value_end);
        }
        at = skip_blanks(text, value_end);
        match text.get(at) {
            Some(b',') => at = skip_blanks(text, at + 1),
            Some(b'}') => return Ok(at + 1),
            _ => return Err(Malformed),
        }
    }
}

/// Calls `each` with every value of a list, as written.
pub(super) fn walk_list<'a>(
    text: &'a [u8],
    mut each: impl FnMut(&'a [u8]),
) -> Result<(), Malformed> {
    if text.first() != Some(&b'[') {
        return Err(Malformed);
    }
    let mut at = skip_blanks(text, 1);
    while text.get(at) != Some(&b']') {
        let end = value_end(text, at)?;
        each(&text[at..end]);
        at = skip_blanks(text, end);
        if text.get(at) == Some(&b',') {
            at = skip_blanks(text, at + 1);
        } else if text.get(at) != Some(&b']') {
            return Err(Malformed);
        }
    }
    Ok(())
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The position after the closing quote of the string that opens at `at`.
fn string_end(text: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut from = at + 1;
    loop {
        let found = from + quote_or_backslash(text.get(from..).ok_or(Malformed)?)?;
        if text[found] == b'"' {
            return Ok(found + 1);
        }
        from = found + 2;
    }
}

/// The position of the first quote or backslash.
///
/// Tests eight bytes at a time, since most strings are too short for a call to `memchr` to pay off.
/// `hits` has the high bit of a byte set if that byte matches. Later bytes may have it set by mistake,
/// because the subtraction borrows across bytes, so only the lowest set bit is used.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Result<usize, Malformed> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const SHORT: usize = 48;
    let mut at = 0;
    while at < SHORT
        && let Some(eight) = text[at..].first_chunk()
    {
        let bytes = u64::from_le_bytes(*eight);
        let equal = |byte: u8| {
            let other = bytes ^ (EACH * u64::from(byte));
            other.wrapping_sub(EACH) & !other
        };
        let hits = (equal(b'"') | equal(b'\\')) & (EACH << 7);
        if hits != 0 {
            return Ok(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr2(b'"', b'\\', &text[at..]).map(|found| at + found).ok_or(Malformed)
}

/// The position after the value that begins at `at`.
#[inline]
pub(crate) fn value_end(text: &[u8], at: usize) -> Result<usize, Malformed> {
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b'{' | b'[') => nested_end(text, at),
        Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let rest = &text[at..];
            let is_literal =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
            Ok(at + rest.iter().position(|byte| !is_literal(byte)).unwrap_or(rest.len()))
        }
        _ => Err(Malformed),
    }
}

fn nested_end(text: &[u8], mut at: usize) -> Result<usize, Malformed> {
    let mut depth = 0_usize;
    loop {
        match text.get(at).ok_or(Malformed)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Ok(at);
        }
    }
}

/// The content of a JSON string; `None` if the value is not a string.
pub(crate) fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inside).is_none() {
        return Some(String::from_utf8_lossy(inside));
    }
    // A string with an error, such as a raw control character, is taken as it stands.
    let parsed = serde_json::from_slice::<String>(value);
    Some(parsed.map_or_else(|_| String::from_utf8_lossy(inside), Cow::Owned))
}

/// A JSON number as a float.
pub(crate) fn number(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Result<Vec<(String, String)>, Malformed> {
        let mut all = Vec::new();
        walk(text.as_bytes(), |key, value| {
            let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            all.push((owned(key), owned(value)));
            true
        })
        .map(|_| all)
    }

    #[test]
    fn members_are_those_of_the_outer_object_as_written() {
        let one = members(r#"{"a":1}"#).unwrap();
        assert_eq!(one, [("a".to_owned(), "1".to_owned())]);
        let text = r#"{ "a\"b" : "}\\" , "c":{"d":["]",{}]}, "e":null}"#;
        let keys: Vec<_> = members(text).unwrap();
        assert_eq!(keys[0], (r#"a\"b"#.to_owned(), r#""}\\""#.to_owned()));
        assert_eq!(keys[1].1, r#"{"d":["]",{}]}"#);
        assert_eq!(keys[2].1, "null");
    }

    #[test]
    fn a_truncated_object_is_malformed() {
        let whole = r#"{"a":"b\"","c":[1,{"d":2}],"e":-1.5e3}"#;
        assert!(members(whole).is_ok());
        for end in 0..whole.len() {
            assert_eq!(members(&whole[..end]), Err(Malformed), "{}", &whole[..end]);
        }
    }
}
