//! The policies as functions; [`candor::policy`](crate::policy) documents them.

use std::fmt;
use std::marker::PhantomData;

pub use super::loggable::secret::Secret;
pub use super::loggable::shape::Shaped;
pub use super::loggable::text::Decided;
use super::loggable::{DebugOf, Element, Encoder, Loggable, Shape, Text, TextPolicy};

/// Shows the whole value.
///
/// Control characters are escaped, so that the value can't forge a line or a field.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::clear;
///
/// assert_eq!(to_json(&clear("sku-7\n")), r#""sku-7\n""#);
/// ```
pub fn clear<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, policy: TextPolicy::Clear }
}

/// Shows `****` and some of the first or last characters of a value.
///
/// [`Mask::first`] and [`Mask::last`] set how many; one of them is required.
///
/// In candor's macros, `mask(&card, last = 4)` is the same as `mask(&card).last(4)`.
///
/// The value is `"[REDACTED]"` if it has fewer than 8 characters, or if fewer than twice as many characters would
/// stay hidden as are shown.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::mask;
///
/// assert_eq!(to_json(&mask("4242424242424242").last(4)), r#""****4242""#);
/// assert_eq!(to_json(&mask("DE89370400440532013000").first(2).last(2)), r#""DE****00""#);
/// assert_eq!(to_json(&mask("12345").last(4)), r#""[REDACTED]""#);
/// ```
pub fn mask<T: Text + ?Sized>(value: &T) -> Mask<'_, T, NoEnds> {
    Mask { value, first: 0, last: 0, ends: PhantomData }
}

/// Shows a keyed pseudonym, such as `"h1:3fa9:5d0c1b7a9e24f386"`.
///
/// The same value always has the same pseudonym.
///
/// Use it for values that you want to correlate but not read. The key is `LOG_HASH_KEY` or
/// [`Config::hash_key`](crate::Config::hash_key); every process with the same key makes the same pseudonyms. The
/// second part (`3fa9`) identifies the key.
///
/// The name of the field is hashed too, so an address has different pseudonyms in `email` and in `referrer`. The name
/// is
///
/// - `x` in `fields(x = hash(&v))`, `record("x", …)`, `context::set("x", …)` and `info!(x = hash(&v))`; `user_id` in
///   `set_user(…)`; `ret` in `ret = hash`;
/// - the field's key in the log in a `#[redact]` type. For a field without a name it is the name of the type or
///   variant, so a `struct Email(#[redact(hash)] String)` has the same pseudonym in every field;
/// - the name of the surrounding field in a list or map;
/// - the name of the argument in a message, if it has one.
///
/// A list of numbers, characters or bytes has one pseudonym. Without a key the value is `"[REDACTED]"`, and the first
/// time this happens candor logs one WARN.
///
/// ```
/// #[candor::step_timed(fields(customer = hash(email)))]
/// fn sign_up(email: &str) {}
///
/// let config = candor::Config::new().hash_key([7; 32]);
/// let captured = candor::testing::capture_with(config).expect("a configuration");
/// sign_up("ada@example.com");
/// sign_up("ada@example.com");
/// let lines = captured.steps("sign_up");
/// assert!(lines[0].text("customer").starts_with("h1:"));
/// assert_eq!(lines[0].text("customer"), lines[1].text("customer"));
/// ```
pub fn hash<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, policy: TextPolicy::Hash(None) }
}

/// Shows only the kind and the size class, such as `"<text 17-32>"`.
///
/// Other examples: `"<list 5-8>"`, `"<map 1>"`, `"<number>"`.
///
/// A JSON object or a `#[redact]` type shows its keys with the shapes of their values. Sizes are numbers of characters
/// or entries, rounded up to a power of two.
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

/// Shows the scheme, host, port and scrubbed path of a URL.
///
/// User info, query and fragment are removed, as in [`scrub::url`](crate::scrub::url).
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::url;
///
/// assert_eq!(to_json(&url("https://u:p@shop.example/done?token=t-1")), r#""https://shop.example/done""#);
/// ```
pub fn url<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, policy: TextPolicy::Url }
}

/// Shows the first character and the domain of an address: `"a***@example.com"`.
///
/// Other text is `"[REDACTED]"`.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::email;
///
/// assert_eq!(to_json(&email("ada@example.com")), r#""a***@example.com""#);
/// assert_eq!(to_json(&email("ada")), r#""[REDACTED]""#);
/// ```
pub fn email<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, policy: TextPolicy::Email }
}

/// Shows free text without the parts that look like secrets.
///
/// It is redacted by [`scrub::text`](crate::scrub::text).
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::scrub;
///
/// assert_eq!(to_json(&scrub("login failed: password=hunter2")), r#""login failed: password=[REDACTED]""#);
/// ```
pub fn scrub<T: Text + ?Sized>(value: &T) -> Decided<'_, T> {
    Decided { value, policy: TextPolicy::Scrub }
}

/// Shows `"[REDACTED]"` for a value of any type.
///
/// ```
/// use candor::loggable::to_json;
/// use candor::policy::secret;
///
/// assert_eq!(to_json(&secret(&[1, 2, 3])), r#""[REDACTED]""#);
/// ```
pub fn secret<T: ?Sized>(value: &T) -> Secret {
    let _ = value;
    Secret
}

/// Loggable masked value, made by [`mask`]. `Ends` is the state of its ends.
pub struct Mask<'a, T: ?Sized, Ends = SomeEnds> {
    value: &'a T,
    first: usize,
    last: usize,
    ends: PhantomData<Ends>,
}

/// State of a [`Mask`] without ends, which can't be logged.
#[derive(Debug)]
pub struct NoEnds;

/// State of a [`Mask`] with at least one end set.
#[derive(Debug)]
pub struct SomeEnds;

/// Implemented if the ends of a [`Mask`] are set.
#[diagnostic::on_unimplemented(
    message = "`mask` requires `first` or `last`, as in `mask(&x, last = 4)` or `mask(&x).last(4)`",
    label = "`first` or `last` is missing",
    note = "`secret(&x)` hides the whole value"
)]
pub trait Ends {}

impl Ends for SomeEnds {}

impl<'a, T: ?Sized, E> Mask<'a, T, E> {
    /// Sets how many characters are shown at the start. Default: 0.
    pub fn first(self, first: usize) -> Mask<'a, T> {
        Mask { value: self.value, first, last: self.last, ends: PhantomData }
    }

    /// Sets how many characters are shown at the end. Default: 0.
    pub fn last(self, last: usize) -> Mask<'a, T> {
        Mask { value: self.value, first: self.first, last, ends: PhantomData }
    }
}

impl<T: Text + ?Sized, E: Ends> Loggable for Mask<'_, T, E> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.value.log_text(TextPolicy::Mask { first: self.first, last: self.last }, to);
    }
}

macro_rules! element_and_debug {
    ($($type:ident: $bound:ident),*) => {$(
        impl<T: $bound + ?Sized> Element for $type<'_, T> {}

        impl<T: $bound + ?Sized> fmt::Debug for $type<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&DebugOf(self), f)
            }
        }
    )*};
}

element_and_debug!(Decided: Text, Mask: Text, Shaped: Shape);
