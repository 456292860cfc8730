//! Records and spans of candor's own on their way to other layers.
//!
//! `Event::dispatch` carries a record in two forms: other layers visit its fields as values of the event, with a
//! [readable] message, while candor's own layer takes the rendered fields from [`in_flight`]. It recognises the record by
//! the address of its metadata.

use std::cell::Cell;
use std::sync::Arc;

use tracing_core::dispatcher;
use tracing_core::field::{Value, ValueSet};
use tracing_core::{Event, Metadata};

use super::{Logger, makes_spans, readable, with_layer};
use crate::base::catch::call_layers;
use crate::current::span_stack::SpanScope;
use crate::current::{self, LayerSpan, StepSpan};
use crate::format::record::{Record, Severity};
use crate::json::members;
use crate::request::Request;
use crate::site::{RECORDED, Site, is_recordable};

/// The record that is being dispatched on this thread.
pub(crate) mod in_flight {
    use std::cell::Cell;
    use std::mem::ManuallyDrop;

    use tracing_core::Metadata;

    use crate::base::catch::call_layers;
    use crate::format::record::Record;
    use crate::json::shown::Shown;
    use crate::redact::shown::Redacted;

    #[derive(Debug)]
    struct InFlight {
        metadata: &'static Metadata<'static>,
        /// Without its message, which is not `'static`.
        record: Record<'static>,
        message: Redacted<'static>,
        /// As members.
        fields: String,
        /// Whether candor's layer has seen the record.
        is_taken: bool,
        /// Whether candor's layer has written its line.
        is_written: bool,
    }

    thread_local! {
        // Without a destructor, it can be used as long as the thread runs. `set` empties it again.
        static IN_FLIGHT: Cell<ManuallyDrop<Option<Box<InFlight>>>> =
            const { Cell::new(ManuallyDrop::new(None)) };
    }

    fn replace(flight: Option<Box<InFlight>>) -> Option<Box<InFlight>> {
        let before = IN_FLIGHT.try_with(|slot| slot.replace(ManuallyDrop::new(flight)));
        before.ok().and_then(ManuallyDrop::into_inner)
    }

