//! Personal data in free text: email and network addresses, phone numbers and IBANs.
//!
//! It is used in strict mode only, so it prefers hiding a harmless number to showing a personal one.

use std::net::Ipv6Addr;

use super::range::{HiddenRange, run};

/// Returns the personal data in the text, in order.
pub(super) fn ranges(input: &str) -> Vec<HiddenRange> {
    let bytes = input.as_bytes();
    let mut found: Vec<HiddenRange> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let range = match bytes[at] {
            b'@' => email(bytes, at, found.last().map_or(0, |last| last.end)),
            b'0'..=b'9' | b'+' | b'(' | b':' | b'a'..=b'f' | b'A'..=b'Z' => {
                [ipv6, ipv4, iban, phone]
                    .iter()
                    .find_map(|find| find(input, at))
                    .map(|end| (at, end))
            }
            _ => None,
        };
        match range {
            Some((start, end)) => {
                found.push(HiddenRange::new(start, end).found_by("personal data"));
                at = end;
            }
            // A run of letters and digits is checked once, from its start.
            None if in_word(bytes[at]) => at = run(bytes, at, in_word),
            None => at += 1,
        }
    }
    found
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Finds `ada@example.com` around the `@` at `at`, not before `floor`.
fn email(bytes: &[u8], at: usize, floor: usize) -> Option<(usize, usize)> {
    /// RFC 5321 allows 64 characters.
    const LONGEST_LOCAL: usize = 256;
    let behind = at + 1;
    let in_local = |byte: u8| in_word(byte) || b".!#$%&'*+/=?^`{|}~-".contains(&byte);
    let limit = floor.max(at.saturating_sub(LONGEST_LOCAL));
    // Move to a character boundary.
    let limit = run(bytes, limit, |byte| byte & 0xc0 == 0x80);
    let before = &bytes[limit..at];
    let mut start =
        limit + before.iter().rposition(|&byte| !in_local(byte)).map_or(0, |last| last + 1);
    // The name of a parameter or a field is not part of the address.
    if let Some(last) = bytes[start..at].iter().rposition(|byte| b"=?&/'`{|".contains(byte)) {
        start += last + 1;
    }
    let end = run(bytes, behind, |byte| in_word(byte) || matches!(byte, b'-' | b'.'));
    let domain = bytes[behind..end].trim_ascii_end();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    // Both are character boundaries: bytes from 0x80 on are in words.
    (start < at && !domain.is_empty()).then_some((start, behind + domain.len()))
}

fn begins(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| !in_word(bytes[before]))
}

/// An address is searched for no farther than this, which keeps the scan linear; the longest IPv6 address has 45 bytes.
const LONGEST_ADDRESS: usize = 64;

fn ipv4(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let near = &bytes[..bytes.len().min(at + LONGEST_ADDRESS)];
    let end = run(near, at, |byte| byte.is_ascii_digit() || byte == b'.');
    let mut parts = bytes[at..end].split(|&byte| byte == b'.');
    let mut len = 0;
    for place in 0..4 {
        let part = std::str::from_utf8(parts.next()?).ok()?;
        part.parse::<u8>().ok().filter(|_| part.len() <= 3)?;
        len += part.len() + usize::from(place > 0);
    }
    let dots_on = at > 0 && bytes[at - 1] == b'.';
    let ends =
        bytes.get(at + len).is_none_or(|&byte| !in_word(byte)) && parts.all(<[u8]>::is_empty);
    (begins(bytes, at) && !dots_on && ends).then_some(at + len)
}

fn ipv6(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let near = &bytes[..bytes.len().min(at + LONGEST_ADDRESS)];
    let end = run(near, at, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let address = text[at..end].trim_end_matches('.');
    let whole = bytes.get(at + address.len()).is_none_or(|&byte| !in_word(byte));
    (begins(bytes, at)
        && whole
        && address.bytes().any(|byte| byte.is_ascii_hexdigit())
        && address.parse::<Ipv6Addr>().is_ok())
    .then_some(at + address.len())
}

/// Finds an IBAN (ISO 13616): country, check digits and account, bare or in groups of four.
fn iban(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let head = bytes.get(at..at + 4)?;
    if !begins(bytes, at)
        || !head[..2].iter().all(u8::is_ascii_uppercase)
        || !head[2..].iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let mut letters = Vec::with_capacity(34);
    let mut end = at;
    let mut longest = None;
    while letters.len() < 34 && end < bytes.len() {
        let byte = bytes[end];
        if byte.is_ascii_alphanumeric() {
            letters.push(byte.to_ascii_uppercase());
        } else if !(byte == b' ' && letters.len() % 4 == 0) {
            break;
        }
        end += 1;
        if letters.len() >= 15
            && bytes.get(end).is_none_or(|&byte| !in_word(byte))
            && is_checked(&letters)
        {
            longest = Some(end);
        }
    }
    longest
}

/// Verifies the check digits: ISO 7064, mod 97-10.
fn is_checked(letters: &[u8]) -> bool {
    let (head, account) = letters.split_at(4);
    let rest = account.iter().chain(head).fold(0_u32, |rest, &letter| match letter {
        b'0'..=b'9' => (rest * 10 + u32::from(letter - b'0')) % 97,
        _ => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
    });
    rest == 1
}

/// Finds `+49 170 1234567`, `0049 170 1234567`, `(555) 123-4567`, `(11) 91234-5678`, `555-123-4567` or `0170 1234567`.
/// Bare counts and ids do not match.
fn phone(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).map(|before| bytes[before]);
    if before.is_some_and(|byte| in_word(byte) || matches!(byte, b'-' | b'.' | b'+')) {
        return None;
    }
    let first = at + usize::from(matches!(bytes[at], b'+' | b'('));
    let area = run(bytes, first, |byte| byte.is_ascii_digit());
    // `(555) …` is an area code, `(555-…)` and `(00491701234567)` are not.
    if bytes[at] == b'(' && (!(1..=5).contains(&(area - first)) || bytes.get(area) != Some(&b')')) {
        return None;
    }
    let mut groups = Vec::new();
    let mut end = first;
    let mut last = end;
    while end < bytes.len() && end - at < 32 {
        let digits = run(bytes, end, |byte| byte.is_ascii_digit()) - end;
        if digits > 0 {
            groups.push(digits);
            end += digits;
            last = end;
        }
        let gap = run(bytes, end, |byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
        if gap == end && digits == 0 || gap - end > 2 {
            break;
        }
        end = gap;
    }
    let digits: usize = groups.iter().sum();
    let glued = bytes.get(last).is_some_and(|&byte| in_word(byte));
    let national =
        bytes.get(first) == Some(&b'0') && bytes[at] != b'+' && (9..=13).contains(&digits);
    let american = matches!(groups[..], [3, 3, 4] | [1, 3, 3, 4]);
    let international = bytes[at] == b'+' && (7..=15).contains(&digits);
    // The prefix `00` of many countries, followed by a country code, which does not begin with 0.
    let prefixed = bytes[first..].starts_with(b"00")
        && bytes.get(first + 2).is_some_and(|byte| matches!(byte, b'1'..=b'9'))
        && (9..=17).contains(&digits);
    let with_area = bytes[at] == b'(' && (8..=13).contains(&digits);
    (!glued && (international || prefixed || national || american || with_area)).then_some(last)
}
