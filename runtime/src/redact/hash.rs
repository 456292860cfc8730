//! The `hash` policy: its key, and the pseudonyms that it makes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use arc_swap::ArcSwapOption;

/// Length of a key.
pub(crate) const KEY_BYTES: usize = 32;

static KEY: ArcSwapOption<HashKey> = ArcSwapOption::const_empty();

struct HashKey {
    bytes: [u8; KEY_BYTES],
    /// Written into every pseudonym, so that pseudonyms of different keys are not compared. 16 bits of a derived key
    /// reveal nothing about the key.
    id: [u8; 2],
}

/// Sets the key of this process.
pub(crate) fn install(bytes: [u8; KEY_BYTES]) {
    let derived = blake3::derive_key("candor 2026-11 id of a key of the hash policy", &bytes);
    KEY.store(Some(Arc::new(HashKey { bytes, id: [derived[0], derived[1]] })));
}

/// Parses a key of 64 hex digits.
pub(crate) fn parse(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// Returns the pseudonym of a value in the field `name`: `h1:3fa9:5d0c1b7a9e24f386`, which is the version of the
/// format, the id of the key and the hash.
///
/// It is the same in every process with the key. The name is hashed too, so an address in `email` can't be matched
/// with the same address in `referrer`. Without a key there is no pseudonym, because an unkeyed hash can be reversed
/// by hashing all addresses.
pub(crate) fn pseudonym(name: &str, value: &[u8]) -> Option<String> {
    let key = KEY.load();
    let Some(key) = &*key else {
        MISSING_KEY_WARNING.fetch_max(DUE, Ordering::Relaxed);
        return None;
    };
    let mut hasher = blake3::Hasher::new_keyed(&key.bytes);
    // Hashing the length keeps the name `ab` with the value `c` apart from the name `a` with the value `bc`.
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

/// Text of the warning that is written once if a value was to be hashed and there is no key.
pub(crate) const NO_KEY: &str = "values with the `hash` policy are shown as [REDACTED], because there is no key; \
                                 set LOG_HASH_KEY (64 hex digits), LOG_HASH_KEY_FILE or Config::hash_key";

static MISSING_KEY_WARNING: AtomicU8 = AtomicU8::new(NOT_NEEDED);
const NOT_NEEDED: u8 = 0;
const DUE: u8 = 1;
const WRITTEN: u8 = 2;

/// Whether the caller is to write the warning about a missing key; true once in a process.
#[inline]
pub(crate) fn take_missing_key_warning() -> bool {
    is_missing_key_warning_due() && MISSING_KEY_WARNING.swap(WRITTEN, Ordering::Relaxed) == DUE
}

/// Whether a key was missing and the warning is not written yet.
#[inline]
pub(crate) fn is_missing_key_warning_due() -> bool {
    MISSING_KEY_WARNING.load(Ordering::Relaxed) == DUE
}
