//! Catches panics of user code that runs while a line is made: `Display`, `Debug` and `Error` impls, closures.
//!
//! The panic hook checks [`is_catching`] and writes nothing, because the line itself shows `<unprintable>`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many calls of [`catch`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` and returns its value, or `None` if it panics.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Option<T> {
    let add = |difference: i32| {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().wrapping_add_signed(difference)));
    };
    add(1);
    let result = catch_unwind(AssertUnwindSafe(f));
    add(-1);
    result.ok()
}

/// Whether a panic on this thread would be caught by [`catch`].
pub(crate) fn is_catching() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) > 0
}
