//! The JSON formatter of tracing-subscriber, and its text formatter.
//!
//! The request is a span, so that its fields are on every line. The current span is not repeated beside the
//! list of spans, except on the line of a closing span, which names its span only there: each line is the
//! shortest one of this formatter with these details.

use std::hint::black_box;
use std::time::Instant;

use tracing::dispatcher::with_default;
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::format::FmtSpan;

use super::Row;
use super::work::{self, HandKept, METHOD, PATH, REQUEST_ID, USER_ID, millis};
use crate::failure::Failure;
use crate::meter::Meter;

/// `#[instrument]` with the line that the span's end writes.
pub(super) static INSTRUMENT: Row =
    Row { name: "tracing-subscriber #[instrument]", run: instrument };
/// A step's line written by hand.
pub(super) static STEP: Row = Row { name: "tracing-subscriber step by hand", run: step };
/// An ordinary event with three fields.
pub(super) static EVENT: Row = Row { name: "tracing-subscriber event", run: event };
/// An event with a nested struct, whose Debug is veil's.
pub(super) static STRUCT_EVENT: Row =
    Row { name: "tracing-subscriber struct event (veil)", run: event_of_a_struct };
/// The event in the text format, without colours.
pub(super) static TEXT_EVENT: Row = Row { name: "tracing-subscriber event, text", run: text_event };

#[tracing::instrument(skip_all, fields(order_id = order_id))]
#[inline(never)]
fn charge(order_id: u64) -> u64 {
    work::charge(order_id)
}

#[inline(never)]
fn charge_by_hand(request: &HandKept, order_id: u64) -> u64 {
    let step_id = request.next_step();
    let started = Instant::now();
    let value = work::charge(order_id);
    let took = started.elapsed();
    tracing::info!(
        seq = request.next_line(),
        event = "step_timing",
        step = "charge",
        duration_ms = millis(took),
        outcome = "ok",
        step_id,
        parent_id = 0,
        offset_ms = request.offset_ms(started),
        order_id,
        "step_timing",
    );
    value
}

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn instrument(meter: &mut Meter<'_>) -> Result<(), Failure> {
    time_instrumented(meter, &json(meter, &FmtSpan::CLOSE));
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn step(meter: &mut Meter<'_>) -> Result<(), Failure> {
    time_step(meter, &json(meter, &FmtSpan::NONE));
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    time_event(meter, &json(meter, &FmtSpan::NONE));
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn event_of_a_struct(meter: &mut Meter<'_>) -> Result<(), Failure> {
    with_default(&json(meter, &FmtSpan::NONE), || {
        in_request(|| {
            let (request, order) = (HandKept::new(), work::veiled_order());
            meter.time(|_| {
                let seq = request.next_line();
                tracing::info!(seq, ?order, "order accepted");
            });
        });
    });
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn text_event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let sink = meter.sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(Level::INFO)
        .with_writer(move || sink.clone())
        .finish();
    time_event(meter, &Dispatch::new(subscriber));
    Ok(())
}

/// The annotated function under a subscriber.
pub(super) fn time_instrumented(meter: &mut Meter<'_>, dispatch: &Dispatch) {
    with_default(dispatch, || {
        in_request(|| {
            meter.time(|order_id| {
                black_box(charge(order_id));
            });
        });
    });
}

/// The step's line written by hand under a subscriber.
pub(super) fn time_step(meter: &mut Meter<'_>, dispatch: &Dispatch) {
    with_default(dispatch, || {
        in_request(|| {
            let request = HandKept::new();
            meter.time(|order_id| {
                black_box(charge_by_hand(&request, order_id));
            });
        });
    });
}

/// The event with three fields under a subscriber.
pub(super) fn time_event(meter: &mut Meter<'_>, dispatch: &Dispatch) {
    with_default(dispatch, || {
        in_request(|| {
            let request = HandKept::new();
            meter.time(|order_id| {
                let seq = request.next_line();
                tracing::info!(seq, order_id, items = 3, currency = "EUR", "order accepted");
            });
        });
    });
}

fn json(meter: &Meter<'_>, spans: &FmtSpan) -> Dispatch {
    let sink = meter.sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(Level::INFO)
        .with_span_events(spans.clone())
        .with_current_span(*spans == FmtSpan::CLOSE)
        .with_writer(move || sink.clone())
        .finish();
    Dispatch::new(subscriber)
}

fn in_request(work: impl FnOnce()) {
    tracing::info_span!(
        "request",
        request_id = REQUEST_ID,
        user_id = USER_ID,
        method = METHOD,
        path = PATH
    )
    .in_scope(work);
}
