//! Deserializes a [`Config`] from a section of a configuration file.

#[cfg(feature = "otlp")]
mod otlp;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::config::{Config, FILE_BACKUPS, FILE_MAX_BYTES};
use super::env::hash_key;
use super::error::Mistakes;
use super::setting::Setting;
use crate::sink::Overload;

/// The names of the settings: those of `LOG_*` variables, or of methods of [`Config`].
const FIELDS: &[&str] = &[
    "level",
    "format",
    "profile",
    "output",
    "file",
    "file_max_bytes",
    "file_backups",
    "audit_file",
    "service",
    "resource",
    "keys",
    "hash_key",
    "hash_key_file",
    "strict",
    "strict_report",
    "strict_allow",
    "strict_targets",
    "sensitive",
    "not_sensitive",
    "value_limit",
    "line_limit",
    "lines_per_request",
    "story",
    "story_lines",
    "story_bytes",
    "story_total_bytes",
    "story_slow_ms",
    "story_steps",
    "budget",
    "fold_repeats",
    "bill",
    "spans",
    "time_spans",
    "print_panics",
    "background",
    #[cfg(feature = "metrics")]
    "metrics",
    #[cfg(feature = "otlp")]
    "otlp",
];

/// Reads the settings from a section of a configuration file.
///
/// A setting has the name of its `LOG_*` variable without `LOG_`, in lower case, or that of its method of [`Config`].
/// All settings are optional; the defaults are those of [`Config::new`]. The environment is not read. The error for an
/// unknown name lists the valid ones. Invalid values are reported together.
///
/// ```toml
/// [log]
/// level = "info,deps=debug"
/// format = "json"                  # or "pretty"
/// profile = "gcp"                  # not together with `keys`; see `Profile`
/// output = "stderr"                # or "stdout"
/// file = "/var/log/orders.log"     # instead of `output`
/// file_max_bytes = 10_000_000
/// file_backups = 5
/// audit_file = "/var/log/orders-audit.log"
/// service = "orders"
/// keys = { ts = "timestamp", level = "severity" }
/// hash_key_file = "/run/secrets/log-hash-key"
/// strict = true                    # or `strict_report = true` for a dry run
/// strict_allow = ["orders", "page"]
/// strict_targets = ["orders"]
/// sensitive = ["kundengeheimnis"]
/// not_sensitive = ["token_count"]
/// value_limit = 4096
/// line_limit = 16_000
/// lines_per_request = 1000
/// story = "problems"               # or "all", "summary"
/// story_lines = 256
/// story_bytes = 65_536
/// story_total_bytes = 16_777_216
/// story_slow_ms = 1000
/// story_steps = 5
/// budget = "256KiB/s,shop::cart=16KiB/s"
/// fold_repeats = false
/// bill = "1h"
/// spans = true
/// time_spans = "shop=info,sqlx=debug"
/// print_panics = false
/// background = { queue = 10_000, overload = "drop" }   # or "block"
/// metrics = false                  # feature `metrics`
/// resource = { "service.version" = "1.4.2" }
///
/// [log.otlp]                       # feature `otlp`; only an endpoint is required
/// endpoint = "http://collector:4318"
/// logs = "http://collector:4318/v1/logs"     # instead of the endpoint's own, or "none"
/// traces = "none"
/// headers = { x-tenant = "shop" }
/// timeout_ms = 10_000
/// gzip = false
/// protocol = "http/protobuf"       # or "http/json"
/// queue = 32_768
/// overload = "drop"                # or "block"
/// batch = 2048
/// delay_ms = 1000
/// retry_ms = 60_000
/// original = false
/// ca_certificate = "/etc/ssl/collector.pem"  # feature `otlp-tls`
/// client_certificate = "/etc/ssl/client.pem"
/// client_key = "/etc/ssl/client.key"
/// ```
///
/// The same in JSON:
///
/// ```
/// let text = r#"{ "level": "info,deps=debug", "format": "json", "keys": { "ts": "timestamp" } }"#;
/// let config: candor::Config = serde_json::from_str(text)?;
///
/// let error = serde_json::from_str::<candor::Config>(r#"{ "levels": "info" }"#).expect_err("unknown");
/// assert!(error.to_string().starts_with("unknown field `levels`, expected one of `level`, `format`, "));
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de> serde::Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Config", FIELDS, ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of candor, such as `level`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let mut config = Config::new();
        let mut mistakes = Mistakes::default();
        let mut file: Option<PathBuf> = None;
        let (mut key, mut key_file) = (None, None::<PathBuf>);
        let mut seen = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(name) = FIELDS.iter().copied().find(|known| *known == name) else {
                return Err(A::Error::unknown_field(&name, FIELDS));
            };
            if seen.contains(&name) {
                return Err(A::Error::duplicate_field(name));
            }
            seen.push(name);
            let mut set = |setting: Setting, text: &str| {
                mistakes.take(setting.set(&mut config, text.trim(), name));
            };
            match name {
                "level" => set(Setting::Level, &map.next_value::<String>()?),
                "format" => set(Setting::Format, &map.next_value::<String>()?),
                "profile" => set(Setting::Profile, &map.next_value::<String>()?),
                "output" => set(Setting::Output, &map.next_value::<String>()?),
                "time_spans" => set(Setting::TimedSpans, &map.next_value::<String>()?),
                "budget" => set(Setting::Budget, &map.next_value::<String>()?),
                "fold_repeats" => config = config.fold_repeats(map.next_value()?),
                "bill" => set(Setting::Bill, &map.next_value::<String>()?),
                "service" => set(Setting::Service, &map.next_value::<String>()?),
                "file_max_bytes" => {
                    set(Setting::FileMaxBytes, &map.next_value::<u64>()?.to_string());
                }
                "file_backups" => config.rotation.1 = Some(map.next_value()?),
                "keys" => {
                    let keys: BTreeMap<String, String> = map.next_value()?;
                    let keys: Vec<_> =
                        keys.iter().map(|(key, new)| format!("{key}={new}")).collect();
                    set(Setting::Keys, &keys.join(","));
                }
                "resource" => {
                    let attributes: BTreeMap<String, String> = map.next_value()?;
                    config.resource = attributes.into_iter().collect();
                }
                "file" => file = Some(map.next_value()?),
                "audit_file" => config.audit_file = Some(map.next_value()?),
                "hash_key" => key = Some(map.next_value_seed(HashKeyText)?),
                "hash_key_file" => key_file = Some(map.next_value()?),
                "strict" => config = config.strict(map.next_value()?),
                "strict_report" => config = config.strict_report(map.next_value()?),
                "strict_allow" => config.strict_allow = map.next_value()?,
                "strict_targets" => config.strict_targets = map.next_value()?,
                "sensitive" => config.sensitive = map.next_value()?,
                "not_sensitive" => config.not_sensitive = map.next_value()?,
                "value_limit" => config.value_limit = map.next_value()?,
                "line_limit" => config = config.line_limit(map.next_value()?),
                "lines_per_request" => config.lines_per_request = map.next_value()?,
                "story" => set(Setting::Story, &map.next_value::<String>()?),
                "story_lines" => config = config.story_lines(map.next_value()?),
                "story_bytes" => config = config.story_bytes(map.next_value()?),
                "story_total_bytes" => config = config.story_total_bytes(map.next_value()?),
                "story_slow_ms" => {
                    config = config.story_slow(Duration::from_millis(map.next_value()?));
                }
                "story_steps" => config = config.story_steps(map.next_value()?),
                "spans" => config.spans = map.next_value()?,
                "print_panics" => config.print_panics = map.next_value()?,
                "background" => config.background = Some(map.next_value_seed(Background)?),
                #[cfg(feature = "metrics")]
                "metrics" => config.metrics = map.next_value()?,
                #[cfg(feature = "otlp")]
                "otlp" => config.otlp = Some(map.next_value_seed(otlp::OtlpSection)?),
                _ => unreachable!("a name of `FIELDS`"),
            }
        }
        if let Some(path) = file {
            let (max_bytes, backups) = config.rotation;
            config = config.rotated_file(
                path,
                max_bytes.unwrap_or(FILE_MAX_BYTES),
                backups.unwrap_or(FILE_BACKUPS),
            );
        }
        let names = ("hash_key", "hash_key_file");
        let key = hash_key(key.as_deref(), key_file.as_deref().map(Path::new), names);
        if let Some(key) = mistakes.take(key).flatten() {
            config.hash_key = Some(key);
        }
        mistakes.or(config).map_err(A::Error::custom)
    }
}

