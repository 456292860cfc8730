//! candor's own event macros, and the call site behind each use of one.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use tracing_core::callsite::DefaultCallsite;
use tracing_core::dispatcher;
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::Id;
use tracing_core::{Event, Level, Metadata};

use super::audit::{self, AuditError};
use crate::base::buffer;
use crate::base::clock::Tick;
use crate::current::spans::Around;
use crate::current::{self, scratch};
use crate::format::record::{Record, Severity};
use crate::json::members;
use crate::logger::{self, Logger};
use crate::redact::keys;
use crate::redact::loggable::{DEFAULT_VALUE_LIMIT, Encoder, Loggable, UNPRINTABLE, guarded};
use crate::site;

/// The static behind one use of an event macro. It refers to itself, as a [`site::Site`] does.
#[derive(Debug)]
pub struct EventSite {
    severity: Severity,
    metadata: Metadata<'static>,
    callsite: DefaultCallsite,
    /// What does not change in the lines of a message without arguments, and the form it was made in.
    named: OnceLock<(u64, String)>,
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
                level_of(severity),
                Some(file),
                Some(line),
                Some(module),
                FieldSet::new(fields, tracing_core::identify_callsite!(&this.callsite)),
                Kind::EVENT,
            ),
            callsite: DefaultCallsite::new(&this.metadata),
            named: OnceLock::new(),
        }
    }

    /// Whether the line is wanted here and now.
    #[inline]
    pub fn is_enabled(&'static self) -> bool {
        let interest = self.callsite.interest();
        !interest.is_never()
            && (interest.is_always()
                || dispatcher::get_default(|dispatch| dispatch.enabled(&self.metadata)))
    }

    /// Writes the event under the current request and in the spans of this thread.
    #[inline(never)]
    pub fn write(&'static self, message: fmt::Arguments<'_>, fields: &[EventField<'_>]) {
        self.with_record(message, |record| {
            let direct = logger::if_alone(|logger: &Logger| {
                // Only a message without arguments is the same each time.
                let named = message.as_str().and_then(|_| self.named(record, logger));
                let request = current::request();
                scratch::with(|scratch| {
                    let request = request.as_ref();
                    logger.write_for(scratch, request, record, Around::Thread, named, |out| {
                        write_fields(fields, logger.value_limit, out);
                    });
                });
            });
            if direct.is_none() {
                site::dispatch(&self.metadata, record, gathered(fields), |values| {
                    Event::dispatch(&self.metadata, values);
                });
            }
        });
    }

    /// Writes the event in a span that it names, or in none. The span is known to the subscriber, so
    /// the record takes the way of an event.
    #[inline(never)]
    pub fn write_under(
        &'static self,
        parent: impl Into<Option<Id>>,
        message: fmt::Arguments<'_>,
        fields: &[EventField<'_>],
    ) {
        let parent = parent.into();
        self.with_record(message, |record| {
            site::dispatch(&self.metadata, record, gathered(fields), |values| {
                Event::child_of(parent, &self.metadata, values);
            });
        });
    }

    /// Writes the event as one for the audit, whatever the levels are.
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

    /// The part of a line between its time and its request, where this layer makes it as the first
    /// one did.
    fn named(&'static self, record: &Record<'_>, logger: &Logger) -> Option<&'static str> {
        let template = &logger.template;
        // One that is cut looks different under another limit, which the form does not tell.
        if record.message.len() > logger.value_limit {
            return None;
        }
        let (form, text) = self.named.get_or_init(|| {
            let mut text = String::new();
            template.name(record.severity, record.logger, record.message, &mut text);
            (template.form, text)
        });
        (*form == template.form).then_some(text.as_str())
    }
}

/// CRITICAL is an ERROR to tracing.
const fn level_of(severity: Severity) -> Level {
    match severity {
        Severity::Trace => Level::TRACE,
        Severity::Debug => Level::DEBUG,
        Severity::Info => Level::INFO,
        Severity::Warn => Level::WARN,
        Severity::Error | Severity::Critical => Level::ERROR,
    }
}

fn gathered(fields: &[EventField<'_>]) -> String {
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
        } else if value.is_plain() {
            Encoder::json(out, limit).under(field.name).value(value);
        } else {
            guarded(out, |out| Encoder::json(out, limit).under(field.name).value(value));
        }
    }
}

/// A value of an event, which has said that it is loggable.
///
/// Its type is gone, so that one that isn't loggable is reported here and nowhere else.
#[derive(Clone, Copy)]
pub struct EventValue<'a>(&'a dyn Loggable);

/// Takes a value of an event; the macros put a reference before it, since a list may be unsized.
#[inline]
pub fn value<T: Loggable>(value: &T) -> EventValue<'_> {
    EventValue(value)
}

