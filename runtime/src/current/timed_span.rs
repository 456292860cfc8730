//! A span of another crate that is a step.
//!
//! It has a position in its request, times, and the data from which its outcome is read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::{mem, thread};

use tracing_core::Metadata;

use super::call::CallState;
use super::frame::{Frame, SavedFrame, StepExtras};
use super::span_facts::SpanFacts;
use super::thread::{self as this_thread, ThreadState, with, with_thread};
use crate::base::clock::Tick;
use crate::base::object_lock;
use crate::json::members;
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
    pub(crate) metadata: &'static Metadata<'static>,
    pub(crate) site: &'static Site,
    pub(crate) started: Tick,
    /// The step's id within its request; 0 if the span was not created in a request, or begins one.
    step: u32,
    /// The id of the step around it; 0 for a root.
    parent: u32,
    /// The request or job that the span begins when it is created.
    begins: Option<Begun>,
    /// Whether the line of the step has all fields, under their own names.
    is_plain: bool,
    /// Whether a field that is recorded later can make the span a call.
    may_be_call: bool,
    /// Whether the thread was unwinding when the span was created.
    was_panicking: bool,
    /// The position of a span that was created outside any request, once it is entered.
    settled: OnceLock<Settled>,
    /// Whether an event has ever reported the response of a request of this call site.
    pub(crate) reports: &'static AtomicBool,
    /// The call, if it was known when the span was created.
    pub(crate) call: Option<Arc<CallState>>,
    /// The dependency time of the request when the span became its step, minus the age of the span; wraps around. Used
    /// if the span turns out to be a call.
    called_before: AtomicU64,
    has_panicked: AtomicBool,
    /// Whether there are facts, which may have been taken since.
    has_facts: AtomicBool,
    is_closed: AtomicBool,
    /// Nanoseconds of the steps inside it.
    inner: AtomicU64,
    /// Nanoseconds for which it was entered.
    busy: AtomicU64,
    /// When it was last exited, in nanoseconds of a [`Tick`]; 0 if it never was.
    left: AtomicU64,
    /// `None` for most spans, which have no field with a role.
    facts: Mutex<Option<Box<SpanFacts>>>,
}

/// The position of a span that was created outside any request and is entered for the first time.
#[derive(Debug)]
enum Settled {
    /// The span is a step of the request that was current.
    Step { request: Arc<Request>, step: u32, parent: u32 },
    /// The span began this job, since no request was current.
    Job(Arc<Request>),
}

/// What a span begins, if no request is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    Request,
    Job,
}

/// A timed span that begins.
pub(crate) struct NewStep<'a> {
    pub(crate) metadata: &'static Metadata<'static>,
    pub(crate) site: &'static Site,
    pub(crate) request: Option<&'a Arc<Request>>,
    /// The id of the step around it; 0 for a root.
    pub(crate) parent: u32,
    pub(crate) begins: Option<Begun>,
    pub(crate) facts: Option<Box<SpanFacts>>,
    pub(crate) call: Option<Arc<CallState>>,
    /// Whether a field that is recorded later can make the span a call.
    pub(crate) may_be_call: bool,
    /// Whether the line of the step has all fields, under their own names.
    pub(crate) is_plain: bool,
    pub(crate) reports: &'static AtomicBool,
}

impl TimedSpan {
    // Inlined, because the span is written in place.
    #[inline(always)]
    pub(crate) fn begin(new: NewStep<'_>) -> Self {
        let NewStep { metadata, site, request, begins, facts, call, is_plain, reports, .. } = new;
        let started = Tick::now();
        let request = request.filter(|request| begins.is_none() && request.has_id());
        let (step, parent) = match request {
            Some(request) => {
                let call = call.as_deref().map(|call| (call, started));
                (begin_step(request, site, started, new.parent, call), new.parent)
            }
            None => (0, 0),
        };
        let may_be_call = new.may_be_call && call.is_none();
        let called = request.filter(|_| may_be_call).map_or(0, |it| it.dependency_nanos(started));
        TimedSpan {
            metadata,
            site,
            started,
            step,
            parent,
            begins,
            is_plain,
            may_be_call,
            was_panicking: thread::panicking(),
            settled: OnceLock::new(),
            reports,
            call,
            called_before: AtomicU64::new(called),
            has_panicked: AtomicBool::new(false),
            has_facts: AtomicBool::new(facts.is_some()),
            is_closed: AtomicBool::new(false),
            inner: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            left: AtomicU64::new(0),
            facts: Mutex::new(facts),
        }
    }

