//! The identity of a file, independent of its name.

use std::fs::Metadata;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        FileId { device_and_inode: (metadata.dev(), metadata.ino()) }
    }

    /// On other systems all files count as the same: a renamed file is noticed only if its name is free.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        FileId {}
    }
}
