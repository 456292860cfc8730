//! The `tower` layer around a service: context in, one `request_completed` out.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::CompletedBody;
use super::completed::{End, Open};
use super::request_id::{self, REQUEST_ID, Sent};
use super::{started, trace_context};
use crate::context::{RequestContext, Scope};

/// Gives every request its context, and writes `request_started` and `request_completed`.
///
/// The id is taken from `X-Request-ID` where that is 1 to 128 characters of `[A-Za-z0-9._-]`, else
/// made (UUID v7); it goes back in the response's header. A W3C `traceparent` is continued.
///
/// # Exactly one end
///
/// A request that got a context writes one `request_completed`, when its response body has gone out,
/// failed or been dropped by a client that went away, or when the handler panicked.
///
/// ```
/// use axum::{Router, routing::get};
///
/// let app: Router = Router::new()
///     .route("/health", get(|| async { "ok" }))
///     .layer(candor::http::RequestLayer::new());
/// # let _ = app;
/// ```
#[derive(Clone, Default)]
pub struct RequestLayer {
    /// Requests come in on tasks of the server's own: they belong to the test that made the layer.
    #[cfg(feature = "testing")]
    capture: Option<crate::testing::Lines>,
}

impl fmt::Debug for RequestLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLayer").finish_non_exhaustive()
    }
}

impl RequestLayer {
    /// The layer with its defaults.
    pub fn new() -> Self {
        RequestLayer {
            #[cfg(feature = "testing")]
            capture: crate::testing::Lines::of_this_thread(),
        }
    }

    fn context<B>(&self, request: &Request<B>, sent: &Sent) -> RequestContext {
        let context = match sent {
            Sent::Valid(id) => RequestContext::with_id(id),
            Sent::Nothing | Sent::Refused(_) => RequestContext::new(),
        };
        let context = context
            .with_method(request.method().as_str())
            .with_path(request.uri().path())
            .with_trace(trace_context::of(request.headers()));
        #[cfg(feature = "testing")]
        if context.request.capture.get().is_none()
            && let Some(capture) = &self.capture
        {
            return context.with_capture(capture.clone());
        }
        context
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService { inner, layer: self.clone() }
    }
}

/// The service that [`RequestLayer`] makes.
#[derive(Debug, Clone)]
pub struct RequestService<S> {
    inner: S,
    layer: RequestLayer,
}

impl<S, B, R> Service<Request<B>> for RequestService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<CompletedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let sent = request_id::sent(request.headers());
        let context = self.layer.context(&request, &sent);
        let client_request_id = match sent {
            Sent::Refused(shown) => Some(shown),
            Sent::Nothing | Sent::Valid(_) => None,
        };
        let is_head = request.method() == Method::HEAD;
        let open = Open::new(context.request.clone(), route(&request), client_request_id.clone());
        let mut open = Some(open);
        Open::run(&mut open, true);
        let future = context.enter_with(|| {
            started::write(&request, client_request_id.as_deref());
            self.inner.call(request)
        });
        Open::run(&mut open, false);
        ResponseFuture { future: context.scope(future), open, is_head }
    }
}

/// The route's pattern, where the router left it.
#[cfg(feature = "axum")]
fn route<B>(request: &Request<B>) -> Option<String> {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map(|matched| matched.as_str().to_owned())
}

#[cfg(not(feature = "axum"))]
fn route<B>(_: &Request<B>) -> Option<String> {
    None
}

pin_project! {
    /// The future of [`RequestService`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        future: Scope<F>,
        open: Option<Open>,
        is_head: bool,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<CompletedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // A panic drops it while unwinding, which ends the request as panicked.
        let mut guard = this.open.take();
        Open::run(&mut guard, true);
        let polled = this.future.poll(cx);
        Open::run(&mut guard, false);
        *this.open = guard;
        let result = ready!(polled);
        let Some(mut open) = this.open.take() else {
            return Poll::Ready(result.map(|response| response.map(CompletedBody::plain)));
        };
        let mut response = match result {
            Ok(response) => response,
            Err(error) => {
                open.end(End::BodyError);
                return Poll::Ready(Err(error));
            }
        };
        if let Ok(id) = HeaderValue::from_str(&open.request().id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        open.responded(&response);
        let bodiless = *this.is_head || has_no_body(response.status());
        if bodiless || response.body().is_end_stream() {
            open.end(End::Sent);
        }
        Poll::Ready(Ok(response.map(|body| CompletedBody::new(body, open))))
    }
}

/// Responses whose body is never asked for (RFC 9110, section 6.4.1).
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
