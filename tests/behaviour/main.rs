//! The behaviour of candor.

mod keys;
mod scrub;
