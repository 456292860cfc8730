//! A response body that knows when it is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::completed::{End, Open};
use crate::current::{self, Restore};

pin_project! {
    /// The body of a response that went through [`RequestLayer`](super::RequestLayer): it ends the
    /// request when it ends itself.
    #[derive(Debug)]
    pub struct CompletedBody<B> where B: Body {
        #[pin]
        body: B,
        open: Option<Open>,
    }

    impl<B> PinnedDrop for CompletedBody<B> where B: Body {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // A server that knows the length, from the body or from the header, does not ask again
            // after the last byte.
            if let Some(open) = this.open
                && (is_over(&this.body) || open.is_whole())
            {
                open.end(End::Sent);
            }
        }
    }
}

fn is_over(body: &impl Body) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}

impl<B: Body> CompletedBody<B> {
    pub(super) fn new(body: B, open: Open) -> Self {
        CompletedBody { body, open: Some(open) }
    }

    pub(super) fn plain(body: B) -> Self {
        CompletedBody { body, open: None }
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
        // Taken while the body runs, so that a panic ends the request as panicked.
        let mut open = this.open.take();
        Open::run(&mut open, true);
        let frame = {
            let _restore = open.as_ref().map(|open| {
                Restore::enter(current::Frame {
                    request: Some(Arc::clone(open.request())),
                    ..current::Frame::default()
                })
            });
            this.body.poll_frame(cx)
        };
        Open::run(&mut open, false);
        if let Some(open) = &mut open {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        open.bytes += bytes::Buf::remaining(data) as u64;
                    }
                    // The last frame: a server does not ask for one behind it.
                    if let Some(trailers) = frame.trailers_ref() {
                        open.grpc_answered(trailers);
                        open.end(End::Sent);
                    }
                }
                Poll::Ready(Some(Err(_))) => open.end(End::BodyError),
                Poll::Ready(None) => open.end(End::Sent),
                Poll::Pending => {}
            }
        }
        *this.open = open;
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
