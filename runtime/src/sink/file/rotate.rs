//! One rotation: each backup is renamed to the next number, and then the file to `.1`.
//!
//! Only the backups below the lowest free number are renamed, from the highest down, so that the target of each rename
//! is free. If no number is free, the oldest backup is replaced. A process that ends between two renames leaves one
//! number free, and the next rotation continues from there: nothing has to be repaired, and no other backup is lost.

use std::ffi::OsString;
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::sink::descriptor::{self, FileId, file_id};

/// When a file is rotated, and how many backups are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotation {
    pub(crate) max_bytes: u64,
    /// 0 disables the rotation.
    pub(crate) backups: u32,
}

pub(super) enum Rotated {
    /// The path no longer names the file, by this rotation or another one.
    Moved,
    /// The line fits into the file.
    NotFull { bytes: u64 },
    /// Another process is rotating the file, or has locked it for another reason.
    Busy,
}

/// Rotates the file at `path`, which is the one with this `id`, unless another process has done so.
///
/// The file is locked until it has lost its name, so that two processes never rename the same backups at the same
/// time. The system releases the lock of a process that ends. It is opened once more for that, because a forked child
/// shares the open files of its parent, and a lock belongs to an open file.
pub(super) fn rotate(
    path: &Path,
    rotation: Rotation,
    id: FileId,
    first: u64,
) -> io::Result<Rotated> {
    let file = match descriptor::options().append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Rotated::Moved),
        Err(error) => return Err(error),
    };
    let locked = loop {
        break match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Rotated::Busy),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {
                continue;
            }
            // The file system has no locks. Comparing `id` then still detects most rotations by others.
            Err(TryLockError::Error(_)) => false,
        };
    };
    let rotated = rotate_locked(path, rotation, id, first);
    if locked {
        // A child that was forked meanwhile has the open file, too, and would keep the lock.
        let _ = file.unlock();
    }
    rotated
}

fn rotate_locked(path: &Path, rotation: Rotation, id: FileId, first: u64) -> io::Result<Rotated> {
    let named = match fs::symlink_metadata(path) {
        Ok(named) if named.is_file() && file_id(&named) == id => named,
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => return Ok(Rotated::Moved),
    };
    if named.len() + first <= rotation.max_bytes {
        return Ok(Rotated::NotFull { bytes: named.len() });
    }
    let mut free = lowest_free(path, rotation.backups)?;
    between_renames();
    while free > 1 {
        rename(&backup(path, free - 1), &backup(path, free))?;
        free -= 1;
    }
    rename(path, &backup(path, 1))?;
    Ok(Rotated::Moved)
}

/// The lowest number without a backup, or the highest number if all have one.
fn lowest_free(path: &Path, backups: u32) -> io::Result<u32> {
    for number in 1..backups {
        match fs::symlink_metadata(backup(path, number)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(number),
            Err(error) => return Err(error),
        }
    }
    Ok(backups)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        // Another process removed the backup, so its number is free.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    between_renames();
    Ok(())
}

/// `app.log.3`, and no other spelling of the number, so that other files are never touched.
pub(crate) fn backup(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Called before the first and after each rename of a rotation, so that a test can end the process there.
#[cfg(feature = "testing")]
static BETWEEN_RENAMES: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Sets the hook, once.
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
