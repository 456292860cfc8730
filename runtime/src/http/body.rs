//! A response body that completes its request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::completed::{Completion, OpenRequest, PanicWatch};
use crate::base::catch;
use crate::current::{self, DroppingUnfinished, FrameGuard};
use crate::instrument::context::RequestContext;
use crate::request::Request;

pin_project! {
    /// Response body of a service in a [`RequestLayer`](super::RequestLayer), or of
    /// [`ActiveResponse::wrap`](super::ActiveResponse::wrap).
    ///
    /// The request completes when the body ends, fails or is dropped.
    #[derive(Debug)]
    pub struct CompletedBody<B> where B: Body {
        // An option only so that the drop can run `B`'s drop within the request.
        #[pin]
        body: Option<B>,
        owner: Owner,
    }

    impl<B> PinnedDrop for CompletedBody<B> where B: Body {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let open = match this.owner {
                Owner::Open(open) => open,
                outer => return outer.run(|| this.body.set(None)),
            };
            let (is_running, takes_length) = (open.is_running(), open.ends_with_last_byte());
            let is_sent = open.run(|| {
                // A server that knows the length of the body does not poll it again after the last byte. The body would
                // abort the process if it panicked while the thread unwinds.
                let body = (*this.body).as_ref().filter(|_| is_running);
                let ask = || body.is_some_and(|body| is_sent(body, takes_length));
                let is_sent = catch::while_unwinding(ask).unwrap_or(false);
                let _dropping = (is_running && !is_sent).then(DroppingUnfinished::begin);
                // Lines that the drop of `B` writes come before `request_completed`.
                this.body.set(None);
                is_sent
            });
            if is_sent {
                open.complete(Completion::Sent);
            }
        }
    }
}

/// The request of a response body.
#[derive(Debug)]
pub(super) enum Owner {
    Open(Box<OpenRequest>),
    /// Another request by hand around this one completes it.
    Outer(RequestContext),
    /// A layer around this one completes the request, and runs the body in it.
    Layer,
}

impl Owner {
    /// Runs code of the body in its request.
    pub(super) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        match self {
            Owner::Open(open) => open.run(work),
            Owner::Outer(outer) => in_frame_of(&outer.request, work),
            Owner::Layer => work(),
        }
    }
}

/// Runs code in a request. If that is current already, so is its step.
pub(super) fn in_frame_of<T>(request: &Arc<Request>, work: impl FnOnce() -> T) -> T {
    let is_current = current::is_of(request);
    let _entered =
        (!is_current).then(|| FrameGuard::enter(current::Frame::of(Arc::clone(request))));
    work()
}

/// Whether the server has taken the whole body.
fn is_sent(body: &impl Body, takes_length: bool) -> bool {
    body.is_end_stream() || takes_length && body.size_hint().exact() == Some(0)
}

impl<B: Body> CompletedBody<B> {
    pub(super) fn new(body: B, owner: Owner) -> Self {
        CompletedBody { body: Some(body), owner }
    }

    /// Runs code of the body. If it panics, the request completes as panicked.
    fn ask<T>(&self, question: impl FnOnce(Option<&B>) -> T) -> T {
        let question = || question(self.body.as_ref());
        match &self.owner {
            Owner::Open(open) => {
                PanicWatch::run(&open.request, || in_frame_of(&open.request, question))
            }
            Owner::Outer(outer) => in_frame_of(&outer.request, question),
            Owner::Layer => question(),
        }
    }
}

impl<B: Body> Body for CompletedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        // If the body panics, its drop completes the request as panicked.
        let (frame, bytes) = this.owner.run(|| {
            let frame =
                this.body.as_pin_mut().map_or(Poll::Ready(None), |body| body.poll_frame(cx));
            let bytes = match &frame {
                Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Buf::remaining),
                _ => 0,
            };
            (frame, bytes)
        });
        if let Owner::Open(open) = this.owner {
            open.add_frame(&frame, bytes);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.ask(|body| body.is_none_or(Body::is_end_stream))
    }

    fn size_hint(&self) -> SizeHint {
        self.ask(|body| body.map_or_else(SizeHint::default, Body::size_hint))
    }
}
