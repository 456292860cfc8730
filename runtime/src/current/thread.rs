//! The state of a thread: its frame, the frames that guards displaced, and pools.
//!
//! The state is borrowed only briefly, and no user code runs meanwhile. Dropping a frame may drop the last reference to
//! a request, which may run other layers' code, so frames are dropped after the borrow.

use std::borrow::BorrowMut;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use tracing_core::Level;

use super::call::CallState;
use super::deferred;
use super::frame::{Frame, SavedFrame, StepExtras};
use super::line_buffer::LineBuffer;
use super::step_state::{POOLED_BYTES, StepState};
use super::timed_span;
use crate::base::catch::thread_end;
use crate::base::clock::Tick;
use crate::base::serial;
use crate::redact::shown::Redacted;
use crate::request::Request;
use crate::request::overrides::RequestOverrides;
use crate::site::Site;

/// How many boxes of a kind a thread keeps.
const POOLED: usize = 64;

#[derive(Default)]
pub(crate) struct ThreadState {
    pub(crate) frame: Frame,
    last_token: u64,
    /// The frames that [`UserGuard`]s displaced, each with its guard's token, the outermost first.
    entered: Vec<(u64, Frame)>,
    /// The tokens of the steps in [`deferred`] that this thread began.
    deferred: BTreeSet<u64>,
    #[expect(clippy::vec_box, reason = "a step holds the box, and returns it")]
    states: Vec<Box<StepState>>,
    #[expect(clippy::vec_box, reason = "a step holds the box, and returns it")]
    extras: Vec<Box<StepExtras>>,
    /// The state of the last call on the fast path, for the next call.
    call: Option<Arc<CallState>>,
    /// Empty buffers for the fields of spans.
    fields: Vec<String>,
    /// Taken while a line is written.
    pub(crate) line_buffer: Option<Box<LineBuffer>>,
}

thread_local! {
    // Tokens of two threads differ, since a frame may move to another thread with a guard that was leaked in it.
    static THREAD: RefCell<ThreadState> = RefCell::new(ThreadState::new());
}

impl ThreadState {
    fn new() -> Self {
        thread_end::watch();
        ThreadState { last_token: serial::next() << 32, ..ThreadState::default() }
    }

