//! candor

// Generated code names `::candor::…`, in this crate's own docs and tests too.
extern crate self as candor;

mod clock;
mod escape;
pub mod keys;
pub mod loggable;
pub mod policy;
pub mod scrub;

#[doc(hidden)]
pub mod __private;
pub use candor_macros::{dependency_call, redact, step_timed};
pub use loggable::Loggable;
