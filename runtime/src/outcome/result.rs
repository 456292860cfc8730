//! The result of a call for its line: failure, answer of the dependency and returned value.

use std::any::type_name;

use super::Answer;
use super::failure::{Detail, Failure};

/// Result of a step or call, read from its value.
#[derive(Debug)]
pub struct CallResult<'a> {
    pub(crate) failure: Option<Failure<'a>>,
    pub(crate) answer: Answer,
    /// JSON of the returned value, if the site has `ret`.
    pub(crate) ret: Option<String>,
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
