//! What a thread writes lines with, and uses again: the line's buffer, and the parts of its last line
//! that the next one most likely has too.

use crate::base::buffer::KEPT_BYTES;
use crate::current;
use crate::format::template::Identified;
use crate::json::timestamp::TimestampCache;

#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) line: String,
    pub(crate) known: Known,
}

/// Parts of a line that were rendered before.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) timestamp: TimestampCache,
    pub(crate) identified: Identified,
}

impl Scratch {
    /// Whether it is worth keeping.
    pub(crate) fn is_small(&self) -> bool {
        self.line.capacity() <= KEPT_BYTES
    }
}

/// Runs `f` with the thread's scratch; it is taken, so that a value that logs while it is formatted gets another
/// one.
pub(crate) fn with<T>(f: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch =
        current::with_thread(|thread| thread.scratch.take()).flatten().unwrap_or_default();
    let result = f(&mut scratch);
    current::with_thread(|thread| thread.keep_scratch(scratch));
    result
}
