//! Panics of values, and JSON that is requested through `Debug`.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::debug::DebugOf;
use super::writer::Encoder;
use crate::base::catch::catch_value;
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

/// A `#[redact]` value inside an error.
pub(in crate::redact) struct RedactedValue {
    json: String,
    /// Its `Display` form, if it has one. It may show what the policies hide.
    pub(in crate::redact) display: Option<String>,
    /// What the policies show.
    pub(in crate::redact) shown: String,
}

/// The `#[redact]` values in an error.
pub(in crate::redact) enum RedactedValues {
    /// The error itself, with its JSON.
    Own(String),
    Inside(Vec<RedactedValue>),
}

thread_local! {
    /// The values found so far in the error that is searched. `None` if no search is in progress.
    static SEARCHED: Cell<Option<Vec<RedactedValue>>> = const { Cell::new(None) };
}

/// The beginning of an error's `Debug` form, which is searched for values.
struct DebugSample(String);

/// How many bytes of an error's `Debug` form are searched, with the JSON of the values. Each level of a derived
/// `Debug` writes some, so this also limits the depth.
const SEARCHED_BYTES: usize = 1024;

impl fmt::Write for DebugSample {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() > SEARCHED_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// A search, which ends even if the error panics.
struct Search;

impl Search {
    fn begin() -> Self {
        let _ = SEARCHED.try_with(|found| found.set(Some(Vec::new())));
        Search
    }

    fn end(self) -> Vec<RedactedValue> {
        SEARCHED.try_with(Cell::take).ok().flatten().unwrap_or_default()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        let _ = SEARCHED.try_with(Cell::take);
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

    /// Finds the `#[redact]` values in an error, by its `Debug` form. The alternate one, because `anyhow` and `eyre`
    /// put only the `Display` form of their error into the other.
    pub(in crate::redact) fn values_in(error: &dyn fmt::Debug) -> RedactedValues {
        let mut text = DebugSample(String::new());
        let search = Search::begin();
        let result = write!(text, "{error:#?}");
        let mut found = search.end();
        match &found[..] {
            [RedactedValue { json, .. }] if result.is_ok() && text.0 == *json => {
                RedactedValues::Own(found.swap_remove(0).json)
            }
            _ => RedactedValues::Inside(found),
        }
    }

    /// Records a value for the current search, and writes its JSON.
    #[cold]
    fn record_found<T: Loggable + ?Sized>(
        mut found: Vec<RedactedValue>,
        value: &T,
        display: Option<&dyn fmt::Display>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let json = to_json(value);
        let display = display.map(error_text::display);
        let shown = error_text::redacted_text(&DebugOf(value), &json);
        let result = f.write_str(&json);
        found.push(RedactedValue { json, display, shown });
        let _ = SEARCHED.try_with(|searched| searched.set(Some(found)));
        result
    }

    /// Implements `Debug` for a loggable type. It writes JSON if candor requested it; [`format`](Self::format) checks
    /// whether that is all of the output.
    pub(crate) fn fmt<T: Loggable + ?Sized>(
        value: &T,
        display: Option<&dyn fmt::Display>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        if let Some(found) = SEARCHED.try_with(Cell::take).ok().flatten() {
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
