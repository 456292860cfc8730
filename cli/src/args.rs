//! The command-line options that all subcommands share.

use std::path::PathBuf;
use std::time::Duration;

use crate::from::{Question, Server};
use crate::output::Failure;
use crate::read::{Input, Keys, Unreadable};
use crate::time::{self, Micros};

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
        _ => Err("the time must be greater than zero".to_owned()),
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
                "FILES or --from URL is missing; `-` is standard input".to_owned(),
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
                "`{text}` is neither a time such as 2026-11-22T10:00:00Z nor a span such as 15m"
            )
        })
    }
}