    /// Gives a span that was created outside any request its position, if it is entered for the first time. It becomes
    /// a step of the current request. If no request is current, the span begins a job, unless it is a call.
    #[inline]
    pub(super) fn settle(&self) {
        if self.step == 0 && self.begins.is_none() && self.settled.get().is_none() {
            self.settle_here();
        }
    }

    #[cold]
    fn settle_here(&self) {
        let here = with(|frame| (frame.request.clone(), frame.step));
        match here {
            Some((Some(request), parent))
                if request.has_id() && (!request.is_over() || self.is_call()) =>
            {
                self.settled.get_or_init(|| {
                    let now = Tick::now();
                    if self.may_be_call {
                        let age = now.nanos_since(self.started);
                        let called = request.dependency_nanos(now).wrapping_sub(age);
                        self.called_before.store(called, Ordering::Relaxed);
                    }
                    // The request has not seen the call before, so its time counts from now on.
                    let call = self.call.as_deref().map(|call| (call, now));
                    let step = begin_step(&request, self.site, self.started, parent, call);
                    Settled::Step { request, step, parent }
                });
            }
            Some(_) if !self.is_call() => {
                self.settled.get_or_init(|| {
                    let mut request = Request::new();
                    request.origin = Origin::RootSpan;
                    request.trace = Trace::after(None, request.started).into();
                    #[cfg(feature = "testing")]
                    this_thread::join_capture(&request);
                    Settled::Job(Arc::new(request))
                });
            }
            _ => {}
        }
    }

    fn is_call(&self) -> bool {
        self.call.is_some()
            || object_lock::lock(&self.facts).as_ref().is_some_and(|facts| facts.is_call())
    }

    /// The request or job that the span begins, if it is not a step.
    #[inline]
    pub(crate) fn begins(&self) -> Option<Begun> {
        match self.settled.get() {
            Some(Settled::Job(_)) => Some(Begun::Job),
            _ => self.begins,
        }
    }

    /// Whether the span has begun a request, whose completion line alone has its fields.
    pub(crate) fn is_request(&self) -> bool {
        self.begins == Some(Begun::Request)
    }

    /// The request that the span became a step of when it was entered, or the job that it began then.
    pub(super) fn settled_in(&self) -> Option<&Arc<Request>> {
        match self.settled.get()? {
            Settled::Step { request, .. } | Settled::Job(request) => Some(request),
        }
    }

    /// The step's id within its request (0 outside any request), and the id of the step around it (0 for a root).
    #[inline]
    pub(crate) fn position(&self) -> (u32, u32) {
        match self.settled.get() {
            Some(Settled::Step { step, parent, .. }) => (*step, *parent),
            _ => (self.step, self.parent),
        }
    }

    /// The step's id within its request; 0 outside any request.
    #[inline]
    pub(crate) fn step(&self) -> u32 {
        self.position().0
    }

    /// Counts a span that has turned out to be a call, before its end is counted. The time in which another call was open
    /// is counted already.
    pub(crate) fn count_late_call(&self, request: &Request, at: Tick) {
        let called = request.dependency_nanos(at);
        let counted = called.wrapping_sub(self.called_before.load(Ordering::Relaxed));
        let took = at.nanos_since(self.started);
        request.late_call_started(at, took.saturating_sub(counted));
    }

    /// Changes the facts. Their lock is held meanwhile, so `change` must not run user code.
    pub(crate) fn change_facts(&self, change: impl FnOnce(&mut SpanFacts)) {
        change(object_lock::lock(&self.facts).get_or_insert_default());
        self.has_facts.store(true, Ordering::Release);
    }

    /// The lock of the facts, for a fork.
    pub(super) fn facts_lock(&self) -> &Mutex<Option<Box<SpanFacts>>> {
        &self.facts
    }

    /// Takes the facts, if the span has any.
    pub(crate) fn take_facts(&self) -> Option<Box<SpanFacts>> {
        object_lock::lock(&self.facts).take()
    }

    /// Marks the span as closed.
    pub(crate) fn set_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// When the span ended: when it was last exited, or now if it never was.
    pub(crate) fn ended(&self) -> Tick {
        match self.left.load(Ordering::Relaxed) {
            0 => Tick::now(),
            nanos => Tick::of_nanos(nanos),
        }
    }

