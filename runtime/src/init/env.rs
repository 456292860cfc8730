//! The environment's settings, and their errors.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::str::FromStr;

use super::config::{Config, FILE_BACKUPS, FILE_MAX_BYTES};
use super::error::InitError;
use crate::format::Format;
use crate::format::keys::Keys;
use crate::levels::Levels;
use crate::redact::hash;

impl Config {
    /// What the `LOG_…` variables (and `RUST_LOG`, `OTEL_SERVICE_NAME`) say.
    ///
    /// # Errors
    ///
    /// A `LOG_…` variable with a value it does not take.
    pub fn from_env() -> Result<Self, InitError> {
        read(|name| std::env::var_os(name))
    }
}

/// The settings that `get` finds; one that is set but empty counts as unset.
fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Config, InitError> {
    let env = Env { get };
    let mut config = Config::new();
    if let Some(levels) = env.parsed("LOG_LEVEL", LEVELS, |text| Levels::parse(text, false))? {
        config = config.levels(levels);
    } else if let Some(text) = env.os("RUST_LOG") {
        // It is not candor's variable: what it holds for others is no reason to fail.
        config = config.levels(Levels::lenient(&text.to_string_lossy()));
    }
    if let Some(format) = env.parsed("LOG_FORMAT", "`json` or `pretty`", format)? {
        config = config.format(format);
    }
    match env.parsed("LOG_OUTPUT", "`stdout` or `stderr`", is_stderr)? {
        Some(true) => config = config.stderr(),
        Some(false) => config = config.stdout(),
        None => {}
    }
    let max_bytes = env.parsed("LOG_FILE_MAX_BYTES", "a number of bytes, at least 1", positive)?;
    let backups = env.parsed("LOG_FILE_BACKUPS", "a number of files", number)?;
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
    let keys = "renames of fixed keys such as `ts=timestamp,level=severity`";
    if let Some(keys) = env.parsed("LOG_KEYS", keys, Keys::parse)? {
        config = config.keys(keys);
    }
    if let Some(text) = env.os("LOG_HASH_KEY") {
        // What it holds may be a key, and is not repeated.
        let key = hash::parse(text.to_string_lossy().trim()).map_err(|why| {
            InitError::new(format!(
                "LOG_HASH_KEY {why}, but it takes 64 hex digits, such as `openssl rand -hex 32` prints"
            ))
        })?;
        config = config.hash_key(key);
    }
    if let Some(strict) = env.parsed("LOG_STRICT", "`1` or `0`", switch)? {
        config = config.strict(strict);
    }
    Ok(config)
}

const LEVELS: &str = "a level (off, error, warn, info, debug, trace) and targets with one, such as \
                      `info,deps=debug`";

struct Env<G> {
    get: G,
}

impl<G: Fn(&str) -> Option<OsString>> Env<G> {
    fn os(&self, name: &str) -> Option<OsString> {
        (self.get)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Result<Option<String>, InitError> {
        match self.os(name) {
            None => Ok(None),
            Some(value) => match value.into_string() {
                Ok(text) => Ok(Some(text)),
                Err(value) => Err(wrong(name, &value, "text in UTF-8", None)),
            },
        }
    }

    fn parsed<T>(
        &self,
        name: &str,
        takes: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, InitError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match parse(text.trim()) {
            Ok(value) => Ok(Some(value)),
            Err(why) => Err(wrong(name, OsStr::new(&text), takes, Some(&why))),
        }
    }
}

fn wrong(name: &str, held: &OsStr, takes: &str, why: Option<&dyn Display>) -> InitError {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    InitError::new(format!("{name} is \"{}\", but it takes {takes}{why}", held.display()))
}

fn format(text: &str) -> Result<Format, String> {
    match text.to_ascii_lowercase().as_str() {
        "json" => Ok(Format::Json),
        "pretty" => Ok(Format::Pretty),
        _ => Err("it is neither".to_owned()),
    }
}

fn is_stderr(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "stderr" => Ok(true),
        "stdout" => Ok(false),
        _ => Err("it is neither".to_owned()),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("it is neither".to_owned()),
    }
}

fn number<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.replace('_', "").parse().map_err(|error: T::Err| error.to_string())
}

fn positive(text: &str) -> Result<u64, String> {
    match number(text)? {
        0 => Err("it is zero".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &'static str, value: &'static str) -> String {
        match read(|asked| (asked == name).then(|| value.into())) {
            Ok(_) => panic!("{name}={value} was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_error_names_the_variable_what_it_held_and_what_it_takes() {
        let text = error("LOG_FORMAT", "xml");
        assert!(text.contains("LOG_FORMAT is \"xml\", but it takes `json` or `pretty`"), "{text}");
        assert!(error("LOG_LEVEL", "loud").contains("LOG_LEVEL is \"loud\""));
        assert!(error("LOG_LEVEL", "app[span]=debug").contains("only targets"));
        assert!(error("LOG_OUTPUT", "file").contains("`stdout` or `stderr`"));
        assert!(error("LOG_FILE_MAX_BYTES", "0").contains("at least 1"));
        assert!(error("LOG_FILE_BACKUPS", "-1").contains("LOG_FILE_BACKUPS"));
        assert!(error("LOG_KEYS", "colour=color").contains("is no fixed key"));
        let text = error("LOG_HASH_KEY", "deadbeefdeadbeef");
        assert!(
            text.contains("LOG_HASH_KEY has 16 characters, but it takes 64 hex digits"),
            "{text}"
        );
        assert!(!text.contains("deadbeef"), "{text}");
        assert!(
            error("LOG_STRICT", "yes").contains("LOG_STRICT is \"yes\", but it takes `1` or `0`")
        );
    }

    #[test]
    fn a_level_is_taken_in_any_case_and_an_empty_variable_is_unset() {
        assert!(read(|name| (name == "LOG_LEVEL").then(|| "WARNING".into())).is_ok());
        assert!(read(|_| Some(OsString::new())).is_ok());
    }
}
