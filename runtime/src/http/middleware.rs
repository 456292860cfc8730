//! Integration with reqwest: a middleware that sends the context, and a redirect policy that protects it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue};

use super::outbound::outbound_headers;
use super::site;
use super::trust::DEBUG_LOG;
use crate::format::record::Severity;
use crate::instrument::context;
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::shown;

/// `reqwest-middleware` that adds [`outbound_headers`] to every request of a client.
///
/// A header that the request already has is not replaced. The middleware works with the version of reqwest-middleware
/// that wraps each enabled version of reqwest: 0.4 for reqwest 0.12, and 0.5 for reqwest 0.13.
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

    /// Adds a host that receives the `X-Debug-Log: 1` of the current request.
    ///
    /// The header is sent if [`context::is_debug`](crate::context::is_debug) returns `true`. Default: none. Can be
    /// called for several hosts. The [`Trust`](super::Trust) of that host decides whether it accepts the header.
    pub fn debug_host(mut self, host: impl Into<String>) -> Self {
        self.debug_hosts.push(host.into());
        self
    }

    fn headers_for(&self, host: Option<&str>) -> HeaderMap {
        let mut headers = outbound_headers();
        let is_listed = host.is_some_and(|host| {
            self.debug_hosts.iter().any(|listed| listed.eq_ignore_ascii_case(host))
        });
        if is_listed && context::is_debug() {
            headers.insert(DEBUG_LOG, HeaderValue::from_static("1"));
        }
        headers
    }

    /// Adds the headers that `headers` does not have; returns whether there are any.
    fn add_to(&self, headers: &mut HeaderMap, host: Option<&str>) -> bool {
        let mut has_added = false;
        for (name, value) in self.headers_for(host) {
            if let Some(name) = name
                && !headers.contains_key(&name)
            {
                headers.insert(name, value);
                has_added = true;
            }
        }
        has_added
    }

    /// Reports, once, that a redirect sent the headers to another origin.
    fn report_redirect(&self, url: &str) {
        if self.warned.swap(true, Ordering::Relaxed) {
            return;
        }
        emit::emit(&site::REDIRECTED, Severity::Warn, |out, limit| {
            let mut text = |key: &'static str, value: Shown<'_>| {
                members::open(out, key);
                Encoder::json(out, limit).shown(value);
            };
            text("event", Shown::literal("redirect_followed"));
            text("url", shown::url(url).shown());
            text("detail", Shown::literal(FOLLOWED));
        });
    }
}

const FOLLOWED: &str = "a redirect sent the request's internal headers to another host: build the client with \
     `.redirect(candor::http::same_host_redirects())`";

/// Redirect policy of a supported reqwest version; see [`same_host_redirects`].
///
/// Implemented only for `reqwest::redirect::Policy` of each enabled version.
pub trait RedirectPolicy: sealed::Sealed + fmt::Debug {
    #[doc(hidden)]
    fn same_host() -> Self;
}

mod sealed {
    pub trait Sealed {}
}

/// Returns a reqwest redirect policy that stays within one origin.
///
/// It keeps [`outbound_headers`] and `X-Debug-Log` from other origins. It follows at most ten redirects, like reqwest's
/// default. A redirect to another scheme, host or port is returned as the response instead. The type of the policy is
/// inferred from the client's version of reqwest.
pub fn same_host_redirects<P: RedirectPolicy>() -> P {
    P::same_host()
}

/// Integrates a version of reqwest and the version of reqwest-middleware that wraps it.
macro_rules! reqwest_version {
    ($feature:literal $reqwest:ident $middleware:ident) => {
        #[cfg(feature = $feature)]
        #[async_trait::async_trait]
        impl $middleware::Middleware for ContextMiddleware {
            async fn handle(
                &self,
                mut request: $reqwest::Request,
                extensions: &mut http::Extensions,
                next: $middleware::Next<'_>,
            ) -> $middleware::Result<$reqwest::Response> {
                let origin = request.url().origin();
                let host = request.url().host_str().map(str::to_owned);
                let has_added = self.add_to(request.headers_mut(), host.as_deref());
                let response = next.run(request, extensions).await?;
                if has_added && response.url().origin() != origin {
                    self.report_redirect(response.url().as_str());
                }
                Ok(response)
            }
        }

        #[cfg(feature = $feature)]
        impl sealed::Sealed for $reqwest::redirect::Policy {}

        #[cfg(feature = $feature)]
        impl RedirectPolicy for $reqwest::redirect::Policy {
            fn same_host() -> Self {
                $reqwest::redirect::Policy::custom(|attempt| {
                    let to = attempt.url().origin();
                    if attempt.previous().first().is_some_and(|from| from.origin() == to) {
                        $reqwest::redirect::Policy::limited(10).redirect(attempt)
                    } else {
                        attempt.stop()
                    }
                })
            }
        }
    };
}

reqwest_version!("reqwest_0_12" reqwest_0_12 reqwest_middleware_0_4);
reqwest_version!("reqwest_0_13" reqwest reqwest_middleware);
