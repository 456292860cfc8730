//! The measured operations: a file for each subject with its rows, and the ratios between rows.
//!
//! A new row is one `static` and its entry in [`all`]; a new peer is one file.

pub(crate) mod candor;
mod emit;
mod floor;
mod growth;
mod logforth;
mod ratios;
mod redaction;
mod slog;
mod subscribers;
mod tracing_fmt;
mod work;

use crate::failure::Failure;
use crate::meter::Meter;

pub(crate) use ratios::{RATIOS, Ratio};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Sets the library up and hands its operation to the meter.
    pub(crate) run: fn(&mut Meter<'_>) -> Result<(), Failure>,
}

/// Every row, in the order of the table; the others are compared with the first.
pub(crate) fn all() -> Vec<&'static Row> {
    vec![
        &floor::FLOOR,
        &floor::FLOOR_ON_TWO_THREADS,
        &floor::BARE,
        &candor::OFF,
        &floor::BARE_AND_CLOCK,
        &candor::ONLY_ERROR,
        &candor::STEP,
        &candor::STEP_ON_TWO_THREADS,
        &candor::DEPENDENCY,
        &slog::STEP,
        &emit::STEP,
        &subscribers::JSON_STEP,
        &tracing_fmt::STEP,
        &tracing_fmt::INSTRUMENT,
        &logforth::STEP,
        &subscribers::BUNYAN_INSTRUMENT,
        &candor::EVENT,
        &candor::MESSAGE_EVENT,
        &candor::OWN_EVENT,
        &slog::EVENT,
        &emit::EVENT,
        &subscribers::JSON_EVENT,
        &tracing_fmt::EVENT,
        &logforth::EVENT,
        &subscribers::BUNYAN_EVENT,
        &candor::STRUCT_EVENT,
        &tracing_fmt::STRUCT_EVENT,
        &candor::PRETTY_STEP,
        &candor::PRETTY_EVENT,
        &tracing_fmt::TEXT_EVENT,
        &redaction::CANDOR,
        &redaction::SERDE,
        &redaction::VEIL,
        &redaction::WALK,
        &redaction::TEXT,
        &growth::LIVE_1,
        &growth::LIVE_1000,
        &growth::LIVE_100K,
        &growth::LIVE_100K_IN_TURN,
        &growth::NESTED_1,
        &growth::NESTED_10,
        &growth::NESTED_50,
        &growth::SITES_10,
        &growth::SITES_1000,
        &growth::BARE_SITES_1000,
        &growth::BARE_POLL,
        &growth::STEP_POLL,
        &growth::SCOPE_POLL,
    ]
}

/// The floor, and the rows with `part` in their name.
pub(crate) fn named(part: &str) -> Vec<&'static Row> {
    let mut rows = all();
    rows.retain(|row| row.name == floor::FLOOR.name || row.name.contains(part));
    rows
}
