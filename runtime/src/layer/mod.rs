//! The tracing layer: an event of anyone's becomes a record, a span carries the request it was made in.

pub(crate) mod standalone;

mod event;
mod span;

use std::sync::Arc;

use tracing_core::metadata::LevelFilter;
use tracing_core::span::{Attributes, Id, Record as SpanRecord};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::current::spans;
use crate::instrument::context;
use crate::levels;
use crate::logger::Logger;
use crate::site;

/// candor's half of a subscriber; it sits on a `Registry`.
///
/// Alone there it decides what is made at all. Among others it decides nothing, and a [`Wanted`]
/// around it what it hears: that answer is known only while an event is dispatched, so a record that
/// goes to the sink directly could not be refused by it.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    pub(crate) logger: Arc<Logger>,
}

impl<S> tracing_subscriber::Layer<S> for Core
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.logger.alone { interest(&self.logger, metadata) } else { Interest::always() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.lets_pass(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.logger.alone.then(|| max_level(&self.logger))
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
        span::entered(id, &ctx);
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        spans::exit(id);
    }
}

/// Which call sites candor's layer wants.
///
/// It is a filter of the layer's own, so that the spans it refuses are made only where another layer
/// wants them: over a bare `Registry` their call sites are off.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) logger: Arc<Logger>,
}

impl Core {
    fn lets_pass(&self, metadata: &Metadata<'_>) -> bool {
        !self.logger.alone || wants(&self.logger, metadata)
    }
}

/// What is wanted here and now: by every request, or by the current one.
fn wants(logger: &Logger, metadata: &Metadata<'_>) -> bool {
    wants_always(logger, metadata).unwrap_or_else(|| {
        logger.levels.load().allows(metadata)
            || context::asks_for(metadata.target(), *metadata.level())
    })
}

/// What is wanted of a call site, whoever's request it is reached in.
fn interest(logger: &Logger, metadata: &Metadata<'_>) -> Interest {
    let wanted = wants_always(logger, metadata);
    if wanted.unwrap_or_else(|| logger.levels.load().allows(metadata)) {
        Interest::always()
    } else if wanted.is_none() && levels::is_raised_for_some(metadata) {
        Interest::sometimes()
    } else {
        Interest::never()
    }
}

/// Spans for which no level counts.
fn wants_always(logger: &Logger, metadata: &Metadata<'_>) -> Option<bool> {
    if !metadata.is_span() {
        None
    } else if context::span::is_it(metadata) {
        Some(!logger.alone)
    } else {
        site::is_of_step(metadata).then_some(false)
    }
}

/// The request's span is an ERROR: with a lower hint tracing would not ask for it.
fn max_level(logger: &Logger) -> LevelFilter {
    logger.levels.load().max().max(levels::max_raised()).max(LevelFilter::ERROR)
}

impl<S> Filter<S> for Wanted {
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
