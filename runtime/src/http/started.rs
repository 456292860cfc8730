//! The `request_started` line.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, header};

use super::request_id::REQUEST_ID;
use super::site;
use crate::base::clock::Tick;
use crate::format::record::Severity;
use crate::instrument::query;
use crate::json::members;
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;
use crate::redact::shown::{self, Redacted};
use crate::request::Request;

pub(super) fn write(
    request: &Arc<Request>,
    parts: &Parts,
    client_request_id: Option<&Redacted<'_>>,
) {
    if !site::STARTED.may_write(Severity::Debug) {
        return;
    }
    // A hook may have left behind the guard of another request.
    let request = Some(request);
    emit::emit_at(&site::STARTED, request, Severity::Debug, Tick::now(), |out, limit| {
        members::text(out, "event", "request_started");
        if let Some(query) = parts.uri.query() {
            members::open(out, "query");
            query::write(query, limit, out);
        }
        members::open(out, "headers");
        out.push_str(headers(&parts.headers, client_request_id.is_some()).as_json());
        for (key, name) in
            [("content_type", header::CONTENT_TYPE), ("content_length", header::CONTENT_LENGTH)]
        {
            if let Some(value) = header_text(&parts.headers, &name) {
                members::open(out, key);
                match value.as_str().parse::<u64>() {
                    Ok(length) => Encoder::json(out, limit).u64(length),
                    Err(_) => Encoder::json(out, limit).shown(&value),
                }
            }
        }
        if let Some(id) = client_request_id {
            members::open(out, "client_request_id");
            Encoder::json(out, limit).shown(id);
        }
    });
}

/// The headers without a rejected request id, which is logged scrubbed as `client_request_id`.
fn headers(map: &HeaderMap, is_id_rejected: bool) -> scrub::Json {
    if !is_id_rejected {
        return scrub::headers(map);
    }
    let mut map = map.clone();
    map.remove(REQUEST_ID);
    scrub::headers(&map)
}

/// Returns the scrubbed text of a header.
fn header_text(headers: &HeaderMap, name: &header::HeaderName) -> Option<Redacted<'static>> {
    Some(shown::header(name.as_str(), headers.get(name)?.as_bytes()))
}
