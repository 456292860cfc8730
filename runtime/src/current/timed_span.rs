//! A span of another crate that is a step.
//!
//! It has a position in its request, times, and the data from which its outcome is read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use std::{mem, thread};

use super::call::CallState;
use super::frame::{Frame, SavedFrame, StepExtras};
use super::thread::{self as this_thread, with, with_thread};
use crate::base::clock::Tick;
use crate::base::lock;
use crate::json::members;
use crate::outcome::Category;
use crate::redact::shown::Redacted;
use crate::request::trace::Trace;
use crate::request::{Origin, Request};
use crate::site::Site;

/// Whether a logger of this process times spans. If it is false, other code need not look for a timed span.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Lets [`is_on`] return true from now on.
pub(crate) fn enable() {
    IS_ON.store(true, Ordering::Relaxed);
}

/// Whether a logger of this process times spans.
#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// A span of another crate that is a step, or that begins a request or job.
pub(crate) struct TimedSpan {
    /// The id of the logger that writes its line.
    pub(crate) logger: u64,
    pub(crate) site: &'static Site,
    pub(crate) started: Tick,
    /// Its position in its request. If the span was created outside any request, unset until it is entered in one.
    place: OnceLock<StepPlace>,
    /// The request or job that the span begins when it is created.
    begins: Option<Begun>,
    /// The job of a root span that is entered outside any request.
    job: OnceLock<Arc<Request>>,
    /// Whether an event has ever reported the response of a request of this call site.
    pub(crate) reports: &'static AtomicBool,
    /// The call, if it was known when the span was created.
    pub(crate) call: Option<Arc<CallState>>,
    /// Whether the thread was unwinding when the span was created.
    was_panicking: bool,
    has_panicked: AtomicBool,
    has_extras: AtomicBool,
    /// Nanoseconds of the steps inside it.
    inner: AtomicU64,
    /// Nanoseconds for which it was entered.
    busy: AtomicU64,
    /// When it was last exited, in nanoseconds of a [`Tick`]; 0 if it never was.
    left: AtomicU64,
    facts: Mutex<SpanFacts>,
}

/// The position of a step in its request.
#[derive(Debug, Clone)]
struct StepPlace {
    request: Arc<Request>,
    step: u32,
    parent: u32,
}

/// What a span begins, if no request is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    Request,
    Job,
}

/// The values of a span from which its outcome, its name and its dependency are inferred.
#[derive(Debug, Default)]
pub(crate) struct SpanFacts {
    pub(crate) kind: Option<OtelKind>,
    /// The redacted values of fields with a role. A later value of a role replaces an earlier one.
    pub(crate) values: Vec<(FieldRole, Redacted<'static>)>,
    pub(crate) http_status: Option<u16>,
    pub(crate) grpc_status: Option<u16>,
    pub(crate) failure: Option<SpanFailure>,
    /// The fields of a request's span, as members. The lines inside do not have them.
    pub(crate) fields: String,
    /// Recorded fields, while the span is not entered.
    extras: Option<Box<StepExtras>>,
}

/// The error of a span.
#[derive(Debug)]
pub(crate) struct SpanFailure {
    /// The name of the sign of the error, in place of the type of an error.
    pub(crate) evidence: &'static str,
    pub(crate) detail: Option<Redacted<'static>>,
    pub(crate) category: Option<Category>,
}

/// The `otel.kind` of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtelKind {
    Internal,
    Client,
    Producer,
    Server,
    Consumer,
}

/// The meaning of a field, by OpenTelemetry's conventions or by its common name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldRole {
    Name,
    Kind,
    StatusCode,
    StatusText,
    /// An error, with its text.
    Error,
    /// The text of an error, beside its other fields.
    ErrorText,
    ErrorType,
    Peer,
    Server,
    DbSystem,
    DbOperation,
    Messaging,
    RpcSystem,
    RpcService,
    RpcMethod,
    HttpMethod,
    /// `method`, which is the method of a request if there is also a path.
    Method,
    HttpStatus,
    /// `status`, which is the status of a request.
    Status,
    GrpcStatus,
    Route,
    Path,
    Url,
    RequestId,
}

