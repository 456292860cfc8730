//! What `#[redact]` emits for a field whose decision the macro can't make: it knows neither the
//! answer of the key rule nor the traits of a type.

use std::fmt;

use std::error::Error;

use super::secret::Secret;
use super::shape::ShapeOf;
use super::text::Part;
use super::{Encoder, Leaf, Loggable, NestedDebug, Shape, Slot, Text};
use crate::redact::{error_text, scrub};

/// A field without an attribute of its own, by the answer of the key rule on its names.
///
/// The error is about the field's type; that the trait is `Loggable` in disguise would only distract.
#[diagnostic::on_unimplemented(
    message = "nothing decides what the log may show of `{Self}`",
    label = "not loggable by itself, so this field needs a decision",
    note = "decide at the field: `#[redact(clear)]` shows it, `mask(last = 4)`, `hash`, `shape`, `url`, `email` or `scrub` show part of it, `secret` shows `[REDACTED]`, `skip` leaves it out, `with = path` calls a function of yours",
    note = "or once for all fields: `#[redact(default = secret)]`, `shape` or `clear` on the item; a type of your own becomes loggable with `#[redact]` on its definition"
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

/// Writes the shape of a field.
#[inline]
pub fn by_shape<T: Shape + ?Sized>(value: &T, slot: Slot<'_, '_>) {
    slot.value(&ShapeOf(value));
}

/// Writes what a user's function returns, for the field of this name where it returns a pseudonym.
#[inline]
pub fn by_function<T: Loggable>(shown: T, name: &'static str, slot: Slot<'_, '_>) {
    slot.value_under(name, &shown);
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

    /// The key rule comes before a fallback.
    pub fn candor_or_shape(self, slot: Slot<'_, '_>) {
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

    /// The value itself.
    #[inline]
    pub fn candor_or_shape(self, slot: Slot<'_, '_>) {
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

/// `shape` as the type-level default.
pub trait OrShape<T: ?Sized>: Sized {
    /// The shape of a value that is not loggable by itself.
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

/// A field under `scrub`: text, or an error with its sources, or what else has a `Display`. The first that
/// applies is the one with the most references in front.
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
            /// Its text, through the scrubber.
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
    /// Text.
    ScrubText, [T: Text + ?Sized] &&&&&Scrubbed<'_, T>,
        |value, slot| by_policy(value, Leaf::Scrub, slot);
    /// An error with its sources.
    ScrubError, [T: Error] &&&&Scrubbed<'_, T>, |value, slot| chain(value, slot);
    /// `Box<dyn Error + Send + Sync>`, `anyhow::Error`.
    ScrubShared, [T: AsRef<dyn Error + Send + Sync>] &&&Scrubbed<'_, T>,
        |value, slot| chain(value.as_ref(), slot);
    /// `Box<dyn Error>`.
    ScrubLocal, [T: AsRef<dyn Error>] &&Scrubbed<'_, T>, |value, slot| chain(value.as_ref(), slot);
    /// Anything else with a text.
    ScrubDisplay, [T: fmt::Display + ?Sized] &Scrubbed<'_, T>,
        |value, slot| slot.value(&Decided(&scrub::text(&error_text::display(value))));
}

/// What has no text, for the error about it.
pub trait ScrubNothing<T: ?Sized> {
    /// Does not compile.
    fn candor_scrub(&self, slot: Slot<'_, '_>)
    where
        T: Text;
}

impl<T: ?Sized> ScrubNothing<T> for Scrubbed<'_, T> {
    fn candor_scrub(&self, slot: Slot<'_, '_>)
    where
        T: Text,
    {
        by_policy(self.0, Leaf::Scrub, slot);
    }
}

fn chain(error: &dyn Error, slot: Slot<'_, '_>) {
    let mut text = String::new();
    error_text::write_chain(error, &mut text);
    slot.value(&Decided(&text));
}

/// Text that a decision has been made about.
struct Decided<'a>(&'a str);

impl Loggable for Decided<'_> {
    fn log(&self, to: &mut Encoder<'_>) {
        to.text(self.0);
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
