//! The error of every measurement, with the file or step it is about.

use std::error::Error;
use std::fmt::Display;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Puts the file or step in front of an error: an `io::Error` names neither.
pub(crate) trait Context<T> {
    fn context(self, step: impl Display) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Context<T> for Result<T, E> {
    fn context(self, step: impl Display) -> Result<T, Failure> {
        self.map_err(|error| format!("{step}: {}", error.into()).into())
    }
}