impl FieldRole {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "otel.name" => FieldRole::Name,
            "otel.kind" => FieldRole::Kind,
            "otel.status_code" => FieldRole::StatusCode,
            "otel.status_description" | "otel.status_message" => FieldRole::StatusText,
            "error" | "err" | "exception" => FieldRole::Error,
            "exception.message" | "exception.details" => FieldRole::ErrorText,
            "exception.type" | "error.type" => FieldRole::ErrorType,
            "peer.service" => FieldRole::Peer,
            "server.address" | "net.peer.name" => FieldRole::Server,
            "db.system" | "db.system.name" => FieldRole::DbSystem,
            "db.operation" | "db.operation.name" => FieldRole::DbOperation,
            "messaging.system" => FieldRole::Messaging,
            "rpc.system" | "rpc.system.name" => FieldRole::RpcSystem,
            "rpc.service" => FieldRole::RpcService,
            "rpc.method" => FieldRole::RpcMethod,
            "http.method" | "http.request.method" => FieldRole::HttpMethod,
            "method" => FieldRole::Method,
            "http.status_code" | "http.response.status_code" => FieldRole::HttpStatus,
            "status" | "status_code" => FieldRole::Status,
            "rpc.grpc.status_code" => FieldRole::GrpcStatus,
            "http.route" | "url.template" => FieldRole::Route,
            "uri" | "path" | "http.target" | "http.uri" | "url.path" => FieldRole::Path,
            "url" | "url.full" | "http.url" => FieldRole::Url,
            "request_id" | "request.id" => FieldRole::RequestId,
            _ => return None,
        })
    }

    /// Whether the step's own members show the value, so that the field is left out of its line.
    pub(crate) fn is_own(self) -> bool {
        use FieldRole as Role;
        matches!(
            self,
            Role::Name
                | Role::Kind
                | Role::StatusCode
                | Role::StatusText
                | Role::Error
                | Role::ErrorText
                | Role::ErrorType
        )
    }
}

impl SpanFacts {
    /// Returns the value of the first of these roles that has one.
    pub(crate) fn first(&self, roles: &[FieldRole]) -> Option<&Redacted<'static>> {
        roles.iter().find_map(|role| {
            let value = self.values.iter().find(|(known, _)| known == role);
            value.map(|(_, value)| value)
        })
    }

    pub(crate) fn set(&mut self, role: FieldRole, value: Redacted<'static>) {
        match self.values.iter_mut().find(|(known, _)| *known == role) {
            Some((_, known)) => *known = value,
            None => self.values.push((role, value)),
        }
    }

    /// Sets the failure, unless one with a text is set already.
    pub(crate) fn fail(&mut self, failure: SpanFailure) {
        let has_text = self.failure.as_ref().is_some_and(|known| known.detail.is_some());
        if !has_text {
            self.failure = Some(failure);
        }
    }

    /// Whether the span is a call to a dependency.
    pub(crate) fn is_call(&self) -> bool {
        use FieldRole as Role;
        match self.kind {
            Some(OtelKind::Client | OtelKind::Producer) => true,
            Some(_) => false,
            None => self.first(&[Role::Peer, Role::DbSystem, Role::RpcSystem]).is_some(),
        }
    }
}

/// The position of a new timed span.
pub(crate) struct SpanPlace<'a> {
    pub(crate) request: Option<&'a Arc<Request>>,
    /// The id of the step around it; 0 for a root.
    pub(crate) parent: u32,
    pub(crate) begins: Option<Begun>,
}

impl TimedSpan {
    pub(crate) fn begin(
        logger: u64,
        site: &'static Site,
        place: &SpanPlace<'_>,
        facts: SpanFacts,
        call: Option<Arc<CallState>>,
        reports: &'static AtomicBool,
    ) -> Box<Self> {
        let timed = Box::new(TimedSpan {
            logger,
            site,
            started: Tick::now(),
            place: OnceLock::new(),
            begins: place.begins,
            job: OnceLock::new(),
            reports,
            call,
            was_panicking: thread::panicking(),
            has_panicked: AtomicBool::new(false),
            has_extras: AtomicBool::new(false),
            inner: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            left: AtomicU64::new(0),
            facts: Mutex::new(facts),
        });
        if let Some(request) = place.request {
            timed.join(request, place.parent);
        }
        timed
    }

