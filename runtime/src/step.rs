//! A timed step or call: begun at entry, ended exactly once, whatever the end is.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::{Tick, thousandths};
use crate::context::{Cause, Request};
use crate::current::{self, Extras, Frame, Lent};
use crate::dependency::{CallState, Category};
use crate::ending::Ending;
use crate::format::keys::Keys;
use crate::format::members;
use crate::loggable::{Encoder, Loggable, guarded};
use crate::record::Severity;
use crate::site::Site;
use crate::{emit, error, escape, keys};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    Error,
    Cancelled,
    Panicked,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Cancelled => "cancelled",
            Outcome::Panicked => "panicked",
        }
    }

    fn of(ending: &Ending<'_>) -> Self {
        if ending.failure.is_some() { Outcome::Error } else { Outcome::Ok }
    }
}

/// Takes the `fields(…)` of a step while it is entered.
#[derive(Debug)]
pub struct Fields {
    extras: Option<Box<Extras>>,
}

impl Fields {
    /// Adds one field; the macros have checked its name, and asked the key rule for it.
    pub fn field<T: Loggable + ?Sized>(&mut self, name: &str, sensitive: bool, value: &T) {
        let members = &mut self.extras.get_or_insert_with(current::take_extras).members;
        members::open(members, name);
        let hidden = sensitive || keys::added_by_deployment(name);
        guarded(members, |out| {
            let mut encoder = Encoder::gathered(out);
            if hidden { encoder.redacted() } else { encoder.value(value) }
        });
    }
}

/// Adds a field to the running step or call.
///
/// The value must be [`Loggable`]; a sensitive name shows `"[REDACTED]"`, one of candor's own keys
/// gets a trailing underscore, and a name that was recorded before is recorded anew. Outside a step
/// nothing happens.
///
/// ```
/// #[candor::step_timed]
/// fn load() -> u32 {
///     candor::record("rows", 3);
///     3
/// }
///
/// let captured = candor::testing::capture();
/// load();
/// assert_eq!(captured.step("load").integer("rows"), 3);
/// ```
pub fn record(name: &str, value: impl Loggable) {
    let Some(true) = current::with(|frame| frame.in_step) else { return };
    let name = field_name(name);
    let mut json = String::new();
    guarded(&mut json, |out| {
        let mut encoder = Encoder::gathered(out);
        if keys::hides(&name) { encoder.redacted() } else { encoder.value(&value) }
    });
    let added = current::with(|frame| frame.extras.take()).flatten();
    let mut extras = added.unwrap_or_else(current::take_extras);
    members::set(&mut extras.members, &name, &json);
    current::with(|frame| frame.extras = Some(extras));
}

/// Keys of candor's own lines beside the fixed ones.
const STEP_KEYS: [&str; 17] = [
    "step",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "error",
    "error_detail",
    "ret",
    "busy_ms",
    "dependency",
    "operation",
    "dependency_method",
    "url",
    "status",
    "retries",
    "last_attempt_ms",
];

fn field_name(name: &str) -> String {
    let mut name = Keys::default().field_name(name);
    while STEP_KEYS.contains(&name.as_str()) {
        name.push('_');
    }
    name
}

/// A step that has begun.
///
/// On a thread it changes the frame that is there, which costs no count of a request or call. A future
/// takes along (`take_along`) what it needs of its surroundings, since it may end on another
/// thread and under another request than it began.
#[derive(Debug)]
pub struct Running {
    site: &'static Site,
    // In a box that is used again: what goes from hand to hand is a pointer, since a copy of fields
    // that were written a moment ago has to wait for them.
    state: Box<State>,
}

#[derive(Debug)]
struct State {
    /// Of a future that is not being polled.
    request: Option<Arc<Request>>,
    /// The step's own call, and for a future also the one around it.
    call: Option<Arc<CallState>>,
    extras: Option<Box<Extras>>,
    started: Tick,
    step: u32,
    parent: u32,
    has_inner: bool,
    around: Around,
    /// A step entered while unwinding did not cause it.
    was_panicking: bool,
}

/// What a step found in the frame that it changed.
#[derive(Debug, Default)]
struct Around {
    step: u32,
    in_step: bool,
    has_inner: bool,
    extras: Option<Box<Extras>>,
    /// Where the step is a call: the one around it.
    call: Option<Arc<CallState>>,
    /// The step's own span, while it is entered.
    span: Option<tracing::Span>,
}

