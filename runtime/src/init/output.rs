//! Where lines go, and what is said where it can't be opened.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::InitError;
use crate::sink::{Destination, LogFile, Rotation, Stream, Writer, backup};

/// Where lines go.
pub(super) enum Output {
    Stdout,
    Stderr,
    File {
        path: PathBuf,
        max_bytes: u64,
        backups: u32,
    },
    Writer(Box<dyn Write + Send>),
    #[cfg(feature = "testing")]
    Nowhere,
}

impl Output {
    /// What takes the lines, and whether a person reads it.
    pub(super) fn open(self) -> Result<(Destination, bool), InitError> {
        Ok(match self {
            Output::Stdout => {
                let stream = Stream::stdout();
                let is_terminal = stream.is_terminal();
                (Destination::Stdout(stream), is_terminal)
            }
            Output::Stderr => {
                let stream = Stream::stderr();
                let is_terminal = stream.is_terminal();
                (Destination::Stderr(stream), is_terminal)
            }
            Output::File { path, max_bytes, backups } => {
                let file = LogFile::open(&path, Rotation { max_bytes, backups });
                let file = file.map_err(|source| {
                    unopened("log", &path, "`LOG_FILE` or `Config::file`", source)
                })?;
                (Destination::File(file), false)
            }
            Output::Writer(writer) => (Destination::Writer(Writer::new(writer)), false),
            #[cfg(feature = "testing")]
            Output::Nowhere => (Destination::Nowhere, false),
        })
    }
}

/// Opens the audit file beside a log file that is open already, with so many backups.
pub(super) fn open_audit(
    path: &Path,
    log_file: Option<(&Path, u32)>,
) -> Result<LogFile, InitError> {
    if let Some((log_file, backups)) = log_file
        && let Some(what) = clash(path, log_file, backups)
    {
        return Err(InitError::new(format!(
            "{} is {what}; the audit file (`LOG_AUDIT_FILE` or `Config::audit_file`) holds audit events alone",
            path.display()
        )));
    }
    LogFile::open_unrotated(path).map_err(|source| {
        unopened("audit", path, "`LOG_AUDIT_FILE` or `Config::audit_file`", source)
    })
}

/// What a path is to a log file: a backup would be renamed by the next rotation, and in the end replaced.
fn clash(path: &Path, log_file: &Path, backups: u32) -> Option<&'static str> {
    let (path, log_file) = (named(path)?, named(log_file)?);
    if path == log_file {
        return Some("the log file");
    }
    let place = path.extension()?.to_str()?.parse().ok()?;
    let is_backup = (1..=backups).contains(&place) && path == backup(&log_file, place);
    is_backup.then_some("a backup of the log file")
}

/// The path without links, whether the file is there or not.
fn named(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    whole.canonicalize().ok().or_else(|| {
        let folder = whole.parent()?.canonicalize().ok()?;
        Some(folder.join(whole.file_name()?))
    })
}

fn unopened(kind: &str, path: &Path, settings: &str, source: io::Error) -> InitError {
    let path = path.display();
    InitError::caused(format!("the {kind} file {path} ({settings}) can't be opened"), source)
}

/// Whether the readable form is coloured: `NO_COLOR` (any value) forbids it, `CLICOLOR_FORCE` (other
/// than `0`) asks for it, else a terminal decides.
pub(super) fn has_colour(is_terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    is_terminal || set("CLICOLOR_FORCE").is_some_and(|value| value != "0")
}
