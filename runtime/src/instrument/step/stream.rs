//! A stream that is a step, from its first poll to its end or its drop.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::future::{Entry, Polled, Slot};
use crate::outcome::result::CallResult;

pin_project! {
    /// A stream that is a step.
    #[must_use = "streams do nothing unless polled"]
    pub struct StepStream<S, C> {
        #[pin]
        stream: S,
        slot: Slot,
        read: C,
    }

    impl<S, C> PinnedDrop for StepStream<S, C> {
        fn drop(this: Pin<&mut Self>) {
            this.project().slot.leave();
        }
    }
}

impl<S, C> fmt::Debug for StepStream<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepStream").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl<S, C> StepStream<S, C> {
    /// A stream that is a step; `read` tells whether an item is an error, and the first one that is
    /// decides how the stream ended.
    pub fn new<T>(entry: impl Into<Entry>, stream: S, read: C) -> Self
    where
        S: Stream<Item = T>,
        C: for<'a> Fn(&'a T) -> CallResult<'a>,
    {
        StepStream { stream, slot: Slot::new(entry.into()), read }
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
        if this.slot.is_held_back(cx) {
            return Poll::Pending;
        }
        let polled = this.slot.enter();
        let poll = this.stream.poll_next(cx);
        Polled::leave(polled);
        match &poll {
            Poll::Pending => {}
            Poll::Ready(None) => {
                if let Some(now) = this.slot.ends_at() {
                    this.slot.end(now, &CallResult::OK);
                }
            }
            Poll::Ready(Some(item)) => this.slot.item(|| (this.read)(item)),
        }
        poll
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
