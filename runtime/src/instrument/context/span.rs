//! The span of a request, through which tracing's own `.in_current_span()` carries the request.

use std::borrow::Borrow;
use std::sync::Arc;

use tracing_core::dispatcher;

#[cfg(feature = "otel")]
use super::otel;
use crate::base::catch::{call_layers, contain};
use crate::current::span_stack::{self, REQUEST_SPAN, REQUEST_SPAN_CALLSITE, SpanBarrier};
use crate::current::{self, EnteredLayerSpan, Frame, FrameGuard, LayerSpan, SpanData};
use crate::logger;
use crate::request::Request;
use crate::site::interest_of;

/// The span of a request, or its replacement.
#[derive(Debug, Clone, Default)]
pub(crate) enum RequestSpan {
    #[default]
    Nothing,
    Span(LayerSpan),
    Barrier {
        request: Arc<Request>,
        data: Option<Arc<SpanData>>,
    },
}

impl RequestSpan {
    /// The span of a request, which also joins the capture of this thread and the trace of OpenTelemetry.
    pub(crate) fn of_request(request: &Arc<Request>) -> Self {
        // Attached even if the context was made outside the capture.
        #[cfg(feature = "testing")]
        current::join_capture(request);
        let span = RequestSpan::of(request);
        #[cfg(feature = "otel")]
        match &span {
            RequestSpan::Nothing => {}
            RequestSpan::Span(span) => otel::join(request, span.span()),
            RequestSpan::Barrier { .. } => otel::join(request, None),
        }
        span
    }

    /// Runs a closure in the request, whose frame this is.
    #[inline]
    pub(crate) fn run<T>(&mut self, frame: &mut Frame, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter_in(frame);
        work()
    }

    /// Runs a closure in the request, even if another layer panics when the request's span is entered. That panic is
    /// discarded.
    pub(crate) fn run_in_any_case<T>(&mut self, frame: &mut Frame, work: impl FnOnce() -> T) -> T {
        let _frame = FrameGuard::enter(frame);
        let _entered = contain(|| self.enter());
        work()
    }

    /// Enters the request, whose frame this is, until the guards are dropped, the span first.
    #[inline]
    pub(crate) fn enter_in<'a>(
        &'a mut self,
        frame: &'a mut Frame,
    ) -> (InSpan<&'a LayerSpan>, FrameGuard<&'a mut Frame>) {
        let frame = FrameGuard::enter(frame);
        (self.enter(), frame)
    }

    /// Whether a line about the request would differ if it were written outside the span.
    #[cfg(feature = "http")]
    #[inline]
    pub(crate) fn is_seen(&self) -> bool {
        match self {
            RequestSpan::Nothing => false,
            RequestSpan::Span(_) => true,
            RequestSpan::Barrier { data, .. } => data.is_some() || span_stack::is_in_any(),
        }
    }

    /// The span of a request, which other layers see. If candor's layer is the only one, a barrier does what the span
    /// would do: it hides the spans that were entered around it, and makes its request current if a leaked guard has
    /// left another one. The span itself is then made on demand (see [`standalone`](crate::layer::standalone)).
    fn of(request: &Arc<Request>) -> Self {
        if !current::is_alive() {
            return RequestSpan::Nothing;
        }
        let interest = interest_of(&REQUEST_SPAN_CALLSITE);
        if !interest.is_never() {
            // Layers look for the request on the thread.
            let _frame = FrameGuard::enter(Frame::of(Arc::clone(request)));
            let ask = || dispatcher::get_default(|it| it.enabled(REQUEST_SPAN));
            if (interest.is_always() || call_layers(ask, || {}) == Some(true))
                && let values = REQUEST_SPAN.fields().value_set(&[])
                && let Some(span) = LayerSpan::new(REQUEST_SPAN, &values)
            {
                return RequestSpan::Span(span);
            }
        }
        let data = |around| Arc::new(SpanData::of_request(Arc::clone(request), Some(around)));
        let data = span_stack::innermost().map(data);
        RequestSpan::Barrier { request: Arc::clone(request), data }
    }

    /// The current span, which other layers take as the parent of work that is sent elsewhere. candor needs none, so if
    /// its layer is the only one there is nothing to enter at every poll.
    pub(super) fn of_here() -> Self {
        let span = (!logger::is_only_layer()).then(LayerSpan::current).flatten();
        span.map_or(RequestSpan::Nothing, RequestSpan::Span)
    }

    /// Enters the span, in the frame of its request.
    #[inline]
    pub(super) fn enter(&mut self) -> InSpan<&LayerSpan> {
        match self {
            RequestSpan::Span(span) if current::is_alive() => {
                InSpan::Span { _entered: EnteredLayerSpan::enter(span) }
            }
            RequestSpan::Barrier { request, data } => InSpan::behind_barrier(request, data),
            RequestSpan::Nothing | RequestSpan::Span(_) => InSpan::Nothing,
        }
    }

    pub(super) fn entered(self) -> InSpan<LayerSpan> {
        match self {
            RequestSpan::Nothing => InSpan::Nothing,
            RequestSpan::Span(span) => InSpan::Span { _entered: EnteredLayerSpan::enter(span) },
            RequestSpan::Barrier { request, mut data } => {
                InSpan::behind_barrier(&request, &mut data)
            }
        }
    }
}

/// Keeps the thread in the span until it is dropped.
#[derive(Debug)]
pub(crate) enum InSpan<S: Borrow<LayerSpan>> {
    Nothing,
    Span { _entered: EnteredLayerSpan<S> },
    Barrier { _barrier: SpanBarrier },
}

impl<S: Borrow<LayerSpan>> InSpan<S> {
    /// Most threads are in no span, and in the frame of the request: they need no barrier.
    #[inline]
    fn behind_barrier(request: &Arc<Request>, data: &mut Option<Arc<SpanData>>) -> Self {
        if data.is_none() && !span_stack::is_in_any() && current::is_of(request) {
            return InSpan::Nothing;
        }
        let new = || Arc::new(SpanData::of_request(Arc::clone(request), None));
        let data = Arc::clone(data.get_or_insert_with(new));
        InSpan::Barrier { _barrier: SpanBarrier::enter(data) }
    }
}
