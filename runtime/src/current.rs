//! What runs on this thread right now: whose request, which step, which dependency call.
//!
//! A scope or a step puts its frame here while it runs (a future: while it is polled) and takes it
//! back afterwards, so that a frame is in one place at a time and moving it costs no atomic.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use crate::context::Request;
use crate::dependency::CallState;
use crate::ending::Written;
use crate::scratch::Scratch;
use crate::site::Site;
use crate::step::State;

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
    /// What the steps that changed this frame found in it, the innermost last.
    pub(crate) held: Vec<Held>,
    /// How many quiet steps are open here, one in the other, inside the running one.
    pub(crate) quiet: u32,
    /// What is known of those that somebody asked for.
    pub(crate) told: Option<Box<AllTold>>,
    /// The guard of a user's that entered it; 0 where it was none.
    pub(crate) entered_by: u32,
}

/// In a box, since frames are moved at every poll and few have any.
#[derive(Debug, Default)]
pub(crate) struct AllTold(Vec<Told>);

/// A quiet step, of which only a bad end writes a line, after a line inside it named it its parent, or
/// something was recorded in it. Until then it is no more than a number: how deep it is inside others.
#[derive(Debug)]
struct Told {
    /// Behind how many steps that are not quiet, and quiet ones.
    place: (usize, u32),
    step: u32,
    extras: Option<Box<Extras>>,
}

/// What a step found in the frame that it changed.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Whose it is. Guards are a user's, and may be dropped in any order.
    guard: u32,
    step: u32,
    in_step: bool,
    has_inner: bool,
    awaits: Option<&'static Site>,
    extras: Option<Box<Extras>>,
    is_call: bool,
    quiet: u32,
    /// Where the step is a call: the one around it.
    call: Option<Arc<CallState>>,
}

impl Frame {
    /// The number of the step that runs here, which a quiet one gets now.
    #[inline]
    pub(crate) fn running_step(&mut self) -> u32 {
        if self.quiet == 0 { self.step } else { self.tell().step }
    }

    /// Whether a step runs here, so that `record` has where to put a field.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step || self.quiet > 0
    }

    /// The fields of the running step.
    pub(crate) fn extras(&mut self) -> &mut Option<Box<Extras>> {
        if self.quiet == 0 { &mut self.extras } else { &mut self.tell().extras }
    }

    /// Opens a quiet step, which is that deep.
    #[inline]
    pub(crate) fn open_quietly(&mut self) -> u32 {
        self.quiet += 1;
        if let Some(request) = &self.request {
            request.step_begun_quietly();
        }
        self.quiet
    }

    /// Closes one, and those that were left open inside it.
    #[inline]
    pub(crate) fn close_quietly(&mut self, depth: u32) {
        if self.quiet >= depth {
            self.quiet = depth - 1;
        }
        if self.told.is_some() {
            self.forget(depth);
        }
    }

    #[cold]
    fn forget(&mut self, depth: u32) {
        let place = (self.held.len(), depth);
        if let Some(AllTold(told)) = self.told.as_deref_mut() {
            told.retain(|told| told.place < place);
        }
    }

    /// What is known of the quiet step of this depth, which ends: its number, its parent's, its fields.
    #[cold]
    pub(crate) fn end_quietly(&mut self, depth: u32) -> (u32, u32, Option<Box<Extras>>) {
        // Where another frame is here, nothing is known.
        let is_here = self.quiet >= depth;
        if is_here {
            self.quiet = depth;
        }
        let parent = if is_here && depth > 1 {
            self.quiet -= 1;
            let parent = self.tell().step;
            self.quiet += 1;
            parent
        } else {
            self.step
        };
        let (step, extras) = if is_here {
            let told = self.tell();
            (told.step, told.extras.take())
        } else {
            (self.late_step(), None)
        };
        self.close_quietly(depth);
        (step, parent, extras)
    }

    /// The number that a quiet step gets after all.
    fn late_step(&self) -> u32 {
        let request = self.request.as_ref().filter(|request| request.has_id());
        request.map_or(0, |request| request.next_quiet_step())
    }

    /// Gives each open quiet step its number, the outermost first; that of the innermost is returned.
    #[cold]
    fn tell(&mut self) -> &mut Told {
        let behind = self.held.len();
        for depth in 1..self.quiet.max(1) {
            self.tell_of((behind, depth));
        }
        self.tell_of((behind, self.quiet))
    }

    fn tell_of(&mut self, place: (usize, u32)) -> &mut Told {
        let known = self.told.iter().flat_map(|all| &all.0).position(|told| told.place == place);
        let new = known.is_none().then(|| self.late_step());
        let AllTold(told) = &mut **self.told.get_or_insert_default();
        told.extend(new.map(|step| Told { place, step, extras: None }));
        let at = known.unwrap_or(told.len() - 1);
        &mut told[at]
    }

    /// What a future or closure sent elsewhere works under: the same request, step and call, but not
    /// the fields, which belong to the step that runs here.
    pub(crate) fn fork(&mut self) -> Frame {
        Frame {
            request: self.request.clone(),
            call: self.call.clone(),
            step: self.running_step(),
            ..Frame::default()
        }
    }
}

