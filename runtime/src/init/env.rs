//! Reads a [`Config`] from environment variables.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::config::{Config, FILE_BACKUPS, FILE_MAX_BYTES};
use super::error::{ConfigError, ConfigErrorKind, ConfigMistake, Mistakes};
use super::key_path;
#[cfg(feature = "otlp")]
use super::otlp;
use super::setting::{self, Setting};
use super::variable::{os, text};
use crate::format::resource::{self, SERVICE_NAME};
use crate::levels::Levels;
use crate::redact::hash;

/// The report of a malformed `OTEL_RESOURCE_ATTRIBUTES`, whose value may contain secrets.
const IGNORED_RESOURCE: &str =
    "OTEL_RESOURCE_ATTRIBUTES is ignored; expected name=value pairs, separated by commas";

impl Config {
    /// Returns the configuration from the environment.
    ///
    /// It reads the `LOG_*` variables, `RUST_LOG`, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, and with the
    /// `otlp` feature also those of [`Otlp::from_env`](crate::Otlp::from_env).
    ///
    /// An empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// Returns an error that lists all `LOG_*` variables with an invalid value. The file that `LOG_HASH_KEY_FILE` names
    /// is read here, so it must exist.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut config = Config::new();
        let mut mistakes = Mistakes::default();
        let mut set = |setting: Setting| match text(setting.variable()) {
            Ok(None) => false,
            Ok(Some(text)) => {
                mistakes.take(setting.set(&mut config, text.trim(), setting.variable()));
                true
            }
            Err(mistake) => {
                mistakes.add(mistake);
                true
            }
        };
        let has_level = set(Setting::Level);
        let has_service = set(Setting::Service);
        for setting in [
            Setting::Format,
            Setting::Profile,
            Setting::Output,
            Setting::FileMaxBytes,
            Setting::FileBackups,
            Setting::Keys,
            Setting::Strict,
            #[cfg(feature = "metrics")]
            Setting::Metrics,
            Setting::Story,
            Setting::TimedSpans,
            Setting::Budget,
            Setting::Fold,
            Setting::Bill,
        ] {
            set(setting);
        }
        if !has_level && let Some(value) = os("RUST_LOG") {
            // Other crates read it too, so a value that candor can't parse is not an error.
            config.levels = Levels::parse_lenient(&value.to_string_lossy());
        }
        if let Some(value) = os("OTEL_RESOURCE_ATTRIBUTES") {
            // Other crates read it too. The OpenTelemetry specification requires discarding a malformed value and
            // reporting it.
            match resource::parse(&value.to_string_lossy()) {
                Some(attributes) => config.resource = attributes,
                None => config.ignored.push(IGNORED_RESOURCE),
            }
        }
        if !has_service {
            let name = os("OTEL_SERVICE_NAME").map(|name| name.to_string_lossy().into_owned());
            let attribute = config.resource.iter().rev().find(|(name, _)| name == SERVICE_NAME);
            config.service = name.or_else(|| attribute.map(|(_, value)| value.clone()));
        }
        #[cfg(feature = "otlp")]
        {
            config.otlp = otlp::from_env(&mut mistakes);
        }
        if let Some(path) = os("LOG_FILE") {
            let (max_bytes, backups) = config.rotation;
            config = config.rotated_file(
                path,
                max_bytes.unwrap_or(FILE_MAX_BYTES),
                backups.unwrap_or(FILE_BACKUPS),
            );
        }
        if let Some(path) = os("LOG_AUDIT_FILE") {
            config = config.audit_file(path);
        }
        let key = os("LOG_HASH_KEY");
        let key = key.as_ref().map(|value| value.to_string_lossy());
        let file = os("LOG_HASH_KEY_FILE");
        let key = hash_key(key.as_deref(), file.as_deref().map(Path::new), setting::ENVIRONMENT);
        if let Some(key) = mistakes.take(key).flatten() {
            config.hash_key = Some(key);
        }
        mistakes.or(config)
    }
}

/// Returns the hash key, which is given directly or in a file.
///
/// The mistakes do not repeat the key. `names` are the names of the two settings.
pub(super) fn hash_key(
    text: Option<&str>,
    file: Option<&Path>,
    names: (&str, &str),
) -> Result<Option<[u8; hash::KEY_BYTES]>, ConfigMistake> {
    const EXPECTED: &str = "expected 64 hex digits (generate with openssl rand -hex 32)";
    let parse = |text: &str| hash::parse(text.trim());
    let invalid = |message: String| ConfigMistake::new(ConfigErrorKind::InvalidValue, message);
    match (text, file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            // The value is not repeated, since it may be the key, too.
            let message = format!("both {} and {} are set; unset one of them", names.0, names.1);
            let mistake = ConfigMistake::new(ConfigErrorKind::Conflict, message);
            Err(mistake.variable_is("LOG_HASH_KEY_FILE"))
        }
        (Some(text), None) => {
            let mistake = || invalid(format!("invalid {}: {EXPECTED}", names.0));
            parse(text).map(Some).ok_or_else(|| mistake().variable_is("LOG_HASH_KEY"))
        }
        (None, Some(path)) if path.to_str().and_then(parse).is_some() => {
            // The value is not repeated, since it is a key.
            let message =
                format!("{} is the key itself, not a path; set {} to it", names.1, names.0);
            Err(invalid(message).variable_is("LOG_HASH_KEY_FILE"))
        }
        (None, Some(path)) => {
            let about = |mistake: ConfigMistake| mistake.variable_is("LOG_HASH_KEY_FILE");
            let content = read(path).map_err(|source| {
                let Some(shown) = key_path::shown(path) else {
                    let message = format!(
                        "{} is not the path of a file that can be read (its value is not shown, since it may be a \
                         key; set {} to a key)",
                        names.1, names.0
                    );
                    return about(ConfigMistake::new(ConfigErrorKind::Io, message).caused_by(source));
                };
                let message = format!("the file {shown} ({}) can't be read", names.1);
                about(ConfigMistake::new(ConfigErrorKind::Io, message).value_is(shown).caused_by(source))
            })?;
            let key = std::str::from_utf8(&content).ok().and_then(parse);
            key.map(Some).ok_or_else(|| {
                let shown = path.to_string_lossy();
                let message = format!("invalid content of {shown} ({}): {EXPECTED}", names.1);
                about(invalid(message).value_is(shown))
            })
        }
    }
}

/// Reads a key file, but not to the end if it is much longer than a key.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(1024).read_to_end(&mut content)?;
    Ok(content)
}