    /// Makes the span a step of this request, unless it begins a request itself or is a step of another one.
    fn join(&self, request: &Arc<Request>, parent: u32) {
        if self.begins.is_some() || !request.has_id() {
            return;
        }
        self.place.get_or_init(|| {
            let step = request.next_step();
            if let Some(call) = &self.call {
                call.set_step(step);
                request.call_started(self.started);
            }
            if let Some(open) = &request.open_steps {
                open.begin(self.site.index(), step, parent, self.started);
            }
            StepPlace { request: Arc::clone(request), step, parent }
        });
    }

    /// Makes the span a step of the current request, if it was created outside any request and is entered for the first
    /// time. If no request is current, the span begins a job, unless it is a call.
    pub(super) fn settle(&self) {
        if self.begins.is_some() || self.place.get().is_some() || self.job.get().is_some() {
            return;
        }
        let here = with(|frame| (frame.request.clone(), frame.step));
        // Two threads may be the first at the same moment. Else the span would begin a job and be a step of a request,
        // and its end would complete that request.
        let facts = self.facts();
        if self.place.get().is_some() || self.job.get().is_some() {
            return;
        }
        match &here {
            Some((Some(request), step)) if request.has_id() => self.join(request, *step),
            Some((_placeholder, _)) if self.call.is_none() && !facts.is_call() => {
                self.job.get_or_init(|| {
                    let mut request = Request::new();
                    request.origin = Origin::RootSpan;
                    request.trace = Trace::after(None, request.started).into();
                    #[cfg(feature = "testing")]
                    this_thread::join_capture(&request);
                    Arc::new(request)
                });
            }
            _ => {}
        }
    }

    /// The request or job that the span begins, if it is not a step.
    pub(crate) fn begins(&self) -> Option<Begun> {
        self.begins.or_else(|| self.job.get().map(|_| Begun::Job))
    }

    /// Whether the span has begun a request, whose completion line alone has its fields.
    pub(crate) fn is_request(&self) -> bool {
        self.begins == Some(Begun::Request)
    }

    /// The request that the span is a step of, or the job that it began when it was entered.
    pub(crate) fn request(&self) -> Option<&Arc<Request>> {
        self.place.get().map(|place| &place.request).or(self.job.get())
    }

    /// The step's id within its request; 0 outside any request.
    pub(crate) fn step(&self) -> u32 {
        self.place.get().map_or(0, |place| place.step)
    }

    /// The id of the step around it; 0 for a root.
    pub(crate) fn parent(&self) -> u32 {
        self.place.get().map_or(0, |place| place.parent)
    }

