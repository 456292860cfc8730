//! Panics of values, and JSON that is requested through `Debug`.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::debug::DebugOf;
use super::writer::Encoder;
use crate::base::catch::catch_value;
use crate::json::escape;
use crate::json::shown::Shown;
use crate::redact::error_text::{UNPRINTABLE, marker};
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

/// Takes the `Debug` form of a value that may contain a loggable one, and fails where too much of it is other text.
struct RequestedJson {
    text: String,
    /// Whether the JSON has been written.
    has_json: bool,
    /// Bytes of other text that may follow. Each level of a derived `Debug` writes some, so they limit the depth, too.
    left: usize,
}

/// How much text a wrapper may write around the JSON of the value inside it.
const WRAPPER_BYTES: usize = 512;

impl RequestedJson {
    fn new() -> Self {
        RequestedJson { text: String::new(), has_json: false, left: WRAPPER_BYTES }
    }
}

impl fmt::Write for RequestedJson {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_json = !self.has_json && !JSON_REQUESTED.try_with(Cell::get).unwrap_or(true);
        if is_json {
            self.has_json = true;
        } else {
            self.left = self.left.checked_sub(text.len()).ok_or(fmt::Error)?;
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// The JSON of a loggable value, and whether the `Debug` form is that of the value itself, and not of a wrapper that has
/// nothing else in it.
pub(in crate::redact) struct FoundJson {
    pub(in crate::redact) json: String,
    pub(in crate::redact) is_own: bool,
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

    /// Returns the JSON of a loggable type, or of the loggable value that is all that a wrapper contains.
    pub(in crate::redact) fn json_of(value: &dyn fmt::Debug) -> Option<FoundJson> {
        let mut found = RequestedJson::new();
        let result = {
            let _request = JsonRequest::begin();
            write!(found, "{value:?}")
        };
        let json = JSON_WRITTEN.try_with(Cell::take).ok().flatten()?;
        result.ok()?;
        let (before, after) = found.text.split_once(&json)?;
        let is_own = before.is_empty() && after.is_empty();
        (is_own || is_wrapping(before, after)).then_some(FoundJson { json, is_own })
    }

    /// Implements `Debug` for a loggable type. It writes JSON if candor requested it; [`format`](Self::format) checks
    /// whether that is all of the output.
    pub(crate) fn fmt<T: Loggable + ?Sized>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// Whether the text around a value is that of types which contain only the value: `Wrapper(…)`. An `io::Error` has its
/// kind beside it.
fn is_wrapping(before: &str, after: &str) -> bool {
    let is_end = |c: char| matches!(c, ')' | '}' | ']' | ' ' | ',' | '\n');
    let in_io_error = before.strip_prefix("Custom { kind: ").and_then(|it| it.split_once(", "));
    let before = in_io_error.map_or(before, |(_, before)| before);
    !before.contains(',') && after.chars().all(is_end)
}
