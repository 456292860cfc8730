//! Format arguments of a message, rendered like the same value in a field, and hidden under a sensitive name.

use std::cell::Cell;
use std::fmt;

use crate::base::buffer;
use crate::json::members;
use crate::outcome::error_value::ErrorValue;
use crate::redact::keys;
use crate::redact::loggable::{Encoder, Loggable, catch_unprintable};

/// A format argument, shown by the value's [`Loggable`] impl.
///
/// `Debug` shows the same as `Display`.
pub struct MessageArg<'a, T> {
    value: T,
    name: &'a str,
    hidden: bool,
}

impl<'a, T> MessageArg<'a, T> {
    /// Creates the argument with this name, or with an empty one.
    ///
    /// `sensitive` is the key rule's result.
    pub fn new(value: T, name: &'a str, sensitive: bool) -> Self {
        MessageArg {
            value,
            name,
            hidden: sensitive || !name.is_empty() && keys::added_by_deployment(name),
        }
    }
}

/// An argument of a message that is an error.
///
/// Method resolution prefers it to [`NoError`].
pub trait ShownError {
    /// The error, unless it is hidden.
    fn candor_error(&self) -> Option<&dyn Loggable>;
}

impl ShownError for MessageArg<'_, ErrorValue<'_>> {
    fn candor_error(&self) -> Option<&dyn Loggable> {
        (!self.hidden).then_some(&self.value)
    }
}

/// Any other argument of a message.
pub trait NoError {
    /// Returns `None`.
    fn candor_error(&self) -> Option<&dyn Loggable>;
}

impl<T> NoError for &MessageArg<'_, T> {
    #[inline]
    fn candor_error(&self) -> Option<&dyn Loggable> {
        None
    }
}

impl<T: Loggable> fmt::Display for MessageArg<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        thread_local! {
            static VALUE: Cell<String> = const { Cell::new(String::new()) };
        }
        if self.hidden {
            return f.write_str(REDACTED);
        }
        buffer::with(&VALUE, |json| {
            catch_unprintable(json, |out| {
                Encoder::buffered(out).under(self.name).value(&self.value);
            });
            show(json, f)
        })
    }
}

impl<T: Loggable> fmt::Debug for MessageArg<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const REDACTED: &str = "[REDACTED]";

/// Shows a value's JSON in a message: text without its quotes, anything else unchanged.
fn show(json: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match json.as_bytes().first() {
        Some(b'"') if json.contains('\\') => f.pad(&members::text_of(json)),
        Some(b'"') => f.pad(&json[1..json.len() - 1]),
        Some(b'0'..=b'9' | b'-') => show_number(json, f),
        _ => f.write_str(json),
    }
}

fn show_number(digits: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if f.width().is_none() && f.precision().is_none() && !f.sign_plus() {
        return f.write_str(digits);
    }
    match digits.parse::<f64>() {
        Ok(number) if digits.contains(['.', 'e', 'E']) => fmt::Display::fmt(&number, f),
        _ => f.pad_integral(!digits.starts_with('-'), "", digits.trim_start_matches('-')),
    }
}

/// A whole number, for `{:x}`, `{:#b}` and the like.
#[diagnostic::on_unimplemented(
    message = "`{{:x}}`, `{{:o}}` and `{{:b}}` require an integer, found `{Self}`",
    label = "not an integer"
)]
pub trait Integer: fmt::LowerHex + fmt::UpperHex + fmt::Octal + fmt::Binary {}

/// A number, for `{:e}`.
#[diagnostic::on_unimplemented(
    message = "`{{:e}}` requires a number, found `{Self}`",
    label = "not a number"
)]
pub trait Number: fmt::LowerExp + fmt::UpperExp {}

impl<T: Integer + ?Sized> Integer for &T {}
impl<T: Number + ?Sized> Number for &T {}

macro_rules! numbers {
    ($kind:ident: $($type:ty)*) => {$( impl $kind for $type {} )*};
}

numbers! { Integer: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
numbers! { Number: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

macro_rules! forms {
    ($kind:ident: $($form:ident)*) => {$(
        impl<T: $kind> fmt::$form for MessageArg<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.hidden { f.write_str(REDACTED) } else { fmt::$form::fmt(&self.value, f) }
            }
        }
    )*};
}

forms! { Integer: LowerHex UpperHex Octal Binary }
forms! { Number: LowerExp UpperExp }

/// Whether the text in front of a format argument gives it a sensitive name.
///
/// Examples: `password={}`, `api key: {}`. Before `=` the name is one word; before `:`, in prose, it is the last two.
pub const fn labels_secret(before: &str) -> bool {
    let bytes = before.as_bytes();
    let Some((separator, rest)) = bytes.split_last() else { return false };
    let end = trimmed(rest);
    let mut start = word_start(rest, end);
    if *separator == b':' {
        let before = trimmed_blanks(rest, start);
        if before < start {
            start = word_start(rest, before);
        }
    }
    let (label, _) = before.split_at(end);
    let (_, label) = label.split_at(start);
    keys::is_sensitive(label)
}

/// The end of the text without trailing blanks and quotes.
const fn trimmed(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while end > 0 && matches!(bytes[end - 1], b' ' | b'"' | b'\'' | b'`' | b'\\') {
        end -= 1;
    }
    end
}

const fn trimmed_blanks(bytes: &[u8], mut end: usize) -> usize {
    while end > 0 && bytes[end - 1] == b' ' {
        end -= 1;
    }
    end
}

/// The start of the word that ends at `end`. Characters beyond ASCII are part of a word.
const fn word_start(bytes: &[u8], end: usize) -> usize {
    let mut start = end;
    while start > 0
        && (bytes[start - 1].is_ascii_alphanumeric()
            || matches!(bytes[start - 1], b'_' | b'-' | b'.' | b'%' | 0x80..))
    {
        start -= 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_names_a_secret() {
        for text in [
            "password=",
            "user 7 password =",
            "{\"apiKey\":",
            "new api key:",
            "card number:",
            "x-api-key:",
            "пароль password:",
            "client.secret=",
        ] {
            assert!(labels_secret(text), "{text}");
        }
        for text in [
            "",
            "=",
            ":",
            " :",
            "user=",
            "tokens used=",
            "password reset count=",
            "password reset for user:",
            "the secret of this page:",
            "é:",
        ] {
            assert!(!labels_secret(text), "{text}");
        }
    }
}
