//! The future that keeps a context current while it is polled and dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::frame_to_carry;
use super::span::RequestSpan;
use crate::current::span_stack::{self, CarriedContext};
use crate::current::{DroppingUnfinished, Frame, FrameGuard, SpanData};

/// Future returned by [`RequestContext::scope`](super::RequestContext::scope).
pub type Scope<F> = InContext<F>;

/// Extension trait for `.in_context()` on futures.
pub trait InContextExt: Future + Sized {
    /// Runs this future in the current context, on any task or thread.
    ///
    /// ```
    /// # mod tokio { pub fn spawn<F: Future>(_: F) {} }
    /// use candor::prelude::*;
    ///
    /// async fn place_order() {
    ///     let receipt = async { candor::info!("receipt sent") };
    ///     tokio::spawn(receipt.in_context()); // {…,"msg":"receipt sent","request_id":"r-7",…}
    /// }
    /// ```
    fn in_context(self) -> InContext<Self> {
        let mut sent = InContext::new(self, frame_to_carry(), RequestSpan::of_here());
        sent.context = span_stack::context_to_send();
        sent
    }
}

impl<F: Future> InContextExt for F {}

pin_project! {
    /// Future returned by [`InContextExt::in_context`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        // `None` once it is done. An option, so that the future can be dropped within its context.
        #[pin]
        future: Option<F>,
        frame: Option<Frame>,
        span: RequestSpan,
        // Of the steps in which the work was sent.
        context: Option<Arc<SpanData>>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_future();
        }
    }
}

impl<F> InContext<F> {
    pub(super) fn new(future: F, frame: Option<Frame>, span: RequestSpan) -> Self {
        InContext { future: Some(future), frame, span, context: None }
    }

    /// Drops the future within its context, unless it is done.
    pub(crate) fn drop_future(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.future.is_none() {
            return;
        }
        let _frame = this.frame.as_mut().map(FrameGuard::enter);
        let _span = this.span.enter();
        let _context = this.context.as_mut().map(CarriedContext::enter);
        let _dropping = DroppingUnfinished::begin();
        this.future.set(None);
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _frame = this.frame.as_mut().map(FrameGuard::enter);
        let _span = this.span.enter();
        let _context = this.context.as_mut().map(CarriedContext::enter);
        let polled =
            this.future.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx));
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}
