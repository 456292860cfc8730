//! `#[candor::instrument]`: the grammar of `tracing`'s attribute on a step.

mod fields;
mod forms;
mod levels;
mod recorded;
mod strict;
mod tracing_examples;