/// Takes a width or a precision, which stays what it is; whatever else the text does with it, nothing
/// but a number gets into a message this way.
#[inline]
pub fn count(value: &usize) -> &usize {
    value
}

impl<'a> EventValue<'a> {
    /// The value as a field; the macros have asked the key rule for its name.
    #[inline]
    pub fn named(self, name: &'a str, sensitive: bool) -> EventField<'a> {
        EventField { name, sensitive, value: self }
    }

    /// The value as a format argument, of this name if it has one.
    #[inline]
    pub fn shown(self, name: &'a str, sensitive: bool) -> Shown<'a, dyn Loggable + 'a> {
        Shown::new(self.0, name, sensitive)
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

/// A format argument: shows in a message what the value shows of itself.
///
/// `Debug` shows the same as `Display`, since both are what the value decided.
pub struct Shown<'a, T: ?Sized> {
    value: &'a T,
    name: &'a str,
    hidden: bool,
}

impl<'a, T: ?Sized> Shown<'a, T> {
    /// The argument of this name, empty where it has none; `sensitive` is the key rule's answer.
    pub fn new(value: &'a T, name: &'a str, sensitive: bool) -> Self {
        Shown {
            value,
            name,
            hidden: sensitive || !name.is_empty() && keys::added_by_deployment(name),
        }
    }
}

impl<T: Loggable + ?Sized> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        thread_local! {
            static VALUE: Cell<String> = const { Cell::new(String::new()) };
        }
        if self.hidden {
            return f.write_str(REDACTED);
        }
        buffer::with(&VALUE, |json| {
            guarded(json, |out| Encoder::gathered(out).under(self.name).value(self.value));
            show(json, f)
        })
    }
}

impl<T: Loggable + ?Sized> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const REDACTED: &str = "[REDACTED]";

/// Shows a value's JSON as part of a message: text without its quotes, all else as it stands.
fn show(json: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match json.as_bytes().first() {
        Some(b'"') if json.contains('\\') => f.pad(&members::text_of(json)),
        Some(b'"') => f.pad(&json[1..json.len() - 1]),
        Some(b'0'..=b'9' | b'-') => show_number(json, f),
        _ => f.write_str(json),
    }
}

fn show_number(digits: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if f.width().is_none() && f.precision().is_none() && !f.sign_plus() {
        return f.write_str(digits);
    }
    match digits.parse::<f64>() {
        Ok(number) if digits.contains(['.', 'e', 'E']) => fmt::Display::fmt(&number, f),
        _ => f.pad_integral(!digits.starts_with('-'), "", digits.trim_start_matches('-')),
    }
}

/// A whole number, which `{:x}`, `{:#b}` and their like can show.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no whole number, so a message can't show it as hexadecimal, octal or binary",
    label = "not a whole number"
)]
pub trait Integer: fmt::LowerHex + fmt::UpperHex + fmt::Octal + fmt::Binary {}

/// A number, which `{:e}` can show.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no number, so a message can't show it with an exponent",
    label = "not a number"
)]
pub trait Number: fmt::LowerExp + fmt::UpperExp {}

impl<T: Integer + ?Sized> Integer for &T {}
impl<T: Number + ?Sized> Number for &T {}

macro_rules! numbers {
    ($kind:ident: $($type:ty)*) => {$( impl $kind for $type {} )*};
}

numbers! { Integer: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
numbers! { Number: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

macro_rules! forms {
    ($kind:ident: $($form:ident)*) => {$(
        impl<T: $kind + ?Sized> fmt::$form for Shown<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                if self.hidden { f.write_str(REDACTED) } else { fmt::$form::fmt(self.value, f) }
            }
        }
    )*};
}

forms! { Integer: LowerHex UpperHex Octal Binary }
forms! { Number: LowerExp UpperExp }

/// Whether the text in front of a format argument gives it a name that the key rule hides:
/// `password={}`, `api key: {}`. Behind `=` that is one word; behind `:`, in prose, the last two.
pub const fn labels_secret(before: &str) -> bool {
    let bytes = before.as_bytes();
    let Some((separator, rest)) = bytes.split_last() else { return false };
    let end = trimmed(rest);
    let mut start = word_start(rest, end);
    if *separator == b':' {
        let before = trimmed_blanks(rest, start);
        if before < start {
            start = word_start(rest, before);
        }
    }
    let (label, _) = before.split_at(end);
    let (_, label) = label.split_at(start);
    keys::is_sensitive(label)
}

/// The end of the text without blanks and quotes behind it.
const fn trimmed(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while end > 0 && matches!(bytes[end - 1], b' ' | b'"' | b'\'' | b'`' | b'\\') {
        end -= 1;
    }
    end
}

const fn trimmed_blanks(bytes: &[u8], mut end: usize) -> usize {
    while end > 0 && bytes[end - 1] == b' ' {
        end -= 1;
    }
    end
}

