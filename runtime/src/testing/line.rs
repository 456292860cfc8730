//! One captured line.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::format::pretty;
use crate::format::record::Severity;

/// Bytes of a line shown in a panic message.
const LONGEST_READABLE: usize = 600;

/// Captured line, with typed access to its fields.
///
/// ```
/// let captured = candor::testing::capture();
/// candor::info!(order_id = 7, total = 12.5, gift = true, "order placed");
///
/// let line = captured.line("order placed");
/// assert_eq!((line.integer("order_id"), line.number("total"), line.boolean("gift")), (7, 12.5, true));
/// assert_eq!(line.text("level"), "INFO");
/// assert_eq!(line.get("coupon"), None);
/// ```
#[derive(Clone)]
pub struct Line {
    /// The serial number of its request.
    request: u64,
    raw: String,
    value: Value,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl Line {
    pub(super) fn new(request: u64, raw: String) -> Self {
        let value = serde_json::from_str(&raw).unwrap_or(Value::Null);
        Line { request, raw, value }
    }

    /// Returns the line as JSON text, without its line feed.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Returns the value of a key, if the line has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key)
    }

    /// Returns whether the line has the key.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn is(&self, key: &str, text: &str) -> bool {
        self.get(key).and_then(Value::as_str) == Some(text)
    }

    pub(super) fn is_step(&self, name: &str) -> bool {
        self.is("event", "step_timing") && self.is("step", name)
    }

    pub(super) fn is_call(&self, dependency: &str) -> bool {
        self.is("event", "dependency_call") && self.is("dependency", dependency)
    }

    /// Whether both lines belong to the same request. False outside requests.
    pub(super) fn is_of_same_request(&self, other: &Line) -> bool {
        !self.is("request_id", "-") && self.request == other.request
    }

    /// Whether this is the name of the line's step or dependency, or its message.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.is_step(name) || self.is_call(name) || self.is("msg", name)
    }

    /// Returns time, level, logger, message and fields of the line, for panic messages.
    pub(super) fn readable(&self) -> String {
        use Severity::{Critical, Debug, Error, Info, Trace, Warn};
        let mut levels = [Trace, Debug, Info, Warn, Error, Critical].into_iter();
        // The `level` key may have been renamed.
        let Some(level) = levels.find(|level| self.is("level", level.as_str())) else {
            return self.raw.clone();
        };
        let mut out = String::new();
        pretty::write_flat(&self.raw, level, &mut out);
        // A backtrace would hide the other lines.
        let end = out.floor_char_boundary(LONGEST_READABLE);
        if end < out.len() {
            let more = out.len() - end;
            out.truncate(end);
            let _ = write!(out, "…(+{more} bytes)");
        }
        out
    }

    fn typed<'a, T>(&'a self, key: &str, kind: &str, read: impl Fn(&'a Value) -> Option<T>) -> T {
        match self.get(key) {
            None => panic!("the line has no `{key}`: {self:?}"),
            Some(value) => read(value)
                .unwrap_or_else(|| panic!("`{key}` is {value}, which is not {kind}: {self:?}")),
        }
    }

    /// Returns the string under a key.
    ///
    /// # Panics
    ///
    /// Panics if the line does not have the key, or if its value is not a string.
    pub fn text(&self, key: &str) -> &str {
        self.typed(key, "a string", Value::as_str)
    }

    /// Returns the number under a key.
    ///
    /// # Panics
    ///
    /// Panics if the line does not have the key, or if its value is not a number.
    pub fn number(&self, key: &str) -> f64 {
        self.typed(key, "a number", Value::as_f64)
    }

    /// Returns the integer under a key.
    ///
    /// # Panics
    ///
    /// Panics if the line does not have the key, or if its value is not an integer of 64 bits.
    pub fn integer(&self, key: &str) -> i64 {
        self.typed(key, "an integer", Value::as_i64)
    }

    /// Returns the boolean under a key.
    ///
    /// # Panics
    ///
    /// Panics if the line does not have the key, or if its value is not a boolean.
    pub fn boolean(&self, key: &str) -> bool {
        self.typed(key, "a boolean", Value::as_bool)
    }

    /// Returns whether the value of a key is `null`.
    ///
    /// # Panics
    ///
    /// Panics if the line does not have the key.
    pub fn is_null(&self, key: &str) -> bool {
        self.typed(key, "anything", |value| Some(value.is_null()))
    }
}
