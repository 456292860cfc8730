//! Opens the destination of lines and the audit file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::{ConfigErrorKind, ConfigMistake};
use crate::sink::{Destination, LogFile, Rotation, Stream, UserWriter, backup};

/// The destination that is configured.
#[derive(Clone)]
pub(super) enum Output {
    Stdout,
    Stderr,
    File {
        path: PathBuf,
        max_bytes: u64,
        backups: u32,
    },
    Writer(UserWriter),
    #[cfg(feature = "testing")]
    Nowhere,
}

impl Output {
    pub(super) fn open(self) -> Result<Destination, ConfigMistake> {
        Ok(match self {
            Output::Stdout => Destination::Stdout(Stream::stdout()),
            Output::Stderr => Destination::Stderr(Stream::stderr()),
            Output::File { path, max_bytes, backups } => {
                let file = LogFile::open(&path, Rotation { max_bytes, backups });
                let file = file.map_err(|source| {
                    open_error("log", &path, ("LOG_FILE", "Config::file"), source)
                })?;
                Destination::File(file)
            }
            Output::Writer(writer) => Destination::Writer(writer),
            #[cfg(feature = "testing")]
            Output::Nowhere => Destination::Nowhere,
        })
    }
}

/// Opens the audit file. `log_file` is the path of the log file and the number of its backups.
pub(super) fn open_audit(
    path: &Path,
    log_file: Option<&(PathBuf, u32)>,
) -> Result<LogFile, ConfigMistake> {
    if let Some((log_file, backups)) = log_file
        && let Some(what) = conflict(path, log_file, *backups)
    {
        let message = format!(
            "{} is {what}; the audit file (`LOG_AUDIT_FILE` or `Config::audit_file`) contains only audit events",
            path.display()
        );
        let mistake = ConfigMistake::new(ConfigErrorKind::Conflict, message);
        return Err(mistake.variable_is("LOG_AUDIT_FILE").value_is(path.to_string_lossy()));
    }
    LogFile::open_unrotated(path).map_err(|source| {
        open_error("audit", path, ("LOG_AUDIT_FILE", "Config::audit_file"), source)
    })
}

/// Describes `path` if it is the log file or one of its backups, which a rotation would rename and finally replace.
fn conflict(path: &Path, log_file: &Path, backups: u32) -> Option<&'static str> {
    let (path, log_file) = (resolve(path)?, resolve(log_file)?);
    if path == log_file {
        return Some("the log file");
    }
    let number = path.extension()?.to_str()?.parse().ok()?;
    let is_backup = (1..=backups).contains(&number) && path == backup(&log_file, number);
    is_backup.then_some("a backup of the log file")
}

/// The path without symbolic links, even if the file does not exist.
fn resolve(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    whole.canonicalize().ok().or_else(|| {
        let folder = whole.parent()?.canonicalize().ok()?;
        Some(folder.join(whole.file_name()?))
    })
}

fn open_error(
    kind: &str,
    path: &Path,
    (variable, method): (&'static str, &str),
    source: io::Error,
) -> ConfigMistake {
    let shown = path.display();
    let message = format!("the {kind} file {shown} (`{variable}` or `{method}`) can't be opened");
    let mistake = ConfigMistake::new(ConfigErrorKind::Io, message).variable_is(variable);
    mistake.value_is(path.to_string_lossy()).caused_by(source)
}

/// Returns the width of the terminal: `COLUMNS`, or the width that the terminal reports.
pub(super) fn terminal_width() -> Option<usize> {
    static COLUMNS: OnceLock<Option<usize>> = OnceLock::new();
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    COLUMNS.get_or_init(columns).or_else(reported_width)
}

#[cfg(feature = "terminal")]
fn reported_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size()?;
    Some(usize::from(width.0)).filter(|width| *width > 0)
}

#[cfg(not(feature = "terminal"))]
fn reported_width() -> Option<usize> {
    None
}

/// Whether the pretty format uses colours: never with `NO_COLOR`, always with `CLICOLOR_FORCE` other than `0`, and
/// otherwise on a terminal.
pub(super) fn has_colour(is_terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    is_terminal || set("CLICOLOR_FORCE").is_some_and(|value| value != "0")
}
