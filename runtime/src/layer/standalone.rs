//! The subscriber of [`init`](crate::init()), which has candor's layer and no other.
//!
//! # The span on demand
//!
//! A request should have a span, so that tracing's own `.in_current_span()` carries the request. Making one in the
//! registry for each request costs a third of the HTTP layer's time, and hardly any request needs it. So the span is
//! made when code asks for the current span, and belongs to that code alone.
//!
//! This relies on how `tracing::Span::current()` (tracing 0.1) obtains a handle:
//!
//! ```text
//! pub fn current() -> Span {
//!     dispatcher::get_default(|dispatch| {
//!         if let Some((id, meta)) = dispatch.current_span().into_inner() {
//!             let id = dispatch.clone_span(&id);
//!             Self { inner: Some(Inner::new(id, dispatch)), meta: Some(meta) }
//!         } else { Self::none() }
//!     })
//! }
//! ```
//!
//! `current_span` makes a span, whose only reference is kept in [`PENDING_SPAN`]; the `clone_span` that follows on the
//! same thread takes that reference instead of adding one, so that the span closes when the caller drops its handle.
//! Code that calls `Dispatch::current_span` and never clones leaves a pending span, which the next call closes. The
//! unit test of this module fails if a new version of tracing breaks this assumption.
//!
//! # Thread-local destructors
//!
//! The registry panics once its thread-locals are destroyed, and a panic that leaves the destructor of a thread-local
//! aborts the process. So its panics are caught, and a span that it can't make has the id [`NO_SPAN`].

use std::any::TypeId;
use std::cell::Cell;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use crate::base::catch::catch;
use crate::current;
use crate::current::span_stack::{self, REQUEST_SPAN};
use crate::logger::CandorLayer;

/// candor's layer on a registry of its own.
pub(crate) struct StandaloneSubscriber {
    layer: CandorLayer,
    inner: Layered<CandorLayer, Registry>,
}

thread_local! {
    /// The span that `current_span` made and `clone_span` has not taken yet, with the id of the logger that made it.
    static PENDING_SPAN: Cell<Option<(u64, Id)>> = const { Cell::new(None) };
}

/// The id of a span that the registry could not make.
const NO_SPAN: u64 = u64::MAX;

/// Calls the registry for a span. Returns `None` if there is no span, or if the registry panics.
#[inline]
fn call_registry<T>(id: &Id, f: impl FnOnce() -> T) -> Option<T> {
    if id.into_u64() == NO_SPAN { None } else { catch(f) }
}

impl StandaloneSubscriber {
    pub(crate) fn new(layer: CandorLayer) -> Self {
        let inner = Registry::default().with(layer.clone());
        StandaloneSubscriber { layer, inner }
    }

    /// Takes the pending span of this thread, if this subscriber made it and `is_it` accepts it.
    fn take_pending(&self, is_it: impl Fn(&Id) -> bool) -> Option<Id> {
        let pending = PENDING_SPAN.try_with(Cell::take).ok().flatten()?;
        if pending.0 == self.layer.logger.id && is_it(&pending.1) {
            return Some(pending.1);
        }
        let _ = PENDING_SPAN.try_with(|place| place.set(Some(pending)));
        None
    }
}

impl Subscriber for StandaloneSubscriber {
    /// The innermost span of this thread. In a request in which no span is entered, that is the request's own.
    fn current_span(&self) -> Current {
        let here = self.inner.current_span();
        if span_stack::is_in_span() || !current::request().is_some_and(|request| request.has_id()) {
            return here;
        }
        if let Some(unclaimed) = self.take_pending(|_| true) {
            self.try_close(unclaimed);
        }
        let make = || {
            let values = REQUEST_SPAN.fields().value_set(&[]);
            self.inner.new_span(&Attributes::new(REQUEST_SPAN, &values))
        };
        let Some(id) = catch(make) else { return here };
        if PENDING_SPAN
            .try_with(|pending| pending.set(Some((self.layer.logger.id, id.clone()))))
            .is_err()
        {
            self.try_close(id);
            return here;
        }
        Current::new(id, REQUEST_SPAN)
    }

    fn clone_span(&self, id: &Id) -> Id {
        let pending = self.take_pending(|pending| pending == id);
        let cloned = || call_registry(id, || self.inner.clone_span(id));
        pending.or_else(cloned).unwrap_or_else(|| Id::from_u64(NO_SPAN))
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.inner.on_register_dispatch(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        catch(|| self.inner.new_span(attributes)).unwrap_or_else(|| Id::from_u64(NO_SPAN))
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner.record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        call_registry(id, || self.inner.record_follows_from(id, follows));
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn enter(&self, id: &Id) {
        call_registry(id, || self.inner.enter(id));
    }

    fn exit(&self, id: &Id) {
        if call_registry(id, || self.inner.exit(id)).is_none() {
            // The registry panicked before it called candor's layer.
            span_stack::exit(id);
        }
    }

    fn try_close(&self, id: Id) -> bool {
        call_registry(&id.clone(), || self.inner.try_close(id)).unwrap_or(false)
    }

    #[expect(deprecated, reason = "its callers close a span, too")]
    fn drop_span(&self, id: Id) {
        call_registry(&id.clone(), || self.inner.drop_span(id));
    }

    #[expect(unsafe_code, reason = "a method of the trait; a record finds its logger through it")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<CandorLayer>() {
            return Some((&raw const self.layer).cast());
        }
        if id == TypeId::of::<Self>() {
            return Some((&raw const *self).cast());
        }
        // SAFETY: a pointer that is returned must be to a live value of the type `id`. The checks above ensure it for
        // `CandorLayer` and `Self`; for other types `inner` does, whose values live as long as `self`.
        unsafe { self.inner.downcast_raw(id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::instrument::context::RequestContext;
    use tracing::Span;
    use tracing_core::dispatcher::with_default;
    use tracing_subscriber::registry::LookupSpan as _;

    #[test]
    fn the_span_of_a_request_is_made_when_code_asks_for_the_current_span() {
        let subscriber = Config::new().writer(std::io::sink()).subscriber().expect("valid");
        let dispatch = Dispatch::new(subscriber);
        let registry = dispatch.downcast_ref::<Registry>().expect("one under the layer");
        let is_there = |id: &Id| registry.span(id).is_some();
        let look = || dispatch.current_span().id().cloned().expect("a span");
        with_default(&dispatch, || {
            RequestContext::with_id("r").enter_with(|| {
                assert!(registry.current_span().id().is_none(), "no code asked");
                let asked = Span::current();
                assert_eq!(asked.metadata().map(Metadata::name), Some("candor.request"));
                let id = asked.id().expect("an id");
                let kept = asked.clone();
                drop(asked);
                assert!(is_there(&id));
                kept.in_scope(|| assert_eq!(Span::current().id(), Some(id.clone())));
                drop(kept);
                assert!(!is_there(&id));

                // A caller of `current_span` alone holds no reference.
                let first = look();
                let second = look();
                assert!(is_there(&second) && !is_there(&first));
                drop(Span::current());
                assert!(!is_there(&second));
            });
        });
    }
}