impl Frame {
    /// Puts back what the step of this guard found, and gives what became of it: whether steps were begun
    /// inside it, and its fields. Nothing where the guard is from another frame.
    #[inline]
    pub(crate) fn release(&mut self, guard: u32) -> Option<(bool, Option<Box<Extras>>)> {
        match self.held.pop_if(|held| held.guard == guard) {
            Some(held) => {
                self.step = held.step;
                self.in_step = held.in_step;
                self.awaits = held.awaits;
                self.quiet = held.quiet;
                if held.is_call {
                    self.call = held.call;
                }
                let has_inner = mem::replace(&mut self.has_inner, held.has_inner);
                Some((has_inner, mem::replace(&mut self.extras, held.extras)))
            }
            None => self.release_below(guard),
        }
    }

    /// The same for a step that another one outlives: what it found is now what that one will put back.
    #[cold]
    fn release_below(&mut self, guard: u32) -> Option<(bool, Option<Box<Extras>>)> {
        let at = self.held.iter().rposition(|held| held.guard == guard)?;
        let held = self.held.remove(at);
        let above = self.held.get_mut(at)?;
        above.step = held.step;
        above.in_step = held.in_step;
        above.awaits = held.awaits;
        above.quiet = held.quiet;
        let has_inner = mem::replace(&mut above.has_inner, held.has_inner);
        let extras = mem::replace(&mut above.extras, held.extras);
        if held.is_call {
            let above = self.held[at..].iter_mut().find(|above| above.is_call);
            *above.map_or(&mut self.call, |above| &mut above.call) = held.call;
        }
        Some((has_inner, extras))
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
    /// The first item of a stream that was an error.
    pub(crate) failure: Option<Written>,
}

impl Extras {
    #[inline]
    fn clear(&mut self) {
        self.members.clear();
        // Few have any; others' spans least of all.
        if self.span.is_some() {
            self.span = None;
        }
        if self.url.is_some() {
            self.url = None;
        }
        if self.failure.is_some() {
            self.failure = None;
        }
    }
}

/// Boxes are used again; one that a huge value grew is not kept.
const POOLED: usize = 32;
const POOLED_BYTES: usize = 16 * 1024;

/// What a thread has.
#[derive(Default)]
pub(crate) struct Thread {
    pub(crate) frame: Frame,
    guards: u32,
    /// The guards of users with the frame that each of them found.
    entered: Vec<(u32, Frame)>,
    /// Guards that ended while another frame than theirs was here.
    orphans: Vec<u32>,
    #[expect(clippy::vec_box, reason = "a step holds a box, which goes back as it is")]
    states: Vec<Box<State>>,
    #[expect(clippy::vec_box, reason = "a step holds a box, which goes back as it is")]
    extras: Vec<Box<Extras>>,
    /// Gone while a line is made with it.
    pub(crate) scratch: Option<Box<Scratch>>,
}

thread_local! {
    static THREAD: RefCell<Thread> = RefCell::default();
}

impl Thread {
    /// The state of a step that is over, to be used again.
    #[inline]
    pub(crate) fn take_state(&mut self) -> Option<Box<State>> {
        self.states.pop()
    }

