//! Request context: the request that a line belongs to.
//!
//! A [`RequestContext`] is not a tracing span: it is kept even if a span is filtered out, whatever thread or task the
//! work runs on.
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

mod future;
#[cfg(feature = "otel")]
pub(crate) mod otel;
mod span;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

pub use self::future::{InContext, InContextExt, Scope};
use self::span::InSpan;
pub(crate) use self::span::RequestSpan;
use crate::current::span_stack::{self, CarriedContext};
use crate::current::{self, Frame, FrameGuard, LayerSpan, UserGuard};
use crate::format::keys::{LineKind, field_name};
use crate::json::members;
use crate::redact::loggable::{Encoder, Loggable, catch_unprintable};
use crate::redact::shown::{self, Redacted};
use crate::redact::{counted, keys};
use crate::request::Request;
use crate::request::overrides::RequestOverrides;

/// Request, or other work that has an id, and the data that its lines share.
///
/// A clone refers to the same request.
#[derive(Clone)]
pub struct RequestContext {
    pub(crate) request: Arc<Request>,
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.request, f)
    }
}

impl Default for RequestContext {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestContext {
    /// Creates a request with a new id (UUID v7, RFC 9562).
    pub fn new() -> Self {
        Self::of(Request::new())
    }

    /// Creates a request with a known id.
    ///
    /// The id is scrubbed and written escaped. An id of more than 128 characters is truncated.
    pub fn with_id(id: &str) -> Self {
        Self::of(Request::with_id(shown::text(id).into_owned()))
    }

    /// A new request, which belongs to the capture of this thread if there is one.
    #[inline(always)]
    pub(crate) fn of(request: Request) -> Self {
        #[cfg(feature = "testing")]
        current::join_capture(&request);
        RequestContext { request: Arc::new(request) }
    }

    /// Like [`of`](Self::of), with a request that `begin` makes.
    #[cfg(feature = "http")]
    #[inline(always)]
    pub(crate) fn begin(begin: impl FnOnce() -> Request) -> Self {
        // `new_cyclic` allocates before it calls the closure, so the request is written in place.
        let request = Arc::new_cyclic(|_| begin());
        #[cfg(feature = "testing")]
        current::join_capture(&request);
        RequestContext { request }
    }

    /// Sets `method` on all later lines of the request.
    ///
    /// A method that is not a standard one is scrubbed; in strict mode it shows its shape.
    /// Clones of the context share it.
    #[must_use]
    pub fn with_method(self, method: &str) -> Self {
        let method = shown::method(method);
        self.request.change_identity(|identity| identity.method = Some(method));
        self
    }

    /// Sets `path` on all later lines of the request.
    ///
    /// The path is scrubbed, and its query is removed. Clones of the context share it.
    ///
    /// ```
    /// use candor::RequestContext;
    ///
    /// let captured = candor::testing::capture();
    /// let context = RequestContext::with_id("r-7");
    /// let entered = context.enter();
    /// let _context = context.clone().with_path("/orders/7?token=x");
    /// candor::info!("found");
    /// assert_eq!(captured.line("found").text("path"), "/orders/7");
    /// # drop(entered);
    /// ```
    #[must_use]
    pub fn with_path(self, path: &str) -> Self {
        let path = shown::request_target(path);
        self.request.change_identity(|identity| identity.path = Some(path));
        self
    }

    /// Returns the request id.
    pub fn id(&self) -> &str {
        self.request.id.as_str()
    }

    /// Runs a future in this request.
    ///
    /// Every line that it writes belongs to the request, on any thread.
    ///
    /// The future also runs in a span `candor.request`, so that tracing's own `.in_current_span()` carries the request
    /// if candor's layer sees spans. Under [`init`](crate::init) and [`Config::subscriber`](crate::Config::subscriber)
    /// that span is made only when code asks for the current span, and again each time.
    ///
    /// ```
    /// use candor::RequestContext;
    ///
    /// async fn handle(message_id: &str) {
    ///     let work = async { candor::info!("handled") };
    ///     RequestContext::with_id(message_id).scope(work).await; // {…,"msg":"handled","request_id":"m-7",…}
    /// }
    /// ```
    pub fn scope<F: Future>(self, future: F) -> Scope<F> {
        let span = RequestSpan::of_request(&self.request);
        Scope::new(future, Some(Frame::of(self.request)), span)
    }

    /// This context with its span, for code that enters the request more than once.
    pub(crate) fn with_span(self) -> SpannedContext {
        let span = RequestSpan::of_request(&self.request);
        SpannedContext { context: self, span }
    }

    /// This context without a span, if an outer scope has entered it.
    #[cfg(feature = "http")]
    pub(crate) fn without_span(self) -> SpannedContext {
        SpannedContext { context: self, span: RequestSpan::Nothing }
    }

    /// Makes a future, and runs it in the current context.
    #[cfg(feature = "http")]
    pub(crate) fn scope_of_here<F: Future>(make: impl FnOnce() -> F) -> Scope<F> {
        let frame = current::frame_to_send();
        Scope::new(make(), frame, RequestSpan::Nothing)
    }

