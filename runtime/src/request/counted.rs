//! The number of requests that exist, so that a test can find one that is never dropped.

use std::sync::atomic::{AtomicUsize, Ordering};

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// The number of requests in the process.
pub(crate) fn open() -> usize {
    OPEN.load(Ordering::SeqCst)
}

/// Counts a request until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(bool);

impl Counted {
    /// `counts` is false for a capture's placeholder.
    pub(crate) fn new(counts: bool) -> Self {
        OPEN.fetch_add(counts.into(), Ordering::SeqCst);
        Counted(counts)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(self.0.into(), Ordering::SeqCst);
    }
}
