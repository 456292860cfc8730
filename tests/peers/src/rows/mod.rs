//! What is measured: a file for each subject with its rows, and the ratios between rows.
//!
//! A new row is one `static` and its entry in [`all`]; a new peer is one file.

pub(crate) mod candor;
mod floor;
mod slog;
mod tracing_fmt;
mod work;

use std::error::Error;

use crate::meter::{Meter, Reading};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Sets the library up and hands its operation to the meter.
    pub(crate) run: fn(&mut Meter<'_>) -> Result<(), Failure>,
}

/// Every row, in the order of the table; the first is what the others are compared with.
pub(crate) fn all() -> Vec<&'static Row> {
    vec![
        &floor::FLOOR,
        &floor::BARE,
        &candor::OFF,
        &candor::STEP,
        &candor::STEP_ON_TWO_THREADS,
        &tracing_fmt::INSTRUMENT,
        &tracing_fmt::STEP,
        &slog::STEP,
        &candor::EVENT,
        &tracing_fmt::EVENT,
        &slog::EVENT,
    ]
}

/// The floor, and the rows with this in their name.
pub(crate) fn named(part: &str) -> Vec<&'static Row> {
    let mut rows = all();
    rows.retain(|row| row.name == floor::FLOOR.name || row.name.contains(part));
    rows
}

/// A figure made of two rows.
#[derive(Debug)]
pub(crate) struct Ratio {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) of: &'static Row,
    pub(crate) over: &'static Row,
    pub(crate) bar: &'static str,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Time over time.
    Times,
    /// Nanoseconds more.
    More,
    /// Work done in the same time, of two threads over one.
    TwoThreads,
    /// Allocations of the first row alone.
    Allocations,
}

impl Kind {
    pub(crate) fn value(&self, of: Reading, over: Reading) -> f64 {
        match self {
            Kind::Times => of.nanos / over.nanos,
            Kind::More => of.nanos - over.nanos,
            Kind::TwoThreads => 2.0 * over.nanos / of.nanos,
            Kind::Allocations => of.allocations,
        }
    }
}

pub(crate) const RATIOS: &[Ratio] = &[
    Ratio {
        name: "off_ns_over_bare",
        kind: Kind::More,
        of: &candor::OFF,
        over: &floor::BARE,
        bar: "at most 1 ns",
    },
    Ratio {
        name: "step_over_floor",
        kind: Kind::Times,
        of: &candor::STEP,
        over: &floor::FLOOR,
        bar: "at most 2.0 (aim 1.6) where the clock is the TSC, else 2.7",
    },
    Ratio {
        name: "instrument_over_step",
        kind: Kind::Times,
        of: &tracing_fmt::INSTRUMENT,
        over: &candor::STEP,
        bar: "at least 40",
    },
    Ratio {
        name: "slog_over_step",
        kind: Kind::Times,
        of: &slog::STEP,
        over: &candor::STEP,
        bar: "at least 4",
    },
    Ratio {
        name: "fmt_json_over_event",
        kind: Kind::Times,
        of: &tracing_fmt::EVENT,
        over: &candor::EVENT,
        bar: "at least 10",
    },
    Ratio {
        name: "allocs_step",
        kind: Kind::Allocations,
        of: &candor::STEP,
        over: &candor::STEP,
        bar: "0",
    },
    Ratio {
        name: "allocs_event",
        kind: Kind::Allocations,
        of: &candor::EVENT,
        over: &candor::EVENT,
        bar: "0",
    },
    Ratio {
        name: "threads_2_over_1",
        kind: Kind::TwoThreads,
        of: &candor::STEP_ON_TWO_THREADS,
        over: &candor::STEP,
        bar: "at least 1.8",
    },
];
