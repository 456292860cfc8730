//! One request as data, shared by all threads that work for it.
//!
//! Nothing here knows which thread works for the request; the [current](crate::current) frame does. State that changes
//! while the request runs is either a counter, or behind a lock that is held briefly and never while user code runs.

#[cfg(feature = "testing")]
pub(crate) mod capture;
#[cfg(feature = "testing")]
pub(crate) mod counted;
mod identity;
pub(crate) mod open_steps;
pub(crate) mod overrides;
pub(crate) mod recorder;
pub(crate) mod rendered;
pub(crate) mod story;
pub(crate) mod totals;
pub(crate) mod trace;
pub(crate) mod wide;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard};

use self::identity::Identity;
use self::open_steps::OpenSteps;
use self::overrides::RequestOverrides;
use self::recorder::Recorder;
use self::story::RequestStory;
use self::totals::{Cause, Totals, TotalsAt};
use self::trace::Trace;
use self::wide::{WideFields, WideValue};
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::{object_lock, random, serial, sync};
use crate::json::hex::UuidText;
use crate::redact::shown::{Redacted, RequestId};

/// A request, or another piece of work that has an id.
pub(crate) struct Request {
    /// Empty for the placeholder that holds a capture outside any request.
    pub(crate) id: RequestId,
    has_id: bool,
    /// Distinguishes the requests of the process, even if two have the same id.
    pub(crate) serial: u64,
    pub(crate) method: Option<Redacted<'static>>,
    pub(crate) path: Option<Redacted<'static>>,
    /// Known before the first line.
    #[cfg(not(feature = "otel"))]
    pub(crate) trace: Option<Trace>,
    /// Known once the request's span is made, because OpenTelemetry may choose it.
    #[cfg(feature = "otel")]
    pub(crate) trace: OnceLock<Trace>,
    /// The trace from the HTTP layer or a job, used if OpenTelemetry has none.
    #[cfg(feature = "otel")]
    pub(crate) trace_received: Option<Trace>,
    pub(crate) started: Tick,
    /// Boxed: most requests have none, and `None` is one load.
    pub(crate) overrides: Option<Box<RequestOverrides>>,
    /// Present if a timer watches whether the request ends, or if its lines are indented.
    pub(crate) open_steps: Option<OpenSteps>,
    pub(crate) origin: Origin,
    /// Whether `request_completed` is written.
    is_over: AtomicBool,
    /// Whether the code that handles the request has panicked.
    pub(crate) has_panicked: AtomicBool,
    pub(crate) lines: AtomicU64,
    pub(crate) suppressed: AtomicU64,
    /// Whether a folded line waits to be written.
    pub(crate) has_repeats: AtomicBool,
    step_ids: AtomicU32,
    calls: AtomicU32,
    identity: RwLock<Identity>,
    /// The members that later lines omit in the `compact` profile, and the id of the logger that wrote the first line.
    first_line: OnceLock<(u64, String)>,
    /// Changes with the identity; no two states of any two requests share a version.
    version: AtomicU64,
    totals: Mutex<Totals>,
    /// The fields that only the completion line has.
    wide: OnceLock<Mutex<WideFields>>,
    /// Nanoseconds from which on a step is slower than `totals.slowest`.
    slowest_from: AtomicU64,
    #[cfg(feature = "testing")]
    pub(crate) capture: capture::CaptureSlot,
    #[cfg(feature = "testing")]
    _counted: counted::Counted,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext")
            .field("request_id", &self.id.as_str())
            .finish_non_exhaustive()
    }
}

/// How a request began; determines whether an HTTP layer inside it begins another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A job, or a context that was made in the program.
    Internal,
    /// A tower layer, which marks its request in the extensions.
    Layer,
    /// A call of `begin`, which can't mark its request, or the span of a server.
    ByHand,
    /// A root span, which may be that of the whole program. The number of its lines is not limited, and it has no
    /// story.
    RootSpan,
}

/// The properties with which a request begins.
pub(crate) struct RequestStart {
    pub(crate) id: RequestId,
    pub(crate) started: Tick,
    pub(crate) origin: Origin,
    pub(crate) method: Option<Redacted<'static>>,
    pub(crate) path: Option<Redacted<'static>>,
    pub(crate) trace: Option<Trace>,
    pub(crate) overrides: Option<Box<RequestOverrides>>,
    pub(crate) open_steps: Option<OpenSteps>,
}

impl RequestStart {
    /// Work without properties of its own. Its id must not be too long.
    fn at(started: Tick, id: RequestId) -> Self {
        RequestStart {
            id,
            started,
            origin: Origin::Internal,
            method: None,
            path: None,
            trace: None,
            overrides: None,
            open_steps: None,
        }
    }
}

