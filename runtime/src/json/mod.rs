//! JSON text, written and read.

pub(crate) mod append;
pub(crate) mod escape;
pub(crate) mod hex;
pub(crate) mod members;
pub(crate) mod shown;
pub(crate) mod timestamp;
