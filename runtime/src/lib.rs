//! candor

mod escape;
pub mod keys;
pub mod scrub;