    /// Runs a closure in this request.
    ///
    /// ```
    /// use candor::RequestContext;
    ///
    /// let captured = candor::testing::capture();
    /// RequestContext::with_id("r-7").enter_with(|| candor::info!("found"));
    /// assert_eq!(captured.line("found").text("request_id"), "r-7");
    /// ```
    pub fn enter_with<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Makes this the current request of the thread until the guard is dropped.
    ///
    /// Do not hold the guard across an `.await`: other tasks of the thread would run in this request. Use
    /// [`scope`](Self::scope) for futures.
    ///
    /// ```
    /// use candor::context::{self, RequestContext};
    ///
    /// let entered = RequestContext::with_id("r-7").enter();
    /// assert_eq!(context::current().expect("a request").id(), "r-7");
    /// drop(entered);
    /// assert!(context::current().is_none());
    /// ```
    pub fn enter(&self) -> Entered {
        let span = RequestSpan::of_request(&self.request);
        let frame = UserGuard::enter(Frame::of(Arc::clone(&self.request)));
        Entered { _span: span.entered(), _frame: frame, _not_send: PhantomData }
    }
}

/// A context and the span of its request, which is created once.
#[derive(Debug, Clone)]
pub(crate) struct SpannedContext {
    pub(crate) context: RequestContext,
    pub(crate) span: RequestSpan,
}

impl SpannedContext {
    /// Runs a closure in the request.
    pub(crate) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.span.run(&mut Frame::of(Arc::clone(&self.context.request)), work)
    }

    /// Runs a future in the request.
    pub(crate) fn scope<F: Future>(&self, future: F) -> Scope<F> {
        Scope::new(future, Some(Frame::of(Arc::clone(&self.context.request))), self.span.clone())
    }
}

/// Guard returned by [`RequestContext::enter`].
#[derive(Debug)]
#[must_use = "the request is current only as long as the guard lives"]
pub struct Entered {
    _span: InSpan<LayerSpan>,
    _frame: UserGuard,
    _not_send: PhantomData<*const ()>,
}

/// Returns the current request, if there is one.
///
/// ```
/// use candor::context::{self, RequestContext};
///
/// let id = || context::current().map(|request| request.id().to_owned());
/// assert_eq!(RequestContext::with_id("r-7").enter_with(id).as_deref(), Some("r-7"));
/// assert_eq!(id(), None);
/// ```
pub fn current() -> Option<RequestContext> {
    let request = current::request()?;
    request.has_id().then_some(RequestContext { request })
}

/// Returns whether a trusted caller raised the level of the current request.
///
/// The caller sends `X-Debug-Log: 1`; see `http::Trust`. Use this function to skip work if its result would not be
/// logged.
///
/// ```
/// assert!(!candor::context::is_debug());
/// ```
pub fn is_debug() -> bool {
    current::with_overrides(|overrides| overrides.debug.is_some()).unwrap_or(false)
}

/// Returns whether the current request is sampled.
///
/// Use it for detail that only a fraction of the requests should log. All services that handle a request agree if their
/// rates are equal. Always true outside requests and without sampling.
///
/// ```
/// assert!(candor::context::is_sampled());
/// ```
pub fn is_sampled() -> bool {
    current::with_overrides(RequestOverrides::is_sampled).unwrap_or(true)
}

/// Sets `user_id` on all later lines of the current request.
///
/// This includes the lines of tasks and threads that already run in the request.
///
/// The value must be loggable: `set_user(clear(&id))`. Outside a request this does nothing.
///
/// ```
/// let captured = candor::testing::capture();
/// candor::RequestContext::with_id("r-7").enter_with(|| {
///     candor::context::set_user(41);
///     candor::info!("found");
/// });
/// assert_eq!(captured.line("found").text("user_id"), "41");
/// ```
pub fn set_user(user: impl Loggable) {
    if let Some(request) = current::request() {
        // The key has one type: a number becomes a string, like the other ids.
        let text = shown::value("user_id", &user);
        request.change_identity(|identity| identity.user = text);
    }
}

/// Adds a field to all later lines of the current request.
///
/// The value of a sensitive name is `"[REDACTED]"`. A name that is one of candor's own keys gets a trailing underscore.
/// A name that contains a secret is itself `[REDACTED]`. A field that was set before is replaced. Outside a request
/// this does nothing.
///
/// ```
/// use candor::context;
/// use candor::policy::clear;
///
/// let captured = candor::testing::capture();
/// candor::RequestContext::with_id("r-7").enter_with(|| {
///     context::set("tenant", clear("acme"));
///     candor::info!("found");
/// });
/// assert_eq!(captured.line("found").text("tenant"), "acme");
/// ```
pub fn set(name: &str, value: impl Loggable) {
    if let Some(request) = current::request() {
        let (name, json) = member(name, &value);
        request.change_identity(|identity| {
            members::set(&mut identity.fields, name.shown(), &json);
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

/// A user's field: the name under which it is kept, and its JSON.
pub(crate) fn member<'a>(name: &'a str, value: &impl Loggable) -> (Redacted<'a>, String) {
    let hidden = keys::hides(name);
    let name = field_name(shown::name(name), LineKind::Event);
    let mut json = String::new();
    catch_unprintable(&mut json, |out| {
        let mut encoder = Encoder::buffered(out).under(name.as_str());
        if hidden {
            counted::name(name.as_str());
            encoder.redacted();
        } else {
            encoder.value(value);
        }
    });
    (name, json)
}

/// Makes a closure that runs in the current context, on any thread.
///
/// Use it with `std::thread::spawn`, `spawn_blocking` and rayon.
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
    let frame = frame_to_carry();
    let mut span = RequestSpan::of_here();
    let mut context = span_stack::context_to_send();
    move || {
        let _frame = frame.map(FrameGuard::enter);
        let _span = span.enter();
        let _context = context.as_mut().map(CarriedContext::enter);
        work()
    }
}

/// The frame of work that is sent elsewhere, if there is a request.
fn frame_to_carry() -> Option<Frame> {
    current::frame_to_send().filter(|frame| frame.request.is_some())
}
