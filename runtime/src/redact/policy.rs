//! Decisions on what a value that is not loggable by itself may show.
//!
//! They are the words of `#[redact(…)]` on a field as functions, for values given to `fields(…)`,
//! [`record`](crate::record), [`context::set`](crate::context::set) and candor's event macros.
//!
//! ```
//! use candor::loggable::to_json;
//! use candor::policy::{clear, email, mask, secret, shape, url};
//!
//! assert_eq!(to_json(&clear("sku-7")), r#""sku-7""#);
//! assert_eq!(to_json(&secret("s3cr3t")), r#""[REDACTED]""#);
//! assert_eq!(to_json(&mask("4111 1111 1111 1111").last(4)), r#""****1111""#);
//! assert_eq!(to_json(&email("ada@example.com")), r#""a***@example.com""#);
//! assert_eq!(to_json(&url("https://u:p@example.com/a?token=x")), r#""https://example.com/a""#);
//! assert_eq!(to_json(&shape("correct horse battery")), r#""<text 17-32>""#);
//! ```

use std::fmt;

pub use super::loggable::secret::Secret;
use super::loggable::{DebugOf, Element, Encoder, Leaf, Loggable, Shape, Text};

/// A value under a policy; loggable.
pub struct Decided<'a, T: ?Sized> {
    value: &'a T,
    leaf: Leaf,
}

/// Shows the value, escaped.
pub fn clear<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, leaf: Leaf::Clear }
}

/// Hides the value behind a mask, with the ends that [`Mask::first`] and [`Mask::last`] name.
///
/// They are shown only where the value has at least 8 characters and twice as many stay hidden as
/// are shown; anything shorter is `"[REDACTED]"`.
pub fn mask<T: Text + ?Sized>(value: &T) -> Mask<'_, T> {
    Mask { value, first: 0, last: 0 }
}

/// Shows a keyed pseudonym, such as `"h1:3fa9:5d0c1b7a9e24f386"`, so that two lines about the same value
/// can be matched and nobody can find the value.
///
/// The key is `LOG_HASH_KEY` or [`Config::hash_key`](crate::Config::hash_key); every process with the key makes the
/// same pseudonyms, and the second part, the key's id, tells keys apart. The name of the field is hashed
/// too, so that the same address is another one in `email` and in `referrer`. That name is
///
/// - in `fields(x = hash(&v))`, `record("x", …)`, `context::set("x", …)` and `info!(x = hash(&v))`: `x`; in
///   `set_user(…)`: `user_id`; in `ret = hash`: `ret`;
/// - in a `#[redact]` type: the field's key in the log, or the type's or variant's name for a field
///   without one, so that `struct Email(#[redact(hash)] String)` is the same wherever it stands;
/// - in a list or map: that of the field it stands in; in a message, the argument's name if it has one.
///
/// Without a key the line shows `"[REDACTED]"`, and the first time this happens one WARN says so. A list
/// of numbers, letters or bytes has one pseudonym.
pub fn hash<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, leaf: Leaf::Hash(None) }
}

/// Shows kind and size class only: `"<text 17-32>"`, `"<list 5-8>"`, `"<map 1>"`, `"<number>"`; of a JSON object
/// or a `#[redact]` type the keys with the shapes of their values. Sizes are in characters and entries, up to
/// the next power of two.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::shape;
///
/// let body = serde_json::json!({"ids": [1, 2, 3, 4, 5], "note": "none"});
/// assert_eq!(to_json(&shape(&body)), r#"{"ids":"<list 5-8>","note":"<text 3-4>"}"#);
/// ```
pub fn shape<T: Shape + ?Sized>(value: &T) -> Shaped<'_, T> {
    Shaped { value }
}

/// Makes a URL safe: scheme, host, port and scrubbed path, no user info, query or fragment.
pub fn url<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, leaf: Leaf::Url }
}

/// Shows the first letter and the domain of an e-mail address.
pub fn email<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, leaf: Leaf::Email }
}

/// Shows free text after the [scrubber](crate::scrub::text) took out what looks like a secret.
pub fn scrub<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, leaf: Leaf::Scrub }
}

/// Shows `"[REDACTED]"`, whatever the value, its type and its length.
pub fn secret<T: ?Sized>(value: &T) -> Secret {
    let _ = value;
    Secret
}

impl<T: Text + ?Sized> Loggable for Decided<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_text(self.leaf, to);
    }

    #[inline]
    fn is_plain(&self) -> bool {
        self.value.is_plain()
    }
}

impl<T: Text + ?Sized> Element for Decided<'_, T> {}

impl<T: Text + ?Sized> fmt::Debug for Decided<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}

/// A masked value, made by [`mask`]; loggable.
pub struct Mask<'a, T: ?Sized> {
    value: &'a T,
    first: usize,
    last: usize,
}

impl<T: ?Sized> Mask<'_, T> {
    /// Shows this many characters at the start; none by default.
    pub fn first(self, first: usize) -> Self {
        Mask { first, ..self }
    }

    /// Shows this many characters at the end; none by default.
    pub fn last(self, last: usize) -> Self {
        Mask { last, ..self }
    }
}

impl<T: Text + ?Sized> Loggable for Mask<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_text(Leaf::Mask { first: self.first, last: self.last }, to);
    }
}

impl<T: Text + ?Sized> Element for Mask<'_, T> {}

impl<T: Text + ?Sized> fmt::Debug for Mask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}

/// The shape of a value, made by [`shape`]; loggable.
pub struct Shaped<'a, T: ?Sized> {
    value: &'a T,
}

impl<T: Shape + ?Sized> Loggable for Shaped<'_, T> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_shape(to);
    }
}

impl<T: Shape + ?Sized> Element for Shaped<'_, T> {}

impl<T: Shape + ?Sized> fmt::Debug for Shaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}
