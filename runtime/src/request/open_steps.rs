//! The open steps of a request, for the report on a request that does not end.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::clock::Tick;

/// How many open steps can be listed at once; later ones are left out.
const SLOTS: usize = 8;
/// How many slots a step tries.
const TRIES: u32 = 3;

/// Open steps, without a lock: if two threads write to one slot at the same moment, one of the two steps is not listed.
#[derive(Debug, Default)]
pub(crate) struct OpenSteps([StepSlot; SLOTS]);

#[derive(Debug, Default)]
struct StepSlot {
    /// The site's index above the step's id; 0 if the slot is free.
    step: AtomicU64,
    since: AtomicU64,
}

/// An open step, with the index of its site.
#[derive(Debug)]
pub(crate) struct OpenStep {
    pub(crate) site: u32,
    pub(crate) step_id: u32,
    pub(crate) since: Tick,
}

impl OpenSteps {
    pub(crate) fn begin(&self, site: u32, step: u32, since: Tick) {
        let free = self.slots(step).find(|slot| slot.step.load(Ordering::Relaxed) == 0);
        if let Some(slot) = free {
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
        open
    }

    fn slots(&self, step: u32) -> impl Iterator<Item = &StepSlot> {
        (0..TRIES).map(move |next| &self.0[(step.wrapping_add(next)) as usize % SLOTS])
    }
}

fn key(site: u32, step: u32) -> u64 {
    u64::from(site) << 32 | u64::from(step)
}
