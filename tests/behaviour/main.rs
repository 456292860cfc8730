//! Behaviour tests of candor: steps, calls, events, redaction and the line, one module per topic.

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
mod config;
mod context;
mod dependency;
mod error_only;
mod errors;
mod events;
mod folding;
mod instrument;
mod jobs;
mod keys;
mod layers;
mod line;
mod metrics;
mod names;
mod other_layers;
mod pretty;
mod redact;
mod scrub;
mod shapes;
mod shared_types;
mod sites;
mod slowest;
mod span_steps;
mod spans;
mod step;
mod stories;
mod stress;
mod summaries;
mod testing;