/// Boxes that a thread keeps for its next steps.
const POOLED: usize = 32;

thread_local! {
    // The boxes are what is kept.
    #[allow(clippy::vec_box)]
    static POOL: RefCell<Vec<Box<State>>> = const { RefCell::new(Vec::new()) };
}

impl State {
    // As above.
    #[allow(clippy::unnecessary_box_returns)]
    fn take(started: Tick) -> Box<Self> {
        let kept = POOL.try_with(|pool| pool.try_borrow_mut().ok()?.pop());
        kept.ok().flatten().unwrap_or_else(|| {
            Box::new(State {
                request: None,
                call: None,
                extras: None,
                started,
                step: 0,
                parent: 0,
                has_inner: false,
                around: Around::default(),
                was_panicking: false,
            })
        })
    }

    /// For a state that has given away what it held.
    fn put(self: Box<Self>) {
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool.len() < POOLED
            {
                pool.push(self);
            }
        });
    }
}

impl Running {
    /// Begins a step under the context of here. `fields` is asked only where a line could be
    /// written.
    #[inline]
    pub fn begin(site: &'static Site, fields: impl FnOnce(&mut Fields)) -> Option<Self> {
        if site.wanted() { Some(Running::begin_wanted(site, fields)) } else { None }
    }

    // Not inlined, so that a step that is off needs no room for what it does not do.
    #[inline(never)]
    fn begin_wanted(site: &'static Site, fields: impl FnOnce(&mut Fields)) -> Self {
        let mut added = Fields { extras: None };
        fields(&mut added);
        Running::enter(site, None, added)
    }

    /// The same for a call; `url` is made safe.
    #[inline]
    pub fn begin_call(
        site: &'static Site,
        url: impl FnOnce() -> Option<String>,
        fields: impl FnOnce(&mut Fields),
    ) -> Option<Self> {
        site.wanted().then(|| {
            let url = url();
            let mut added = Fields { extras: None };
            fields(&mut added);
            Running::enter(site, url.as_deref(), added)
        })
    }

    #[inline(never)]
    fn enter(site: &'static Site, url: Option<&str>, fields: Fields) -> Self {
        let state = || Arc::new(CallState::new(site, site.safe_url(url)));
        let call = site.is_call().then(state);
        let mut extras = fields.extras;
        if let Some(span) = site.span() {
            extras.get_or_insert_with(current::take_extras).span = Some(span);
        }
        let numbers = |frame: &mut Frame| {
            frame.has_inner = true;
            let known = frame.request.as_ref().filter(|request| request.has_id());
            (frame.step, known.map_or(0, |request| request.next_step()))
        };
        let (parent, step) = current::with(numbers).unwrap_or_default();
        let started = Tick::now();
        if call.is_some() {
            current::with(|frame| {
                if let Some(request) = &frame.request {
                    request.call_started(started);
                }
            });
        }
        let mut state = State::take(started);
        state.call = call;
        state.extras = extras;
        state.started = started;
        state.step = step;
        state.parent = parent;
        state.has_inner = false;
        Running { site, state }
    }

    /// Holds the request and the call of here from now on.
    fn take_along(&mut self) {
        let Frame { request, call, .. } = current::with(|frame| frame.fork()).unwrap_or_default();
        self.state.request = request;
        self.state.call = self.state.call.take().or(call);
    }

    /// Makes this the running step of the thread, in the frame that is there.
    #[inline(never)]
    fn enter_frame(mut self) -> Self {
        let state = &mut *self.state;
        state.was_panicking = thread::panicking();
        state.around.span = state.extras.as_ref().and_then(|extras| extras.span.clone());
        current::with(|frame| {
            state.around.step = std::mem::replace(&mut frame.step, state.step);
            state.around.in_step = std::mem::replace(&mut frame.in_step, true);
            state.around.has_inner = std::mem::replace(&mut frame.has_inner, false);
            state.around.extras = std::mem::replace(&mut frame.extras, state.extras.take());
            state.around.call = state.call.take().and_then(|own| frame.call.replace(own));
        });
        if let Some(span) = &state.around.span {
            span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        }
        self
    }

