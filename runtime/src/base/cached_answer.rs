//! The answer to a yes-or-no question, cached together with the version of what it depends on.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct CachedAnswer(
    /// The version in the upper bits, the answer in the lowest one. 0 before the first question.
    AtomicU64,
);

impl CachedAnswer {
    pub(crate) const fn new() -> Self {
        CachedAnswer(AtomicU64::new(0))
    }

    /// Returns the answer for this version, which is not 0. `ask` is called if the version differs from that of the last
    /// question.
    #[inline]
    pub(crate) fn get(&self, version: u64, ask: impl FnOnce() -> bool) -> bool {
        let known = self.0.load(Ordering::Relaxed);
        if known >> 1 == version {
            return known & 1 == 1;
        }
        let answer = ask();
        self.0.store(version << 1 | u64::from(answer), Ordering::Relaxed);
        answer
    }
}
