//! A site: one annotated location in the source, known to `tracing` as one event for each level and one span.
//!
//! A site answers two questions: what it is ([`Spec`], written by the macros), and which of its lines are wanted
//! ([`Site::wanted`], cached until the levels change). It knows nothing of requests and threads.

use std::array::from_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, RwLock};

use tracing_core::callsite::{Callsite, DefaultCallsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Level, Metadata};

use self::cache::{SiteCache, Wanted};
use crate::base::cached_answer::CachedAnswer;
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::sync;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::sites::{SiteId, SiteKey};
use crate::format::template::Template;
use crate::json::shown::Shown;
use crate::json::{escape, members};
use crate::metrics::{self, Observation};
use crate::outcome::failure::ErrorClass;
use crate::outcome::kind::Outcome;
use crate::redact::shown::Redacted;

mod cache;
mod interest;
mod prefix;
mod spec;

pub(crate) use self::cache::{FastLine, FastPath};
#[cfg(feature = "metrics")]
pub(crate) use self::interest::ask_again;
pub(crate) use self::interest::{interest_of, on_never};
pub(crate) use self::prefix::PrefixCache;
pub use self::spec::{Spec, fields};
pub(crate) use self::spec::{event_sites, names};

/// The static behind an annotated function.
///
/// It refers to itself, so that the macros' output is one `static`.
#[derive(Debug)]
pub struct Site {
    pub(crate) spec: Spec,
    /// The metadata of the events, by level, and of the span.
    metadata: [Metadata<'static>; 6],
    callsites: [DefaultCallsite; 6],
    cache: SiteCache,
    /// The prefixes of the site's lines, by severity.
    prefixes: [PrefixCache; 6],
    /// `,"event":"step_timing","step":"charge","duration_ms":`, for a call up to `"url":`.
    step_prefix: OnceLock<String>,
    /// A URL without anything to redact, and the version of the key rule for which that holds.
    pub(crate) cached_url: OnceLock<(u64, Redacted<'static>)>,
    index: OnceLock<u32>,
    /// Whether a value of an unsupported type has been reported.
    pub(crate) has_reported_unsupported: AtomicBool,
    /// Whether the levels of a logger allow the usual line, if the site is that of a span of another crate.
    pub(crate) is_usual_allowed: CachedAnswer,
    #[cfg(feature = "metrics")]
    series: metrics::SiteSeries,
}

/// The sites of steps that were open in a watched request; a site's index is its position, from 1.
static INDEXED: RwLock<Vec<&'static Site>> = RwLock::new(Vec::new());

/// The identity of a call site that is made at run time, and so can't refer to itself.
#[derive(Debug)]
struct LateCallsite(OnceLock<&'static Metadata<'static>>);

impl Callsite for LateCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("set before the call site is registered")
    }
}

/// The levels of a site's events, in order.
const LEVELS: [Level; 5] = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
/// The index of the span, after those of the events.
const SPAN: usize = LEVELS.len();
/// The field that marks the events and the span of a step or call.
pub(crate) const SPAN_MARK: &str = "candor.kind";
/// A step's members up to its name.
pub(crate) const STEP_PREFIX: &str = ",\"event\":\"step_timing\",\"step\":\"";
/// Between a step's name and its duration.
pub(crate) const DURATION: &str = "\",\"duration_ms\":";
/// The field that `tracing-opentelemetry` takes as the status of a span.
pub(crate) const STATUS_CODE: &str = "otel.status_code";
/// The field that marks the span of a step whose body may record fields.
///
/// It may do so through `tracing`, so candor's own layer needs such a span, too.
pub const RECORDABLE: &str = "candor.recordable";
/// The field with the values recorded under undeclared names, as a JSON object.
pub const RECORDED: &str = "candor.recorded";

