//! Behaviour tests of candor, one module per topic.

#![allow(
    clippy::double_must_use,
    clippy::manual_async_fn,
    clippy::pedantic,
    clippy::too_many_arguments,
    clippy::boxed_local,
    reason = "the tests define functions of every shape"
)]

mod attributes;
mod beside_others;
mod blocks;
mod budget;
mod cli;
mod config;
mod context;
mod corpora;
mod dependency;
mod error_only;
mod errors;
mod events;
mod faults;
mod folding;
mod guide;
mod http;
mod instrument;
mod jobs;
mod keys;
mod layers;
mod leaks;
mod line;
mod metrics;
mod names;
mod other_layers;
mod otlp;
mod packages;
mod pretty;
mod profiles;
mod programs;
mod redact;
mod redactions;
mod scrub;
mod shapes;
mod shared_types;
mod sinks;
mod sites;
mod slowest;
mod soak;
mod span_steps;
mod spans;
mod step;
mod stories;
mod stress;
mod summaries;
mod testing;
