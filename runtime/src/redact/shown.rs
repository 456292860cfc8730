//! Text that redaction made. Besides literals it is the only text that the line writer takes.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};

use super::loggable::{Encoder, Loggable, UNPRINTABLE, catch_unprintable};
#[cfg(feature = "http")]
use super::media_type::header_or_shape;
use super::strict_report::{self, Place};
use super::{counted, error_text, scrub, strict};
use crate::base::catch::catch_value;
use crate::json::hex::UuidText;
use crate::json::members;
use crate::json::shown::Shown;

/// Redacted text that is kept until its line is written. The functions of this module make it, and literals.
#[derive(Debug, Clone)]
pub(crate) struct Redacted<'a>(Cow<'a, str>);

impl Redacted<'_> {
    #[inline]
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::redacted(&self.0)
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_owned(self) -> Redacted<'static> {
        Redacted(Cow::Owned(self.0.into_owned()))
    }

    /// Appends a literal.
    pub(crate) fn push(&mut self, literal: &'static str) {
        self.0.to_mut().push_str(literal);
    }

    /// Cuts the text after this many bytes.
    pub(crate) fn cut(&mut self, bytes: usize) {
        let end = self.0.floor_char_boundary(bytes);
        match &mut self.0 {
            Cow::Borrowed(text) => *text = &text[..end],
            Cow::Owned(text) => text.truncate(end),
        }
    }

    /// Cuts the text after this many characters; returns whether it was longer.
    pub(crate) fn cut_chars(&mut self, chars: usize) -> bool {
        // n bytes are at most n characters.
        if self.0.len() <= chars {
            return false;
        }
        let Some((end, _)) = self.0.char_indices().nth(chars) else { return false };
        self.cut(end);
        true
    }
}

impl From<&'static str> for Redacted<'_> {
    #[inline]
    fn from(text: &'static str) -> Self {
        Redacted(Cow::Borrowed(text))
    }
}

impl<'a> From<Shown<'a>> for Redacted<'a> {
    #[inline]
    fn from(text: Shown<'a>) -> Self {
        Redacted(Cow::Borrowed(text.as_str()))
    }
}

impl<'a> From<&'a Redacted<'_>> for Shown<'a> {
    #[inline]
    fn from(text: &'a Redacted<'_>) -> Self {
        text.shown()
    }
}

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) enum RequestId {
    /// Made by candor. It takes no allocation, and needs no escapes.
    Uuid(UuidText),
    /// From a caller or the program.
    Given(Redacted<'static>),
}

impl RequestId {
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::redacted(self.as_str())
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            RequestId::Uuid(uuid) => uuid.as_str(),
            RequestId::Given(id) => id.as_str(),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            RequestId::Uuid(uuid) => uuid.bytes(),
            RequestId::Given(id) => id.as_str().as_bytes(),
        }
    }
}

/// The scrubbed text.
#[inline]
pub(crate) fn text(input: &str) -> Redacted<'_> {
    Redacted(scrub::text(input))
}

/// The scrubbed text, in strict mode its shape.
#[inline]
pub(crate) fn text_or_shape(input: &str) -> Redacted<'_> {
    Redacted(scrub::text_or_shape(input))
}

/// The scrubbed text, in strict mode its shape; report mode reports the place.
fn text_or_shape_in(place: Place, input: &str) -> Redacted<'_> {
    if strict::is_reported() {
        strict_report::once(place);
    }
    text_or_shape(input)
}

/// The message of a panic with arguments.
pub(crate) fn panic_message(input: &str) -> Redacted<'_> {
    text_or_shape_in(Place::Panic, input)
}

/// The shape of the text.
#[cold]
pub(crate) fn shape(input: &str) -> Redacted<'static> {
    Redacted(Cow::Owned(scrub::shape(input)))
}

/// The scrubbed URL, without its query.
pub(crate) fn url(input: &str) -> Redacted<'static> {
    Redacted(Cow::Owned(scrub::url(input)))
}

