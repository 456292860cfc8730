//! The active dependency call, with the details that its body reports.

use std::sync::{Mutex, MutexGuard};

use crate::base::clock::Tick;
use crate::base::lock;
use crate::outcome::AnswerStatus;
use crate::redact::shown::{self, Redacted};
use crate::redact::{keys, off};
use crate::site::Site;

/// A dependency call, shared by its step, its frame and every [`Call`](crate::dependency::Call) handle.
#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) site: &'static Site,
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
    pub(crate) fn new(site: &'static Site, url: Option<Redacted<'static>>) -> Self {
        CallState { site, facts: Mutex::new(CallFacts { url, ..CallFacts::default() }) }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, CallFacts> {
        lock(&self.facts)
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
