//! Requests that are begun and finished by hand.

use std::borrow::Cow;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Response, StatusCode, response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::beginning;
use super::body::{CompletedBody, Owner, in_frame_of};
use super::completed::{Completion, OpenRequest, PanicWatch};
use super::route::Route;
use super::settings::{DEFAULT, Settings};
use crate::current;
use crate::instrument::context::{RequestContext, Scope, SpannedContext};
use crate::redact::shown;
use crate::request::{Origin, Request};

/// Begins a request by hand, with default settings.
///
/// Use this in servers that do not take `tower` layers. It writes `request_started` and returns an [`ActiveRequest`],
/// which runs the handler in the request and writes `request_completed`. The settings are those of
/// [`RequestLayer::new`](super::RequestLayer::new); for others, call
/// [`RequestLayer::begin`](super::RequestLayer::begin).
///
/// `peer` is the address of the connection, a `SocketAddr` or an `Option` of it.
///
/// ```
/// # use std::{future::Future as _, pin::pin, task::{Context, Waker}};
/// # let captured = candor::testing::capture();
/// let (parts, ()) = http::Request::get("/orders/7").header("x-request-id", "r-7").body(())?.into_parts();
/// let peer = std::net::SocketAddr::from(([10, 0, 0, 7], 52_114));
///
/// let work = async {
///     let mut request = candor::http::begin(&parts, peer);
///     request.scope(async { candor::step("load", || ()) }).await;
///     request.set_route("/orders/{id}");
///     assert_eq!(request.id(), "r-7"); // for the response header `x-request-id`
///     request.finish(200);
/// };
/// # assert!(pin!(work).poll(&mut Context::from_waker(Waker::noop())).is_ready());
/// # assert_eq!(captured.step("load").text("request_id"), "r-7");
/// # let line = captured.completed();
/// # assert_eq!((line.text("outcome"), line.text("route")), ("ok", "/orders/{id}"));
/// # assert_eq!((line.integer("status"), line.integer("response_bytes")), (200, 0));
/// # Ok::<(), http::Error>(())
/// ```
///
/// ```text
/// {…,"msg":"step_timing","request_id":"r-7",…,"step":"load","duration_ms":0.001,…}
/// {…,"msg":"request_completed","request_id":"r-7","user_id":"-","method":"GET","path":"/orders/7",…,
///  "status":200,"duration_ms":0.052,"outcome":"ok","response_bytes":0,"route":"/orders/{id}",…}
/// ```
pub fn begin(parts: &Parts, peer: impl Into<Option<SocketAddr>>) -> ActiveRequest {
    ActiveRequest::begin(&DEFAULT, parts, peer.into())
}

/// Request begun by [`begin`] or [`RequestLayer::begin`](super::RequestLayer::begin).
///
/// # One `request_completed` for each request
///
/// | the request ends with | `outcome` |
/// |---|---|
/// | [`finish`](Self::finish) | `error` for 5xx and gRPC server errors, else `ok` |
/// | [`fail`](Self::fail) | `error` |
/// | a panic in [`scope`](Self::scope) or [`run`](Self::run) | `panicked` |
/// | dropping this value, for example because the client disconnected | `cancelled` |
///
/// If the response body is sent later, [`begin_response`](Self::begin_response) returns an [`ActiveResponse`], which
/// completes the request in its place.
///
/// # Nesting
///
/// Inside another HTTP request that has not completed, for example if a middleware is registered twice, the inner
/// `ActiveRequest` does nothing: the code runs in the outer request, which writes the only `request_completed`. A
/// [`RequestLayer`](super::RequestLayer) inside a request begun by hand also passes requests through.
#[derive(Debug)]
#[must_use = "dropping it completes the request as cancelled"]
pub struct ActiveRequest {
    request: SpannedContext,
    /// `None` inside another request, which completes itself.
    open: Option<Box<OpenRequest>>,
}

