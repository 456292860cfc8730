//! Values that write themselves behind somebody else's back: what panics, and what hides behind `Debug`.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::writer::Encoder;
use crate::base::catch::catch;
use crate::json::escape;
use crate::redact::error_text::UNPRINTABLE;
use crate::redact::loggable::{Loggable, to_json};

/// Runs `write`, which appends one JSON value; what panics leaves `"<unprintable>"` instead.
pub(crate) fn guarded(out: &mut String, write: impl FnOnce(&mut String)) {
    let from = out.len();
    if catch(|| write(out)).is_none() {
        out.truncate(from);
        escape::json_string(UNPRINTABLE, out);
    }
}

thread_local! {
    /// Whether candor's visitor waits for JSON on this thread.
    static ASKED: Cell<bool> = const { Cell::new(false) };
    /// The JSON that a loggable value wrote when it was asked.
    static ANSWER: Cell<Option<String>> = const { Cell::new(None) };
}

/// The agreement between candor's visitor, which gets a `&dyn Debug`, and the `Debug` of a loggable
/// type behind it: JSON was asked for, and is all that came.
pub(crate) struct NestedDebug;

/// A question, which is taken back also where the value panics.
struct Asking;

impl Asking {
    fn begin() -> Self {
        let _ = ANSWER.try_with(Cell::take);
        let _ = ASKED.try_with(|asked| asked.set(true));
        Asking
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = ASKED.try_with(|asked| asked.set(false));
    }
}

impl NestedDebug {
    /// Formats into `out`, which is empty; true where what came is one JSON value.
    pub(crate) fn format(value: &dyn fmt::Debug, out: &mut String) -> Result<bool, fmt::Error> {
        {
            let _asking = Asking::begin();
            write!(out, "{value:?}")?;
        }
        let Some(answer) = ANSWER.try_with(Cell::take).ok().flatten() else { return Ok(false) };
        // A wrapper that changed or added something made other text of it.
        if *out == answer {
            return Ok(true);
        }
        out.clear();
        write!(out, "{value:?}")?;
        Ok(false)
    }

    /// `Debug` of a loggable type: JSON where candor asked for it; whether it is all of the
    /// output, [`format`](Self::format) finds out.
    pub(crate) fn fmt<T: Loggable + ?Sized>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = ASKED.try_with(|asked| asked.replace(false)).unwrap_or(false);
        if !asked {
            return Encoder::debug_value(value, f);
        }
        let json = to_json(value);
        f.write_str(&json)?;
        let _ = ANSWER.try_with(|answer| answer.set(Some(json)));
        Ok(())
    }
}
