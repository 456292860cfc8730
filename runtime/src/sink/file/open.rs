//! The open file, and the boundary between a line and whatever is before it.
//!
//! A process that is killed in the middle of a write leaves a half line. The next line must not be joined to it. But a
//! half line can also be one that another process is still writing, and a line feed after that one would be a blank
//! line. Looking at the file before a write can't tell the two apart.
//!
//! Looking at it afterwards can. The system performs the `O_APPEND` writes to a file one after the other, so when a line
//! has been written, the write before it has ended. If that one has left a half line, its process was killed, or the
//! disk was full, or a file size limit was reached. A process that goes on after a failed write discards the rest of its
//! line if others have written since. So nobody will ever add to this half line, and [`OpenFile::separate`] replaces its
//! last byte by a line feed. No lock is needed, so a stopped process stops no other one, and a file system without locks
//! will do.
//!
//! Reading the position after each line would cost a fifth of a write. It is done only for the first line after a half
//! line, and while the file counts as shared: in the first second, and for a minute after the file had another length
//! than this process expected, which is noticed within 10 ms.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::rotate::backup;
use crate::base::fork;
use crate::sink::descriptor::{self, FileId, file_id};

/// An open file whose end is the place for the next line.
pub(super) struct OpenFile {
    pub(super) file: File,
    pub(super) id: FileId,
    pub(super) kind: FileKind,
    /// Its length at the last check or after the last write, and the bytes written since.
    pub(super) bytes: u64,
    /// Whether the line before `bytes` is known to be complete, or is the partial line of this process.
    pub(super) is_own_end: bool,
    /// False after the path could not be opened again. The file is not rotated then.
    pub(super) is_named: bool,
    /// Whether another process has written since the last check.
    pub(super) is_shared: bool,
    /// The [generation](fork::generation) of the process that opened it. A forked child shares the file's position.
    generation: u32,
    /// The same file, for reading and changing single bytes. Opened when it is needed.
    again: Option<File>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// Named directly. Only such a file is rotated.
    Regular,
    /// A regular file that the path leads to by a symbolic link.
    Linked,
    /// A device or a pipe, of which the end is not checked.
    Other,
}

/// How long a half line that does not grow is waited for at the start.
const PATIENCE: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(1);

impl OpenFile {
    pub(super) fn append_to(path: &Path) -> io::Result<Self> {
        let mut options = descriptor::options();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        let kind = match fs::symlink_metadata(path) {
            _ if !metadata.is_file() => FileKind::Other,
            Ok(named) if !named.is_file() => FileKind::Linked,
            // If it was removed meanwhile, the next check opens it again.
            _ => FileKind::Regular,
        };
        Ok(OpenFile {
            file,
            id: file_id(&metadata),
            kind,
            bytes: metadata.len(),
            is_own_end: metadata.len() == 0,
            is_named: true,
            is_shared: false,
            generation: fork::generation(),
            again: None,
        })
    }

    /// Whether its descriptor still refers to the file.
    pub(super) fn is_open(&mut self) -> bool {
        self.forget_closed();
        descriptor::is_open(&self.file, self.id)
    }

    /// Forgets the second descriptor if others have closed it, because the same file may be opened under its number.
    fn forget_closed(&mut self) {
        let closed = self.again.take_if(|again| !descriptor::is_open(again, self.id));
        if let Some(closed) = closed {
            mem::forget(closed);
        }
    }

    /// Whether this process, and not its parent, has opened it.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Closes the descriptors, except those that others have closed.
    pub(super) fn close(self) {
        for file in [Some(self.file), self.again].into_iter().flatten() {
            descriptor::close(file, self.id);
        }
    }

    pub(super) fn is_rotated(&self) -> bool {
        self.kind == FileKind::Regular && self.is_named
    }

    /// Whether any path leads to the file, so that somebody can read its lines.
    pub(super) fn has_name(&self) -> bool {
        #[cfg(unix)]
        let links = self.file.metadata().map_or(0, |metadata| {
            use std::os::unix::fs::MetadataExt as _;
            metadata.nlink()
        });
        #[cfg(not(unix))]
        let links = 0;
        links > 0
    }

    /// Takes over the length that the file has now.
    pub(super) fn has_length(&mut self, bytes: u64) {
        if bytes != self.bytes && self.kind != FileKind::Other {
            self.bytes = bytes;
            self.is_shared = true;
            self.is_own_end = false;
        }
    }

    /// Whether nobody has written since this process last did.
    pub(super) fn ends_with_own_bytes(&self) -> io::Result<bool> {
        Ok(self.kind == FileKind::Other
            || (self.is_own_end && self.file.metadata()?.len() == self.bytes))
    }

