//! The result of a call for its line: failure, answer of the dependency and returned value.

use std::any::type_name;
use std::error::Error;
use std::fmt;

use super::Answer;
use super::chain::chain_answer;
use crate::redact::loggable::{Encoder, Loggable, catch_unprintable};
use crate::redact::{error_text, scrub};

/// Result of a step or call, read from its value.
#[derive(Debug)]
pub struct CallResult<'a> {
    pub(crate) failure: Option<Failure<'a>>,
    pub(crate) answer: Answer,
    /// JSON of the returned value, if the site has `ret`.
    pub(crate) ret: Option<String>,
}

/// The error of a call that returned `Err`.
pub struct Failure<'a> {
    pub(super) type_name: &'static str,
    pub(super) detail: Detail<'a>,
}

/// A rendered [`Failure`] that does not borrow the error.
#[derive(Debug)]
pub(crate) struct OwnedFailure {
    pub(crate) answer: Answer,
    type_name: &'static str,
    json: Option<String>,
}

impl OwnedFailure {
    pub(crate) fn failure(&self) -> Failure<'_> {
        let detail = self.json.as_deref().map_or(Detail::Unknown, Detail::Rendered);
        Failure { type_name: self.type_name, detail }
    }
}

/// Source of the text of `error_detail`.
pub(super) enum Detail<'a> {
    /// A `Loggable` type, shown through its own policies.
    Loggable(&'a dyn Loggable),
    /// A `Loggable` error, whose sources may have an [`Answer`].
    LoggableError(&'a dyn Loggable, &'a (dyn Error + 'a)),
    /// An error that may borrow, so that only its sources can be downcast.
    Error(&'a (dyn Error + 'a)),
    Chain(&'a (dyn Error + 'static)),
    Text(&'a dyn fmt::Display),
    /// JSON of an error that has been returned to the caller.
    Rendered(&'a str),
    Unknown,
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}

impl<'a> CallResult<'a> {
    /// Success without further details.
    pub const OK: CallResult<'static> =
        CallResult { failure: None, answer: Answer::NONE, ret: None };

    /// An error of which only the type is known.
    pub(crate) fn failed(type_name: &'static str) -> Self {
        let failure = Failure { type_name, detail: Detail::Unknown };
        CallResult { failure: Some(failure), ..CallResult::OK }
    }

    /// Adds the JSON of the returned value.
    #[must_use]
    pub fn with_ret(self, ret: Option<String>) -> Self {
        CallResult { ret, ..self }
    }

    /// Adds the answer of the dependency, completed from the error's chain of sources.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = match &self.failure {
            Some(failure) => answer.or_else(|| failure.answer()),
            None => answer,
        };
        self
    }

    /// Reads a `Result`. `detail` selects how the text of its error is rendered.
    pub(super) fn read<T, E>(
        result: &'a Result<T, E>,
        detail: impl FnOnce(&'a E) -> Detail<'a>,
    ) -> Self {
        let failure = result
            .as_ref()
            .err()
            .map(|error| Failure { type_name: type_name::<E>(), detail: detail(error) });
        CallResult { failure, answer: Answer::NONE, ret: None }
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

    /// Renders the failure, so that the error itself can be returned to the caller.
    #[cfg(feature = "stream")]
    pub(crate) fn rendered(&self, answer: Answer, limit: usize) -> OwnedFailure {
        let mut json = String::new();
        let has_detail = self.write_detail(limit, &mut json);
        OwnedFailure { answer, type_name: self.type_name, json: has_detail.then_some(json) }
    }

    /// Appends the JSON of `error_detail`. Returns false if the error has no text.
    pub(crate) fn write_detail(&self, limit: usize, out: &mut String) -> bool {
        let text = match &self.detail {
            Detail::Loggable(value) | Detail::LoggableError(value, _) => {
                catch_unprintable(out, |out| Encoder::json(out, limit).value(*value));
                return true;
            }
            Detail::Rendered(json) => {
                out.push_str(json);
                return true;
            }
            Detail::Error(error) | Detail::Chain(error) => {
                let mut text = String::new();
                error_text::write_chain(*error, &mut text);
                text
            }
            Detail::Text(value) => scrub::text_or_shape(&error_text::display(*value)).into_owned(),
            Detail::Unknown => return false,
        };
        Encoder::json(out, limit).text(&text);
        true
    }
}
