//! Serial numbers, unique within the process.

use std::sync::atomic::{AtomicU64, Ordering};

/// The next serial number, from 1, so that 0 can stand for "none".
pub(crate) fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
