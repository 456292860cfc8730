//! Writes the records of sites: directly if candor's layer is the only one, through `tracing` otherwise.

use std::sync::Arc;

use super::Logger;
use crate::base::clock::Tick;
use crate::current::span_stack::SpanScope;
use crate::current::{self, LayerSpan, LineBuffer};
use crate::format::record::{ContextKeys, Severity};
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::request::Request;
use crate::site::Site;

/// Writes a record of `site` now, in the current request. `fields` appends members; its number is the maximum length of
/// a value in bytes.
pub(crate) fn emit(site: &'static Site, severity: Severity, fields: impl Fn(&mut String, usize)) {
    if site.may_write(severity) {
        emit_at(site, current::request().as_ref(), severity, Tick::now(), fields);
    }
}

/// Writes a record of `site` at a point in time, in a request that need not be the current one. Returns whether candor
/// wrote its line.
pub(crate) fn emit_at(
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    at: Tick,
    fields: impl Fn(&mut String, usize),
) -> bool {
    current::with_line_buffer(|buffer| {
        emit_with(buffer, site, request, severity, at, None, false, fields)
    })
}

/// Like [`emit_at`], with a line buffer.
///
/// Other layers see the record in `span`. `takes_context` is true if a field replaces a value of the context.
#[inline]
#[expect(clippy::too_many_arguments, reason = "the parts of a line")]
pub(crate) fn emit_with(
    buffer: &mut LineBuffer,
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    at: Tick,
    span: Option<&LayerSpan>,
    takes_context: bool,
    fields: impl Fn(&mut String, usize),
) -> bool {
    if !site.is_enabled_for(severity, request) {
        return false;
    }
    let mut record = site.record(severity, at);
    if takes_context {
        record.context_keys = ContextKeys::Replaced;
    }
    let direct = super::if_only_layer(|logger: &Logger| {
        let prefix = site.prefix(severity, &logger.template);
        logger.write_for(buffer, request, &record, SpanScope::Thread, prefix, |out| {
            fields(out, logger.value_limit);
        })
    });
    direct.unwrap_or_else(|| {
        let mut text = String::new();
        fields(&mut text, DEFAULT_VALUE_LIMIT);
        // The layers look for the request on the thread.
        current::with_request(request, || site.dispatch(&record, text, span))
    })
}