impl Site {
    /// A site that lives at `this`.
    pub const fn new(this: &'static Site, spec: Spec) -> Self {
        Site {
            spec,
            metadata: [
                Self::metadata(&spec, 0, &this.callsites[0]),
                Self::metadata(&spec, 1, &this.callsites[1]),
                Self::metadata(&spec, 2, &this.callsites[2]),
                Self::metadata(&spec, 3, &this.callsites[3]),
                Self::metadata(&spec, 4, &this.callsites[4]),
                Self::metadata(&spec, SPAN, &this.callsites[SPAN]),
            ],
            callsites: [
                DefaultCallsite::new(&this.metadata[0]),
                DefaultCallsite::new(&this.metadata[1]),
                DefaultCallsite::new(&this.metadata[2]),
                DefaultCallsite::new(&this.metadata[3]),
                DefaultCallsite::new(&this.metadata[4]),
                DefaultCallsite::new(&this.metadata[SPAN]),
            ],
            cache: SiteCache::new(&spec),
            prefixes: [const { PrefixCache::new() }; 6],
            step_prefix: OnceLock::new(),
            cached_url: OnceLock::new(),
            index: OnceLock::new(),
            has_reported_unsupported: AtomicBool::new(false),
            is_usual_allowed: CachedAnswer::new(),
            #[cfg(feature = "metrics")]
            series: metrics::SiteSeries::new(),
        }
    }

