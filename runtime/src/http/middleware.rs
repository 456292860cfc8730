//! Integration with reqwest: a middleware that sends the context, and a redirect policy that protects it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue};

use super::outbound::outbound_headers;
use super::site;
use super::trust::DEBUG_LOG;
use crate::format::record::Severity;
use crate::instrument::context;
use crate::json::members;
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::scrub;

/// `reqwest-middleware` that adds [`outbound_headers`] to every request of a client.
///
/// A header that the request already has is not replaced.
///
/// reqwest forwards these headers on redirects. Use [`same_host_redirects`] to keep them from other hosts; otherwise the
/// first cross-host redirect logs a WARN `redirect_followed`.
///
/// ```
/// let client = reqwest::Client::builder().redirect(candor::http::same_host_redirects()).build()?;
/// let client = reqwest_middleware::ClientBuilder::new(client)
///     .with(candor::http::ContextMiddleware::new().debug_host("payments.internal"))
///     .build();
/// # Ok::<(), reqwest::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ContextMiddleware {
    debug_hosts: Vec<String>,
    /// Whether `redirect_followed` has been logged.
    warned: Arc<AtomicBool>,
}

impl ContextMiddleware {
    /// Creates a middleware that sends `X-Debug-Log` to no host.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host that receives `X-Debug-Log: 1` if [`context::is_debug`](crate::context::is_debug) holds for the
    /// current request.
    ///
    /// Default: none. Can be called for several hosts. The [`Trust`](super::Trust) of that host decides whether it accepts
    /// the header.
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

#[async_trait::async_trait]
impl reqwest_middleware::Middleware for ContextMiddleware {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware::Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let origin = request.url().origin();
        let mut has_added = false;
        for (name, value) in self.headers_for(request.url()) {
            if let Some(name) = name
                && !request.headers().contains_key(&name)
            {
                request.headers_mut().insert(name, value);
                has_added = true;
            }
        }
        let response = next.run(request, extensions).await?;
        if has_added
            && response.url().origin() != origin
            && !self.warned.swap(true, Ordering::Relaxed)
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

const FOLLOWED: &str = "a redirect took the internal headers to another host: build the client with \
     `.redirect(candor::http::same_host_redirects())`";

/// Returns a reqwest redirect policy that keeps [`outbound_headers`] and `X-Debug-Log` within one origin.
///
/// It follows at most ten redirects, like reqwest's default. A redirect to another scheme, host or port is returned as the
/// response instead.
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
