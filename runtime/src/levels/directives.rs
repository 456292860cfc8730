//! Level directives as users write them: `info,deps=debug`.

use std::fmt::{self, Write as _};

use tracing_core::Level;
use tracing_core::metadata::LevelFilter;

/// Libraries with many lines of little use. They stay at WARN unless a directive names them.
const NOISY: [&str; 9] =
    ["hyper", "hyper_util", "h2", "rustls", "reqwest", "tower", "sqlx", "ureq", "ureq_proto"];

/// A default level and levels of targets.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    default: LevelFilter,
    /// The longest target first, so that the first match decides.
    directives: Vec<(String, LevelFilter)>,
    /// Directives that [`parse_lenient`](Self::parse_lenient) left out, as they were written.
    pub(crate) ignored: Vec<String>,
    /// The directives that apply, in a form that can be parsed again.
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
        // The sort is stable, so after `reverse` a later directive for the same target comes first.
        directives.reverse();
        directives.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Levels { default, directives, ignored: Vec::new(), text }
    }

    /// Whether INFO lines of every target are written, except those of noisy libraries.
    pub(crate) fn are_all_info(&self) -> bool {
        let is_noisy = |target: &str| NOISY.iter().any(|noisy| covers(target, noisy));
        self.default >= LevelFilter::INFO
            && self
                .directives
                .iter()
                .all(|(target, level)| *level >= LevelFilter::INFO || is_noisy(target))
    }

    /// Every level of every target.
    #[cfg(feature = "testing")]
    pub(crate) fn all() -> Self {
        Levels::new(LevelFilter::TRACE, Vec::new())
    }

    /// Parses `info,deps=debug,hyper=warn`, ignoring case.
    ///
    /// With `is_rust_log`, the syntax of `RUST_LOG` is accepted: a target alone enables all its levels, and span
    /// directives (`target[span{field=value}]=level`) are added to `ignored` instead of being an error.
    pub(crate) fn parse(text: &str, is_rust_log: bool) -> Result<Self, String> {
        Self::parse_over(LevelFilter::INFO, text, is_rust_log)
    }

    /// Parses directives that only raise levels: targets that they do not name stay off.
    pub(crate) fn parse_raise(text: &str) -> Result<Self, String> {
        Self::parse_over(LevelFilter::OFF, text, false)
    }

    fn parse_over(default: LevelFilter, text: &str, is_rust_log: bool) -> Result<Self, String> {
        let mut named_default = None;
        let mut directives = Vec::new();
        let mut ignored = Vec::new();
        for part in split(text) {
            if part.contains(['[', ']', '{', '}']) {
                if !is_rust_log {
                    return Err(format!("span filters such as \"{part}\" are not supported"));
                }
                ignored.push(part.to_owned());
                continue;
            }
            match part.split_once('=') {
                Some((target, level)) if !target.trim().is_empty() => {
                    directives.push((target.trim().to_owned(), parse_level(level)?));
                }
                Some(_) => return Err(format!("missing target in \"{part}\"")),
                None => match parse_level(part) {
                    Ok(_) if named_default.is_some() => {
                        return Err(format!("second default level \"{part}\""));
                    }
                    Ok(level) => named_default = Some(level),
                    Err(_) if is_rust_log && is_target(part) => {
                        directives.push((part.to_owned(), LevelFilter::TRACE));
                    }
                    Err(message) => return Err(message),
                },
            }
        }
        let mut levels = Levels::new(named_default.unwrap_or(default), directives);
        levels.ignored = ignored;
        if named_default.is_none() && default == LevelFilter::OFF {
            levels.text = levels.text.trim_start_matches("off,").to_owned();
        }
        Ok(levels)
    }

    /// Parses `RUST_LOG`, which other crates read too: invalid directives are added to `ignored`.
    pub(crate) fn parse_lenient(text: &str) -> Self {
        Self::parse(text, true).unwrap_or_else(|_| {
            let (known, ignored): (Vec<_>, Vec<_>) =
                split(text).partition(|part| Self::parse(part, true).is_ok());
            let mut levels = Self::parse(&known.join(","), true).unwrap_or_default();
            levels.ignored.extend(ignored.into_iter().map(str::to_owned));
            levels
        })
    }

    /// The most verbose level that `target` may write at.
    pub(crate) fn of(&self, target: &str) -> LevelFilter {
        self.directives
            .iter()
            .find(|(prefix, _)| covers(target, prefix))
            .map_or(self.default, |(_, level)| *level)
    }

    pub(crate) fn allow(&self, target: &str, level: Level) -> bool {
        level <= self.of(target)
    }

    /// The most verbose level of any target.
    pub(crate) fn max(&self) -> LevelFilter {
        self.directives.iter().map(|(_, level)| *level).fold(self.default, LevelFilter::max)
    }
}

/// Whether a directive for `prefix` applies to `target`: the same module or one below it.
pub(crate) fn covers(target: &str, prefix: &str) -> bool {
    target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn is_target(text: &str) -> bool {
    text.contains("::") || text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Splits at the commas outside the braces of a span directive.
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

fn parse_level(text: &str) -> Result<LevelFilter, String> {
    let level = match text.trim().to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        // `tracing` has no CRITICAL: candor writes it as an ERROR event.
        "critical" | "error" => LevelFilter::from_level(Level::ERROR),
        "warn" | "warning" => LevelFilter::from_level(Level::WARN),
        "info" => LevelFilter::from_level(Level::INFO),
        "debug" => LevelFilter::from_level(Level::DEBUG),
        "trace" => LevelFilter::from_level(Level::TRACE),
        other => {
            return Err(format!(
                "unknown level \"{other}\", expected off, error, warn, info, debug or trace"
            ));
        }
    };
    Ok(level)
}
