//! Values of anyone's that panic when they are asked for their text.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many values are being asked on this thread.
    static ASKING: Cell<u32> = const { Cell::new(0) };
}

/// Asks a value; nothing where that panics, of which the panic hook then says nothing either.
pub(crate) fn caught<T>(ask: impl FnOnce() -> T) -> Option<T> {
    let count = |by: i32| {
        let _ = ASKING.try_with(|asking| asking.set(asking.get().wrapping_add_signed(by)));
    };
    count(1);
    let answer = catch_unwind(AssertUnwindSafe(ask));
    count(-1);
    answer.ok()
}

/// Whether a panic on this thread is going to be caught by [`caught`].
pub(crate) fn is_asking() -> bool {
    ASKING.try_with(Cell::get).unwrap_or(0) > 0
}
