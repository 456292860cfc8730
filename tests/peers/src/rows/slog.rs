//! slog-json behind a `Mutex`, with the details of the request on a child logger.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use slog::{Drain, FnValue, Logger, Record, info, o};

use super::Row;
use super::work::{self, HandKept, METHOD, PATH, REQUEST_ID, USER_ID, millis};
use crate::failure::Failure;
use crate::meter::Meter;

/// A step's line written by hand.
pub(super) static STEP: Row = Row { name: "slog-json step by hand", run: step };
/// An event with three fields.
pub(super) static EVENT: Row = Row { name: "slog-json event", run: event };

#[inline(never)]
fn charge_by_hand(log: &Logger, request: &HandKept, order_id: u64) -> u64 {
    let step_id = request.next_step();
    let started = Instant::now();
    let value = work::charge(order_id);
    let took = started.elapsed();
    info!(
        log,
        "step_timing";
        "seq" => request.next_line(),
        "event" => "step_timing",
        "step" => "charge",
        "duration_ms" => millis(took),
        "outcome" => "ok",
        "step_id" => step_id,
        "parent_id" => 0,
        "offset_ms" => request.offset_ms(started),
        "order_id" => order_id,
    );
    value
}

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn step(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (log, request) = (logger(meter), HandKept::new());
    meter.time(|order_id| {
        black_box(charge_by_hand(&log, &request, order_id));
    });
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (log, request) = (logger(meter), HandKept::new());
    meter.time(|order_id| {
        info!(
            log,
            "order accepted";
            "seq" => request.next_line(),
            "order_id" => order_id,
            "items" => 3,
            "currency" => "EUR",
        );
    });
    Ok(())
}

fn logger(meter: &Meter<'_>) -> Logger {
    let json = slog_json::Json::default(meter.sink.clone());
    let root = Logger::root(
        Mutex::new(json).fuse(),
        o!("logger" => FnValue(|record: &Record<'_>| record.module())),
    );
    root.new(
        o!("request_id" => REQUEST_ID, "user_id" => USER_ID, "method" => METHOD, "path" => PATH),
    )
}
