//! candor's own rows.

use std::hint::black_box;

use candor::policy::clear;
use candor::{Config, Format, RequestContext, context};
use tracing::Dispatch;
use tracing::dispatcher::with_default;

use super::work::{self, METHOD, PATH, REQUEST_ID, USER_ID};
use super::{Failure, Row};
use crate::meter::Meter;

/// One annotated function with its line.
pub(crate) static STEP: Row = Row { name: "candor step", run: step };
/// The same on two threads, in two requests, through one layer.
pub(super) static STEP_ON_TWO_THREADS: Row =
    Row { name: "candor step, each of two threads", run: step_on_two_threads };
/// The same function when none of its lines can be written.
pub(super) static OFF: Row = Row { name: "candor step, off", run: off };
/// An ordinary event with three fields.
pub(super) static EVENT: Row = Row { name: "candor event", run: event };

#[candor::step_timed(fields(order_id = order_id))]
#[inline(never)]
fn charge(order_id: u64) -> u64 {
    work::charge(order_id)
}

fn step(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info")?, || in_request(|| timed(meter)));
    Ok(())
}

fn step_on_two_threads(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let dispatch = dispatch(meter, "info")?;
    meter.together(2, |meter| {
        with_default(&dispatch, || in_request(|| timed(meter)));
        Ok(())
    })
}

fn off(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&dispatch(meter, "off")?, || in_request(|| timed(meter)));
    Ok(())
}

fn timed(meter: &mut Meter<'_>) {
    meter.time(|order_id| {
        black_box(charge(order_id));
    });
}

fn event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info")?, || {
        in_request(|| {
            meter.time(|order_id| {
                tracing::info!(order_id, items = 3, currency = "EUR", "order accepted");
            });
        });
    });
    Ok(())
}

fn dispatch(meter: &Meter<'_>, level: &str) -> Result<Dispatch, Failure> {
    let subscriber = Config::new()
        .level(level)?
        .format(Format::Json)
        .writer(meter.sink.clone())
        .lines_per_request(u64::MAX)
        .subscriber()?;
    Ok(Dispatch::new(subscriber))
}

fn in_request(work: impl FnOnce()) {
    RequestContext::with_id(REQUEST_ID).with_method(METHOD).with_path(PATH).enter_with(|| {
        context::set_user(clear(USER_ID));
        work();
    });
}
