//! A span for other layers, which may panic.

use std::borrow::Borrow;
use std::mem;

use tracing::Span;
use tracing_core::field::ValueSet;
use tracing_core::span::Id;
use tracing_core::{Dispatch, Metadata, dispatcher};

use super::span_stack::{self, REQUEST_SPAN};
use crate::base::catch::{call_layers, contain};

/// A span that other layers see.
///
/// If a layer panics while the thread unwinds, the panic does not leave the destructor that called it.
#[derive(Debug, Clone)]
pub(crate) struct LayerSpan(
    /// Taken when the span closes.
    Option<Span>,
);

impl LayerSpan {
    pub(crate) fn new(metadata: &'static Metadata<'static>, values: &ValueSet<'_>) -> Option<Self> {
        Self::make(|| Span::new(metadata, values))
    }

    /// The span that is current on this thread, if there is one.
    pub(crate) fn current() -> Option<Self> {
        Self::make(Span::current).filter(|span| span.id().is_some())
    }

    fn make(make: impl FnOnce() -> Span) -> Option<Self> {
        let ask_again = || {
            // The filters of layers would take their answer about this span for that about the next event.
            let _ =
                contain(|| dispatcher::get_default(|subscriber| subscriber.enabled(REQUEST_SPAN)));
        };
        call_layers(make, ask_again).map(|span| LayerSpan(Some(span)))
    }

    #[cfg(feature = "otel")]
    pub(crate) fn span(&self) -> Option<&Span> {
        self.0.as_ref()
    }

    pub(crate) fn id(&self) -> Option<Id> {
        self.0.as_ref()?.id()
    }

    pub(crate) fn record(&self, values: &ValueSet<'_>) {
        if let Some(span) = &self.0 {
            call_layers(
                || {
                    span.record_all(values);
                },
                || {},
            );
        }
    }

    /// Enters the span.
    ///
    /// If a layer panics and the panic reaches the caller, nothing exits the span, so candor's entry is removed here.
    // Not inlined: most steps have no span.
    #[inline(never)]
    pub(crate) fn enter(&self) {
        struct Unentered<'a>(&'a LayerSpan, usize);
        impl Drop for Unentered<'_> {
            fn drop(&mut self) {
                let Unentered(span, depth) = *self;
                let Some(id) = span.id() else { return };
                // Each candor layer has an entry.
                for _ in depth..span_stack::depth() {
                    span_stack::exit(&id);
                }
            }
        }
        let unentered = Unentered(self, span_stack::depth());
        self.with_subscriber(Dispatch::enter, |_| {});
        mem::forget(unentered);
    }

    /// Exits the span.
    ///
    /// If a layer before candor's panics, candor's is not called, so its entry is removed here.
    #[inline(never)]
    pub(crate) fn exit(&self) {
        let depth = span_stack::depth();
        self.with_subscriber(Dispatch::exit, |id| {
            if span_stack::depth() == depth {
                span_stack::exit(id);
            }
        });
    }

    fn with_subscriber(&self, f: impl FnOnce(&Dispatch, &Id), on_panic: impl FnOnce(&Id)) {
        if let Some(span) = &self.0 {
            span.with_subscriber(|(id, subscriber)| {
                call_layers(|| f(subscriber, id), || on_panic(id));
            });
        }
    }
}

impl Drop for LayerSpan {
    #[inline]
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            close(span);
        }
    }
}

#[cold]
#[inline(never)]
fn close(span: Span) {
    call_layers(|| drop(span), || {});
}

/// Keeps a span entered until it is dropped.
#[derive(Debug)]
pub(crate) struct EnteredLayerSpan<S: Borrow<LayerSpan>>(S);

impl<S: Borrow<LayerSpan>> EnteredLayerSpan<S> {
    pub(crate) fn enter(span: S) -> Self {
        span.borrow().enter();
        EnteredLayerSpan(span)
    }
}

impl<S: Borrow<LayerSpan>> Drop for EnteredLayerSpan<S> {
    fn drop(&mut self) {
        self.0.borrow().exit();
    }
}
