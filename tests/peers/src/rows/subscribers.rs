//! Other formatters on tracing-subscriber's `Registry`: json-subscriber and tracing-bunyan-formatter.
//!
//! json-subscriber flattens the event's fields into the line, and has no line for a span's end.
//! Bunyan's layer writes one line where a span begins and one where it ends, both of which count, and
//! repeats a span's fields on the lines within it.

use tracing::Dispatch;
use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Failure, Row, tracing_fmt};
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

// A row's `run` may fail; these have nothing that could.
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
