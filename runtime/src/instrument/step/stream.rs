//! A stream that is a step, from its first poll to its end or its drop.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::future::{PollGuard, PolledStep, StepStart};
use crate::outcome::result::CallResult;

pin_project! {
    /// A stream that is a step.
    #[must_use = "streams do nothing unless polled"]
    pub struct StepStream<S, C> {
        #[pin]
        stream: S,
        polled: PolledStep,
        read: C,
    }

    impl<S, C> PinnedDrop for StepStream<S, C> {
        fn drop(this: Pin<&mut Self>) {
            this.project().polled.enter_for_drop();
        }
    }
}

impl<S, C> fmt::Debug for StepStream<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepStream").field("step", &self.polled).finish_non_exhaustive()
    }
}

impl<S, C> StepStream<S, C> {
    /// Makes a stream a step.
    ///
    /// `read` reads whether an item is an error; the first error is the outcome of the stream.
    pub fn new<T>(start: impl Into<StepStart>, stream: S, read: C) -> Self
    where
        S: Stream<Item = T>,
        C: for<'a> Fn(&'a T) -> CallResult<'a>,
    {
        StepStream { stream, polled: PolledStep::new(start.into()), read }
    }
}

impl<S, C> Stream for StepStream<S, C>
where
    S: Stream,
    C: for<'a> Fn(&'a S::Item) -> CallResult<'a>,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        #[cfg(feature = "testing")]
        if this.polled.is_delayed(cx) {
            return Poll::Pending;
        }
        let guard = this.polled.enter();
        let poll = this.stream.poll_next(cx);
        PollGuard::leave(guard);
        match &poll {
            Poll::Pending => {}
            Poll::Ready(None) => {
                if let Some(now) = this.polled.ends_at() {
                    this.polled.end(now, &CallResult::OK);
                }
            }
            Poll::Ready(Some(item)) => this.polled.item(|| (this.read)(item)),
        }
        poll
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
