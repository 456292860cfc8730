//! The behaviour of candor.

mod context;
mod dependency;
mod http;
mod keys;
mod line;
mod redact;
mod scrub;
mod step;
mod ui;