/// Deserializes a string without repeating it in an error. Other types are an invalid key.
struct HashKeyText;

impl<'de> DeserializeSeed<'de> for HashKeyText {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Methods that accept a value of another type, and ignore it.
macro_rules! not_a_text {
    ($($method:ident: $Type:ty,)*) => {$(
        fn $method<E: Error>(self, _: $Type) -> Result<String, E> {
            Ok(String::new())
        }
    )*};
}

impl<'de> Visitor<'de> for HashKeyText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 hex digits")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    not_a_text! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_i128: i128,
        visit_u128: u128,
        visit_bytes: &[u8],
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        // TOML and JSON parsers pass numbers of arbitrary precision as maps.
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(String::new())
    }
}

fn overload<E: Error>(text: &str) -> Result<Overload, E> {
    match text {
        "block" => Ok(Overload::Block),
        "drop" => Ok(Overload::Drop),
        _ => Err(E::unknown_variant(text, &["block", "drop"])),
    }
}

/// Deserializes `{ queue = 10_000, overload = "drop" }`.
struct Background;

impl<'de> DeserializeSeed<'de> for Background {
    type Value = (usize, Overload);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_struct("Background", &["queue", "overload"], self)
    }
}

impl<'de> Visitor<'de> for Background {
    type Value = (usize, Overload);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`queue` and `overload`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut queue, mut overload) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "queue" => queue = Some(map.next_value()?),
                "overload" => {
                    overload = Some(self::overload(&map.next_value::<String>()?)?);
                }
                _ => return Err(A::Error::unknown_field(&name, &["queue", "overload"])),
            }
        }
        let queue = queue.ok_or_else(|| A::Error::missing_field("queue"))?;
        Ok((queue, overload.ok_or_else(|| A::Error::missing_field("overload"))?))
    }
}
