//! The traits of loggable values, and the functions that write them as JSON.

use super::Encoder;
use crate::json::shown::Shown;

/// Value that can be written to a log line.
///
/// Numbers, booleans, times, UUIDs and all `#[redact]` types are loggable, and so are options, results, smart pointers,
/// cells, locks, ranges, lists, sets, tuples and map values of them. Text is not: `String`, `&str`, bytes, text keys, IP
/// addresses and JSON values need a [policy](crate::policy) around the value, or `#[redact]` on its type.
///
/// | type | in JSON |
/// |---|---|
/// | numbers, [`NonZero`](std::num::NonZero), [`Wrapping`](std::num::Wrapping), atomics | a number; beyond 64 bits a string |
/// | [`Duration`](std::time::Duration) | milliseconds with three decimals: `1.235` |
/// | [`SystemTime`](std::time::SystemTime) | RFC 3339, UTC, microseconds; `<time>` without the `subscriber` feature |
/// | `uuid::Uuid` (feature `uuid`, which `subscriber` enables) | its hyphenated form |
/// | `Option`, `Weak`, `OnceLock` | the value or `null` |
/// | `Result` | `{"Ok":1}`, `{"Err":2}` |
/// | ranges | `{"start":1,"end":5}` |
/// | `Cell`, `RefCell`, `Mutex`, `RwLock` and their guards | the value; `"<borrowed>"`, `"<locked>"` or `"<poisoned>"` if it can't be read without waiting |
/// | times of `jiff`, `chrono`, `time` (features of these names) | RFC 3339 with their offset; durations as above; jiff's `Span` in ISO 8601 |
/// | `rust_decimal::Decimal` (feature `rust_decimal`) | a string, so that no digit is lost |
/// | `http::StatusCode`, `Method`, `Version` (feature `http`) | `404`, `"GET"` or `"_OTHER"`, `"HTTP/1.1"` |
/// | `secrecy::SecretBox` (feature `secrecy`) | always `"[REDACTED]"` |
///
/// Values nested deeper than 120 levels are `"[…]"`, and so are groups nested deeper than 4 levels in the key of a map. A
/// value that logs itself while it is written, directly or through another value, is `"<nested too deeply>"` on the fifth
/// nested line.
///
/// Implement it by hand only for a type whose whole content may be shown to readers of the log:
///
/// ```
/// use candor::loggable::{Encoder, Loggable, to_json};
///
/// struct Percent(u8);
///
/// impl Loggable for Percent {
///     fn log(&self, to: &mut Encoder<'_>) {
///         to.u64(self.0.into());
///     }
/// }
/// assert_eq!(to_json(&Percent(12)), "12");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be logged without a redaction policy",
    label = "choose a policy: `secret(&x)`, `hash(&x)`, `clear(&x)`, …",
    note = "`secret(&x)` hides the value; `mask`, `hash`, `shape`, `url`, `email` and `scrub` show part of it; `clear` shows all of it (all are in `candor::policy`)",
    note = "an error needs no policy: pass `e` or `&e` itself, or `error(&e)` inside a list or another value",
    note = "headers and JSON values go through `candor::scrub::headers(&x)` and `candor::scrub::json(&x)`",
    note = "or put `#[redact]` on the definition of the type, with a policy for each field"
)]
pub trait Loggable {
    /// Writes exactly one value to the encoder.
    ///
    /// If nothing is written, the value is `null`.
    fn log(&self, to: &mut Encoder<'_>);

    /// Returns the members of a field with this name, if the value is more than one. `limit` is the maximum length of a
    /// value in bytes.
    #[doc(hidden)]
    #[inline]
    fn log_members(&self, _name: Shown<'_>, _limit: usize) -> Option<String> {
        None
    }

    /// Whether [`log`](Self::log) runs no code that might panic, so that panics need not be caught.
    #[doc(hidden)]
    #[inline]
    fn is_infallible(&self) -> bool {
        false
    }
}

/// [`Loggable`] type that can be an item of a list, set, tuple or map.
///
/// `u8` and `char` are loggable but not elements, so that neither bytes nor text are logged as lists of numbers or
/// characters.
#[diagnostic::on_unimplemented(
    message = "a collection of `{Self}` can't be logged without a redaction policy",
    label = "`{Self}` is not loggable as an element",
    note = "put a policy around the collection: `secret(&x)` hides it, `shape(&x)` shows its size, `clear(&x)` shows its text (all are in `candor::policy`)",
    note = "or put `#[redact]` on the definition of the type, with a policy for each field"
)]
pub trait Element: Loggable {}

macro_rules! elements {
    ($($type:ty)*) => {$( impl $crate::loggable::Element for $type {} )*};
}
pub(super) use elements;

/// Implements both traits: `[parameters] Type where Inner => |value, to| write`. The inner types must be loggable for
/// [`Loggable`], and elements for [`Element`].
macro_rules! loggable {
    ($($(#[$doc:meta])* [$($params:tt)*] $type:ty $(where $($inner:ty),+)? => |$value:ident, $to:ident| $log:expr;)*) => {$(
        $(#[$doc])*
        impl<$($params)*> $crate::loggable::Loggable for $type
        $(where $($inner: $crate::loggable::Loggable),+)?
        {
            fn log(&self, $to: &mut $crate::loggable::Encoder<'_>) {
                let $value = self;
                $log;
            }
        }

        impl<$($params)*> $crate::loggable::Element for $type
        $(where $($inner: $crate::loggable::Element),+)?
        {
        }
    )*};
}
pub(super) use loggable;

impl Encoder<'_> {
    /// Writes a loggable value.
    #[inline]
    pub fn value<T: Loggable + ?Sized>(&mut self, value: &T) {
        value.log(self);
        self.end();
    }
}

/// Returns the JSON that a value has in a log line.
///
/// ```
/// assert_eq!(candor::loggable::to_json(&(1, true)), "[1,true]");
/// ```
pub fn to_json<T: Loggable + ?Sized>(value: &T) -> String {
    let mut out = String::new();
    Encoder::json(&mut out, usize::MAX).value(value);
    out
}

/// Appends the JSON that a value has in a log line to `out`.
///
/// ```
/// let mut out = String::from("took ");
/// candor::loggable::write_json(&std::time::Duration::from_micros(1_235), &mut out);
/// assert_eq!(out, "took 1.235");
/// ```
pub fn write_json<T: Loggable + ?Sized>(value: &T, out: &mut String) {
    Encoder::json(out, usize::MAX).value(value);
}
