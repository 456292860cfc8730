//! Infers steps from the fields, the events and the ends of spans of other crates.
//!
//! `docs/adopting.md` describes what is inferred.

mod closed;
mod events;
mod opened;
mod roles;
mod site;

pub(super) use self::closed::closed;
pub(crate) use self::events::error_logged;
pub(super) use self::events::{EventFate, error_seen, event_seen};
pub(super) use self::opened::{NewSpan, drop_control};
pub(super) use self::roles::recorded;
pub(super) use self::site::SpanTiming;

use std::fmt::{self, Write as _};

use super::event::with_text;
use crate::base::catch::catch_value;

/// The `error` of a span that fails because of an ERROR event.
const ERROR_EVENT: &str = "logged_error";
/// The `error` of a span that fails because of one of its fields.
const ERROR_FIELD: &str = "recorded_error";

/// Calls `f` with the text of a `Debug` value, without the quotes of a string.
fn with_debug(value: &dyn fmt::Debug, f: impl FnOnce(&str)) {
    with_text(|text| {
        if let Ok(Ok(())) = catch_value(|| write!(text, "{value:?}")) {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            f(inner.unwrap_or(text));
        }
    });
}
