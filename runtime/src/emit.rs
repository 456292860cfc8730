//! A record of candor's own on its way to the layers.

use std::sync::Arc;

use crate::clock::Tick;
use crate::context::Request;
use crate::current;
use crate::logger::{self, Logger};
use crate::record::{Record, Severity};
use crate::site::Site;

/// Bytes of one value where no layer of candor's says how many it may have.
const VALUE_LIMIT: usize = 4 * 1024;

/// Writes a record of `site` now, under the given request or the current one.
pub(crate) fn emit(
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    fields: impl Fn(&mut String, usize),
) {
    emit_at(site, request, severity, Tick::now(), fields);
}

/// The same for a point in time. `fields` appends members, with the limit of a value's bytes.
pub(crate) fn emit_at(
    site: &'static Site,
    request: Option<&Arc<Request>>,
    severity: Severity,
    at: Tick,
    fields: impl Fn(&mut String, usize),
) {
    if !site.enabled(severity) {
        return;
    }
    let record = Record {
        at,
        severity,
        logger: site.spec.target,
        message: site.spec.event,
        capped: site.capped(),
    };
    let direct = logger::if_alone(|logger: &Logger| {
        let named = site.named(severity, logger);
        logger.write_for(request, &record, named, |out| fields(out, logger.value_limit));
    });
    if direct.is_none() {
        let mut text = String::new();
        fields(&mut text, VALUE_LIMIT);
        // The layers look for the request on the thread.
        let _here = request.map(|request| {
            let known = current::with(|frame| frame.fork()).unwrap_or_default();
            current::Restore::enter(current::Frame { request: Some(Arc::clone(request)), ..known })
        });
        site.dispatch(record, text);
    }
}