    /// Runs `dispatch` while the record is in flight. If a layer panics before candor's has seen the record, `write`
    /// writes its line. Returns whether the line was written.
    pub(super) fn set(
        metadata: &'static Metadata<'static>,
        record: &Record<'_>,
        fields: String,
        dispatch: impl FnOnce(),
        write: impl FnOnce(&Record<'_>, &str) -> bool,
    ) -> bool {
        let flight = InFlight {
            metadata,
            record: Record {
                logger: Shown::literal(metadata.target()),
                message: Shown::literal(""),
                ..*record
            },
            message: Redacted::from(record.message).into_owned(),
            fields,
            is_taken: false,
            is_written: false,
        };
        let before = Cell::new(replace(Some(Box::new(flight))));
        let mut is_written = false;
        let result = call_layers(dispatch, || {
            // Candor's layer panics only if the user's writer does. Then the record was taken and not put back.
            let Some(flight) = replace(before.take()) else { return };
            is_written = if flight.is_taken {
                flight.is_written
            } else {
                write(&Record { message: flight.message.shown(), ..flight.record }, &flight.fields)
            };
        });
        if result.is_some() {
            is_written = replace(before.take()).is_some_and(|flight| flight.is_written);
        }
        is_written
    }

    /// Calls `f`, which writes a line, with the record in flight and its fields, if that record has this metadata. The
    /// record is taken out during the call, because `f` may log.
    pub(crate) fn take(
        metadata: &Metadata<'_>,
        f: impl FnOnce(&Record<'_>, &str) -> bool,
    ) -> Option<()> {
        let mut flight = replace(None)?;
        let is_it = std::ptr::eq(flight.metadata, metadata);
        if is_it {
            flight.is_taken = true;
            let record = Record { message: flight.message.shown(), ..flight.record };
            flight.is_written = f(&record, &flight.fields);
        }
        replace(Some(flight));
        is_it.then_some(())
    }
}

thread_local! {
    /// Whether candor itself records fields on the span of a step.
    static IS_RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether candor itself is recording fields on the span of a step. Its own layer already knows these fields.
pub(crate) fn is_recording() -> bool {
    IS_RECORDING.try_with(Cell::get).unwrap_or(false)
}

fn recording<T>(record: impl FnOnce() -> T) -> T {
    struct Recording(bool);
    impl Drop for Recording {
        fn drop(&mut self) {
            let _ = IS_RECORDING.try_with(|is| is.set(self.0));
        }
    }
    let _recording = Recording(IS_RECORDING.try_with(|is| is.replace(true)).unwrap_or(false));
    record()
}

impl Site {
    /// Whether this request, which need not be the current one, writes a line of this severity.
    pub(crate) fn is_enabled_for(
        &'static self,
        severity: Severity,
        request: Option<&Arc<Request>>,
    ) -> bool {
        let interest = self.interest(severity);
        let metadata = self.event_metadata(severity);
        // If the filter of a layer panics, the others still get the record.
        let ask = || is_enabled(metadata).unwrap_or(true);
        !interest.is_never() && (interest.is_always() || current::with_request(request, ask))
    }

    /// The step's span for other layers, if one of them wants it. `fields` are those known at entry, as members.
    #[inline]
    pub(crate) fn span<'a>(&'static self, fields: impl FnOnce() -> &'a str) -> Option<LayerSpan> {
        let interest = self.span_interest();
        let metadata = self.span_metadata();
        // A layer that is asked about a span keeps its answer until the span is made, so it is asked last.
        let wanted = !interest.is_never()
            && current::is_alive()
            && (makes_spans() || is_recordable(metadata))
            && (interest.is_always() || is_enabled(metadata) == Some(true));
        if !wanted {
            return None;
        }
        // Fields that the site does not declare are recorded as one at the step's end.
        let declared = without(fields(), |key| metadata.fields().field(key).is_none());
        with_values(metadata, &declared, None, |values| LayerSpan::new(metadata, values))
    }

    /// Records members as fields of the step's span, except those that it already has.
    ///
    /// An OpenTelemetry span would keep both.
    pub(crate) fn record_on(&'static self, span: &LayerSpan, fields: &str, recorded: &str) {
        let new = without(fields, |key| has(recorded, key));
        with_values(self.span_metadata(), &new, None, |values| recording(|| span.record(values)));
    }

    /// Records the entry fields on a step's span, and remembers them as recorded.
    pub(crate) fn record_at_entry(&'static self, span: &mut StepSpan, fields: &str) {
        let metadata = self.span_metadata();
        // Other fields are recorded as one at the step's end.
        let new = without(fields, |key| {
            has(&span.recorded, key) || metadata.fields().field(key).is_none()
        });
        span.recorded.push_str(&new);
        let id = &span.id;
        with_values(metadata, &new, None, |values| {
            let record = tracing_core::span::Record::new(values);
            let record = || dispatcher::get_default(|dispatch| dispatch.record(id, &record));
            recording(|| call_layers(record, || {}));
        });
    }

    /// Sends a record to every layer, in this span or in the current one. Returns whether candor wrote its line.
    pub(super) fn dispatch(
        &'static self,
        record: &Record<'_>,
        fields: String,
        span: Option<&LayerSpan>,
    ) -> bool {
        let metadata = self.event_metadata(record.severity);
        let readable = readable::message(self.spec.event, &fields);
        dispatch_as(metadata, record, readable.as_deref(), fields, |values| match span {
            Some(span) => Event::child_of(span.id(), metadata, values),
            None => Event::dispatch(metadata, values),
        })
    }
}

/// Sends a record to every layer: candor's own takes the fields as they are, others visit them.
pub(crate) fn dispatch(
    metadata: &'static Metadata<'static>,
    record: &Record<'_>,
    fields: String,
    send: impl FnOnce(&ValueSet<'_>),
) {
    dispatch_as(metadata, record, None, fields, send);
}

/// Like [`dispatch`], with another message for other layers.
fn dispatch_as(
    metadata: &'static Metadata<'static>,
    record: &Record<'_>,
    message: Option<&str>,
    fields: String,
    send: impl FnOnce(&ValueSet<'_>),
) -> bool {
    let text = fields.clone();
    let message = message.unwrap_or(record.message.as_str());
    let dispatch = || with_values(metadata, &text, Some(message), send);
    in_flight::set(metadata, record, fields, dispatch, |record, fields| {
        let write = |logger: &Logger| {
            logger.allows(record)
                && logger.write(record, SpanScope::Thread, |line| line.push_str(fields))
        };
        with_layer(write).unwrap_or(false)
    })
}

/// Whether a layer wants this call site now; `None` if one of them panics while the thread unwinds.
pub(crate) fn is_enabled(metadata: &'static Metadata<'static>) -> Option<bool> {
    call_layers(|| dispatcher::get_default(|dispatch| dispatch.enabled(metadata)), || {})
}

/// Whether the members have a value for this key.
fn has(fields: &str, key: &str) -> bool {
    members::walk(fields, 0).any(|member| member.key == key && member.value != "null")
}

/// The members without those whose key `leaves_out` names.
fn without(fields: &str, leaves_out: impl Fn(&str) -> bool) -> String {
    let mut left = String::new();
    for member in members::walk(fields, 0).filter(|member| !leaves_out(member.key)) {
        left.push_str(&fields[member.start..member.end]);
    }
    left
}

/// Calls `send` with the members as values of the fields that the metadata declares.
fn with_values<T>(
    metadata: &'static Metadata<'static>,
    members: &str,
    message: Option<&str>,
    send: impl FnOnce(&ValueSet<'_>) -> T,
) -> T {
    let mut values: Vec<Option<Box<dyn Value + '_>>> = Vec::new();
    for field in metadata.fields() {
        let value = match (field.name(), message) {
            ("message", Some(message)) => Some(Box::new(message) as Box<dyn Value>),
            (RECORDED, _) => undeclared(metadata, members),
            (name, _) => members::walk(members, 0)
                .find(|member| member.key == name)
                .and_then(|member| value_of(member.value)),
        };
        values.push(value);
    }
    let values: Vec<Option<&dyn Value>> = values.iter().map(Option::as_deref).collect();
    send(&metadata.fields().value_set_all(&values))
}

/// The members that the metadata does not declare, as one JSON object.
fn undeclared(metadata: &Metadata<'_>, members: &str) -> Option<Box<dyn Value>> {
    let mut json = String::new();
    for member in members::walk(members, 0) {
        if metadata.fields().field(member.key).is_none() {
            json.push(if json.is_empty() { '{' } else { ',' });
            json.push_str(members[member.start..member.end].trim_start_matches(','));
        }
    }
    (!json.is_empty()).then(|| Box::new(json + "}") as Box<dyn Value>)
}

/// A member's JSON as a value that other layers visit: a number, a boolean or text. A nested value is its JSON text.
fn value_of(json: &str) -> Option<Box<dyn Value>> {
    match json.as_bytes().first()? {
        b'n' => None,
        b't' | b'f' => Some(Box::new(json == "true")),
        b'0'..=b'9' | b'-' => Some(number_of(json)),
        _ => Some(Box::new(members::text_of(json))),
    }
}

fn number_of(json: &str) -> Box<dyn Value> {
    if let Ok(number) = json.parse::<u64>() {
        return Box::new(number);
    }
    if let Ok(number) = json.parse::<i64>() {
        return Box::new(number);
    }
    Box::new(json.parse::<f64>().unwrap_or(f64::NAN))
}
