//! One log line of a request, parsed.

use serde_json::Value;

use crate::read::Keys;
use crate::time::{self, Micros};

/// Severity, from the least to the most severe.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// DEBUG and TRACE.
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl Level {
    /// Maps the level names of common loggers; an unknown name is `Info`.
    fn parse(name: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        if is(&["error", "err", "critical", "fatal", "alert", "emergency", "panic"]) {
            Level::Error
        } else if is(&["warn", "warning"]) {
            Level::Warn
        } else if is(&["trace", "debug"]) {
            Level::Debug
        } else {
            Level::Info
        }
    }
}

/// One log line. A fixed key that the line lacks, or has as `-`, is an empty string.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) at: Micros,
    pub(crate) level: Level,
    /// The level as written.
    pub(crate) level_name: String,
    pub(crate) logger: String,
    pub(crate) msg: String,
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) seq: Option<u64>,
    /// The name of one of candor's own events, such as `step_timing`.
    pub(crate) event: String,
    /// All other members, in the order of the line.
    pub(crate) fields: Vec<(String, Value)>,
}

impl Line {
    /// Parses a record. Returns `None` if it has no valid timestamp.
    pub(crate) fn parse(record: &[u8], keys: &Keys) -> Option<Self> {
        let mut fields = keys.members(record);
        let mut take = |key: &str| {
            let index = fields.iter().position(|(name, _)| name == key)?;
            Some(value_text(&fields.remove(index).1))
        };
        let mut take_known = |key: &str| take(key).filter(|text| text != "-").unwrap_or_default();
        let level_name = take_known("level");
        // `Story` holds the id, so the line does not repeat it among its fields.
        take_known("request_id");
        Some(Line {
            at: time::parse(&take_known("ts"))?,
            level: Level::parse(&level_name),
            level_name,
            logger: take_known("logger"),
            msg: take_known("msg"),
            user: take_known("user_id"),
            method: take_known("method"),
            path: take_known("path"),
            service: take_known("service"),
            trace: take_known("trace_id"),
            span: take_known("span_id"),
            seq: take_known("seq").parse().ok(),
            event: take_known("event"),
            fields,
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A field as text; empty if the line lacks it.
    pub(crate) fn text(&self, key: &str) -> String {
        self.get(key).map(value_text).unwrap_or_default()
    }

    /// A field as a count; 0 if the line lacks it.
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.get(key).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A field in milliseconds as microseconds.
    pub(crate) fn micros(&self, key: &str) -> Option<Micros> {
        self.get(key)?.as_f64().map(time::from_ms)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_null())
    }

    /// Whether it is the last line of a request or job.
    pub(crate) fn is_end(&self) -> bool {
        self.event == "request_completed" || self.event == "job_completed"
    }

    /// Whether it is the first line of a request or job.
    pub(crate) fn is_start(&self) -> bool {
        self.event == "request_started" || self.event == "job_started"
    }
}

/// A value as text: a string without its quotes, `null` as an empty string.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
