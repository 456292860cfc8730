//! Costs that must not grow with the service: live requests, depth, call sites and polls.

use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use candor::{Format, RequestContext};
use candor_peers_sites as many;
use tracing::dispatcher::with_default;

use super::candor::{dispatch, in_request};
use super::{Row, work};
use crate::failure::Failure;
use crate::meter::Meter;

/// A step in the only open request.
pub(super) static LIVE_1: Row =
    Row { name: "candor step, 1 live request", run: |meter| live(meter, 1, 1) };
/// A step in one request, while others are open.
pub(super) static LIVE_1000: Row =
    Row { name: "candor step, 1 000 live requests", run: |meter| live(meter, 1_000, 1) };
/// A step in one request, while many others are open.
pub(super) static LIVE_100K: Row =
    Row { name: "candor step, 100 000 live requests", run: |meter| live(meter, 100_000, 1) };
/// A step in each request in turn, which do not fit into the CPU's caches.
pub(super) static LIVE_100K_IN_TURN: Row = Row {
    name: "candor step in each of 100 000 requests",
    run: |meter| live(meter, 100_000, 100_000),
};

/// A step without inner steps.
pub(super) static NESTED_1: Row =
    Row { name: "candor step, depth 1", run: |meter| nested(meter, 1) };
/// One of ten nested steps.
pub(super) static NESTED_10: Row =
    Row { name: "candor step, one of 10 nested", run: |meter| nested(meter, 10) };
/// One of fifty nested steps.
pub(super) static NESTED_50: Row =
    Row { name: "candor step, one of 50 nested", run: |meter| nested(meter, 50) };

/// Ten functions, called in turn.
pub(super) static SITES_10: Row =
    Row { name: "candor step, 10 call sites in turn", run: |meter| sites(meter, 10) };
/// A thousand functions, called in turn.
pub(super) static SITES_1000: Row =
    Row { name: "candor step, 1 000 call sites in turn", run: |meter| sites(meter, 1_000) };
/// The thousand functions without attribute, to show the effect of the CPU's caches.
pub(super) static BARE_SITES_1000: Row =
    Row { name: "bare call, 1 000 functions in turn", run: bare_sites };

/// A poll of a future that is not ready.
pub(super) static BARE_POLL: Row = Row { name: "bare poll", run: bare_poll };
/// The same inside an annotated function.
pub(super) static STEP_POLL: Row = Row { name: "candor poll of a step", run: step_poll };
/// The same inside `scope`.
pub(super) static SCOPE_POLL: Row = Row { name: "candor poll of a scope", run: scope_poll };

#[candor::step_timed(fields(order_id = order_id))]
#[inline(never)]
fn charge(order_id: u64) -> u64 {
    work::charge(order_id)
}

fn live(meter: &mut Meter<'_>, live: usize, used: usize) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info", Format::Json)?, || {
        let requests: Vec<RequestContext> = (0..live)
            .map(|number| {
                RequestContext::with_id(&format!("request-{number:06}"))
                    .with_method(work::METHOD)
                    .with_path(work::PATH)
            })
            .collect();
        let mut in_turn = requests.iter().take(used).cycle();
        meter.time(|order_id| {
            if let Some(request) = in_turn.next() {
                request.enter_with(|| {
                    black_box(charge(order_id));
                });
            }
        });
    });
    Ok(())
}

#[candor::step_timed]
#[inline(never)]
fn nest(left: u32) -> u64 {
    if left == 0 { work::charge(1) } else { nest(left - 1) }
}

fn nested(meter: &mut Meter<'_>, depth: u32) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info", Format::Json)?, || {
        in_request(|| {
            meter.time_several(depth, |_| {
                black_box(nest(depth - 1));
            });
        });
    });
    Ok(())
}

fn sites(meter: &mut Meter<'_>, number: usize) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info", Format::Json)?, || {
        in_request(|| {
            let mut in_turn = many::STEPS.iter().take(number).cycle();
            meter.time(|order_id| {
                if let Some(function) = in_turn.next() {
                    black_box(function(order_id));
                }
            });
        });
    });
    Ok(())
}

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn bare_sites(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let mut in_turn = many::BARE.iter().cycle();
    meter.time(|order_id| {
        if let Some(function) = in_turn.next() {
            black_box(function(order_id));
        }
    });
    Ok(())
}

#[candor::step_timed]
async fn wait() {
    pending::<()>().await;
}

#[allow(clippy::unnecessary_wraps)]
fn bare_poll(meter: &mut Meter<'_>) -> Result<(), Failure> {
    polled(meter, async { pending::<()>().await });
    Ok(())
}

fn step_poll(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info", Format::Json)?, || in_request(|| polled(meter, wait())));
    Ok(())
}

fn scope_poll(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&dispatch(meter, "info", Format::Json)?, || {
        let request = RequestContext::with_id(work::REQUEST_ID);
        polled(meter, request.scope(async { pending::<()>().await }));
    });
    Ok(())
}

fn polled(meter: &mut Meter<'_>, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    meter.time(|_| {
        black_box(future.as_mut().poll(&mut context).is_pending());
    });
}
