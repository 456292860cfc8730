//! The future of a request in a tower service, up to its response headers.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{CompletedBody, Owner};
use super::completed::{Completion, OpenRequest};
use super::request_id::REQUEST_ID;
use crate::current::{self, DroppingUnfinished, Frame, FrameGuard};

pin_project! {
    /// Future returned by [`RequestService`](super::RequestService).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // `None` once it is done. An option, so that the future can be dropped within its request.
        #[pin]
        future: Option<F>,
        stage: Stage,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_none() {
                return;
            }
            // Lines that are logged while the future is dropped come before `request_completed`.
            this.stage.run(|| {
                let _dropping = DroppingUnfinished::begin();
                this.future.set(None);
            });
        }
    }
}

#[derive(Debug)]
enum Stage {
    Open(Box<OpenRequest>),
    /// Another layer around this one completes the request, whose frame this is.
    Nested(Option<Frame>),
    Done,
}

impl Stage {
    /// Runs code of the inner service in its request.
    fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        match self {
            Stage::Open(open) => open.run(work),
            Stage::Nested(frame) => {
                let _entered = frame.as_mut().map(FrameGuard::enter);
                work()
            }
            Stage::Done => work(),
        }
    }
}

impl<F: Future> ResponseFuture<F> {
    /// The future of the inner service, in its request.
    pub(super) fn new(future: F, open: Box<OpenRequest>) -> Self {
        ResponseFuture { future: Some(future), stage: Stage::Open(open) }
    }

    /// Makes the future of the inner service in the current request, which another layer completes.
    pub(super) fn nested(make: impl FnOnce() -> F) -> Self {
        let stage = Stage::Nested(current::frame_to_send());
        ResponseFuture { future: Some(make()), stage }
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
        // If the handler panics, the drop of this future completes the request as panicked.
        let polled = this.stage.run(|| {
            let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
            let result = ready!(future.poll(cx));
            this.future.set(None);
            let has_end = result.as_ref().is_ok_and(|response| response.body().is_end_stream());
            Poll::Ready((result, has_end))
        });
        let (result, has_end) = ready!(polled);
        let Stage::Open(mut open) = mem::replace(this.stage, Stage::Done) else {
            let result = result.map(|it| it.map(|body| CompletedBody::new(body, Owner::Layer)));
            return Poll::Ready(result);
        };
        open.reset_frame();
        match result {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                if let Ok(id) = HeaderValue::from_bytes(open.request.id.as_bytes()) {
                    // Fails if the header map of the response is full.
                    let _ = parts.headers.try_insert(REQUEST_ID, id);
                }
                open.set_response(&parts);
                if has_end {
                    open.complete(Completion::Sent);
                }
                let body = CompletedBody::new(body, Owner::Open(open));
                Poll::Ready(Ok(Response::from_parts(parts, body)))
            }
            Err(error) => {
                open.complete(Completion::Failed);
                Poll::Ready(Err(error))
            }
        }
    }
}
