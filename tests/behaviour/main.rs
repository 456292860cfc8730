//! The behaviour of candor.

mod config;
mod context;
mod dependency;
mod http;
mod keys;
mod line;
mod other_layers;
mod programs;
mod redact;
mod scrub;
mod shapes;
mod step;
mod ui;
