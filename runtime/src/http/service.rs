//! The service around a request: sets the context up, then calls the inner service within it.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::beginning;
use super::body::CompletedBody;
use super::completed::{OpenRequest, PanicWatch};
use super::future::ResponseFuture;
use super::settings::Settings;
use crate::instrument::context::RequestSpan;

/// Service produced by [`RequestLayer`](super::RequestLayer).
#[derive(Debug, Clone)]
pub struct RequestService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> RequestService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        RequestService { inner, settings }
    }
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
        let (mut parts, body) = request.into_parts();
        let Some(mut open) = beginning::in_layer(&self.settings, &mut parts) else {
            return ResponseFuture::nested(|| self.inner.call(Request::from_parts(parts, body)));
        };
        open.span = RequestSpan::of_request(&open.request);
        let future = {
            let OpenRequest { request, frame, span, settings, debug, client_request_id, .. } =
                &mut *open;
            // Guards, since a closure would copy the parts of the request.
            let _entered = span.enter_in(frame);
            let watch = PanicWatch::begin(request);
            beginning::announce(settings, request, *debug, client_request_id.as_ref(), &parts);
            let future = self.inner.call(Request::from_parts(parts, body));
            watch.end();
            future
        };
        ResponseFuture::new(future, open)
    }
}
