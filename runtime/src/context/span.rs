//! The span of a request, in which tracing's own `.in_current_span()` takes it along.

use tracing::Span;
use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Attributes;
use tracing_core::{Level, Metadata, dispatcher, identify_callsite};

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

/// Whether it is made at every request: where candor alone listens, it is only made for who asks for it.
pub(super) fn is_wanted() -> bool {
    let interest = CALLSITE.interest();
    !interest.is_never()
        && (interest.is_always() || dispatcher::get_default(|it| it.enabled(METADATA)))
}

/// A new one, of the request that is the current one.
pub(super) fn new() -> Span {
    Span::new(METADATA, &METADATA.fields().value_set(&[]))
}

/// What such a span is made of.
pub(crate) fn with_attributes<T>(make: impl FnOnce(&Attributes<'_>) -> T) -> T {
    make(&Attributes::new(METADATA, &METADATA.fields().value_set(&[])))
}

pub(crate) fn is_it(metadata: &Metadata<'_>) -> bool {
    metadata.callsite() == METADATA.callsite()
}
