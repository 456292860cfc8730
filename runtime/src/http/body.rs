//! A response body that completes its request.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::completed::{Completion, OpenRequest};

pin_project! {
    /// Response body of a service in a [`RequestLayer`](super::RequestLayer).
    ///
    /// The request completes when the body ends, fails or is dropped.
    #[derive(Debug)]
    pub struct CompletedBody<B> where B: Body {
        // An option only so that the drop can run `B`'s drop within the request.
        #[pin]
        body: Option<B>,
        in_flight: Option<Box<OpenRequest>>,
    }

    impl<B> PinnedDrop for CompletedBody<B> where B: Body {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            OpenRequest::set_running(this.in_flight, true);
            let has_sent_length =
                this.in_flight.as_deref().is_some_and(OpenRequest::has_sent_content_length);
            let entered = this.in_flight.as_deref_mut().map(OpenRequest::enter);
            // A server that knows the length, from the body or from the header, does not poll again after the last byte.
            let is_sent = (*this.body).as_ref().is_some_and(is_over) || has_sent_length;
            // Lines that the drop of `B` writes come before `request_completed`.
            this.body.set(None);
            drop(entered);
            OpenRequest::set_running(this.in_flight, false);
            if let Some(in_flight) = this.in_flight
                && is_sent
            {
                in_flight.complete(Completion::Sent);
            }
        }
    }
}

fn is_over(body: &impl Body) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}

impl<B: Body> CompletedBody<B> {
    pub(super) fn new(body: B, in_flight: Box<OpenRequest>) -> Self {
        CompletedBody { body: Some(body), in_flight: Some(in_flight) }
    }

    /// A body whose request an outer layer completes.
    pub(super) fn untracked(body: B) -> Self {
        CompletedBody { body: Some(body), in_flight: None }
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
        // If the body panics, unwinding drops `in_flight`, which completes the request as panicked.
        let mut in_flight = this.in_flight.take();
        OpenRequest::set_running(&mut in_flight, true);
        let frame = {
            let _entered = in_flight.as_deref_mut().map(OpenRequest::enter);
            this.body.as_pin_mut().map_or(Poll::Ready(None), |body| body.poll_frame(cx))
        };
        OpenRequest::set_running(&mut in_flight, false);
        if let Some(in_flight) = &mut in_flight {
            in_flight.add_frame(&frame);
        }
        *this.in_flight = in_flight;
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}
