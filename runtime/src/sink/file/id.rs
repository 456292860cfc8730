//! The identity of a file, by which a file that was renamed is recognised.

use std::fs::Metadata;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    of: (u64, u64),
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        FileId { of: (metadata.dev(), metadata.ino()) }
    }

    /// Elsewhere a file that is open keeps its name, or is seen to have lost it.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        FileId {}
    }
}
