//! The span of a request: in it, tracing's own `.in_current_span()` takes the request along.

use std::sync::Arc;

use tracing::Span;
use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Attributes;
use tracing_core::{Level, Metadata, dispatcher, identify_callsite};

use super::Request;
use crate::current::{self, Frame, Restore};
use crate::layer::entered::{self, Shield, SpanData};

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

/// What the span is made of where candor makes it for who asks: spans around it are known by its data.
pub(crate) fn with_attributes<T>(make: impl FnOnce(&Attributes<'_>) -> T) -> T {
    make(&Attributes::new_root(METADATA, &METADATA.fields().value_set(&[])))
}

/// The span of a request, or what stands in its place.
#[derive(Debug)]
pub(super) enum RequestSpan {
    Nothing,
    Span(Span),
    /// Where candor alone listens there is none, until someone asks for it. All that it would do is to keep the
    /// spans out that were entered around it: its data, where there are any.
    Shield(Option<Arc<SpanData>>),
}

impl RequestSpan {
    pub(super) fn of(request: &Arc<Request>) -> Self {
        if !current::is_alive() {
            return RequestSpan::Nothing;
        }
        let interest = CALLSITE.interest();
        let is_wanted = !interest.is_never()
            && (interest.is_always() || dispatcher::get_default(|it| it.enabled(METADATA)));
        if is_wanted {
            // The layer reads the context when the span is made, from the thread.
            let frame = Frame { request: Some(Arc::clone(request)), ..Frame::default() };
            let _here = Restore::enter(frame);
            RequestSpan::Span(Span::new(METADATA, &METADATA.fields().value_set(&[])))
        } else {
            let data = |around| Arc::new(SpanData::of_request(Arc::clone(request), Some(around)));
            RequestSpan::Shield(entered::innermost().map(data))
        }
    }

    /// Enters it, in the frame of its request.
    #[inline]
    pub(super) fn enter(&mut self) -> Inside<tracing::span::Entered<'_>> {
        match self {
            RequestSpan::Span(span) if current::is_alive() => {
                Inside::Span { _entered: span.enter() }
            }
            RequestSpan::Shield(data) => Self::shield(data).map_or(Inside::Nothing, Inside::from),
            RequestSpan::Nothing | RequestSpan::Span(_) => Inside::Nothing,
        }
    }

    pub(super) fn entered(self) -> Inside<tracing::span::EnteredSpan> {
        match self {
            RequestSpan::Nothing => Inside::Nothing,
            RequestSpan::Span(span) => Inside::Span { _entered: span.entered() },
            RequestSpan::Shield(mut data) => {
                Self::shield(&mut data).map_or(Inside::Nothing, Inside::from)
            }
        }
    }

    /// Most threads are in no span.
    #[inline]
    fn shield(data: &mut Option<Arc<SpanData>>) -> Option<Shield> {
        if data.is_none() && !entered::is_in_any() {
            return None;
        }
        if data.is_none() {
            *data = current::request().map(|request| Arc::new(SpanData::of_request(request, None)));
        }
        data.clone().map(Shield::enter)
    }
}

/// Until it is dropped, the thread is in the span.
#[derive(Debug)]
pub(super) enum Inside<E> {
    Nothing,
    Span { _entered: E },
    Shield { _shield: Shield },
}

impl<E> From<Shield> for Inside<E> {
    fn from(shield: Shield) -> Self {
        Inside::Shield { _shield: shield }
    }
}
