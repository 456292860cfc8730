//! The key rule: which names belong to secrets.
//!
//! It works on words, not on substrings, so that `token_count`, `passport` and `primary_key` stay
//! readable while `accessToken`, `db_pass` and `X-Stripe-Api-Key` do not. A name is percent-decoded,
//! freed of zero-width characters, folded from full-width and look-alike letters, split at everything
//! that is no letter or digit and at camel humps (acronyms stay whole), put in lower case, without
//! trailing digits, in the singular. Then:
//!
//! 1. *Strong* words hit anywhere: password, secret, credential, authorization, cookie, jwt, otp, …
//! 2. *Weak* words need company. `token`, `pass`, `pin`, `auth`, `session` and `sid` hit as the last word
//!    (not `prompt tokens` or `boarding pass`); pairs hit together: api + key, mfa + code, card + number,
//!    session + id, connection + string, seed + phrase, …
//! 3. Words written together count as the words they are made of: `userpassword`, `apikey`.
//! 4. A name *about* a secret is none: last word count, len, type, ttl, expires, policy, enabled,
//!    url, …, or first word is, has, min, max, ….
//!
//! ```
//! use candor::keys::is_sensitive;
//!
//! const HIDDEN: bool = is_sensitive("X-Stripe-Api-Key");
//! assert!(HIDDEN && is_sensitive("dbPassword") && is_sensitive("refresh_token"));
//! assert!(!is_sensitive("token_count") && !is_sensitive("has_password") && !is_sensitive("author"));
//! ```

mod deployment;
mod ends;
mod roles;
mod words;

pub(crate) use deployment::{added_by_deployment, changed, hides, in_force, install, is_adjusted};
pub(crate) use ends::Ends;
#[cfg(test)]
pub(crate) use roles::words_of_the_rule;
use roles::{ABOUT, ALONE, ASKS, HARMLESS, LAST, MATTERS, PLAIN, SECOND, STRONG, pairs, roles};
use words::Words;
pub(crate) use words::decoded;

/// Whether a value under this name is hidden, by the rule at the top of [this module](self).
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