impl ActiveRequest {
    pub(super) fn begin(
        settings: &Arc<Settings>,
        parts: &Parts,
        peer: Option<SocketAddr>,
    ) -> ActiveRequest {
        if let Some(outer) = beginning::current_request() {
            return Self::within(outer);
        }
        let mut open = beginning::prepare(settings, parts, peer, Origin::ByHand);
        let context = RequestContext { request: Arc::clone(&open.request) };
        let mut request = context.with_span();
        open.span = request.span.clone();
        run(&mut request, &open, || {
            let client_id = open.client_request_id.as_ref();
            beginning::announce(settings, &open.request, open.debug, client_id, parts);
        });
        ActiveRequest { request, open: Some(open) }
    }

    fn within(outer: RequestContext) -> ActiveRequest {
        ActiveRequest { request: outer.without_span(), open: None }
    }

    /// Returns the request id, for the response header `x-request-id`.
    pub fn id(&self) -> &str {
        self.request.context.id()
    }

    /// Runs a future in the request.
    ///
    /// Its steps, events and calls belong to the request. The request is current only while the future is polled or
    /// dropped, so other tasks of the thread are not affected. `scope` can be called several times. A panic of the
    /// future is not caught; it completes the request as `panicked`, unless [`finish`](Self::finish) is called.
    pub fn scope<F: Future>(&self, future: F) -> RequestScope<F> {
        match &self.open {
            Some(open) => RequestScope {
                scope: self.request.scope(future),
                request: Some(Arc::clone(&open.request)),
            },
            None if current::is_of(&self.request.context.request) => {
                RequestScope { scope: RequestContext::scope_of_here(|| future), request: None }
            }
            None => RequestScope { scope: self.request.scope(future), request: None },
        }
    }

    /// Runs a closure in the request, like [`scope`](Self::scope) for a future.
    ///
    /// Use it for a blocking handler, or to call [`context::set_user`](crate::context::set_user).
    ///
    /// ```
    /// use candor::{context, policy::clear};
    ///
    /// # let captured = candor::testing::capture();
    /// let (parts, ()) = http::Request::get("/").body(())?.into_parts();
    /// let mut request = candor::http::begin(&parts, None);
    /// request.run(|| context::set_user(clear("u-1")));
    /// request.finish(204);
    /// # assert_eq!(captured.completed().text("user_id"), "u-1");
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        match &self.open {
            Some(open) => run(&mut self.request, open, work),
            None => in_frame_of(&self.request.context.request, work),
        }
    }

    /// Sets the `route` of `request_completed`, such as `/orders/{id}`.
    ///
    /// Default: the route that axum matched, if the `axum` feature is enabled and the parts contain it; otherwise there
    /// is no `route`. A `&'static str` is logged as is; a `String` and axum's route are scrubbed.
    pub fn set_route(&mut self, route: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.open {
            open.route = Some(Route::Named(match route.into() {
                Cow::Owned(route) => shown::text(&route).into_owned(),
                Cow::Borrowed(route) => route.into(),
            }));
        }
    }

    /// Begins the response, whose body is sent later.
    ///
    /// Reads the status, content type, `Content-Length` and `grpc-status` of `response`, and calls the hooks of
    /// [`response_fields`](super::RequestLayer::response_fields). A response that has no body by definition, such as
    /// that of a `HEAD` request or with the status 204, completes the request at once.
    pub fn begin_response(mut self, response: &response::Parts) -> ActiveResponse {
        if let Some(open) = &mut self.open {
            open.set_response(response);
        }
        let outer = || Owner::Outer(self.request.context);
        ActiveResponse { owner: self.open.map_or_else(outer, Owner::Open) }
    }

    /// Completes the request: the response with this status has been sent.
    ///
    /// `status` is a `u16` or a [`StatusCode`]. A number outside 100 to 999 is not an HTTP status: `request_completed` has
    /// `status` null and the outcome `error`. `response_bytes` is 0; to count the bytes, or to log more of the response,
    /// use [`begin_response`](Self::begin_response).
    pub fn finish(self, status: impl TryInto<StatusCode>) {
        let Ok(status) = status.try_into() else { return self.fail() };
        let mut response = Response::new(());
        *response.status_mut() = status;
        self.begin_response(&response.into_parts().0).finish();
    }

    /// Completes the request as failed: there is no response.
    ///
    /// `request_completed` has the outcome `error`, at ERROR, and `status` is null.
    pub fn fail(self) {
        if let Some(mut open) = self.open {
            open.complete(Completion::Failed);
        }
    }
}