/// The origin of a URL, with a path from the source of the program.
pub(crate) fn url_with_path(url: Option<&str>, path: &'static str) -> Redacted<'static> {
    let safe = url.map(scrub::url);
    let origin = safe.as_deref().and_then(|safe| {
        let (scheme, rest) = safe.split_once("://")?;
        Some(format!("{scheme}://{}", rest.split('/').next()?))
    });
    Redacted(Cow::Owned(origin.unwrap_or_default() + path))
}

/// The target of an HTTP request. That of `OPTIONS *` or `CONNECT host:port` is not a path, and is scrubbed as text.
pub(crate) fn request_target(target: &str) -> Redacted<'static> {
    if target.starts_with('/') {
        url(target)
    } else {
        text_or_shape_in(Place::Path, target).into_owned()
    }
}

/// The HTTP method. The standard ones (RFC 9110, section 9, and RFC 5789) need no allocation.
pub(crate) fn method(name: &str) -> Redacted<'static> {
    const STANDARD: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
    match STANDARD.into_iter().find(|known| *known == name) {
        Some(known) => known.into(),
        None => text_or_shape_in(Place::Method, name).into_owned(),
    }
}

/// The request id of a caller: 1 to 128 characters of `[A-Za-z0-9._-]`, in strict mode 64. `None` if it is malformed,
/// or if the scrubber would alter it.
pub(crate) fn request_id(id: &str) -> Option<Redacted<'static>> {
    let longest = if strict::is_on() { 64 } else { 128 };
    let is_well_formed = (1..=longest).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if is_well_formed && id.len() > 64 && strict::is_reported() {
        strict_report::once(Place::RequestId);
    }
    (is_well_formed && scrub::is_unaltered(id)).then(|| Redacted(Cow::Owned(id.to_owned())))
}

/// A name that the program gives at run time, or `[REDACTED]` if the scrubber would alter it. In strict mode it must
/// consist of letters, digits, `_`, `-` and `.`.
#[inline]
pub(crate) fn name(name: &str) -> Redacted<'_> {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    match scrub::text(name) {
        Cow::Owned(_) => scrub::REDACTED.into(),
        Cow::Borrowed(_) if strict::is_on() && !name.chars().all(in_name) => {
            counted::detector("name in strict mode");
            scrub::REDACTED.into()
        }
        Cow::Borrowed(_) => {
            if strict::is_reported() && !name.chars().all(in_name) {
                strict_report::once(Place::Name);
            }
            Redacted(Cow::Borrowed(name))
        }
    }
}

/// The target of a record of the `log` crate, scrubbed. In strict mode, one that is not a path of identifiers shows its
/// shape.
#[cfg(feature = "log")]
pub(crate) fn log_target(target: &str) -> Redacted<'_> {
    if strict::is_on() && !is_log_path(target) { shape(target) } else { text(target) }
}

/// Whether the target of a record of the `log` crate is a path of identifiers.
#[cfg(feature = "log")]
pub(crate) fn is_log_path(target: &str) -> bool {
    let in_path = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'-');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    target.bytes().all(in_path) && !target.split([':', '.', '-']).any(is_number)
}

/// The name of a thread, scrubbed. In strict mode, only the names that `std` and tokio give are shown.
pub(crate) fn thread_name(name: Option<&str>) -> Redacted<'_> {
    match name {
        None => "unnamed".into(),
        Some(name @ ("main" | "tokio-runtime-worker" | "tokio-rt-worker")) => {
            Redacted(Cow::Borrowed(name))
        }
        Some(name) => text_or_shape_in(Place::Thread, name),
    }
}

/// The value of a header, scrubbed. In strict mode a header that is not listed shows its shape.
#[cfg(feature = "http")]
pub(crate) fn header(name: &str, value: &[u8]) -> Redacted<'static> {
    let value = String::from_utf8_lossy(value);
    Redacted(Cow::Owned(header_or_shape(name, scrub::text(&value)).into_owned()))
}

/// The decoded name of a query parameter, scrubbed. In strict mode it is shown as other names are.
pub(crate) fn query_name(name: &str) -> Redacted<'_> {
    if strict::is_on() { self::name(name) } else { text(name) }
}

