//! How a call ended, read from the value it returned.
//!
//! What can be known of a return type is asked by method probing: the macros call `ending()` on a
//! reference to a reference (and so on) to a [`Returned`], and the compiler takes the impl with the most
//! references that fits the concrete type. So a `Result` is known through an alias, and the text of
//! an error is used where its type has one.

use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use super::{Answer, DependencyOutcome, chain_answer};
use crate::redact::error_text;
use crate::redact::loggable::{Encoder, Loggable, guarded};

/// Asks a return type instead of a value, where the value was not seen.
#[derive(Debug)]
pub struct Kind<T: ?Sized>(pub PhantomData<T>);

impl<T> Kind<T> {
    /// The return type of a function.
    pub const fn of() -> Self {
        Kind(PhantomData)
    }
}

/// A result that was not seen.
pub trait ResultKind {
    /// What is known of its error.
    fn unread(&self) -> Option<fn() -> Failure<'static>>;
}

impl<T, E> ResultKind for &Kind<Result<T, E>> {
    fn unread(&self) -> Option<fn() -> Failure<'static>> {
        Some(|| Failure { type_name: type_name::<E>(), detail: Detail::Unknown })
    }
}

/// Any other value that was not seen.
pub trait AnyKind {
    /// Nothing: it can't have been an error.
    fn unread(&self) -> Option<fn() -> Failure<'static>>;
}

impl<T> AnyKind for Kind<T> {
    fn unread(&self) -> Option<fn() -> Failure<'static>> {
        None
    }
}

/// How a step or call ended, as far as its value tells.
#[derive(Debug)]
pub struct Ending<'a> {
    pub(crate) failure: Option<Failure<'a>>,
    pub(crate) answer: Answer,
    /// The JSON of the returned value, where it was asked for.
    pub(crate) ret: Option<String>,
}

/// The error of a call that returned `Err`.
pub struct Failure<'a> {
    type_name: &'static str,
    detail: Detail<'a>,
}

/// A failure as it was written down, for later.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) answer: Answer,
    type_name: &'static str,
    json: Option<String>,
}

impl Written {
    pub(crate) fn failure(&self) -> Failure<'_> {
        let detail = self.json.as_deref().map_or(Detail::Unknown, Detail::Written);
        Failure { type_name: self.type_name, detail }
    }
}

enum Detail<'a> {
    /// A type that speaks for itself.
    Loggable(&'a dyn Loggable),
    /// One whose sources may still tell what a dependency answered.
    LoggableError(&'a dyn Loggable, &'a (dyn Error + 'a)),
    /// An error that may borrow, so that only its sources can be asked for their types.
    Error(&'a (dyn Error + 'a)),
    Chain(&'a (dyn Error + 'static)),
    Text(&'a dyn fmt::Display),
    /// Its JSON, where the error itself went on to the caller.
    Written(&'a str),
    Unknown,
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}

impl Ending<'_> {
    /// All is well, and nothing more is known.
    pub const OK: Ending<'static> = Ending { failure: None, answer: Answer::NONE, ret: None };

    /// An error of which only its type is known.
    pub(crate) fn failed(type_name: &'static str) -> Self {
        Ending { failure: Some(Failure { type_name, detail: Detail::Unknown }), ..Ending::OK }
    }

    /// Adds the returned value.
    #[must_use]
    pub fn with_ret(self, ret: Option<String>) -> Self {
        Ending { ret, ..self }
    }

    /// Adds what the dependency answered; where the value does not say, an error's chain may.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = match &self.failure {
            Some(failure) => answer.or_else(|| failure.answer()),
            None => answer,
        };
        self
    }
}

impl Failure<'_> {
    pub(crate) fn short_name(&self) -> String {
        error_text::short_name(self.type_name)
    }

    fn answer(&self) -> Answer {
        match self.detail {
            Detail::Chain(error) => chain_answer(Some(error)),
            Detail::Error(error) | Detail::LoggableError(_, error) => {
                chain_answer(error_text::next(error))
            }
            _ => Answer::NONE,
        }
    }

    /// The failure without the error, which goes on to the caller.
    #[cfg(feature = "stream")]
    pub(crate) fn written(&self, answer: Answer, limit: usize) -> Written {
        let mut json = String::new();
        let known = self.write_detail(limit, &mut json);
        Written { answer, type_name: self.type_name, json: known.then_some(json) }
    }

    /// Appends the JSON of `error_detail`; false where the error has no text of its own.
    pub(crate) fn write_detail(&self, limit: usize, out: &mut String) -> bool {
        let text = match &self.detail {
            Detail::Loggable(value) | Detail::LoggableError(value, _) => {
                guarded(out, |out| Encoder::json(out, limit).value(*value));
                return true;
            }
            Detail::Written(json) => {
                out.push_str(json);
                return true;
            }
            Detail::Error(error) | Detail::Chain(error) => chain(*error),
            Detail::Text(value) => {
                crate::redact::strict::text(&error_text::display(*value)).into_owned()
            }
            Detail::Unknown => return false,
        };
        Encoder::json(out, limit).text(&text);
        true
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = String::new();
    error_text::write_chain(error, &mut text);
    text
}

