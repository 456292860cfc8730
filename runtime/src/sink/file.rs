//! A file that is rotated by size: `app.log`, `app.log.1`, `app.log.2` and so on.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::stream::write_whole;
use crate::clock::Tick;

pub(crate) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    backups: u32,
    open: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    bytes: u64,
    looked: Tick,
    /// A line was given up half way: the next one starts on a line of its own.
    torn: bool,
}

/// How often the name is looked at, to see whether someone else moved the file.
const LOOK_NANOS: u64 = 100_000_000;

impl RotatingFile {
    /// Opens the file to append to it; an error names what the system said.
    pub(crate) fn open(path: &Path, max_bytes: u64, backups: u32) -> io::Result<Self> {
        let open = append_to(path)?;
        let file = RotatingFile {
            path: path.to_owned(),
            max_bytes,
            backups,
            open: Mutex::new(Some(open)),
        };
        Ok(file)
    }

    pub(crate) fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let full = open
            .as_ref()
            .is_some_and(|open| open.bytes > 0 && open.bytes + line.len() as u64 > self.max_bytes);
        if full && self.rotate().is_ok() {
            *open = None;
        }
        if open.as_mut().is_none_or(|open| self.is_lost(open)) {
            *open = Some(append_to(&self.path)?);
        }
        let Some(open) = open.as_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        if open.torn {
            open.file.write_all(b"\n")?;
            open.torn = false;
        }
        let written = write_whole(&mut open.file, line);
        match written {
            Ok(()) => {
                open.bytes += line.len() as u64;
                Ok(())
            }
            Err((written, error)) => {
                open.bytes += written as u64;
                open.torn = written > 0;
                Err(error)
            }
        }
    }

    /// Moves every backup one place up, the oldest out, and the file to the first place. When a
    /// rename fails the file is written on, above its size: no line is lost for it.
    fn rotate(&self) -> io::Result<()> {
        if self.backups == 0 {
            // Nothing is to be kept, and nothing is deleted that was asked to be written.
            return Err(io::ErrorKind::Unsupported.into());
        }
        for place in (1..self.backups).rev() {
            match fs::rename(self.backup(place), self.backup(place + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.backup(1))
    }

    fn backup(&self, place: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{place}"));
        PathBuf::from(name)
    }

    fn is_lost(&self, open: &mut Open) -> bool {
        let now = Tick::now();
        let due = now.nanos_since(open.looked) >= LOOK_NANOS;
        if due {
            open.looked = now;
        }
        due && self.was_moved(open)
    }

    /// Whether someone else rotated or removed the file under its name.
    #[cfg(unix)]
    fn was_moved(&self, open: &Open) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        match (fs::metadata(&self.path), open.file.metadata()) {
            (Ok(named), Ok(held)) => (named.dev(), named.ino()) != (held.dev(), held.ino()),
            (Err(_), _) => true,
            _ => false,
        }
    }

    #[cfg(not(unix))]
    fn was_moved(&self, _: &Open) -> bool {
        !self.path.exists()
    }
}

fn append_to(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let file = options.open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes, looked: Tick::now(), torn: false })
}
