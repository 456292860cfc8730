//! Requests that do not end: one WARN for each that is open for too long.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tracing_core::{Dispatch, dispatcher};

use super::site;
use crate::base::clock::Tick;
use crate::base::timer;
use crate::format::record::Severity;
use crate::instrument::step::millis;
use crate::json::members;
use crate::logger::emit;
use crate::redact::loggable::Encoder;
use crate::redact::policy::clear;
use crate::request::Request;
use crate::request::open_steps::{OpenStep, OpenSteps};
use crate::site::Site;

/// Knows the open requests of an edge. A request costs it one short lock.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    after: Duration,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    /// With the time at which they came, in which order they are due.
    requests: VecDeque<(Tick, Weak<Request>)>,
    /// Whether the thread will look at them.
    is_watched: bool,
}

impl Open {
    /// Forgets requests that are over, whose memory the next ones can have then: more than one comes at a time.
    fn forget_some(&mut self) {
        const AT_ONCE: usize = 2;
        let is_over = |entry: Option<&(_, Weak<Request>)>| {
            entry.is_some_and(|(_, request)| request.strong_count() == 0)
        };
        for _ in 0..AT_ONCE {
            if is_over(self.requests.front()) {
                self.requests.pop_front();
            } else if is_over(self.requests.back()) {
                // Behind one that stays open the last ones come and go.
                self.requests.pop_back();
            }
        }
    }
}

/// How often all that are over are forgotten, at least: until then their memory may be held.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Watch {
    pub(super) fn after(after: Duration) -> Self {
        Watch { after, open: Arc::default() }
    }

    pub(super) fn begin(&self, request: &Arc<Request>) {
        let mut open = self.open();
        open.forget_some();
        open.requests.push_back((Tick::now(), Arc::downgrade(request)));
        if !mem::replace(&mut open.is_watched, true) {
            drop(open);
            // The thread has no subscriber of its own where only this one has.
            self.look_later(dispatcher::get_default(Clone::clone));
        }
    }

    fn look_later(&self, dispatch: Dispatch) {
        let watch = self.clone();
        let at = timer::after(self.after.min(LOOK_EVERY));
        if timer::schedule(at, move || watch.look(dispatch)).is_err() {
            // No thread: nothing is said of these, and the next request tries again.
            let mut open = self.open();
            open.requests.clear();
            open.is_watched = false;
        }
    }

    fn look(&self, dispatch: Dispatch) {
        let now = Tick::now();
        let mut open = self.open();
        open.requests.retain(|(_, request)| request.strong_count() > 0);
        let due = open.requests.partition_point(|(began, _)| now.since(*began) >= self.after);
        let due: Vec<_> = open.requests.drain(..due).collect();
        open.is_watched = !open.requests.is_empty();
        let looks_again = open.is_watched;
        drop(open);
        dispatcher::with_default(&dispatch, || {
            for request in due.iter().filter_map(|(_, request)| request.upgrade()) {
                // A task that it left behind may hold it.
                if !request.is_over.load(Ordering::Relaxed) {
                    say(&request);
                }
            }
        });
        if looks_again {
            self.look_later(dispatch);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(request: &Arc<Request>) {
    let now = Tick::now();
    let open = request.open_steps.as_ref().map(OpenSteps::list).unwrap_or_default();
    emit::emit_at(&site::STUCK, Some(request), Severity::Warn, now, |out, limit| {
        members::open(out, "event");
        Encoder::json(out, limit).text("request_stuck");
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

/// `{"step":"charge","dependency":"payments","step_id":2,"age_ms":30012.482}`.
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
        let watch = Watch::after(Duration::from_hours(1));
        for _ in 0..1000 {
            watch.begin(&RequestContext::new().request);
        }
        assert!(watch.open().requests.len() <= 2);
        let stays = RequestContext::new();
        watch.begin(&stays.request);
        for _ in 0..1000 {
            watch.begin(&RequestContext::new().request);
        }
        assert!(watch.open().requests.len() <= 3);
    }
}
