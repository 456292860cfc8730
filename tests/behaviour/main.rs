//! The behaviour of candor.

#![allow(
    clippy::double_must_use,
    clippy::manual_async_fn,
    clippy::pedantic,
    clippy::too_many_arguments,
    clippy::boxed_local,
    reason = "functions of every shape, as their owners write them"
)]

mod blocks;
mod cli;
mod config;
mod context;
mod dependency;
mod events;
mod guide;
mod http;
mod jobs;
mod keys;
mod leaks;
mod line;
mod other_layers;
mod programs;
mod quiet;
mod redact;
mod scrub;
mod shapes;
mod sinks;
mod soak;
mod spans;
mod step;
mod stress;
mod testing;
mod ui;
