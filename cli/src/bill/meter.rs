//! Reads the whole input and adds up its bytes.

use super::hashes::Seed;
use super::names::Volume;
use super::requests::RequestTable;
use super::scan::{LineFact, PendingRecord, Scanner};
use crate::read::{Input, LineKind, LineSink, Record, Unreadable};

/// Volumes of the input.
#[derive(Debug)]
pub(super) struct Measured {
    /// Lines that candor wrote.
    pub(super) lines: Scanner,
    pub(super) requests: RequestTable,
    /// All other lines.
    pub(super) foreign: Volume,
    pub(super) blank: Volume,
    pub(super) malformed: Volume,
    pub(super) too_long: Volume,
}

impl Measured {
    pub(super) fn read(input: &mut Input) -> Result<Self, Unreadable> {
        let seed = Seed::new();
        let mut meter = Meter {
            measured: Measured {
                lines: Scanner::new(seed),
                requests: RequestTable::new(),
                foreign: Volume::default(),
                blank: Volume::default(),
                malformed: Volume::default(),
                too_long: Volume::default(),
            },
            pending: Vec::new(),
            parts: Volume::default(),
        };
        let has_own_names = input.keys.are_default();
        let scan = |scanner: &mut Scanner, line: &[u8], bytes: usize| {
            if has_own_names {
                scanner.scan(line, bytes)
            } else {
                crate::read::ScannedLine::Unscanned
            }
        };
        let scanners = input.scan_lines(|| Scanner::new(seed), scan, &mut meter)?;
        let mut measured = meter.measured;
        for scanner in scanners {
            measured.lines.merge(&scanner);
        }
        measured.requests.finish();
        Ok(measured)
    }

    /// Returns the volume of the lines that candor did not write.
    pub(super) fn other_lines(&self) -> Volume {
        let mut all = self.foreign;
        for more in [self.blank, self.malformed, self.too_long] {
            all.add(more);
        }
        all
    }

    /// Returns the volume of all lines.
    pub(super) fn total(&self) -> Volume {
        let mut all = self.other_lines();
        all.add(self.lines.records);
        all
    }
}

/// The main thread's part: requests, and lines that no worker thread can parse.
struct Meter {
    measured: Measured,
    /// The records of the current line.
    pending: Vec<PendingRecord>,
    /// Lines since the latest record that belong to an incomplete record.
    parts: Volume,
}

impl LineSink<LineFact> for Meter {
    fn scanned(&mut self, fact: LineFact) {
        self.measured.requests.add(&fact);
    }

    fn record(&mut self, record: &Record<'_>) {
        self.pending.push(self.measured.lines.read_record(record));
    }

    fn line(&mut self, bytes: u64, kind: LineKind) {
        let line = Volume { lines: 1, bytes };
        let measured = &mut self.measured;
        match kind {
            LineKind::Part => self.parts.add(line),
            LineKind::Records => {
                let bytes = bytes + std::mem::take(&mut self.parts).bytes;
                self.add_records(bytes);
            }
            LineKind::Blank => measured.blank.add(line),
            LineKind::Foreign => measured.foreign.add(line),
            LineKind::Malformed => {
                measured.malformed.add(line);
                measured.malformed.add(std::mem::take(&mut self.parts));
            }
            LineKind::TooLong => measured.too_long.add(line),
        }
    }

    fn end_of_source(&mut self) {
        self.measured.malformed.add(std::mem::take(&mut self.parts));
    }
}

impl Meter {
    /// Shares the bytes of a line among its records, in proportion to their lengths.
    fn add_records(&mut self, bytes: u64) {
        let mut rest = bytes;
        let mut length: u64 = self.pending.iter().map(|record| record.length).sum();
        for record in self.pending.drain(..) {
            let share = u128::from(rest) * u128::from(record.length) / u128::from(length.max(1));
            let share = share as u64;
            rest -= share;
            length -= record.length;
            let fact = self.measured.lines.add_record(record, share);
            self.measured.requests.add(&fact);
        }
    }
}
