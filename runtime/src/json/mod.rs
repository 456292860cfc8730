//! JSON text, written and read.

pub(crate) mod append;
pub(crate) mod escape;
#[cfg(feature = "subscriber")]
pub(crate) mod hex;
pub(crate) mod members;
pub(crate) mod number;
pub(crate) mod shown;
pub(crate) mod timestamp;
#[cfg(feature = "subscriber")]
pub(crate) mod timestamp_cache;
