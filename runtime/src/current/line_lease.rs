//! The lease of a thread's request and line buffer, held while a step's line is written.

use std::sync::Arc;

use super::line_buffer::LineBuffer;
use super::step_state::StepState;
use super::thread::{ThreadState, with_thread};
use crate::request::Request;

/// The current frame's request, taken without touching its reference count, and the thread's line buffer. Both are
/// returned when the lease ends, even after a panic.
///
/// While the request is leased, the frame has none, so user code that may log must not run. (A sink's writer is user
/// code, but finds the sink locked.)
#[derive(Debug, Default)]
pub(crate) struct LineLease {
    request: Option<Arc<Request>>,
    /// Whether the frame is without its request.
    is_leased: bool,
    buffer: Option<Box<LineBuffer>>,
}

impl LineLease {
    /// Leases the line buffer, for a line of a request that need not be the frame's.
    pub(crate) fn take_buffer(&mut self, thread: &mut ThreadState, request: Option<Arc<Request>>) {
        self.request = request;
        self.buffer = thread.line_buffer.take();
    }

    /// Leases the line buffer and the frame's request. The request is cloned instead if user code may look for it.
    #[inline]
    pub(crate) fn take(&mut self, thread: &mut ThreadState, exclusive: bool) {
        let frame = &mut thread.frame;
        self.request = if exclusive { frame.request.take() } else { frame.request.clone() };
        self.is_leased = exclusive;
        self.buffer = thread.line_buffer.take();
    }

    pub(crate) fn parts(&mut self) -> (Option<&Arc<Request>>, &mut LineBuffer) {
        (self.request.as_ref(), self.buffer.get_or_insert_default())
    }

    /// Ends the lease, and returns the state of the step whose line was written.
    pub(crate) fn end(&mut self, mut state: Box<StepState>) {
        // This drops the step's span, which may run other layers' code, so it comes before the borrow.
        let mut extras = state.clear();
        let mut state = Some(state);
        // If the thread's locals are gone, state and extras are dropped here.
        with_thread(|thread| {
            self.put_back(thread);
            if let Some(extras) = extras.take() {
                thread.keep_extras(extras);
            }
            if let Some(state) = state.take() {
                thread.keep_state(state);
            }
        });
    }

    #[inline]
    fn put_back(&mut self, thread: &mut ThreadState) {
        if self.is_leased {
            thread.frame.request = self.request.take();
            self.is_leased = false;
        }
        if let Some(buffer) = self.buffer.take() {
            thread.keep_line_buffer(buffer);
        }
    }
}

impl Drop for LineLease {
    #[inline]
    fn drop(&mut self) {
        // Only after a panic.
        if self.is_leased {
            with_thread(|thread| self.put_back(thread));
        }
    }
}
