//! Whose request a line belongs to.
//!
//! A [`RequestContext`] is not a tracing span: it survives when a span is filtered out, on whatever
//! thread or task the work runs.
//!
//! ```
//! use candor::context::{self, RequestContext};
//! use candor::policy::clear;
//!
//! let captured = candor::testing::capture();
//! RequestContext::with_id("r-7").enter_with(|| {
//!     context::set_user(clear("u-1"));
//!     tracing::info!(items = 2, "basket opened");
//! });
//! let line = captured.line("basket opened");
//! assert_eq!(line.text("request_id"), "r-7");
//! assert_eq!(line.text("user_id"), "u-1");
//! assert_eq!(line.integer("seq"), 1);
//! ```

#[cfg(feature = "otel")]
pub(crate) mod otel;
pub(crate) mod span;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::{Level, Span};

use super::dependency::Category;
use crate::base::clock::Tick;
use crate::base::random;
use crate::current::{self, EnteredFrame, Frame, Inside, Restore};
use crate::format::keys::Keys;
use crate::json::members;
use crate::logger;
use crate::redact::loggable::{Encoder, Loggable, guarded};
use crate::redact::{keys, scrub};
use crate::request::open_steps::OpenSteps;
use crate::request::switches::Switches;
use crate::request::trace::Trace;
use span::RequestSpan;

/// One request (or another piece of work that has an id) and everything its lines share.
///
/// Cloning it is cheap and gives the same request.
#[derive(Clone)]
pub struct RequestContext {
    pub(crate) request: Arc<Request>,
}

/// What a [`RequestContext`] points to.
pub(crate) struct Request {
    pub(crate) id: Box<str>,
    pub(crate) method: Option<Cow<'static, str>>,
    /// Scrubbed.
    pub(crate) path: Option<Box<str>>,
    /// Known before the first line.
    pub(crate) trace: OnceLock<Trace>,
    /// What it is where OpenTelemetry has no other one.
    #[cfg(all(feature = "otel", feature = "http"))]
    pub(crate) trace_of_edge: Option<Trace>,
    pub(crate) started: Tick,
    /// Few requests have any: the others are told by one look.
    pub(crate) switches: Option<Box<Switches>>,
    /// Where someone watches whether the request ends.
    pub(crate) open_steps: Option<OpenSteps>,
    /// Whether the line of its end is written.
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
    pub(crate) is_over: AtomicBool,
    pub(crate) lines: AtomicU64,
    pub(crate) suppressed: AtomicU64,
    step_ids: AtomicU32,
    calls: AtomicU32,
    /// Steps without a number, since none of their lines was to be written.
    quiet_steps: AtomicU32,
    identity: RwLock<Identity>,
    /// Another one for each state of each request's identity.
    stamp: AtomicU64,
    sums: Mutex<Sums>,
    /// Nanoseconds from which on a step is slower than `sums.slowest`.
    slowest_from: AtomicU64,
    #[cfg(feature = "testing")]
    pub(crate) capture: OnceLock<crate::testing::Lines>,
    #[cfg(feature = "testing")]
    _counted: crate::testing::Counted,
}

/// The part of a request that can change while it runs.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) user: Option<String>,
    /// Fields of the context's own, as members.
    pub(crate) fields: String,
    rendered: OnceLock<(u64, String)>,
}

impl Identity {
    /// The identity as a layer writes it. The first layer's form is kept; another one makes its own
    /// each time.
    pub(crate) fn rendered(&self, layer: u64, make: impl Fn() -> String) -> Result<&str, String> {
        let (owner, text) = self.rendered.get_or_init(|| (layer, make()));
        if *owner == layer { Ok(text) } else { Err(make()) }
    }
}

fn next_stamp() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What `request_completed` adds up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    pub(crate) retries: u64,
    pub(crate) dependency_nanos: u64,
    open_calls: u32,
    open_since: Option<Tick>,
    pub(crate) slowest: Option<(&'static str, u64)>,
    pub(crate) cause: Option<Cause>,
}

/// The first step or call of a request that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) step: &'static str,
    pub(crate) dependency: Option<&'static str>,
    pub(crate) step_id: u32,
    pub(crate) category: Option<Category>,
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.request, f)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("request_id", &self.id).finish_non_exhaustive()
    }
}

