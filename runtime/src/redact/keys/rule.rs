//! The key rule itself.

use super::roles::{
    ABOUT, ALONE, ASKS, HARMLESS, LAST, MATTERS, PLAIN, SECOND, STRONG, pairs, roles,
};
use super::words::Words;

/// Whether a value under this name is hidden, by the rule at the top of [`keys`](crate::keys).
///
/// It is a `const fn` so that macros can ask at compile time, and it does not allocate.
///
/// ```
/// # use candor::keys::is_sensitive;
/// for name in ["password1", "pass%77ord", "AWSSecretKey", "Set-Cookie", "cvc2", "user.session_id"] {
///     assert!(is_sensitive(name), "{name}");
/// }
/// for name in ["status_code", "max_tokens", "password_policy", "session_count", "monkey"] {
///     assert!(!is_sensitive(name), "{name}");
/// }
/// ```
pub const fn is_sensitive(name: &str) -> bool {
    let mut words = Words::of(name);
    let mut hit = false;
    let mut asks = false;
    let mut alone = true;
    let mut before_last = 0;
    let mut last = 0;
    while let Some(word) = words.next() {
        let roles = roles(&word);
        if last == 0 {
            asks = roles & ASKS != 0;
        } else {
            alone = false;
        }
        hit |= roles & STRONG != 0 || pairs(last, roles);
        before_last = last;
        // Never 0, so that 0 can mean "no word yet".
        last = roles | PLAIN;
    }
    hit |= last & LAST != 0 && before_last & HARMLESS == 0 || alone && last & ALONE != 0;
    hit && !asks && last & ABOUT == 0
}

/// Whether a word of the name can make a hit: else neither it nor a longer one that ends in it is hidden.
pub(crate) fn matters(name: &str) -> bool {
    let mut words = Words::of(name);
    while let Some(word) = words.next() {
        if roles(&word) & MATTERS != 0 {
            return true;
        }
    }
    false
}

/// Whether the name needs the words before it to be judged, as the key in "API key: …" does.
pub(crate) fn completes_a_pair(name: &str) -> bool {
    let mut words = Words::of(name);
    let mut last = 0;
    while let Some(word) = words.next() {
        last = roles(&word);
    }
    last >> SECOND & 0xfff != 0
}
