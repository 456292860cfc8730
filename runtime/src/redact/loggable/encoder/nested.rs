//! Panics of values, and JSON that is requested through `Debug`.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::debug::DebugOf;
use super::writer::Encoder;
use crate::base::catch::{catch, catch_value};
use crate::json::escape;
use crate::json::shown::Shown;
use crate::redact::error_text::{self, UNPRINTABLE, marker};
use crate::redact::loggable::{Loggable, to_json};
use crate::redact::scrub;

/// Runs `write`, which appends one value of a log call as JSON. If it panics, the value is `"<unprintable>"`, and if it
/// is formatted inside too many others, `"<nested too deeply>"`.
pub(crate) fn catch_unprintable(out: &mut String, write: impl FnOnce(&mut String)) {
    let from = out.len();
    if let Err(unshown) = catch_value(|| write(out)) {
        out.truncate(from);
        escape::json_string(Shown::literal(marker(unshown)), out);
    }
}

thread_local! {
    /// Whether candor's visitor requested JSON on this thread.
    static JSON_REQUESTED: Cell<bool> = const { Cell::new(false) };
    /// The JSON that a loggable value wrote on request.
    static JSON_WRITTEN: Cell<Option<String>> = const { Cell::new(None) };
}

/// Gets JSON out of a `&dyn Debug`.
///
/// `tracing` passes values to candor's visitor as `&dyn Debug`. The visitor requests JSON through a thread-local flag,
/// and the `Debug` of a loggable type writes JSON if the flag is set.
pub(crate) struct NestedDebug;

/// A pending request, which is withdrawn even if the value panics.
struct JsonRequest;

impl JsonRequest {
    fn begin() -> Self {
        let _ = JSON_WRITTEN.try_with(Cell::take);
        let _ = JSON_REQUESTED.try_with(|flag| flag.set(true));
        JsonRequest
    }
}

impl Drop for JsonRequest {
    fn drop(&mut self) {
        let _ = JSON_REQUESTED.try_with(|flag| flag.set(false));
    }
}

/// A `#[redact]` value in an error.
pub(in crate::redact) struct RedactedValue {
    /// `None` if a policy panicked.
    pub(in crate::redact) json: Option<String>,
    /// Its `Display` form, if it has one. It may show what the policies hide.
    pub(in crate::redact) display: Option<String>,
    /// The text that the policies produce.
    pub(in crate::redact) shown: String,
}

/// The `#[redact]` values in an error.
pub(in crate::redact) struct RedactedValues {
    pub(in crate::redact) found: Vec<RedactedValue>,
    /// Whether the error itself is the value.
    pub(in crate::redact) is_error: bool,
    /// Whether the `Debug` form of the error panicked, so that there may be others.
    pub(in crate::redact) is_incomplete: bool,
}

thread_local! {
    /// The values found so far in the error that is searched. `None` if no search is in progress.
    static FOUND_SO_FAR: Cell<Option<Vec<RedactedValue>>> = const { Cell::new(None) };
}

/// The beginning of an error's `Debug` form, which is searched for values. Only its length is kept.
struct SearchedDebug {
    left: usize,
    is_value: bool,
    has_other_text: bool,
}

/// How long a `Debug` form is searched, in bytes of which each piece counts at most [`PIECE`]. Each level of a derived
/// `Debug` writes some, so this also limits the depth.
const SEARCHED: usize = 4096;
const PIECE: usize = 16;

/// Stands for a value in the `Debug` form that is searched.
const FOUND: &str = "\0";

impl fmt::Write for SearchedDebug {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.is_value |= text == FOUND;
        self.has_other_text |= text != FOUND;
        self.left = self.left.checked_sub(text.len().min(PIECE)).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl NestedDebug {
    /// Writes a value of another crate: the JSON of a loggable type, else its `Debug` form, scrubbed or as its shape.
    /// `buffer` must be empty.
    pub(crate) fn write(value: &dyn fmt::Debug, buffer: &mut String, to: &mut Encoder<'_>) {
        match catch_value(|| Self::format(value, buffer)) {
            Ok(Ok(true)) => to.raw_json(buffer),
            Ok(Ok(false)) => to.text(&scrub::text_or_shape(buffer)),
            Ok(Err(_)) => to.text(UNPRINTABLE),
            Err(unshown) => to.text(marker(unshown)),
        }
    }

    /// Whether [`write`](Self::write) writes the `Debug` form of the value, and not the JSON of a loggable type.
    #[cold]
    pub(crate) fn is_text(value: &dyn fmt::Debug) -> bool {
        matches!(catch_value(|| Self::format(value, &mut String::new())), Ok(Ok(false)))
    }

    /// Formats `value` into `out`, which must be empty. Returns whether the result is one JSON value.
    fn format(value: &dyn fmt::Debug, out: &mut String) -> Result<bool, fmt::Error> {
        {
            let _request = JsonRequest::begin();
            write!(out, "{value:?}")?;
        }
        let Some(written) = JSON_WRITTEN.try_with(Cell::take).ok().flatten() else {
            return Ok(false);
        };
        // A wrapper added to the JSON of the value inside it, so the output is not JSON.
        if *out == written {
            return Ok(true);
        }
        out.clear();
        write!(out, "{value:?}")?;
        Ok(false)
    }

    /// Finds the `#[redact]` values in an error, by its `Debug` form. The alternate one, because `anyhow` and `eyre` put
    /// only the `Display` form of their error into the other.
    pub(in crate::redact) fn values_in(error: &dyn fmt::Debug) -> RedactedValues {
        let mut text = SearchedDebug { left: SEARCHED, is_value: false, has_other_text: false };
        let _ = FOUND_SO_FAR.try_with(|found| found.set(Some(Vec::new())));
        let result = catch(|| write!(text, "{error:#?}"));
        let found = FOUND_SO_FAR.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let is_error = text.is_value && !text.has_other_text && found.len() == 1;
        RedactedValues { found, is_error, is_incomplete: result.is_none() }
    }

    /// Records a value for the current search.
    #[cold]
    fn record_found<T: Loggable + ?Sized>(
        mut found: Vec<RedactedValue>,
        value: &T,
        display: Option<&dyn fmt::Display>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let json = catch(|| to_json(value));
        let policies = |json: &String| error_text::redacted_text(&DebugOf(value), json);
        let shown = json.as_ref().map_or_else(|| UNPRINTABLE.to_owned(), policies);
        let display = display.map(error_text::display);
        found.push(RedactedValue { json, display, shown });
        let _ = FOUND_SO_FAR.try_with(|so_far| so_far.set(Some(found)));
        f.write_str(FOUND)
    }

    /// Implements `Debug` for a loggable type. It writes JSON if candor requested it; [`format`](Self::format) checks
    /// whether that is all of the output.
    pub(crate) fn fmt<T: Loggable + ?Sized>(
        value: &T,
        display: Option<&dyn fmt::Display>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        if let Some(found) = FOUND_SO_FAR.try_with(Cell::take).ok().flatten() {
            return Self::record_found(found, value, display, f);
        }
        let is_requested = JSON_REQUESTED.try_with(|flag| flag.replace(false)).unwrap_or(false);
        if !is_requested {
            return fmt::Debug::fmt(&DebugOf(value), f);
        }
        let json = to_json(value);
        f.write_str(&json)?;
        let _ = JSON_WRITTEN.try_with(|written| written.set(Some(json)));
        Ok(())
    }
}
