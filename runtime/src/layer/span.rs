//! Spans of other crates: their fields are kept redacted, and they carry the request that they were made in.

use std::sync::Arc;

use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id, Record};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::event::{FieldVisitor, report_hidden, site_of};
use super::timed;
use crate::current::{self, SpanData, span_stack};
use crate::json::members;
use crate::logger::{Logger, dispatch};
use crate::redact::strict;
use crate::site::is_of_step;

/// Capacity in bytes that is enough for the fields of most spans.
const FIELDS_CAPACITY: usize = 64;

pub(super) fn opened<S>(logger: &Logger, attributes: &Attributes<'_>, id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    let barrier = attributes.is_contextual().then(span_stack::barrier).flatten();
    let known = || span.parent().and_then(|parent| SpanData::of(&parent.extensions()));
    let parent = barrier.or_else(known);
    if is_of_step(attributes.metadata()) {
        // The entry fields are the step's own; only what the body records through `tracing` becomes the span's.
        let data = Arc::new(SpanData::new(String::new(), current::request(), parent));
        span.extensions_mut().replace(Arc::clone(&data));
        span_stack::opened_of_step::put(data);
        return;
    }
    let site = site_of(attributes.metadata());
    let mut fields = String::with_capacity(FIELDS_CAPACITY);
    attributes.record(&mut FieldVisitor::new(logger, site, &mut fields));
    let data = match &logger.timed_spans {
        None => SpanData::new(fields, current::request(), parent),
        Some(timed) => timed::opened(logger, timed, attributes, site, fields, parent),
    };
    span.extensions_mut().replace(Arc::new(data));
    if strict::is_reported() {
        let metadata = attributes.metadata();
        report_hidden(logger, "span", metadata, site_of(metadata), |to| attributes.record(to));
    }
}

pub(super) fn recorded<S>(logger: &Logger, id: &Id, values: &Record<'_>, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    if is_of_step(span.metadata()) && dispatch::is_recording() {
        return;
    }
    let Some(data) = SpanData::of(&span.extensions()) else { return };
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
        Some(timed) if timed.is_request() => change(&mut timed.facts().fields),
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

pub(super) fn entered<S>(id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(data) = ctx.span(id).and_then(|span| SpanData::of(&span.extensions())) {
        span_stack::enter(id, data);
    }
}

/// Ends a timed span.
pub(super) fn closed<S>(logger: &Logger, id: &Id, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else { return };
    let data = SpanData::of(&span.extensions());
    if let Some(data) = &data
        && let Some(timed) = data.timed.as_ref().filter(|timed| timed.logger == logger.id)
    {
        let metadata = span.metadata();
        timed::closed(logger, timed, data, metadata, site_of(metadata));
    }
}
