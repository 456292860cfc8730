//! Where lines go, and what is said where it can't be opened.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::InitError;
use crate::sink::{Destination, LogFile, Rotation, Stream, Writer};

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

/// Opens the audit file beside a log file that is open already.
pub(super) fn open_audit(path: &Path, log_file: Option<&Path>) -> Result<LogFile, InitError> {
    let file = LogFile::open_unrotated(path).map_err(|source| {
        unopened("audit", path, "`LOG_AUDIT_FILE` or `Config::audit_file`", source)
    })?;
    let is_log_file = log_file.is_some_and(|log_file| {
        let named = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        named(log_file) == named(path)
    });
    if is_log_file {
        return Err(InitError::new(format!(
            "{} is the log file; the audit file (`LOG_AUDIT_FILE` or `Config::audit_file`) holds audit \
             events alone",
            path.display()
        )));
    }
    Ok(file)
}

fn unopened(kind: &str, path: &Path, settings: &str, source: io::Error) -> InitError {
    let path = path.display();
    InitError::caused(format!("the {kind} file {path} ({settings}) can't be opened"), source)
}
