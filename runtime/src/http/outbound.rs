//! Headers that carry the request to the next service.

use http::{HeaderMap, HeaderValue};

use super::request_id::REQUEST_ID;
use super::trace_context::{self, TRACEPARENT, TRACESTATE};
use crate::current;

/// Returns the headers that carry the current request to another service.
///
/// These are `x-request-id`, `traceparent` and, if the caller sent one, `tracestate`. Outside a request the map is empty.
///
/// `traceparent` names the span of the request. In a dependency call it names the span of the call, if spans are exported
/// (feature `otlp`).
///
/// ```
/// use candor::RequestContext;
///
/// let headers = RequestContext::with_id("r-7").enter_with(candor::http::outbound_headers);
/// assert_eq!(headers["x-request-id"], "r-7");
/// assert!(candor::http::outbound_headers().is_empty());
/// ```
pub fn outbound_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(request) = current::request().filter(|request| request.has_id()) else {
        return headers;
    };
    if let Ok(id) = HeaderValue::from_bytes(request.id.as_bytes()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(trace) = request.trace()
        && let Ok(parent) = HeaderValue::from_str(&trace_context::header(trace))
    {
        headers.insert(TRACEPARENT, parent);
        if let Some(state) = trace.state.as_ref().and_then(|state| state.parse().ok()) {
            headers.insert(TRACESTATE, state);
        }
    }
    headers
}
