//! A log file, rotated by size: `app.log`, `app.log.1`, `app.log.2` and so on.
//!
//! Other processes may write to the same file, rotate it, move it or delete it. Each line is therefore one `O_APPEND`
//! write, and the path is checked from time to time: if it no longer names the open file, the file is opened again.
//! [`open`] describes how a line is kept apart from the half line of a process that was killed.

mod open;
mod rotate;

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Duration;

use super::stats::Counters;
use super::target::{self, Batch, Loss, PIPE_BUF, PartialLine, Target, WriteFailure, write_batch};
use crate::base::clock::{NANOS_PER_SECOND, Tick};
use crate::base::fork::{ForkLocks, OutputLock};
use crate::format::sites::SiteId;
use crate::sink::descriptor::file_id;
use open::{FileKind, OpenFile};
#[cfg(feature = "testing")]
pub use rotate::on_rotation;
use rotate::{Rotated, rotate};
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
    settings: FileSettings,
    /// `None` if the path can't be opened again and the lines of the open file could not be read by anybody.
    open: Option<OpenFile>,
    /// When the path and the descriptor of the open file are checked next.
    next_check: Tick,
    /// Until when each line is checked for a half line before it, because other processes may write to the file.
    shared_until: Tick,
    /// Whether this was in the future at the last check of the path.
    is_shared: bool,
    /// Whether the file ended with a half line when the process started.
    starts_with_half_line: bool,
    /// Until when no rotation is tried, because one has failed or the file was locked. Writing goes on.
    next_rotation: Tick,
    partial_line: Option<PartialLine>,
}

/// 10 ms: rare enough to cost nothing, and frequent enough that no process keeps writing into a backup.
const CHECK_INTERVAL: u64 = NANOS_PER_SECOND / 100;

/// Nanoseconds from a failed rotation to the next attempt.
const RETRY_INTERVAL: u64 = NANOS_PER_SECOND;

/// How long a file counts as shared after the process has started. Processes are often started together.
const SHARED_AT_FIRST: u64 = NANOS_PER_SECOND;

/// How long a file counts as shared after another process has written to it.
const SHARED: u64 = 60 * NANOS_PER_SECOND;

/// The pause between two attempts to write to a full pipe.
const PIPE_PAUSE: Duration = Duration::from_millis(1);

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
        let mut open = OpenFile::append_to(&path)?;
        let starts_with_half_line = open.ends_with_half_line(&path);
        let settings = FileSettings { path, rotation, check_interval };
        let mut state = FileState::closed(&settings);
        (state.open, state.starts_with_half_line) = (Some(open), starts_with_half_line);
        Ok(LogFile { state: OutputLock::new(state), settings })
    }

    #[inline(always)]
    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        write_batch(&mut *self.lock(), batch, counters)
    }

    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, FileState> {
        self.state.lock(|| FileState::closed(&self.settings))
    }

    /// Takes the lock before a fork.
    pub(super) fn hold<O: 'static>(owner: O, find: fn(&O) -> Option<&Self>, locks: &mut ForkLocks) {
        target::hold(owner, move |owner| find(owner).map(|it| &it.state), locks);
    }
}

impl Drop for FileState {
    fn drop(&mut self) {
        self.close();
    }
}

impl Target for FileState {
    fn prepare(&mut self, first: usize, counters: &Counters) -> io::Result<usize> {
        if mem::take(&mut self.starts_with_half_line) {
            self.end_half_line(counters);
        }
        let mut is_moved = self.check_path();
        let is_full = match (self.settings.rotation, &self.open) {
            (Some(Rotation { max_bytes, .. }), Some(open)) => {
                open.bytes > 0 && open.bytes + first as u64 > max_bytes
            }
            _ => false,
        };
        // The rest of a partial line belongs into the same file.
        if is_full && self.partial_line.is_none() && !is_moved {
            is_moved = self.rotate(first);
        }
        if is_moved || self.open.is_none() {
            self.open_again()?;
        }
        let Some(open) = &mut self.open else { return Err(ErrorKind::NotFound.into()) };
        if self.partial_line.is_some() && !open.ends_with_own_bytes()? {
            // Another process has written after the beginning of the partial line, so the rest can't complete it.
            self.partial_line = None;
        }
        let limit = match self.settings.rotation {
            Some(rotation) if open.is_rotated() => rotation.max_bytes.saturating_sub(open.bytes),
            _ if open.kind == FileKind::Other => return Ok(PIPE_BUF),
            _ => u64::MAX,
        };
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
        let Some(open) = &mut self.open else {
            return Err(WriteFailure::after(0, ErrorKind::NotFound.into()));
        };
        let count = write_once(open, bytes).inspect_err(|_| self.next_check = Tick::default())?;
        let is_whole = count == bytes.len();
        if is_whole && !self.is_shared && open.is_own_end {
            open.bytes += count as u64;
            return Ok(());
        }
        open.follow(&self.settings.path, &bytes[..count]);
        if is_whole { Ok(()) } else { Err(WriteFailure::short(count)) }
    }

    fn write_rest_of_line(&mut self, rest: &[u8]) -> Result<bool, WriteFailure> {
        let Some(open) = &mut self.open else {
            return Err(WriteFailure::after(0, ErrorKind::NotFound.into()));
        };
        let count = write_once(open, rest).inspect_err(|_| self.next_check = Tick::default())?;
        let is_next = open.follow(&self.settings.path, &rest[..count]);
        if count == rest.len() {
            return Ok(is_next);
        }
        // `prepare` then discards the rest.
        open.is_own_end &= is_next;
        Err(WriteFailure::short(count))
    }