    /// A site that is made at run time, for a block that is not a function.
    pub(crate) fn leaked(spec: Spec) -> &'static Site {
        let late: [&'static LateCallsite; 6] =
            from_fn(|_| &*Box::leak(Box::new(LateCallsite(OnceLock::new()))));
        let metadata = |at: usize| Self::metadata(&spec, at, late[at]);
        let known: &'static [Metadata<'static>; 6] = Box::leak(Box::new(from_fn(metadata)));
        for (callsite, metadata) in late.iter().zip(known) {
            let _ = callsite.0.set(metadata);
        }
        Box::leak(Box::new(Site {
            spec,
            metadata: from_fn(metadata),
            callsites: known.each_ref().map(DefaultCallsite::new),
            cache: SiteCache::new(&spec),
            prefixes: [const { PrefixCache::new() }; 6],
            step_prefix: OnceLock::new(),
            cached_url: OnceLock::new(),
            index: OnceLock::new(),
            has_reported_unsupported: AtomicBool::new(false),
            is_usual_allowed: CachedAnswer::new(),
            #[cfg(feature = "metrics")]
            series: metrics::SiteSeries::new(),
        }))
    }

    const fn metadata(
        spec: &Spec,
        at: usize,
        identity: &'static dyn Callsite,
    ) -> Metadata<'static> {
        let (name, level, kind) = match at {
            SPAN => (spec.name, spec.level, Kind::SPAN),
            event => (spec.event, LEVELS[event], Kind::EVENT),
        };
        Metadata::new(
            name,
            spec.target,
            level,
            Some(spec.file),
            Some(spec.line),
            Some(spec.module),
            FieldSet::new(spec.fields, Identifier(identity)),
            kind,
        )
    }

    /// The site's index in the counts of lines.
    #[inline(always)]
    pub(crate) fn id(&self) -> SiteId {
        self.cache.id.known().unwrap_or_else(|| self.assign_id())
    }

    #[cold]
    #[inline(never)]
    fn assign_id(&self) -> SiteId {
        let Spec { name, event, target, file, line, .. } = self.spec;
        // An event of candor's own has no location in user code.
        self.cache.id.assign(if name == event {
            SiteKey::of_own(target, event)
        } else {
            let key = SiteKey::of_event(Some(file), Some(line), target, event);
            SiteKey { dependency: self.dependency(), name, ..key }
        })
    }

    pub(crate) fn is_call(&self) -> bool {
        self.spec.call.is_some()
    }

    pub(crate) fn dependency(&self) -> &'static str {
        self.spec.call.map_or("", |call| call.dependency)
    }

    /// Whether a line, the span of another layer or a metric of this site is wanted.
    #[inline]
    pub fn wanted(&'static self) -> bool {
        self.cache.wanted().unwrap_or_else(|| self.query_interest()) != Wanted::Nothing
    }

    /// Whether any line could be written, or another layer wants the span.
    #[inline]
    pub(crate) fn wants_fields(&'static self) -> bool {
        let wanted = self.cache.wanted().unwrap_or_else(|| self.query_interest());
        !matches!(wanted, Wanted::Nothing | Wanted::Timing)
    }

    /// Whether at most the line of a failure could be written, so that only its start time needs to be kept.
    #[inline]
    pub(crate) fn is_error_only(&'static self) -> bool {
        match self.cache.wanted() {
            Some(Wanted::ErrorOnly) => true,
            #[cfg(feature = "metrics")]
            Some(Wanted::Timing) => !self.is_call(),
            _ => false,
        }
    }

    /// The kind of the usual line, if every request writes it and no other layer wants the span.
    #[inline]
    pub(crate) fn fast_path(&'static self) -> Option<FastPath> {
        match self.cache.wanted() {
            Some(Wanted::FastStep) => Some(FastPath::Step),
            Some(Wanted::FastCall) => Some(FastPath::Call),
            _ => None,
        }
    }

    /// Whether the site is on the fast path, and a step, not a call.
    #[inline]
    pub(crate) fn is_fast_step(&'static self) -> bool {
        self.cache.wanted() == Some(Wanted::FastStep)
    }

    #[inline(never)]
    fn query_interest(&'static self) -> Wanted {
        // Read first: a rebuild in between changes the epoch and invalidates this answer.
        let epoch = interest::INTEREST_EPOCH.load(Ordering::Acquire);
        let wants = |at: usize| !interest_of(&self.callsites[at]).is_never();
        let usual = event_index(self.cache.severity);
        let is_always = interest_of(&self.callsites[usual]).is_always();
        if interest_of(&self.callsites[usual]).is_never() {
            interest::notice_never(&self.metadata[usual]);
        }
        let wanted = if !(0..self.callsites.len()).any(wants) {
            if metrics::is_on() { Wanted::Timing } else { Wanted::Nothing }
        } else if self.cache.is_simple && !wants(SPAN) && is_always {
            if self.is_call() { Wanted::FastCall } else { Wanted::FastStep }
        } else if self.cache.may_be_error_only && !wants(SPAN) && !wants(usual) {
            Wanted::ErrorOnly
        } else {
            Wanted::All
        };
        if epoch == 0 {
            interest::register_sentinel();
        } else {
            self.cache.store_interest(epoch, wanted);
        }
        wanted
    }

    /// The unchanging parts of the line of a success that took this many nanoseconds; `None` if it is not the usual
    /// line, or if this layout's parts are not cached.
    #[inline]
    pub(crate) fn fast_line(&'static self, nanos: u64, template: &Template) -> Option<FastLine> {
        if nanos < self.cache.slow_from { self.cache.fast_line(&self.spec, template) } else { None }
    }

    /// Counts a step or call with this duration in nanoseconds, if metrics are on. `class` is the class of its error.
    #[inline]
    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "counts nothing"))]
    pub(crate) fn observe(
        &'static self,
        took: impl FnOnce() -> u64,
        outcome: Outcome,
        class: Option<ErrorClass>,
    ) -> Observation {
        #[cfg(feature = "metrics")]
        if metrics::is_on() {
            return self.count(took(), outcome, class);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (took, outcome, class);
        Observation::NONE
    }

    #[cfg(feature = "metrics")]
    #[inline(never)]
    fn count(&self, nanos: u64, outcome: Outcome, class: Option<ErrorClass>) -> Observation {
        let (series, name) = (&self.series, self.spec.name);
        match self.spec.call {
            None => metrics::step_ended(series, name, outcome, class, nanos),
            Some(call) => {
                metrics::call_ended(series, (call.dependency, name), outcome, class, nanos)
            }
        }
    }

    /// Whether some request writes lines of this severity.
    pub(crate) fn may_write(&'static self, severity: Severity) -> bool {
        !self.interest(severity).is_never()
    }

    /// What subscribers want of the site's events of this severity.
    pub(crate) fn interest(&'static self, severity: Severity) -> Interest {
        interest_of(&self.callsites[event_index(severity)])
    }

    /// What subscribers want of the site's span.
    #[inline]
    pub(crate) fn span_interest(&'static self) -> Interest {
        interest_of(&self.callsites[SPAN])
    }

    pub(crate) fn event_metadata(&'static self, severity: Severity) -> &'static Metadata<'static> {
        &self.metadata[event_index(severity)]
    }

    pub(crate) fn span_metadata(&'static self) -> &'static Metadata<'static> {
        &self.metadata[SPAN]
    }

    #[inline]
    pub(crate) fn record(&self, severity: Severity, at: Tick) -> Record<'static> {
        Record {
            at,
            severity,
            logger: Shown::literal(self.spec.target),
            message: Shown::literal(self.spec.event),
            has_exc: self.spec.has_exc,
            capped: self.spec.is_capped,
            folds: false,
            context_keys: if self.spec.takes_context {
                ContextKeys::Replaced
            } else {
                ContextKeys::Unused
            },
            site: self.id(),
        }
    }

    /// The part of a line between time and request; `None` if this layout's is not cached.
    #[inline]
    pub(crate) fn prefix(
        &'static self,
        severity: Severity,
        template: &Template,
    ) -> Option<&'static str> {
        let Spec { target, event, .. } = self.spec;
        self.prefixes[severity as usize].shared(template, severity, target, event)
    }

    /// The site's index, by which [`by_index`](Self::by_index) finds it.
    pub(crate) fn index(&'static self) -> u32 {
        *self.index.get_or_init(|| {
            let mut sites = sync::write(&INDEXED);
            sites.push(self);
            u32::try_from(sites.len()).unwrap_or(u32::MAX)
        })
    }

    pub(crate) fn by_index(index: u32) -> Option<&'static Site> {
        let sites = sync::read(&INDEXED);
        sites.get((index as usize).checked_sub(1)?).copied()
    }

    /// The members of a step's line up to its duration, of a call's up to its URL.
    #[inline]
    pub(crate) fn step_prefix(&'static self) -> &'static str {
        self.step_prefix.get_or_init(|| {
            let mut out = String::new();
            let Some(call) = &self.spec.call else {
                out.push_str(STEP_PREFIX);
                escape::json_text(Shown::literal(self.spec.name), &mut out);
                out.push_str(DURATION);
                return out;
            };
            members::text(&mut out, "event", self.spec.event);
            members::text(&mut out, "dependency", call.dependency);
            members::text(&mut out, "operation", self.spec.name);
            match call.method {
                Some(method) => members::text(&mut out, "dependency_method", method),
                None => out.push_str(",\"dependency_method\":null"),
            }
            out.push_str(",\"url\":");
            out
        })
    }
}

/// The index of the event of this severity; CRITICAL is an ERROR to `tracing`.
#[inline]
fn event_index(severity: Severity) -> usize {
    (severity as usize).min(LEVELS.len() - 1)
}

/// Whether a span is that of a step whose body may record fields through `tracing`.
pub(crate) fn is_recordable(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field(RECORDABLE).is_some()
}

/// Whether an event or a span is that of a step or call.
pub(crate) fn is_of_step(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field(SPAN_MARK).is_some()
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold_rw((), |()| &INDEXED);
    prefix::hold(locks);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn a_site_that_was_off_is_on_as_soon_as_someone_wants_it() {
        static SITE: Site = Site::new(&SITE, Spec::step("s", "site_tests", "", 0));
        for _ in 0..2 {
            let off = Config::new().level("site_tests=off").and_then(Config::subscriber);
            tracing::subscriber::with_default(off.expect("valid"), || {
                assert!(!(SITE.wanted() || SITE.wanted() || SITE.wanted()));
            });
            let on = Config::new().level("site_tests=error").and_then(Config::subscriber);
            tracing::subscriber::with_default(on.expect("valid"), || assert!(SITE.wanted()));
        }
    }
}
