//! Extension traits, to be imported together: `use candor::prelude::*;`.

pub use crate::instrument::context::{InContext, InContextExt};
pub use crate::instrument::step::{Timed, TimedExt};
