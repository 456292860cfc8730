//! The future of a request in a tower service, up to its response headers.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::CompletedBody;
use super::completed::{Completion, OpenRequest, PanicWatch};
use super::request_id::REQUEST_ID;
use crate::instrument::context::{RequestContext, Scope};

pin_project! {
    /// Future returned by [`RequestService`](super::RequestService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // Dropped first, so that the lines of its drop come before `request_completed`.
        #[pin]
        future: Scope<F>,
        stage: Stage,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Stage::Open(open) = this.stage {
                PanicWatch::run(&open.request, || this.future.drop_future());
            }
        }
    }
}

#[derive(Debug)]
enum Stage {
    Open(Box<OpenRequest>),
    /// Another layer around this one completes the request.
    Nested,
    Done,
}

impl<F: Future> ResponseFuture<F> {
    /// The future of the inner service, in the scope of its request.
    pub(super) fn new(future: Scope<F>, open: Box<OpenRequest>) -> Self {
        ResponseFuture { future, stage: Stage::Open(open) }
    }

    /// Makes the future of the inner service in the current request, which another layer completes.
    pub(super) fn nested(make: impl FnOnce() -> F) -> Self {
        ResponseFuture { future: RequestContext::scope_of_here(make), stage: Stage::Nested }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<CompletedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // If the handler panics, unwinding drops `open`, which completes the request as panicked.
        let mut open = match mem::replace(this.stage, Stage::Done) {
            Stage::Open(open) => open,
            Stage::Nested => {
                let polled = this.future.poll(cx);
                if polled.is_pending() {
                    *this.stage = Stage::Nested;
                }
                return polled
                    .map_ok(|response| response.map(|body| CompletedBody::new(body, None)));
            }
            Stage::Done => return Poll::Pending,
        };
        let polled = PanicWatch::run(&open.request, || this.future.as_mut().poll(cx));
        let Poll::Ready(result) = polled else {
            *this.stage = Stage::Open(open);
            return Poll::Pending;
        };
        open.frame = this.future.take_frame();
        match result {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                if let Ok(id) = HeaderValue::from_bytes(open.request.id.as_bytes()) {
                    parts.headers.insert(REQUEST_ID, id);
                }
                open.set_response(&parts);
                open.begin_body(&body);
                let body = CompletedBody::new(body, Some(open));
                Poll::Ready(Ok(Response::from_parts(parts, body)))
            }
            Err(error) => {
                open.complete(Completion::Failed);
                Poll::Ready(Err(error))
            }
        }
    }
}
