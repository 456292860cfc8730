//! The behaviour of candor.

mod redact;
mod ui;
