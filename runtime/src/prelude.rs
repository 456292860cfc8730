//! Extension traits for futures: `use candor::prelude::*;`.

pub use crate::instrument::context::{InContext, InContextExt};
pub use crate::instrument::step::{Timed, TimedExt};
