//! candor's own rows.

use std::hint::black_box;

use candor::policy::clear;
use candor::{Config, Format, RequestContext, context};
use tracing::Dispatch;
use tracing::dispatcher::with_default;

use super::Row;
use super::floor::{Refused, try_charge_body};
use super::redaction::CLEAN;
use super::work::{self, METHOD, PATH, REQUEST_ID, USER_ID};
use crate::failure::Failure;
use crate::meter::Meter;

/// One annotated function with its line.
pub(crate) static STEP: Row =
    Row { name: "candor step", run: |meter| lines(meter, "info", Format::Json, charging) };
/// The same on two threads, in two requests, through one layer.
pub(super) static STEP_ON_TWO_THREADS: Row =
    Row { name: "candor step, each of two threads", run: step_on_two_threads };
/// The same function with all of its lines disabled.
pub(super) static OFF: Row =
    Row { name: "candor step, off", run: |meter| lines(meter, "off", Format::Json, charging) };
/// A fallible function, with only its error line enabled.
pub(super) static ONLY_ERROR: Row = Row {
    name: "candor step, only its error on",
    run: |meter| lines(meter, "warn", Format::Json, charging_with_result),
};
/// One annotated call to another service.
pub(super) static DEPENDENCY: Row = Row {
    name: "candor dependency call",
    run: |meter| lines(meter, "info", Format::Json, calling),
};
/// An ordinary event with three fields, by tracing's macro.
pub(super) static EVENT: Row =
    Row { name: "candor event", run: |meter| lines(meter, "info", Format::Json, telling) };
/// An event of another crate with a message formatted at run time, which is scrubbed.
pub(super) static MESSAGE_EVENT: Row = Row {
    name: "candor event, a message of 200 bytes",
    run: |meter| lines(meter, "info", Format::Json, telling_a_message),
};
/// The same with candor's macro.
pub(super) static OWN_EVENT: Row = Row {
    name: "candor event, candor::info!",
    run: |meter| lines(meter, "info", Format::Json, telling_by_candor),
};
/// An event with a `#[redact]` struct in a struct.
pub(super) static STRUCT_EVENT: Row = Row {
    name: "candor struct event",
    run: |meter| lines(meter, "info", Format::Json, telling_of_a_struct),
};
/// The step in the pretty format.
pub(super) static PRETTY_STEP: Row = Row {
    name: "candor step, pretty",
    run: |meter| lines(meter, "info", Format::Pretty, charging),
};
/// The event in the pretty format.
pub(super) static PRETTY_EVENT: Row = Row {
    name: "candor event, pretty",
    run: |meter| lines(meter, "info", Format::Pretty, telling),
};

#[candor::step_timed(fields(order_id = order_id))]
#[inline(never)]
fn charge(order_id: u64) -> u64 {
    work::charge(order_id)
}

fn charging(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        black_box(charge(order_id));
    });
}

#[candor::step_timed]
#[inline(never)]
fn try_charge(order_id: u64) -> Result<u64, Refused> {
    try_charge_body(order_id)
}

fn charging_with_result(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        black_box(try_charge(order_id).is_ok());
    });
}

#[candor::dependency_call("payments", method = "POST", url = "https://pay.example/v1/charges")]
#[inline(never)]
fn call(order_id: u64) -> Result<u64, std::io::Error> {
    Ok(work::charge(order_id))
}

fn calling(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        black_box(call(order_id).is_ok());
    });
}

fn telling(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        tracing::info!(order_id, items = 3, currency = "EUR", "order accepted");
    });
}

fn telling_a_message(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        tracing::info!(order_id, items = 3, currency = "EUR", "{}", black_box(CLEAN));
    });
}

fn telling_by_candor(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        candor::info!(order_id, items = 3, currency = clear("EUR"), "order accepted");
    });
}

fn telling_of_a_struct(meter: &mut Meter<'_>) {
    let order = work::order();
    meter.time(|_| {
        candor::info!(order, "order accepted");
    });
}

fn lines(
    meter: &mut Meter<'_>,
    level: &str,
    format: Format,
    operation: fn(&mut Meter<'_>),
) -> Result<(), Failure> {
    with_default(&dispatch(meter, level, format)?, || in_request(|| operation(meter)));
    Ok(())
}

fn step_on_two_threads(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let dispatch = dispatch(meter, "info", Format::Json)?;
    meter.together(2, |meter| {
        with_default(&dispatch, || in_request(|| charging(meter)));
        Ok(())
    })
}

pub(super) fn dispatch(
    meter: &Meter<'_>,
    level: &str,
    format: Format,
) -> Result<Dispatch, Failure> {
    let subscriber = Config::new()
        .level(level)?
        .format(format)
        .writer(meter.sink.clone())
        .lines_per_request(u64::MAX)
        .subscriber()?;
    Ok(Dispatch::new(subscriber))
}

pub(super) fn in_request(work: impl FnOnce()) {
    RequestContext::with_id(REQUEST_ID).with_method(METHOD).with_path(PATH).enter_with(|| {
        context::set_user(clear(USER_ID));
        work();
    });
}
