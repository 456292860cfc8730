//! Which call sites may write: `info,deps=debug` and the noise floor.

use std::fmt::{self, Write as _};

use tracing_core::Level;
use tracing_core::metadata::LevelFilter;

/// Libraries that talk much and seldom to the point: they stay at WARN unless a directive names them.
const NOISY: [&str; 7] = ["hyper", "hyper_util", "h2", "rustls", "reqwest", "tower", "sqlx"];

/// Level directives, most specific target first.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    default: LevelFilter,
    directives: Vec<(String, LevelFilter)>,
    /// What was left out, in the words of the one who wrote it.
    pub(crate) ignored: Vec<String>,
    /// What was taken, in a form that can be read again.
    text: String,
}

impl Default for Levels {
    fn default() -> Self {
        Levels::new(LevelFilter::INFO, Vec::new())
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Levels {
    fn new(default: LevelFilter, mut directives: Vec<(String, LevelFilter)>) -> Self {
        let mut text = default.to_string();
        for (target, level) in &directives {
            let _ = write!(text, ",{target}={level}");
        }
        for noisy in NOISY {
            let named = directives.iter().any(|(target, _)| covers(noisy, target));
            if !named {
                directives.push((noisy.to_owned(), LevelFilter::WARN.min(default)));
            }
        }
        // The longest target that fits decides; a later directive for the same one wins.
        directives.reverse();
        directives.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Levels { default, directives, ignored: Vec::new(), text }
    }

    /// Everything, everywhere.
    #[cfg(feature = "testing")]
    pub(crate) fn all() -> Self {
        Levels::new(LevelFilter::TRACE, Vec::new())
    }

    /// Reads `info,deps=debug,hyper=warn`, any case; the error says what is wrong and what is taken.
    ///
    /// With `spans_ignored`, span directives (`target[span{field=value}]=level`) are left out and
    /// noted instead of being an error.
    pub(crate) fn parse(text: &str, spans_ignored: bool) -> Result<Self, String> {
        Self::parse_over(LevelFilter::INFO, text, spans_ignored)
    }

    /// Reads directives that only raise: what they do not name stays as it is.
    pub(crate) fn parse_raise(text: &str) -> Result<Self, String> {
        Self::parse_over(LevelFilter::OFF, text, false)
    }

    fn parse_over(unnamed: LevelFilter, text: &str, spans_ignored: bool) -> Result<Self, String> {
        let mut default = None;
        let mut directives = Vec::new();
        let mut ignored = Vec::new();
        for part in split(text) {
            if part.contains(['[', ']', '{', '}']) {
                if !spans_ignored {
                    return Err(format!("`{part}` filters by span; only targets are taken"));
                }
                ignored.push(part.to_owned());
                continue;
            }
            match part.split_once('=') {
                Some((target, level)) if !target.trim().is_empty() => {
                    directives.push((target.trim().to_owned(), level_of(level)?));
                }
                Some(_) => return Err(format!("`{part}` has no target before its `=`")),
                None => match level_of(part) {
                    Ok(_) if default.is_some() => {
                        return Err(format!("`{part}` is a second level for all targets"));
                    }
                    Ok(level) => default = Some(level),
                    // `RUST_LOG=my_crate` is everything of my_crate.
                    Err(_) if spans_ignored && is_target(part) => {
                        directives.push((part.to_owned(), LevelFilter::TRACE));
                    }
                    Err(message) => return Err(message),
                },
            }
        }
        let mut levels = Levels::new(default.unwrap_or(unnamed), directives);
        levels.ignored = ignored;
        if default.is_none() && unnamed == LevelFilter::OFF {
            levels.text = levels.text.trim_start_matches("off,").to_owned();
        }
        Ok(levels)
    }

    /// The same for a variable that others read too: what can't be read is left out and noted.
    pub(crate) fn lenient(text: &str) -> Self {
        Self::parse(text, true).unwrap_or_else(|_| {
            let (known, ignored): (Vec<_>, Vec<_>) =
                split(text).partition(|part| Self::parse(part, true).is_ok());
            let mut levels = Self::parse(&known.join(","), true).unwrap_or_default();
            levels.ignored.extend(ignored.into_iter().map(str::to_owned));
            levels
        })
    }

    /// The most detailed level a target may write.
    pub(crate) fn of(&self, target: &str) -> LevelFilter {
        self.directives
            .iter()
            .find(|(prefix, _)| covers(target, prefix))
            .map_or(self.default, |(_, level)| *level)
    }

    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        level <= self.of(target)
    }

    pub(crate) fn max(&self) -> LevelFilter {
        self.directives.iter().map(|(_, level)| *level).fold(self.default, LevelFilter::max)
    }
}

/// Whether a directive for `prefix` speaks of `target`: the same one, or a module below it.
fn covers(target: &str, prefix: &str) -> bool {
    target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is_target(text: &str) -> bool {
    text.contains("::") || text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Parts at commas that are not inside a span directive's braces.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth <= 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn level_of(text: &str) -> Result<LevelFilter, String> {
    let level = match text.trim().to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        // tracing has no CRITICAL; what is above ERROR for candor is an ERROR for the filter.
        "critical" | "error" => LevelFilter::from_level(Level::ERROR),
        "warn" | "warning" => LevelFilter::from_level(Level::WARN),
        "info" => LevelFilter::from_level(Level::INFO),
        "debug" => LevelFilter::from_level(Level::DEBUG),
        "trace" => LevelFilter::from_level(Level::TRACE),
        other => {
            return Err(format!(
                "`{other}` is no level; they are off, error, warn, info, debug and trace"
            ));
        }
    };
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_decides_and_noise_stays_down() {
        let levels =
            Levels::parse("debug,deps=warning,app::db=TRACE,app=error", false).expect("valid");
        assert_eq!(levels.of("other"), LevelFilter::DEBUG);
        assert_eq!(levels.of("deps"), LevelFilter::WARN);
        assert_eq!(levels.of("depsx"), LevelFilter::DEBUG);
        assert_eq!(levels.of("app::db::pool"), LevelFilter::TRACE);
        assert_eq!(levels.of("app::http"), LevelFilter::ERROR);
        assert_eq!(levels.of("hyper::proto"), LevelFilter::WARN);
        assert_eq!(levels.max(), LevelFilter::TRACE);
    }

    #[test]
    fn a_named_noisy_library_speaks() {
        let levels = Levels::parse("info,hyper=debug", false).expect("valid");
        assert_eq!(levels.of("hyper"), LevelFilter::DEBUG);
        assert_eq!(levels.of("h2"), LevelFilter::WARN);
    }

    #[test]
    fn levels_are_shown_as_they_can_be_read() {
        let text =
            Levels::parse("DEBUG, deps=Warning,app::db=off", false).expect("valid").to_string();
        assert_eq!(text, "debug,deps=warn,app::db=off");
        assert_eq!(Levels::parse(&text, false).expect("valid").to_string(), text);
        assert_eq!(Levels::parse_raise("deps=debug").expect("valid").to_string(), "deps=debug");
    }

    #[test]
    fn span_directives_are_noted_or_refused() {
        let levels =
            Levels::parse("info,app[span{a=1,b=2}]=debug", true).expect("left out with a note");
        assert_eq!(levels.ignored, ["app[span{a=1,b=2}]=debug"]);
        assert!(Levels::parse("app[span]=debug", false).is_err());
        assert!(Levels::parse("verbose", false).is_err());
    }
}
