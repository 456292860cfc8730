//! One walk over a value, three outputs: JSON into a line, Rust's `Debug` notation, and JSON behind
//! a `Debug` that candor's layer asked for.

mod append;
mod debug;
mod groups;
mod nested;
mod serde_forms;
mod writer;

pub(crate) use debug::DebugOf;
pub(crate) use groups::Slot;
pub use groups::{List, Map, Object};
pub(crate) use nested::{NestedDebug, guarded};
pub use writer::Encoder;
pub(crate) use writer::{DEFAULT_VALUE_LIMIT, set_value_limit};
