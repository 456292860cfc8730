//! A timed step or call: begun at entry, ended exactly once, whatever the end is.

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Tick;
use crate::context::{Cause, Request};
use crate::current::{self, Extras, Frame};
use crate::dependency::{Answer, CallState, Category, DependencyOutcome};
use crate::ending::{Ending, Written};
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

/// Bytes of one value gathered before a layer is known.
const VALUE_LIMIT: usize = 4 * 1024;

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
            let mut encoder = Encoder::json(out, VALUE_LIMIT);
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
        let mut encoder = Encoder::json(out, VALUE_LIMIT);
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

/// A step that has begun. What it needs of its surroundings it holds itself, since it may end on
/// another thread and under another request than it runs.
#[derive(Debug)]
pub(crate) struct Running {
    site: &'static Site,
    request: Option<Arc<Request>>,
    call: Option<Arc<CallState>>,
    extras: Option<Box<Extras>>,
    started: Tick,
    step: u32,
    parent: u32,
    has_inner: bool,
    /// What it polled is being dropped.
    is_leaving: bool,
}

impl Running {
    /// Begins a step or call under the context of here.
    fn enter(site: &'static Site, extras: Option<Box<Extras>>) -> Self {
        let span = site.span();
        let mut extras = match extras {
            None if span.is_some() || site.spec.busy => Some(current::take_extras()),
            extras => extras,
        };
        let mut url = None;
        if let Some(extras) = &mut extras {
            url = extras.url.take();
            extras.span = span;
        }
        let spare = |extras: &mut Box<Extras>| {
            extras.members.is_empty() && extras.span.is_none() && !site.spec.busy
        };
        if let Some(extras) = extras.take_if(spare) {
            current::put_extras(extras);
        }
        let around = current::with(|frame| {
            frame.has_inner = true;
            frame.fork()
        });
        let Frame { request, call: outer, step: parent, .. } = around.unwrap_or_default();
        let call = site.spec.call.map(|call| {
            let template = || call.url_template.map(str::to_owned);
            let url = url.map(|url| site.safe_url(&url)).or_else(template);
            Arc::new(CallState::new(site, url))
        });
        let step = request.as_ref().filter(|request| request.has_id()).map_or(0, |r| r.next_step());
        let started = Tick::now();
        if call.is_some()
            && let Some(request) = &request
        {
            request.call_started(started);
        }
        Running {
            site,
            request,
            call: call.or(outer),
            extras,
            started,
            step,
            parent,
            has_inner: false,
            is_leaving: false,
        }
    }

    /// Makes this the running step of the thread; what was there before comes back with `leave`.
    /// `first` where fields of it are still to come.
    fn enter_thread(&mut self, first: bool) -> Frame {
        let span = self.extras.as_ref().and_then(|extras| extras.span.clone());
        let frame = Frame {
            request: self.request.take(),
            call: self.call.take(),
            step: self.step,
            in_step: true,
            has_inner: self.has_inner,
            awaits: first.then_some(self.site),
            extras: self.extras.take(),
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
        self.has_inner = has_inner;
        self.request = request;
        self.call = call;
        self.extras = extras;
    }

    /// Whether an item of a stream was an error.
    #[cfg(feature = "stream")]
    fn has_failed(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| extras.failure.is_some())
    }

    fn finish(mut self, outcome: Outcome, ending: &Ending<'_>) {
        let now = Tick::now();
        let took = now.since(self.started);
        let item = self.extras.as_mut().and_then(|extras| extras.failure.take());
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
        let request = self.request.take();
        if let Some(request) = &request {
            if let Some(facts) = &facts {
                request.call_ended(now, facts.retries);
            }
            let failed = matches!(outcome, Outcome::Error | Outcome::Panicked);
            let cause = failed.then_some(Cause {
                step: self.site.spec.name,
                dependency: self.site.spec.call.map(|call| call.dependency),
                step_id: self.step,
                category,
            });
            request.step_ended(self.site.spec.name, took, !self.has_inner, cause);
        }
        emit::emit_at(self.site, request.as_ref(), severity, now, |out, limit| {
            match &facts {
                None => {
                    text(out, "event", "step_timing");
                    text(out, "step", self.site.spec.name);
                    millis(out, "duration_ms", took);
                    text(out, "outcome", outcome.as_str());
                }
                Some(facts) => {
                    let status = facts.status.or(ending.answer.status);
                    self.write_call(facts, status, category, took, out);
                    text(out, "outcome", outcome.as_str());
                }
            }
            if let Some(request) = request.as_ref().filter(|request| request.has_id()) {
                number(out, "step_id", self.step.into());
                number(out, "parent_id", self.parent.into());
                millis(out, "offset_ms", self.started.since(request.started));
            }
            if let Some(extras) = self.extras.as_ref().filter(|_| self.site.spec.busy) {
                millis(out, "busy_ms", extras.busy);
            }
            if let Some(extras) = &self.extras {
                out.push_str(&extras.members);
            }
            if let Some(ret) = &ending.ret {
                members::open(out, "ret");
                out.push_str(ret);
            }
            if let Some(failure) = ending.failure.as_ref().or(item.as_ref()) {
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
        if let Some(extras) = self.extras.take() {
            current::put_extras(extras);
        }
    }

    /// The state of the call where this is one; a step inside a call has that call's.
    fn own_call(&self) -> Option<&CallState> {
        self.site.spec.call.and(self.call.as_deref())
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
        call.facts().url = Some(site.safe_url(&url));
    }
    current::with(|frame| frame.extras = Some(extras));
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
    let micros = u64::try_from((value.as_nanos() + 500) / 1000).unwrap_or(u64::MAX);
    let mut buffer = itoa::Buffer::new();
    out.push_str(buffer.format(micros / 1000));
    out.push('.');
    let rest = micros % 1000;
    for unit in [100, 10, 1] {
        out.push(char::from(b'0' + u8::try_from(rest / unit % 10).unwrap_or(0)));
    }
}

/// The JSON of the `ret` of a step.
pub fn ret<T: Loggable + ?Sized>(value: &T) -> String {
    let mut json = String::new();
    guarded(&mut json, |out| Encoder::json(out, VALUE_LIMIT).value(value));
    json
}

/// The answer of a call, as the function of its `outcome = …` tells it.
pub fn answer(outcome: impl DependencyOutcome) -> Answer {
    Answer::of(&outcome)
}
