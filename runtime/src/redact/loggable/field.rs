//! Functions that `#[redact]` calls for each field.
//!
//! A macro cannot evaluate the key rule or look up the traits of a type, so the result of the rule is a const parameter,
//! and method resolution chooses by the traits.

use std::error::Error;
use std::fmt;

use super::secret::Secret;
use super::shape::Shaped;
use super::text::Decided;
use super::{Loggable, NestedDebug, Shape, Slot, Text, TextPolicy};
use crate::redact::{error_text, strict, strict_report};

/// A field without an attribute of its own.
///
/// `SENSITIVE` is the result of the key rule on its names.
///
/// It is a trait of its own, and not a bound on [`Loggable`], so that the compile error is about the field's type.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` needs a redaction policy",
    label = "choose a policy for this field",
    note = "`#[redact(secret)]` hides the value; `mask(last = 4)`, `hash`, `shape`, `url`, `email` and `scrub` show part of it; `clear` shows all of it",
    note = "`skip` leaves the field out; `with = path` calls your own function",
    note = "`#[redact(default = secret)]` on the item applies to all its fields without a policy",
    note = "a type of your own is loggable with `#[redact]` on its definition"
)]
pub trait Field<const SENSITIVE: bool> {
    /// The value that is written for the field.
    type Shown: Loggable + ?Sized;

    /// Returns the value itself, or [`Secret`].
    fn shown(&self) -> &Self::Shown;
}

impl<T: ?Sized> Field<true> for T {
    type Shown = Secret;

    fn shown(&self) -> &Secret {
        &Secret
    }
}

#[diagnostic::do_not_recommend]
impl<T: Loggable + ?Sized> Field<false> for T {
    type Shown = T;

    fn shown(&self) -> &T {
        self
    }
}

/// Writes a field without an attribute of its own.
///
/// It takes the slot instead of returning the value: the bound is in one signature only, so that its error is reported
/// once, and at the type.
#[inline]
pub fn by_type<T: Field<SENSITIVE> + ?Sized, const SENSITIVE: bool>(value: &T, slot: Slot<'_, '_>) {
    slot.value(value.shown());
}

/// Writes a field with a text policy.
#[inline]
pub fn by_policy<T: Text + ?Sized>(value: &T, policy: TextPolicy, slot: Slot<'_, '_>) {
    slot.value(&Decided { value, policy });
}

/// Writes the shape of a field.
#[inline]
pub fn by_shape<T: Shape + ?Sized>(value: &T, slot: Slot<'_, '_>) {
    slot.value(&Shaped { value });
}

/// Writes the value that a user's function returned.
///
/// A pseudonym in it is made for the field `name`.
#[inline]
pub fn by_function<T: Loggable>(shown: T, name: &'static str, slot: Slot<'_, '_>) {
    slot.value_under(name, &shown);
}

/// Writes `"[REDACTED]"` for a field.
#[inline]
pub fn hidden(slot: Slot<'_, '_>) {
    slot.value(&Secret);
}

/// A field with a fallback policy, for a value that is not loggable.
///
/// Method resolution chooses, because an inherent method takes precedence over a trait's.
pub struct Probe<'a, T: ?Sized, const SENSITIVE: bool>(&'a T);

impl<T: ?Sized, const SENSITIVE: bool> fmt::Debug for Probe<'_, T, SENSITIVE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl<'a, T: ?Sized, const SENSITIVE: bool> Probe<'a, T, SENSITIVE> {
    /// Wraps a field. `SENSITIVE` is the result of the key rule on its names.
    pub fn new(value: &'a T) -> Self {
        Probe(value)
    }
}

macro_rules! probes {
    ($($method:ident)*) => {
        impl<T: ?Sized> Probe<'_, T, true> {$(
            /// Hides the field, since the key rule takes precedence over the fallback.
            pub fn $method(self, slot: Slot<'_, '_>) {
                hidden(slot);
            }
        )*}

        impl<T: Loggable + ?Sized> Probe<'_, T, false> {$(
            /// Writes the value itself.
            #[inline]
            pub fn $method(self, slot: Slot<'_, '_>) {
                slot.value(self.0);
            }
        )*}
    };
}

probes!(candor_or_clear candor_or_secret candor_or_shape);

/// The fallback `clear`, as the field's policy or as the type's default.
pub trait OrClear<T: ?Sized>: Sized {
    /// Writes the text of a value that is not loggable.
    fn candor_or_clear(self, slot: Slot<'_, '_>)
    where
        T: Text;
}

impl<T: ?Sized> OrClear<T> for Probe<'_, T, false> {
    #[inline]
    fn candor_or_clear(self, slot: Slot<'_, '_>)
    where
        T: Text,
    {
        by_policy(self.0, TextPolicy::Clear, slot);
    }
}

/// The type's default `secret`.
pub trait OrSecret: Sized {
    /// Hides a value that is not loggable.
    fn candor_or_secret(self, slot: Slot<'_, '_>);
}

impl<T: ?Sized> OrSecret for Probe<'_, T, false> {
    fn candor_or_secret(self, slot: Slot<'_, '_>) {
        hidden(slot);
    }
}

