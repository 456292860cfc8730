//! The future of a request, up to its response headers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::active::{ActiveRequest, RequestScope};
use super::body::CompletedBody;

pin_project! {
    /// Future returned by [`RequestService`](super::RequestService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // Dropped first, so that the lines of its drop come before `request_completed`.
        #[pin]
        future: RequestScope<F>,
        // `None` once it is done.
        active: Option<ActiveRequest>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: RequestScope<F>, active: ActiveRequest) -> Self {
        ResponseFuture { future, active: Some(active) }
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
        // If the handler panics, unwinding drops `active`, which completes the request as panicked.
        let active = this.active.take();
        match (this.future.poll(cx), active) {
            (Poll::Ready(Ok(response)), Some(active)) => {
                let (mut parts, body) = response.into_parts();
                active.insert_id(&mut parts.headers);
                let body = active.begin_response(&parts).wrap(body);
                Poll::Ready(Ok(Response::from_parts(parts, body)))
            }
            (Poll::Ready(Err(error)), Some(active)) => {
                active.fail();
                Poll::Ready(Err(error))
            }
            // A future that is done stays pending.
            (_, active) => {
                *this.active = active;
                Poll::Pending
            }
        }
    }
}
