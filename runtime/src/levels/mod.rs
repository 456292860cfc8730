//! Which call sites may write: `info,deps=debug` and the noise floor.

mod active;
mod directives;
mod interest;
#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
mod raised;

pub(crate) use active::{ForAWhile, InForce};
pub(crate) use directives::Levels;
pub(crate) use interest::rebuild;
pub(crate) use raised::{Raised, is_raised_for_some, max_raised};
