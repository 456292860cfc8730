//! Other formatters on the `Registry` of tracing-subscriber: json-subscriber and tracing-bunyan-formatter.
//!
//! json-subscriber flattens the fields of the event into the line, and writes no line when a span closes. The
//! layer of Bunyan writes one line when a span opens and one when it closes, both of which are measured, and
//! repeats the fields of a span on the lines inside it.

use tracing::Dispatch;
use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Row, tracing_fmt};
use crate::failure::Failure;
use crate::meter::Meter;

/// A step's line written by hand.
pub(super) static JSON_STEP: Row =
    Row { name: "json-subscriber step by hand", run: |meter| json(meter, tracing_fmt::time_step) };
/// An event with three fields.
pub(super) static JSON_EVENT: Row =
    Row { name: "json-subscriber event", run: |meter| json(meter, tracing_fmt::time_event) };
/// The span's two lines.
pub(super) static BUNYAN_INSTRUMENT: Row = Row {
    name: "bunyan-formatter #[instrument]",
    run: |meter| bunyan(meter, tracing_fmt::time_instrumented),
};
/// An event with three fields.
pub(super) static BUNYAN_EVENT: Row =
    Row { name: "bunyan-formatter event", run: |meter| bunyan(meter, tracing_fmt::time_event) };

type Operation = fn(&mut Meter<'_>, &Dispatch);

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn json(meter: &mut Meter<'_>, operation: Operation) -> Result<(), Failure> {
    let sink = meter.sink.clone();
    let subscriber = json_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .flatten_event(true)
        .with_current_span(false)
        .with_writer(move || sink.clone())
        .finish();
    operation(meter, &Dispatch::new(subscriber));
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn bunyan(meter: &mut Meter<'_>, operation: Operation) -> Result<(), Failure> {
    let sink = meter.sink.clone();
    let lines = BunyanFormattingLayer::new("peers".to_owned(), move || sink.clone());
    let subscriber =
        tracing_subscriber::registry().with(LevelFilter::INFO).with(JsonStorageLayer).with(lines);
    operation(meter, &Dispatch::new(subscriber));
    Ok(())
}
