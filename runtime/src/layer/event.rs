//! Events of other crates: each field goes through the key rule and the scrubber.

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, RwLock};

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::timed::{self, EventFate, SpanTiming};
use crate::base::catch::catch_value;
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::{buffer, sync};
use crate::current::SpanData;
use crate::current::span_facts::FieldRole;
use crate::current::span_stack::SpanScope;
use crate::format::keys::{LineKind, field_name, is_of_context};
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::sites::{SiteId, SiteKey, from_package};
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::Logger;
use crate::logger::dispatch::in_flight;
use crate::redact::loggable::{Encoder, NestedDebug, UNPRINTABLE, marker};
use crate::redact::shown::{self, Message, Redacted};
use crate::redact::{counted, keys, off, strict};
use crate::site::is_of_step;

pub(super) fn write<S>(logger: &Logger, event: &Event<'_>, ctx: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let metadata = event.metadata();
    let parent = event.parent().and_then(|id| SpanData::of(&ctx.span(id)?.extensions(), logger.id));
    let spans = match &parent {
        // The parent of a step's line is the step's own span.
        _ if is_of_step(metadata) => SpanScope::Thread,
        Some(parent) => SpanScope::Span(parent),
        None if event.is_contextual() => SpanScope::Thread,
        None => SpanScope::Nothing,
    };
    let timed = logger.timed_spans.is_some();
    // candor's own events without a parent have been seen before they were dispatched.
    if timed && parent.is_some() && !is_of_step(metadata) {
        timed::error_seen(event, parent.as_ref());
    }
    if let Some(()) = in_flight::take(metadata, |record, fields| {
        logger.write(record, spans, |line| line.push_str(fields))
    }) {
        return;
    }
    if timed && timed::event_seen(logger, event, parent.as_ref()) == EventFate::Hidden {
        return;
    }
    let site = site_of(metadata);
    buffer::with(&MESSAGE, |message| {
        let mut visitor = MessageVisitor { site, message: Message::of(metadata.target(), message) };
        event.record(&mut visitor);
        let MessageVisitor { message, .. } = visitor;
        let record = Record {
            at: Tick::now(),
            severity: Severity::from(*metadata.level()),
            logger: Shown::literal(metadata.target()),
            message: message.shown(),
            has_exc: false,
            capped: true,
            folds: true,
            context_keys: site.context_keys,
            site: site.id,
        };
        logger.write(&record, spans, |line| {
            event.record(&mut FieldVisitor::new(logger, site, line));
            if message.is_hidden() && !record.message.as_str().is_empty() {
                site.write_location(metadata, line);
            }
        });
    });
    if strict::is_reported() {
        report_hidden(logger, "event", metadata, site, |visitor| event.record(visitor));
    }
}

/// Reports the fields that strict mode would hide, once for each call site. The values are visited again.
#[cold]
pub(super) fn report_hidden(
    logger: &Logger,
    place: &'static str,
    metadata: &Metadata<'static>,
    site: &'static ForeignSite,
    visit: impl FnOnce(&mut HiddenFields),
) {
    if site.is_reported.load(Ordering::Relaxed) {
        return;
    }
    let mut hidden = HiddenFields {
        site,
        shows_message: strict::is_listed_target(metadata.target()),
        keys: Vec::new(),
    };
    visit(&mut hidden);
    if hidden.keys.is_empty() || site.is_reported.swap(true, Ordering::Relaxed) {
        return;
    }
    let mut members = String::new();
    members::text(&mut members, "target", Shown::literal(metadata.target()));
    members.push_str(&location(metadata.file(), metadata.line(), |_| false));
    logger.strict_report(place, &members, &hidden.keys);
}

/// What is computed once for each call site of another crate.
#[derive(Debug)]
pub(crate) struct ForeignSite {
    id: SiteId,
    pub(super) fields: Vec<SiteField>,
    /// Whether two fields have the same name: then the last value wins.
    repeats: bool,
    context_keys: ContextKeys,
    /// Whether report mode has reported it.
    is_reported: AtomicBool,
    /// Whether it is that of a step or call of candor.
    pub(super) is_of_step: bool,
    /// The data for timing spans of this call site.
    pub(super) timing: SpanTiming,
}

#[derive(Debug)]
pub(super) struct SiteField {
    /// `,"name":`, with an underscore if the name is reserved.
    opening: String,
    pub(super) key: String,
    pub(super) sensitive: bool,
    message: bool,
    /// The meaning of the field of a span.
    pub(super) role: Option<FieldRole>,
}

/// All call sites so far, by the address of their metadata, which lives as long as the program.
fn sites() -> &'static RwLock<HashMap<usize, &'static ForeignSite>> {
    static SITES: OnceLock<RwLock<HashMap<usize, &'static ForeignSite>>> = OnceLock::new();
    SITES.get_or_init(RwLock::default)
}

