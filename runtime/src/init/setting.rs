//! Settings that are strings in the environment and in a configuration file.

use std::fmt::{Display, Write as _};
use std::str::FromStr;
use std::time::Duration;

use super::config::{Config, Strict};
use super::error::{ConfigErrorKind, ConfigMistake};
use crate::format::Format;
use crate::format::keys::Keys;
use crate::format::profile::Profile;
use crate::levels::Levels;
use crate::logger::budget::Budgets;
use crate::request::story::Story;

/// A setting that is parsed from a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Level,
    Format,
    Profile,
    Output,
    FileMaxBytes,
    FileBackups,
    Service,
    Keys,
    Strict,
    #[cfg(feature = "metrics")]
    Metrics,
    Story,
    TimedSpans,
    Budget,
    Fold,
    Bill,
}

/// The names of the two settings of the hash key.
pub(super) const ENVIRONMENT: (&str, &str) = ("LOG_HASH_KEY", "LOG_HASH_KEY_FILE");

impl Setting {
    /// The environment variable.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Setting::Level => "LOG_LEVEL",
            Setting::Format => "LOG_FORMAT",
            Setting::Profile => "LOG_PROFILE",
            Setting::Output => "LOG_OUTPUT",
            Setting::FileMaxBytes => "LOG_FILE_MAX_BYTES",
            Setting::FileBackups => "LOG_FILE_BACKUPS",
            Setting::Service => "LOG_SERVICE",
            Setting::Keys => "LOG_KEYS",
            Setting::Strict => "LOG_STRICT",
            #[cfg(feature = "metrics")]
            Setting::Metrics => "LOG_METRICS",
            Setting::Story => "LOG_STORY",
            Setting::TimedSpans => "LOG_SPANS",
            Setting::Budget => "LOG_BUDGET",
            Setting::Fold => "LOG_FOLD",
            Setting::Bill => "LOG_BILL",
        }
    }

    /// Parses `text` and sets the setting, which is called `name` in a mistake.
    pub(super) fn set(
        self,
        config: &mut Config,
        text: &str,
        name: &str,
    ) -> Result<(), ConfigMistake> {
        let invalid =
            |why: &dyn Display| self.mistake(text, format!("invalid {name} \"{text}\": {why}"));
        match self {
            Setting::Level => {
                config.levels = Levels::parse(text, false).map_err(|why| invalid(&why))?;
            }
            Setting::Format => {
                let formats = [("json", Format::Json), ("pretty", Format::Pretty)];
                config.format = Some(one_of(text, formats).map_err(|why| invalid(&why))?);
            }
            Setting::Profile => {
                let profiles = Profile::ALL.map(|profile| (profile.name(), profile));
                config.profile = one_of(text, profiles).map_err(|why| invalid(&why))?;
            }
            Setting::Output => {
                let outputs = [("stdout", false), ("stderr", true)];
                if one_of(text, outputs).map_err(|why| invalid(&why))? {
                    config.output = super::output::Output::Stderr;
                }
            }
            Setting::FileMaxBytes => {
                let bytes = number(text).filter(|bytes| *bytes > 0);
                let bytes =
                    bytes.ok_or_else(|| invalid(&"expected a number of bytes, at least 1"))?;
                config.rotation.0 = Some(bytes);
            }
            Setting::FileBackups => {
                let backups = number(text).ok_or_else(|| invalid(&"expected a number of files"))?;
                config.rotation.1 = Some(backups);
            }
            Setting::Service => config.service = Some(text.to_owned()),
            Setting::Keys => config.keys = Keys::parse(text).map_err(|why| invalid(&why))?,
            Setting::Strict => {
                let modes = [("1", Strict::On), ("0", Strict::Off), ("report", Strict::Report)];
                config.strict = one_of(text, modes).map_err(|why| invalid(&why))?;
            }
            #[cfg(feature = "metrics")]
            Setting::Metrics => {
                let modes = [("1", true), ("0", false)];
                config.metrics = one_of(text, modes).map_err(|why| invalid(&why))?;
            }
            Setting::Story => {
                let modes = [
                    ("all", Story::All),
                    ("problems", Story::Problems),
                    ("summary", Story::Summary),
                ];
                config.story.mode = one_of(text, modes).map_err(|why| invalid(&why))?;
            }
            Setting::TimedSpans => {
                config.timed_spans = Some(Levels::parse_raise(text).map_err(|why| invalid(&why))?);
            }
            Setting::Budget => {
                config.budgets = Budgets::parse(text).map_err(|why| invalid(&why))?;
            }
            Setting::Fold => {
                let modes = [("1", true), ("0", false)];
                config.folds = one_of(text, modes).map_err(|why| invalid(&why))?;
            }
            Setting::Bill => {
                let every = duration(text).filter(|every| *every >= Duration::from_secs(1));
                let every = every.ok_or_else(|| {
                    invalid(
                        &"expected a time of at least a second, such as \"90s\", \"10m\" or \"1h\"",
                    )
                })?;
                config.bill = Some(every);
            }
        }
        Ok(())
    }

    /// Mistake for renaming keys that the profile does not have.
    pub(super) fn renamed_in(profile: Profile) -> ConfigMistake {
        let name = profile.name();
        let message = format!(
            "keys are renamed (`LOG_KEYS` or `Config::rename_keys`), but the profile \"{name}\" (`LOG_PROFILE` or \
             `Config::profile`) has its own keys; remove one of the two settings"
        );
        let mistake = ConfigMistake::new(ConfigErrorKind::Conflict, message);
        mistake.variable_is(Setting::Profile.variable()).value_is(name)
    }

    /// A mistake in the value of this setting.
    pub(super) fn mistake(self, value: &str, message: String) -> ConfigMistake {
        let mistake = ConfigMistake::new(ConfigErrorKind::InvalidValue, message);
        mistake.variable_is(self.variable()).value_is(value)
    }
}

/// Parses one of some keywords in any case.
fn one_of<T, const N: usize>(text: &str, keywords: [(&str, T); N]) -> Result<T, String> {
    let mut error = String::from("expected ");
    for (at, (keyword, _)) in keywords.iter().enumerate() {
        let separator = if at == 0 {
            ""
        } else if at + 1 < N {
            ", "
        } else {
            " or "
        };
        let _ = write!(error, "{separator}\"{keyword}\"");
    }
    let mut keywords = keywords.into_iter();
    keywords
        .find(|(keyword, _)| text.eq_ignore_ascii_case(keyword))
        .map(|(_, value)| value)
        .ok_or(error)
}

/// Parses a duration such as `30s`, `10m` or `2h`. A number without a unit is in seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let count = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
    Some(Duration::from_secs(count))
}

/// Parses a number such as `10_000_000`.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.replace('_', "").parse().ok()
}
