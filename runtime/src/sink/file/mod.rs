//! A log file, rotated by size: `app.log`, `app.log.1`, `app.log.2` and so on.
//!
//! Other processes may write to the same file, rotate it, move it or delete it. Each line is therefore one `O_APPEND`
//! write, and the path is checked from time to time: if it no longer names the open file, the file is opened again.

mod rotate;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::stats::Counters;
use super::stream::write_whole;
use super::target::{Batch, Loss, PartialLine, Target, WriteFailure, write_batch};
use crate::base::clock::Tick;
use crate::base::fork::{ForkLocks, OutputLock};
use crate::format::sites::SiteId;
#[cfg(feature = "testing")]
pub use rotate::on_rotation;
use rotate::{FileId, Rotated, file_id, rotate};
pub(crate) use rotate::{Rotation, backup};

pub(crate) struct LogFile {
    state: OutputLock<FileState>,
    settings: FileSettings,
}

#[derive(Debug, Clone)]
struct FileSettings {
    path: PathBuf,
    rotation: Option<Rotation>,
    /// Nanoseconds between two checks of the path.
    check_interval: u64,
}

struct FileState {
    path: PathBuf,
    rotation: Option<Rotation>,
    /// Nanoseconds between two checks of the path.
    check_interval: u64,
    /// `None` after the file was rotated, moved or removed.
    open: Option<OpenFile>,
    /// When a rotation last failed. Writing goes on, and the next attempt waits.
    rotation_failed: Option<Tick>,
    partial_line: Option<PartialLine>,
}

struct OpenFile {
    file: File,
    id: FileId,
    /// Its length at the last check, and the bytes written since. Other processes may have added more.
    bytes: u64,
    checked: Tick,
    /// Whether the path names a regular file, not a device, a pipe or a symbolic link. Only that is rotated.
    is_regular: bool,
    /// Whether opening the file wrote a line feed that is not counted yet.
    is_terminated: bool,
}

/// 10 ms: rare enough to cost nothing, and frequent enough that no process keeps writing into a backup.
const CHECK_INTERVAL: u64 = 10_000_000;

/// Nanoseconds from a failed rotation to the next attempt.
const RETRY_INTERVAL: u64 = 1_000_000_000;

impl LogFile {
    /// Opens the file for appending.
    pub(crate) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        // Rotating without backups would delete the lines, so the file is not rotated then.
        Self::new(path, Some(rotation).filter(|rotation| rotation.backups > 0), CHECK_INTERVAL)
    }

    /// Opens a file that candor never rotates. Its path is checked before each line, since its lines are few.
    pub(crate) fn open_unrotated(path: &Path) -> io::Result<Self> {
        Self::new(path, None, 0)
    }

    fn new(path: &Path, rotation: Option<Rotation>, check_interval: u64) -> io::Result<Self> {
        // The process may change its working directory.
        let path = std::path::absolute(path)?;
        let open = Some(append_to(&path)?);
        let settings = FileSettings { path, rotation, check_interval };
        let state = OutputLock::new(FileState { open, ..FileState::closed(&settings) });
        Ok(LogFile { state, settings })
    }

    #[inline(always)]
    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        write_batch(&mut *self.lock(), batch, counters)
    }

    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, FileState> {
        self.state.lock(|| FileState::closed(&self.settings))
    }

    /// Takes the lock before a fork. The parent completes the line that it has begun.
    pub(super) fn hold<O: 'static>(owner: O, find: fn(&O) -> Option<&Self>, locks: &mut ForkLocks) {
        locks.hold_output(
            owner,
            move |owner| find(owner).map(|it| &it.state),
            |_, state| {
                if let Some(state) = state {
                    state.partial_line = None;
                }
            },
        );
    }

    /// Counts once the line feed that was written when the file was opened.
    pub(super) fn count_terminated(&self, counters: &Counters) {
        if let Some(open) = &mut self.lock().open {
            open.count_terminated(counters);
        }
    }
}