impl Default for RequestContext {
    fn default() -> Self {
        Self::new()
    }
}

/// Characters of a request id.
const LONGEST_ID: usize = 128;

impl RequestContext {
    /// A new request with a new id (UUID v7, RFC 9562).
    pub fn new() -> Self {
        Self::of(Request::new())
    }

    /// A new request under an id that is known already.
    ///
    /// The id is written escaped; one longer than 128 characters is cut there.
    pub fn with_id(id: &str) -> Self {
        Self::of(Request::with_id(id))
    }

    pub(crate) fn of(request: Request) -> Self {
        RequestContext { request: Arc::new(request) }
    }

    /// The same request with the method its lines show. For a context that has not been used yet.
    #[must_use]
    pub fn with_method(self, method: &str) -> Self {
        self.change(|request| request.method = Some(method_of(method)))
    }

    /// The same request with the path its lines show, scrubbed and without its query. For a context
    /// that has not been used yet.
    #[must_use]
    pub fn with_path(self, path: &str) -> Self {
        self.change(|request| request.path = Some(safe_path(path).into()))
    }

    fn change(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let Some(request) = Arc::get_mut(&mut self.request) {
            change(request);
            // Where a line was written before, what was rendered for it is no longer so.
            if request.identity.get_mut().is_ok_and(|identity| identity.rendered.get().is_some()) {
                request.change_identity(|_| {});
            }
        }
        self
    }

    /// The request id.
    pub fn id(&self) -> &str {
        &self.request.id
    }

    /// Runs a future under this request: every line it writes belongs to it, on whatever thread it
    /// is polled.
    ///
    /// It also opens the span `candor.request` around the future, so that tracing's own
    /// `.in_current_span()` carries the request where candor's layer sees spans. Under [`init`](crate::init) and
    /// [`Config::subscriber`](crate::Config::subscriber) it is made for who asks for the current span, for each anew.
    pub fn scope<F: Future>(self, future: F) -> Scope<F> {
        let span = self.span();
        Scope {
            future: Some(future),
            frame: Some(Frame { request: Some(self.request), ..Frame::default() }),
            span,
        }
    }

    /// Makes a future under this request and runs it there, in one span.
    #[cfg(feature = "http")]
    pub(crate) fn scope_of<F: Future>(self, make: impl FnOnce() -> F) -> Scope<F> {
        let mut span = self.span();
        let frame = || Frame { request: Some(Arc::clone(&self.request)), ..Frame::default() };
        let future = {
            let _restore = Restore::enter(frame());
            let _entered = span.enter();
            make()
        };
        Scope { future: Some(future), frame: Some(frame()), span }
    }

    /// Makes a future here, and has it work for what is current here.
    #[cfg(feature = "http")]
    pub(crate) fn scope_of_here<F: Future>(make: impl FnOnce() -> F) -> Scope<F> {
        let frame = current::with(Frame::fork);
        Scope { future: Some(make()), frame, span: RequestSpan::Nothing }
    }

    /// Runs a closure under this request.
    pub fn enter_with<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Makes this the current request of the thread until the guard is dropped.
    ///
    /// Do not hold the guard across an `.await`: other tasks of the thread would run under this
    /// request. [`scope`](Self::scope) is for futures.
    pub fn enter(&self) -> Entered {
        let span = self.span();
        let frame = Frame { request: Some(Arc::clone(&self.request)), ..Frame::default() };
        let frame = EnteredFrame::enter(frame);
        Entered { _span: span.entered(), _frame: frame, _not_send: PhantomData }
    }

    fn span(&self) -> RequestSpan {
        #[cfg(feature = "testing")]
        crate::testing::Lines::join(&self.request.capture);
        let span = RequestSpan::of(&self.request);
        #[cfg(feature = "otel")]
        match &span {
            RequestSpan::Nothing => {}
            RequestSpan::Span(span) => otel::join(&self.request, span),
            RequestSpan::Shield { .. } => otel::join(&self.request, &Span::none()),
        }
        span
    }
}

/// A method, of which most have one of a few (RFC 9110, section 9, and RFC 5789).
pub(crate) fn method_of(name: &str) -> Cow<'static, str> {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
    match KNOWN.into_iter().find(|known| *known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_owned()),
    }
}

