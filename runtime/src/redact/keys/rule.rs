//! The key rule, as [`keys`](crate::keys) describes it.

use super::roles::{
    ALONE, CODE, DECISIVE, HARMLESS, ID, KEY, LAST, METADATA, PLAIN, PREDICATE, SECOND, STRONG,
    pairs, roles,
};
use super::words::Words;

/// Returns whether [the rule of this module](crate::keys) hides values with this name.
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
    let (mut is_strong, mut hit) = (false, false);
    let mut is_predicate = false;
    let mut alone = true;
    let (mut third_last, mut before_last, mut last) = (0, 0, 0);
    while let Some(word) = words.next() {
        let roles = roles(&word);
        if last == 0 {
            is_predicate = roles & PREDICATE != 0;
        } else {
            alone = false;
        }
        // `pull_secret` names a secret resource; it does not hold the secret.
        is_strong |= roles & STRONG != 0 && last & REFERS != REFERS;
        hit |= pairs(last, roles);
        third_last = before_last;
        before_last = last;
        // `PLAIN` keeps it from being 0, which means that there is no word yet.
        last = roles | PLAIN;
    }
    // `tokens_1` is a numbered count, and not a token.
    alone &= !words.ends_in_number;
    hit |= last & LAST != 0 && before_last & HARMLESS == 0 || alone && last & ALONE != 0;
    // The id of a key, unless it is an access key.
    let is_key_id =
        last & ID << SECOND != 0 && before_last & KEY << SECOND != 0 && third_last & CODE == 0;
    (is_strong || hit && !is_key_id) && !is_predicate && last & METADATA == 0
}

/// The roles of a word before the name of a secret.
const REFERS: u32 = HARMLESS | PREDICATE;

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
