//! Reads the events inside timed spans: errors, and the responses of requests.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level};

use super::{ERROR_EVENT, with_debug};
use crate::base::catch::catch;
use crate::current::span_facts::{FieldRole as Role, SpanFailure};
use crate::current::timed_span::TimedSpan;
use crate::current::{self, SpanData, span_stack};
use crate::logger::Logger;
use crate::logger::timed_spans::{RESPONSE_EVENTS, is_of_err, is_of_response};
use crate::outcome::Category;
use crate::outcome::chain::chain_answer;
use crate::redact::keys;
use crate::redact::shown::{self, Redacted};

/// Whether an event is written.
#[derive(PartialEq, Eq)]
pub(in crate::layer) enum EventFate {
    Written,
    /// The event is enabled only because of timed spans.
    Hidden,
}

/// Reads an event of another crate. `parent` is its explicit parent, for which [`error_seen`] has already been called.
pub(in crate::layer) fn event_seen(
    logger: &Logger,
    event: &Event<'_>,
    parent: Option<&Arc<SpanData>>,
) -> EventFate {
    let metadata = event.metadata();
    let is_response = is_of_response(metadata);
    if is_response || is_of_err(metadata) {
        if is_response {
            response_seen(event, parent);
        } else if parent.is_none() && event.is_contextual() {
            error_seen(event, None);
        }
        let (target, level) = (metadata.target(), *metadata.level());
        if !logger.levels.load().allow(target, level) && !current::raises(target, level) {
            return EventFate::Hidden;
        }
    } else if parent.is_none() && event.is_contextual() {
        error_seen(event, None);
        if metadata.fields().field("status").is_some() {
            status_seen(event);
        }
    }
    EventFate::Written
}

/// Fails the span that an ERROR event is directly in.
pub(in crate::layer) fn error_seen(event: &Event<'_>, parent: Option<&Arc<SpanData>>) {
    let metadata = event.metadata();
    let is_error = *metadata.level() == Level::ERROR || is_of_err(metadata);
    if !is_error || is_of_response(metadata) {
        return;
    }
    // Read before the lock, because the values run user code.
    let fail = |timed: &TimedSpan| {
        let mut visitor = EventVisitor::default();
        event.record(&mut visitor);
        let failure = visitor.failure();
        timed.change_facts(|facts| facts.fail(failure));
    };
    match parent {
        Some(parent) => {
            let timed = parent.innermost_timed().and_then(|data| data.timed.as_ref());
            if let Some(timed) = timed {
                fail(timed);
            }
        }
        None => span_stack::with_timed(fail),
    }
}

/// Reads an event by which `TraceLayer` reports a response.
fn response_seen(event: &Event<'_>, parent: Option<&Arc<SpanData>>) {
    let mut visitor = EventVisitor::default();
    event.record(&mut visitor);
    let is_failure = event.metadata().target() == RESPONSE_EVENTS[1];
    let begun = parent.and_then(|parent| parent.innermost_timed().cloned());
    let begun = begun.or_else(span_stack::begun_request);
    if begun.is_none() && is_failure && *event.metadata().level() == Level::ERROR {
        // The span is a step in a request that an HTTP layer of candor has begun.
        span_stack::with_timed(|timed| timed.change_facts(|facts| facts.fail(visitor.failure())));
        return;
    }
    let Some(timed) = begun.as_ref().and_then(|data| data.timed.as_ref()) else { return };
    if !is_failure {
        timed.reports.store(true, Ordering::Relaxed);
    }
    let status = visitor.status;
    let failure = is_failure.then(|| visitor.failure());
    timed.change_facts(|facts| {
        match status {
            // `TraceLayer` reports the status of gRPC in place of that of HTTP.
            Some(code @ 0..100) => facts.grpc_status = Some(code),
            status => facts.http_status = status.or(facts.http_status),
        }
        if let Some(failure) = failure {
            facts.fail(failure);
        } else if timed.begins().is_some() {
            facts.set(Role::Status, Redacted::from("reported"));
        }
    });
}

/// Reads the status from an event that reports the response of a request, as in poem, salvo and warp: the event is
/// directly in the span that began the request, and has the target of that span.
fn status_seen(event: &Event<'_>) {
    span_stack::with_timed(|timed| {
        if !timed.is_request() || timed.site.spec.target != event.metadata().target() {
            return;
        }
        let mut visitor = EventVisitor::default();
        event.record(&mut visitor);
        let Some(status @ 100..=999) = visitor.status else { return };
        timed.reports.store(true, Ordering::Relaxed);
        timed.change_facts(|facts| {
            facts.http_status = Some(status);
            facts.set(Role::Status, Redacted::from("reported"));
        });
    });
}

/// Fails the innermost timed span because of an ERROR event that does not pass `tracing`.
pub(crate) fn error_logged(text: &Redacted<'_>) {
    span_stack::with_timed(|timed| {
        let detail = Some(text.clone().into_owned());
        let failure = SpanFailure { evidence: ERROR_EVENT, detail, category: None };
        timed.change_facts(|facts| facts.fail(failure));
    });
}

/// Reads the error, the message and the status of an event.
#[derive(Default)]
struct EventVisitor {
    error: Option<Redacted<'static>>,
    message: Option<Redacted<'static>>,
    category: Option<Category>,
    status: Option<u16>,
}

impl EventVisitor {
    fn failure(self) -> SpanFailure {
        let detail = self.error.or(self.message);
        SpanFailure { evidence: ERROR_EVENT, detail, category: self.category }
    }

    fn read(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = Some(shown::text_or_shape(text).into_owned()),
            "error" | "err" | "exception.message" if !keys::hides(field.name()) => {
                self.error = Some(shown::text_or_shape(text).into_owned());
            }
            // The text of a status can include the reason: `500 Internal Server Error`.
            "status" => {
                let number = text.split(' ').next().and_then(|number| number.parse().ok());
                self.status = number.or(self.status);
            }
            _ => {}
        }
    }
}

impl Visit for EventVisitor {
    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "status" {
            self.status = value.try_into().ok();
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = value.try_into().ok();
        }
    }

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        self.read(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        // The error can have any name.
        if !keys::hides(field.name()) {
            self.error = Some(shown::error_chain(value));
        }
        self.category = catch(|| chain_answer(Some(value)).category).flatten().or(self.category);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if matches!(field.name(), "message" | "error" | "err" | "exception.message" | "status") {
            with_debug(value, |text| self.read(field, text));
        }
    }
}