/// The path of a request target, scrubbed. `OPTIONS *` and `CONNECT host:port` have none, and what they
/// have instead is text.
pub(crate) fn safe_path(target: &str) -> String {
    if target.starts_with('/') {
        scrub::url(target)
    } else {
        scrub::text_or_shape(target).into_owned()
    }
}

/// The guard of [`RequestContext::enter`].
#[derive(Debug)]
#[must_use = "the request is current only as long as the guard lives"]
pub struct Entered {
    _span: span::InSpan<tracing::span::EnteredSpan>,
    _frame: EnteredFrame,
    _not_send: PhantomData<*const ()>,
}

pin_project! {
    /// The future of [`RequestContext::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        #[pin]
        future: Option<F>,
        frame: Option<Frame>,
        span: RequestSpan,
    }

    impl<F> PinnedDrop for Scope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_none() {
                return;
            }
            let _inside = this.frame.as_mut().map(Inside::enter);
            let _entered = this.span.enter();
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _inside = Inside::enter(this.frame.get_or_insert_default());
        let _entered = this.span.enter();
        poll_some(this.future, cx)
    }
}

/// The future is there until it is done or its wrapper is dropped; it is an option so that what it drops then
/// still runs under its request.
fn poll_some<F: Future>(mut future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    let polled = future.as_mut().as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx));
    if polled.is_ready() {
        future.set(None);
    }
    polled
}

/// The current request, if there is one.
pub fn current() -> Option<RequestContext> {
    let request = current::request()?;
    request.has_id().then_some(RequestContext { request })
}

/// Whether the current request was asked for its detail, by `X-Debug-Log` from a caller who may ask: for what
/// is worth working out only then. Its debug lines are written as far as the edge lists their targets.
///
/// ```
/// assert!(!candor::context::is_debug());
/// ```
pub fn is_debug() -> bool {
    with_switches(|switches| switches.debug.is_some()).unwrap_or(false)
}

/// Whether the lines of the current request are part of the sample: for detail that only a part of the
/// requests should have, and that others of the same request, in other services, then have too. Always true outside
/// requests, and where there is no sampling.
///
/// ```
/// assert!(candor::context::is_sampled());
/// ```
pub fn is_sampled() -> bool {
    with_switches(Switches::is_sampled).unwrap_or(true)
}

/// Whether the current request writes here where others may not.
pub(crate) fn asks_for(target: &str, level: Level) -> bool {
    with_switches(|switches| switches.allow(target, level)).unwrap_or(false)
}

/// Looks at the switches of the current request, where it has any.
fn with_switches<T>(f: impl FnOnce(&Switches) -> T) -> Option<T> {
    current::with(|frame| frame.request.as_ref()?.switches.as_deref().map(f)).flatten()
}

/// Names the user of the current request, for every line from now on, in tasks that already run
/// too.
///
/// What is given must be loggable: `set_user(clear(&id))`. Outside a request nothing happens.
pub fn set_user(user: impl Loggable) {
    if let Some(request) = current::request() {
        let json = json("user_id", |to| to.value(&user));
        // One type for a key: a number becomes text, as the other ids are.
        let text = (json != "null").then(|| members::text_of(&json));
        request.change_identity(|identity| identity.user.clone_from(&text));
    }
}

/// Adds a field to every line of the current request from now on.
///
/// A sensitive name is written as `"[REDACTED]"`; one of candor's own keys gets a trailing
/// underscore; a name that was set before is set anew. Outside a request nothing happens.
pub fn set(name: &str, value: impl Loggable) {
    if let Some(request) = current::request() {
        let (name, json) = member(name, &value);
        request.change_identity(|identity| {
            members::set(&mut identity.fields, &name, &json);
        });
    }
}

/// Adds fields to the current request, given as members.
#[cfg(feature = "http")]
pub(crate) fn add(fields: &str) {
    if fields.is_empty() {
        return;
    }
    if let Some(request) = current::request() {
        request.change_identity(|identity| {
            members::set_all(&mut identity.fields, fields);
        });
    }
}