/// The type's default `shape`.
pub trait OrShape<T: ?Sized>: Sized {
    /// Writes the shape of a value that is not loggable.
    fn candor_or_shape(self, slot: Slot<'_, '_>)
    where
        T: Shape;
}

impl<T: ?Sized> OrShape<T> for Probe<'_, T, false> {
    #[inline]
    fn candor_or_shape(self, slot: Slot<'_, '_>)
    where
        T: Shape,
    {
        by_shape(self.0, slot);
    }
}

/// A field with the `scrub` policy.
///
/// It is text, an error with its sources, or another value with a `Display`.
/// Of the traits below, method resolution takes the one with the most references that applies.
pub struct Scrubbed<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> fmt::Debug for Scrubbed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubbed")
    }
}

macro_rules! scrubbed {
    ($($(#[$doc:meta])* $name:ident, [$($bound:tt)*] $type:ty, |$value:ident, $slot:ident| $write:expr;)*) => {$(
        $(#[$doc])*
        pub trait $name {
            /// Writes its scrubbed text.
            fn candor_scrub(&self, slot: Slot<'_, '_>);
        }

        impl<$($bound)*> $name for $type {
            fn candor_scrub(&self, $slot: Slot<'_, '_>) {
                let $value = self.0;
                $write;
            }
        }
    )*};
}

scrubbed! {
    /// For text.
    ScrubText, [T: Text + ?Sized] &&&&&Scrubbed<'_, T>,
        |value, slot| by_policy(value, TextPolicy::Scrub, slot);
    /// For an error, with its sources.
    ScrubError, [T: Error] &&&&Scrubbed<'_, T>, |value, slot| chain(value, slot);
    /// For `Box<dyn Error + Send + Sync>` and `anyhow::Error`.
    ScrubShared, [T: AsRef<dyn Error + Send + Sync>] &&&Scrubbed<'_, T>,
        |value, slot| chain(value.as_ref(), slot);
    /// For `Box<dyn Error>`.
    ScrubLocal, [T: AsRef<dyn Error>] &&Scrubbed<'_, T>, |value, slot| chain(value.as_ref(), slot);
    /// For other values with a `Display`.
    ScrubDisplay, [T: fmt::Display + ?Sized] &Scrubbed<'_, T>,
        |value, slot| by_policy(&error_text::display(value), TextPolicy::Scrub, slot);
}

/// For values without any text: it makes the compile error name [`Text`].
pub trait ScrubNothing<T: ?Sized> {
    /// Never compiles.
    fn candor_scrub(&self, slot: Slot<'_, '_>)
    where
        T: Text;
}

impl<T: ?Sized> ScrubNothing<T> for Scrubbed<'_, T> {
    fn candor_scrub(&self, slot: Slot<'_, '_>)
    where
        T: Text,
    {
        by_policy(self.0, TextPolicy::Scrub, slot);
    }
}

fn chain(error: &dyn Error, slot: Slot<'_, '_>) {
    let mut text = String::new();
    error_text::write_chain(error, &mut text);
    if strict::is_reported() {
        strict_report::error("dyn Error");
    }
    by_policy(&text, TextPolicy::Clear, slot);
}

/// The result of the key rule on the names of a field.
#[derive(Debug)]
pub struct KeyRule<const SENSITIVE: bool>;

/// Implemented for a field whose name is not sensitive.
///
/// It is a trait, because a failed const assertion would not point at the user's `clear`.
#[diagnostic::on_unimplemented(
    message = "this field name is considered sensitive; `clear` requires `reason = \"…\"`",
    label = "use `secret`, `mask(last = 4)` or `skip`, or give a reason: `clear, reason = \"…\"`",
    note = "the key rule looks at its Rust name and its serde name, and for a field without a name at that of its type or variant; see `candor::keys`"
)]
pub trait NeedsNoReason {}

impl NeedsNoReason for KeyRule<false> {}

/// Compiles if `clear` needs no reason.
pub const fn needs_no_reason<T: NeedsNoReason>() {}

/// Implements `Debug` for a `#[redact]` type.
///
/// `display` is the value if it has a `Display` form, which may show what its policies hide.
pub fn debug<T: Loggable + ?Sized>(
    value: &T,
    display: Option<&dyn fmt::Display>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    NestedDebug::fmt(value, display, f)
}

/// A value whose type may have a `Display` form.
#[derive(Debug)]
pub struct Displayed<'a, T: ?Sized>(pub &'a T);

/// Implemented for values with a `Display` form.
pub trait WithDisplay {
    /// Returns the value.
    fn candor_display(&self) -> Option<&dyn fmt::Display>;
}

impl<T: fmt::Display + ?Sized> WithDisplay for Displayed<'_, T> {
    fn candor_display(&self) -> Option<&dyn fmt::Display> {
        Some(&self.0)
    }
}

/// Implemented for all values.
pub trait WithoutDisplay {
    /// Returns `None`.
    fn candor_display(&self) -> Option<&dyn fmt::Display>;
}

impl<T: ?Sized> WithoutDisplay for &Displayed<'_, T> {
    fn candor_display(&self) -> Option<&dyn fmt::Display> {
        None
    }
}
