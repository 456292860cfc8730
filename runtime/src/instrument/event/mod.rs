//! The call site behind each use of one of candor's event macros.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Id;
use tracing_core::{Event, Metadata};

pub use self::message::{MessageArg, labels_secret};
use super::audit::{self, AuditError};
use crate::base::buffer;
use crate::base::clock::Tick;
use crate::current;
use crate::current::span_stack::SpanScope;
use crate::format::record::{Record, Severity};
use crate::json::members;
use crate::logger::dispatch::{self, dispatch};
use crate::logger::{self, Logger};
use crate::redact::keys;
use crate::redact::loggable::{
    DEFAULT_VALUE_LIMIT, Encoder, Loggable, UNPRINTABLE, catch_unprintable,
};
use crate::site::PrefixCache;

mod macros;
mod message;

/// The static behind one use of an event macro. It refers to itself, as a [`Site`](crate::site::Site) does.
#[derive(Debug)]
pub struct EventSite {
    severity: Severity,
    metadata: Metadata<'static>,
    callsite: DefaultCallsite,
    /// The prefix of the event's lines, if its message has no arguments.
    prefix: PrefixCache,
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
        }
    }

    /// Takes the checks of the user's fields. As arguments they are part of the evaluation of the static, so that each
    /// error is reported once.
    #[must_use]
    pub const fn checked<const N: usize>(self, _: [(); N]) -> Self {
        self
    }

    /// Whether the current request writes the line.
    #[inline]
    pub fn is_enabled(&'static self) -> bool {
        let interest = self.callsite.interest();
        !interest.is_never()
            && (interest.is_always() || dispatch::is_enabled(&self.metadata).unwrap_or(true))
    }

    /// Writes the event in the current request, and in the spans that this thread has entered.
    #[inline(never)]
    pub fn write(&'static self, message: fmt::Arguments<'_>, fields: &[EventField<'_>]) {
        self.with_record(message, |record| {
            let direct = logger::if_only_layer(|logger: &Logger| {
                let prefix = message.as_str().and_then(|message| self.prefix(message, logger));
                let request = current::request();
                current::with_line_buffer(|buffer| {
                    let (request, spans) = (request.as_ref(), SpanScope::Thread);
                    logger.write_for(buffer, request, record, spans, prefix, |out| {
                        write_fields(fields, logger.value_limit, out);
                    });
                });
            });
            if direct.is_none() {
                dispatch(&self.metadata, record, rendered(fields), |values| {
                    Event::dispatch(&self.metadata, values);
                });
            }
        });
    }

    /// Writes the event in an explicit parent span, or in none. Only the subscriber knows that span, so the record is
    /// dispatched.
    #[inline(never)]
    pub fn write_under(
        &'static self,
        parent: impl Into<Option<Id>>,
        message: fmt::Arguments<'_>,
        fields: &[EventField<'_>],
    ) {
        let parent = parent.into();
        self.with_record(message, |record| {
            dispatch(&self.metadata, record, rendered(fields), |values| {
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
    ) -> Result<(), AuditError> {
        let mut result = Ok(());
        self.with_record(message, |record| {
            let record = &Record { capped: false, ..*record };
            result = audit::write(record, |limit, out| write_fields(fields, limit, out));
        });
        result
    }

    fn with_record(&'static self, message: fmt::Arguments<'_>, f: impl FnOnce(&Record<'_>)) {
        thread_local! {
            static MESSAGE: Cell<String> = const { Cell::new(String::new()) };
        }
        buffer::with(&MESSAGE, |text| {
            let text = message.as_str().unwrap_or_else(|| {
                if text.write_fmt(message).is_err() {
                    text.push_str(UNPRINTABLE);
                }
                text
            });
            f(&Record {
                at: Tick::now(),
                severity: self.severity,
                logger: self.metadata.target(),
                message: text,
                has_exc: false,
                capped: true,
            });
        });
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

fn rendered(fields: &[EventField<'_>]) -> String {
    let mut text = String::new();
    write_fields(fields, DEFAULT_VALUE_LIMIT, &mut text);
    text
}

fn write_fields(fields: &[EventField<'_>], limit: usize, out: &mut String) {
    for field in fields {
        members::open(out, field.name);
        let value = field.value.0;
        if field.sensitive || keys::added_by_deployment(field.name) {
            Encoder::json(out, limit).redacted();
        } else if value.is_infallible() {
            Encoder::json(out, limit).under(field.name).value(value);
        } else {
            catch_unprintable(out, |out| Encoder::json(out, limit).under(field.name).value(value));
        }
    }
}

/// A value of an event, which is loggable.
///
/// Its type is erased, so that a value that is not loggable is reported by [`value`] alone.
#[derive(Clone, Copy)]
pub struct EventValue<'a>(&'a dyn Loggable);

/// Takes a value of an event. The macros pass a reference, since a list may be unsized.
#[inline]
pub fn value<T: Loggable>(value: &T) -> EventValue<'_> {
    EventValue(value)
}

/// Takes a width or a precision, and requires it to be a `usize`.
#[inline]
pub fn count(value: &usize) -> &usize {
    value
}

impl<'a> EventValue<'a> {
    /// The value as a field; the macros have applied the key rule to its name.
    #[inline]
    pub fn named(self, name: &'a str, sensitive: bool) -> EventField<'a> {
        EventField { name, sensitive, value: self }
    }

    /// The value as a format argument, of this name if it has one.
    #[inline]
    pub fn shown(self, name: &'a str, sensitive: bool) -> MessageArg<'a, dyn Loggable + 'a> {
        MessageArg::new(self.0, name, sensitive)
    }
}

impl fmt::Debug for EventValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventValue").finish_non_exhaustive()
    }
}

/// A field of an event.
#[derive(Debug, Clone, Copy)]
pub struct EventField<'a> {
    name: &'a str,
    sensitive: bool,
    value: EventValue<'a>,
}
