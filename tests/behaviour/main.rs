//! The behaviour of candor.
