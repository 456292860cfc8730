//! The behaviour of candor.

mod keys;
mod scrub;
mod redact;
mod ui;
