//! Prevents a thread from writing a line while it is already writing one.
//!
//! A user's writer may log. Its line would wait for the lock that its own thread holds.

use std::cell::Cell;

thread_local! {
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is writing a line.
pub(crate) fn is_writing() -> bool {
    IS_WRITING.try_with(Cell::get).unwrap_or(true)
}

/// Marks this thread as writing while it lives.
pub(super) struct WriteGuard;

impl WriteGuard {
    /// Returns `None` if this thread is already writing.
    pub(super) fn enter() -> Option<Self> {
        let was_writing = IS_WRITING.try_with(|writing| writing.replace(true)).unwrap_or(false);
        // Made lazily: dropping a guard that is not returned would reset the mark.
        (!was_writing).then(|| WriteGuard)
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        let _ = IS_WRITING.try_with(|writing| writing.set(false));
    }
}
