//! Reads a [`Config`] from environment variables.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;

use super::config::{Config, FILE_BACKUPS, FILE_MAX_BYTES};
use super::error::InitError;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::levels::Levels;
use crate::redact::hash;

impl Config {
    /// Returns the configuration from the `LOG_*` variables, `RUST_LOG` and `OTEL_SERVICE_NAME`.
    ///
    /// # Errors
    ///
    /// Returns an error if a `LOG_*` variable has an invalid value.
    pub fn from_env() -> Result<Self, InitError> {
        let mut config = Config::new();
        if let Some(levels) = parsed("LOG_LEVEL", |text| Levels::parse(text, false))? {
            config.levels = levels;
        } else if let Some(value) = os("RUST_LOG") {
            // Other crates read it too, so a value that candor can't parse is not an error.
            config.levels = Levels::parse_lenient(&value.to_string_lossy());
        }
        let formats = [("json", Format::Json), ("pretty", Format::Pretty)];
        config.format = parsed("LOG_FORMAT", |text| one_of(text, formats))?;
        let outputs = [("stdout", false), ("stderr", true)];
        if parsed("LOG_OUTPUT", |text| one_of(text, outputs))? == Some(true) {
            config = config.stderr();
        }
        let max_bytes = parsed("LOG_FILE_MAX_BYTES", |text| {
            number(text).filter(|bytes| *bytes > 0).ok_or("expected a number of bytes, at least 1")
        })?;
        let backups =
            parsed("LOG_FILE_BACKUPS", |text| number(text).ok_or("expected a number of files"))?;
        if let Some(path) = os("LOG_FILE") {
            let max_bytes = max_bytes.unwrap_or(FILE_MAX_BYTES);
            config = config.rotated_file(path, max_bytes, backups.unwrap_or(FILE_BACKUPS));
        }
        if let Some(path) = os("LOG_AUDIT_FILE") {
            config = config.audit_file(path);
        }
        let other_name = || Some(os("OTEL_SERVICE_NAME")?.to_string_lossy().into_owned());
        config.service = text("LOG_SERVICE")?.or_else(other_name);
        if let Some(keys) = parsed("LOG_KEYS", Keys::parse)? {
            config.keys = keys;
        }
        if let Some(value) = os("LOG_HASH_KEY") {
            // The error does not repeat the value, which may be a key.
            let key = hash::parse(value.to_string_lossy().trim()).ok_or_else(|| {
                InitError::new(
                    "invalid LOG_HASH_KEY: expected 64 hex digits (generate with openssl rand -hex 32)",
                )
            })?;
            config.hash_key = Some(key);
        }
        let switch = |text: &str| one_of(text, [("1", true), ("0", false)]);
        config.strict = parsed("LOG_STRICT", switch)?.unwrap_or(false);
        Ok(config)
    }
}

/// The value of a variable. An empty one counts as unset.
fn os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Result<Option<String>, InitError> {
    let text = os(name).map(OsString::into_string).transpose();
    text.map_err(|value| invalid(name, value.display(), "expected valid UTF-8"))
}

fn parsed<T, E: Display>(
    name: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, InitError> {
    let Some(text) = text(name)? else { return Ok(None) };
    parse(text.trim()).map(Some).map_err(|why| invalid(name, &text, why))
}

fn invalid(name: &str, value: impl Display, why: impl Display) -> InitError {
    InitError::new(format!("invalid {name} \"{value}\": {why}"))
}

/// Parses one of two keywords in any case.
fn one_of<T>(text: &str, keywords: [(&str, T); 2]) -> Result<T, String> {
    let [(first, _), (second, _)] = keywords;
    let error = format!("expected \"{first}\" or \"{second}\"");
    let mut keywords = keywords.into_iter();
    keywords
        .find(|(keyword, _)| text.eq_ignore_ascii_case(keyword))
        .map(|(_, value)| value)
        .ok_or(error)
}

/// Parses a number such as `10_000_000`.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.replace('_', "").parse().ok()
}