    /// Takes note of bytes that were just written, and separates them from a half line before them. Returns whether
    /// they directly follow the previous bytes of this process.
    pub(super) fn follow(&mut self, path: &Path, written: &[u8]) -> bool {
        if self.kind == FileKind::Other {
            return true;
        }
        // The position after an `O_APPEND` write is the end of what was written.
        let Ok(end) = self.file.stream_position() else { return true };
        let start = end.saturating_sub(written.len() as u64);
        let is_next = self.is_own_end && start == self.bytes;
        if !is_next && start > 0 {
            self.is_shared |= start != self.bytes;
            let _ = self.separate(path, start, written);
        }
        self.bytes = end;
        self.is_own_end = true;
        is_next
    }

    /// Ends the half line before `start`, if there is one.
    #[cold]
    fn separate(&mut self, path: &Path, start: u64, written: &[u8]) -> io::Result<()> {
        let Some(mut again) = self.again(path) else { return Ok(()) };
        let mut before = [b'\n'; 2];
        let known = usize::from(start > 1) + 1;
        again.seek(SeekFrom::Start(start - known as u64))?;
        again.read_exact(&mut before[2 - known..])?;
        if before[1] == b'\n' {
            return Ok(());
        }
        // The position is wrong if a forked process shares it, or if the file system does not append in one step. The
        // last byte can differ: if only a part of a line was written, another process may have ended that already.
        let mut found = vec![0; written.len()];
        again.read_exact(&mut found)?;
        let [compared @ .., _] = written else { return Ok(()) };
        if compared.is_empty() || !found.starts_with(compared) {
            return Ok(());
        }
        // A half line of one byte would become a blank line. A space in front of the next one does no harm.
        let end = if before[0] == b'\n' { b" " } else { b"\n" };
        again.seek(SeekFrom::Start(start - 1))?;
        again.write_all(end)
    }

    /// Whether the file ends with a half line that does not grow.
    pub(super) fn ends_with_half_line(&mut self, path: &Path) -> bool {
        if self.kind == FileKind::Other || self.bytes == 0 {
            return false;
        }
        let mut waited = Duration::ZERO;
        while let Ok(false) = self.ends_with_line(path) {
            if waited >= PATIENCE {
                return true;
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
            // Another process is writing the line.
            if !self.file.metadata().is_ok_and(|metadata| metadata.len() == self.bytes) {
                break;
            }
        }
        false
    }

    /// Ends the half line that was there when the process started, without changing it. Returns whether this wrote a
    /// line feed.
    ///
    /// If another process was writing the line after all, the line feed becomes a space in front of the next line.
    pub(super) fn end_half_line(&mut self, path: &Path) -> io::Result<bool> {
        let length = self.file.metadata()?.len();
        if length != self.bytes || self.ends_with_line(path)? {
            return Ok(false);
        }
        self.file.write_all(b"\n")?;
        self.bytes = self.file.stream_position()?;
        self.is_own_end = true;
        let at = self.bytes.saturating_sub(1);
        if at > length
            && let Some(mut again) = self.again(path)
        {
            let mut end = [0; 2];
            again.seek(SeekFrom::Start(at - 1))?;
            again.read_exact(&mut end)?;
            if end == *b"\n\n" {
                again.seek(SeekFrom::Start(at))?;
                again.write_all(b" ")?;
            }
        }
        Ok(true)
    }

    /// Whether the byte before `bytes` is a line feed.
    fn ends_with_line(&mut self, path: &Path) -> io::Result<bool> {
        let at = self.bytes.saturating_sub(1);
        let Some(mut again) = self.again(path) else { return Ok(true) };
        let mut last = [0];
        again.seek(SeekFrom::Start(at))?;
        again.read_exact(&mut last)?;
        let is_line = last == *b"\n";
        self.is_own_end = is_line;
        Ok(is_line)
    }

    fn again(&mut self, path: &Path) -> Option<&File> {
        self.forget_closed();
        if self.again.is_none() {
            self.again = reopen(&self.file, path, self.id);
        }
        self.again.as_ref()
    }
}

/// Opens a file a second time, without `O_APPEND`, even if it was renamed.
fn reopen(file: &File, path: &Path, id: FileId) -> Option<File> {
    #[cfg(target_os = "linux")]
    let itself = {
        use std::os::fd::AsRawFd as _;
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    };
    #[cfg(not(target_os = "linux"))]
    let (itself, _) = (PathBuf::from(path), file);
    [itself, PathBuf::from(path), backup(path, 1)].iter().find_map(|name| {
        let again = descriptor::options().read(true).write(true).open(name).ok()?;
        (file_id(&again.metadata().ok()?) == id).then_some(again)
    })
}
