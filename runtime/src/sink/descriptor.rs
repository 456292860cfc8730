//! Descriptors that other code may have closed.
//!
//! A daemon may close all descriptors of its process, and then open others, which get the same numbers. Lines must not
//! go into those files, and they must not be closed.

use std::fs::{File, Metadata, OpenOptions};
use std::mem;

/// The device and inode of a file, which do not depend on its name.
pub(super) type FileId = (u64, u64);

#[cfg(unix)]
pub(super) fn file_id(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// On other systems all files count as the same: a renamed file is noticed only if its name is free.
#[cfg(not(unix))]
pub(super) fn file_id(_: &Metadata) -> FileId {
    (0, 0)
}

/// Whether the descriptor still refers to the file with this id.
pub(super) fn is_open(file: &File, id: FileId) -> bool {
    file.metadata().is_ok_and(|metadata| file_id(&metadata) == id)
}

/// Closes the file with this id, unless others have closed its descriptor.
pub(super) fn close(file: File, id: FileId) {
    if !is_open(&file, id) {
        mem::forget(file);
    }
}

/// Options with which opening a named pipe without a reader fails instead of waiting for one.
pub(super) fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has such pipes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options
}
