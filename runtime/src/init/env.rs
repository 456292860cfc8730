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
        read(|name| std::env::var_os(name))
    }
}

/// Reads the variables that `get` returns. An empty one counts as unset.
fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Config, InitError> {
    let env = Env { get };
    let mut config = Config::new();
    if let Some(levels) = env.parsed("LOG_LEVEL", |text| Levels::parse(text, false))? {
        config = config.levels(levels);
    } else if let Some(text) = env.os("RUST_LOG") {
        // Other crates read it too, so a value that candor can't parse is not an error.
        config = config.levels(Levels::parse_lenient(&text.to_string_lossy()));
    }
    let formats = [("json", Format::Json), ("pretty", Format::Pretty)];
    if let Some(format) = env.parsed("LOG_FORMAT", |text| one_of(text, formats))? {
        config = config.format(format);
    }
    match env.parsed("LOG_OUTPUT", |text| one_of(text, [("stdout", false), ("stderr", true)]))? {
        Some(true) => config = config.stderr(),
        Some(false) => config = config.stdout(),
        None => {}
    }
    let max_bytes = env.parsed("LOG_FILE_MAX_BYTES", |text| {
        number(text).filter(|bytes| *bytes > 0).ok_or("expected a number of bytes, at least 1")
    })?;
    let backups =
        env.parsed("LOG_FILE_BACKUPS", |text| number(text).ok_or("expected a number of files"))?;
    if let Some(path) = env.os("LOG_FILE") {
        let max_bytes = max_bytes.unwrap_or(FILE_MAX_BYTES);
        config = config.rotated_file(path, max_bytes, backups.unwrap_or(FILE_BACKUPS));
    }
    if let Some(path) = env.os("LOG_AUDIT_FILE") {
        config = config.audit_file(path);
    }
    if let Some(name) = env.text("LOG_SERVICE")? {
        config = config.service(name);
    } else if let Some(name) = env.os("OTEL_SERVICE_NAME") {
        config = config.service(name.to_string_lossy());
    }
    if let Some(keys) = env.parsed("LOG_KEYS", Keys::parse)? {
        config = config.keys(keys);
    }
    if let Some(text) = env.os("LOG_HASH_KEY") {
        // The error does not repeat the value, which may be a key.
        let key = hash::parse(text.to_string_lossy().trim()).map_err(|_| {
            InitError::new(
                "invalid LOG_HASH_KEY: expected 64 hex digits (generate with openssl rand -hex 32)",
            )
        })?;
        config = config.hash_key(key);
    }
    if let Some(strict) =
        env.parsed("LOG_STRICT", |text| one_of(text, [("1", true), ("0", false)]))?
    {
        config = config.strict(strict);
    }
    Ok(config)
}

struct Env<G> {
    get: G,
}

impl<G: Fn(&str) -> Option<OsString>> Env<G> {
    fn os(&self, name: &str) -> Option<OsString> {
        (self.get)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Result<Option<String>, InitError> {
        let text = self.os(name).map(OsString::into_string).transpose();
        text.map_err(|value| invalid(name, value.display(), "expected valid UTF-8"))
    }

    fn parsed<T, E: Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InitError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse(text.trim()).map(Some).map_err(|why| invalid(name, &text, why))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &'static str, value: &'static str) -> String {
        match read(|asked| (asked == name).then(|| value.into())) {
            Ok(_) => panic!("{name}={value} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_error_names_the_variable_its_value_and_the_accepted_values() {
        let expected = "invalid LOG_FORMAT \"xml\": expected \"json\" or \"pretty\"";
        assert_eq!(error("LOG_FORMAT", "xml"), expected);
        assert_eq!(
            error("LOG_LEVEL", "loud"),
            "invalid LOG_LEVEL \"loud\": unknown level \"loud\", expected off, error, warn, info, debug or trace"
        );
        assert!(error("LOG_LEVEL", "app[span]=debug").contains("are not supported"));
        assert!(error("LOG_OUTPUT", "file").contains("expected \"stdout\" or \"stderr\""));
        assert!(error("LOG_FILE_MAX_BYTES", "0").contains("at least 1"));
        assert!(error("LOG_FILE_BACKUPS", "-1").contains("invalid LOG_FILE_BACKUPS \"-1\""));
        assert!(error("LOG_KEYS", "colour=color").contains("invalid LOG_KEYS \"colour=color\""));
        assert_eq!(
            error("LOG_HASH_KEY", "deadbeefdeadbeef"),
            "invalid LOG_HASH_KEY: expected 64 hex digits (generate with openssl rand -hex 32)"
        );
        assert_eq!(
            error("LOG_STRICT", "yes"),
            "invalid LOG_STRICT \"yes\": expected \"1\" or \"0\""
        );
    }

    #[test]
    fn a_level_is_accepted_in_any_case_and_an_empty_variable_is_unset() {
        assert!(read(|name| (name == "LOG_LEVEL").then(|| "WARNING".into())).is_ok());
        assert!(read(|_| Some(OsString::new())).is_ok());
    }
}
