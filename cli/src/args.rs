//! The command-line options that all subcommands share.

use std::path::PathBuf;
use std::time::Duration;

use crate::from::{Question, Server};
use crate::output::{Failure, Output};
use crate::read::{Input, Keys, Unreadable};
use crate::time::{self, Clock, LocalZone, Micros};

/// Names of renamed keys.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// Renamed keys, in `LOG_KEYS` syntax. Common names (timestamp, severity, message…) are detected
    #[arg(long, value_name = "ts=timestamp,…")]
    keys: Option<String>,
}

impl KeyArgs {
    pub(crate) fn keys(&self) -> Result<Keys, Failure> {
        let keys = self.keys.as_deref().map(Keys::parse).transpose();
        keys.map(Option::unwrap_or_default).map_err(|why| {
            Failure::usage(format!("--keys takes renames such as ts=timestamp: {why}"))
        })
    }
}

/// How times are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct TimeArgs {
    /// Show times in the machine's time zone (`TZ`) instead of UTC
    #[arg(long, conflicts_with_all = ["relative", "json"])]
    local: bool,
    /// Show times as the time since the first one that is shown
    #[arg(long, conflicts_with = "json")]
    pub(crate) relative: bool,
}

impl TimeArgs {
    pub(crate) fn zone(&self, out: &mut Output) -> LocalZone {
        zone(self.local, out)
    }

    pub(crate) fn clock(&self, out: &mut Output) -> Clock {
        Clock::new(self.zone(out), self.relative)
    }
}

/// UTC, or the machine's time zone.
pub(crate) fn zone(is_local: bool, out: &mut Output) -> LocalZone {
    let (zone, note) = if is_local { LocalZone::detect() } else { (LocalZone::utc(), None) };
    out.note(note);
    zone
}

/// Options for reading from a server instead of files.
#[derive(Debug, clap::Args)]
pub(crate) struct FromArgs {
    /// Read from a server instead of FILES: `clickhouse://HOST/TABLE`, `http://HOST/PATH`,
    /// `s3://BUCKET/PREFIX`, `cloudwatch:LOG_GROUP`
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    pub(crate) from: Option<String>,
    /// Give up if the server sends nothing for this long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = timeout, requires = "from")]
    timeout: Duration,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let micros = time::parse_duration(text, "none")?;
    match u64::try_from(micros) {
        Ok(micros) if micros > 0 => Ok(Duration::from_micros(micros)),
        _ => Err("the duration must be greater than zero, such as 30s".to_owned()),
    }
}

impl FromArgs {
    /// The server, if `--from` is set.
    pub(crate) fn server(&self) -> Result<Option<Server>, Failure> {
        self.from.as_deref().map(Server::parse).transpose()
    }

    /// The lines of the server that answer the question, or those of the files. `file_error` formats the error of a
    /// file.
    pub(crate) fn input(
        &self,
        files: &[PathBuf],
        question: &Question<'_>,
        keys: Keys,
        file_error: impl FnOnce(&Unreadable) -> Failure,
    ) -> Result<Input, Failure> {
        match self.server()? {
            Some(server) => server.ask(question, self.timeout, keys),
            None if files.is_empty() => Err(Failure::usage(
                "nothing to read; give FILES, `-` for standard input, or --from URL".to_owned(),
            )),
            None => Input::new(files, keys).map_err(|why| file_error(&why)),
        }
    }
}

/// Parses the number of an option such as `--top`.
pub(crate) fn parse_count(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| "expected a whole number such as 20".to_owned())
}

/// Value of `--since` and `--until`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Since {
    At(Micros),
    /// A duration before the last line of the input, whose time is known only after reading it.
    BeforeLast(Micros),
}

impl Since {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(at) = time::parse(text) {
            return Ok(Since::At(at));
        }
        // The invalid default makes a number without a unit an error.
        time::parse_duration(text, "none").map(Since::BeforeLast).map_err(|_| {
            format!(
                "`{text}` is not a time; expected one such as 2026-11-22T10:00:00Z, or a duration such as 15m"
            )
        })
    }
}
