//! The encoder: writes a value as JSON, in Rust's `Debug` notation, or as JSON through `Debug` for candor's layer.

mod debug;
mod groups;
mod nested;
mod serde_forms;
mod writer;

pub(crate) use debug::DebugOf;
pub(crate) use groups::Slot;
pub use groups::{List, Map, Object};
pub(crate) use nested::NestedDebug;
pub(in crate::redact) use nested::RedactedValue;
#[cfg(feature = "subscriber")]
pub(crate) use nested::catch_unprintable;
#[cfg(feature = "serde_json")]
pub(in crate::redact) use writer::DEEPEST;
pub use writer::Encoder;
#[cfg(feature = "subscriber")]
pub(crate) use writer::{DEFAULT_VALUE_LIMIT, set_value_limit};