/// The decoded value of a query parameter, hidden if its name is sensitive. In strict mode a parameter that is not
/// listed shows its shape.
pub(crate) fn query_value<'a>(name: &str, value: &'a str) -> Redacted<'a> {
    if scrub::is_secret_value(name, value) {
        counted::name(name);
        return scrub::REDACTED.into();
    }
    Redacted(scrub::listed_or_shape(Place::QueryParameter, name, scrub::text(value)))
}

/// The value of a setting, hidden if its name is sensitive.
pub(crate) fn setting(name: &str, value: &str) -> Redacted<'static> {
    if scrub::is_secret_value(name, value) {
        counted::name(name);
        return scrub::REDACTED.into();
    }
    text(value).into_owned()
}

/// The error of a collector, shortened. It may echo the request, so strict mode shows only its shape.
#[cfg(feature = "otlp")]
pub(crate) fn collector_error(message: &str) -> Redacted<'_> {
    const LONGEST: usize = 200;
    let mut message = text_or_shape(message);
    if message.cut_chars(LONGEST) {
        message.push("…");
    }
    message
}

/// The name of a field with a literal appended.
pub(crate) fn suffixed(name: Shown<'_>, suffix: &'static str) -> Redacted<'static> {
    Redacted(Cow::Owned([name.as_str(), suffix].concat()))
}

/// The name of a type, without lifetimes.
pub(crate) fn type_name(full: &'static str) -> Redacted<'static> {
    Redacted(Cow::Owned(error_text::without_lifetimes(full)))
}

/// The name of a type, without paths and lifetimes.
pub(crate) fn short_type_name(full: &'static str) -> Redacted<'static> {
    Redacted(Cow::Owned(error_text::short_name(full)))
}

/// The value as text, as its policies show it; `None` if it is `null`. `name` is that of its field.
pub(crate) fn value(name: &str, value: &dyn Loggable) -> Option<Redacted<'static>> {
    let mut json = String::new();
    catch_unprintable(&mut json, |out| Encoder::buffered(out).under(name).value(value));
    (json != "null").then(|| Redacted(Cow::Owned(members::text_of(&json))))
}

/// The scrubbed messages of an error and its sources.
pub(crate) fn error_chain(error: &dyn Error) -> Redacted<'static> {
    let chain = || {
        let mut text = String::new();
        error_text::write_chain(error, &mut text);
        text
    };
    match catch_value(chain) {
        Ok(text) => Redacted(Cow::Owned(text)),
        Err(unshown) => error_text::marker(unshown).into(),
    }
}

/// The text of an error with policies, as these show it.
pub(crate) fn redacted_error(value: &dyn fmt::Debug, json: &str) -> Redacted<'static> {
    Redacted(Cow::Owned(error_text::redacted_text(value, json)))
}

/// The number of bytes of a value.
pub(crate) fn byte_count(bytes: usize) -> Redacted<'static> {
    Redacted(Cow::Owned(format!("<{bytes} bytes>")))
}

/// The message of one of candor's event macros, which give each argument a policy. `buffer` must be empty.
#[inline]
pub(crate) fn formatted<'a>(message: fmt::Arguments<'_>, buffer: &'a mut String) -> Shown<'a> {
    if let Some(literal) = message.as_str() {
        return Shown::literal(literal);
    }
    if buffer.write_fmt(message).is_err() {
        buffer.push_str(UNPRINTABLE);
    }
    Shown::redacted(buffer)
}

/// The message of an event of another crate, redacted into a buffer.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// Whether strict mode hides the message.
    is_hidden: bool,
    out: &'a mut String,
}

impl<'a> Message<'a> {
    /// A message of an event with this target. `out` must be empty.
    #[inline]
    pub(crate) fn of(target: &str, out: &'a mut String) -> Self {
        Message { is_hidden: strict::hides_messages_of(target), out }
    }

    #[inline]
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// Appends the text, scrubbed, or its shape.
    #[inline]
    pub(crate) fn write(&mut self, text: &str) {
        if self.is_hidden {
            self.out.push_str(shape(text).as_str());
        } else {
            scrub::text_into(text, self.out);
        }
    }

    pub(crate) fn write_literal(&mut self, text: &'static str) {
        self.out.push_str(text);
    }

    #[inline]
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::redacted(self.out)
    }
}
