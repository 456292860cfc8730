//! Open steps of a request, for the report on a stuck request and for the indentation of lines.

use std::iter;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::clock::Tick;

/// How many open steps can be listed at once; later ones are left out.
const LISTED: usize = 8;
/// The maximum number of steps whose depth is known at the same time.
const INDENTED: usize = 64;
/// How many slots a step tries.
const TRIES: u32 = 3;

/// Whether all requests record their open steps, because lines are indented.
static EVERY_REQUEST: AtomicBool = AtomicBool::new(false);

/// Open steps, without a lock: if two threads write to one slot at the same moment, one of the two steps is not listed.
#[derive(Debug)]
pub(crate) struct OpenSteps(Box<[StepSlot]>);

#[derive(Debug, Default)]
struct StepSlot {
    /// The site's index above the step's id; 0 if the slot is free.
    step: AtomicU64,
    since: AtomicU64,
    /// The step's id in the upper bits, and the number of steps around it in the lower ones. Not removed when the step
    /// ends.
    depth: AtomicU64,
}

/// An open step, with the index of its site.
#[derive(Debug)]
pub(crate) struct OpenStep {
    pub(crate) site: u32,
    pub(crate) step_id: u32,
    pub(crate) since: Tick,
}

impl OpenSteps {
    /// Makes all requests that begin from now on record their open steps.
    pub(crate) fn of_every_request() {
        EVERY_REQUEST.store(true, Ordering::Relaxed);
    }

    /// Returns the open steps for a request that no timer watches, if lines are indented.
    pub(crate) fn if_wanted() -> Option<Self> {
        EVERY_REQUEST.load(Ordering::Relaxed).then(|| OpenSteps::new(INDENTED))
    }

    /// Returns open steps that can be listed in a report, and whose depth is known if lines are indented.
    pub(crate) fn listed() -> Self {
        Self::if_wanted().unwrap_or_else(|| OpenSteps::new(LISTED))
    }

    fn new(slots: usize) -> Self {
        OpenSteps(iter::repeat_with(StepSlot::default).take(slots).collect())
    }

    /// `parent` is the id of the step around it; 0 if there is none.
    pub(crate) fn begin(&self, site: u32, step: u32, parent: u32, since: Tick) {
        let free = self.slots(step).find(|slot| slot.step.load(Ordering::Relaxed) == 0);
        if let Some(slot) = free {
            // Only indentation needs depths.
            if self.0.len() == INDENTED {
                let depth = if parent == 0 { 0 } else { self.depth_of(parent).saturating_add(1) };
                slot.depth.store(key(step, depth), Ordering::Relaxed);
            }
            slot.since.store(since.nanos(), Ordering::Relaxed);
            slot.step.store(key(site, step), Ordering::Release);
        }
    }

    pub(crate) fn end(&self, site: u32, step: u32) {
        let key = key(site, step);
        if let Some(own) = self.slots(step).find(|slot| slot.step.load(Ordering::Relaxed) == key) {
            own.step.store(0, Ordering::Relaxed);
        }
    }

    /// Returns the number of steps around a step; 0 if it is no longer known.
    pub(crate) fn depth_of(&self, step: u32) -> u32 {
        let depths = self.slots(step).map(|slot| slot.depth.load(Ordering::Relaxed));
        let found = depths.into_iter().find(|depth| depth >> 32 == u64::from(step));
        found.and_then(|depth| u32::try_from(depth & u64::from(u32::MAX)).ok()).unwrap_or_default()
    }

    /// The open steps, in the order in which they began.
    pub(crate) fn list(&self) -> Vec<OpenStep> {
        let open = self.0.iter().filter_map(|slot| {
            let key = slot.step.load(Ordering::Acquire);
            let since = Tick::of_nanos(slot.since.load(Ordering::Relaxed));
            let site = u32::try_from(key >> 32).ok().filter(|site| *site > 0)?;
            let step_id = u32::try_from(key & u64::from(u32::MAX)).ok()?;
            Some(OpenStep { site, step_id, since })
        });
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|step| step.step_id);
        open.truncate(LISTED);
        open
    }

    fn slots(&self, step: u32) -> impl Iterator<Item = &StepSlot> {
        // The number of slots is a power of two.
        (0..TRIES).map(move |next| &self.0[(step.wrapping_add(next)) as usize & (self.0.len() - 1)])
    }
}

fn key(above: u32, below: u32) -> u64 {
    u64::from(above) << 32 | u64::from(below)
}
