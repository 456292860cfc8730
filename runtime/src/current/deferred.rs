//! Steps and context guards that ended while their frame was not current, or while another step was innermost in it.
//!
//! Their part of the frame is restored later: when the step is the innermost one, or when the frame is current. The
//! frame may then be on another thread than the guard, with the future that owns it, so all threads share them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::frame::{Frame, OWN_STEP, SavedFrame};
use crate::base::fork::ForkLocks;
use crate::base::lock;
use crate::request::Request;
use crate::site::Site;

/// The most steps that are remembered, in all and for one thread. Their frames may have been dropped long ago.
const STEPS: usize = 64 * 1024;

/// How many context guards are remembered. Fewer, since each keeps a request in memory.
const GUARDS: usize = 16 * 1024;

static STEPS_ENDED: Mutex<DeferredSteps> =
    Mutex::new(DeferredSteps { saved: Remembered::new(), above: BTreeMap::new() });

/// The number of steps and guards that are remembered, so that a thread needs the locks only if there are any.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Context guards that were dropped while their frame was not current: the frames that they displaced.
static GUARDS_DROPPED: Mutex<Remembered<Frame>> = Mutex::new(Remembered::new());

/// How many steps are remembered that their requests still list as open.
const LISTED: usize = 1024;

/// Steps whose request was not found at their end: the request's serial number, the site's index, and the step's id.
static STILL_LISTED: Mutex<VecDeque<(u64, u32, u32)>> = Mutex::new(VecDeque::new());

#[derive(Debug)]
struct DeferredSteps {
    saved: Remembered<SavedFrame>,
    /// The token of the step in `saved` that is stacked on an open step, by the token of the open one.
    above: BTreeMap<u64, u64>,
}

/// Values by token. Each has the number of its insertion, because the tokens of different threads have no order.
#[derive(Debug)]
struct Remembered<T> {
    values: BTreeMap<u64, (u64, T)>,
    inserted: u64,
}

impl<T> Remembered<T> {
    const fn new() -> Self {
        Remembered { values: BTreeMap::new(), inserted: 0 }
    }

    fn insert(&mut self, token: u64, value: T) {
        self.inserted += 1;
        self.values.insert(token, (self.inserted, value));
        COUNT.fetch_add(1, Ordering::Relaxed);
    }

    fn get_mut(&mut self, token: u64) -> Option<&mut T> {
        self.values.get_mut(&token).map(|(_, value)| value)
    }

    fn take(&mut self, token: u64) -> Option<T> {
        let (_, value) = self.values.remove(&token)?;
        COUNT.fetch_sub(1, Ordering::Relaxed);
        Some(value)
    }

    /// The tokens of the older half, if there are more values than `limit`.
    fn too_old(&self, limit: usize) -> Vec<u64> {
        if self.values.len() <= limit {
            return Vec::new();
        }
        let newest = self.inserted - limit as u64 / 2;
        let old = self.values.iter().filter(|(_, (number, _))| *number <= newest);
        old.map(|(token, _)| *token).collect()
    }
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&STEPS_ENDED), |(), _| {});
    locks.hold((), |()| Some(&GUARDS_DROPPED), |(), _| {});
    locks.hold((), |()| Some(&STILL_LISTED), |(), _| {});
}

impl DeferredSteps {
    fn take(&mut self, token: u64) -> Option<SavedFrame> {
        let saved = self.saved.take(token)?;
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

/// Remembers a step that ended. `own` are the tokens of this thread's steps. Returns the forgotten steps, which the
/// caller drops.
#[cold]
pub(super) fn add_step(
    token: u64,
    mut saved: SavedFrame,
    own: &mut BTreeSet<u64>,
) -> Vec<SavedFrame> {
    let mut steps = lock(&STEPS_ENDED);
    // Steps that are stacked on each other are one entry, so that there are no more entries than open guards.
    if let Some(beneath) = steps.take(saved.token) {
        own.remove(&saved.token);
        saved.absorb(beneath);
    }
    let beneath = saved.token;
    let above = steps.above.remove(&token);
    let entry = match above.and_then(|above| Some((above, steps.saved.get_mut(above)?))) {
        Some((above, entry)) => {
            entry.absorb(saved);
            above
        }
        None => {
            steps.saved.insert(token, saved);
            own.insert(token);
            token
        }
    };
    if is_of_guard(beneath) {
        steps.above.insert(beneath, entry);
    }
    if own.len() > STEPS {
        own.pop_first();
    }
    let old = steps.saved.too_old(STEPS);
    old.into_iter().filter_map(|token| steps.take(token)).collect()
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

/// Remembers the frame that a context guard displaced. Returns the forgotten frames, which the caller drops.
#[cold]
pub(super) fn add_guard(token: u64, displaced: Frame) -> Vec<Frame> {
    let mut guards = lock(&GUARDS_DROPPED);
    guards.insert(token, displaced);
    let old = guards.too_old(GUARDS);
    old.into_iter().filter_map(|token| guards.take(token)).collect()
}

/// Exchanges `frame` for the one that its context guard displaced, if that guard has been dropped. Returns the frame of
/// the guard, which the caller drops.
#[cold]
pub(super) fn restore(frame: &mut Frame) -> Option<Frame> {
    let displaced = lock(&GUARDS_DROPPED).take(frame.entered_by)?;
    Some(mem::replace(frame, displaced))
}

/// Remembers a step whose request, which has this serial number, was not found at its end.
#[cold]
pub(crate) fn close_later(serial: u64, site: &'static Site, step: u32) {
    if serial == 0 {
        return;
    }
    let mut steps = lock(&STILL_LISTED);
    if steps.len() == LISTED {
        steps.pop_front();
    }
    steps.push_back((serial, site.index(), step));
}

/// Removes the steps that [`close_later`] remembered for this request from its open steps.
#[cold]
pub(crate) fn close_steps_of(request: &Request) {
    let Some(open) = &request.open_steps else { return };
    lock(&STILL_LISTED).retain(|(serial, site, step)| {
        let is_own = *serial == request.serial;
        if is_own {
            open.end(*site, *step);
        }
        !is_own
    });
}
