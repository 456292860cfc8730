//! The active dependency call, with the details that its body reports.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::object_lock;
use crate::outcome::AnswerStatus;
use crate::redact::shown::{self, Redacted};
use crate::redact::{keys, off};
use crate::site::Site;

/// A dependency call, shared by its step, its frame and every [`Call`](crate::dependency::Call) handle.
#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) site: &'static Site,
    /// The id of the call's step; 0 outside any request.
    step: AtomicU32,
    facts: Mutex<CallFacts>,
}

/// Details that the body of a call reports, in addition to its returned value.
#[derive(Debug, Default)]
pub(crate) struct CallFacts {
    pub(crate) retries: u64,
    pub(crate) url: Option<Redacted<'static>>,
    pub(crate) status: Option<AnswerStatus>,
    /// When the last retry began.
    pub(crate) last_attempt: Option<Tick>,
}

impl CallState {
    pub(crate) fn new(site: &'static Site, url: Option<Redacted<'static>>) -> Arc<Self> {
        Self::with_facts(site, CallFacts { url, ..CallFacts::default() })
    }

    /// Clears the state of a call that ended, for its next use. Does nothing, and returns `false`, if there are handles
    /// to it.
    pub(super) fn clear(self: &mut Arc<Self>) -> bool {
        let Some(CallState { step, facts, .. }) = Arc::get_mut(self) else { return false };
        *step.get_mut() = 0;
        *facts.get_mut().unwrap_or_else(PoisonError::into_inner) = CallFacts::default();
        true
    }

    /// Makes a cleared state that of a call.
    pub(super) fn begin(self: &mut Arc<Self>, of: &'static Site, url: Option<Redacted<'static>>) {
        if let Some(CallState { site, facts, .. }) = Arc::get_mut(self) {
            *site = of;
            facts.get_mut().unwrap_or_else(PoisonError::into_inner).url = url;
        }
    }

    /// A call whose details are already known.
    pub(crate) fn with_facts(site: &'static Site, facts: CallFacts) -> Arc<Self> {
        Arc::new(CallState { site, step: AtomicU32::new(0), facts: Mutex::new(facts) })
    }

    pub(super) fn set_step(&self, step: u32) {
        self.step.store(step, Ordering::Relaxed);
    }

    #[cfg(all(feature = "http", feature = "otlp"))]
    pub(crate) fn step(&self) -> u32 {
        self.step.load(Ordering::Relaxed)
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, CallFacts> {
        object_lock::lock(&self.facts)
    }

    /// Takes the lock before a fork. Another thread may report a detail through its handle.
    pub(crate) fn hold(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(Arc::clone(self), |call| Some(&call.facts), |_, _| {});
    }
}

impl Site {
    /// The URL of a call as its line shows it. A template replaces its path.
    pub(crate) fn safe_url(&'static self, url: Option<&str>) -> Option<Redacted<'static>> {
        let Some(template) = self.spec.call.and_then(|call| call.url_template) else {
            return url.map(|url| self.scrubbed(url));
        };
        Some(shown::url_with_path(url, template))
    }

    /// Most sites call one URL that has nothing to redact. It is scrubbed once and cached.
    fn scrubbed(&'static self, url: &str) -> Redacted<'static> {
        let rules = keys::rules_version();
        match self.cached_url.get() {
            Some((version, known))
                if known.as_str() == url && *version == rules && !off::is_off() =>
            {
                return known.shown().into();
            }
            _ => {}
        }
        let safe = shown::url(url);
        if safe.as_str() == url && !off::is_off() {
            let _ = self.cached_url.set((rules, safe.clone()));
        }
        safe
    }
}
