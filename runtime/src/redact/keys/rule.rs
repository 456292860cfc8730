//! The key rule, as [`keys`](crate::keys) describes it.

use super::roles::{
    ALONE, DECISIVE, HARMLESS, LAST, METADATA, PLAIN, PREDICATE, SECOND, STRONG, pairs, roles,
};
use super::words::Words;

/// Whether a value under this name is hidden, by [the rule of this module](crate::keys).
///
/// It is a `const fn`, so that macros can call it at compile time, and it does not allocate.
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
    let mut is_predicate = false;
    let mut alone = true;
    let mut before_last = 0;
    let mut last = 0;
    while let Some(word) = words.next() {
        let roles = roles(&word);
        if last == 0 {
            is_predicate = roles & PREDICATE != 0;
        } else {
            alone = false;
        }
        hit |= roles & STRONG != 0 || pairs(last, roles);
        before_last = last;
        // `PLAIN` keeps it from being 0, which means that there is no word yet.
        last = roles | PLAIN;
    }
    hit |= last & LAST != 0 && before_last & HARMLESS == 0 || alone && last & ALONE != 0;
    hit && !is_predicate && last & METADATA == 0
}

/// Whether a word of the name can make a name sensitive. If not, every name that ends in this one is harmless.
pub(crate) fn may_be_sensitive(name: &str) -> bool {
    let mut words = Words::of(name);
    while let Some(word) = words.next() {
        if roles(&word) & DECISIVE != 0 {
            return true;
        }
    }
    false
}

/// Whether the name must be judged together with the words before it, like `key` in "API key: …".
pub(crate) fn completes_a_pair(name: &str) -> bool {
    let mut words = Words::of(name);
    let mut last = 0;
    while let Some(word) = words.next() {
        last = roles(&word);
    }
    last >> SECOND & 0xfff != 0
}