    fn partial_line(&mut self) -> &mut Option<PartialLine> {
        &mut self.partial_line
    }

    fn in_child(&mut self) {
        self.partial_line = None;
        self.next_check = Tick::default();
    }
}

impl FileState {
    /// The state before the file is opened.
    fn closed(settings: &FileSettings) -> Self {
        FileState {
            settings: settings.clone(),
            open: None,
            next_check: Tick::default(),
            shared_until: after(Tick::now(), SHARED_AT_FIRST),
            is_shared: true,
            starts_with_half_line: false,
            next_rotation: Tick::default(),
            partial_line: None,
        }
    }

    /// Checks the path and the descriptor, if that is due. Returns whether the path has to be opened again: it names
    /// another file or none, the descriptor was closed, or the parent process opened the file. Updates the file's
    /// length.
    fn check_path(&mut self) -> bool {
        let Some(open) = &mut self.open else { return false };
        let now = Tick::now();
        if now < self.next_check {
            return false;
        }
        self.next_check = after(now, self.settings.check_interval);
        if !open.is_open() {
            self.close();
            return true;
        }
        let is_moved = match fs::metadata(&self.settings.path) {
            Ok(named) if file_id(&named) == open.id => {
                open.is_named = true;
                open.has_length(named.len());
                !open.is_of_this_process()
            }
            Ok(_) => true,
            // candor does not create a pipe or a device again. If the path can't be read for another reason, such as
            // the permissions of a folder, the file may have been deleted all the same.
            Err(error) => {
                open.kind != FileKind::Other && (is_gone(&error) || cfg!(unix) && !open.has_name())
            }
        };
        if mem::take(&mut open.is_shared) {
            self.shared_until = after(now, SHARED);
        }
        self.is_shared = now < self.shared_until;
        is_moved
    }

    /// Closes the file, and forgets the rest of the partial line, whose beginning is in that file.
    fn close(&mut self) {
        self.partial_line = None;
        if let Some(open) = self.open.take() {
            open.close();
        }
    }

    #[cold]
    fn end_half_line(&mut self, counters: &Counters) {
        if let Some(open) = &mut self.open
            && open.end_half_line(&self.settings.path).is_ok_and(|is_written| is_written)
        {
            counters.add_bytes(SiteId::NO_LOCATION, 1);
        }
    }

    /// Opens the path again. If that fails, the lines go on into the open file, provided that it still has a name.
    fn open_again(&mut self) -> io::Result<()> {
        match append_again(&self.settings.path) {
            Ok(mut open) => {
                // A new file that is not empty is written to by others.
                open.is_shared =
                    open.bytes > 0 || self.open.as_ref().is_some_and(|old| old.is_shared);
                self.is_shared |= open.is_shared;
                self.close();
                self.open = Some(open);
            }
            Err(error) => match &mut self.open {
                Some(open) if open.has_name() => open.is_named = false,
                _ => {
                    self.close();
                    return Err(error);
                }
            },
        }
        Ok(())
    }

    /// Returns whether the path no longer names the open file.
    fn rotate(&mut self, first: usize) -> bool {
        let (Some(rotation), Some(open)) = (self.settings.rotation, &mut self.open) else {
            return false;
        };
        if !open.is_rotated() || Tick::now() < self.next_rotation {
            return false;
        }
        match rotate(&self.settings.path, rotation, open.id, first as u64) {
            Ok(Rotated::Moved) => return true,
            Ok(Rotated::NotFull { bytes }) => {
                open.has_length(bytes);
                self.is_shared |= open.is_shared;
            }
            // The file grows beyond its size, which is better than dropping lines.
            Ok(Rotated::Busy) => {
                self.next_rotation = after(Tick::now(), CHECK_INTERVAL);
                self.next_check = Tick::default();
            }
            Err(_) => self.next_rotation = after(Tick::now(), RETRY_INTERVAL),
        }
        false
    }
}

fn after(tick: Tick, nanos: u64) -> Tick {
    Tick::of_nanos(tick.nanos().saturating_add(nanos))
}

/// One write, which may accept only a part of `bytes`.
#[inline]
fn write_once(open: &mut OpenFile, bytes: &[u8]) -> Result<usize, WriteFailure> {
    loop {
        match open.file.write(bytes) {
            Ok(0) => return Err(WriteFailure::after(0, ErrorKind::WriteZero.into())),
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The pipe is non-blocking so that opening it does not wait. A write waits for the reader.
            Err(error) if error.kind() == ErrorKind::WouldBlock && open.kind == FileKind::Other => {
                thread::sleep(PIPE_PAUSE);
            }
            Err(error) => return Err(WriteFailure::after(0, error)),
        }
    }
}

/// Whether a path no longer exists; a file may have replaced one of its folders.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Opens the file, and creates its folder if it was removed.
fn append_again(path: &Path) -> io::Result<OpenFile> {
    let first = OpenFile::append_to(path);
    match (&first, path.parent()) {
        (Err(error), Some(folder)) if is_gone(error) => {
            let mut folders = fs::DirBuilder::new();
            folders.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o750);
            folders.create(folder)?;
            OpenFile::append_to(path)
        }
        _ => first,
    }
}
