//! A file that lines are appended to, rotated by size: `app.log`, `app.log.1`, `app.log.2` and so on.

mod id;
mod rotate;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use super::place::{Failed, Lines, Loss, Place, Unfinished, put_lines};
use super::stats::Counts;
use super::stream::write_whole;
use crate::base::clock::Tick;
use crate::base::lock;
use id::FileId;
#[cfg(feature = "testing")]
pub use rotate::on_rotation;
use rotate::{Outcome, rotate};
pub(crate) use rotate::{Rotation, backup};

pub(crate) struct LogFile(Mutex<State>);

struct State {
    path: PathBuf,
    rotation: Option<Rotation>,
    /// How often the name is looked at, to see whether someone else moved the file.
    look_every: u64,
    open: Option<Open>,
    /// When a rotation failed: the file is written on, and the next attempt waits.
    failed: Option<Tick>,
    unfinished: Option<Unfinished>,
}

struct Open {
    file: File,
    id: FileId,
    /// Other processes may have made it longer since the last look.
    bytes: u64,
    looked: Tick,
    /// Neither a device, nor a pipe, nor under its name by a symbolic link: those are never rotated.
    is_plain: bool,
}

/// Rarely enough to cost nothing, and often enough that no process writes into a file that others
/// have rotated many times since.
const LOOK_NANOS: u64 = 10_000_000;

/// Between attempts to rotate where the last one failed.
const RETRY_NANOS: u64 = 1_000_000_000;

impl LogFile {
    /// Opens the file to append to it; an error names what the system said.
    pub(crate) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        // Without backups nothing is to be kept, and nothing is deleted that was asked to be written.
        Self::new(path, Some(rotation).filter(|rotation| rotation.backups > 0), LOOK_NANOS)
    }

    /// The same for a file that is never rotated by candor, and looked at before each line, of which
    /// there are few.
    pub(crate) fn open_unrotated(path: &Path) -> io::Result<Self> {
        Self::new(path, None, 0)
    }

    fn new(path: &Path, rotation: Option<Rotation>, look_every: u64) -> io::Result<Self> {
        // The same file wherever the process goes.
        let path = std::path::absolute(path)?;
        let open = Some(append_to(&path)?);
        Ok(LogFile(Mutex::new(State {
            path,
            rotation,
            look_every,
            open,
            failed: None,
            unfinished: None,
        })))
    }

    pub(super) fn write(&self, lines: Lines<'_>, counts: &Counts) -> Result<(), Loss> {
        let mut state = lock(&self.0);
        put_lines(&mut *state, lines, counts)
    }
}

impl Place for State {
    fn ready(&mut self, first: usize) -> io::Result<usize> {
        self.look();
        let now_full = |state: &State| {
            let max_bytes = state.rotation?.max_bytes;
            let open = state.open.as_ref()?;
            (open.bytes > 0 && open.bytes + first as u64 > max_bytes).then_some(())
        };
        // A line that is half written is ended in its own file.
        if now_full(self).is_some() && self.unfinished.is_none() {
            self.rotate(first);
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let open = append_again(&self.path)?;
                // Its beginning stands in the file that is gone.
                self.unfinished = None;
                none.insert(open)
            }
        };
        if self.unfinished.is_some() && open.file.metadata()?.len() != open.bytes {
            // Someone else's line stands behind the beginning: the two are spoilt, and the rest would
            // be a third one.
            self.unfinished = None;
        }
        let room = self.rotation.map_or(u64::MAX, |rotation| {
            if open.is_plain { rotation.max_bytes.saturating_sub(open.bytes) } else { u64::MAX }
        });
        Ok(usize::try_from(room).unwrap_or(usize::MAX))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let Some(open) = &mut self.open else {
            return Err(Failed::after(0, io::ErrorKind::NotFound.into()));
        };
        let put = write_whole(&mut open.file, bytes, Duration::ZERO);
        open.bytes = match &put {
            Ok(()) => open.bytes + bytes.len() as u64,
            // What stands before the half line may be someone else's too.
            Err(_) => open.file.metadata().map_or(open.bytes, |metadata| metadata.len()),
        };
        put.map_err(|(written, error)| Failed::after(written, error))
    }

    fn unfinished(&mut self) -> &mut Option<Unfinished> {
        &mut self.unfinished
    }
}

impl State {
    /// Lets go of a file that someone else has moved or removed.
    fn look(&mut self) {
        let Some(open) = &mut self.open else { return };
        let now = Tick::now();
        if !open.is_plain || now.nanos_since(open.looked) < self.look_every {
            return;
        }
        open.looked = now;
        match fs::metadata(&self.path) {
            Ok(named) if FileId::of(&named) != open.id => self.open = None,
            // Only what is written tells how far a line came that is half written.
            Ok(_) if self.unfinished.is_some() => {}
            Ok(named) => open.bytes = named.len(),
            Err(error) if is_gone(&error) => self.open = None,
            // What can't be looked at can be written to all the same.
            Err(_) => {}
        }
    }

    fn rotate(&mut self, first: usize) {
        let (Some(rotation), Some(open)) = (self.rotation, &mut self.open) else { return };
        let waits = |failed: Tick| Tick::now().nanos_since(failed) < RETRY_NANOS;
        if !open.is_plain || self.failed.is_some_and(waits) {
            return;
        }
        match rotate(&self.path, rotation, &open.file, open.id, first as u64) {
            Ok(Outcome::Moved) => {
                self.open = None;
                self.failed = None;
            }
            Ok(Outcome::NotFull { bytes }) => open.bytes = bytes,
            Ok(Outcome::Busy) => {}
            // The file is written on, above its size: no line is lost for it.
            Err(_) => self.failed = Some(Tick::now()),
        }
    }
}

/// Whether the name stands for nothing any more; a file may stand where its folder was.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Opens the file, and its folder anew where that was removed.
fn append_again(path: &Path) -> io::Result<Open> {
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

fn append_to(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut file = options.open(path)?;
    let metadata = file.metadata()?;
    let is_plain = fs::symlink_metadata(path).is_ok_and(|named| named.is_file());
    let mut bytes = metadata.len();
    if is_plain && ends_within_a_line(path, bytes) && file.write_all(b"\n").is_ok() {
        bytes += 1;
    }
    Ok(Open { file, id: FileId::of(&metadata), bytes, looked: Tick::now(), is_plain })
}

/// Whether the machine went down in the middle of a line.
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