    /// Makes a step the running one, and keeps what it found under the number that is returned.
    #[inline]
    pub(crate) fn hold(
        &mut self,
        step: u32,
        site: &'static Site,
        extras: Option<Box<Extras>>,
        call: Option<Arc<CallState>>,
    ) -> u32 {
        self.guards = self.guards.wrapping_add(1);
        let frame = &mut self.frame;
        // Filled in its place: small pieces that were written a moment ago are slow to copy as large ones.
        frame.held.push(Held::default());
        let Some(held) = frame.held.last_mut() else { return self.guards };
        held.guard = self.guards;
        held.step = mem::replace(&mut frame.step, step);
        held.in_step = mem::replace(&mut frame.in_step, true);
        held.has_inner = mem::replace(&mut frame.has_inner, false);
        held.awaits = frame.awaits.replace(site);
        held.quiet = mem::replace(&mut frame.quiet, 0);
        held.extras = mem::replace(&mut frame.extras, extras);
        if let Some(own) = call {
            held.is_call = true;
            held.call = frame.call.replace(own);
        }
        self.guards
    }

    pub(crate) fn orphan(&mut self, guard: u32) {
        if self.orphans.len() == POOLED {
            self.orphans.remove(0);
        }
        self.orphans.push(guard);
    }

    /// Puts another frame in place, which is left by what ended meanwhile.
    pub(crate) fn put(&mut self, frame: &mut Frame) -> Option<Box<Extras>> {
        mem::swap(&mut self.frame, frame);
        if self.orphans.is_empty() { None } else { self.adopt() }
    }

    #[cold]
    fn adopt(&mut self) -> Option<Box<Extras>> {
        let mut left = None;
        let frame = &mut self.frame;
        self.orphans.retain(|guard| match frame.release(*guard) {
            Some((_, extras)) => {
                left = extras.or(left.take());
                false
            }
            None => true,
        });
        left
    }

    #[inline]
    fn keep_extras(&mut self, extras: Box<Extras>) {
        if extras.members.capacity() <= POOLED_BYTES && self.extras.len() < POOLED {
            self.extras.push(extras);
        }
    }
}

/// Runs `f` with what the thread has; nothing runs where the thread is past its end, or inside
/// another look at it. The closure is short and calls no code of the user's.
#[inline]
pub(crate) fn with_thread<T>(f: impl FnOnce(&mut Thread) -> T) -> Option<T> {
    THREAD.try_with(|thread| thread.try_borrow_mut().ok().map(|mut thread| f(&mut thread))).ok()?
}

/// Whether the thread still has its locals: while they are dropped, spans can't be entered any more.
pub(crate) fn is_alive() -> bool {
    THREAD.try_with(|_| ()).is_ok()
}

/// Puts a frame in place of the running one, which is returned.
pub(crate) fn replace(mut frame: Frame) -> Frame {
    let left = with_thread(|thread| thread.put(&mut frame));
    match left {
        Some(None) => frame,
        Some(left) => {
            exit_span_of(left);
            frame
        }
        None => Frame::default(),
    }
}

/// Leaves the span of a step that ended while another frame was here.
fn exit_span_of(left: Option<Box<Extras>>) {
    if let Some(span) = left.and_then(|left| left.span) {
        span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
    }
}

/// Looks at the running frame.
pub(crate) fn with<T>(f: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    with_thread(|thread| f(&mut thread.frame))
}

/// Runs `f` where layers look for the request on the thread.
pub(crate) fn under<T>(request: Option<&Arc<Request>>, f: impl FnOnce() -> T) -> T {
    let known = with(Frame::fork).unwrap_or_default();
    let _here = Restore::enter(Frame { request: request.map(Arc::clone), ..known });
    f()
}

/// The request of the running frame.
pub(crate) fn request() -> Option<Arc<Request>> {
    with(|frame| frame.request.clone()).flatten()
}

/// The running frame's request without its count being touched; it is back in its place when this is
/// dropped. Nobody finds the request meanwhile: only for work in which no one else's line is written,
/// since a sink's writer, which is, finds the sink taken.
#[derive(Debug, Default)]
pub(crate) struct Lent {
    request: Option<Arc<Request>>,
    /// Whether the frame is without it.
    is_out: bool,
    scratch: Option<Box<Scratch>>,
}

impl Lent {
    /// Takes the frame's request, or where others may look for it, another hand on it; and what a line is made
    /// with. In place: what was written a moment ago in small pieces is slow to copy in large ones.
    #[inline]
    pub(crate) fn take(&mut self, thread: &mut Thread, lend: bool) {
        let frame = &mut thread.frame;
        self.request = if lend { frame.request.take() } else { frame.request.clone() };
        self.is_out = lend;
        self.scratch = thread.scratch.take();
    }

