//! What runs on this thread right now: whose request, which step, which dependency call.
//!
//! A scope or a step puts its frame here while it runs (a future: while it is polled) and takes it
//! back afterwards, so that a frame is in one place at a time and moving it costs no atomic.

use std::cell::RefCell;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::scratch::Scratch;
use crate::base::clock::Tick;
use crate::instrument::context::Request;
use crate::instrument::dependency::CallState;
use crate::instrument::step::State;
use crate::outcome::result::OwnedFailure;
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
    /// Fields of the running step from `record`, and from `fields(…)` where they are not in its [state](State).
    pub(crate) extras: Option<Box<Extras>>,
    /// What the steps that are not quiet found in this frame, the innermost last.
    pub(crate) held: AllHeld,
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

/// Where a quiet step is, of which only a bad end writes a line: all that there is of it as long as it goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quiet {
    /// The guard that entered the frame it was opened in; 0 where it was none.
    frame: u32,
    /// The guard of the step that ran then; that of the frame where none did.
    behind: u32,
    /// How deep it is inside others of its kind there, from 1.
    depth: u32,
}

/// A quiet step after a line inside it named it its parent, or something was recorded in it.
#[derive(Debug)]
struct Told {
    quiet: Quiet,
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

/// In slots that are used again: what was written a moment ago in small pieces is slow to copy as a large one, so
/// nothing is moved in or out. In a slot that is free there is nothing to be dropped.
#[derive(Debug, Default)]
pub(crate) struct AllHeld {
    slots: Vec<Held>,
    len: usize,
}

impl AllHeld {
    /// One more, with what was in its slot before.
    #[inline]
    fn next(&mut self) -> Option<&mut Held> {
        if self.len == self.slots.len() {
            self.slots.push(Held::default());
        }
        self.len += 1;
        self.slots.get_mut(self.len - 1)
    }

    /// Frees all slots, of which those in use are dropped.
    #[cold]
    fn clear(&mut self) {
        self.slots.clear();
        self.len = 0;
    }

    fn remove(&mut self, at: usize) -> Held {
        self.len -= 1;
        self.slots.remove(at)
    }
}

impl Deref for AllHeld {
    type Target = [Held];

    #[inline]
    fn deref(&self) -> &[Held] {
        self.slots.get(..self.len).unwrap_or_default()
    }
}

impl DerefMut for AllHeld {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Held] {
        self.slots.get_mut(..self.len).unwrap_or_default()
    }
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

    /// Opens a quiet step of this site.
    #[inline]
    pub(crate) fn open_quietly(&mut self, site: &'static Site, started: Tick) -> Quiet {
        self.quiet += 1;
        self.has_inner = true;
        if let Some(request) = &self.request {
            request.step_begun_quietly();
            if let Some(open) = &request.open_steps {
                open.begin(site, 0, started);
            }
        }
        self.innermost()
    }

    #[inline]
    fn innermost(&self) -> Quiet {
        Quiet { frame: self.entered_by, behind: self.top(), depth: self.quiet }
    }

    /// The guard behind which steps are opened now: that of the running step, or of the frame.
    #[inline]
    fn top(&self) -> u32 {
        self.held.last().map_or(self.entered_by, |held| held.guard)
    }

    /// Where a guard's level stands among those of this frame: the place of what was opened behind it.
    fn level(&self, guard: u32) -> Option<usize> {
        if guard == self.entered_by {
            return Some(0);
        }
        Some(self.held.iter().rposition(|held| held.guard == guard)? + 1)
    }

    /// Closes a quiet step of this frame, and those that were left open inside it.
    #[inline]
    fn close_quietly(&mut self, quiet: &Quiet, site: &'static Site) {
        let Quiet { behind, depth, .. } = *quiet;
        let open = if behind == self.top() {
            Some(&mut self.quiet)
        } else {
            let level = self.level(behind);
            level.and_then(|level| self.held.get_mut(level)).map(|above| &mut above.quiet)
        };
        if let Some(open) = open
            && *open >= depth
        {
            *open = depth - 1;
        }
        if let Some(open) = self.request.as_ref().and_then(|request| request.open_steps.as_ref()) {
            open.end(site, 0);
        }
        if let Some(AllTold(told)) = self.told.as_deref_mut() {
            told.retain(|told| told.quiet.behind != behind || told.quiet.depth < depth);
        }
    }