/// Where the word begins that ends at `end`; all that is not ASCII is part of a word.
const fn word_start(bytes: &[u8], end: usize) -> usize {
    let mut start = end;
    while start > 0
        && (bytes[start - 1].is_ascii_alphanumeric()
            || matches!(bytes[start - 1], b'_' | b'-' | b'.' | b'%' | 0x80..))
    {
        start -= 1;
    }
    start
}

/// Writes a DEBUG line: diagnostic detail, such as redacted inputs and branches taken.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// let (cached, age_s) = (true, 12);
/// candor::debug!(cached, age_s, "price from the cache");
///
/// // {…,"level":"DEBUG","logger":"shop","msg":"price from the cache",…,"cached":true,"age_s":12}
/// let line = captured.line("price from the cache");
/// assert_eq!((line.text("level"), line.integer("age_s")), ("DEBUG", 12));
/// ```
#[macro_export]
macro_rules! debug {
    ($($event:tt)*) => { $crate::__private::event!($crate Debug, $($event)*) };
}

/// Writes a TRACE line: finer than a reader usually wants.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// for attempt in 1..=2 {
///     candor::trace!("polled the queue, attempt {attempt}");
/// }
///
/// // {…,"level":"TRACE","logger":"shop","msg":"polled the queue, attempt 2",…}
/// assert_eq!(captured.line("polled the queue, attempt 2").text("level"), "TRACE");
/// ```
#[macro_export]
macro_rules! trace {
    ($($event:tt)*) => { $crate::__private::event!($crate Trace, $($event)*) };
}

/// Writes an INFO line: a normal event, such as a job done.
///
/// The syntax is that of `tracing::info!`; the difference is that **every field and every format
/// argument must be [`Loggable`]**. Text is not, until a [policy](crate::policy) decides what of it may
/// be shown; without one the line does not compile, and the compiler points at the value.
///
/// ```
/// let (order_id, card, shop) = (7, "4242424242424242", "books");
/// let captured = candor::testing::capture();
/// candor::info!(order_id, card = mask(&card).last(4), "charged {amount:.2} for {}", clear(&shop), amount = 9.5);
///
/// // {…,"level":"INFO","logger":"shop","msg":"charged 9.50 for books",…,"order_id":7,"card":"****4242"}
/// let line = captured.line("charged 9.50 for books");
/// assert_eq!(line.integer("order_id"), 7);
/// assert_eq!(line.text("card"), "****4242");
/// ```
///
/// ```compile_fail
/// let name = String::from("Ada");
/// candor::info!("hello {name}"); // `String` can't be logged without a decision on what may be shown
/// ```
///
/// # Fields
///
/// | written as | field |
/// |---|---|
/// | `order_id = order.id` | `order_id` |
/// | `order_id`, `order.id` | `order_id`, `order.id`: a variable or a field of one, by its own name |
/// | `order.total = total` | `order.total`: dots are part of the name |
/// | `"order id" = order.id` | `order id`: a name that is no Rust name |
/// | `?order`, `%order`, `order = ?order` | `order`: taken as in tracing, but they change nothing |
/// | `message = value` | the message, in place of a format string |
/// | `{ a = 1, b = 2 }, "…"` | `a` and `b`: fields may stand in braces |
///
/// A value arrives as it logs itself: a number as a number, a `#[redact]` type as nested JSON. `?` and
/// `%` ask a type's `Debug` or `Display` in tracing; neither decides what may be shown, so here the
/// value must be loggable all the same, and shows the same.
///
/// A policy that stands in front of a value, here or behind the message, needs no import.
///
/// Names go by the [key rule](crate::keys): a sensitive one shows `"[REDACTED]"`, whatever its value.
/// candor's own keys (`level`, `msg`, `request_id`, `path`, …) are refused. Where a name is given
/// twice, both values are evaluated and the last one is written.
///
/// # The message
///
/// It is a format string in quotes. What is literal in it stands as it is written; arguments, also the
/// inline ones (`{name}`), show their value in plain form: text without quotes, numbers and durations
/// (in milliseconds) as such, everything nested as JSON. Width, fill, alignment, sign and precision
/// work; `{:?}` is the same as `{}`; `{:x}`, `{:#b}`, `{:e}` and their like take numbers.
///
/// An argument that is a variable, a field of one, or named is hidden by the key rule too, and so is one
/// that the text gives a name: `"{pin}"`, `"{}", user.pin`, `"code {c}", c = …`, `"pin={x}"`.
///
/// # Settings
///
/// They stand first, in any order:
///
/// - `target: "billing"`, the `logger` of the line; the module where left out;
/// - `parent: &span`, a `tracing` span whose fields the line has in place of those of the spans around;
///   `parent: None` for none. The request stays the current one;
/// - `name: "…"`, the event's name for other layers.
///
/// # What it costs
///
/// Where the line is not wanted, one look at the interest of its call site, and no argument is
/// evaluated. A line that is written allocates nothing once its thread has written a few, where candor's
/// layer is alone and the event names no parent.
///
/// # Only these
///
/// `tracing`'s macros keep working; what they are given is scrubbed, not checked. To have only checked
/// lines in a crate, ban them in its `clippy.toml`:
///
/// ```toml
/// disallowed-macros = [
///     { path = "tracing::trace", reason = "use `candor::trace!`, which checks what it logs" },
///     { path = "tracing::debug", reason = "use `candor::debug!`, which checks what it logs" },
///     { path = "tracing::info", reason = "use `candor::info!`, which checks what it logs" },
///     { path = "tracing::warn", reason = "use `candor::warn!`, which checks what it logs" },
///     { path = "tracing::error", reason = "use `candor::error!`, which checks what it logs" },
///     { path = "tracing::event", reason = "use candor's macros, which check what they log" },
///     { path = "log::log", reason = "use candor's macros, which check what they log" },
///     { path = "log::trace", reason = "use `candor::trace!`, which checks what it logs" },
///     { path = "log::debug", reason = "use `candor::debug!`, which checks what it logs" },
///     { path = "log::info", reason = "use `candor::info!`, which checks what it logs" },
///     { path = "log::warn", reason = "use `candor::warn!`, which checks what it logs" },
///     { path = "log::error", reason = "use `candor::error!`, which checks what it logs" },
/// ]
/// ```
///
/// # What is refused
///
/// - a field or an argument that is not loggable;
/// - a name of candor's own as a field;
/// - a message that is no literal (`concat!(…)`, a constant): its arguments could not be checked;
/// - names of fields that are constants (`{ KEY } = value`).
#[macro_export]
macro_rules! info {
    ($($event:tt)*) => { $crate::__private::event!($crate Info, $($event)*) };
}

