//! The lines of a capture, which its request contexts share.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::base::lock;
use crate::current::{self, Frame};
use crate::request::capture::Capture;

/// Shared handle to the lines of a capture.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Store>>);

#[derive(Debug, Default)]
pub(super) struct Store {
    /// Each line with the serial number of its request.
    pub(super) lines: Vec<(u64, String)>,
    /// The lines in the format that `capture_with` configured.
    pub(super) written: String,
    /// Delays of dependency calls, each with its guard's number.
    pub(super) delays: Vec<(u64, String, Duration)>,
    is_over: bool,
    /// If the capture is over: the frame that was current before it, until it is current again.
    before: Option<Frame>,
}

impl Capture for Mutex<Store> {
    fn push(&self, request: u64, line: &str) {
        let mut store = lock(self);
        if !store.is_over {
            store.lines.push((request, line.to_owned()));
        }
    }

    fn delay_of(&self, dependency: &str) -> Option<Duration> {
        let store = lock(self);
        let latest = store.delays.iter().rev().find(|(_, name, _)| name == dependency);
        latest.map(|(.., delay)| *delay)
    }
}

impl Lines {
    /// Returns the lines of the capture that is current on this thread.
    pub(super) fn of_this_thread() -> Option<Self> {
        Self::of(current::capture()?)
    }

    fn of(capture: Arc<dyn Capture>) -> Option<Self> {
        let capture: Arc<dyn Any + Send + Sync> = capture;
        capture.downcast().ok().map(Lines)
    }

    pub(super) fn capture(&self) -> Arc<dyn Capture> {
        Arc::<Mutex<Store>>::clone(&self.0)
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.0)
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.store().lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Ends the capture, and restores the frame that was current before. Captures may be dropped in any order: a frame
    /// whose capture is over is left as soon as it is current again.
    pub(super) fn end(&self, before: Frame) {
        {
            let mut store = self.store();
            (store.is_over, store.before) = (true, Some(before));
            store.delays.clear();
        }
        while let Some(mut before) =
            Self::of_the_frame().and_then(|lines| lines.store().before.take())
        {
            current::swap_frame(&mut before);
        }
    }

    /// Returns the lines of the current frame, if it is the own frame of a capture.
    fn of_the_frame() -> Option<Self> {
        let request = current::request().filter(|request| !request.has_id())?;
        Self::of(Arc::clone(request.capture.get()?))
    }
}
