//! The settings of a [`RequestLayer`](super::RequestLayer), and the decisions they make about a request.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::request::Parts;
use http::response;

use super::fields::{FieldsHook, call_hook};
use super::flight_recorder::ActiveRecorder;
use super::sampling;
use super::stuck::Watch;
use super::trust::{DebugRequest, Trust};
use crate::logger::story;
use crate::redact::shown::RequestId;
use crate::request::overrides::{RequestOverrides, Sampling};
use crate::request::story::RequestStory;

/// The settings of a [`RequestLayer`](super::RequestLayer).
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) trust: Option<Trust>,
    pub(super) rate: f64,
    pub(super) recorder: Option<ActiveRecorder>,
    pub(super) slow: Option<Duration>,
    pub(super) watch: Option<Watch>,
    pub(super) quiet: Vec<Hook<bool>>,
    pub(super) path: Option<Hook<Option<String>>>,
    /// Sets the user of the current request.
    pub(super) user: Option<Hook<()>>,
    pub(super) fields: Vec<FieldsHook<Parts>>,
    pub(super) response_fields: Vec<FieldsHook<response::Parts>>,
    /// The test that created the layer. Its requests arrive on tasks of the server, which have no context.
    #[cfg(feature = "testing")]
    pub(super) capture: Option<Arc<dyn crate::request::capture::Capture>>,
}

/// A closure that decides something about a request.
type Hook<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

const STUCK_AFTER: Duration = Duration::from_secs(30);

impl Default for Settings {
    fn default() -> Self {
        Settings {
            trust: None,
            rate: 1.0,
            recorder: None,
            slow: None,
            watch: Some(Watch::new(STUCK_AFTER)),
            quiet: Vec::new(),
            path: None,
            user: None,
            fields: Vec::new(),
            response_fields: Vec::new(),
            #[cfg(feature = "testing")]
            capture: crate::current::capture(),
        }
    }
}

/// The settings of [`begin`](super::begin), which all its requests share.
pub(super) static DEFAULT: LazyLock<Arc<Settings>> = LazyLock::new(|| {
    Arc::new(Settings {
        // Not captured: they outlive the test that uses them first.
        #[cfg(feature = "testing")]
        capture: None,
        ..Settings::default()
    })
});

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// Returns the overrides of a request; `None` if it behaves like any other.
    pub(super) fn overrides(
        &self,
        id: &RequestId,
        parts: &Parts,
        debug: DebugRequest,
    ) -> Option<Box<RequestOverrides>> {
        if self.trust.is_none()
            && self.rate >= 1.0
            && self.quiet.is_empty()
            && self.recorder.is_none()
        {
            // The usual settings: only a story could make the request differ from others.
            let story = story::begin(self.slow)?;
            return Some(Box::new(RequestOverrides::new(
                None,
                Sampling::Sampled,
                None,
                Some(story),
            )));
        }
        let trust = self.trust.as_ref().filter(|_| debug == DebugRequest::Accepted);
        let debug_log = trust.map(Trust::debug_log);
        let is_quiet = self.quiet.iter().any(|quiet| call_hook(|| quiet(parts)).unwrap_or(false));
        // An accepted `X-Debug-Log` overrides sampling and `quiet`.
        let share = match &debug_log {
            None if !sampling::contains(id.as_str(), self.rate) => Sampling::NotSampled,
            None if is_quiet => Sampling::Quiet,
            _ => Sampling::Sampled,
        };
        let recorder = self.recorder.as_ref().map(ActiveRecorder::recorder);
        // A request with raised levels is written in full.
        let story = if debug_log.is_some() { None } else { story::begin(self.slow) };
        let story = story.filter(|story| !self.is_in_full(story, share));
        let has_any = debug_log.is_some()
            || share != Sampling::Sampled
            || recorder.is_some()
            || story.is_some();
        has_any.then(|| Box::new(RequestOverrides::new(debug_log, share, recorder, story)))
    }

    /// Returns whether a request is written in full because it is in the sample.
    fn is_in_full(&self, story: &RequestStory, share: Sampling) -> bool {
        story.is_of_problems() && self.rate < 1.0 && share != Sampling::NotSampled
    }
}