impl Target for FileState {
    fn prepare(&mut self, first: usize, counters: &Counters) -> io::Result<usize> {
        self.check_path();
        let is_full = match (self.rotation, &self.open) {
            (Some(Rotation { max_bytes, .. }), Some(open)) => {
                open.bytes > 0 && open.bytes + first as u64 > max_bytes
            }
            _ => false,
        };
        // The rest of a partial line belongs into the same file.
        if is_full && self.partial_line.is_none() {
            self.rotate(first);
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let mut open = append_again(&self.path)?;
                open.count_terminated(counters);
                // The beginning of the partial line is in the old file.
                self.partial_line = None;
                none.insert(open)
            }
        };
        if self.partial_line.is_some() && open.file.metadata()?.len() != open.bytes {
            // Another process has written after the beginning of the partial line, so the rest can't complete it.
            self.partial_line = None;
        }
        let limit = self
            .rotation
            .filter(|_| open.is_regular)
            .map_or(u64::MAX, |rotation| rotation.max_bytes.saturating_sub(open.bytes));
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
        let Some(open) = &mut self.open else {
            return Err(WriteFailure::after(0, io::ErrorKind::NotFound.into()));
        };
        let result = write_whole(&mut open.file, bytes, Duration::ZERO);
        open.bytes = match &result {
            Ok(()) => open.bytes + bytes.len() as u64,
            // Includes what other processes wrote, so that `prepare` sees if they write more.
            Err(_) => open.file.metadata().map_or(open.bytes, |metadata| metadata.len()),
        };
        result.map_err(|(written, error)| WriteFailure::after(written, error))
    }

    fn partial_line(&mut self) -> &mut Option<PartialLine> {
        &mut self.partial_line
    }
}

impl FileState {
    /// The state before the file is opened.
    fn closed(settings: &FileSettings) -> Self {
        let FileSettings { path, rotation, check_interval } = settings.clone();
        let (open, rotation_failed, partial_line) = Default::default();
        FileState { path, rotation, check_interval, open, rotation_failed, partial_line }
    }

    /// Closes the file if the path no longer names it, and updates its length otherwise.
    fn check_path(&mut self) {
        let Some(open) = &mut self.open else { return };
        let now = Tick::now();
        if !open.is_regular || now.nanos_since(open.checked) < self.check_interval {
            return;
        }
        open.checked = now;
        match fs::metadata(&self.path) {
            Ok(named) if file_id(&named) != open.id => self.open = None,
            // `bytes` stays the end of the partial line, for `prepare` to compare with.
            Ok(_) if self.partial_line.is_some() => {}
            Ok(named) => open.bytes = named.len(),
            Err(error) if is_gone(&error) => self.open = None,
            // The open file can be written to even if its path can't be read.
            Err(_) => {}
        }
    }

    fn rotate(&mut self, first: usize) {
        let (Some(rotation), Some(open)) = (self.rotation, &mut self.open) else { return };
        let is_recent = |failed: Tick| Tick::now().nanos_since(failed) < RETRY_INTERVAL;
        if !open.is_regular || self.rotation_failed.is_some_and(is_recent) {
            return;
        }
        match rotate(&self.path, rotation, &open.file, open.id, first as u64) {
            Ok(Rotated::Moved) => {
                self.open = None;
                self.rotation_failed = None;
            }
            Ok(Rotated::NotFull { bytes }) => open.bytes = bytes,
            Ok(Rotated::Busy) => {}
            // The file grows beyond its size, which is better than dropping lines.
            Err(_) => self.rotation_failed = Some(Tick::now()),
        }
    }
}

/// Whether a path no longer exists; a file may have replaced one of its folders.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Like [`append_to`], and creates the folder if it was removed.
fn append_again(path: &Path) -> io::Result<OpenFile> {
    let first = append_to(path);
    match (&first, path.parent()) {
        (Err(error), Some(folder)) if is_gone(error) => {
            let mut folders = fs::DirBuilder::new();
            folders.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o750);
            folders.create(folder)?;
            append_to(path)
        }
        _ => first,
    }
}

fn append_to(path: &Path) -> io::Result<OpenFile> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut file = options.open(path)?;
    let metadata = file.metadata()?;
    let is_regular = fs::symlink_metadata(path).is_ok_and(|named| named.is_file());
    let mut bytes = metadata.len();
    let is_terminated =
        is_regular && ends_within_a_line(path, bytes) && file.write_all(b"\n").is_ok();
    bytes += u64::from(is_terminated);
    let id = file_id(&metadata);
    Ok(OpenFile { file, id, bytes, checked: Tick::now(), is_regular, is_terminated })
}

impl OpenFile {
    /// Counts once the line feed that ended a line of another process.
    fn count_terminated(&mut self, counters: &Counters) {
        if mem::take(&mut self.is_terminated) {
            counters.add_bytes(SiteId::NO_LOCATION, 1);
        }
    }
}

/// Whether the last line has no line feed, because the machine stopped while it was written.
fn ends_within_a_line(path: &Path, bytes: u64) -> bool {
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::Start(bytes.checked_sub(1)?)).ok()?;
        let mut last = [b'\n'];
        file.read_exact(&mut last).ok()?;
        Some(last != *b"\n")
    };
    last().unwrap_or(false)
}