    /// Nanoseconds for which the span was entered, until it ended. On several threads at once, that would be longer than
    /// it lasted.
    pub(crate) fn busy(&self, ended: Tick) -> u64 {
        self.busy.load(Ordering::Relaxed).min(ended.nanos_since(self.started))
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
    #[inline]
    pub(super) fn enter(
        &self,
        thread: &mut ThreadState,
        entered: &mut EnteredStep,
        is_first: bool,
    ) {
        entered.was_panicking = thread::panicking();
        if self.begins().is_none() {
            entered.token = thread.next_token();
            let extras =
                if self.has_facts.load(Ordering::Relaxed) { self.take_kept() } else { None };
            let call = self.call.clone();
            let (saved, token) = (&mut entered.saved, entered.token);
            thread.frame.push_step(saved, token, self.step(), self.site, extras, call);
        }
        if is_first {
            entered.since = Some(Tick::now());
        }
    }

    /// Undoes [`enter`](Self::enter). Returns what the caller drops after its borrows.
    #[inline(always)]
    pub(super) fn exit(
        &self,
        entered: &mut EnteredStep,
        request: Option<&Arc<Request>>,
    ) -> Option<Arc<Request>> {
        if let Some(since) = entered.since {
            let now = Tick::now();
            self.busy.fetch_add(now.nanos_since(since), Ordering::Relaxed);
            self.left.fetch_max(now.nanos(), Ordering::Relaxed);
        }
        if thread::panicking() && !entered.was_panicking {
            self.has_panicked.store(true, Ordering::Relaxed);
            if let Some(request) = request.filter(|_| self.begins().is_some()) {
                request.has_panicked.store(true, Ordering::Relaxed);
            }
        }
        let EnteredStep { token, saved, .. } = entered;
        if *token == 0 {
            return None;
        }
        with_thread(|thread| {
            if thread.frame.token != *token {
                let serial = request.map_or(0, |request| request.serial);
                return thread.defer_pop(*token, saved, self.call.as_ref(), serial);
            }
            let (inner, extras) = thread.pop_entered(saved);
            if inner > 0 {
                self.add_inner(inner);
            }
            if let Some(extras) = extras {
                self.keep_extras(extras);
            }
            None
        })
        .flatten()
    }

    /// Keeps fields that were recorded in the span until it is entered again or ends.
    #[cold]
    fn keep_extras(&self, mut extras: Box<StepExtras>) {
        let mut facts = object_lock::lock(&self.facts);
        let facts = facts.get_or_insert_default();
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
        self.has_facts.store(true, Ordering::Release);
    }

    /// Takes the fields that were recorded in the span.
    pub(crate) fn take_extras(&self) -> Option<Box<StepExtras>> {
        let extras = self.take_kept()?;
        if let Some(elsewhere) = &extras.elsewhere {
            self.add_inner(elsewhere.load(Ordering::Relaxed));
        }
        Some(extras)
    }

    #[cold]
    fn take_kept(&self) -> Option<Box<StepExtras>> {
        object_lock::lock(&self.facts).as_mut()?.extras.take()
    }

    /// Whether the span is a step that has succeeded and whose line has the fields of the span, and no others.
    #[inline]
    pub(crate) fn is_plain_success(&self) -> bool {
        self.is_plain
            && self.call.is_none()
            && self.begins().is_none()
            && !self.has_facts.load(Ordering::Acquire)
            && !self.has_panicked()
            && !self.is_cancelled()
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
#[derive(Default)]
pub(super) struct EnteredStep {
    /// 0 if the span is not a step, or if the thread has lost its locals.
    pub(super) token: u64,
    saved: SavedFrame,
    was_panicking: bool,
    /// `None` if the thread had entered the span before.
    since: Option<Tick>,
}

/// Begins a step of a request, and returns its id. A call counts from its own [`Tick`].
#[inline(always)]
fn begin_step(
    request: &Request,
    site: &'static Site,
    started: Tick,
    parent: u32,
    call: Option<(&CallState, Tick)>,
) -> u32 {
    let step = request.next_step();
    if let Some((call, from)) = call {
        call.set_step(step);
        request.call_started(from);
    }
    if let Some(open) = &request.open_steps {
        open.begin(site.index(), step, parent, started);
    }
    step
}