    /// What a line is made with, for work that has its request already.
    pub(crate) fn scratch_of_here() -> Self {
        let scratch = with_thread(|thread| thread.scratch.take()).flatten();
        Lent { request: None, is_out: false, scratch }
    }

    pub(crate) fn parts(&mut self) -> (Option<&Arc<Request>>, &mut Scratch) {
        (self.request.as_ref(), self.scratch.get_or_insert_default())
    }

    /// Gives all of it back, and the state of the step that it was for.
    pub(crate) fn give_back(&mut self, state: Box<State>) {
        let mut state = Some(state);
        let mut extras = state.as_mut().and_then(|state| state.clear());
        // A span that closes tells other layers, which may look here.
        if let Some(extras) = &mut extras {
            extras.clear();
        }
        // What is left in the two is dropped when the thread is free again.
        with_thread(|thread| {
            self.put_back(thread);
            if let Some(extras) = extras.take() {
                thread.keep_extras(extras);
            }
            if thread.states.len() < POOLED {
                thread.states.extend(state.take());
            }
        });
    }

    #[inline]
    fn put_back(&mut self, thread: &mut Thread) {
        if self.is_out {
            thread.frame.request = self.request.take();
            self.is_out = false;
        }
        if self.scratch.as_ref().is_some_and(|scratch| scratch.is_small()) {
            thread.scratch = self.scratch.take();
        }
    }
}

impl Drop for Lent {
    #[inline]
    fn drop(&mut self) {
        // Only where a panic came in between.
        if self.is_out {
            with_thread(|thread| self.put_back(thread));
        }
    }
}

/// Empty fields, from the pool where there are any.
pub(crate) fn take_extras() -> Box<Extras> {
    with_thread(|thread| thread.extras.pop()).flatten().unwrap_or_default()
}

/// A frame that a user's guard entered. Guards may be dropped in any order, and across an `.await` even where their
/// frame is not the running one: then what it found is what the guard above it will put back.
#[derive(Debug)]
pub(crate) struct EnteredFrame(u32);

impl EnteredFrame {
    pub(crate) fn enter(frame: Frame) -> Self {
        let guard = with_thread(|thread| {
            thread.guards = thread.guards.wrapping_add(1).max(1);
            let frame = Frame { entered_by: thread.guards, ..frame };
            let found = mem::replace(&mut thread.frame, frame);
            thread.entered.push((thread.guards, found));
            thread.guards
        });
        EnteredFrame(guard.unwrap_or_default())
    }
}

impl Drop for EnteredFrame {
    fn drop(&mut self) {
        // What is dropped may be the last hand on a request: not while the thread is held.
        let left = with_thread(|thread| {
            let at = thread.entered.iter().rposition(|(guard, _)| *guard == self.0)?;
            let (_, found) = thread.entered.remove(at);
            let mut found = found;
            if thread.frame.entered_by == self.0 {
                let left = thread.put(&mut found);
                return Some((found, left));
            }
            let mut above = thread.entered[at..].iter_mut().map(|(_, found)| found);
            match above.find(|frame| frame.entered_by == self.0) {
                Some(above) => Some((mem::replace(above, found), None)),
                None => Some((found, None)),
            }
        });
        if let Some((_, left)) = left.flatten() {
            exit_span_of(left);
        }
    }
}

/// A frame of a future in place of the running one, which is put back when this is dropped, also while
/// unwinding.
#[derive(Debug)]
pub(crate) struct Inside<'a>(&'a mut Frame);

impl<'a> Inside<'a> {
    #[inline]
    pub(crate) fn enter(frame: &'a mut Frame) -> Self {
        swap(frame);
        Inside(frame)
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        swap(self.0);
    }
}

/// Changes places with the running frame.
fn swap(frame: &mut Frame) {
    let left = with_thread(|thread| thread.put(frame)).flatten();
    if left.is_some() {
        exit_span_of(left);
    }
}

/// Puts the earlier frame back when it is dropped, also while unwinding.
#[derive(Debug)]
pub(crate) struct Restore(Frame);

impl Restore {
    /// Enters `frame` until the guard is dropped.
    pub(crate) fn enter(frame: Frame) -> Self {
        Restore(replace(frame))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        swap(&mut self.0);
    }
}
