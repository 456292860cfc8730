//! The "before" code of the migration chapter, which has to compile and write the lines shown there.

pub(super) mod instrument;
pub(super) mod json;
pub(super) mod timer;
pub(super) mod trace_layer;
