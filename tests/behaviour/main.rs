//! The behaviour of candor.

mod keys;
