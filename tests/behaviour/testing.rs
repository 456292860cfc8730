//! The testing kit, with which services test their own log output.

use std::panic::{AssertUnwindSafe, catch_unwind};

mod captures;
mod delays;
mod leaks;
mod matched;
mod orders;

/// The message of a failing assertion.
fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else { panic!("it did not fail") };
    let text = panic.downcast::<String>().map(|text| *text);
    text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned())).expect("a text")
}
