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
mod rule;
mod words;

pub(crate) use deployment::{added_by_deployment, changed, hides, in_force, install, is_adjusted};
pub(crate) use ends::Ends;
#[cfg(test)]
pub(crate) use roles::words_of_the_rule;
pub use rule::is_sensitive;
pub(crate) use rule::{completes_a_pair, matters};
pub(crate) use words::decoded;
