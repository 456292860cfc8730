//! Catches panics of user code and of other layers.
//!
//! User code is `Display`, `Debug` and `Error` impls and closures that run while a line is made. Panics of layers are
//! caught only while the thread is unwinding.
//!
//! The panic hook checks [`is_catching`] and does not report a panic of user code, because the line itself shows
//! `<unprintable>`. It reports a panic of a layer like any other.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

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

/// Runs code of others in a destructor; `None` if it panics while the thread is unwinding, which would abort the
/// process. Otherwise the panic reaches the caller.
#[cfg(feature = "http")]
pub(crate) fn while_unwinding<T>(f: impl FnOnce() -> T) -> Option<T> {
    call_layers(f, || {})
}

/// Calls code of other layers; `None` if it panics while the thread is unwinding.
///
/// candor calls layers from destructors, and a second panic that leaves a destructor aborts the process. If the thread
/// is not unwinding, the panic reaches the caller, as with `#[instrument]`. `on_panic` runs in both cases.
pub(crate) fn call_layers<T>(f: impl FnOnce() -> T, on_panic: impl FnOnce()) -> Option<T> {
    let was_panicking = thread::panicking();
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(panic) => {
            on_panic();
            if was_panicking { None } else { resume_unwind(panic) }
        }
    }
}
