//! What `#[redact]` emits for a field whose decision the macro can't make: it knows neither the
//! answer of the key rule nor the traits of a type.

use std::fmt;

use super::text::{Leaf, Part};
use super::{Loggable, NestedDebug, Slot, Text};
use crate::policy::Secret;

/// A field without an attribute of its own, by the answer of the key rule on its names.
///
/// The error is about the field's type; that the trait is `Loggable` in disguise would only distract.
#[diagnostic::on_unimplemented(
    message = "nothing decides what the log may show of `{Self}`",
    label = "not loggable by itself, so this field needs a decision",
    note = "decide at the field: `#[redact(clear)]` shows it, `mask(last = 4)`, `url`, `email` or `scrub` show part of it, `secret` shows `[REDACTED]`, `skip` leaves it out, `with = path` calls a function of yours",
    note = "or once for all fields: `#[redact(default = secret)]` or `#[redact(default = clear)]` on the item; a type of your own becomes loggable with `#[redact]` on its definition"
)]
pub trait Field<const SENSITIVE: bool> {
    /// What stands in the log for the field.
    type Shown: Loggable + ?Sized;

    /// The value, or what hides it.
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
/// It takes the place rather than return what to put there: the bound stands in one signature only,
/// so that an error about it is reported once, and at the type.
#[inline]
pub fn by_type<T: Field<SENSITIVE> + ?Sized, const SENSITIVE: bool>(value: &T, slot: Slot<'_, '_>) {
    slot.value(value.shown());
}

/// Writes a field under a policy about text.
#[inline]
pub fn by_policy<T: Text + ?Sized>(value: &T, leaf: Leaf, slot: Slot<'_, '_>) {
    slot.value(&Part(value, leaf));
}

/// Writes what a user's function returns.
#[inline]
pub fn by_function<T: Loggable>(shown: T, slot: Slot<'_, '_>) {
    slot.value(&shown);
}

/// Writes nothing of a field.
#[inline]
pub fn hidden(slot: Slot<'_, '_>) {
    slot.value(&Secret);
}

/// A field with a fallback: its type decides where it is loggable, else the fallback does.
///
/// Method resolution is the switch: an inherent method that applies wins over a trait's.
pub struct Probe<'a, T: ?Sized, const SENSITIVE: bool>(&'a T);

impl<T: ?Sized, const SENSITIVE: bool> fmt::Debug for Probe<'_, T, SENSITIVE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

impl<'a, T: ?Sized, const SENSITIVE: bool> Probe<'a, T, SENSITIVE> {
    /// A field whose names have met the key rule.
    pub fn new(value: &'a T) -> Self {
        Probe(value)
    }
}

impl<T: ?Sized> Probe<'_, T, true> {
    /// The key rule comes before a fallback.
    pub fn candor_or_clear(self, slot: Slot<'_, '_>) {
        hidden(slot);
    }

    /// The key rule comes before a fallback.
    pub fn candor_or_secret(self, slot: Slot<'_, '_>) {
        hidden(slot);
    }
}

impl<T: Loggable + ?Sized> Probe<'_, T, false> {
    /// The value itself.
    #[inline]
    pub fn candor_or_clear(self, slot: Slot<'_, '_>) {
        slot.value(self.0);
    }

    /// The value itself.
    #[inline]
    pub fn candor_or_secret(self, slot: Slot<'_, '_>) {
        slot.value(self.0);
    }
}

/// `clear`, as a field's own policy and as the type-level default.
pub trait OrClear<T: ?Sized>: Sized {
    /// The text of a value that is not loggable by itself.
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
        by_policy(self.0, Leaf::Clear, slot);
    }
}

/// `secret` as the type-level default.
pub trait OrSecret: Sized {
    /// Nothing of a value that is not loggable by itself.
    fn candor_or_secret(self, slot: Slot<'_, '_>);
}

impl<T: ?Sized> OrSecret for Probe<'_, T, false> {
    fn candor_or_secret(self, slot: Slot<'_, '_>) {
        hidden(slot);
    }
}

/// The answer of the key rule on the names of one field.
#[derive(Debug)]
pub struct KeyRule<const SENSITIVE: bool>;

/// A trait bound, since a failed const assertion would not point at the user's `clear`.
#[diagnostic::on_unimplemented(
    message = "the name of this field is a sensitive one, so `clear` needs a reason",
    label = "say why its value may be shown: `clear, reason = \"…\"`",
    note = "the key rule looks at its Rust name and its serde name, and for a field without a name at that of its type or variant; see `candor::keys`",
    note = "`secret`, `mask(last = 4)` and `skip` need no reason"
)]
pub trait NeedsNoReason {}

impl NeedsNoReason for KeyRule<false> {}

/// Compiles where `clear` may stand without a reason.
pub const fn needs_no_reason<T: NeedsNoReason>() {}

/// The `Debug` of a `#[redact]` type.
pub fn debug<T: Loggable + ?Sized>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    NestedDebug::fmt(value, f)
}
