//! What generated code may name. Nothing here is stable.

pub use core;
pub use std;
