//! logforth behind the macros of the `log` crate, with its JSON layout and the ids of fastrace.
//!
//! The details of the request are in logforth's thread-local diagnostic; its trace is a fastrace root span,
//! whose reporter discards its input. A step is a local span and a line written by hand.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use logforth::append::Append;
use logforth::bridge::log::LogBridge;
use logforth::diagnostic::{FastraceDiagnostic, ThreadLocalDiagnostic};
use logforth::layout::JsonLayout;
use logforth::record::Record;
use logforth::{Diagnostic, Error, Layout};

use super::Row;
use super::work::{self, HandKept, METHOD, PATH, REQUEST_ID, USER_ID, millis};
use crate::failure::Failure;
use crate::meter::{Meter, Sink};

/// A span, and a step's line written by hand.
pub(super) static STEP: Row = Row { name: "logforth step by hand, fastrace span", run: step };
/// An event with three fields.
pub(super) static EVENT: Row = Row { name: "logforth event", run: event };

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn step(meter: &mut Meter<'_>) -> Result<(), Failure> {
    in_request(meter, |meter, log, request| {
        meter.time(|order_id| {
            let _span = LocalSpan::enter_with_local_parent("charge");
            let step_id = request.next_step();
            let started = Instant::now();
            black_box(work::charge(order_id));
            let took = started.elapsed();
            log::info!(
                logger: log,
                seq = request.next_line(),
                event = "step_timing",
                step = "charge",
                duration_ms = millis(took),
                outcome = "ok",
                step_id,
                parent_id = 0,
                offset_ms = request.offset_ms(started),
                order_id;
                "step_timing"
            );
        });
    });
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    in_request(meter, |meter, log, request| {
        meter.time(|order_id| {
            log::info!(
                logger: log,
                seq = request.next_line(),
                order_id,
                items = 3,
                currency = "EUR";
                "order accepted"
            );
        });
    });
    Ok(())
}

fn in_request(meter: &mut Meter<'_>, work: impl FnOnce(&mut Meter<'_>, &LogBridge, &HandKept)) {
    let lines = Lines { layout: JsonLayout::default(), sink: meter.sink.clone() };
    let log = LogBridge::new(
        logforth::core::builder()
            .dispatch(|dispatch| {
                dispatch
                    .diagnostic(ThreadLocalDiagnostic::default())
                    .diagnostic(FastraceDiagnostic::default())
                    .append(lines)
            })
            .build(),
    );
    // The macros check the maximum level before they use the logger.
    log::set_max_level(log::LevelFilter::Info);
    fastrace::set_reporter(Forgetful, Config::default());
    let facts =
        [("request_id", REQUEST_ID), ("user_id", USER_ID), ("method", METHOD), ("path", PATH)];
    for (name, value) in facts {
        ThreadLocalDiagnostic::insert(name, value);
    }
    let root = fastrace::Span::root("request", SpanContext::random());
    let parent = root.set_local_parent();
    work(meter, &log, &HandKept::new());
    drop(parent);
    for (name, _) in facts {
        ThreadLocalDiagnostic::remove(name);
    }
}

struct Forgetful;

impl Reporter for Forgetful {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        black_box(spans);
    }
}

/// Writes to the sink of the rows as logforth's own appenders do.
#[derive(Debug)]
struct Lines {
    layout: JsonLayout,
    sink: Sink,
}

impl Append for Lines {
    fn append(&self, record: &Record, diagnostics: &[Box<dyn Diagnostic>]) -> Result<(), Error> {
        let mut line = self.layout.format(record, diagnostics)?;
        line.push(b'\n');
        self.sink.clone().write_all(&line).map_err(Error::from_io_error)
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}
