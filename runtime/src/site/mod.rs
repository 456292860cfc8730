//! An annotated place in the source, known to `tracing`: one event per level, and one span for
//! whoever else listens.

use std::array::from_fn;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tracing_core::callsite::{self, Callsite, DefaultCallsite, Identifier};
use tracing_core::dispatcher;
use tracing_core::field::{FieldSet, Value, ValueSet};
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Level, Metadata};

use crate::base::clock::Tick;
use crate::current;
use crate::format::record::{Record, Severity};
use crate::format::template::Template;
use crate::instrument::context::Request;
use crate::json::{escape, members};
use crate::logger::{self, Logger, dispatch};
use crate::redact::{keys, off, scrub};

mod hot;
mod named;
mod spec;

pub(crate) use hot::Usual;
use hot::{Hot, OFF, ON, PLAIN, QUIET};
use named::Named;
pub use spec::{Spec, fields};

/// The static behind an annotated function.
///
/// It refers to itself, so that the macros' output is one `static`.
#[derive(Debug)]
pub struct Site {
    pub(crate) spec: Spec,
    metadata: [Metadata<'static>; 6],
    callsites: [DefaultCallsite; 6],
    hot: Hot,
    /// What does not change in the site's lines, for each severity.
    named: [OnceLock<&'static Named>; 6],
    /// `,"event":"step_timing","step":"charge","duration_ms":`, of a call up to `"url":`.
    story: OnceLock<String>,
    /// A URL that was found to be safe as it is, and under which rules.
    harmless_url: OnceLock<(u64, String)>,
    /// By which an open step names its site.
    number: OnceLock<u32>,
}

/// The sites of steps that were open in a request, by their number less one.
static NUMBERED: RwLock<Vec<&'static Site>> = RwLock::new(Vec::new());

/// How often tracing has asked its subscribers what they want; 0 before the first time is seen.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// A call site that writes nothing. tracing tells it, after all others, whenever their interest was
/// worked out anew, so that what a site knows of its own call sites can be trusted until then.
#[derive(Debug)]
struct Sentinel;

static SENTINEL: Metadata<'static> = Metadata::new(
    "interest",
    "candor",
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Sentinel)),
    Kind::EVENT,
);

impl Sentinel {
    /// Not under a `Once`: a layer that is asked may enter a step itself.
    #[cold]
    fn register() {
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        if !REGISTERED.swap(true, Ordering::Relaxed) {
            callsite::register(&Sentinel);
        }
    }
}

impl Callsite for Sentinel {
    fn set_interest(&self, _: Interest) {
        ASKED.fetch_add(1, Ordering::Release);
    }

    fn metadata(&self) -> &Metadata<'_> {
        &SENTINEL
    }
}

/// The identity of a piece of a site that is made while the program runs.
#[derive(Debug)]
struct Name(OnceLock<&'static Metadata<'static>>);

impl Callsite for Name {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("set before anyone can ask")
    }
}

