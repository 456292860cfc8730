//! candor's layer: events of other crates become records, and a span carries the request that it was made in.

pub(crate) mod standalone;

pub(crate) mod event;
mod span;
pub(crate) mod timed;

use std::sync::Arc;
use std::time::Instant;

use tracing_core::metadata::LevelFilter;
use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::base::timer;
use crate::current::{self, span_stack};
use crate::logger::timed_spans::{self, TimedSpans};
use crate::logger::{CandorLayer, Logger, notices};
use crate::{levels, site};

/// As the only layer it filters globally. With other layers it lets everything pass, and a [`LayerFilter`] around it
/// filters for it alone. The answer of a per-layer filter is known only while an event is dispatched, so a record that
/// went directly to the sink would bypass it.
impl<S> tracing_subscriber::Layer<S> for CandorLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.logger.is_only_layer {
            interest(&self.logger, metadata)
        } else {
            Interest::always()
        }
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        if subscriber.downcast_ref::<CandorLayer>().is_none() {
            // Written by another thread, since this one holds a lock of `tracing` that a log call of the writer waits for.
            let logger = Arc::clone(&self.logger);
            let _ = timer::schedule(Instant::now(), move || notices::layer_is_hidden(&logger));
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        !self.logger.is_only_layer || wants(&self.logger, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.logger.is_only_layer.then(|| max_level(&self.logger))
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        event::write(&self.logger, event, &ctx);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        span::opened(&self.logger, attributes, id, &ctx);
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, ctx: Context<'_, S>) {
        span::recorded(&self.logger, id, values, &ctx);
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        span::entered(&self.logger, id, &ctx);
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        span_stack::exit(id);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        if self.logger.timed_spans.is_some() {
            span::closed(&self.logger, &id, &ctx);
        }
    }
}

/// Which call sites candor's layer wants, as a per-layer filter: a span that it refuses is made only if another layer
/// wants it.
#[derive(Debug, Clone)]
pub(crate) struct LayerFilter {
    pub(crate) logger: Arc<Logger>,
}

/// Whether a call site is wanted now: by every request, or by the current one.
fn wants(logger: &Logger, metadata: &Metadata<'_>) -> bool {
    wants_always(logger, metadata).unwrap_or_else(|| {
        let level = level_of(metadata);
        logger.levels.load().allow(metadata.target(), level)
            || current::raises(metadata.target(), level)
    })
}

/// The level by which a call site is filtered. The span of a step whose recorded fields are on its line is enabled if
/// the line of a failure is.
fn level_of(metadata: &Metadata<'_>) -> Level {
    if site::is_recordable(metadata) { Level::ERROR } else { *metadata.level() }
}

/// The interest in a call site over all requests.
fn interest(logger: &Logger, metadata: &Metadata<'_>) -> Interest {
    let wanted = wants_always(logger, metadata);
    let is_allowed = || logger.levels.load().allow(metadata.target(), level_of(metadata));
    if wanted.unwrap_or_else(is_allowed) {
        Interest::always()
    } else if wanted.is_none() && levels::is_raised_for_any(metadata) {
        Interest::sometimes()
    } else {
        Interest::never()
    }
}

/// Whether a call site is enabled or disabled regardless of the levels. `None` if the levels determine it.
fn wants_always(logger: &Logger, metadata: &Metadata<'_>) -> Option<bool> {
    if !metadata.is_span() {
        let is_needed = logger.timed_spans.is_some()
            && (timed_spans::is_of_response(metadata) || timed_spans::is_of_err(metadata));
        is_needed.then_some(true)
    } else if span_stack::is_request_span(metadata) {
        Some(!logger.is_only_layer)
    } else if site::is_of_step(metadata) {
        (!site::is_recordable(metadata)).then_some(false)
    } else {
        let timed = logger.timed_spans.as_ref()?;
        timed.include(metadata).then_some(true)
    }
}

/// At least ERROR, the level of the request's span: below it, tracing would not make that span.
fn max_level(logger: &Logger) -> LevelFilter {
    let timed = logger.timed_spans.as_ref().map_or(LevelFilter::OFF, TimedSpans::max);
    logger.levels.load().max().max(levels::max_raised()).max(timed).max(LevelFilter::ERROR)
}

impl<S> Filter<S> for LayerFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        wants(&self.logger, metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(&self.logger, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level(&self.logger))
    }
}
