//! What the owner of an edge settled, and what it makes of a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::response;

use super::fields::FieldsHook;
use super::flight_recorder::InUse;
use super::layer::guarded;
use super::stuck::Watch;
use super::trust::{Asked, Trust};
use super::{sampling, site};
use crate::format::record::Severity;
use crate::json::{escape, members};
use crate::logger::emit;
use crate::request::switches::{Share, Switches};

/// The settings of a [`RequestLayer`](super::RequestLayer).
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) trust: Option<Trust>,
    pub(super) rate: f64,
    pub(super) recorder: Option<InUse>,
    pub(super) slow: Option<Duration>,
    pub(super) watch: Option<Watch>,
    pub(super) quiet: Vec<Rule>,
    pub(super) path: Option<PathHook>,
    pub(super) user: Option<UserHook>,
    pub(super) fields: Vec<FieldsHook<Parts>>,
    pub(super) response_fields: Vec<FieldsHook<response::Parts>>,
}

const STUCK_AFTER: Duration = Duration::from_secs(30);

/// What stands in place of a path.
pub(super) type PathHook = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
/// Whether a request is quiet.
pub(super) type Rule = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;
/// Sets the user of the current request, where the hook finds one.
pub(super) type UserHook = Arc<dyn Fn(&Parts) + Send + Sync>;

impl Default for Settings {
    fn default() -> Self {
        Settings {
            trust: None,
            rate: 1.0,
            recorder: None,
            slow: None,
            watch: Some(Watch::after(STUCK_AFTER)),
            quiet: Vec::new(),
            path: None,
            user: None,
            fields: Vec::new(),
            response_fields: Vec::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    pub(super) fn asked(&self, parts: &Parts) -> Asked {
        self.trust.as_ref().map_or(Asked::Nothing, |trust| trust.asked(parts))
    }

    /// The switches of a request, where it has any.
    pub(super) fn switches(&self, id: &str, parts: &Parts, asked: Asked) -> Option<Switches> {
        let debug = self.trust.as_ref().filter(|_| asked == Asked::Granted).map(Trust::debug_log);
        let is_quiet = self.quiet.iter().any(|rule| guarded(|| rule(parts)).unwrap_or(false));
        // What someone asked for is written, whatever the sample is.
        let share = match &debug {
            None if !sampling::takes(id, self.rate) => Share::NotSampled,
            None if is_quiet => Share::Quiet,
            _ => Share::Sampled,
        };
        let recorder = self.recorder.as_ref().map(InUse::recorder);
        let has_any = debug.is_some() || share != Share::Sampled || recorder.is_some();
        has_any.then(|| Switches::new(debug, share, recorder))
    }

    /// Says under the request what became of its wish.
    pub(super) fn tell(&self, asked: Asked) {
        let Some(trust) = &self.trust else { return };
        let text = |out: &mut String, key: &str, value: &str| {
            members::open(out, key);
            escape::json_string(value, out);
        };
        match asked {
            Asked::Nothing => {}
            Asked::Granted => emit::emit(&site::DEBUG_RAISED, Severity::Info, |out, _| {
                text(out, "event", "debug_raised");
                text(out, "levels", &trust.levels().to_string());
                members::open(out, "lines");
                out.push_str(itoa::Buffer::new().format(trust.lines));
            }),
            Asked::OfUnknown => emit::emit(&site::NO_PEER, Severity::Warn, |out, _| {
                text(out, "event", "peer_unknown");
                text(out, "detail", NO_PEER);
            }),
        }
    }
}

const NO_PEER: &str = "X-Debug-Log is not obeyed, since the server tells no address of the caller: serve axum with \
     `into_make_service_with_connect_info::<SocketAddr>()`, or put a `candor::http::PeerAddr` into the request's \
     extensions";
