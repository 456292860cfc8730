//! A record of candor's own on its way to the layers.

use std::sync::Arc;

use super::Logger;
use crate::base::clock::Tick;
use crate::current::scratch::{self, Scratch};
use crate::current::spans::Around;
use crate::current::{self};
use crate::format::record::Severity;
use crate::instrument::context::Request;
use crate::logger;
use crate::redact::loggable::DEFAULT_VALUE_LIMIT;
use crate::site::Site;

/// Writes a record of `site` now, under the current request.
pub(crate) fn emit(site: &'static Site, severity: Severity, fields: impl Fn(&mut String, usize)) {
    if site.may_write(severity) {
        emit_at(site, current::request().as_ref(), severity, Tick::now(), fields);
    }
}

/// The same for a point in time, and for a request that need not be the current one.
pub(crate) fn emit_at(
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    at: Tick,
    fields: impl Fn(&mut String, usize),
) {
    scratch::with(|scratch| emit_with(scratch, site, request, severity, at, None, fields));
}

/// The same with what a line is made with. Other layers see it in `span`. `fields` appends members, with the
/// limit of a value's bytes.
#[inline]
pub(crate) fn emit_with(
    scratch: &mut Scratch,
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    at: Tick,
    span: Option<&tracing::Span>,
    fields: impl Fn(&mut String, usize),
) {
    if !site.enabled_for(severity, request) {
        return;
    }
    let record = site.record(severity, at);
    let direct = logger::if_alone(|logger: &Logger| {
        let named = site.named(severity, logger);
        logger.write_for(scratch, request, &record, Around::Thread, named, |out| {
            fields(out, logger.value_limit);
        });
    });
    if direct.is_none() {
        let mut text = String::new();
        fields(&mut text, DEFAULT_VALUE_LIMIT);
        // The layers look for the request on the thread.
        current::under(request, || site.dispatch(&record, text, span));
    }
}
