//! What generated code may name. Nothing here is stable.

pub use core;
pub use std;

// `#[redact]`
pub use crate::keys::is_sensitive;
pub use crate::loggable::decide::{
    Field, KeyRule, NeedsNoReason, OrClear, OrSecret, Probe, by_function, by_policy, by_type,
    debug, hidden, needs_no_reason,
};
pub use crate::loggable::text::Leaf;
pub use crate::loggable::{Element, Encoder, Loggable, Text};
