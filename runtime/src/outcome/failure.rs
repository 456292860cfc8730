//! An error for a line: its class, its type and its text.
//!
//! Steps, calls, jobs and events show an error in the same form: `error` is its class, a category such as `timeout` if
//! one is known and the short name of its type otherwise; `error_type` is the full name of its type; `error_detail` is
//! its text, if that is known; and `error_fields` has the fields that a `#[redact]` error shows.

use std::error::Error;
use std::fmt;

use super::chain::chain_answer;
use super::{Answer, Category, io};
use crate::base::catch::catch_value;
use crate::json::members;
use crate::json::shown::Shown;
use crate::redact::loggable::{DebugOf, Encoder, Loggable, catch_unprintable};
use crate::redact::shown::{self, Redacted};
use crate::redact::{error_text, strict, strict_report};

/// An error that a call returned, or that a field shows.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    pub(super) type_name: &'static str,
    pub(super) detail: Detail<'a>,
}

/// Source of an error's text.
#[derive(Clone, Copy)]
pub(super) enum Detail<'a> {
    /// A `Loggable` type, shown through its own policies.
    Loggable(&'a dyn Loggable),
    /// A `Loggable` error, whose sources may have an [`Answer`].
    LoggableError(&'a dyn Loggable, &'a (dyn Error + 'a)),
    /// An error that may borrow, so that only its sources can be downcast.
    Error(&'a (dyn Error + 'a)),
    Chain(&'a (dyn Error + 'static)),
    Text(&'a dyn fmt::Display),
    /// Members of an error that has been returned to the caller.
    Rendered(&'a str),
    Unknown,
}

/// Class of an error, the value of the `error` key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ErrorClass {
    Category(Category),
    /// The full name of the error's type, of which the line has the short form.
    Type(&'static str),
}

impl ErrorClass {
    pub(crate) fn shown(self) -> Redacted<'static> {
        match self {
            ErrorClass::Category(category) => category.as_str().into(),
            ErrorClass::Type(name) => shown::short_type_name(name),
        }
    }
}

/// A rendered [`Failure`] that does not borrow the error.
#[derive(Debug)]
pub(crate) struct OwnedFailure {
    pub(crate) answer: Answer,
    type_name: &'static str,
    /// All members after the class.
    members: String,
}

impl OwnedFailure {
    pub(crate) fn failure(&self) -> Failure<'_> {
        Failure { type_name: self.type_name, detail: Detail::Rendered(&self.members) }
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}

impl<'a> Failure<'a> {
    /// A failure with these members after its class. `name` takes the place of the error's type.
    pub(crate) fn of_members(name: &'static str, members: &'a str) -> Self {
        Failure { type_name: name, detail: Detail::Rendered(members) }
    }
}

impl Failure<'_> {
    /// Returns the class: the category, unless that says nothing about the error.
    pub(crate) fn class(&self, category: Option<Category>) -> ErrorClass {
        match category {
            None | Some(Category::Other) => ErrorClass::Type(self.type_name),
            Some(category) => ErrorClass::Category(category),
        }
    }

    /// Completes an answer with that of the error's chain of sources.
    #[inline(never)]
    pub(super) fn complete(&self, answer: Answer) -> Answer {
        answer.or_else(|| self.answer())
    }

    /// Returns the answer in the error's chain of sources.
    fn answer(&self) -> Answer {
        match self.detail {
            Detail::Chain(error) => chain_answer(Some(error)),
            Detail::Error(error) | Detail::LoggableError(_, error) => {
                let answer = || {
                    let known = io::by_debug(self.type_name, error);
                    let known = Answer { category: known, ..Answer::NONE };
                    known.or_else(|| chain_answer(error_text::next(error)))
                };
                // Its source and its text may log the error.
                catch_value(answer).unwrap_or(Answer::NONE)
            }
            _ => Answer::NONE,
        }
    }

    /// Renders the failure, so that the error itself can be returned to the caller.
    #[cfg(feature = "stream")]
    pub(crate) fn rendered(&self, answer: Answer, limit: usize) -> OwnedFailure {
        let mut members = String::new();
        self.write_members(Shown::literal("error"), limit, &mut members);
        OwnedFailure { answer, type_name: self.type_name, members }
    }

    /// Appends type, text and fields as members, `,"error_type":…,"error_detail":…`. `name` is the key of the class.
    pub(crate) fn write_members(&self, name: Shown<'_>, limit: usize, out: &mut String) {
        if let Detail::Rendered(members) = self.detail {
            out.push_str(members);
            return;
        }
        let key = |suffix| shown::suffixed(name, suffix);
        members::text(out, &key("_type"), &shown::type_name(self.type_name));
        if let Some(text) = self.text() {
            members::open(out, &key("_detail"));
            Encoder::json(out, limit).shown(&text);
        }
        if let Some(fields) = self.fields(limit).filter(|fields| fields.starts_with('{')) {
            members::open(out, &key("_fields"));
            out.push_str(&fields);
        }
    }

    /// Returns the JSON of a `#[redact]` error.
    fn fields(&self, limit: usize) -> Option<String> {
        match self.detail {
            Detail::Loggable(value) | Detail::LoggableError(value, _) => {
                Some(json_of(value, limit))
            }
            Detail::Error(error) | Detail::Chain(error) => {
                catch_value(|| error_text::redacted(error)).ok().flatten()
            }
            Detail::Text(_) | Detail::Rendered(_) | Detail::Unknown => None,
        }
    }

    /// Returns the text: scrubbed messages of the chain, or the form of a `#[redact]` type.
    pub(super) fn text(&self) -> Option<Redacted<'static>> {
        if strict::is_reported()
            && let Detail::Error(_) | Detail::Chain(_) | Detail::Text(_) = self.detail
        {
            strict_report::error(self.type_name);
        }
        Some(match self.detail {
            Detail::Loggable(value) | Detail::LoggableError(value, _) => {
                let json = json_of(value, usize::MAX);
                catch_value(|| shown::redacted_error(&DebugOf(value), &json))
                    .unwrap_or_else(|unshown| error_text::marker(unshown).into())
            }
            Detail::Error(error) | Detail::Chain(error) => shown::error_chain(error),
            Detail::Text(value) => {
                shown::text_or_shape(&error_text::display_value(value)).into_owned()
            }
            Detail::Rendered(_) | Detail::Unknown => return None,
        })
    }
}

fn json_of(value: &dyn Loggable, limit: usize) -> String {
    let mut json = String::new();
    catch_unprintable(&mut json, |out| Encoder::json(out, limit).value(value));
    json
}
