//! Marks the thread that ends the process: it does not wait for space in a queue, because its lines are the last ones.

use std::cell::Cell;

thread_local! {
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is about to end the process.
pub(crate) fn is_ending() -> bool {
    IS_ENDING.try_with(Cell::get).unwrap_or(false)
}

/// Marks this thread while it lives. The process may go on, since the end of a process is only inferred.
pub(crate) struct Ending(());

impl Ending {
    pub(crate) fn begin() -> Self {
        let _ = IS_ENDING.try_with(|it| it.set(true));
        Ending(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = IS_ENDING.try_with(|it| it.set(false));
    }
}
