//! Work that waits for the next line: one plain load for each line.

use std::sync::atomic::{AtomicU8, Ordering};

static DUE: AtomicU8 = AtomicU8::new(0);

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Reports of what strict mode would hide.
    StrictReports = 1,
    /// In a forked child: the tasks of the timer, whose thread does not exist there.
    Timer = 2,
}

pub(crate) fn set(work: Due) {
    DUE.fetch_or(work as u8, Ordering::Relaxed);
}

#[inline]
pub(crate) fn is_any() -> bool {
    DUE.load(Ordering::Relaxed) != 0
}

/// Whether this work was due. It is not any more.
#[cold]
pub(crate) fn take(work: Due) -> bool {
    DUE.fetch_and(!(work as u8), Ordering::Relaxed) & work as u8 != 0
}
