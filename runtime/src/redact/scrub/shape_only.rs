//! Text without a policy: scrubbed, or in strict mode its shape.

use std::borrow::Cow;

use super::range::REDACTED;
use super::text::text;
use crate::redact::size_class::size_class;
use crate::redact::strict;
use crate::redact::strict_report::{self, Place};

/// Returns the scrubbed text, or in strict mode its shape.
#[inline]
pub(crate) fn text_or_shape(input: &str) -> Cow<'_, str> {
    if strict::is_on() { shape(input).into() } else { text(input) }
}

/// Returns `shown` if strict mode is off or its list has `name`, else the shape of `shown`.
///
/// `shown` is the scrubbed value of the header or query parameter `name`, or the path segment `name` itself.
pub(crate) fn listed_or_shape<'a>(place: Place, name: &str, shown: Cow<'a, str>) -> Cow<'a, str> {
    let is_reported = strict::is_reported();
    if !strict::is_on() && !is_reported
        || shown.is_empty()
        || shown == REDACTED
        || strict::is_allowed(name)
    {
        return shown;
    }
    if !is_reported {
        return shape(&shown).into();
    }
    match place {
        // A segment is a value and not a name.
        Place::Path => strict_report::once(place),
        _ => strict_report::named(place, name),
    }
    shown
}

#[cold]
pub(crate) fn shape(text: &str) -> String {
    size_class("text", text.chars().count())
}
