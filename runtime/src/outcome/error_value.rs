//! An error as a value of a field, a message or `record`.

use std::any::type_name;
use std::error::Error;
use std::fmt;

use super::failure::{Detail, Failure};
use super::{Answer, DependencyOutcome};
use crate::json::members;
use crate::json::shown::Shown;
use crate::redact::loggable::shape::Shaped;
use crate::redact::loggable::type_only::TypeOnly;
use crate::redact::loggable::{DebugOf, Element, Encoder, Loggable, Shape};
use crate::redact::{counted, keys, policy};

/// Loggable error, made by [`policy::error`](crate::policy::error).
///
/// As a field, it has three keys: the field's name with the class of the error, and the name with `_type` and `_detail`
/// appended, with its type and its text. Elsewhere, such as in a list or a message, only the text is shown.
pub struct ErrorValue<'a> {
    failure: Failure<'a>,
    answer: Answer,
}

impl<'a> ErrorValue<'a> {
    pub(super) fn of<E: ?Sized>(detail: Detail<'a>, answer: Answer) -> Self {
        // A reference is shown as the error that it refers to.
        let type_name = type_name::<E>().trim_start_matches('&');
        let failure = Failure { type_name, detail };
        ErrorValue { failure, answer: failure.complete(answer) }
    }

    /// Returns the members of a field with this name.
    fn members(&self, name: Shown<'_>, limit: usize) -> String {
        let mut out = String::new();
        let class = self.failure.class(self.answer.reason());
        members::text(&mut out, name, &class.shown());
        self.failure.write_members(name, limit, &mut out);
        if members::walk(&out, 0).any(|member| keys::added_by_deployment(member.key)) {
            return hide_added(&out);
        }
        out
    }
}

/// Hides the members whose names the deployment added to the sensitive ones.
#[cold]
fn hide_added(fields: &str) -> String {
    let mut out = String::new();
    for member in members::walk(fields, 0) {
        if keys::added_by_deployment(member.key) {
            out.push_str(&fields[member.start..member.end - member.value.len()]);
            counted::name(member.key);
            Encoder::buffered(&mut out).redacted();
        } else {
            out.push_str(&fields[member.start..member.end]);
        }
    }
    out
}

impl Loggable for ErrorValue<'_> {
    fn log(&self, to: &mut Encoder<'_>) {
        match self.failure.text() {
            Some(text) => to.shown(&text),
            None => to.shown(""),
        }
    }

    fn log_members(&self, name: Shown<'_>, limit: usize) -> Option<String> {
        Some(self.members(name, limit))
    }
}

impl Element for ErrorValue<'_> {}

impl fmt::Debug for ErrorValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}

/// Shows an error: its class, its type, and the scrubbed text with its sources.
///
/// It takes every [`Error`], including `&dyn Error`, and `Box<dyn Error>`, `anyhow::Error` and `eyre::Report`. candor's
/// macros take all of these without a policy, and know the categories of more types: this function finds only the
/// category of an I/O error and of the error's sources.
///
/// ```
/// use candor::policy;
///
/// fn report(errors: &[std::num::ParseIntError]) {
///     let shown: Vec<_> = errors.iter().map(policy::error).collect();
///     candor::error!(lines = shown, error = policy::error(&errors[0]), "the file is not a list of numbers");
/// }
///
/// let captured = candor::testing::capture();
/// report(&["1x".parse::<u8>().unwrap_err(), "300".parse::<u8>().unwrap_err()]);
/// let line = captured.line("the file is not a list of numbers");
/// assert_eq!(line.text("error"), "ParseIntError");
/// assert_eq!(line.text("error_type"), "core::num::error::ParseIntError");
/// assert_eq!(line.text("error_detail"), "invalid digit found in string");
/// assert_eq!(
///     line.get("lines"),
///     Some(&serde_json::json!(["invalid digit found in string", "number too large to fit in target type"])),
/// );
/// ```
pub fn error<E: AnyError<Kind> + ?Sized, Kind>(error: &E) -> ErrorValue<'_> {
    error.error_value()
}

/// Error type that [`policy::error`](crate::policy::error) accepts. `Kind` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error",
    label = "expected a `std::error::Error`, a boxed one, `anyhow::Error` or `eyre::Report`",
    note = "a string needs another policy: `scrub(&x)` shows it without the parts that look like secrets"
)]
pub trait AnyError<Kind> {
    #[doc(hidden)]
    fn error_value(&self) -> ErrorValue<'_>;
}

