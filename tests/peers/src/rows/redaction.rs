//! Formatting a struct of eight fields, three of them secret, into a buffer that is reused.

use std::fmt::Write as _;
use std::hint::black_box;

use serde_json::Value;

use super::{Row, work};
use crate::failure::Failure;
use crate::meter::Meter;

/// The way of a log line: policies, one walk, JSON.
pub(super) static CANDOR: Row = Row { name: "redact 8 fields: candor, JSON", run: candor };
/// The raw struct with its secrets.
pub(super) static SERDE: Row = Row { name: "redact nothing: serde_json", run: serde };
/// A `Debug` with masks.
pub(super) static VEIL: Row = Row { name: "redact 8 fields: veil, Debug", run: veil };
/// The usual hand-written code: clones the struct into a `Value`, and looks its keys up in a list.
pub(super) static WALK: Row = Row { name: "redact 8 fields: clone, Value, walk", run: walk };

/// The cost of scrubbing the message of another crate's event: 200 bytes of prose without secrets. Its number,
/// commas, hyphens and words with `b` are candidates that the scrubber has to check.
pub(super) static TEXT: Row = Row { name: "redact a clean text of 200 bytes", run: text };

pub(super) const CLEAN: &str = "Job 1042 was accepted by the payment provider and passed on to the warehouse, after the \
                     address had been looked up and the stock was reserved; the customer gets an e-mail once \
                     it has left, not before.";

// `Row::run` is fallible; these rows have nothing to set up.
#[allow(clippy::unnecessary_wraps)]
fn candor(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (value, mut out) = (work::payment(), String::new());
    meter.time(|_| {
        out.clear();
        candor::loggable::write_json(black_box(&value), &mut out);
        black_box(out.as_str());
    });
    meter.wrote = out.into_bytes();
    Ok(())
}

fn serde(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (value, mut out) = (work::raw(), Vec::new());
    let mut failed = None;
    meter.time(|_| {
        out.clear();
        failed = serde_json::to_writer(&mut out, black_box(&value)).err();
        black_box(out.as_slice());
    });
    meter.wrote = out;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

#[allow(clippy::unnecessary_wraps)]
fn veil(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (value, mut out) = (work::veiled(), String::new());
    meter.time(|_| {
        out.clear();
        // Writing into a `String` does not fail.
        let _ = write!(out, "{:?}", black_box(&value));
        black_box(out.as_str());
    });
    meter.wrote = out.into_bytes();
    Ok(())
}

fn walk(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let (value, mut out) = (work::raw(), Vec::new());
    let mut failed = None;
    meter.time(|_| {
        out.clear();
        let written = serde_json::to_value(black_box(&value).clone()).and_then(|mut value| {
            hide(&mut value);
            serde_json::to_writer(&mut out, &value)
        });
        failed = written.err();
        black_box(out.as_slice());
    });
    meter.wrote = out;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

#[allow(clippy::unnecessary_wraps)]
fn text(meter: &mut Meter<'_>) -> Result<(), Failure> {
    meter.time(|_| {
        black_box(candor::scrub::text(black_box(CLEAN)));
    });
    meter.wrote = candor::scrub::text(CLEAN).into_owned().into_bytes();
    Ok(())
}

const SENSITIVE: [&str; 8] =
    ["password", "secret", "token", "card", "cvv", "email", "authorization", "cookie"];

fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_lowercase();
                if SENSITIVE.iter().any(|word| name.contains(word)) {
                    *value = Value::String("[REDACTED]".to_owned());
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        _ => {}
    }
}
