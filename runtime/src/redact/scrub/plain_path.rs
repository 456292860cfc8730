//! Fast path for URL paths of plain words and a number, such as `/v1/orders/1042`.
//!
//! Most paths are of this form, and no detector can find anything in one: a segment that is neither a number nor a
//! version consists of fewer than [`OPAQUE`] lower-case letters; there is one number at most, while card numbers are in
//! groups and keys change between letters and digits more often; and no word begins `bearer`, `basic` or `password`. The
//! tests compare it with the detectors.

use super::url::OPAQUE;

/// Whether the path consists of plain words, a version at its beginning and one number at most, so that the scrubber
/// leaves it as it is.
#[inline]
pub(super) fn is_plain(path: &str) -> bool {
    let Some(mut rest) = path.as_bytes().strip_prefix(b"/") else { return false };
    if let [b'v', b'0'..=b'9', b'/', after @ ..] = rest {
        rest = after;
    }
    let mut has_number = false;
    while let Some(&first) = rest.first() {
        let length = if first.is_ascii_digit() {
            if has_number {
                return false;
            }
            has_number = true;
            number_length(rest)
        } else {
            word_length(rest)
        };
        rest = match &rest[length..] {
            [] if length > 0 => return true,
            [b'/', after @ ..] if length > 0 => after,
            _ => return false,
        };
    }
    true
}

/// The length of the number of at most 8 digits at the beginning.
fn number_length(text: &[u8]) -> usize {
    text.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count()
}

/// The length of the word at the beginning: lower-case letters, up to the length of a secret and up to letters that
/// begin a scheme or `password`.
fn word_length(text: &[u8]) -> usize {
    const fn bit(letter: u8) -> u32 {
        1 << (letter - b'a')
    }
    let (mut length, mut letters) = (0, 0);
    while let Some(letter @ b'a'..=b'z') = text.get(length)
        && length < OPAQUE - 1
    {
        letters |= bit(*letter);
        length += 1;
    }
    if letters & (bit(b'b') | bit(b'p')) == 0 {
        return length;
    }
    let is_beginning = |pair: &[u8]| matches!(pair, [b'b' | b'p', b'a'] | b"be");
    text[..length].windows(2).position(is_beginning).map_or(length, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::super::format::prefixes;
    use super::super::trigger::{has_no_trigger, is_clean};
    use super::super::url::safe_path;
    use super::*;

    #[test]
    fn usual_paths_are_plain() {
        for path in [
            "/",
            "/health",
            "/v1/",
            "/v1/orders/checkout",
            "/v2/orders/1042",
            "/orders/7/items/",
            "/users/12345678/orders",
        ] {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_plain() {
        for path in [
            "",
            "orders",
            "//orders",
            "/orders//7",
            "/Orders",
            "/orders?page=2",
            "/orders/%41",
            "/orders.json",
            "/my_orders",
            "/line-items",
            "/orders/a7",
            "/orders/7a",
            "/v12/orders",
            "/orders/v1",
            "/v1/v2",
            "/v1",
            "/1234/5678",
            "/123456789",
            "/bearer",
            "/tobasic",
            "/mypassword",
            "/abcdefghijklmnop",
            "/v1/abcdefghijklmnop",
            "/é",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    /// Asserts that no detector finds anything in a path that is plain. Returns whether it is.
    fn check(path: &str) -> bool {
        let is_plain = is_plain(path);
        if is_plain {
            assert_eq!(safe_path(path).as_deref(), Some(path));
            assert!(is_clean(path.as_bytes()) && has_no_trigger(path.as_bytes()), "{path}");
        }
        is_plain
    }

    /// Every prefix of a known format, with all that a plain path can have around it.
    #[test]
    fn no_key_with_a_known_prefix_is_plain() {
        const KEYS: [&str; 5] = [
            "abcdefghijklmno",
            "12345678",
            "abcdefghijklm/nopqrstuvwxyz/acdefghijklm/nopqrstuvwxyz/acdefghijklm/nopqrstuvwxyz",
            "abcdefghijklm/12345678/acdefghijklm/acdefghijklm/acdefghijklm/acdefghijklm",
            "deadceefdeadc/deadceefdeadc/deadceefdeadc/1/e",
        ];
        let mut plain = 0;
        for prefix in prefixes() {
            for before in ["/", "/v1/", "/a/", "/1/", "/orders/7/"] {
                for key in KEYS {
                    for between in ["", "/"] {
                        for end in 1..=key.len() {
                            let path = format!("{before}{prefix}{between}{}", &key[..end]);
                            plain += usize::from(check(&path));
                        }
                    }
                }
            }
        }
        assert!(plain > 1000, "{plain} paths are plain");
    }

    /// Pseudo-random paths of pieces that plain paths and secrets consist of.
    #[test]
    fn no_detector_finds_anything_in_a_plain_path() {
        const PIECES: [&str; 31] = [
            "/",
            "/",
            "/",
            "/",
            "/",
            "/",
            "v1/",
            "1",
            "42",
            "4111",
            "11111111",
            "a",
            "b",
            "c",
            "e",
            "p",
            "s",
            "x",
            "ss",
            "w",
            "orders",
            "items",
            "xoxd",
            "cflt",
            "dapi",
            "sk",
            "pat",
            "api",
            "key",
            "deadceef",
            "abcdefghijklm",
        ];
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 11).unwrap_or_default() % below
        };
        let mut plain = 0;
        for _ in 0..200_000 {
            let count = 1 + random(24);
            let path: String = (0..count).map(|_| PIECES[random(PIECES.len())]).collect();
            plain += usize::from(check(&format!("/{path}")));
        }
        assert!(plain > 5000, "{plain} paths are plain");
    }
}