    /// A token for a step or guard, from 1.
    #[inline]
    pub(crate) fn next_token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }

    /// A state from the pool.
    #[inline]
    pub(crate) fn take_state(&mut self) -> Option<Box<StepState>> {
        self.states.pop()
    }

    /// Returns the state of a step or call that had no span, and its extras.
    #[inline(always)]
    pub(crate) fn keep_plain(
        &mut self,
        mut state: Box<StepState>,
        extras: Option<Box<StepExtras>>,
    ) {
        state.clear_fields();
        if let Some(mut call) = state.call.take()
            && call.clear()
        {
            self.call = Some(call);
        }
        if let Some(extras) = extras {
            self.keep_extras(extras);
        }
        keep(&mut self.states, state);
    }

    #[inline]
    pub(super) fn keep_state(&mut self, state: Box<StepState>) {
        keep(&mut self.states, state);
    }

    #[inline]
    pub(crate) fn keep_extras(&mut self, mut extras: Box<StepExtras>) {
        extras.clear();
        if extras.members.capacity() <= POOLED_BYTES {
            keep(&mut self.extras, extras);
        }
    }

    /// Returns the buffer that a line was written into.
    #[inline]
    pub(crate) fn keep_line_buffer(&mut self, mut buffer: Box<LineBuffer>) {
        buffer.shrink();
        self.line_buffer = Some(buffer);
    }

    /// Pops the step with this token if it is the innermost one; returns the time of the steps inside it, and its
    /// extras. `took` is its own duration.
    #[inline(always)]
    pub(crate) fn pop_step(
        &mut self,
        token: u64,
        saved: &mut SavedFrame,
        took: u64,
    ) -> Option<(u64, Option<Box<StepExtras>>)> {
        if self.frame.token != token {
            return None;
        }
        let popped = self.frame.pop_step(saved);
        self.frame.add_inner(took);
        if deferred::has_any() {
            self.apply_deferred();
        }
        Some(popped)
    }

    /// Pops the innermost step, which is a span that is being exited and may be entered again. Returns the time of the
    /// steps inside it, and its extras.
    #[inline(always)]
    pub(super) fn pop_entered(&mut self, saved: &mut SavedFrame) -> (u64, Option<Box<StepExtras>>) {
        let popped = self.frame.pop_step(saved);
        if deferred::has_any() {
            self.apply_deferred();
        }
        popped
    }

    /// Pops the innermost step, which is an error-only one, and returns its extras.
    #[inline]
    pub(crate) fn pop_error_only(
        &mut self,
        outer_step: u32,
        outer_token: u64,
        outer_extras: Option<Box<StepExtras>>,
    ) -> Option<Box<StepExtras>> {
        self.frame.step = outer_step;
        self.frame.token = outer_token;
        let extras = mem::replace(&mut self.frame.extras, outer_extras);
        if deferred::has_any() {
            self.apply_deferred();
        }
        extras
    }

    /// Schedules the pop of a step that ended out of order, and returns its request, found by its serial number. Fields
    /// that were recorded in the step are lost.
    #[cold]
    pub(crate) fn defer_pop(
        &mut self,
        token: u64,
        saved: &mut SavedFrame,
        call: Option<&Arc<CallState>>,
        serial: u64,
    ) -> Option<Arc<Request>> {
        let mut saved = mem::take(saved);
        saved.end_call(call, &mut self.frame);
        drop(deferred::add_step(token, saved, &mut self.deferred));
        let entered = self.entered.iter().rev().map(|(_, frame)| frame);
        let mut requests =
            [&self.frame].into_iter().chain(entered).filter_map(|frame| frame.request.as_ref());
        requests.find(|request| request.serial == serial).cloned()
    }

    #[cold]
    fn apply_deferred(&mut self) {
        let mut are_any = false;
        while let Some(mut saved) =
            deferred::take_step(self.frame.token, self.last_token, &mut self.deferred)
        {
            are_any = true;
            saved.complete(&self.frame);
            if let (_, Some(extras)) = self.frame.pop_step(&mut saved) {
                self.keep_extras(extras);
            }
        }
        if let Some(request) = self.frame.request.as_ref().filter(|_| are_any) {
            deferred::close_steps_of(request);
        }
    }

    /// Completes the exchange of the current frame: leaves a context whose guard was dropped elsewhere, and pops the
    /// steps that ended elsewhere. Returns the frames that were left.
    #[cold]
    fn apply_elsewhere(&mut self) -> Vec<Frame> {
        let mut left = Vec::new();
        while self.frame.entered_by != 0
            && let Some(frame) = deferred::restore(&mut self.frame)
        {
            left.push(frame);
        }
        self.apply_deferred();
        left
    }
}

/// Puts an item into its pool, unless the pool is full.
#[inline]
fn keep<T>(pool: &mut Vec<T>, item: T) {
    if pool.len() < pool.capacity() || make_room(pool) {
        pool.push(item);
    }
}

#[cold]
fn make_room<T>(pool: &mut Vec<T>) -> bool {
    let has_room = pool.len() < POOLED;
    if has_room {
        pool.reserve_exact(POOLED / 4);
    }
    has_room
}

/// Runs `f` with the thread's state. Returns `None` without running `f` if the thread's locals are gone or the state is
/// already borrowed. `f` must not call user code.
#[inline]
pub(crate) fn with_thread<T>(f: impl FnOnce(&mut ThreadState) -> T) -> Option<T> {
    THREAD.try_with(|thread| thread.try_borrow_mut().ok().map(|mut thread| f(&mut thread))).ok()?
}

/// Runs `f` with the current frame, under the conditions of [`with_thread`].
pub(crate) fn with<T>(f: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    with_thread(|thread| f(&mut thread.frame))
}

/// Whether the thread still has its locals. While they are dropped, spans can't be entered any more.
pub(crate) fn is_alive() -> bool {
    THREAD.try_with(|_| ()).is_ok()
}

/// Exchanges a frame for the current one.
// Inlined into both of its callers, an async step takes 35 instructions more.
#[inline(never)]
pub(crate) fn swap_frame(frame: &mut Frame) {
    swap_only(frame);
    complete_swap();
}

/// Exchanges a frame for the current one, and drops nothing. Call [`complete_swap`] afterwards.
#[inline(always)]
pub(super) fn swap_only(frame: &mut Frame) {
    with_thread(|thread| mem::swap(&mut thread.frame, frame));
}

