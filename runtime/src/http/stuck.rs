//! Requests that do not complete: one WARN `request_stuck` for each that takes too long.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Duration;

use tracing_core::{Dispatch, dispatcher};

use super::site;
use crate::base::catch::contain;
use crate::base::clock::Tick;
use crate::base::{fork, lock, timer};
use crate::current::deferred;
use crate::format::record::Severity;
use crate::instrument::step::millis;
use crate::json::members;
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::policy::clear;
use crate::request::Request;
use crate::request::open_steps::{OpenStep, OpenSteps};
use crate::site::Site;

/// The requests in flight of one layer. Adding a request takes one short lock.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    after: Duration,
    /// Made for the first request, because the settings of a layer may replace its watch.
    pending: OnceLock<Arc<Mutex<PendingRequests>>>,
}

#[derive(Debug, Default)]
struct PendingRequests {
    /// With their times of arrival, oldest first.
    requests: VecDeque<(Tick, Weak<Request>)>,
    /// Whether a check is scheduled.
    is_scheduled: bool,
    /// The process of the requests.
    generation: u32,
}

impl PendingRequests {
    /// Removes up to two dropped requests. Since each new request calls this once, the queue shrinks, and the
    /// allocation that a `Weak` keeps alive is freed early.
    fn remove_some(&mut self) {
        const AT_ONCE: usize = 2;
        let is_over = |entry: Option<&(_, Weak<Request>)>| {
            entry.is_some_and(|(_, request)| request.strong_count() == 0)
        };
        for _ in 0..AT_ONCE {
            if is_over(self.requests.front()) {
                self.requests.pop_front();
            } else if is_over(self.requests.back()) {
                // The front may be a long request that is still in flight.
                self.requests.pop_back();
            }
        }
    }
}

/// Longest time between two checks, which free the memory of dropped requests.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Watch {
    pub(super) const fn new(after: Duration) -> Self {
        Watch { after, pending: OnceLock::new() }
    }

    fn pending(&self) -> &Mutex<PendingRequests> {
        let mut is_new = false;
        let pending = self.pending.get_or_init(|| {
            is_new = true;
            Arc::default()
        });
        if is_new {
            // Outside the initialisation, because this waits while another thread forks: the child would inherit an
            // initialisation that never ends.
            fork::also_hold(Arc::downgrade(pending));
        }
        pending
    }

    pub(super) fn add(&self, request: &Arc<Request>) {
        let mut pending = self.lock();
        pending.remove_some();
        pending.requests.push_back((request.started, Arc::downgrade(request)));
        if !mem::replace(&mut pending.is_scheduled, true) {
            drop(pending);
            // The default subscriber may be set for this thread only; the timer thread needs it as well.
            self.schedule(dispatcher::get_default(Clone::clone));
        }
    }

    /// Locks the requests of this process: those that a forked child has from its parent are the parent's.
    fn lock(&self) -> MutexGuard<'_, PendingRequests> {
        let mut pending = lock(self.pending());
        if pending.generation != fork::generation() {
            pending.generation = fork::generation();
            pending.requests.clear();
        }
        pending
    }

    fn schedule(&self, dispatch: Dispatch) {
        let watch = self.clone();
        let at = timer::after(self.after.min(CHECK_INTERVAL));
        if timer::schedule(at, move || watch.check(dispatch)).is_err() {
            // Without the timer thread these requests are not checked; the next one tries to start it again.
            let mut pending = lock(self.pending());
            pending.requests.clear();
            pending.is_scheduled = false;
        }
    }

    fn check(&self, dispatch: Dispatch) {
        let now = Tick::now();
        let mut pending = self.lock();
        pending.requests.retain(|(_, request)| request.strong_count() > 0);
        let due = pending.requests.partition_point(|(began, _)| now.since(*began) >= self.after);
        let due: Vec<_> = pending.requests.drain(..due).collect();
        pending.is_scheduled = !pending.requests.is_empty();
        let is_scheduled = pending.is_scheduled;
        drop(pending);
        dispatcher::with_default(&dispatch, || {
            for request in due.iter().filter_map(|(_, request)| request.upgrade()) {
                // A spawned task may keep the context of a completed request alive.
                if !request.is_over() {
                    // A layer that panics must not end the checks, nor hide the other requests.
                    let _ = contain(|| warn(&request));
                }
            }
        });
        if is_scheduled {
            self.schedule(dispatch);
        }
    }
}

fn warn(request: &Arc<Request>) {
    let now = Tick::now();
    deferred::close_steps_of(request);
    let open = request.open_steps.as_ref().map(OpenSteps::list).unwrap_or_default();
    emit::emit_at(&site::STUCK, Some(request), Severity::Warn, now, |out, limit| {
        members::open(out, "event");
        Encoder::json(out, limit).shown("request_stuck");
        millis(out, "age_ms", now.since(request.started));
        members::open(out, "open");
        out.push('[');
        let known = open.iter().filter_map(|step| Some((step, Site::by_index(step.site)?)));
        for (at, (step, site)) in known.enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_step(step, site, now, limit, out);
        }
        out.push(']');
    });
}

/// Appends `{"step":"charge","dependency":"payments","step_id":2,"age_ms":30012.482}`.
fn write_step(step: &OpenStep, site: &Site, now: Tick, limit: usize, out: &mut String) {
    let spec = &site.spec;
    Encoder::json(out, limit).object("OpenStep", |object| {
        object.field("step", &clear(spec.name));
        if let Some(call) = &spec.call {
            object.field("dependency", &clear(call.dependency));
        }
        object.field("step_id", &step.step_id);
        object.field("age_ms", &now.since(step.since));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::context::RequestContext;

    #[test]
    fn the_memory_of_requests_that_are_over_is_not_held() {
        let watch = Watch::new(Duration::from_hours(1));
        for _ in 0..1000 {
            watch.add(&RequestContext::new().request);
        }
        assert!(lock(watch.pending()).requests.len() <= 2);
        let stays = RequestContext::new();
        watch.add(&stays.request);
        for _ in 0..1000 {
            watch.add(&RequestContext::new().request);
        }
        assert!(lock(watch.pending()).requests.len() <= 3);
    }
}
