//! The whole subscriber where candor alone listens.

use std::any::TypeId;
use std::cell::Cell;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use super::Core;
use crate::base::catch::caught;
use crate::current::{self, spans};
use crate::instrument::context::span::METADATA;

/// candor's layer on a registry of its own.
///
/// Nobody sees the span of a request here but who asks for the current one, to send it elsewhere with
/// what works there: it is made then, and only then.
pub(crate) struct Alone {
    core: Core,
    inner: Layered<Core, Registry>,
}

thread_local! {
    /// The span that was made for who asks, until that one takes it, and whose it is. Who calls
    /// `Dispatch::current_span` itself may only look: what they leave is closed at the next look.
    static OFFERED: Cell<Option<(u64, Id)>> = const { Cell::new(None) };
}

impl Alone {
    pub(crate) fn new(core: Core) -> Self {
        let inner = Registry::default().with(core.clone());
        Alone { core, inner }
    }

    /// Takes what was offered on this thread, if it was by this subscriber and is what is looked for.
    fn take_offered(&self, is_it: impl Fn(&Id) -> bool) -> Option<Id> {
        let offered = OFFERED.try_with(Cell::take).ok().flatten()?;
        if offered.0 == self.core.logger.id && is_it(&offered.1) {
            return Some(offered.1);
        }
        OFFERED.set(Some(offered));
        None
    }
}

impl Subscriber for Alone {
    /// The innermost span of this thread. In a request that no span was entered in, that is the request's own.
    fn current_span(&self) -> Current {
        let here = self.inner.current_span();
        if spans::is_in_one() || !current::request().is_some_and(|request| request.has_id()) {
            return here;
        }
        if let Some(unclaimed) = self.take_offered(|_| true) {
            self.inner.try_close(unclaimed);
        }
        // The registry panics where this thread is past the end of what it keeps there.
        let make = || {
            let values = METADATA.fields().value_set(&[]);
            self.inner.new_span(&Attributes::new(METADATA, &values))
        };
        let Some(id) = caught(make) else { return here };
        if OFFERED.try_with(|offered| offered.set(Some((self.core.logger.id, id.clone())))).is_err()
        {
            self.inner.try_close(id);
            return here;
        }
        Current::new(id, METADATA)
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.take_offered(|offered| offered == id).unwrap_or_else(|| self.inner.clone_span(id))
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
        self.inner.new_span(attributes)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner.record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.inner.record_follows_from(id, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    fn enter(&self, id: &Id) {
        self.inner.enter(id);
    }

    fn exit(&self, id: &Id) {
        self.inner.exit(id);
    }

    fn try_close(&self, id: Id) -> bool {
        self.inner.try_close(id)
    }

    #[expect(deprecated, reason = "who still calls it closes a span")]
    fn drop_span(&self, id: Id) {
        self.inner.drop_span(id);
    }

    #[expect(unsafe_code, reason = "the trait's own method; every line asks for the layer")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Core>() {
            return Some((&raw const self.core).cast());
        }
        if id == TypeId::of::<Self>() {
            return Some((&raw const *self).cast());
        }
        // SAFETY: what is inside lives as long as this does.
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
    fn the_span_of_a_request_is_made_for_who_asks_and_goes_with_them() {
        let subscriber = Config::new().writer(std::io::sink()).subscriber().expect("valid");
        let dispatch = Dispatch::new(subscriber);
        let registry = dispatch.downcast_ref::<Registry>().expect("one under the layer");
        let is_there = |id: &Id| registry.span(id).is_some();
        let look = || dispatch.current_span().id().cloned().expect("a span");
        with_default(&dispatch, || {
            RequestContext::with_id("r").enter_with(|| {
                assert!(registry.current_span().id().is_none(), "nobody asked");
                let asked = Span::current();
                assert_eq!(asked.metadata().map(Metadata::name), Some("candor.request"));
                let id = asked.id().expect("an id");
                let kept = asked.clone();
                drop(asked);
                assert!(is_there(&id));
                kept.in_scope(|| assert_eq!(Span::current().id(), Some(id.clone())));
                drop(kept);
                assert!(!is_there(&id));

                // Who only looks takes none.
                let first = look();
                let second = look();
                assert!(is_there(&second) && !is_there(&first));
                drop(Span::current());
                assert!(!is_there(&second));
            });
        });
    }
}
