//! The span of a request: in it, tracing's own `.in_current_span()` takes the request along.

use std::sync::Arc;

use tracing::Span;
use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::{Level, Metadata, dispatcher, identify_callsite};

use super::Request;
use crate::current::spans::{self, Shield, SpanData};
use crate::current::{self, Frame, Restore};

static CALLSITE: DefaultCallsite = DefaultCallsite::new(METADATA);

pub(crate) static METADATA: &Metadata<'static> = &Metadata::new(
    "candor.request",
    "candor",
    Level::ERROR,
    Some(file!()),
    Some(line!()),
    Some(module_path!()),
    FieldSet::new(&[], identify_callsite!(&CALLSITE)),
    Kind::SPAN,
);

pub(crate) fn is_it(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == METADATA.callsite()
}

/// The span of a request, or what stands in its place.
#[derive(Debug)]
pub(super) enum RequestSpan {
    Nothing,
    Span(Span),
    Shield { request: Arc<Request>, data: Option<Arc<SpanData>> },
}

impl RequestSpan {
    /// Where candor alone listens there is no span, until someone asks for it, but only what the span would do: it keeps
    /// out those that were entered around it, and brings its request back where a guard of another one was left behind.
    pub(super) fn of(request: &Arc<Request>) -> Self {
        if !current::is_alive() {
            return RequestSpan::Nothing;
        }
        let interest = CALLSITE.interest();
        if !interest.is_never() {
            // Layers look for the request on the thread.
            let frame = Frame { request: Some(Arc::clone(request)), ..Frame::default() };
            let _here = Restore::enter(frame);
            if interest.is_always() || dispatcher::get_default(|it| it.enabled(METADATA)) {
                let span = Span::new(METADATA, &METADATA.fields().value_set(&[]));
                return RequestSpan::Span(span);
            }
        }
        let data = |around| Arc::new(SpanData::of_request(Arc::clone(request), Some(around)));
        RequestSpan::Shield { request: Arc::clone(request), data: spans::innermost().map(data) }
    }

    /// Enters it, in the frame of its request.
    #[inline]
    pub(super) fn enter(&mut self) -> InSpan<tracing::span::Entered<'_>> {
        match self {
            RequestSpan::Span(span) if current::is_alive() => {
                InSpan::Span { _entered: span.enter() }
            }
            RequestSpan::Shield { request, data } => InSpan::behind(request, data),
            RequestSpan::Nothing | RequestSpan::Span(_) => InSpan::Nothing,
        }
    }

    pub(super) fn entered(self) -> InSpan<tracing::span::EnteredSpan> {
        match self {
            RequestSpan::Nothing => InSpan::Nothing,
            RequestSpan::Span(span) => InSpan::Span { _entered: span.entered() },
            RequestSpan::Shield { request, mut data } => InSpan::behind(&request, &mut data),
        }
    }
}

/// Until it is dropped, the thread is in the span.
#[derive(Debug)]
pub(super) enum InSpan<E> {
    Nothing,
    Span { _entered: E },
    Shield { _shield: Shield },
}

impl<E> InSpan<E> {
    /// Most threads are in no span, and in the frame of the request.
    #[inline]
    fn behind(request: &Arc<Request>, data: &mut Option<Arc<SpanData>>) -> Self {
        if data.is_none() && !spans::is_in_any() && current::is_of(request) {
            return InSpan::Nothing;
        }
        let new = || Arc::new(SpanData::of_request(Arc::clone(request), None));
        InSpan::Shield { _shield: Shield::enter(Arc::clone(data.get_or_insert_with(new))) }
    }
}
