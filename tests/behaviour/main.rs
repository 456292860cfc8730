//! The behaviour of candor.

mod keys;
mod redact;
mod scrub;
mod ui;
