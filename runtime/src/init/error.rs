//! The error of all settings and of the installation.

use std::error::Error;
use std::fmt::{self, Display};

/// Error of configuring or installing candor.
///
/// Its text names the setting, its value and the accepted values.
#[derive(Debug)]
pub struct InitError {
    message: String,
}

impl InitError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        InitError { message: message.into() }
    }

    pub(crate) fn caused(message: impl Display, source: impl Display) -> Self {
        InitError { message: format!("{message}: {source}") }
    }
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for InitError {}
