//! emit, with its own runtime and an emitter that writes the JSON of each event as `emit_file` does, into a
//! buffer that is reused.
//!
//! The details of the request are properties of the ambient context.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use emit::platform::thread_local_ctxt::ThreadLocalCtxt;
use emit::{Emitter, Event, Props};

use super::Row;
use super::work::{self, HandKept, METHOD, PATH, REQUEST_ID, USER_ID, millis};
use crate::failure::Failure;
use crate::meter::{Meter, Sink};

/// A step's line written by hand.
pub(super) static STEP: Row = Row { name: "emit step by hand", run: step };
/// An event with three fields.
pub(super) static EVENT: Row = Row { name: "emit event", run: event };

// `Row::run` is fallible; these rows can't fail.
#[allow(clippy::unnecessary_wraps)]
fn step(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let runtime = emit::setup().emit_to(Lines(meter.sink.clone())).init_runtime();
    in_request(runtime.ctxt(), |request| {
        meter.time(|order_id| {
            let step_id = request.next_step();
            let started = Instant::now();
            black_box(work::charge(order_id));
            let took = started.elapsed();
            emit::info!(
                rt: &runtime,
                "step_timing",
                seq: request.next_line(),
                event: "step_timing",
                step: "charge",
                duration_ms: millis(took),
                outcome: "ok",
                step_id,
                parent_id: 0,
                offset_ms: request.offset_ms(started),
                order_id,
            );
        });
    });
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
fn event(meter: &mut Meter<'_>) -> Result<(), Failure> {
    let runtime = emit::setup().emit_to(Lines(meter.sink.clone())).init_runtime();
    in_request(runtime.ctxt(), |request| {
        meter.time(|order_id| {
            emit::info!(
                rt: &runtime,
                "order accepted",
                seq: request.next_line(),
                order_id,
                items: 3,
                currency: "EUR",
            );
        });
    });
    Ok(())
}

// The macro for properties defines a function; the context is borrowed from its runtime.
#[allow(clippy::too_many_arguments, clippy::trivially_copy_pass_by_ref)]
fn in_request(context: &ThreadLocalCtxt, work: impl FnOnce(&HandKept)) {
    let request = emit::props! {
        request_id: REQUEST_ID,
        user_id: USER_ID,
        method: METHOD,
        path: PATH,
    };
    emit::Frame::push(context, request).call(|| work(&HandKept::new()));
}

/// Writes each event as one line, with one write.
struct Lines(Sink);

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Emitter for Lines {
    fn emit<E: emit::event::ToEvent>(&self, event: E) {
        LINE.with_borrow_mut(|line| {
            line.clear();
            // Writing into a `Vec`, and to this sink, does not fail.
            let _ = json(&event.to_event(), line);
            line.push(b'\n');
            let _ = self.0.clone().write_all(line);
        });
    }

    fn blocking_flush(&self, _: Duration) -> bool {
        true
    }
}

fn json(event: &Event<'_, impl Props>, line: &mut Vec<u8>) -> io::Result<()> {
    sval_json::stream_to_io_write(line, Members(event)).map_err(io::Error::other)
}

/// The members that `emit_file` writes.
struct Members<'a, P>(&'a Event<'a, P>);

impl<P: Props> sval::Value for Members<'_, P> {
    fn stream<'sval, S: sval::Stream<'sval> + ?Sized>(&'sval self, stream: &mut S) -> sval::Result {
        stream.record_begin(None, None, None, None)?;
        if let Some(extent) = self.0.extent() {
            display(stream, "ts", extent.as_point())?;
        }
        display(stream, "mdl", self.0.mdl())?;
        display(stream, "msg", self.0.msg())?;
        display(stream, "tpl", self.0.tpl())?;
        let mut failed = Ok(());
        let _ = self.0.props().dedup().for_each(|name, value| {
            failed = computed(stream, name.get(), &value);
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        failed?;
        stream.record_end(None, None, None)
    }
}

fn display<'sval, S: sval::Stream<'sval> + ?Sized>(
    stream: &mut S,
    name: &'static str,
    value: impl std::fmt::Display,
) -> sval::Result {
    stream.record_value_begin(None, &sval::Label::new(name))?;
    sval::stream_display(&mut *stream, value)?;
    stream.record_value_end(None, &sval::Label::new(name))
}

fn computed<'sval, S: sval::Stream<'sval> + ?Sized>(
    stream: &mut S,
    name: &str,
    value: &emit::Value<'_>,
) -> sval::Result {
    stream.record_value_begin(None, &sval::Label::new_computed(name))?;
    stream.value_computed(value)?;
    stream.record_value_end(None, &sval::Label::new_computed(name))
}
