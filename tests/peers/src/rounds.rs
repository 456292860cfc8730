//! Rounds: every row once, in turn, until there are enough readings of each.

use std::sync::Arc;

use crate::failure::{Context as _, Failure};
use crate::figure::{Figure, median};
use crate::meter::{Meter, Reading, Sink};
use crate::rows::{self, Ratio, Row};

/// The duration of a row in one round.
///
/// Less than a time slice of the scheduler, so that some batches run undisturbed on a busy machine.
const BATCH_NANOS: f64 = 1e6;
const FEWEST_OPERATIONS: f64 = 200.0;
/// Operations before the printed line, so that its counters have realistic values.
const SAMPLED: u32 = 4000;

/// All readings of one row, in the order of the rounds, and its line.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) row: &'static Row,
    pub(crate) readings: Vec<Reading>,
    /// Without its line feed; empty if the row writes none.
    pub(crate) line: Vec<u8>,
}

/// All rows, in the order of the table.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<Measured>,
}

pub(crate) fn measure(rows: &[&'static Row], rounds: usize) -> Result<Results, Failure> {
    let copied = line_of(&rows::candor::STEP)?;
    let mut measured = Vec::new();
    let mut batches = Vec::new();
    for row in rows.iter().copied() {
        let line = line_of(row)?;
        batches.push(batch(row, &copied)?);
        measured.push(Measured { row, readings: Vec::with_capacity(rounds), line });
    }
    for _ in 0..rounds {
        for (measured, operations) in measured.iter_mut().zip(&batches) {
            let mut meter = Meter::new(Sink::Null, &copied, *operations);
            run(measured.row, &mut meter)?;
            measured.readings.push(meter.reading);
        }
    }
    Ok(Results { rounds, rows: measured })
}

fn run(row: &Row, meter: &mut Meter<'_>) -> Result<(), Failure> {
    (row.run)(meter).context(format_args!("row `{}`", row.name))
}

fn line_of(row: &Row) -> Result<Vec<u8>, Failure> {
    let mut meter = Meter::new(Sink::Last(Arc::default()), &[], SAMPLED);
    run(row, &mut meter)?;
    let mut line = meter.wrote;
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok(line)
}

/// The number of operations in a batch, from the fastest of three trials.
fn batch(row: &Row, copied: &[u8]) -> Result<u32, Failure> {
    let mut quickest = f64::INFINITY;
    for _ in 0..3 {
        let mut meter = Meter::new(Sink::Null, copied, SAMPLED);
        run(row, &mut meter)?;
        quickest = quickest.min(meter.reading.nanos);
    }
    let operations = (BATCH_NANOS / quickest.max(1.0)).max(FEWEST_OPERATIONS);
    // At most one operation per nanosecond of a batch, so it fits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(operations as u32)
}

impl Results {
    /// Adds the rounds of another run.
    pub(crate) fn add(&mut self, other: Results) {
        self.rounds += other.rounds;
        for (own, other) in self.rows.iter_mut().zip(other.rows) {
            own.readings.extend(other.readings);
        }
    }

    fn of(&self, row: &Row) -> Option<&Measured> {
        self.rows.iter().find(|measured| std::ptr::eq(measured.row, row))
    }

    /// The figure of a ratio, or `None` if one of its rows was not measured.
    pub(crate) fn ratio(&self, ratio: &Ratio) -> Option<Figure> {
        let (of, over) = (self.of(ratio.of)?, self.of(ratio.over)?);
        let rounds = of.readings.iter().zip(&over.readings);
        Some(Figure {
            median: median(rounds.map(|(of, over)| ratio.kind.value(*of, *over))),
            min: ratio.kind.value(of.best(), over.best()),
        })
    }
}

impl Measured {
    pub(crate) fn nanos(&self) -> Figure {
        Figure { median: median(self.readings.iter().map(|r| r.nanos)), min: self.best().nanos }
    }

    pub(crate) fn allocations(&self) -> f64 {
        median(self.readings.iter().map(|reading| reading.allocations))
    }

    /// The minimum of each value: other load can only make a reading larger.
    fn best(&self) -> Reading {
        let least = |a: Reading, b: &Reading| Reading {
            nanos: a.nanos.min(b.nanos),
            allocations: a.allocations.min(b.allocations),
        };
        let all = Reading { nanos: f64::INFINITY, allocations: f64::INFINITY };
        self.readings.iter().fold(all, least)
    }
}
