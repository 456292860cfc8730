//! Traits that find out, through method resolution, how a value of a concrete type shows its result.
//!
//! The macros call a method on a reference to a reference (and so on) to a [`Returned`] or [`ReturnType`]. The compiler
//! takes the impl with the most references whose bounds hold for the concrete type. So a `Result` is recognised behind
//! an alias, and the text of an error is used if its type has one.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use super::failure::{Detail, Failure};
use super::result::CallResult;
use super::{Answer, DependencyOutcome, unsupported};
use crate::redact::loggable::Loggable;

/// A reference to a returned value, the receiver of the probing methods.
#[derive(Debug)]
pub struct Returned<'a, T: ?Sized>(pub &'a T);

/// A return type: receiver of the probing methods if the value was not observed.
#[derive(Debug)]
pub struct ReturnType<T: ?Sized>(pub PhantomData<T>);

impl<T> ReturnType<T> {
    /// The return type of a function.
    pub const fn of() -> Self {
        ReturnType(PhantomData)
    }
}

/// Declares the traits that provide one probing method, each with its only impl.
macro_rules! probes {
    ($about:literal $method:ident -> $Output:ty {$(
        $(#[$doc:meta])*
        $Probe:ident [$($generics:tt)*] $Receiver:ty => |$value:ident| $read:expr;
    )*}) => {$(
        $(#[$doc])*
        pub trait $Probe<'a> {
            #[doc = $about]
            fn $method(&self) -> $Output;
        }

        impl<'a, $($generics)*> $Probe<'a> for $Receiver {
            fn $method(&self) -> $Output {
                let $value = self.0;
                $read
            }
        }
    )*};
}

// `ErrorResult` is not bound by `E: 'static`: method resolution ignores lifetimes, so it would select the impl for an
// error that borrows and then reject it.
probes! {
    "Returns the result of the call."
    call_result -> CallResult<'a> {
        /// A `#[redact]` error type with sources.
        LoggableErrorResult [T, E: Loggable + Error] &&&&&&&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::LoggableError(error, error));

        /// A `#[redact]` type that is not an error, or another loggable type.
        LoggableResult [T, E: Loggable] &&&&&&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::Loggable(error));

        /// An error with its sources.
        ErrorResult [T, E: Error] &&&&&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::Error(error));

        /// `Box<dyn Error + Send + Sync>`, `anyhow::Error`, `eyre::Report`.
        SharedResult [T, E: AsRef<dyn Error + Send + Sync>] &&&&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::Chain(error.as_ref()));

        /// `Box<dyn Error>`.
        LocalResult [T, E: AsRef<dyn Error>] &&&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::Chain(error.as_ref()));

        /// A type that is not an error but implements `Display`.
        TextResult [T, E: fmt::Display] &&Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |error| Detail::Text(error));

        /// An error of which only the type is known.
        OpaqueResult [T, E] &Returned<'a, Result<T, E>>
            => |value| CallResult::read(value, |_| Detail::Unknown);

        /// Any other type: the call succeeded, since it returned.
        AnyResult [T: ?Sized] Returned<'a, T> => |_value| CallResult::OK;
    }
}

probes! {
    "Returns the answer of the dependency."
    answer -> Answer {
        /// A type that implements `DependencyOutcome`.
        OutcomeAnswer [T: DependencyOutcome] &&&&Returned<'a, T> => |value| Answer::of(value);

        /// A `Result` whose `Ok` type implements `DependencyOutcome`.
        OkAnswer [T: DependencyOutcome, E] &&&Returned<'a, Result<T, E>> => |value| match value {
            Ok(response) => Answer::of(response),
            Err(_) => Answer::unread(unsupported::error::<E>()),
        };

        /// A `Result` whose error type implements `DependencyOutcome`.
        ErrAnswer [T, E: DependencyOutcome] &&Returned<'a, Result<T, E>> => |value| match value {
            Ok(_) => Answer::unread(unsupported::response::<T>()),
            Err(error) => Answer::of(error),
        };

        /// Any other `Result`.
        UnreadResult [T, E] &Returned<'a, Result<T, E>>
            => |value| Answer::unread(match value {
                Ok(_) => unsupported::response::<T>(),
                Err(_) => unsupported::error::<E>(),
            });

        /// Any other type.
        AnyAnswer [T: ?Sized] Returned<'a, T>
            => |_value| Answer::unread(unsupported::response::<T>());
    }
}

probes! {
    "Returns the answer from an error alone."
    error_answer -> Answer {
        /// A `Result` whose error type implements `DependencyOutcome`.
        ErrorOnly [T, E: DependencyOutcome] &Returned<'a, Result<T, E>>
            => |value| value.as_ref().err().map_or(Answer::NONE, Answer::of);

        /// Any other type.
        ErrorUnread [T: ?Sized] Returned<'a, T> => |_value| Answer::NONE;
    }
}

probes! {
    "Returns a constructor for the failure of a call whose value was not observed, if its type is a `Result`."
    unobserved -> Option<fn() -> Failure<'static>> {
        /// A `Result`.
        ResultType [T, E] &ReturnType<Result<T, E>>
            => |_type| Some(|| Failure { type_name: type_name::<E>(), detail: Detail::Unknown });

        /// Any other type.
        AnyType [T] ReturnType<T> => |_type| None;
    }
}

/// A `Result`, whose `Ok` value is the returned value.
pub trait ResultReturned<'a> {
    /// Type of the returned value.
    type Value;
    /// Returns the value of a successful call.
    fn returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> ResultReturned<'a> for Returned<'a, Result<T, E>> {
    type Value = T;

    fn returned(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

/// Any other type.
pub trait AnyReturned<'a> {
    /// Type of the returned value.
    type Value;
    /// Returns the value of a successful call.
    fn returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, T> AnyReturned<'a> for &Returned<'a, T> {
    type Value = T;

    fn returned(&self) -> Option<&'a T> {
        Some(self.0)
    }
}