/// How many call sites a thread finds without a lock, each in a slot given by its address.
const CACHED: usize = 256;

type MetSite = Cell<(usize, Option<&'static ForeignSite>)>;

thread_local! {
    static MET: [MetSite; CACHED] = const { [const { Cell::new((0, None)) }; CACHED] };
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    if let Some(sites) = locks.attempt(|| sync::try_read(sites())) {
        sites.values().for_each(|site| site.timing.hold(locks));
    }
    locks.hold_rw((), |()| sites());
}

pub(super) fn site_of(metadata: &'static Metadata<'static>) -> &'static ForeignSite {
    let address = std::ptr::from_ref(metadata).addr();
    MET.with(|met| {
        let slot = &met[(address >> 4) % CACHED];
        match slot.get() {
            (known, Some(site)) if known == address => site,
            _ => {
                let site = shared_site(address, metadata);
                slot.set((address, Some(site)));
                site
            }
        }
    })
}

#[cold]
fn shared_site(address: usize, metadata: &'static Metadata<'static>) -> &'static ForeignSite {
    let known = sync::read(sites()).get(&address).copied();
    known.unwrap_or_else(|| {
        let made = Box::new(ForeignSite::of(metadata));
        // Another thread may have met the call site meanwhile; `made` is then dropped.
        sync::write(sites()).entry(address).or_insert_with(|| &*Box::leak(made))
    })
}

impl ForeignSite {
    /// Appends where the event is written, beside a message that strict mode hides.
    #[cold]
    fn write_location(&self, metadata: &Metadata<'static>, line: &mut String) {
        let is_taken = |key: &str| self.fields.iter().any(|field| field.key == key);
        line.push_str(&location(metadata.file(), metadata.line(), is_taken));
    }

    fn of(metadata: &Metadata<'static>) -> Self {
        #[cfg(test)]
        tests::DECIDED.lock().expect("no panic").push(metadata.name());
        let mut fields: Vec<SiteField> = Vec::new();
        let mut context_keys = ContextKeys::Unused;
        let is_of_step = is_of_step(metadata);
        let kind = if is_of_step { LineKind::Step } else { LineKind::Event };
        for field in metadata.fields() {
            let name = field.name().strip_prefix("r#").unwrap_or(field.name());
            let mut key: Redacted<'_> = if metadata.is_event() && is_of_context(name) {
                context_keys = ContextKeys::Filled;
                name.into()
            } else {
                field_name(name, kind)
            };
            // `level` becomes `level_`, or `level__` if there is a field `level_`.
            while key.as_str() != name
                && metadata.fields().iter().any(|other| other.name() == key.as_str())
            {
                key.push("_");
            }
            let mut opening = String::new();
            members::open(&mut opening, &key);
            fields.push(SiteField {
                key: opening[2..opening.len() - 2].to_owned(),
                opening,
                sensitive: keys::hides(name),
                message: name == "message",
                role: FieldRole::of(name).filter(|_| metadata.is_span()),
            });
        }
        let repeats =
            (1..fields.len()).any(|at| fields[..at].iter().any(|f| f.key == fields[at].key));
        let id = if metadata.is_event() {
            SiteKey::of_event(metadata.file(), metadata.line(), metadata.target(), "").id()
        } else {
            SiteId::NO_LOCATION
        };
        let timing = SpanTiming::new(metadata, &fields);
        let is_reported = AtomicBool::new(false);
        ForeignSite { id, fields, repeats, context_keys, is_reported, is_of_step, timing }
    }
}

/// The location of an event, as members: `,"file":"src/main.rs","line":12`. A key that `is_taken` gets an underscore.
pub(crate) fn location(
    file: Option<&'static str>,
    line: Option<u32>,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let key = |name: &'static str| {
        let mut key = Redacted::from(name);
        while is_taken(key.as_str()) {
            key.push("_");
        }
        key
    };
    let mut out = String::new();
    if let Some(file) = file {
        members::text(&mut out, &key("file"), from_package(file));
    }
    if let Some(line) = line {
        members::open(&mut out, &key("line"));
        let _ = write!(out, "{line}");
    }
    out
}

thread_local! {
    static MESSAGE: Cell<String> = const { Cell::new(String::new()) };
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
}

/// The buffer for the text of one value before it is scrubbed.
pub(super) fn with_text<T>(f: impl FnOnce(&mut String) -> T) -> T {
    buffer::with(&TEXT, f)
}

/// Reads the event's message.
struct MessageVisitor<'a> {
    site: &'static ForeignSite,
    message: Message<'a>,
}

