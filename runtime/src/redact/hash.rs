//! The key of the `hash` policy, and the pseudonyms made with it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwapOption;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

static KEY: ArcSwapOption<Key> = ArcSwapOption::const_empty();

struct Key {
    bytes: [u8; KEY_BYTES],
    /// Tells keys apart, so that nobody compares pseudonyms of two; 16 bits say nothing about the key.
    id: [u8; 2],
}

/// Hashes under this key from now on.
pub(crate) fn install(bytes: [u8; KEY_BYTES]) {
    let derived = blake3::derive_key("candor 2026-11 id of a key of the hash policy", &bytes);
    KEY.store(Some(Arc::new(Key { bytes, id: [derived[0], derived[1]] })));
}

/// A key as 64 hex digits. What is wrong with another text is told without the text.
pub(crate) fn parse(text: &str) -> Result<[u8; KEY_BYTES], String> {
    let digits = text.as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return Err(format!("has {} characters", text.chars().count()));
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err("holds something else".to_owned());
        };
        *byte = u8::try_from(high << 4 | low).unwrap_or_default();
    }
    Ok(bytes)
}

/// The pseudonym of a value under a field's name: `h1:3fa9:5d0c1b7a9e24f386`, where `h1` is this way to
/// make one and `3fa9` the key's id. The same in every process with the key; other names give others,
/// so that an address in `email` can't be matched with the same one in `referrer`.
///
/// Without a key there is none: an unkeyed hash is found by hashing all addresses.
pub(crate) fn pseudonym(name: &str, value: &[u8]) -> Option<String> {
    let key = KEY.load();
    let Some(key) = &*key else {
        let _ = MISSING.compare_exchange(UNASKED, ASKED, Ordering::Relaxed, Ordering::Relaxed);
        return None;
    };
    let mut hasher = blake3::Hasher::new_keyed(&key.bytes);
    // The length keeps a name's end and a value's beginning apart.
    hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(value);
    let mut text = String::from("h1:");
    let hash = hasher.finalize();
    for byte in key.id {
        let _ = write!(text, "{byte:02x}");
    }
    text.push(':');
    for byte in &hash.as_bytes()[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// What is told once where a value was to be hashed and there is no key.
pub(crate) const NO_KEY: &str = "values under the policy `hash` are shown as [REDACTED]: there is no key; \
                                 set LOG_HASH_KEY (64 hex digits) or Config::hash_key";

static MISSING: AtomicU8 = AtomicU8::new(UNASKED);
const UNASKED: u8 = 0;
const ASKED: u8 = 1;
const TOLD: u8 = 2;

/// Whether a key was missing, and nobody has been told yet; true once in a process.
#[inline]
pub(crate) fn is_missing_and_untold() -> bool {
    has_to_tell()
        && MISSING.compare_exchange(ASKED, TOLD, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// The same, without being the one who tells.
#[inline]
pub(crate) fn has_to_tell() -> bool {
    MISSING.load(Ordering::Relaxed) == ASKED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hex_digits_and_is_never_echoed() {
        assert_eq!(parse(&"0aF1".repeat(16)).map(|key| key[..2].to_vec()), Ok(vec![0x0a, 0xf1]));
        let short = "deadbeef";
        assert_eq!(parse(short), Err("has 8 characters".to_owned()));
        let wrong = "g".repeat(64);
        assert_eq!(parse(&wrong), Err("holds something else".to_owned()));
    }
}