    fn leave_frame(&mut self) {
        let state = &mut *self.state;
        if let Some(span) = state.around.span.take() {
            span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
        }
        current::with(|frame| {
            frame.step = state.around.step;
            frame.in_step = state.around.in_step;
            state.has_inner = std::mem::replace(&mut frame.has_inner, state.around.has_inner);
            state.extras = std::mem::replace(&mut frame.extras, state.around.extras.take());
            if self.site.is_call() {
                state.call = std::mem::replace(&mut frame.call, state.around.call.take());
            }
        });
    }

    /// Ends a step on its thread under the request that is current there.
    #[inline(never)]
    fn end(mut self, outcome: Outcome, ending: &Ending<'_>) {
        self.leave_frame();
        if ending.failure.is_some() {
            // The error's `Display` is the user's, and may log.
            self.finish_under(current::request().as_ref(), outcome, ending);
        } else {
            self.finish_under(Lent::take().request(), outcome, ending);
        }
    }

    /// The end of a step whose value nobody read: one of a function that returns none, or a panic.
    #[inline(never)]
    fn end_unread(self) {
        let panicked = thread::panicking() && !self.state.was_panicking;
        self.end(if panicked { Outcome::Panicked } else { Outcome::Ok }, &Ending::OK);
    }

    /// Makes this the running step of the thread, in a frame of its own.
    fn enter_thread(&mut self) -> Outside {
        let span = self.state.extras.as_ref().and_then(|extras| extras.span.clone());
        let frame = Frame {
            request: self.state.request.take(),
            call: self.state.call.take(),
            step: self.state.step,
            in_step: true,
            has_inner: self.state.has_inner,
            extras: self.state.extras.take(),
        };
        Outside { frame: current::replace(frame), span: span.map(tracing::Span::entered) }
    }

    fn leave_thread(&mut self, outside: Outside) {
        drop(outside.span);
        let Frame { request, call, has_inner, extras, .. } = current::replace(outside.frame);
        self.state.has_inner = has_inner;
        self.state.request = request;
        self.state.call = call;
        self.state.extras = extras;
    }

    /// Ends a future's step under the request that it holds.
    fn finish(mut self, outcome: Outcome, ending: &Ending<'_>) {
        let request = self.state.request.take();
        self.finish_under(request.as_ref(), outcome, ending);
    }

    fn finish_under(
        mut self,
        request: Option<&Arc<Request>>,
        outcome: Outcome,
        ending: &Ending<'_>,
    ) {
        let now = Tick::now();
        let took = now.since(self.state.started);
        let facts = self.own_call().map(|call| call.facts().clone());
        let (outcome, severity, category) = match &facts {
            None => (outcome, self.severity(outcome, took), None),
            Some(facts) => {
                let status = facts.status.or(ending.answer.status);
                let category = call_category(outcome, status, ending.answer.category);
                let outcome = if outcome == Outcome::Ok && status.is_some_and(|s| s >= 500) {
                    Outcome::Error
                } else {
                    outcome
                };
                let severity = self.call_severity(outcome, status, facts.retries, took);
                (outcome, severity, category)
            }
        };
        if let Some(request) = request {
            if let Some(facts) = &facts {
                request.call_ended(now, facts.retries);
            }
            let failed = matches!(outcome, Outcome::Error | Outcome::Panicked);
            let cause = failed.then_some(Cause {
                step: self.site.spec.name,
                dependency: self.site.spec.call.map(|call| call.dependency),
                step_id: self.state.step,
                category,
            });
            request.step_ended(self.site.spec.name, took, !self.state.has_inner, cause);
        }
        emit::emit_at(self.site, request, severity, now, |out, limit| {
            match &facts {
                None => {
                    out.push_str(self.site.story());
                    write_millis(took, out);
                    out.push_str(",\"outcome\":\"");
                    out.push_str(outcome.as_str());
                    out.push('"');
                }
                Some(facts) => {
                    let status = facts.status.or(ending.answer.status);
                    self.write_call(facts, status, category, took, out);
                    text(out, "outcome", outcome.as_str());
                }
            }
            if let Some(request) = request.filter(|request| request.has_id()) {
                out.push_str(",\"step_id\":");
                out.push_str(itoa::Buffer::new().format(self.state.step));
                out.push_str(",\"parent_id\":");
                out.push_str(itoa::Buffer::new().format(self.state.parent));
                out.push_str(",\"offset_ms\":");
                write_millis(self.state.started.since(request.started), out);
            }
            if let Some(extras) = &self.state.extras {
                out.push_str(&extras.members);
            }
            if let Some(ret) = &ending.ret {
                members::open(out, "ret");
                out.push_str(ret);
            }
            if let Some(failure) = &ending.failure {
                if facts.is_none() {
                    text(out, "error", &failure.short_name());
                }
                let from = out.len();
                members::open(out, "error_detail");
                if !failure.write_detail(limit, out) {
                    out.truncate(from);
                }
            }
        });
        if let Some(extras) = self.state.extras.take() {
            current::put_extras(extras);
        }
        self.state.call = None;
        self.state.put();
    }

