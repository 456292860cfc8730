//! Key rule: decides which names are sensitive, so that their values are hidden.
//!
//! The rule matches whole words and not substrings: `token_count`, `passport` and `primary_key` stay readable, and
//! `accessToken`, `db_pass` and `X-Stripe-Api-Key` do not. It first splits a name into words:
//!
//! - percent-encoding is decoded, zero-width characters are removed, and full-width and look-alike letters become
//!   ASCII;
//! - words end at every character that is not a letter or digit, and at camel case (an acronym is one word);
//! - words are lower-cased, lose trailing digits, and become singular.
//!
//! Then it classifies the words:
//!
//! 1. *Strong* words make a name sensitive in any position: password, secret, credential, authorization, cookie, jwt,
//!    otp, …
//! 2. *Weak* words need context. `token`, `pass`, `pin`, `auth`, `session` and `sid` count as the last word, but not
//!    in `prompt tokens` or `boarding pass`. Some words count as pairs: api + key, mfa + code, card + number, session +
//!    id, connection + string, seed + phrase, …
//! 3. Words that are written together count as their parts: `userpassword`, `apikey`.
//! 4. A name that only describes a secret is not sensitive: its last word is count, len, type, ttl, expires, policy,
//!    enabled, url, …, or its first word is, has, min, max, …
//!
//! The words of the rule are English, plus the word for password in a few other languages.
//! [`Config::sensitive`](crate::Config::sensitive) adds names of a deployment.
//!
//! ```
//! use candor::keys::is_sensitive;
//!
//! const HIDDEN: bool = is_sensitive("X-Stripe-Api-Key");
//! assert!(HIDDEN && is_sensitive("dbPassword") && is_sensitive("refresh_token"));
//! assert!(!is_sensitive("token_count") && !is_sensitive("has_password") && !is_sensitive("author"));
//! ```

#[cfg(feature = "subscriber")]
mod deployment;
mod endings;
mod roles;
mod rule;
mod words;

#[cfg(not(feature = "subscriber"))]
pub(crate) use super::without_subscriber::deployment::{added_by_deployment, hides, is_adjusted};
#[cfg(feature = "subscriber")]
pub(crate) use deployment::{
    added_by_deployment, hides, install, is_adjusted, rules_changed, rules_version,
};
pub(crate) use endings::WordEndings;
#[cfg(test)]
pub(crate) use roles::words_of_the_rule;
pub use rule::is_sensitive;
pub(crate) use rule::{completes_a_pair, may_be_sensitive};
pub(crate) use words::{decoded, percent_decoded};
