//! The meter that warms up, repeats and times the operation of a row, and the sink of all rows.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::allocations;
use crate::failure::Failure;

/// The cost of one operation in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) nanos: f64,
    pub(crate) allocations: f64,
}

/// Passed to a row, which sets up its library and calls [`time`](Meter::time).
#[derive(Debug, Clone)]
pub(crate) struct Meter<'a> {
    /// The sink for the lines of the row.
    pub(crate) sink: Sink,
    /// The line whose bytes the floor copies.
    pub(crate) line: &'a [u8],
    pub(crate) operations: u32,
    /// Makes several threads start together.
    gate: Option<Arc<Barrier>>,
    pub(crate) reading: Reading,
    /// The last line of the operation, if the sink keeps it; lines written later, around the operation,
    /// are not included.
    pub(crate) wrote: Vec<u8>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(sink: Sink, line: &'a [u8], operations: u32) -> Self {
        Meter { sink, line, operations, gate: None, reading: Reading::default(), wrote: Vec::new() }
    }

    /// Times the operation, which is called with the number of its repetition.
    pub(crate) fn time(&mut self, operation: impl FnMut(u64)) {
        self.time_several(1, operation);
    }

    /// The same for a call that performs several operations; the reading is that of each.
    pub(crate) fn time_several(&mut self, several: u32, mut operation: impl FnMut(u64)) {
        let repetitions = (self.operations / several).max(8);
        for number in 0..u64::from(repetitions / 8) {
            operation(number);
        }
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        let allocated = allocations::so_far();
        let started = Instant::now();
        for number in 0..u64::from(repetitions) {
            operation(number);
        }
        let took = started.elapsed();
        let allocated = allocations::so_far() - allocated;
        let each = f64::from(repetitions) * f64::from(several);
        self.reading = Reading {
            nanos: took.as_secs_f64() * 1e9 / each,
            allocations: count(allocated) / each,
        };
        if let Sink::Last(line) = &self.sink {
            self.wrote.clone_from(&line.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Runs `work` on several threads that start together; the reading is that of the slowest.
    pub(crate) fn together(
        &mut self,
        threads: usize,
        work: impl Fn(&mut Meter<'_>) -> Result<(), Failure> + Sync,
    ) -> Result<(), Failure> {
        let gate = Some(Arc::new(Barrier::new(threads)));
        let meter = Meter { gate, ..self.clone() };
        let meters = thread::scope(|scope| {
            let run = || {
                let mut meter = meter.clone();
                work(&mut meter).map(|()| meter)
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().map_err(|_| Failure::from("a measured thread panicked"))?
                })
                .collect::<Result<Vec<Meter<'_>>, Failure>>()
        })?;
        let slowest = meters.into_iter().max_by(|a, b| a.reading.nanos.total_cmp(&b.reading.nanos));
        if let Some(slowest) = slowest {
            (self.reading, self.wrote) = (slowest.reading, slowest.wrote);
        }
        Ok(())
    }
}

fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// Discards lines, or keeps the last one to be printed.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    Null,
    Last(Arc<Mutex<Vec<u8>>>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Null => {
                black_box(bytes);
            }
            Sink::Last(line) => {
                let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
                // A peer can write a line in several pieces.
                if line.ends_with(b"\n") {
                    line.clear();
                }
                line.extend_from_slice(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
