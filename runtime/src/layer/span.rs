//! Spans of other crates: their fields are kept redacted, and they carry the request that they were made in.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::event::{FieldVisitor, report_hidden, site_of};
use super::timed::{self, NewSpan};
use crate::current::{self, SpanData, span_stack};
use crate::json::members;
use crate::logger::{Logger, dispatch};
use crate::redact::strict;
use crate::request::Request;
use crate::site::is_of_step;

pub(super) fn opened<S>(logger: &Logger, attributes: &Attributes<'_>, id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    let is_contextual = attributes.is_contextual();
    let entered = is_contextual.then(|| span_stack::parent_for(logger.id)).flatten();
    let known = || span.parent().and_then(|parent| SpanData::of(&parent.extensions(), logger.id));
    // If a layer panicked when a span was entered, the registry may still take that span for the current one.
    let parent =
        if is_contextual && !span_stack::is_in_any() { None } else { entered.or_else(known) };
    let inherited = |parent: Option<Arc<SpanData>>, request: &Option<Arc<Request>>| match parent {
        Some(parent) if is_contextual => inherited(parent, attributes.metadata(), request.as_ref()),
        parent => parent,
    };
    let site = site_of(attributes.metadata());
    if site.is_of_step {
        // The entry fields are the step's own; only what the body records through `tracing` becomes the span's.
        let request = current::request();
        let parent = inherited(parent, &request);
        let data = SpanData::of_span(logger.id, String::new(), request, parent, 0, None);
        let data = Arc::new(data);
        Arc::clone(&data).keep_in(span.extensions_mut());
        span_stack::opened_of_step::put(data);
        return;
    }
    let (mut fields, request, around) = current::for_new_span();
    let parent = inherited(parent, &request);
    attributes.record(&mut FieldVisitor::new(logger, site, &mut fields));
    let data = match &logger.timed_spans {
        // `new_cyclic` allocates before it calls the closure, so the data is written in place.
        None => Arc::new_cyclic(|_| SpanData::of_span(logger.id, fields, request, parent, 0, None)),
        Some(timed) => {
            let span = NewSpan { attributes, site, fields, parent, request, around };
            span.open(logger, timed)
        }
    };
    span_stack::recent::put(id, &data);
    data.keep_in(span.extensions_mut());
    if strict::is_reported() {
        let metadata = attributes.metadata();
        report_hidden(logger, "span", metadata, site, |to| attributes.record(to));
    }
}

/// The span around a new one whose fields it inherits. Work of one request may run in a span of another one: its spans do
/// not inherit the fields of that span, but a request that begins there does.
#[inline(never)]
fn inherited(
    parent: Arc<SpanData>,
    metadata: &Metadata<'_>,
    request: Option<&Arc<Request>>,
) -> Option<Arc<SpanData>> {
    let request = Request::identified(request);
    if span_stack::is_request_span(metadata) || parent.is_seen_by(request) {
        return Some(parent);
    }
    span_stack::innermost_seen_by(request)
}

pub(super) fn recorded<S>(logger: &Logger, id: &Id, values: &Record<'_>, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    if is_of_step(span.metadata()) && dispatch::is_recording() {
        return;
    }
    let Some(data) = SpanData::of(&span.extensions(), logger.id) else { return };
    let mut added = String::new();
    let site = site_of(span.metadata());
    values.record(&mut FieldVisitor::new(logger, site, &mut added));
    if data.timed.as_ref().is_some_and(|timed| !timed.is_request()) {
        timed::drop_control(&mut added, site);
    }
    let change = |fields: &mut String| {
        for member in members::walk(&added, 0) {
            members::remove(fields, member.key);
        }
        fields.push_str(&added);
    };
    match &data.timed {
        Some(timed) if timed.is_request() => {
            timed.change_facts(|facts| change(&mut facts.fields));
        }
        _ => data.change(change),
    }
    if let Some(timed) = &data.timed {
        timed::recorded(timed, site, values);
    }
    if strict::is_reported() {
        let metadata = span.metadata();
        report_hidden(logger, "span", metadata, site_of(metadata), |to| values.record(to));
    }
}

pub(super) fn entered<S>(logger: &Logger, id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(data) = span_stack::recent::take(logger.id, id).or_else(|| look_up(logger, id, ctx))
    {
        span_stack::enter(id, data);
    }
}

/// Ends a timed span.
pub(super) fn closed<S>(logger: &Logger, id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(data) = span_stack::recent::take(logger.id, id).or_else(|| look_up(logger, id, ctx))
        && let Some(timed) = &data.timed
    {
        timed::closed(logger, timed, &data);
    }
}

// Not inlined: usually, the data is at hand.
#[inline(never)]
fn look_up<S>(logger: &Logger, id: &Id, ctx: &Context<'_, S>) -> Option<Arc<SpanData>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    SpanData::of(&ctx.span(id)?.extensions(), logger.id)
}