/// A field of someone's own: the name it is kept under, and its JSON.
pub(crate) fn member(name: &str, value: &impl Loggable) -> (String, String) {
    let name = Keys::default().field_name(name);
    let hidden = keys::hides(&name);
    let json = json(&name, |to| if hidden { to.redacted() } else { to.value(value) });
    (name, json)
}

fn json(name: &str, write: impl FnOnce(&mut Encoder<'_>)) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| write(&mut Encoder::gathered(out).under(name)));
    json
}

/// A closure that works under the context of here, wherever it is called: for threads,
/// `spawn_blocking`, rayon.
///
/// ```
/// use candor::context::{self, RequestContext};
///
/// let work = RequestContext::with_id("r-7").enter_with(|| {
///     context::carry(|| context::current().map(|request| request.id().to_owned()))
/// });
/// let id = std::thread::spawn(work).join().expect("no panic");
/// assert_eq!(id.as_deref(), Some("r-7"));
/// ```
pub fn carry<F, T>(work: F) -> impl FnOnce() -> T + use<F, T>
where
    F: FnOnce() -> T,
{
    let frame = current::with(Frame::fork).filter(|frame| frame.request.is_some());
    let span = span_of_here();
    move || {
        let _restore = frame.map(Restore::enter);
        let _entered = entered(span.as_ref());
        work()
    }
}

/// The span of here, which other layers take for the parent of what is sent elsewhere. candor itself
/// needs none, and where it is alone there is nothing to enter at every poll.
fn span_of_here() -> Option<Span> {
    (!logger::is_alone()).then(Span::current).filter(|span| !span.is_none())
}

fn entered(span: Option<&Span>) -> Option<tracing::span::Entered<'_>> {
    span.filter(|_| current::is_alive()).map(Span::enter)
}

/// `.in_context()` on futures.
pub trait InContextExt: Future + Sized {
    /// This future under the context of here, wherever it is spawned.
    fn in_context(self) -> InContext<Self> {
        let frame = current::with(Frame::fork).filter(|frame| frame.request.is_some());
        InContext { future: Some(self), frame, span: span_of_here() }
    }
}

impl<F: Future> InContextExt for F {}

pin_project! {
    /// The future of [`InContextExt::in_context`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        #[pin]
        future: Option<F>,
        frame: Option<Frame>,
        span: Option<Span>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = this.frame.as_mut().map(Inside::enter);
            let _entered = entered(this.span.as_ref());
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _inside = this.frame.as_mut().map(Inside::enter);
        let _entered = entered(this.span.as_ref());
        poll_some(this.future, cx)
    }
}

