//! The behaviour of candor.

mod keys;
mod line;
mod scrub;
mod step;
