//! Lower bounds: the work that any implementation has to do.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use super::{Row, work};
use crate::failure::Failure;
use crate::meter::Meter;

/// Two clock readings, and the same bytes copied.
pub(super) static FLOOR: Row = Row { name: "floor", run: floor };
/// The same on two threads, which share nothing: what the machine allows.
pub(super) static FLOOR_ON_TWO_THREADS: Row =
    Row { name: "floor, each of two threads", run: |meter| meter.together(2, floor) };
/// The body of the step.
pub(super) static BARE: Row = Row { name: "bare call", run: bare };
/// The function that can fail, and one clock reading.
pub(super) static BARE_AND_CLOCK: Row =
    Row { name: "bare call and a clock reading", run: bare_and_clock };

// `Row::run` is fallible; these rows have nothing to set up.
#[allow(clippy::unnecessary_wraps)]
fn floor(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let line = meter.line;
    let mut buffer: Vec<u8> = Vec::with_capacity(line.len());
    meter.time(|order_id| {
        let started = Instant::now();
        black_box(charge(order_id));
        let ended = Instant::now();
        black_box((started, ended));
        buffer.clear();
        buffer.extend_from_slice(black_box(line));
        black_box(buffer.as_slice());
    });
    Ok(())
}

#[inline(never)]
fn charge(order_id: u64) -> u64 {
    work::charge(order_id)
}

#[allow(clippy::unnecessary_wraps)]
fn bare(meter: &mut Meter<'_>) -> Result<(), Failure> {
    meter.time(|order_id| {
        black_box(charge(order_id));
    });
    Ok(())
}

/// Never true in these rows.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

#[inline]
pub(super) fn try_charge_body(order_id: u64) -> Result<u64, Refused> {
    if work::charge(order_id) == u64::MAX { Err(Refused) } else { Ok(order_id) }
}

#[inline(never)]
fn try_charge(order_id: u64) -> Result<u64, Refused> {
    try_charge_body(order_id)
}

#[allow(clippy::unnecessary_wraps)]
fn bare_and_clock(meter: &mut Meter<'_>) -> Result<(), Failure> {
    meter.time(|order_id| {
        black_box(Instant::now());
        black_box(try_charge(order_id).is_ok());
    });
    Ok(())
}
