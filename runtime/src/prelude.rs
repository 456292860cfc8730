//! Extension traits, to be imported together: `use candor::prelude::*;`.

pub use crate::context::{InContext, InContextExt};
pub use crate::step::{Timed, TimedExt};
