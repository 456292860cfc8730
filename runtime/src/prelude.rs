//! Extension traits, to be imported together: `use candor::prelude::*;`.

pub use crate::context::InContextExt as _;
