//! The call site behind each use of one of candor's event macros.

use std::cell::Cell;
use std::fmt;

use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Id;
use tracing_core::{Event, Metadata};

pub use self::message::{MessageArg, NoError, ShownError, labels_secret};
use super::audit::{self, AuditError};
use crate::base::buffer;
use crate::base::clock::Tick;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::current::timed_span;
use crate::format::keys::any_of_context;
use crate::format::record::{ContextKeys, Record, Severity};
use crate::format::sites::{LazySiteId, SiteId, SiteKey};
use crate::json::members;
use crate::json::shown::Shown;
use crate::layer::timed;
use crate::logger::dispatch::{self, dispatch};
use crate::logger::{self, Logger};
use crate::redact::loggable::{DEFAULT_VALUE_LIMIT, Encoder, Loggable, catch_unprintable};
use crate::redact::shown::Redacted;
use crate::redact::{counted, keys, shown};
use crate::site::{PrefixCache, interest_of};

mod macros;
mod message;

/// The static behind one use of an event macro.
///
/// It refers to itself, as a [`Site`](crate::site::Site) does.
#[derive(Debug)]
pub struct EventSite {
    severity: Severity,
    metadata: Metadata<'static>,
    callsite: DefaultCallsite,
    /// The prefix of the event's lines, if its message has no arguments.
    prefix: PrefixCache,
    context_keys: ContextKeys,
    id: LazySiteId,
}

