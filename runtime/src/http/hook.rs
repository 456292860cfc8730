//! Calls to the closures that a user configures on a `RequestLayer`.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `hook` and returns `None` if it panics, so that a faulty hook does not fail the request.
pub(super) fn call<T>(hook: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(hook)).ok()
}
