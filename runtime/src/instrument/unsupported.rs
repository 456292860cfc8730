//! The `unsupported_response` line.
//!
//! A call returned a type of a known client crate that no enabled feature reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::clock::Tick;
use crate::current::LineBuffer;
use crate::format::record::Severity;
use crate::json::members;
use crate::logger::emit;
use crate::outcome::unsupported::Unsupported;
use crate::redact::shown;
use crate::request::Request;
use crate::site::{Site, event_sites};

event_sites! {
    UNSUPPORTED = "unsupported_response" WARN "deps" [dependency operation type detail].uncapped();
}

/// Reports, once per call site, that only the `Result` of a call determines its outcome.
#[cold]
pub(super) fn report(
    site: &'static Site,
    unsupported: Unsupported,
    request: Option<&Arc<Request>>,
    buffer: &mut LineBuffer,
    at: Tick,
) {
    // A line that is off now may be turned on later.
    let is_enabled = UNSUPPORTED.is_enabled_for(Severity::Warn, request);
    if !is_enabled || site.has_reported_unsupported.swap(true, Ordering::Relaxed) {
        return;
    }
    emit::emit_with(buffer, &UNSUPPORTED, request, Severity::Warn, at, None, false, |out, _| {
        members::text(out, "event", "unsupported_response");
        members::text(out, "dependency", site.dependency());
        members::text(out, "operation", site.spec.name);
        members::text(out, "type", unsupported.type_name());
        members::text(out, "detail", &shown::text(&unsupported.detail()));
    });
}