/// Leaves contexts and pops steps that ended while the frame was not current.
#[inline(always)]
pub(super) fn complete_swap() {
    if deferred::has_any() {
        apply_elsewhere();
    }
}

// Not part of the exchange, which would make an async step take 20 instructions more.
#[cold]
#[inline(never)]
fn apply_elsewhere() {
    // What was left is dropped after the borrow.
    let _left = with_thread(ThreadState::apply_elsewhere);
}

thread_local! {
    /// When this thread began to drop an unfinished future, in nanoseconds of a [`Tick`]; 0 if it is not dropping one.
    static DROPPING: Cell<u64> = const { Cell::new(0) };
}

/// Guard that marks this thread as dropping an unfinished future.
#[derive(Debug)]
pub(crate) struct DroppingUnfinished(
    /// The previous mark.
    u64,
);

impl DroppingUnfinished {
    pub(crate) fn begin() -> Self {
        let now = if timed_span::is_on() { Tick::now().nanos() } else { 0 };
        DroppingUnfinished(DROPPING.try_with(|since| since.replace(now)).unwrap_or_default())
    }
}

impl Drop for DroppingUnfinished {
    fn drop(&mut self) {
        let _ = DROPPING.try_with(|since| since.set(self.0));
    }
}

/// Whether this thread is dropping an unfinished future, and began to do so after `started`.
pub(super) fn is_dropping_since(started: Tick) -> bool {
    DROPPING.try_with(Cell::get).unwrap_or(0) > started.nanos()
}

/// The current request, or a capture's placeholder for one.
pub(crate) fn request() -> Option<Arc<Request>> {
    with(|frame| frame.request.clone()).flatten()
}

/// Whether this request is current. True if the thread's locals are gone.
#[inline]
pub(crate) fn is_of(request: &Arc<Request>) -> bool {
    let is_it =
        |frame: &mut Frame| frame.request.as_ref().is_some_and(|it| Arc::ptr_eq(it, request));
    with(is_it).unwrap_or(true)
}

/// The id of the active step, if it is a step of this request; 0 outside any step.
pub(crate) fn step_of(request: &Arc<Request>) -> u32 {
    with(|frame| {
        // A line of a step is written while the frame has no request.
        let is_other = frame.request.as_ref().is_some_and(|it| !Arc::ptr_eq(it, request));
        if is_other { 0 } else { frame.step }
    })
    .unwrap_or(0)
}

/// Runs `f` with this request as the current one, for layers that look for it.
pub(crate) fn with_request<T>(request: Option<&Arc<Request>>, f: impl FnOnce() -> T) -> T {
    let around = with(|frame| frame.for_child()).unwrap_or_default();
    // A line of a step is written while the frame has no request.
    let is_other =
        request.zip(around.request.as_ref()).is_some_and(|(it, around)| !Arc::ptr_eq(it, around));
    // The steps around are those of the current request.
    let around = if is_other { Frame::default() } else { around };
    let _guard = FrameGuard::enter(Frame { request: request.map(Arc::clone), ..around });
    f()
}

/// Runs `f` with the overrides of the current request, if it has any.
pub(crate) fn with_overrides<T>(f: impl FnOnce(&RequestOverrides) -> T) -> Option<T> {
    with(|frame| frame.request.as_ref()?.overrides.as_deref().map(f)).flatten()
}

/// Whether the current request writes lines of this target and level, even if other requests don't.
pub(crate) fn raises(target: &str, level: Level) -> bool {
    with_overrides(|overrides| overrides.allow(target, level)).unwrap_or(false)
}

/// The capture of the current request, or of its placeholder.
#[cfg(feature = "testing")]
pub(crate) fn capture() -> Option<Arc<dyn crate::request::capture::Capture>> {
    with(|frame| frame.request.as_ref()?.capture.get().cloned()).flatten()
}

/// The delay that a test set for the calls of this site, if any.
#[cfg(feature = "testing")]
pub(crate) fn delay_of(site: &Site) -> Option<std::time::Duration> {
    capture()?.delay_of(site.dependency())
}