/// Kinds of errors, as parameters of [`AnyError`] and [`AnyValue`].
#[doc(hidden)]
#[derive(Debug)]
pub struct OfError;
#[doc(hidden)]
#[derive(Debug)]
pub struct OfRef;
#[doc(hidden)]
#[derive(Debug)]
pub struct OfSharedBox;
#[doc(hidden)]
#[derive(Debug)]
pub struct OfSendBox;
#[doc(hidden)]
#[derive(Debug)]
pub struct OfLoggable;

macro_rules! any_errors {
    ($([$($generics:tt)*] $Type:ty, $Kind:ty, |$error:ident| $detail:expr;)*) => {$(
        impl<$($generics)*> AnyError<$Kind> for $Type {
            fn error_value(&self) -> ErrorValue<'_> {
                let $error = self;
                ErrorValue::of::<$Type>($detail, Answer::NONE)
            }
        }
    )*};
}

any_errors! {
    ['a] dyn Error + 'a, OfRef, |error| Detail::Error(error);
    ['a] dyn Error + Send + Sync + 'a, OfSharedBox, |error| Detail::Error(error);
    [E: Error] E, OfError, |error| Detail::Error(error);
    [E: AsRef<dyn Error>] E, OfRef, |error| Detail::Chain(error.as_ref());
    [] Box<dyn Error + Send + Sync>, OfSharedBox, |error| Detail::Chain(&**error);
    [] Box<dyn Error + Send>, OfSendBox, |error| Detail::Chain(&**error);
}

/// A value of a field or a message as the macros pass it.
///
/// The receiver of [`candor_value`](GivenLoggable::candor_value).
///
/// Method resolution takes the impl with the most references whose bounds hold: a loggable value is shown through its
/// own policies, an error that is not loggable as an [`ErrorValue`]. For any other value, the last impl makes the
/// compile error name [`Loggable`].
#[derive(Debug)]
pub struct Given<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Given<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Given<'_, T> {}

macro_rules! given {
    ($($(#[$doc:meta])* $Name:ident [$($generics:tt)*] $Receiver:ty => $Shown:ty, |$value:ident| $shown:expr;)*) => {$(
        $(#[$doc])*
        pub trait $Name<'a> {
            /// The value that is shown.
            type Shown: Loggable;
            /// Returns the value that is shown.
            fn candor_value(&self) -> Self::Shown;
            /// The same, for a variable that a message captures.
            #[inline]
            fn candor_captured(&self) -> Self::Shown {
                self.candor_value()
            }
        }

        impl<'a, $($generics)*> $Name<'a> for $Receiver {
            type Shown = $Shown;

            #[inline]
            fn candor_value(&self) -> $Shown {
                let $value = self.0;
                $shown
            }
        }
    )*};
}

given! {
    /// A `#[redact]` error with a category of its own.
    GivenLoggableOutcome [T: Loggable + Error + DependencyOutcome] &&&&&&&&&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::LoggableError(value, value), Answer::of(value));
    /// A `#[redact]` error.
    GivenLoggableError [T: Loggable + Error] &&&&&&&&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::LoggableError(value, value), Answer::NONE);
    /// An option of a `#[redact]` error.
    GivenLoggableOption [T: Loggable + Error] &&&&&&&&&&Given<'a, Option<T>> => Option<ErrorValue<'a>>,
        |value| value.as_ref().map(|error| ErrorValue::of::<T>(Detail::LoggableError(error, error), Answer::NONE));
    /// Any other loggable value.
    GivenLoggable [T: Loggable + ?Sized] &&&&&&&&&Given<'a, T> => &'a T, |value| value;
    /// An error with a category of its own.
    GivenOutcome [T: Error + DependencyOutcome] &&&&&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::Error(value), Answer::of(value));
    /// An error.
    GivenError [T: Error] &&&&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::Error(value), Answer::NONE);
    /// `Box<dyn Error>`, `anyhow::Error`, `eyre::Report`.
    GivenRef [T: AsRef<dyn Error>] &&&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::Chain(value.as_ref()), Answer::NONE);
    /// `Box<dyn Error + Send + Sync>`.
    GivenShared [T: AsRef<dyn Error + Send + Sync>] &&&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::Chain(value.as_ref()), Answer::NONE);
    /// `Box<dyn Error + Send>`.
    GivenSend [T: AsRef<dyn Error + Send>] &&&&Given<'a, T> => ErrorValue<'a>,
        |value| ErrorValue::of::<T>(Detail::Chain(value.as_ref()), Answer::NONE);
    /// An option of a boxed error.
    GivenOptionRef [T: AsRef<dyn Error>] &&&Given<'a, Option<T>> => Option<ErrorValue<'a>>,
        |value| value.as_ref().map(|error| ErrorValue::of::<T>(Detail::Chain(error.as_ref()), Answer::NONE));
    /// An optional error with a category of its own, or `null`.
    GivenOptionOutcome [T: Error + DependencyOutcome] &&Given<'a, Option<T>> => Option<ErrorValue<'a>>,
        |value| value.as_ref().map(|error| ErrorValue::of::<T>(Detail::Error(error), Answer::of(error)));
    /// An optional error, or `null`.
    GivenOption [T: Error] &Given<'a, Option<T>> => Option<ErrorValue<'a>>,
        |value| value.as_ref().map(|error| ErrorValue::of::<T>(Detail::Error(error), Answer::NONE));
}

