//! A timed step or call: begun at entry, ended exactly once, whatever the end is.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem, ptr, thread};

use crate::clock::{Tick, thousandths};
use crate::context::{Cause, Request};
use crate::current::{self, Extras, Frame, Lent};
use crate::dependency::{Answer, CallState, Category, DependencyOutcome};
use crate::ending::{Ending, Failure, Written};
use crate::format::keys::Keys;
use crate::format::members;
use crate::loggable::{Encoder, Loggable, guarded};
use crate::record::Severity;
use crate::site::Site;
use crate::{emit, error, escape, keys};

mod future;
mod guard;
#[cfg(feature = "stream")]
mod stream;

pub use future::{Entry, Step, hint};
pub use guard::StepGuard;
pub(crate) use guard::body;
#[cfg(feature = "stream")]
pub use stream::StepStream;

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

/// Takes the `fields(…)` of a step, and the `url` of a call, while it is entered.
#[derive(Debug)]
pub struct Fields<'a> {
    extras: &'a mut Extras,
}

impl Fields<'_> {
    /// The fields of a call, asked for only where a line of it could be written.
    fn gather(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) -> Option<Box<Extras>> {
        site.wanted().then(|| {
            let mut extras = current::take_extras();
            fields(&mut Fields { extras: &mut extras });
            extras
        })
    }

    /// Adds one field; the macros have checked its name, and asked the key rule for it.
    pub fn field<T: Loggable + ?Sized>(&mut self, name: &str, sensitive: bool, value: &T) {
        let members = &mut self.extras.members;
        members::open(members, name);
        let hidden = sensitive || keys::added_by_deployment(name);
        guarded(members, |out| {
            let mut encoder = Encoder::gathered(out).under(name);
            if hidden { encoder.redacted() } else { encoder.value(value) }
        });
    }

    /// The `url = …` of a call.
    pub fn url<T: fmt::Display + ?Sized>(&mut self, url: &T) {
        self.extras.url = Some(error::display(url));
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
        let mut encoder = Encoder::gathered(out).under(&name);
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
pub(crate) struct Running {
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
    /// What a future polls is being dropped.
    is_leaving: bool,
    around: Around,
    /// What was current around a future that is being dropped.
    outside: Option<Frame>,
    /// A step entered while unwinding did not cause it.
    was_panicking: bool,
}

/// What a step found in the frame that it changed.
#[derive(Debug, Default)]
struct Around {
    step: u32,
    in_step: bool,
    has_inner: bool,
    awaits: Option<&'static Site>,
    extras: Option<Box<Extras>>,
    /// Where the step is a call: the one around it.
    call: Option<Arc<CallState>>,
    /// The step's own span, while it is entered.
    span: Option<tracing::Span>,
}

/// Boxes that a thread keeps for its next steps.
const POOLED: usize = 32;

thread_local! {
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    static POOL: RefCell<Vec<Box<State>>> = const { RefCell::new(Vec::new()) };
}

impl State {
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
                is_leaving: false,
                outside: None,
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
    /// Begins a step or call under the context of here.
    #[inline(never)]
    fn enter(site: &'static Site, mut extras: Option<Box<Extras>>) -> Self {
        let url = extras.as_mut().and_then(|extras| extras.url.take());
        let state = || Arc::new(CallState::new(site, site.safe_url(url.as_deref())));
        let call = site.is_call().then(state);
        let span = site.span();
        if span.is_some() || site.spec.busy {
            extras.get_or_insert_with(current::take_extras).span = span;
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
        state.is_leaving = false;
        Running { site, state }
    }

    /// Holds the request and the call of here from now on.
    fn take_along(mut self) -> Self {
        let Frame { request, call, .. } = current::with(|frame| frame.fork()).unwrap_or_default();
        self.state.request = request;
        self.state.call = self.state.call.take().or(call);
        self
    }

    /// Makes this the running step of the thread, in the frame that is there; fields of it may still
    /// come.
    #[inline(never)]
    fn enter_frame(mut self) -> Self {
        let Running { site, state } = &mut self;
        let state = &mut **state;
        state.was_panicking = thread::panicking();
        state.around.span = state.extras.as_ref().and_then(|extras| extras.span.clone());
        current::with(|frame| {
            state.around.step = mem::replace(&mut frame.step, state.step);
            state.around.in_step = mem::replace(&mut frame.in_step, true);
            state.around.has_inner = mem::replace(&mut frame.has_inner, false);
            state.around.awaits = frame.awaits.replace(*site);
            state.around.extras = mem::replace(&mut frame.extras, state.extras.take());
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
            frame.awaits = state.around.awaits;
            state.has_inner = mem::replace(&mut frame.has_inner, state.around.has_inner);
            state.extras = mem::replace(&mut frame.extras, state.around.extras.take());
            if self.site.is_call() {
                state.call = mem::replace(&mut frame.call, state.around.call.take());
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

    /// Makes this the running step of the thread, in a frame of its own; what was there before comes
    /// back with `leave_thread`. `first` where fields of it are still to come.
    fn enter_thread(&mut self, first: bool) -> Frame {
        let span = self.state.extras.as_ref().and_then(|extras| extras.span.clone());
        let frame = Frame {
            request: self.state.request.take(),
            call: self.state.call.take(),
            step: self.state.step,
            in_step: true,
            has_inner: self.state.has_inner,
            awaits: first.then_some(self.site),
            extras: self.state.extras.take(),
        };
        let outside = current::replace(frame);
        if let Some(span) = span {
            span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        }
        outside
    }

    fn leave_thread(&mut self, outside: Frame) {
        let span = current::with(|frame| frame.extras.as_ref()?.span.clone()).flatten();
        if let Some(span) = span {
            span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
        }
        let Frame { request, call, has_inner, extras, .. } = current::replace(outside);
        self.state.has_inner = has_inner;
        self.state.request = request;
        self.state.call = call;
        self.state.extras = extras;
    }

    /// Whether an item of a stream was an error.
    #[cfg(feature = "stream")]
    fn has_failed(&self) -> bool {
        self.state.extras.as_ref().is_some_and(|extras| extras.failure.is_some())
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
        let item = self.state.extras.as_mut().and_then(|extras| extras.failure.take());
        let item = item.as_ref().map(Written::failure);
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if item.is_some() => Outcome::Error,
            outcome => outcome,
        };
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
        let failure = ending.failure.as_ref().or(item.as_ref());
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
                    if let Some(failure) = failure {
                        write_detail(failure, limit, out);
                    }
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
            if let Some(extras) = self.state.extras.as_ref().filter(|_| self.site.spec.busy) {
                millis(out, "busy_ms", extras.busy);
            }
            if let Some(extras) = &self.state.extras {
                out.push_str(&extras.members);
            }
            if let Some(ret) = &ending.ret {
                members::open(out, "ret");
                out.push_str(ret);
            }
            if let (None, Some(failure)) = (&facts, failure) {
                text(out, "error", &failure.short_name());
                write_detail(failure, limit, out);
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

/// Fields that are evaluated once the step runs: those of a future, whose arguments are inside it.
pub fn entered(site: &'static Site, fields: impl FnOnce(&mut Fields<'_>)) {
    // Where nothing of this call is written, the step that runs here is the one around it.
    let own = |frame: &mut Frame| frame.awaits.take_if(|awaits| ptr::eq(*awaits, site)).is_some();
    if current::with(own) != Some(true) {
        return;
    }
    let mut extras = current::with(|frame| frame.extras.take()).flatten();
    let mut extras = extras.take().unwrap_or_else(current::take_extras);
    fields(&mut Fields { extras: &mut extras });
    if let Some(url) = extras.url.take()
        && let Some(call) = current::with(|frame| frame.call.clone()).flatten()
    {
        call.facts().url = site.safe_url(Some(&url));
    }
    current::with(|frame| frame.extras = Some(extras));
}

/// The text of an error, where it has one of its own.
fn write_detail(failure: &Failure<'_>, limit: usize, out: &mut String) {
    let from = out.len();
    members::open(out, "error_detail");
    if !failure.write_detail(limit, out) {
        out.truncate(from);
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

/// The JSON of the `ret` of a step.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| Encoder::gathered(out).under("ret").value(value));
    json
}

/// The answer of a call, as the function of its `outcome = …` tells it.
pub fn answer(outcome: impl DependencyOutcome) -> Answer {
    Answer::of(&outcome)
}
