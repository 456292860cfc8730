//! Tests of what surrounds the lines of a single function: the HTTP layer, sinks, export and faults, the command, the
//! examples and the guide, one module per topic.
//!
//! Part of `cargo system` only, because compiling and running it takes as long as all other tests.

#![allow(
    clippy::double_must_use,
    clippy::manual_async_fn,
    clippy::pedantic,
    clippy::too_many_arguments,
    clippy::boxed_local,
    reason = "the tests define functions of every shape"
)]

mod cli;
mod corpora;
mod faults;
mod gallery;
mod guide;
mod http;
mod leaks;
mod otlp;
mod packages;
mod profiles;
mod programs;
mod redactions;
mod sinks;
mod soak;
