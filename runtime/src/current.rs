//! What runs on this thread right now: whose request, which step, which dependency call.
//!
//! A scope or a step puts its frame here while it runs (a future: while it is polled) and takes it
//! back afterwards, so that a frame is in one place at a time and moving it costs no atomic.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::context::Request;
use crate::dependency::CallState;
use crate::ending::Written;
use crate::site::Site;

/// The state of the running scope, step or call.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) request: Option<Arc<Request>>,
    /// The call that `dependency::current()` speaks of: the innermost one around.
    pub(crate) call: Option<Arc<CallState>>,
    /// The number of the running step within its request; 0 outside any step.
    pub(crate) step: u32,
    /// Whether a step runs, so that `record` has where to put a field.
    pub(crate) in_step: bool,
    /// Whether a step was begun inside the running one.
    pub(crate) has_inner: bool,
    /// The site whose fields are still to come from inside the body.
    pub(crate) awaits: Option<&'static Site>,
    /// Fields of the running step: from `fields(…)` at entry and from `record`.
    pub(crate) extras: Option<Box<Extras>>,
}

impl Frame {
    /// What a future or closure sent elsewhere works under: the same request, step and call, but not
    /// the fields, which belong to the step that runs here.
    pub(crate) fn fork(&self) -> Frame {
        Frame {
            request: self.request.clone(),
            call: self.call.clone(),
            step: self.step,
            ..Frame::default()
        }
    }
}

/// What only some steps have.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// Fields gathered while the step runs, as members (`,"key":value`).
    pub(crate) members: String,
    /// The span for other layers.
    pub(crate) span: Option<tracing::Span>,
    /// The URL of a call until its state is made.
    pub(crate) url: Option<String>,
    /// Time inside `poll`, where it is asked for.
    pub(crate) busy: Duration,
    /// The first item of a stream that was an error.
    pub(crate) failure: Option<Written>,
}

/// Boxes are used again; one that a huge value grew is not kept.
const POOLED: usize = 32;
const POOLED_BYTES: usize = 16 * 1024;

#[derive(Default)]
struct Thread {
    frame: Frame,
    #[expect(clippy::vec_box, reason = "a step holds a box, which goes back as it is")]
    pool: Vec<Box<Extras>>,
}

thread_local! {
    static THREAD: RefCell<Thread> = RefCell::default();
}

/// Runs `f` with the thread's frame; nothing runs where the thread is past its end, or inside
/// another look at the frame.
fn with_thread<T>(f: impl FnOnce(&mut Thread) -> T) -> Option<T> {
    THREAD.try_with(|thread| thread.try_borrow_mut().ok().map(|mut thread| f(&mut thread))).ok()?
}

/// Whether the thread still has its locals: while they are dropped, spans can't be entered any more.
pub(crate) fn is_alive() -> bool {
    THREAD.try_with(|_| ()).is_ok()
}

/// Puts a frame in place of the running one, which is returned.
pub(crate) fn replace(frame: Frame) -> Frame {
    with_thread(|thread| std::mem::replace(&mut thread.frame, frame)).unwrap_or_default()
}

/// Looks at the running frame. The closure is short and calls no code of the user's.
pub(crate) fn with<T>(f: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    with_thread(|thread| f(&mut thread.frame))
}

/// The request of the running frame.
pub(crate) fn request() -> Option<Arc<Request>> {
    with(|frame| frame.request.clone()).flatten()
}

/// The running frame's request without its count being touched; it is back in its place when this is
/// dropped. Nobody finds the request meanwhile: only for work in which no one else's line is written,
/// since a sink's writer, which is, finds the sink taken.
pub(crate) struct Lent(Option<Arc<Request>>);

impl Lent {
    pub(crate) fn take() -> Self {
        Lent(with(|frame| frame.request.take()).flatten())
    }

    pub(crate) fn request(&self) -> Option<&Arc<Request>> {
        self.0.as_ref()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(request) = self.0.take() {
            with(|frame| frame.request = Some(request));
        }
    }
}

/// Empty fields, from the pool where there are any.
pub(crate) fn take_extras() -> Box<Extras> {
    with_thread(|thread| thread.pool.pop()).flatten().unwrap_or_default()
}

/// Gives fields back to the pool.
pub(crate) fn put_extras(mut extras: Box<Extras>) {
    extras.members.clear();
    extras.span = None;
    extras.url = None;
    extras.busy = Duration::ZERO;
    extras.failure = None;
    if extras.members.capacity() <= POOLED_BYTES {
        with_thread(|thread| {
            if thread.pool.len() < POOLED {
                thread.pool.push(extras);
            }
        });
    }
}

/// Puts the earlier frame back when it is dropped, also while unwinding.
#[derive(Debug)]
pub(crate) struct Restore(Option<Frame>);

impl Restore {
    /// Enters `frame` until the guard is dropped.
    pub(crate) fn enter(frame: Frame) -> Self {
        Restore(Some(replace(frame)))
    }

    /// Leaves the frame now and returns it as it became.
    pub(crate) fn leave(mut self) -> Frame {
        self.0.take().map(replace).unwrap_or_default()
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(frame) = self.0.take() {
            replace(frame);
        }
    }
}