/// A reference to the value that is asked.
#[derive(Debug)]
pub struct Returned<'a, T: ?Sized>(pub &'a T);

fn ending<'a, T, E>(
    result: &'a Result<T, E>,
    detail: impl FnOnce(&'a E) -> Detail<'a>,
) -> Ending<'a> {
    let failure = result
        .as_ref()
        .err()
        .map(|error| Failure { type_name: type_name::<E>(), detail: detail(error) });
    Ending { failure, answer: Answer::NONE, ret: None }
}

/// A `#[redact]` error type with sources.
pub trait LoggableErrorEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E: Loggable + Error> LoggableErrorEnding<'a> for &&&&&&&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::LoggableError(error, error))
    }
}

/// A `#[redact]` type in place of an error, and others that are loggable.
pub trait LoggableEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E: Loggable> LoggableEnding<'a> for &&&&&&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::Loggable(error))
    }
}

/// An error with its sources.
pub trait ErrorEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

// Not `E: 'static`: method probing does not look at lifetimes, so an error that borrows would be
// taken here and then refused.
impl<'a, T, E: Error> ErrorEnding<'a> for &&&&&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::Error(error))
    }
}

/// `Box<dyn Error + Send + Sync>`, `anyhow::Error`, `eyre::Report`.
pub trait SharedEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E: AsRef<dyn Error + Send + Sync>> SharedEnding<'a> for &&&&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::Chain(error.as_ref()))
    }
}

/// `Box<dyn Error>`.
pub trait LocalEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E: AsRef<dyn Error>> LocalEnding<'a> for &&&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::Chain(error.as_ref()))
    }
}

/// An error of which only its text is known.
pub trait TextEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E: fmt::Display> TextEnding<'a> for &&Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |error| Detail::Text(error))
    }
}

/// An error of which only its type is known.
pub trait ResultEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T, E> ResultEnding<'a> for &Returned<'a, Result<T, E>> {
    fn ending(&self) -> Ending<'a> {
        ending(self.0, |_| Detail::Unknown)
    }
}

/// Anything else is well when it is there.
pub trait AnyEnding<'a> {
    /// How the call ended.
    fn ending(&self) -> Ending<'a>;
}

impl<'a, T: ?Sized> AnyEnding<'a> for Returned<'a, T> {
    fn ending(&self) -> Ending<'a> {
        Ending::OK
    }
}

/// A value that says itself what the dependency answered.
pub trait OutcomeAnswer {
    /// What the dependency answered.
    fn answer(&self) -> Answer;
}

impl<T: DependencyOutcome> OutcomeAnswer for &&&Returned<'_, T> {
    fn answer(&self) -> Answer {
        Answer::of(self.0)
    }
}

/// A result of which the good half says so.
pub trait OkAnswer {
    /// What the dependency answered.
    fn answer(&self) -> Answer;
}

impl<T: DependencyOutcome, E> OkAnswer for &&Returned<'_, Result<T, E>> {
    fn answer(&self) -> Answer {
        self.0.as_ref().map_or(Answer::NONE, Answer::of)
    }
}

/// A result of which the bad half says so.
pub trait ErrAnswer {
    /// What the dependency answered.
    fn answer(&self) -> Answer;
}

impl<T, E: DependencyOutcome> ErrAnswer for &Returned<'_, Result<T, E>> {
    fn answer(&self) -> Answer {
        self.0.as_ref().err().map_or(Answer::NONE, Answer::of)
    }
}

/// A value that says nothing.
pub trait AnyAnswer {
    /// What the dependency answered.
    fn answer(&self) -> Answer;
}

impl<T: ?Sized> AnyAnswer for Returned<'_, T> {
    fn answer(&self) -> Answer {
        Answer::NONE
    }
}

/// The value of a call that went well: the good half of a result.
pub trait ResultReturned<'a> {
    /// What was returned.
    type Value;
    /// The value, where the call went well.
    fn returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> ResultReturned<'a> for Returned<'a, Result<T, E>> {
    type Value = T;

    fn returned(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

/// The value of a call that returns no result.
pub trait AnyReturned<'a> {
    /// What was returned.
    type Value;
    /// The value, where the call went well.
    fn returned(&self) -> Option<&'a Self::Value>;
}

impl<'a, T> AnyReturned<'a> for &Returned<'a, T> {
    type Value = T;

    fn returned(&self) -> Option<&'a T> {
        Some(self.0)
    }
}