impl EventSite {
    /// A site that lives at `this`.
    #[expect(clippy::too_many_arguments, reason = "only the macros call it, once per event")]
    pub const fn new(
        this: &'static EventSite,
        severity: Severity,
        name: &'static str,
        target: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        fields: &'static [&'static str],
    ) -> Self {
        EventSite {
            severity,
            metadata: Metadata::new(
                name,
                target,
                severity.level(),
                Some(file),
                Some(line),
                Some(module),
                FieldSet::new(fields, tracing_core::identify_callsite!(&this.callsite)),
                Kind::EVENT,
            ),
            callsite: DefaultCallsite::new(&this.metadata),
            prefix: PrefixCache::new(),
            context_keys: if any_of_context(fields) {
                ContextKeys::Replaced
            } else {
                ContextKeys::Unused
            },
            id: LazySiteId::new(),
        }
    }

    /// Takes the checks of the user's fields.
    ///
    /// As arguments they are part of the evaluation of the static, so that each error is reported once.
    #[must_use]
    pub const fn checked<const N: usize>(self, _: [(); N]) -> Self {
        self
    }

    /// Whether the current request writes the line.
    #[inline]
    pub fn is_enabled(&'static self) -> bool {
        let interest = interest_of(&self.callsite);
        !interest.is_never()
            && (interest.is_always() || dispatch::is_enabled(&self.metadata).unwrap_or(true))
    }

    /// Writes the event in the current request and in the current spans.
    #[inline(never)]
    pub fn write(
        &'static self,
        message: fmt::Arguments<'_>,
        fields: &[EventField<'_>],
        errors: &[Option<&dyn Loggable>],
    ) {
        self.with_record(message, "", |record| {
            if self.severity >= Severity::Error && timed_span::is_on() {
                timed::error_logged(&Redacted::from(record.message));
            }
            let direct = logger::if_only_layer(|logger: &Logger| {
                let prefix = message.as_str().and_then(|message| self.prefix(message, logger));
                let request = current::request();
                current::with_line_buffer(|buffer| {
                    let (request, spans) = (request.as_ref(), SpanScope::Thread);
                    logger.write_for(buffer, request, record, spans, prefix, |out| {
                        write_fields(fields, errors, logger.value_limit, out);
                    });
                });
            });
            if direct.is_none() {
                dispatch(&self.metadata, record, rendered(fields, errors), |values| {
                    Event::dispatch(&self.metadata, values);
                });
            }
        });
    }

    /// Writes the event in an explicit parent span, or in none.
    ///
    /// Only the subscriber knows that span, so the record is dispatched.
    #[inline(never)]
    pub fn write_under(
        &'static self,
        parent: impl Into<Option<Id>>,
        message: fmt::Arguments<'_>,
        fields: &[EventField<'_>],
        errors: &[Option<&dyn Loggable>],
    ) {
        let parent = parent.into();
        self.with_record(message, "", |record| {
            dispatch(&self.metadata, record, rendered(fields, errors), |values| {
                Event::child_of(parent, &self.metadata, values);
            });
        });
    }

    /// Writes the event as an audit event, at any level.
    #[inline(never)]
    pub fn audit(
        &'static self,
        message: fmt::Arguments<'_>,
        fields: &[EventField<'_>],
        errors: &[Option<&dyn Loggable>],
    ) -> Result<(), AuditError> {
        let mut result = Ok(());
        self.with_record(message, "audit", |record| {
            let record = &Record { capped: false, ..*record };
            result = audit::write(record, |limit, out| write_fields(fields, errors, limit, out));
        });
        result
    }

    /// `event` is the value of the `event` key on the line, or empty.
    fn with_record(
        &'static self,
        message: fmt::Arguments<'_>,
        event: &'static str,
        f: impl FnOnce(&Record<'_>),
    ) {
        thread_local! {
            static MESSAGE: Cell<String> = const { Cell::new(String::new()) };
        }
        buffer::with(&MESSAGE, |text| {
            f(&Record {
                at: Tick::now(),
                severity: self.severity,
                logger: Shown::literal(self.metadata.target()),
                message: shown::formatted(message, text),
                has_exc: false,
                capped: true,
                folds: true,
                context_keys: self.context_keys,
                site: self.id(event),
            });
        });
    }

    /// The site's index in the counts of lines.
    #[inline]
    fn id(&self, event: &'static str) -> SiteId {
        self.id.known().unwrap_or_else(|| self.assign_id(event))
    }

    #[cold]
    #[inline(never)]
    fn assign_id(&self, event: &'static str) -> SiteId {
        let metadata = &self.metadata;
        let (file, line, target) = (metadata.file(), metadata.line(), metadata.target());
        self.id.assign(SiteKey::of_event(file, line, target, event))
    }

    /// The prefix of the event's lines, if this layout's is cached.
    fn prefix(&'static self, message: &'static str, logger: &Logger) -> Option<&'static str> {
        // How a message is cut depends on the limit, which is not part of the layout.
        if message.len() > logger.value_limit {
            return None;
        }
        self.prefix.own(&logger.template, self.severity, self.metadata.target(), message)
    }
}

fn rendered(fields: &[EventField<'_>], errors: &[Option<&dyn Loggable>]) -> String {
    let mut text = String::new();
    write_fields(fields, errors, DEFAULT_VALUE_LIMIT, &mut text);
    text
}

/// Appends the fields.
///
/// If none of them is an error, adds the first of `errors`, which are in the message.
fn write_fields(
    fields: &[EventField<'_>],
    errors: &[Option<&dyn Loggable>],
    limit: usize,
    out: &mut String,
) {
    let mut has_error = false;
    for field in fields {
        let EventField { name, sensitive, value } = *field;
        if sensitive || keys::added_by_deployment(name) {
            // The key rule at compile time is not counted.
            if !sensitive {
                counted::name(name);
            }
            members::open(out, name);
            Encoder::json(out, limit).redacted();
        } else if value.is_infallible() {
            members::open(out, name);
            Encoder::json(out, limit).under(name).value(value);
        } else if let Some(members) = error_members(value, name, fields, has_error, limit) {
            has_error = true;
            out.push_str(&members);
        } else {
            members::open(out, name);
            catch_unprintable(out, |out| Encoder::json(out, limit).under(name).value(value));
        }
    }
    if has_error || fields.iter().any(|field| field.name == ERROR) {
        return;
    }
    let mut errors = errors.iter().flatten();
    if let Some(members) =
        errors.find_map(|error| error_members(*error, ERROR, fields, false, limit))
    {
        out.push_str(&members);
    }
}

/// The key of an error's class, including that of a field named `e` or `err`.
const ERROR: &str = "error";

/// Returns the members of a field that is an error, except those of other fields. `has_error` is set if another error
/// has the `error` key.
fn error_members(
    value: &dyn Loggable,
    name: &'static str,
    fields: &[EventField<'_>],
    has_error: bool,
    limit: usize,
) -> Option<String> {
    let has = |key: &str| fields.iter().any(|field| field.name == key);
    let is_error = matches!(name, "e" | "err") && !has_error && !has(ERROR);
    let name = if is_error { ERROR } else { name };
    let members = value.log_members(Shown::literal(name), limit)?;
    let mut own = String::with_capacity(members.len());
    for member in members::walk(&members, 0) {
        if member.key == name || !has(member.key) {
            own.push_str(&members[member.start..member.end]);
        }
    }
    Some(own)
}

/// Returns the last field of each name.
///
/// Only for fields whose names are constants: the macros have compared the others.
pub fn last_of_each<'a>(fields: &[EventField<'a>]) -> Vec<EventField<'a>> {
    let is_last = |at: usize| !fields[at + 1..].iter().any(|later| later.name == fields[at].name);
    (0..fields.len()).filter(|at| is_last(*at)).map(|at| fields[at]).collect()
}

/// Takes a width or a precision, and requires it to be a `usize`.
#[inline]
pub fn count(value: &usize) -> &usize {
    value
}

/// A value of an event, as a field or as an argument of the message.
pub trait EventValue: Loggable + Sized {
    /// The value as a field; the macros have applied the key rule to its name.
    #[inline]
    fn candor_named(&self, name: &'static str, sensitive: bool) -> EventField<'_> {
        EventField { name, sensitive, value: self }
    }

    /// The value as a format argument, of this name if it has one.
    #[inline]
    fn candor_shown(self, name: &str, sensitive: bool) -> MessageArg<'_, Self> {
        MessageArg::new(self, name, sensitive)
    }
}

impl<T: Loggable> EventValue for T {}

/// A field of an event.
#[derive(Clone, Copy)]
pub struct EventField<'a> {
    name: &'static str,
    sensitive: bool,
    value: &'a dyn Loggable,
}

impl fmt::Debug for EventField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventField").field("name", &self.name).finish_non_exhaustive()
    }
}
