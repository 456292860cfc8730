//! The trace of a request under `tracing-opentelemetry`: lines and exported spans have the same ids.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::base::catch::call_layers;
use crate::json::hex::Hex;
use crate::request::Request;
use crate::request::trace::Trace;

/// Gives the request's span and its trace the same ids, before the span is entered.
///
/// The span continues the caller's `traceparent`. A span around the request, or the current OpenTelemetry context, is
/// its parent if it belongs to the same trace, or if the caller sent no `traceparent`. Otherwise the span begins a
/// trace. The ids are those of the span, whether it is exported or not. If OpenTelemetry's layer is missing or does not
/// want the span, they are the ids that the HTTP layer or the job made, in the trace of the span around the request.
pub(super) fn join(request: &Request, span: Option<&Span>) {
    let none = Span::none();
    let span = span.unwrap_or(&none);
    // A layer that panics while the thread unwinds would abort the process.
    call_layers(|| join_span(request, span), || {});
}

fn join_span(request: &Request, span: &Span) {
    let known = request.trace.get();
    let stated = known.or(request.trace_received.as_ref());
    let parent = stated.and_then(|trace| parent(trace, known.is_some()));
    let belongs = |around: &Trace| {
        parent.is_none() || stated.is_some_and(|stated| stated.trace_id == around.trace_id)
    };
    let around = around().filter(belongs);
    if around.is_none()
        && let Some(parent) = parent
    {
        // Fails if OpenTelemetry's layer is missing.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    if known.is_some() {
        return;
    }
    let of_span = trace(span.context().span().span_context());
    let received = || {
        let own = request.trace_received.clone()?;
        Some(match around {
            Some(around) => Trace { span_id: own.span_id, ..around },
            None => own,
        })
    };
    if let Some(trace) = of_span.or_else(received) {
        // Another thread that enters the same request may have set it first.
        let _ = request.trace.set(trace);
    }
}

/// The current span, if it belongs to this trace.
#[cfg(feature = "http")]
pub(crate) fn span_of_here(of: &Trace) -> Option<Trace> {
    let context = Span::current().context();
    trace(context.span().span_context()).filter(|here| here.trace_id == of.trace_id)
}

/// The parent that OpenTelemetry would choose.
fn around() -> Option<Trace> {
    let of_tracing = trace(Span::current().context().span().span_context());
    of_tracing.or_else(|| trace(Context::current().span().span_context()))
}

/// The parent that a trace states: the request's own span if it has one already, or its caller's.
fn parent(trace: &Trace, has_span: bool) -> Option<SpanContext> {
    let span_id = if has_span { Some(trace.span_id) } else { trace.parent_id };
    let flags = if trace.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    let state = trace.state.as_deref().unwrap_or_default().parse::<TraceState>();
    let parent = SpanContext::new(
        TraceId::from_hex(trace.trace_id.as_str()).ok()?,
        SpanId::from_hex(span_id?.as_str()).ok()?,
        flags,
        true,
        state.unwrap_or_default(),
    );
    parent.is_valid().then_some(parent)
}

fn trace(span: &SpanContext) -> Option<Trace> {
    span.is_valid().then(|| Trace {
        trace_id: Hex::of(span.trace_id().to_bytes()),
        span_id: Hex::of(span.span_id().to_bytes()),
        parent_id: None,
        sampled: span.is_sampled(),
        link: None,
        state: Some(span.trace_state().header()).filter(|state| !state.is_empty()),
    })
}