/// Writes a WARN line: a surprise that was handled, such as a fallback or a deprecated use.
///
/// Syntax and rules are those of [`info!`](crate::info!).
///
/// ```
/// let captured = candor::testing::capture();
/// candor::warn!(target: "billing", retries = 2, "rates are old, using those of yesterday");
///
/// // {…,"level":"WARN","logger":"billing","msg":"rates are old, using those of yesterday",…,"retries":2}
/// let line = captured.line("rates are old, using those of yesterday");
/// assert_eq!((line.text("level"), line.text("logger")), ("WARN", "billing"));
/// ```
#[macro_export]
macro_rules! warn {
    ($($event:tt)*) => { $crate::__private::event!($crate Warn, $($event)*) };
}

/// Writes an ERROR line: a request or an operation failed.
///
/// Syntax and rules are those of [`info!`](crate::info!). The text of an error needs a decision like any other;
/// `scrub` takes out what looks like a secret:
///
/// ```
/// let captured = candor::testing::capture();
/// let refused = "postgres://app:s3cret@db/orders is down";
/// candor::error!(reason = scrub(refused), "no orders were read");
///
/// // {…,"level":"ERROR","logger":"shop","msg":"no orders were read",…,
/// //  "reason":"postgres://app:[REDACTED]@db/orders is down"}
/// let line = captured.line("no orders were read");
/// assert!(!line.text("reason").contains("s3cret"));
/// ```
#[macro_export]
macro_rules! error {
    ($($event:tt)*) => { $crate::__private::event!($crate Error, $($event)*) };
}

/// Writes a CRITICAL line: the service can't go on.
///
/// Syntax and rules are those of [`info!`](crate::info!). `tracing` has no such level: filters and other layers see
/// an ERROR, candor's line says CRITICAL.
///
/// ```
/// let captured = candor::testing::capture();
/// let free_bytes = 0;
/// candor::critical!(free_bytes, "the disk is full");
///
/// // {…,"level":"CRITICAL","logger":"shop","msg":"the disk is full",…,"free_bytes":0}
/// assert_eq!(captured.line("the disk is full").text("level"), "CRITICAL");
/// ```
#[macro_export]
macro_rules! critical {
    ($($event:tt)*) => { $crate::__private::event!($crate Critical, $($event)*) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_names_a_secret() {
        for text in [
            "password=",
            "user 7 password =",
            "{\"apiKey\":",
            "new api key:",
            "card number:",
            "x-api-key:",
            "пароль password:",
            "client.secret=",
        ] {
            assert!(labels_secret(text), "{text}");
        }
        for text in [
            "",
            "=",
            ":",
            " :",
            "user=",
            "tokens used=",
            "password reset count=",
            "password reset for user:",
            "the secret of this page:",
            "é:",
        ] {
            assert!(!labels_secret(text), "{text}");
        }
    }
}
