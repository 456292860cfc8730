//! Where a capture's lines are kept; it goes where the context goes.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use crate::current::{self, Frame};
use crate::instrument::context::Request;

/// The lines of one capture. Work that carries its context holds it too, and may outlive it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Store>>);

#[derive(Debug, Default)]
pub(super) struct Store {
    /// Each with the request it is of, by which a line is told from that of another one under the same id.
    pub(super) lines: Vec<(Weak<Request>, String)>,
    pub(super) written: String,
    /// How long calls to a dependency are held back, the latest last, each under a number of its own.
    pub(super) delays: Vec<(u64, String, Duration)>,
    end: End,
}

/// A capture that is over takes no line; until nothing else stands on it, it keeps the frame of before.
#[derive(Debug, Default)]
enum End {
    #[default]
    Open,
    Over(Option<Frame>),
}

impl Lines {
    /// The capture of what runs here.
    pub(crate) fn of_this_thread() -> Option<Self> {
        current::with(|frame| frame.request.as_ref()?.capture.get().cloned()).flatten()
    }

    /// The place for the capture that a new request of this thread belongs to. One made before there
    /// was a capture joins that of where it is first entered.
    pub(crate) fn place() -> OnceLock<Self> {
        Self::of_this_thread().map_or_else(OnceLock::new, OnceLock::from)
    }

    /// Puts a request that belongs to no capture yet into that of this thread.
    pub(crate) fn join(place: &OnceLock<Self>) {
        if place.get().is_none()
            && let Some(lines) = Self::of_this_thread()
        {
            let _ = place.set(lines);
        }
    }

    pub(crate) fn push(&self, request: &Arc<Request>, line: &str) {
        let mut store = self.store();
        if matches!(store.end, End::Open) {
            store.lines.push((Arc::downgrade(request), line.to_owned()));
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.store().lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Ends the capture. Captures may be dropped in any order: what was there before this one comes back
    /// when those that were begun inside it are over too.
    pub(super) fn end(&self, before: Frame) {
        {
            let mut store = self.store();
            store.end = End::Over(Some(before));
            store.delays.clear();
        }
        while let Some(before) = Self::of_the_frame().and_then(|lines| lines.take_before()) {
            current::replace(before);
        }
    }

    /// The capture whose own frame is that of this thread: no request was entered since.
    fn of_the_frame() -> Option<Self> {
        let own = |frame: &mut Frame| frame.request.clone().filter(|request| !request.has_id());
        current::with(own).flatten()?.capture.get().cloned()
    }

    fn take_before(&self) -> Option<Frame> {
        match &mut self.store().end {
            End::Open => None,
            End::Over(before) => before.take(),
        }
    }
}
