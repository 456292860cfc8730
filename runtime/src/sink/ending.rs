//! Marks the thread that ends the process: it does not wait for space in a queue, because its lines are the last ones.

use std::cell::Cell;

thread_local! {
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is about to end the process.
pub(crate) fn is_ending() -> bool {
    IS_ENDING.try_with(Cell::get).unwrap_or(false)
}

/// Marks this thread.
pub(crate) fn process_ends() {
    let _ = IS_ENDING.try_with(|it| it.set(true));
}
