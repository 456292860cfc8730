//! The active dependency call, with the details that its body reports.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard};

use crate::base::clock::Tick;
use crate::base::lock;
use crate::redact::{keys, off, scrub};
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
    /// Redacted.
    pub(crate) url: Option<Cow<'static, str>>,
    pub(crate) status: Option<u16>,
    pub(crate) grpc_status: Option<u16>,
    /// When the last retry began.
    pub(crate) last_attempt: Option<Tick>,
}

impl CallState {
    pub(crate) fn new(site: &'static Site, url: Option<Cow<'static, str>>) -> Self {
        CallState { site, facts: Mutex::new(CallFacts { url, ..CallFacts::default() }) }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, CallFacts> {
        lock(&self.facts)
    }
}

impl Site {
    /// The URL of a call as its line shows it. A template replaces its path.
    pub(crate) fn safe_url(&'static self, url: Option<&str>) -> Option<Cow<'static, str>> {
        let Some(template) = self.spec.call.and_then(|call| call.url_template) else {
            return url.map(|url| self.scrubbed(url));
        };
        let safe = url.map(scrub::url);
        let origin = safe.as_deref().and_then(|safe| {
            let (scheme, rest) = safe.split_once("://")?;
            Some(format!("{scheme}://{}", rest.split('/').next()?))
        });
        Some(format!("{}{template}", origin.unwrap_or_default()).into())
    }

    /// Most sites call one URL that has nothing to redact. It is scrubbed once and cached.
    fn scrubbed(&'static self, url: &str) -> Cow<'static, str> {
        let rules = keys::rules_version();
        match self.cached_url.get() {
            Some((version, known)) if known == url && *version == rules && !off::is_off() => {
                return Cow::Borrowed(known);
            }
            _ => {}
        }
        let safe = scrub::url(url);
        if safe == url && !off::is_off() {
            let _ = self.cached_url.set((rules, safe.clone()));
        }
        Cow::Owned(safe)
    }
}