/// Any other value.
pub trait GivenOther<'a, T: ?Sized> {
    /// Never compiles.
    fn candor_value(&self) -> Erased<'a>
    where
        T: Loggable;
    /// Returns the variable itself: the compiler reports where the message captures it.
    fn candor_captured(&self) -> &'a T;
}

impl<'a, T> GivenOther<'a, T> for Given<'a, T> {
    fn candor_value(&self) -> Erased<'a>
    where
        T: Loggable,
    {
        Erased(self.0)
    }

    fn candor_captured(&self) -> &'a T {
        self.0
    }
}

/// Any other value that has a shape, in `#[instrument]`.
pub trait GivenShape<'a, T: ?Sized> {
    /// Returns its shape.
    fn candor_value(&self) -> Shaped<'a, T>;
}

impl<'a, T: Shape + ?Sized> GivenShape<'a, T> for Given<'a, T> {
    fn candor_value(&self) -> Shaped<'a, T> {
        policy::shape(self.0)
    }
}

/// Any other value in `#[instrument]`.
///
/// The receiver is not a reference, so method resolution takes it last.
pub trait GivenType<T: ?Sized> {
    /// Returns a placeholder with the name of its type.
    fn candor_value(self) -> TypeOnly<T>;
}

impl<T: ?Sized> GivenType<T> for Given<'_, T> {
    fn candor_value(self) -> TypeOnly<T> {
        TypeOnly::of(self.0)
    }
}

/// Any other value in `#[instrument(strict)]`.
pub trait GivenStrict<'a, T: ?Sized> {
    /// Never compiles.
    fn candor_value(&self) -> Erased<'a>
    where
        T: StrictValue;
}

impl<'a, T> GivenStrict<'a, T> for Given<'a, T> {
    fn candor_value(&self) -> Erased<'a>
    where
        T: StrictValue,
    {
        Erased(self.0)
    }
}

/// A value that `#[instrument(strict)]` records.
///
/// This trait exists so that the compile error explains what an attribute can do about an argument.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be recorded without a redaction policy",
    label = "not loggable, and not an error",
    note = "leave the argument out with `skip(x)`, or record it under a policy: `fields(x = mask(&x).last(4))`",
    note = "`secret(&x)` hides the value; `mask`, `hash`, `shape`, `url`, `email` and `scrub` show part of it; `clear` shows all of it",
    note = "or put `#[redact]` on the definition of the type, with a policy for each field"
)]
pub trait StrictValue: Loggable {}

#[diagnostic::do_not_recommend]
impl<T: Loggable> StrictValue for T {}

/// A loggable value of any type, so that a missing impl is reported once.
pub struct Erased<'a>(&'a dyn Loggable);

impl Loggable for Erased<'_> {
    fn log(&self, to: &mut Encoder<'_>) {
        self.0.log(to);
    }
}

impl fmt::Debug for Erased<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&DebugOf(self), f)
    }
}

/// A value that [`record`](crate::record()) takes: a loggable value or an error.
///
/// `Kind` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be logged without a redaction policy",
    label = "not loggable, and not an error",
    note = "put a policy around the value: `secret(&x)` hides it; `mask`, `hash`, `shape`, `url`, `email` and `scrub` show part of it; `clear` shows all of it (all are in `candor::policy`)"
)]
pub trait AnyValue<Kind> {
    #[doc(hidden)]
    fn candor_log(&self, f: &mut dyn FnMut(&dyn Loggable));
}

impl<T: Loggable> AnyValue<OfLoggable> for T {
    fn candor_log(&self, f: &mut dyn FnMut(&dyn Loggable)) {
        f(self);
    }
}

impl<T: AnyError<Kind>, Kind> AnyValue<(Kind,)> for T {
    fn candor_log(&self, f: &mut dyn FnMut(&dyn Loggable)) {
        f(&self.error_value());
    }
}
