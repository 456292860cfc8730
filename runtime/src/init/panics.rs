//! The panic hook, which writes a line with the location, the scrubbed message and the backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::base::catch;
use crate::base::clock::Tick;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::Severity;
use crate::json::members;
use crate::logger;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;
use crate::site::event_sites;

event_sites! {
    PANIC = "panic" ERROR "panic" [location panic_message thread exc].with_exc();
}

/// Replaces the panic hooks that are installed, which print the raw message to standard error. With `chain` they run
/// after candor's.
pub(crate) fn install(chain: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // The line being written shows `<unprintable>` for the value.
            if catch::is_catching() {
                return;
            }
            write(info);
            if chain {
                previous(info);
            }
        }));
    });
}

fn write(info: &PanicHookInfo<'_>) {
    let in_request =
        current::with(|frame| frame.request.as_ref().is_some_and(|request| request.has_id()));
    let severity = if in_request == Some(true) { Severity::Error } else { Severity::Critical };
    let backtrace = Backtrace::force_capture().to_string();
    let backtrace = skip_machinery(&backtrace);
    let message = message(info.payload());
    let record = PANIC.record(severity, Tick::now());
    // Not dispatched to other layers: a panic of theirs in the hook aborts the process, and one that panics while it
    // holds a lock would wait for that lock here.
    logger::with_layer(|logger| {
        if !logger.allows(&record) {
            return;
        }
        logger.write(&record, SpanScope::Thread, |out| {
            write_members(info, &message, backtrace, logger.value_limit, out);
        });
    });
}

fn write_members(
    info: &PanicHookInfo<'_>,
    message: &str,
    backtrace: &str,
    limit: usize,
    out: &mut String,
) {
    let put = |out: &mut String, key: &str, value: &str| {
        members::open(out, key);
        Encoder::json(out, limit).text(value);
    };
    members::text(out, "event", "panic");
    if let Some(location) = info.location() {
        put(out, "location", &location.to_string());
    }
    put(out, "panic_message", message);
    put(out, "thread", std::thread::current().name().unwrap_or("unnamed"));
    put(out, "exc", &scrub::text(backtrace));
}

/// Removes the frames of the panic machinery at the start of a backtrace, which would use up the length of a value.
fn skip_machinery(backtrace: &str) -> &str {
    let machinery = |line: &str| {
        ["core::panicking", "rust_begin_unwind", "begin_panic", "panic_display"]
            .iter()
            .any(|name| line.contains(name))
    };
    let mut at = 0;
    let mut start = 0;
    let mut skipping = false;
    for line in backtrace.split_inclusive('\n') {
        if !line.trim_start().starts_with("at ") {
            if skipping {
                start = at;
            }
            skipping = machinery(line);
        }
        at += line.len();
    }
    &backtrace[start..]
}

/// The scrubbed message. A message with arguments is a `String`, and strict mode shows only its shape.
fn message(payload: &(dyn Any + Send)) -> Cow<'_, str> {
    if let Some(text) = payload.downcast_ref::<&str>() {
        return scrub::text(text);
    }
    payload
        .downcast_ref::<String>()
        .map_or("a value that is no text".into(), |text| scrub::text_or_shape(text))
}
