//! The behaviour of candor.

mod config;
mod context;
mod dependency;
mod events;
mod http;
mod keys;
mod line;
mod other_layers;
mod programs;
mod redact;
mod scrub;
mod step;
mod ui;