impl Request {
    pub(crate) fn new() -> Self {
        let now = Tick::now();
        let random = random::bytes(now);
        let id = uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &random);
        let id = id.into_uuid().hyphenated();
        Self::begun(now, id.encode_lower(&mut uuid::Uuid::encode_buffer()))
    }

    pub(crate) fn with_id(id: &str) -> Self {
        // So many bytes are no more characters.
        let end = if id.len() <= LONGEST_ID { None } else { id.char_indices().nth(LONGEST_ID) };
        Self::begun(Tick::now(), end.map_or(id, |(at, _)| &id[..at]))
    }

    fn begun(started: Tick, id: &str) -> Self {
        Request {
            id: id.into(),
            method: None,
            path: None,
            trace: OnceLock::new(),
            #[cfg(all(feature = "otel", feature = "http"))]
            trace_of_edge: None,
            started,
            switches: None,
            open_steps: None,
            is_over: AtomicBool::new(false),
            lines: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
            step_ids: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            quiet_steps: AtomicU32::new(0),
            identity: RwLock::default(),
            stamp: AtomicU64::new(next_stamp()),
            sums: Mutex::default(),
            slowest_from: AtomicU64::new(0),
            #[cfg(feature = "testing")]
            capture: crate::testing::Lines::place(),
            #[cfg(feature = "testing")]
            _counted: crate::testing::Counted::new(id),
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn set_trace(&mut self, trace: Trace) {
        #[cfg(feature = "otel")]
        {
            self.trace_of_edge = Some(trace);
        }
        #[cfg(not(feature = "otel"))]
        {
            self.trace = trace.into();
        }
    }

    /// For a moment: who has seen the [stamp](Self::stamp) before need not look.
    pub(crate) fn identity(&self) -> RwLockReadGuard<'_, Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// `change` calls no code of the user's.
    fn change_identity(&self, change: impl FnOnce(&mut Identity)) {
        let mut identity = self.identity.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut identity);
        identity.rendered.take();
        drop(identity);
        // Whoever reads the last number has to see every change before it.
        self.stamp.swap(next_stamp(), Ordering::AcqRel);
    }

    /// The number of the identity's state: who has seen it before knows what it is.
    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    /// Whether this is a request, and not only the place a capture hangs on.
    #[inline]
    pub(crate) fn has_id(&self) -> bool {
        !self.id.is_empty()
    }

    /// What is a request and has an id.
    #[inline]
    pub(crate) fn identified(request: Option<&Arc<Self>>) -> Option<&Self> {
        request.map(|request| &**request).filter(|request| request.has_id())
    }

    /// Lines that only this request wrote, since it was asked for its detail.
    #[cold]
    pub(crate) fn more_lines(&self) -> u64 {
        self.switches.as_deref().map_or(0, Switches::more_lines)
    }

    pub(crate) fn lines_sampled_away(&self) -> u64 {
        self.switches.as_deref().map_or(0, |it| it.sampled_away.load(Ordering::Relaxed))
    }

    /// The number of the next line, from 1.
    #[inline]
    pub(crate) fn next_line(&self) -> u64 {
        self.lines.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of the next step or call, from 1.
    #[inline]
    pub(crate) fn next_step(&self) -> u32 {
        self.step_ids.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Counts a step of which only a bad end is told.
    #[inline]
    pub(crate) fn step_begun_quietly(&self) {
        self.quiet_steps.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of one of these, which is needed after all.
    pub(crate) fn next_quiet_step(&self) -> u32 {
        self.quiet_steps.fetch_sub(1, Ordering::Relaxed);
        self.next_step()
    }

    pub(crate) fn steps(&self) -> u32 {
        let numbered = self.step_ids.load(Ordering::Relaxed);
        let all = numbered.wrapping_add(self.quiet_steps.load(Ordering::Relaxed));
        all.wrapping_sub(self.dependency_calls())
    }

    pub(crate) fn dependency_calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The sums at a point in time: a call that is open then counts up to there.
    pub(crate) fn sums_at(&self, at: Tick) -> Sums {
        let mut sums = self.lock_sums().clone();
        if let Some(since) = sums.open_since {
            sums.dependency_nanos += at.nanos_since(since);
        }
        sums
    }

    fn lock_sums(&self) -> std::sync::MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what `request_completed` says of a step or call that ended. One with others inside it is
    /// not named the slowest: its time is theirs.
    #[inline]
    pub(crate) fn step_ended(
        &self,
        name: &'static str,
        nanos: u64,
        is_leaf: bool,
        cause: Option<Cause>,
    ) {
        // Most steps are well and not the slowest, and take no lock.
        let slow = is_leaf && nanos >= self.slowest_from.load(Ordering::Relaxed);
        if cause.is_some() || slow {
            self.sum_up(name, nanos, is_leaf, cause);
        }
    }

    #[cold]
    fn sum_up(&self, name: &'static str, nanos: u64, is_leaf: bool, cause: Option<Cause>) {
        let mut sums = self.lock_sums();
        if is_leaf {
            self.slowest_from.fetch_max(nanos.saturating_add(1), Ordering::Relaxed);
        }
        if is_leaf && sums.slowest.is_none_or(|(_, slowest)| nanos > slowest) {
            sums.slowest = Some((name, nanos));
        }
        if sums.cause.is_none() {
            sums.cause = cause;
        }
    }

    pub(crate) fn call_started(&self, at: Tick) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut sums = self.lock_sums();
        sums.open_calls += 1;
        if sums.open_since.is_none() {
            sums.open_since = Some(at);
        }
    }

    pub(crate) fn call_ended(&self, at: Tick, retries: u64) {
        let mut sums = self.lock_sums();
        sums.retries += retries;
        sums.open_calls = sums.open_calls.saturating_sub(1);
        if sums.open_calls == 0
            && let Some(since) = sums.open_since.take()
        {
            sums.dependency_nanos += at.nanos_since(since);
        }
    }
}
