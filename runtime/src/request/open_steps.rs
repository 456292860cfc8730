//! Which steps of a request are open, for the one who asks why it does not end.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::clock::Tick;
use crate::site::Site;

/// Steps that can be listed at once; of more, the later ones are not.
const PLACES: usize = 8;
/// How many places a step looks at.
const TRIES: u32 = 3;

/// Open steps, without a lock: what two threads write at the same moment costs one of them its place, and no more.
#[derive(Debug, Default)]
pub(crate) struct OpenSteps([Place; PLACES]);

#[derive(Debug, Default)]
struct Place {
    /// The number of the site and of the step; 0 where the place is free.
    step: AtomicU64,
    since: AtomicU64,
}

/// A step that is open.
#[derive(Debug)]
pub(crate) struct OpenStep {
    pub(crate) site: &'static Site,
    pub(crate) step_id: u32,
    pub(crate) since: Tick,
}

impl OpenSteps {
    pub(crate) fn begin(&self, site: &'static Site, step: u32, since: Tick) {
        let free = self.places(step).find(|place| place.step.load(Ordering::Relaxed) == 0);
        if let Some(place) = free {
            place.since.store(since.nanos(), Ordering::Relaxed);
            place.step.store(name(site, step), Ordering::Release);
        }
    }

    pub(crate) fn end(&self, site: &'static Site, step: u32) {
        let name = name(site, step);
        if let Some(own) =
            self.places(step).find(|place| place.step.load(Ordering::Relaxed) == name)
        {
            own.step.store(0, Ordering::Relaxed);
        }
    }

    /// In the order in which they began.
    pub(crate) fn list(&self) -> Vec<OpenStep> {
        let open = self.0.iter().filter_map(|place| {
            let name = place.step.load(Ordering::Acquire);
            let since = Tick::of_nanos(place.since.load(Ordering::Relaxed));
            let site = Site::numbered(u32::try_from(name >> 32).ok()?)?;
            let step_id = u32::try_from(name & u64::from(u32::MAX)).ok()?;
            Some(OpenStep { site, step_id, since })
        });
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|step| step.step_id);
        open
    }

    fn places(&self, step: u32) -> impl Iterator<Item = &Place> {
        (0..TRIES).map(move |next| &self.0[(step.wrapping_add(next)) as usize % PLACES])
    }
}

fn name(site: &'static Site, step: u32) -> u64 {
    u64::from(site.number()) << 32 | u64::from(step)
}
