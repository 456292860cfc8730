//! The future of a request, up to its response headers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::CompletedBody;
use super::completed::{Completion, OpenRequest};
use super::request_id::REQUEST_ID;
use crate::instrument::context::Scope;

pin_project! {
    /// Future returned by [`RequestService`](super::RequestService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        future: Scope<F>,
        in_flight: Option<Box<OpenRequest>>,
        method: Method,
    }
}

impl<F> ResponseFuture<F> {
    /// Without an `in_flight`, the response passes through unchanged.
    pub(super) fn new(
        future: Scope<F>,
        in_flight: Option<Box<OpenRequest>>,
        method: Method,
    ) -> Self {
        ResponseFuture { future, in_flight, method }
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
        // If the handler panics, unwinding drops `guard`, which completes the request as panicked.
        let mut guard = this.in_flight.take();
        OpenRequest::set_running(&mut guard, true);
        let polled = this.future.poll(cx);
        OpenRequest::set_running(&mut guard, false);
        *this.in_flight = guard;
        let result = ready!(polled);
        let Some(mut in_flight) = this.in_flight.take() else {
            return Poll::Ready(result.map(|response| response.map(CompletedBody::untracked)));
        };
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                in_flight.complete(Completion::Failed);
                return Poll::Ready(Err(error));
            }
        };
        let (mut parts, body) = response.into_parts();
        if let Ok(id) = HeaderValue::from_str(&in_flight.request.id) {
            parts.headers.insert(REQUEST_ID, id);
        }
        in_flight.set_response(&parts);
        let is_sent =
            has_no_body(this.method, parts.status) || in_flight.run(|| body.is_end_stream());
        if is_sent {
            in_flight.complete(Completion::Sent);
        }
        Poll::Ready(Ok(Response::from_parts(parts, CompletedBody::new(body, in_flight))))
    }
}

/// Whether servers skip the body of this response (RFC 9110, section 6.4.1).
fn has_no_body(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || (method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