/// A new id (UUID v7, RFC 9562) for a request that begins at `now`.
#[inline]
pub(crate) fn new_id(now: Tick, random: &[u8; 10]) -> RequestId {
    let uuid = uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), random).into_uuid();
    RequestId::Uuid(UuidText::of(uuid.into_bytes()))
}

/// The longest request id, in characters.
const LONGEST_ID: usize = 128;

impl Request {
    /// A request with a new id.
    pub(crate) fn new() -> Self {
        let now = Tick::now();
        Self::begin(RequestStart::at(now, new_id(now, &random::bytes(now))))
    }

    /// A request under this id, cut after [`LONGEST_ID`] characters.
    pub(crate) fn with_id(mut id: Redacted<'static>) -> Self {
        id.cut_chars(LONGEST_ID);
        Self::begin(RequestStart::at(Tick::now(), RequestId::Given(id)))
    }

    // Inlined, so that the request is built where it stays, and not copied.
    #[inline(always)]
    pub(crate) fn begin(start: RequestStart) -> Self {
        let RequestStart { id, started, origin, method, path, trace, overrides, open_steps } =
            start;
        let serial = serial::next();
        let has_id = !id.as_bytes().is_empty();
        Request {
            id,
            has_id,
            serial,
            method,
            path,
            #[cfg(not(feature = "otel"))]
            trace,
            #[cfg(feature = "otel")]
            trace: OnceLock::new(),
            #[cfg(feature = "otel")]
            trace_received: trace,
            started,
            overrides,
            open_steps: open_steps.or_else(|| if has_id { OpenSteps::if_wanted() } else { None }),
            origin,
            is_over: AtomicBool::new(false),
            has_panicked: AtomicBool::new(false),
            lines: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            has_repeats: AtomicBool::new(false),
            step_ids: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            identity: RwLock::default(),
            first_line: OnceLock::new(),
            version: AtomicU64::new(serial),
            totals: Mutex::default(),
            wide: OnceLock::new(),
            slowest_from: AtomicU64::new(1),
            #[cfg(feature = "testing")]
            capture: capture::CaptureSlot::new(),
            #[cfg(feature = "testing")]
            _counted: counted::Counted::new(has_id),
        }
    }

    pub(crate) fn set_trace(&mut self, trace: Trace) {
        #[cfg(feature = "otel")]
        {
            self.trace_received = Some(trace);
        }
        #[cfg(not(feature = "otel"))]
        {
            self.trace = Some(trace);
        }
    }

    #[inline]
    pub(crate) fn trace(&self) -> Option<&Trace> {
        #[cfg(feature = "otel")]
        {
            self.trace.get()
        }
        #[cfg(not(feature = "otel"))]
        {
            self.trace.as_ref()
        }
    }

