//! The testing kit: what a service's own tests can ask of its lines.

use std::panic::{AssertUnwindSafe, catch_unwind};

mod captures;
mod delays;
mod matched;
mod orders;

/// What an assertion says when it fails.
fn failure<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(assertion)) else { panic!("it did not fail") };
    let text = panic.downcast::<String>().map(|text| *text);
    text.or_else(|panic| panic.downcast::<&str>().map(|text| (*text).to_owned())).expect("a text")
}
