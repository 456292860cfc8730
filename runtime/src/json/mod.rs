//! JSON text, written and read.

pub(crate) mod append;
pub(crate) mod escape;
#[cfg(feature = "subscriber")]
pub(crate) mod hex;
pub(crate) mod members;
pub(crate) mod number;
pub(crate) mod shown;
#[cfg(feature = "subscriber")]
pub(crate) mod timestamp;