    /// The state of the call where this is one; a step inside a call has that call's.
    fn own_call(&self) -> Option<&CallState> {
        self.site.spec.call.and(self.state.call.as_deref())
    }

    fn write_call(
        &self,
        facts: &crate::dependency::Facts,
        status: Option<u16>,
        category: Option<Category>,
        took: Duration,
        out: &mut String,
    ) {
        let spec = &self.site.spec;
        text(out, "event", "dependency_call");
        text(out, "dependency", self.site.dependency());
        text(out, "operation", spec.name);
        optional(out, "dependency_method", spec.call.and_then(|call| call.method));
        optional(out, "url", facts.url.as_deref());
        members::open(out, "status");
        match status {
            Some(status) => out.push_str(itoa::Buffer::new().format(status)),
            None => out.push_str("null"),
        }
        millis(out, "duration_ms", took);
        number(out, "retries", facts.retries);
        optional(out, "error", category.map(Category::as_str));
    }

    fn severity(&self, outcome: Outcome, took: Duration) -> Severity {
        let spec = &self.site.spec;
        match outcome {
            Outcome::Panicked => Severity::Error,
            Outcome::Error => spec.err.into(),
            Outcome::Cancelled => Severity::Info,
            Outcome::Ok => self.slow_or(spec.level.into(), took),
        }
    }

    fn call_severity(
        &self,
        outcome: Outcome,
        status: Option<u16>,
        retries: u64,
        took: Duration,
    ) -> Severity {
        let refused = status.is_some_and(|status| (400..500).contains(&status));
        match outcome {
            Outcome::Panicked => Severity::Error,
            Outcome::Cancelled => Severity::Info,
            Outcome::Ok | Outcome::Error if refused => Severity::Warn,
            Outcome::Error => self.site.spec.err.into(),
            Outcome::Ok if retries > 0 => Severity::Warn,
            Outcome::Ok => self.slow_or(self.site.spec.level.into(), took),
        }
    }

    fn slow_or(&self, level: Severity, took: Duration) -> Severity {
        match self.site.spec.slow_nanos {
            0 => level,
            limit if took >= Duration::from_nanos(limit) => Severity::Warn,
            _ => Severity::Debug,
        }
    }
}

fn call_category(
    outcome: Outcome,
    status: Option<u16>,
    category: Option<Category>,
) -> Option<Category> {
    match outcome {
        Outcome::Cancelled => Some(Category::Cancelled),
        Outcome::Panicked => Some(Category::Panicked),
        Outcome::Ok | Outcome::Error if status.is_some_and(|status| status >= 400) => {
            Some(Category::Status)
        }
        Outcome::Error => category.or(Some(Category::Other)),
        Outcome::Ok => category,
    }
}

fn text(out: &mut String, key: &str, value: &str) {
    members::open(out, key);
    escape::json_string(value, out);
}

fn optional(out: &mut String, key: &str, value: Option<&str>) {
    match value {
        Some(value) => text(out, key, value),
        None => {
            members::open(out, key);
            out.push_str("null");
        }
    }
}

fn number(out: &mut String, key: &str, value: u64) {
    members::open(out, key);
    out.push_str(itoa::Buffer::new().format(value));
}

/// Milliseconds with three decimals.
pub(crate) fn millis(out: &mut String, key: &str, value: Duration) {
    members::open(out, key);
    write_millis(value, out);
}

fn write_millis(value: Duration, out: &mut String) {
    // In 64 bits: a division of 128 is a call of its own.
    let micros = value
        .as_secs()
        .saturating_mul(1_000_000)
        .saturating_add(u64::from(value.subsec_nanos() + 500) / 1000);
    out.push_str(itoa::Buffer::new().format(micros / 1000));
    out.push_str(thousandths(micros));
}

