//! The code of the guide's chapter on migrating as it is before: it compiles and does what is said of it.

pub(super) mod instrument;
pub(super) mod json;
pub(super) mod timer;
pub(super) mod trace_layer;