    /// Locks the facts. Hold the lock only briefly, and not while user code runs.
    pub(crate) fn facts(&self) -> MutexGuard<'_, SpanFacts> {
        lock(&self.facts)
    }

    /// When the span ended: when it was last exited, or `now` if it never was.
    pub(crate) fn ended(&self, now: Tick) -> Tick {
        match self.left.load(Ordering::Relaxed) {
            0 => now,
            nanos => Tick::of_nanos(nanos),
        }
    }

    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }

    pub(crate) fn inner(&self) -> u64 {
        self.inner.load(Ordering::Relaxed)
    }

    /// Adds the time of a step that ended inside this one.
    pub(crate) fn add_inner(&self, nanos: u64) {
        self.inner.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Whether the code inside the span panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.has_panicked.load(Ordering::Relaxed)
    }

    /// Whether the span closes because its owner is dropped before the work completes.
    pub(crate) fn is_cancelled(&self) -> bool {
        this_thread::is_dropping_since(self.started)
            || (thread::panicking() && !self.was_panicking && !self.has_panicked())
    }

    /// Makes the span the innermost step of this thread. `is_first` is false if the thread has already entered it.
    pub(super) fn enter(&self, is_first: bool) -> EnteredStep {
        let mut entered = EnteredStep {
            token: 0,
            saved: SavedFrame::default(),
            was_panicking: thread::panicking(),
            since: is_first.then(Tick::now),
        };
        if self.begins().is_some() {
            return entered;
        }
        let step = self.step();
        let extras =
            if self.has_extras.load(Ordering::Relaxed) { self.facts().extras.take() } else { None };
        with_thread(|thread| {
            entered.token = thread.next_token();
            let call = self.call.clone();
            let (saved, token) = (&mut entered.saved, entered.token);
            thread.frame.push_step(saved, token, step, self.site, extras, call);
        });
        entered
    }

    /// Undoes [`enter`](Self::enter).
    pub(super) fn exit(&self, entered: EnteredStep, request: Option<&Arc<Request>>) {
        let EnteredStep { token, mut saved, was_panicking, since } = entered;
        if let Some(since) = since {
            let now = Tick::now();
            self.busy.fetch_add(now.nanos_since(since), Ordering::Relaxed);
            self.left.fetch_max(now.nanos(), Ordering::Relaxed);
        }
        if thread::panicking() && !was_panicking {
            self.has_panicked.store(true, Ordering::Relaxed);
            if let Some(request) = request.filter(|_| self.begins().is_some()) {
                request.has_panicked.store(true, Ordering::Relaxed);
            }
        }
        if token == 0 {
            return;
        }
        let popped = with_thread(|thread| {
            if thread.frame.token != token {
                let serial = request.map_or(0, |request| request.serial);
                // The request is returned, and dropped after the borrow.
                return Err(thread.defer_pop(token, &mut saved, self.call.as_ref(), serial));
            }
            Ok(thread.pop_entered(&mut saved))
        });
        if let Some(Ok((inner, extras))) = popped {
            if inner > 0 {
                self.add_inner(inner);
            }
            if let Some(extras) = extras {
                self.keep_extras(extras);
            }
        }
    }

    /// Keeps fields that were recorded in the span until it is entered again or ends.
    #[cold]
    fn keep_extras(&self, mut extras: Box<StepExtras>) {
        let mut facts = self.facts();
        if let Some(mut known) = facts.extras.take() {
            // The span was entered on two threads at the same time.
            members::set_all(&mut known.members, &extras.members);
            mem::swap(&mut known.members, &mut extras.members);
            extras.marks.has_error |= known.marks.has_error;
            extras.marks.takes_context |= known.marks.takes_context;
            if let Some(elsewhere) = known.elsewhere.take() {
                self.add_inner(elsewhere.load(Ordering::Relaxed));
            }
        }
        facts.extras = Some(extras);
        self.has_extras.store(true, Ordering::Relaxed);
    }

    /// Takes the fields that were recorded in the span.
    pub(crate) fn take_extras(&self) -> Option<Box<StepExtras>> {
        if !self.has_extras.load(Ordering::Relaxed) {
            return None;
        }
        let extras = self.facts().extras.take()?;
        if let Some(elsewhere) = &extras.elsewhere {
            self.add_inner(elsewhere.load(Ordering::Relaxed));
        }
        Some(extras)
    }

    /// Whether code that runs in this frame is directly in the span. `token` is the token of its innermost entry.
    pub(super) fn is_innermost(&self, token: u64, frame: &Frame) -> bool {
        match self.begins() {
            Some(_) => frame.step == 0 && frame.token == 0,
            None => frame.token == token || (self.step() != 0 && frame.step == self.step()),
        }
    }
}

/// A timed span on the stack of a thread's entered spans.
pub(super) struct EnteredStep {
    /// 0 if the span is not a step, or if the thread has lost its locals.
    pub(super) token: u64,
    saved: SavedFrame,
    was_panicking: bool,
    /// `None` if the thread had entered the span before.
    since: Option<Tick>,
}