/// What was current before a future was polled on this thread.
#[derive(Debug)]
struct Outside {
    frame: Frame,
    span: Option<tracing::span::EnteredSpan>,
}

/// A running step on a thread: ends with [`read`](StepGuard::read), or when it is dropped.
#[derive(Debug)]
#[must_use = "the step ends when its guard is dropped"]
pub struct StepGuard {
    entered: Option<Running>,
    _not_send: PhantomData<*const ()>,
}

impl StepGuard {
    /// Enters a step that was begun.
    // Inlined, so that a step that is off is a test and not a call.
    #[inline]
    pub fn enter(running: Option<Running>) -> Self {
        StepGuard { entered: running.map(Running::enter_frame), _not_send: PhantomData }
    }

    /// Ends the step with what its value tells; where nothing is written, nobody looks at it.
    #[inline]
    pub fn read<'a, T>(mut self, value: &'a T, read: impl FnOnce(&'a T) -> Ending<'a>) {
        if self.entered.is_some() {
            self.read_entered(value, read);
        }
    }

    #[inline(never)]
    fn read_entered<'a, T>(&mut self, value: &'a T, read: impl FnOnce(&'a T) -> Ending<'a>) {
        // Read inside the step: it may run code of the user's.
        let ending = read(value);
        if let Some(entered) = self.entered.take() {
            entered.end(Outcome::of(&ending), &ending);
        }
    }
}

impl Drop for StepGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(entered) = self.entered.take() {
            entered.end_unread();
        }
    }
}

pin_project! {
    /// A future that is a running step.
    #[must_use = "futures do nothing unless polled"]
    pub struct Step<F, C> {
        #[pin]
        future: Option<F>,
        running: Option<Running>,
        read: C,
    }

    impl<F, C> PinnedDrop for Step<F, C> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(mut running) = this.running.take() else { return };
            // What the future drops now still runs in the step.
            let outside = running.enter_thread();
            let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
            running.leave_thread(outside);
            running.finish(Outcome::Cancelled, &Ending::OK);
            if let Err(panic) = dropped {
                resume_unwind(panic);
            }
        }
    }
}

impl<F, C> fmt::Debug for Step<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("running", &self.running).finish_non_exhaustive()
    }
}

impl<F, C> Step<F, C>
where
    F: Future,
    C: for<'a> Fn(&'a F::Output) -> Ending<'a>,
{
    /// A future that is the step `running`; `read` tells from its output how it ended.
    pub fn new(mut running: Option<Running>, future: F, read: C) -> Self {
        if let Some(running) = &mut running {
            running.take_along();
        }
        Step { future: Some(future), running, read }
    }
}

impl<F, C> Future for Step<F, C>
where
    F: Future,
    C: for<'a> Fn(&'a F::Output) -> Ending<'a>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else { return Poll::Pending };
        if this.running.is_none() {
            return future.poll(cx);
        }
        let polled = Polled::enter(this.running);
        let poll = future.poll(cx);
        polled.leave();
        if let Poll::Ready(output) = &poll
            && let Some(running) = this.running.take()
        {
            let ending = (this.read)(output);
            running.finish(Outcome::of(&ending), &ending);
        }
        poll
    }
}

/// A step while it is polled; dropped only by a panic that unwinds through the poll.
struct Polled<'a> {
    running: &'a mut Option<Running>,
    outside: Option<Outside>,
}

impl<'a> Polled<'a> {
    fn enter(running: &'a mut Option<Running>) -> Self {
        let outside = running.as_mut().map(Running::enter_thread);
        Polled { running, outside }
    }

    fn leave(mut self) {
        if let (Some(outside), Some(running)) = (self.outside.take(), self.running.as_mut()) {
            running.leave_thread(outside);
        }
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        if let Some(outside) = self.outside.take()
            && let Some(mut running) = self.running.take()
        {
            running.leave_thread(outside);
            running.finish(Outcome::Panicked, &Ending::OK);
        }
    }
}

/// Calls a function's body. A closure that is handed over may give away what it captured, which one
/// that is called in place may not.
#[inline]
pub fn call<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// The text of the `url = …` of a call.
pub fn url_text<T: fmt::Display + ?Sized>(url: &T) -> String {
    error::display(url)
}

/// The JSON of the `ret` of a step.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| Encoder::gathered(out).value(value));
    json
}
