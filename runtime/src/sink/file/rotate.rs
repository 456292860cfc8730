//! One rotation: every backup a place up, the file to the first place.
//!
//! Places are filled from the lowest free one down, so that the file of each rename goes to a name that
//! is free, and only where all are taken is the oldest backup replaced. A process that ends between any
//! two renames leaves one free place, and the next rotation goes on from there: there is nothing to
//! repair, and nothing more is replaced.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::id::FileId;

/// When a file is rotated and how many backups it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub(crate) max_bytes: u64,
    /// With none the file is not rotated.
    pub(crate) backups: u32,
}

pub(super) enum Outcome {
    /// The name is free for a new file, or stands for one already.
    Moved,
    /// There is room for the line.
    NotFull { bytes: u64 },
    /// Another process rotates it at this moment.
    Busy,
}

/// Rotates the file that is open as `file`, unless another process did.
///
/// Who rotates a file holds its lock until it has lost its name, so that two processes never rename
/// the same backups at the same time; the system frees the lock of a process that ends.
pub(super) fn rotate(
    path: &Path,
    rotation: Rotation,
    file: &File,
    id: FileId,
    first: u64,
) -> io::Result<Outcome> {
    let locked = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => return Ok(Outcome::Busy),
        // A file system without locks; then others are still seen by what the name stands for.
        Err(TryLockError::Error(_)) => false,
    };
    let rotated = rotate_locked(path, rotation, id, first);
    if locked {
        // The lock goes with the file as well, which a moved one is closed for.
        let _ = file.unlock();
    }
    rotated
}

fn rotate_locked(path: &Path, rotation: Rotation, id: FileId, first: u64) -> io::Result<Outcome> {
    let named = match fs::symlink_metadata(path) {
        Ok(named) if named.is_file() && FileId::of(&named) == id => named,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => return Ok(Outcome::Moved),
    };
    if named.len() + first <= rotation.max_bytes {
        return Ok(Outcome::NotFull { bytes: named.len() });
    }
    let mut free = lowest_free(path, rotation.backups)?;
    between_renames();
    while free > 1 {
        rename(&backup(path, free - 1), &backup(path, free))?;
        free -= 1;
    }
    rename(path, &backup(path, 1))?;
    Ok(Outcome::Moved)
}

/// The lowest place without a backup; where there is none, that of the oldest one.
fn lowest_free(path: &Path, backups: u32) -> io::Result<u32> {
    for place in 1..backups {
        match fs::symlink_metadata(backup(path, place)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(place),
            Err(error) => return Err(error),
        }
    }
    Ok(backups)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        // Someone else took the backup away: that leaves its place free.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    between_renames();
    Ok(())
}

/// `app.log.3`: exactly this name, so that no other file is ever touched.
pub(crate) fn backup(path: &Path, place: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{place}"));
    PathBuf::from(name)
}

/// Called before each rename of a rotation, so that a test can end the process there.
#[cfg(feature = "testing")]
static BETWEEN_RENAMES: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Sets the hook of [`between_renames`], once.
#[cfg(feature = "testing")]
pub fn on_rotation(hook: fn()) {
    let _ = BETWEEN_RENAMES.set(hook);
}

fn between_renames() {
    #[cfg(feature = "testing")]
    if let Some(hook) = BETWEEN_RENAMES.get() {
        hook();
    }
}
