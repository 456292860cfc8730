//! Which spans of other crates are steps, and the functions that write their lines.
//!
//! The layer reads a span and passes it on through [`SpanHooks`], because the lines of steps and requests are written
//! in a folder of a higher layer.

use std::sync::Arc;

use tracing_core::Metadata;
use tracing_core::metadata::LevelFilter;

use super::Logger;
use crate::base::clock::Tick;
use crate::current::span_facts::SpanFailure;
use crate::current::span_stack::{SpanScope, is_request_span};
use crate::current::timed_span::TimedSpan;
use crate::current::{CallFacts, SpanData, StepExtras};
use crate::levels::Levels;
use crate::outcome::kind::Outcome;
use crate::redact::shown::Redacted;
use crate::request::Request;
use crate::site::Site;

/// The targets of the events by which `tower_http::trace::TraceLayer` reports a response or its failure.
pub(crate) const RESPONSE_EVENTS: [&str; 2] =
    ["tower_http::trace::on_response", "tower_http::trace::on_failure"];

/// Which spans are steps.
#[derive(Debug)]
pub(crate) struct TimedSpans {
    levels: Levels,
    pub(crate) hooks: SpanHooks,
}

/// Functions that write the lines of timed spans.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanHooks {
    pub(crate) request_began: fn(&Logger, &Arc<Request>, &Beginning<'_>),
    /// Writes the usual line of a success. Returns false without side effects if the line is another one.
    pub(crate) step_succeeded: fn(&Logger, SucceededStep<'_>) -> bool,
    pub(crate) step_ended: fn(&Logger, EndedStep<'_>),
    pub(crate) request_ended: fn(&Logger, &EndedRequest<'_>),
}

/// A request or job that a span begins.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    /// The name, if it is a job.
    pub(crate) job: Option<&'static str>,
    pub(crate) query: Option<&'a str>,
}

/// A span that ended as a step, succeeded and is not a call. No field was recorded on the step.
#[derive(Clone, Copy)]
pub(crate) struct SucceededStep<'a> {
    pub(crate) timed: &'a TimedSpan,
    pub(crate) data: &'a SpanData,
    pub(crate) request: Option<&'a Arc<Request>>,
    /// The step's [position](TimedSpan::position).
    pub(crate) position: (u32, u32),
    /// The site with the step's name.
    pub(crate) site: &'static Site,
    pub(crate) at: Tick,
    /// The fields of the line, as members. `None` if they are those of the span.
    pub(crate) fields: Option<&'a str>,
}

/// A span that ended as a step.
pub(crate) struct EndedStep<'a> {
    pub(crate) timed: &'a TimedSpan,
    pub(crate) data: &'a SpanData,
    /// The site with the step's name, and with its dependency if it is a call.
    pub(crate) site: &'static Site,
    pub(crate) request: Option<&'a Arc<Request>>,
    /// The spans around it.
    pub(crate) around: SpanScope<'a>,
    pub(crate) at: Tick,
    pub(crate) outcome: Outcome,
    pub(crate) failure: Option<SpanFailure>,
    /// The type of the error, if a field has it.
    pub(crate) error_type: Option<&'a Redacted<'static>>,
    /// The facts of the call, if the step is one.
    pub(crate) call: Option<CallFacts>,
    /// The fields of the line, as members. `None` if they are those of the span.
    pub(crate) fields: Option<&'a str>,
    pub(crate) recorded: Option<Box<StepExtras>>,
}

/// A span that ended with the request or job that it began.
#[derive(Debug)]
pub(crate) struct EndedRequest<'a> {
    pub(crate) request: &'a Arc<Request>,
    /// The name, if it is a job.
    pub(crate) job: Option<&'static str>,
    pub(crate) at: Tick,
    pub(crate) outcome: Outcome,
    pub(crate) failure: Option<&'a SpanFailure>,
    pub(crate) http_status: Option<u16>,
    pub(crate) grpc_status: Option<u16>,
    pub(crate) route: Option<&'a Redacted<'static>>,
    /// The fields of the span, as members.
    pub(crate) fields: &'a str,
}

impl TimedSpans {
    /// Returns `None` if `levels` name no span.
    pub(crate) fn new(levels: Option<Levels>, hooks: SpanHooks) -> Option<Self> {
        let levels = levels.filter(|levels| levels.max() > LevelFilter::OFF)?;
        Some(TimedSpans { levels, hooks })
    }

    /// Whether spans of this call site are steps. candor's own span of a request is never one.
    pub(crate) fn include(&self, metadata: &Metadata<'_>) -> bool {
        !is_request_span(metadata)
            && (self.levels.allow(metadata.target(), *metadata.level()) || is_of_request(metadata))
    }

    /// The most verbose level at which spans or events are needed.
    pub(crate) fn max(&self) -> LevelFilter {
        // The span and the events of `TraceLayer` have the level DEBUG.
        self.levels.max().max(LevelFilter::DEBUG)
    }
}

/// Whether a span is the one that `tower-http` or `tracing-actix-web` creates for each request.
pub(crate) fn is_of_request(metadata: &Metadata<'_>) -> bool {
    match metadata.name() {
        "request" => metadata.target() == "tower_http::trace::make_span",
        "HTTP request" => metadata.target().starts_with("tracing_actix_web"),
        _ => false,
    }
}

/// Whether an event is that of `#[instrument(err)]`, at any level: its only field is `error`.
pub(crate) fn is_of_err(metadata: &Metadata<'_>) -> bool {
    let mut fields = metadata.fields().iter();
    metadata.is_event()
        && fields.next().is_some_and(|field| field.name() == "error")
        && fields.next().is_none()
}

/// Whether an event reports the response of a request that a span began.
pub(crate) fn is_of_response(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && RESPONSE_EVENTS.contains(&metadata.target())
}