/// Runs code of the service in its request. If it panics, the request completes as panicked.
fn run<T>(request: &mut SpannedContext, open: &OpenRequest, work: impl FnOnce() -> T) -> T {
    request.run(|| PanicWatch::run(&open.request, work))
}

pin_project! {
    /// Future returned by [`ActiveRequest::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RequestScope<F> {
        #[pin]
        scope: Scope<F>,
        // `None` inside another request, which detects panics itself.
        request: Option<Arc<Request>>,
    }

    impl<F> PinnedDrop for RequestScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(request) = this.request {
                PanicWatch::run(request, || this.scope.drop_future());
            }
        }
    }
}

impl<F: Future> Future for RequestScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.request {
            Some(request) => PanicWatch::run(request, || this.scope.poll(cx)),
            None => this.scope.poll(cx),
        }
    }
}

/// Response of an [`ActiveRequest`] whose body is being sent.
///
/// Completes the request when the body has been sent ([`finish`](Self::finish)), when it fails ([`fail`](Self::fail)),
/// or when this value is dropped: as `ok` if all bytes of `Content-Length` were added, else as `cancelled`.
///
/// ```
/// # let captured = candor::testing::capture();
/// let (request, ()) = http::Request::get("/export").body(())?.into_parts();
/// let (response, ()) = http::Response::builder().header("content-type", "text/csv").body(())?.into_parts();
///
/// let mut response = candor::http::begin(&request, None).begin_response(&response);
/// for chunk in ["id,total\n", "7,1250\n"] {
///     response.add_bytes(chunk.len());
/// }
/// response.finish();
///
/// // {…,"msg":"request_completed",…,"status":200,…,"content_type":"text/csv","response_bytes":16,…}
/// # let line = captured.completed();
/// # assert_eq!((line.integer("status"), line.integer("response_bytes")), (200, 16));
/// # assert_eq!(line.text("content_type"), "text/csv");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it completes the request as cancelled"]
pub struct ActiveResponse {
    owner: Owner,
}

impl ActiveResponse {
    /// Runs a closure in the request, for example to poll the body.
    ///
    /// A panic completes the request as `panicked`.
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.owner.run(work)
    }

    /// Adds to `response_bytes`.
    pub fn add_bytes(&mut self, bytes: usize) {
        if let Owner::Open(open) = &mut self.owner {
            open.add_bytes(bytes);
        }
    }

    /// Reads the `grpc-status` from the trailers of the response.
    pub fn set_trailers(&mut self, trailers: &HeaderMap) {
        if let Owner::Open(open) = &mut self.owner {
            open.set_grpc_status(trailers);
        }
    }

    /// Wraps a body, which completes the request when it ends, fails or is dropped.
    pub fn wrap<B: Body>(mut self, body: B) -> CompletedBody<B> {
        if let Owner::Open(open) = &mut self.owner {
            open.begin_body(&body);
        }
        CompletedBody::new(body, self.owner)
    }

    /// Completes the request: the whole body has been sent.
    pub fn finish(mut self) {
        self.complete(Completion::Sent);
    }

    /// Completes the request as failed: the body could not be sent to its end.
    ///
    /// `request_completed` has the outcome `error`, at ERROR, and the status of the response.
    pub fn fail(mut self) {
        self.complete(Completion::Failed);
    }

    fn complete(&mut self, completion: Completion) {
        if let Owner::Open(open) = &mut self.owner {
            open.complete(completion);
        }
    }
}