    /// What is known of a quiet step of this frame, which ends: its number, its parent's, its fields.
    fn tell_at_end(&mut self, quiet: Quiet) -> (u32, u32, Option<Box<Extras>>) {
        let parent = if quiet.depth > 1 {
            self.tell_of(Quiet { depth: quiet.depth - 1, ..quiet }).step
        } else {
            let above = self.level(quiet.behind).and_then(|level| self.held.get(level));
            above.map_or(self.step, |above| above.step)
        };
        let told = self.tell_of(quiet);
        (told.step, parent, told.extras.take())
    }

    /// Gives each open quiet step its number, the outermost first; that of the innermost is returned.
    #[cold]
    fn tell(&mut self) -> &mut Told {
        self.tell_of(self.innermost())
    }

    fn tell_of(&mut self, quiet: Quiet) -> &mut Told {
        let request = self.request.as_ref().filter(|request| request.has_id());
        let AllTold(told) = &mut **self.told.get_or_insert_default();
        // Whoever has a number, has given one to those around it.
        let outer = told.iter().rev().find(|told| told.quiet.behind == quiet.behind);
        for depth in outer.map_or(0, |outer| outer.quiet.depth) + 1..=quiet.depth {
            let step = request.map_or(0, |request| request.next_quiet_step());
            told.push(Told { quiet: Quiet { depth, ..quiet }, step, extras: None });
        }
        let at = told.iter().rposition(|told| told.quiet == quiet).unwrap_or(told.len() - 1);
        &mut told[at]
    }

    /// Makes an empty frame the one of a future's step that begins here.
    #[inline]
    pub(crate) fn begin(
        &self,
        frame: &mut Frame,
        step: u32,
        site: &'static Site,
        call: Option<Arc<CallState>>,
    ) {
        frame.request.clone_from(&self.request);
        frame.call = call.or_else(|| self.call.clone());
        frame.step = step;
        frame.in_step = true;
        frame.awaits = Some(site);
    }

    /// Empties it, but for room that is used again. What was in it is dropped by the caller.
    #[inline]
    pub(crate) fn empty(&mut self) -> Left {
        // By name, so that none is forgotten; all at once would be moved, which an async step feels.
        let Frame {
            request,
            call,
            step,
            in_step,
            has_inner,
            awaits,
            extras,
            held,
            quiet,
            told,
            entered_by,
        } = self;
        if told.is_some() || !held.is_empty() {
            *told = None;
            held.clear();
        }
        (*step, *in_step, *awaits) = (0, false, None);
        (*quiet, *entered_by) = (0, 0);
        Left {
            request: request.take(),
            _call: call.take(),
            has_inner: mem::take(has_inner),
            extras: extras.take(),
        }
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
    /// Whether the step that runs here is that of this guard.
    #[inline]
    pub(crate) fn is_innermost(&self, guard: u32) -> bool {
        self.held.last().is_some_and(|held| held.guard == guard)
    }

    /// Puts back what the step of this guard found, and gives what became of it: whether steps were begun
    /// inside it, and its fields. Nothing where the guard is from another frame.
    #[inline]
    pub(crate) fn release(&mut self, guard: u32) -> Option<(bool, Option<Box<Extras>>)> {
        if self.is_innermost(guard) { self.release_innermost() } else { self.release_below(guard) }
    }

    /// The same for the step that runs here.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a few moves")]
    pub(crate) fn release_innermost(&mut self) -> Option<(bool, Option<Box<Extras>>)> {
        let held = self.held.last_mut()?;
        self.step = held.step;
        self.in_step = held.in_step;
        self.awaits = held.awaits;
        self.quiet = held.quiet;
        if held.is_call {
            self.call = held.call.take();
        }
        let has_inner = mem::replace(&mut self.has_inner, held.has_inner);
        let extras = mem::replace(&mut self.extras, held.extras.take());
        self.held.len -= 1;
        Some((has_inner, extras))
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

/// What was in the frame of a future's step when that ended.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) request: Option<Arc<Request>>,
    _call: Option<Arc<CallState>>,
    pub(crate) has_inner: bool,
    pub(crate) extras: Option<Box<Extras>>,
}

/// What a quiet step turned out to be.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) request: Option<Arc<Request>>,
    pub(crate) step: u32,
    pub(crate) parent: u32,
    pub(crate) extras: Option<Box<Extras>>,
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
    pub(crate) failure: Option<OwnedFailure>,
}

impl Extras {
    /// Whether there is more than fields in them.
    #[inline]
    pub(crate) fn are_more_than_fields(&self) -> bool {
        self.span.is_some() || self.failure.is_some() || self.url.is_some()
    }

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
const POOLED: usize = 64;
pub(crate) const POOLED_BYTES: usize = 16 * 1024;

/// So many ends of guards are remembered for the frame they come from.
const ORPHANS: usize = 32;

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

