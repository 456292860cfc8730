//! The error of all settings and of the installation.

use std::error::Error;
use std::fmt;

/// Error from configuring or installing candor, with all mistakes found.
///
/// Its `Display` has one line per mistake, with the setting, its value and the accepted values. The methods describe
/// the first mistake; [`mistakes`](Self::mistakes) returns all of them.
///
/// ```
/// use candor::{Config, ConfigErrorKind};
///
/// let error = Config::new().level("loud").expect_err("no such level");
/// assert_eq!(error.kind(), ConfigErrorKind::InvalidValue);
/// assert_eq!((error.variable(), error.value()), (Some("LOG_LEVEL"), Some("loud")));
/// assert_eq!(
///     error.to_string(),
///     "invalid level directive: unknown level \"loud\", expected off, error, warn, info, debug or trace"
/// );
/// ```
#[derive(Debug)]
pub struct ConfigError {
    first: ConfigMistake,
    others: Vec<ConfigMistake>,
}

/// Mistake in a configuration, returned by [`ConfigError::mistakes`].
#[derive(Debug)]
pub struct ConfigMistake {
    kind: ConfigErrorKind,
    variable: Option<&'static str>,
    value: Option<String>,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Kind of a [`ConfigError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A setting has a value that it does not accept.
    InvalidValue,
    /// Two settings are mutually exclusive.
    Conflict,
    /// A file can't be read or opened, or a thread can't be started.
    ///
    /// `source()` is the [`std::io::Error`].
    Io,
    /// Another `tracing` subscriber is already installed.
    AlreadyInstalled,
}

impl ConfigMistake {
    pub(crate) fn new(kind: ConfigErrorKind, message: impl Into<String>) -> Self {
        ConfigMistake { kind, variable: None, value: None, message: message.into(), source: None }
    }

    pub(super) fn variable_is(self, variable: &'static str) -> Self {
        ConfigMistake { variable: Some(variable), ..self }
    }

    /// Must not be a secret.
    pub(crate) fn value_is(self, value: impl Into<String>) -> Self {
        ConfigMistake { value: Some(value.into()), ..self }
    }

    /// Sets the cause, and appends its text to the message.
    pub(super) fn caused_by(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        let message = format!("{}: {source}", self.message);
        ConfigMistake { message, source: Some(source), ..self }
    }

    /// Returns the kind of the mistake.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// Returns the environment variable of the setting, such as `LOG_LEVEL`.
    ///
    /// It is also returned if the value was set in code. `None` if the setting has no variable.
    pub fn variable(&self) -> Option<&str> {
        self.variable
    }

    /// Returns the value that is not accepted, or the path of the file.
    ///
    /// `None` if there is none, and always for secrets such as the hash key. The path of a key or certificate that does
    /// not exist is left out if it is relative or looks like a key, since it may be the key itself.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConfigMistake {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl ConfigError {
    /// Returns the kind of the first mistake.
    pub fn kind(&self) -> ConfigErrorKind {
        self.first.kind()
    }

    /// Returns the variable of the first mistake; see [`ConfigMistake::variable`].
    pub fn variable(&self) -> Option<&str> {
        self.first.variable()
    }

    /// Returns the value of the first mistake; see [`ConfigMistake::value`].
    pub fn value(&self) -> Option<&str> {
        self.first.value()
    }

    /// Returns all mistakes; there is at least one.
    ///
    /// ```no_run
    /// # let error = candor::init().expect_err("mistakes");
    /// for mistake in error.mistakes() {
    ///     eprintln!("{}: {mistake}", mistake.variable().unwrap_or("candor"));
    /// }
    /// ```
    pub fn mistakes(&self) -> impl Iterator<Item = &ConfigMistake> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// An invalid value of a setting without a variable.
    pub(crate) fn invalid(value: &str, message: impl Into<String>) -> Self {
        ConfigMistake::new(ConfigErrorKind::InvalidValue, message).value_is(value).into()
    }
}

impl From<ConfigMistake> for ConfigError {
    fn from(first: ConfigMistake) -> Self {
        ConfigError { first, others: Vec::new() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.first, f)?;
        self.others.iter().try_for_each(|mistake| write!(f, "\n{mistake}"))
    }
}

impl Error for ConfigError {
    /// Returns the cause of the first mistake.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.first.source()
    }
}

/// Collects the mistakes of a configuration, so that all are reported at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<ConfigMistake>);

impl Mistakes {
    pub(super) fn add(&mut self, mistake: ConfigMistake) {
        self.0.push(mistake);
    }

    pub(super) fn take<T>(&mut self, result: Result<T, ConfigMistake>) -> Option<T> {
        result.map_err(|mistake| self.add(mistake)).ok()
    }

    /// Returns `value` if there are no mistakes.
    pub(super) fn or<T>(self, value: T) -> Result<T, ConfigError> {
        let mut mistakes = self.0.into_iter();
        match mistakes.next() {
            None => Ok(value),
            Some(first) => Err(ConfigError { first, others: mistakes.collect() }),
        }
    }
}
