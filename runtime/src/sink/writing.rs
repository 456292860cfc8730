//! Which threads are writing a line at the moment.

use std::cell::Cell;

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// A write on this thread, of which there is one at a time.
pub(super) struct Writing;

impl Writing {
    pub(super) fn begin() -> Option<Self> {
        let was_writing = WRITING.try_with(|writing| writing.replace(true)).unwrap_or(false);
        // Made only here: one that is dropped says that the write is over.
        (!was_writing).then(|| Writing)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = WRITING.try_with(|writing| writing.set(false));
    }
}