/// The levels in the order of a site's events.
const LEVELS: [Level; 5] = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
/// The place of the span behind the events.
const SPAN: usize = LEVELS.len();
/// The field by which candor's own layer knows a step's span, which is for others.
pub(crate) const SPAN_MARK: &str = "candor.kind";
/// A step's own members up to its name.
pub(crate) const STORY: &str = ",\"event\":\"step_timing\",\"step\":\"";
/// Between its name and its duration.
pub(crate) const DURATION: &str = "\",\"duration_ms\":";
/// What OpenTelemetry's layer takes for the status of a span.
pub(crate) const STATUS_CODE: &str = "otel.status_code";
/// Where other layers find what was recorded under names that no call site can know: a JSON object.
const RECORDED: &str = "candor.recorded";

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
            hot: Hot::new(&spec),
            named: [const { OnceLock::new() }; 6],
            story: OnceLock::new(),
            harmless_url: OnceLock::new(),
            number: OnceLock::new(),
        }
    }

    /// A site that is made while the program runs, for a block that is no function.
    ///
    /// What can't refer to itself, since it is made in pieces, goes by another identity: that of the
    /// metadata.
    pub(crate) fn leaked(spec: Spec) -> &'static Site {
        let names: [&'static Name; 6] = from_fn(|_| &*Box::leak(Box::new(Name(OnceLock::new()))));
        let metadata = |at: usize| Self::metadata(&spec, at, names[at]);
        let known: &'static [Metadata<'static>; 6] = Box::leak(Box::new(from_fn(metadata)));
        for (name, metadata) in names.iter().zip(known) {
            let _ = name.0.set(metadata);
        }
        Box::leak(Box::new(Site {
            spec,
            metadata: from_fn(metadata),
            callsites: known.each_ref().map(DefaultCallsite::new),
            hot: Hot::new(&spec),
            named: [const { OnceLock::new() }; 6],
            story: OnceLock::new(),
            harmless_url: OnceLock::new(),
            number: OnceLock::new(),
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

    /// The URL of a call as its line shows it; a template stands in place of the path.
    pub(crate) fn safe_url(&'static self, url: Option<&str>) -> Option<Cow<'static, str>> {
        let Some(template) = self.spec.call.and_then(|call| call.url_template) else {
            return url.map(|url| self.scrubbed(url));
        };
        let safe = url.map(scrub::url);
        let origin = safe.as_deref().and_then(|safe| {
            let (scheme, rest) = safe.split_once("://")?;
            Some(format!("{scheme}://{}", rest.split('/').next()?))
        });
        Some(format!("{}{template}", origin.unwrap_or_default()).into())
    }

    /// Most sites call one URL, which has nothing to hide: that is found out once.
    fn scrubbed(&'static self, url: &str) -> Cow<'static, str> {
        let rules = keys::in_force();
        match self.harmless_url.get() {
            Some((under, known)) if known == url && *under == rules && !off::is_off() => {
                return Cow::Borrowed(known);
            }
            _ => {}
        }
        let safe = scrub::url(url);
        if safe == url && !off::is_off() {
            let _ = self.harmless_url.set((rules, safe.clone()));
        }
        Cow::Owned(safe)
    }

    pub(crate) fn is_call(&self) -> bool {
        self.spec.call.is_some()
    }

    pub(crate) fn dependency(&self) -> &'static str {
        self.spec.call.map_or("", |call| call.dependency)
    }

    /// Whether any line of a call could be written, or anyone wants its span.
    #[inline]
    pub fn wanted(&'static self) -> bool {
        self.hot.wanted().unwrap_or_else(|| self.look()) != OFF
    }

    /// Whether only the line of an error or a panic could be written, and nothing but the time be kept for it.
    #[inline]
    pub(crate) fn is_quiet(&'static self) -> bool {
        self.hot.wanted() == Some(QUIET)
    }

    /// Whether it is no call, its usual line is wanted by all requests alike, and no one else listens.
    #[inline]
    pub(crate) fn is_plain(&'static self) -> bool {
        self.hot.wanted() == Some(PLAIN)
    }

    #[inline(never)]
    fn look(&'static self) -> usize {
        // Read first: what is asked anew meanwhile makes the answer count for nothing.
        let asked = ASKED.load(Ordering::Acquire);
        let wants = |at: usize| !self.callsites[at].interest().is_never();
        let usual = place(self.hot.severity);
        let wanted = if !(0..self.callsites.len()).any(wants) {
            OFF
        } else if self.hot.is_simple && !wants(SPAN) && self.callsites[usual].interest().is_always()
        {
            PLAIN
        } else if self.hot.may_be_quiet && !wants(SPAN) && !wants(usual) {
            QUIET
        } else {
            ON
        };
        if asked == 0 {
            Sentinel::register();
        } else {
            self.hot.know(asked, wanted);
        }
        wanted
    }

    /// What does not change in the usual line of a [plain](Self::is_plain) step; nothing where one that took so long
    /// has another line.
    #[inline]
    pub(crate) fn usual(&'static self, took: u64, template: &Template) -> Option<Usual> {
        let named = || self.named_by(self.hot.severity, template);
        (took < self.hot.slow_from).then(|| self.hot.usual(template.form, named)).flatten()
    }

    fn named_by(&'static self, severity: Severity, template: &Template) -> &'static Named {
        let named = &self.named[severity as usize];
        named.get_or_init(|| Named::of(template, severity, self.spec.target, self.spec.event))
    }

    /// Whether a line of this severity is wanted of any request.
    pub(crate) fn may_write(&'static self, severity: Severity) -> bool {
        !self.callsites[place(severity)].interest().is_never()
    }

    /// Whether a line of this severity is wanted of this request, which need not be the current one.
    pub(crate) fn enabled_for(
        &'static self,
        severity: Severity,
        request: Option<&Arc<Request>>,
    ) -> bool {
        let at = place(severity);
        let interest = self.callsites[at].interest();
        let ask = || dispatcher::get_default(|dispatch| dispatch.enabled(&self.metadata[at]));
        !interest.is_never() && (interest.is_always() || current::under(request, ask))
    }

    /// One of its records.
    #[inline]
    pub(crate) fn record(&self, severity: Severity, at: Tick) -> Record<'static> {
        Record {
            at,
            severity,
            logger: self.spec.target,
            message: self.spec.event,
            has_exc: self.spec.has_exc,
            capped: self.spec.is_capped,
        }
    }

    /// The part of a line between its time and its request. The first form is kept; a layer with
    /// another one makes its own each time.
    #[inline]
    pub(crate) fn named(
        &'static self,
        severity: Severity,
        logger: &Logger,
    ) -> Option<&'static str> {
        self.named_by(severity, &logger.template).in_form(logger.template.form)
    }

    /// The site's number, from 1.
    pub(crate) fn number(&'static self) -> u32 {
        *self.number.get_or_init(|| {
            let mut sites = NUMBERED.write().unwrap_or_else(PoisonError::into_inner);
            sites.push(self);
            u32::try_from(sites.len()).unwrap_or(u32::MAX)
        })
    }

    pub(crate) fn numbered(number: u32) -> Option<&'static Site> {
        let sites = NUMBERED.read().unwrap_or_else(PoisonError::into_inner);
        sites.get((number as usize).checked_sub(1)?).copied()
    }

    /// The start of a step's fields, up to its duration, and of a call's, up to its URL.
    #[inline]
    pub(crate) fn story(&'static self) -> &'static str {
        self.story.get_or_init(|| {
            let mut out = String::new();
            let Some(call) = &self.spec.call else {
                out.push_str(STORY);
                escape::json_text(self.spec.name, &mut out);
                out.push_str(DURATION);
                return out;
            };
            let mut put = |key: &str, value: Option<&str>| {
                members::open(&mut out, key);
                match value {
                    Some(value) => escape::json_string(value, &mut out),
                    None => out.push_str("null"),
                }
            };
            put("event", Some(self.spec.event));
            put("dependency", Some(call.dependency));
            put("operation", Some(self.spec.name));
            put("dependency_method", call.method);
            out.push_str(",\"url\":");
            out
        })
    }

    /// Whether someone else may want a span.
    #[inline]
    pub(crate) fn has_listeners(&'static self) -> bool {
        !self.callsites[SPAN].interest().is_never()
    }

    /// The span for others, where one of them wants it. `fields` are those known at entry, as members.
    pub(crate) fn span(&'static self, fields: impl FnOnce() -> String) -> Option<tracing::Span> {
        let interest = self.callsites[SPAN].interest();
        let metadata = &self.metadata[SPAN];
        let wanted = !interest.is_never()
            && (interest.is_always() || dispatcher::get_default(|d| d.enabled(metadata)))
            && current::is_alive()
            && logger::makes_spans();
        wanted.then(|| {
            with_values(metadata, &fields(), None, |values| tracing::Span::new(metadata, values))
        })
    }

    /// Adds to the span for others what is known later.
    pub(crate) fn record_on(&'static self, span: &tracing::Span, fields: &str) {
        with_values(&self.metadata[SPAN], fields, None, |values| {
            span.record_all(values);
        });
    }

    /// Sends a record to every layer, in a span or in that of here.
    pub(crate) fn dispatch(
        &'static self,
        record: &Record<'_>,
        fields: String,
        span: Option<&tracing::Span>,
    ) {
        let metadata = &self.metadata[place(record.severity)];
        dispatch(metadata, record, fields, |values| match span {
            Some(span) => Event::child_of(span.id(), metadata, values),
            None => Event::dispatch(metadata, values),
        });
    }
}

/// Sends a record to every layer: candor's takes the fields as they are, others visit them.
pub(crate) fn dispatch(
    metadata: &'static Metadata<'static>,
    record: &Record<'_>,
    fields: String,
    send: impl FnOnce(&ValueSet<'_>),
) {
    let text = fields.clone();
    dispatch::during(metadata, record, fields, || {
        with_values(metadata, &text, Some(record.message), send);
    });
}

/// Members as values of the fields of these names.
fn with_values<T>(
    metadata: &'static Metadata<'static>,
    members: &str,
    message: Option<&str>,
    send: impl FnOnce(&ValueSet<'_>) -> T,
) -> T {
    let mut values: Vec<Option<Box<dyn Value + '_>>> = Vec::new();
    for field in metadata.fields() {
        let value = match (field.name(), message) {
            ("message", Some(message)) => Some(Box::new(message) as Box<dyn Value>),
            (RECORDED, _) => undeclared(metadata, members),
            (name, _) => members::walk(members, 0)
                .find(|member| member.key == name)
                .and_then(|member| value_of(member.value)),
        };
        values.push(value);
    }
    let values: Vec<Option<&dyn Value>> = values.iter().map(Option::as_deref).collect();
    send(&metadata.fields().value_set_all(&values))
}

/// The members whose names the call site does not know, as one JSON object.
fn undeclared(metadata: &Metadata<'_>, members: &str) -> Option<Box<dyn Value>> {
    let mut json = String::new();
    for member in members::walk(members, 0) {
        if metadata.fields().field(member.key).is_none() {
            json.push(if json.is_empty() { '{' } else { ',' });
            escape::json_string(member.key, &mut json);
            json.push(':');
            json.push_str(member.value);
        }
    }
    (!json.is_empty()).then(|| Box::new(json + "}") as Box<dyn Value>)
}

/// CRITICAL is an ERROR to tracing.
#[inline]
fn place(severity: Severity) -> usize {
    (severity as usize).min(LEVELS.len() - 1)
}

/// A member's JSON as a value that other layers visit: numbers, booleans, text; what is nested is its
/// JSON text.
fn value_of(json: &str) -> Option<Box<dyn Value>> {
    match json.as_bytes().first()? {
        b'n' => None,
        b't' | b'f' => Some(Box::new(json == "true")),
        b'0'..=b'9' | b'-' => Some(number_of(json)),
        _ => Some(Box::new(members::text_of(json))),
    }
}

fn number_of(json: &str) -> Box<dyn Value> {
    if let Ok(number) = json.parse::<u64>() {
        return Box::new(number);
    }
    if let Ok(number) = json.parse::<i64>() {
        return Box::new(number);
    }
    Box::new(json.parse::<f64>().unwrap_or(f64::NAN))
}

/// Whether an event or a span is that of a step or call.
pub(crate) fn is_of_step(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field(SPAN_MARK).is_some()
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