impl MessageVisitor<'_> {
    fn is_message(&self, field: &Field) -> bool {
        self.site.fields.get(field.index()).is_some_and(|field| field.message)
    }
}

impl Visit for MessageVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_message(field) {
            self.message.write(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.is_message(field) {
            with_text(|text| match catch_value(|| write!(text, "{value:?}")) {
                Ok(Ok(())) => self.message.write(text),
                Ok(Err(_)) => self.message.write_literal(UNPRINTABLE),
                Err(unshown) => self.message.write_literal(marker(unshown)),
            });
        }
    }
}

/// Appends the event's fields other than its message as members.
pub(super) struct FieldVisitor<'a> {
    logger: &'a Logger,
    site: &'static ForeignSite,
    out: &'a mut String,
    from: usize,
}

impl<'a> FieldVisitor<'a> {
    pub(super) fn new(logger: &'a Logger, site: &'static ForeignSite, out: &'a mut String) -> Self {
        let from = out.len();
        FieldVisitor { logger, site, out, from }
    }

    /// Writes one member. The value is not read if its name is sensitive.
    fn put(&mut self, field: &Field, value: impl FnOnce(&mut Encoder<'_>)) {
        let Some(known) = self.site.fields.get(field.index()) else { return };
        if known.message {
            return;
        }
        if self.site.repeats {
            remove_from(self.out, self.from, &known.key);
        }
        self.out.push_str(&known.opening);
        let mut encoder = Encoder::json(self.out, self.logger.value_limit);
        if known.sensitive && !off::is_off() {
            counted::name(&known.key);
            encoder.redacted();
        } else {
            value(&mut encoder);
        }
    }
}

fn remove_from(out: &mut String, from: usize, key: &str) {
    let found = members::walk(out, from).find(|member| member.key == key);
    if let Some(range) = found.map(|member| member.start..member.end) {
        out.replace_range(range, "");
    }
}

impl Visit for FieldVisitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, |to| to.f64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |to| to.i64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |to| to.u64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, |to| to.i128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, |to| to.u128(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |to| to.bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, |to| to.shown(&shown::text_or_shape(value)));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.put(field, |to| to.shown(&shown::byte_count(value.len())));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, |to| to.shown(&shown::error_chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, |to| {
            with_text(|text| NestedDebug::write(value, text, to));
        });
    }
}

/// The keys of the fields that strict mode would hide, as JSON.
pub(super) struct HiddenFields {
    site: &'static ForeignSite,
    shows_message: bool,
    keys: Vec<String>,
}

impl HiddenFields {
    fn add(&mut self, field: &Field, is_text: impl FnOnce() -> bool) {
        let Some(known) = self.site.fields.get(field.index()) else { return };
        let is_hidden =
            if known.message { !self.shows_message } else { !known.sensitive && is_text() };
        let key = format!("\"{}\"", known.key);
        if is_hidden && !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }
}

impl Visit for HiddenFields {
    fn record_f64(&mut self, _: &Field, _: f64) {}

    fn record_i64(&mut self, _: &Field, _: i64) {}

    fn record_u64(&mut self, _: &Field, _: u64) {}

    fn record_i128(&mut self, _: &Field, _: i128) {}

    fn record_u128(&mut self, _: &Field, _: u128) {}

    fn record_bool(&mut self, _: &Field, _: bool) {}

    fn record_bytes(&mut self, _: &Field, _: &[u8]) {}

    fn record_str(&mut self, field: &Field, _: &str) {
        self.add(field, || true);
    }

    fn record_error(&mut self, field: &Field, _: &(dyn Error + 'static)) {
        self.add(field, || true);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, || NestedDebug::is_text(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_core::{Dispatch, Level, dispatcher};

    use crate::Config;

    /// The call sites whose names were checked by the key rule.
    pub(super) static DECIDED: Mutex<Vec<&str>> = Mutex::new(Vec::new());

    #[test]
    fn the_key_rule_is_asked_once_for_each_call_site() {
        let subscriber =
            Config::new().writer(std::io::sink()).subscriber().expect("a configuration");
        let dispatch = Dispatch::new(subscriber);
        let log = || {
            dispatcher::with_default(&dispatch, || {
                for attempt in 0..100 {
                    tracing::event!(name: "decided_once", Level::INFO, password = "x", attempt);
                    let _span = tracing::info_span!("span_decided_once", token = "x").entered();
                }
            });
        };
        std::thread::scope(|threads| {
            threads.spawn(log).join().expect("no panic");
            threads.spawn(log).join().expect("no panic");
        });
        log();
        let decided = DECIDED.lock().expect("no panic");
        for site in ["decided_once", "span_decided_once"] {
            assert_eq!(decided.iter().filter(|name| **name == site).count(), 1, "{site}");
        }
    }
}
