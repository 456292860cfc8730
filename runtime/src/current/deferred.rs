//! Steps and context guards that ended while their frame was not current, or while another step was innermost in it.
//!
//! Their part of the frame is restored later: when the step is the innermost one, or when the frame is current. The
//! frame may then be on another thread than the guard, with the future that owns it, so all threads share them.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::frame::{Frame, OWN_STEP, SavedFrame};
use crate::base::fork::ForkLocks;
use crate::base::lock;

/// How many steps of one thread are remembered. The frame of the oldest may be gone for a long time.
const STEPS_OF_THREAD: usize = 1024;

/// How many steps of all threads are remembered, since threads may have ended.
const STEPS: usize = 64 * 1024;

/// How many context guards are remembered. Each keeps a request in memory.
const GUARDS: usize = 64;

static STEPS_ENDED: Mutex<DeferredSteps> =
    Mutex::new(DeferredSteps { saved: BTreeMap::new(), above: BTreeMap::new() });

/// The number of steps and guards that are remembered, so that a thread needs the locks only if there are any.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Context guards that were dropped while their frame was not current: their tokens, and the frames that they displaced.
static GUARDS_DROPPED: Mutex<Vec<(u64, Frame)>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct DeferredSteps {
    /// By token.
    saved: BTreeMap<u64, SavedFrame>,
    /// The token of the step in `saved` that is stacked on an open step, by the token of the open one.
    above: BTreeMap<u64, u64>,
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&STEPS_ENDED), |(), _| {});
    locks.hold((), |()| Some(&GUARDS_DROPPED), |(), _| {});
}

impl DeferredSteps {
    fn take(&mut self, token: u64) -> Option<SavedFrame> {
        let saved = self.saved.remove(&token)?;
        COUNT.fetch_sub(1, Ordering::Relaxed);
        self.above.remove(&saved.token);
        Some(saved)
    }
}

/// Whether it is the token of a step that is not a future.
fn is_of_guard(token: u64) -> bool {
    token != 0 && token != OWN_STEP
}

/// Whether there are steps to be popped, or frames to be restored.
#[inline]
pub(super) fn has_any() -> bool {
    COUNT.load(Ordering::Relaxed) > 0
}

/// Remembers a step that ended. `own` are the tokens of this thread's steps. Returns what is forgotten, which the
/// caller drops.
#[cold]
pub(super) fn add_step(
    token: u64,
    mut saved: SavedFrame,
    own: &mut BTreeSet<u64>,
) -> Option<SavedFrame> {
    let mut steps = lock(&STEPS_ENDED);
    // Steps that are stacked on each other are one entry, so that there are no more entries than open guards.
    if let Some(beneath) = steps.take(saved.token) {
        own.remove(&saved.token);
        saved.absorb(beneath);
    }
    let beneath = saved.token;
    let above = steps.above.remove(&token);
    let entry = match above.and_then(|above| Some((above, steps.saved.get_mut(&above)?))) {
        Some((above, entry)) => {
            entry.absorb(saved);
            above
        }
        None => {
            steps.saved.insert(token, saved);
            COUNT.fetch_add(1, Ordering::Relaxed);
            own.insert(token);
            token
        }
    };
    if is_of_guard(beneath) {
        steps.above.insert(beneath, entry);
    }
    let oldest_own = if own.len() > STEPS_OF_THREAD { own.pop_first() } else { None };
    let oldest = if steps.saved.len() > STEPS { steps.saved.keys().next().copied() } else { None };
    oldest_own.or(oldest).and_then(|oldest| steps.take(oldest))
}

/// Takes the step with this token, if it has ended. `last` is the last token of this thread, and `own` are the tokens
/// of its steps that have ended.
pub(super) fn take_step(token: u64, last: u64, own: &mut BTreeSet<u64>) -> Option<SavedFrame> {
    let is_own = token >> 32 == last >> 32;
    if !is_of_guard(token) || (is_own && !own.remove(&token)) {
        return None;
    }
    lock(&STEPS_ENDED).take(token)
}

/// Remembers the frame that a context guard displaced. Returns what is forgotten, which the caller drops.
#[cold]
pub(super) fn add_guard(token: u64, displaced: Frame) -> Option<Frame> {
    let mut guards = lock(&GUARDS_DROPPED);
    let forgotten = if guards.len() == GUARDS {
        Some(guards.remove(0).1)
    } else {
        COUNT.fetch_add(1, Ordering::Relaxed);
        None
    };
    guards.push((token, displaced));
    forgotten
}

/// Exchanges `frame` for the one that its context guard displaced, if that guard has been dropped. Returns the frame of
/// the guard, which the caller drops.
#[cold]
pub(super) fn restore(frame: &mut Frame) -> Option<Frame> {
    let mut guards = lock(&GUARDS_DROPPED);
    let at = guards.iter().position(|(token, _)| *token == frame.entered_by)?;
    // The order is that in which they are forgotten.
    let (_, displaced) = guards.remove(at);
    COUNT.fetch_sub(1, Ordering::Relaxed);
    Some(mem::replace(frame, displaced))
}