/// Attaches the capture of this thread to a request that has none.
#[cfg(feature = "testing")]
pub(crate) fn join_capture(request: &Request) {
    if request.capture.get().is_none()
        && let Some(capture) = capture()
    {
        let _ = request.capture.set(capture);
    }
}

/// The frame of work that is sent elsewhere.
pub(crate) fn frame_to_send() -> Option<Frame> {
    with_thread(|ThreadState { frame, extras, .. }| frame.send(|| extras.pop().unwrap_or_default()))
}

/// The state of a call that begins.
pub(crate) fn begin_call(site: &'static Site, url: Option<Redacted<'static>>) -> Arc<CallState> {
    match with_thread(|thread| thread.call.take()).flatten() {
        Some(mut call) => {
            call.begin(site, url);
            call
        }
        None => CallState::new(site, url),
    }
}

/// Empty extras, from the pool if it has any.
pub(crate) fn take_extras() -> Box<StepExtras> {
    with_thread(|thread| thread.extras.pop()).flatten().unwrap_or_default()
}

/// A buffer for the fields of a new span, the current request, and the id of the step around the span.
pub(crate) fn for_new_span() -> (String, Option<Arc<Request>>, u32) {
    with_thread(|ThreadState { frame, fields, .. }| {
        (fields.pop().unwrap_or_default(), frame.request.clone(), frame.step)
    })
    .unwrap_or_default()
}

/// Keeps the buffer of a span's fields for another span.
#[inline]
pub(super) fn keep_fields(mut fields: String) {
    if (1..=POOLED_BYTES).contains(&fields.capacity()) {
        fields.clear();
        with_thread(|thread| keep(&mut thread.fields, fields));
    }
}

/// Runs `f` with the thread's line buffer. The buffer is taken, so that a value that logs while it is formatted gets
/// another one.
#[inline]
pub(crate) fn with_line_buffer<T>(f: impl FnOnce(&mut LineBuffer) -> T) -> T {
    let mut buffer = with_thread(|thread| thread.line_buffer.take()).flatten().unwrap_or_default();
    let result = f(&mut buffer);
    with_thread(|thread| thread.keep_line_buffer(buffer));
    result
}

/// Keeps a frame current until the guard is dropped, even by a panic. The earlier frame is then current again.
///
/// The guard owns the frame, or borrows that of a future.
#[derive(Debug)]
pub(crate) struct FrameGuard<F: BorrowMut<Frame>>(F);

impl<F: BorrowMut<Frame>> FrameGuard<F> {
    #[inline]
    pub(crate) fn enter(mut frame: F) -> Self {
        swap_frame(frame.borrow_mut());
        FrameGuard(frame)
    }
}

impl<F: BorrowMut<Frame>> Drop for FrameGuard<F> {
    #[inline]
    fn drop(&mut self) {
        swap_frame(self.0.borrow_mut());
    }
}

/// Keeps a frame current until the guard is dropped. Users may drop such guards in any order, even across an `.await`.
/// If a guard's frame is not the current one, the guard above it restores the frame that this one displaced. If it has
/// none, the frame is restored when the guard's own one would be current again.
#[derive(Debug)]
pub(crate) struct UserGuard(u64);

impl UserGuard {
    pub(crate) fn enter(frame: Frame) -> Self {
        let token = with_thread(|thread| {
            let token = thread.next_token();
            let frame = Frame { entered_by: token, ..frame };
            let found = mem::replace(&mut thread.frame, frame);
            thread.entered.push((token, found));
            token
        });
        UserGuard(token.unwrap_or_default())
    }
}

impl Drop for UserGuard {
    fn drop(&mut self) {
        // The frames are dropped after the borrow.
        let _left = with_thread(|thread| {
            let at = thread.entered.iter().rposition(|(token, _)| *token == self.0)?;
            let (_, mut found) = thread.entered.remove(at);
            if thread.frame.entered_by == self.0 {
                mem::swap(&mut thread.frame, &mut found);
                return Some((Some(found), thread.apply_elsewhere()));
            }
            let mut above = thread.entered[at..].iter_mut().map(|(_, found)| found);
            Some(match above.find(|frame| frame.entered_by == self.0) {
                Some(above) => (Some(mem::replace(above, found)), Vec::new()),
                // Its frame is that of a future, of a span or of a scope around this point.
                None => (None, deferred::add_guard(self.0, found)),
            })
        });
    }
}
