//! A response body that knows when it is over.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::completed::{End, Open};

pin_project! {
    /// The body of a response that went through [`RequestLayer`](super::RequestLayer): it ends the
    /// request when it ends itself.
    #[derive(Debug)]
    pub struct CompletedBody<B> where B: Body {
        // There until the whole is dropped; an option so that what it drops then is still the request's.
        #[pin]
        body: Option<B>,
        open: Option<Box<Open>>,
    }

    impl<B> PinnedDrop for CompletedBody<B> where B: Body {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            Open::run(this.open, true);
            let is_whole = this.open.as_deref().is_some_and(Open::is_whole);
            let here = this.open.as_deref_mut().map(Open::enter);
            // A server that knows the length, from the body or from the header, does not ask again
            // after the last byte.
            let is_sent = (*this.body).as_ref().is_some_and(is_over) || is_whole;
            // What it says then is said before its request's end.
            this.body.set(None);
            drop(here);
            Open::run(this.open, false);
            if let Some(open) = this.open
                && is_sent
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
    pub(super) fn new(body: B, open: Box<Open>) -> Self {
        CompletedBody { body: Some(body), open: Some(open) }
    }

    pub(super) fn plain(body: B) -> Self {
        CompletedBody { body: Some(body), open: None }
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
            let _here = open.as_deref_mut().map(Open::enter);
            this.body.as_pin_mut().map_or(Poll::Ready(None), |body| body.poll_frame(cx))
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
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}
