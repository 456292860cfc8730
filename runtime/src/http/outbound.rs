//! What a client sends so that the next service's lines belong to the same request.

use http::{HeaderMap, HeaderValue};

use super::request_id::REQUEST_ID;
use super::trace_context::{self, TRACEPARENT};
use crate::current;

/// `x-request-id` and `traceparent` of the current request, for any HTTP client. Empty outside a
/// request.
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
    if let Ok(id) = HeaderValue::from_str(&request.id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(trace) = &request.trace
        && let Ok(parent) = HeaderValue::from_str(&trace_context::header(trace))
    {
        headers.insert(TRACEPARENT, parent);
    }
    headers
}

/// A `reqwest-middleware` that sends [`outbound_headers`] with every request of its client; a header
/// that the request has already stays.
///
/// ```
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(candor::http::ContextMiddleware)
///     .build();
/// # let _ = client;
/// ```
#[cfg(feature = "reqwest")]
#[derive(Debug, Clone, Copy, Default)]
pub struct ContextMiddleware;

#[cfg(feature = "reqwest")]
#[async_trait::async_trait]
impl reqwest_middleware::Middleware for ContextMiddleware {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware::Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        for (name, value) in outbound_headers() {
            if let Some(name) = name
                && !request.headers().contains_key(&name)
            {
                request.headers_mut().insert(name, value);
            }
        }
        next.run(request, extensions).await
    }
}