    /// Takes back the state of a step that is over, and was no call, and its fields, of which others have no span.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a few moves")]
    pub(crate) fn keep_plain(&mut self, mut state: Box<State>, extras: Option<Box<Extras>>) {
        state.forget_fields();
        if let Some(mut extras) = extras {
            extras.members.clear();
            self.keep_extras(extras);
        }
        keep(&mut self.states, state);
    }

    /// Takes back what a line was made with.
    #[inline]
    pub(crate) fn keep_scratch(&mut self, scratch: Box<Scratch>) {
        if scratch.is_small() {
            self.scratch = Some(scratch);
        }
    }

    /// The frame that a quiet step was opened in: this one, or one that guards of users put aside.
    fn frame_of(&mut self, quiet: &Quiet) -> Option<&mut Frame> {
        if self.frame.entered_by == quiet.frame {
            return Some(&mut self.frame);
        }
        let mut aside = self.entered.iter_mut().rev().map(|(_, frame)| frame);
        aside.find(|frame| frame.entered_by == quiet.frame)
    }

    /// Closes a quiet step, whatever stands here by now.
    #[inline]
    pub(crate) fn close_quietly(&mut self, quiet: &Quiet, site: &'static Site) {
        if let Some(frame) = self.frame_of(quiet) {
            frame.close_quietly(quiet, site);
        }
    }

    /// The same for a bad end: whose request it is, the step's number, its parent's, its fields. Nothing where its
    /// frame is gone.
    #[cold]
    pub(crate) fn end_quietly(&mut self, quiet: Quiet, site: &'static Site) -> Option<Ended> {
        let frame = self.frame_of(&quiet)?;
        let (step, parent, extras) = frame.tell_at_end(quiet);
        frame.close_quietly(&quiet, site);
        Some(Ended { request: frame.request.clone(), step, parent, extras })
    }

    /// Makes a step the running one, and keeps what it found under the number that is returned.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a few moves")]
    pub(crate) fn hold(
        &mut self,
        step: u32,
        site: &'static Site,
        extras: Option<Box<Extras>>,
        call: Option<Arc<CallState>>,
    ) -> u32 {
        self.guards = self.guards.wrapping_add(1);
        let frame = &mut self.frame;
        let Some(held) = frame.held.next() else { return self.guards };
        held.guard = self.guards;
        held.step = mem::replace(&mut frame.step, step);
        held.in_step = mem::replace(&mut frame.in_step, true);
        held.has_inner = mem::replace(&mut frame.has_inner, false);
        held.awaits = frame.awaits.replace(site);
        held.quiet = mem::replace(&mut frame.quiet, 0);
        held.extras = mem::replace(&mut frame.extras, extras);
        held.is_call = call.is_some();
        if let Some(own) = call {
            held.call = frame.call.replace(own);
        }
        self.guards
    }

    pub(crate) fn orphan(&mut self, guard: u32) {
        if self.orphans.len() == ORPHANS {
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
        if extras.members.capacity() <= POOLED_BYTES {
            keep(&mut self.extras, extras);
        }
    }
}

/// Puts a box into its pool, unless that is full.
#[inline]
fn keep<T>(pool: &mut Vec<Box<T>>, item: Box<T>) {
    if pool.len() < pool.capacity() || make_room(pool) {
        pool.push(item);
    }
}

#[cold]
fn make_room<T>(pool: &mut Vec<Box<T>>) -> bool {
    let has_room = pool.len() < POOLED;
    if has_room {
        pool.reserve_exact(POOLED / 4);
    }
    has_room
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

/// Whether the running frame is of this request; yes where the thread is past its end.
#[inline]
pub(crate) fn is_of(request: &Arc<Request>) -> bool {
    let is_it =
        |frame: &mut Frame| frame.request.as_ref().is_some_and(|it| Arc::ptr_eq(it, request));
    with(is_it).unwrap_or(true)
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
            if let Some(state) = state.take() {
                keep(&mut thread.states, state);
            }
        });
    }

    #[inline]
    fn put_back(&mut self, thread: &mut Thread) {
        if self.is_out {
            thread.frame.request = self.request.take();
            self.is_out = false;
        }
        if let Some(scratch) = self.scratch.take() {
            thread.keep_scratch(scratch);
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
