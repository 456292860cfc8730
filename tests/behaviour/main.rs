//! The behaviour of candor.

mod keys;
mod line;
mod programs;
mod redact;
mod scrub;
mod step;
mod ui;
