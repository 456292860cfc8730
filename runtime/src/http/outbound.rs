//! What a client sends so that the next service's lines belong to the same request.

#[cfg(feature = "reqwest")]
use std::sync::Arc;
#[cfg(feature = "reqwest")]
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue};

use super::request_id::REQUEST_ID;
#[cfg(feature = "reqwest")]
use super::site;
use super::trace_context::{self, TRACEPARENT, TRACESTATE};
#[cfg(feature = "reqwest")]
use super::trust::DEBUG_LOG;
use crate::current;
#[cfg(feature = "reqwest")]
use crate::format::record::Severity;
#[cfg(feature = "reqwest")]
use crate::instrument::context;
#[cfg(feature = "reqwest")]
use crate::json::members;
#[cfg(feature = "reqwest")]
use crate::logger::emit;
#[cfg(feature = "reqwest")]
use crate::redact::loggable::Encoder;
#[cfg(feature = "reqwest")]
use crate::redact::scrub;

/// `x-request-id`, `traceparent` and the caller's `tracestate` of the current request, for any HTTP client. Empty outside a
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
    if let Some(trace) = request.trace.get()
        && let Ok(parent) = HeaderValue::from_str(&trace_context::header(trace))
    {
        headers.insert(TRACEPARENT, parent);
        if let Some(state) = trace.state.as_ref().and_then(|state| state.parse().ok()) {
            headers.insert(TRACESTATE, state);
        }
    }
    headers
}

/// A `reqwest-middleware` that sends [`outbound_headers`] with every request of its client; a header
/// that the request has already stays.
///
/// A redirect is reqwest's affair, which takes along what it was given: give the client
/// [`same_host_redirects`], and no other host sees these headers. Where another one did, one WARN `redirect_followed`
/// says so.
///
/// ```
/// let client = reqwest::Client::builder().redirect(candor::http::same_host_redirects()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client)
///     .with(candor::http::ContextMiddleware::new().debug_host("payments.internal"))
///     .build();
/// # let _ = client;
/// # Ok::<(), reqwest::Error>(())
/// ```
#[cfg(feature = "reqwest")]
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ContextMiddleware {
    debug_hosts: Vec<String>,
    /// Whether it was said that a redirect took the headers elsewhere.
    warned: Arc<AtomicBool>,
}

#[cfg(feature = "reqwest")]
impl ContextMiddleware {
    /// The middleware with its defaults: no host is asked for detail.
    pub fn new() -> Self {
        Self::default()
    }

    /// A host that gets `X-Debug-Log: 1` where the current request [was asked for its detail](crate::context::is_debug)
    /// itself. What it makes of that is its own [`Trust`](super::Trust)'s affair. Can be called for several hosts.
    pub fn debug_host(mut self, host: impl Into<String>) -> Self {
        self.debug_hosts.push(host.into());
        self
    }

    fn headers_for(&self, url: &reqwest::Url) -> HeaderMap {
        let mut headers = outbound_headers();
        let is_listed = url.host_str().is_some_and(|host| {
            self.debug_hosts.iter().any(|listed| listed.eq_ignore_ascii_case(host))
        });
        if is_listed && context::is_debug() {
            headers.insert(DEBUG_LOG, HeaderValue::from_static("1"));
        }
        headers
    }
}

#[cfg(feature = "reqwest")]
#[async_trait::async_trait]
impl reqwest_middleware::Middleware for ContextMiddleware {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware::Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let (mut has_any, asked) = (false, request.url().origin());
        for (name, value) in self.headers_for(request.url()) {
            if let Some(name) = name
                && !request.headers().contains_key(&name)
            {
                request.headers_mut().insert(name, value);
                has_any = true;
            }
        }
        let response = next.run(request, extensions).await?;
        if has_any && response.url().origin() != asked && !self.warned.swap(true, Ordering::Relaxed)
        {
            emit::emit(&site::REDIRECTED, Severity::Warn, |out, limit| {
                let mut text = |key: &str, value: &str| {
                    members::open(out, key);
                    Encoder::json(out, limit).text(value);
                };
                text("event", "redirect_followed");
                text("url", &scrub::url(response.url().as_str()));
                text("detail", FOLLOWED);
            });
        }
        Ok(response)
    }
}

#[cfg(feature = "reqwest")]
const FOLLOWED: &str = "a redirect took the internal headers to another host: build the client with \
     `.redirect(candor::http::same_host_redirects())`";

/// Redirects as reqwest follows them, at most ten, but never to another host, port or scheme: there the redirect itself is
/// the answer. What a service tells its own other services, such as ids and the debug switch, stays among them.
#[cfg(feature = "reqwest")]
pub fn same_host_redirects() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let to = attempt.url().origin();
        if attempt.previous().first().is_some_and(|from| from.origin() == to) {
            reqwest::redirect::Policy::limited(10).redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}