    /// Hold the lock only briefly. A caller that cached this [version](Self::version) does not need it.
    pub(crate) fn identity(&self) -> RwLockReadGuard<'_, Identity> {
        object_lock::read(&self.identity)
    }

    /// `change` must not call user code.
    pub(crate) fn change_identity(&self, change: impl FnOnce(&mut Identity)) {
        let mut identity = object_lock::write(&self.identity);
        change(&mut identity);
        identity.forget_rendered();
        // A reader that sees the new version also sees every earlier change, because it has to wait for this lock.
        self.version.swap(serial::next(), Ordering::AcqRel);
    }

    /// Keeps the request's part of a line for other threads, if the identity still has the version that it was rendered
    /// for and no other thread is reading it. The tuple has the id of the logger and the version of the identity.
    fn cache_rendered(&self, (logger, version): (u64, u64), text: &str) {
        if let Some(mut identity) = sync::try_write(&self.identity)
            && self.version() == version
        {
            identity.rendered = Some((logger, text.to_owned()));
        }
    }

    /// Returns the members that this logger wrote on the first line of the request; `None` before that line.
    pub(crate) fn first_line(&self, logger: u64) -> Option<&str> {
        self.first_line.get().filter(|(owner, _)| *owner == logger).map(|(_, once)| &**once)
    }

    pub(crate) fn set_first_line(&self, logger: u64, once: String) {
        let _ = self.first_line.set((logger, once));
    }

    /// The version of the identity, for caches of its rendered form.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether this is a request, and not a capture's placeholder.
    #[inline]
    pub(crate) fn has_id(&self) -> bool {
        self.has_id
    }

    /// Whether `request_completed` is written.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(crate) fn set_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// The request, unless it is a placeholder.
    #[inline]
    pub(crate) fn identified(request: Option<&Arc<Self>>) -> Option<&Self> {
        request.map(|request| &**request).filter(|request| request.has_id())
    }

    /// Returns the story, if not all lines of the request are written immediately.
    #[inline]
    pub(crate) fn story(&self) -> Option<&RequestStory> {
        self.overrides.as_deref()?.story.as_ref()
    }

    /// Takes the locks of the request before a fork.
    pub(crate) fn hold(self: &Arc<Self>, locks: &mut ForkLocks) {
        RequestStory::hold(self, locks);
        Recorder::hold(self, locks);
        locks.hold_rw(Arc::clone(self), |request| &request.identity);
        locks.hold(Arc::clone(self), |request| Some(&request.totals), |_, _| {});
        locks.hold(Arc::clone(self), |request| request.wide.get(), |_, _| {});
    }

    pub(crate) fn change_wide(&self, change: impl FnOnce(&mut WideFields)) {
        change(&mut object_lock::lock(self.wide.get_or_init(Mutex::default)));
    }

    /// The wide fields, and the number of values that were dropped because there were too many. `None` if none was set.
    pub(crate) fn wide_fields(&self) -> Option<(Vec<(Redacted<'static>, WideValue)>, u64)> {
        let wide = object_lock::lock(self.wide.get()?);
        Some((wide.fields.clone(), wide.dropped))
    }

    /// The number of lines that other requests would not have written.
    #[cold]
    pub(crate) fn debug_lines(&self) -> u64 {
        self.overrides.as_deref().map_or(0, RequestOverrides::debug_lines)
    }

    pub(crate) fn lines_sampled_away(&self) -> u64 {
        self.overrides.as_deref().map_or(0, |it| it.sampled_away.load(Ordering::Relaxed))
    }

    /// The number of the next line, from 1.
    #[inline]
    pub(crate) fn next_line(&self) -> u64 {
        self.lines.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The id of the next step or call, from 1.
    #[inline]
    pub(crate) fn next_step(&self) -> u32 {
        self.step_ids.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// The number of steps so far, without dependency calls.
    pub(crate) fn steps(&self) -> u32 {
        self.step_ids.load(Ordering::Relaxed).wrapping_sub(self.dependency_calls())
    }

    pub(crate) fn dependency_calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The totals so far, with the cause of a failure if the request has failed.
    pub(crate) fn totals_at(&self, at: Tick, has_failed: bool) -> TotalsAt {
        // Without a step or call, there is nothing behind the lock.
        if self.step_ids.load(Ordering::Relaxed) == 0 && self.dependency_calls() == 0 {
            return TotalsAt::default();
        }
        self.lock_totals().at(at, has_failed)
    }

    fn lock_totals(&self) -> MutexGuard<'_, Totals> {
        object_lock::lock(&self.totals)
    }

    /// Adds a step or call that ended.
    ///
    /// `own_time` is its time in nanoseconds, minus that of the steps inside it.
    #[inline]
    pub(crate) fn step_ended(&self, name: &'static str, own_time: u64, cause: Option<Cause>) {
        // Most steps succeed and are not the slowest; they take no lock.
        let slow = own_time >= self.slowest_from.load(Ordering::Relaxed);
        if cause.is_some() || slow {
            self.add_step(name, own_time, cause);
        }
    }

    #[cold]
    fn add_step(&self, name: &'static str, own_time: u64, cause: Option<Cause>) {
        let mut totals = self.lock_totals();
        self.slowest_from.fetch_max(own_time.saturating_add(1), Ordering::Relaxed);
        if own_time > totals.slowest.map_or(0, |(_, slowest)| slowest) {
            totals.slowest = Some((name, own_time));
        }
        if totals.cause.is_none() {
            totals.cause = cause;
        }
    }

    #[inline]
    pub(crate) fn call_started(&self, at: Tick) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.lock_totals().call_started(at);
    }

    /// Begins a call at its end, since it was not known to be one before. `nanos` of its time are not counted yet.
    pub(crate) fn late_call_started(&self, at: Tick, nanos: u64) {
        self.call_started(at);
        self.lock_totals().dependency_nanos += nanos;
    }

    /// Nanoseconds with at least one dependency call open, up to this time.
    pub(crate) fn dependency_nanos(&self, at: Tick) -> u64 {
        self.lock_totals().dependency_nanos_at(at)
    }

    pub(crate) fn call_ended(&self, at: Tick, retries: u64) {
        self.lock_totals().call_ended(at, retries);
    }
}
