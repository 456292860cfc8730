//! One line of a request, parsed.

use serde_json::Value;

use crate::read::Keys;
use crate::read::time::{self, Micros};

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Low,
    Info,
    Warn,
    Error,
}

impl Level {
    pub(crate) fn of(name: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        if is(&["error", "err", "critical", "fatal", "alert", "emergency", "panic"]) {
            Level::Error
        } else if is(&["warn", "warning"]) {
            Level::Warn
        } else if is(&["trace", "debug"]) {
            Level::Low
        } else {
            Level::Info
        }
    }
}

/// One line of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) at: Micros,
    pub(crate) level: Level,
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
    /// The word of one of candor's own lines.
    pub(crate) event: String,
    /// All else, in its order.
    pub(crate) fields: Vec<(String, Value)>,
}

impl Line {
    /// A line of which nothing is known but its time.
    pub(crate) fn at(at: Micros) -> Self {
        Line {
            at,
            level: Level::Info,
            level_name: String::new(),
            logger: String::new(),
            msg: String::new(),
            user: String::new(),
            method: String::new(),
            path: String::new(),
            service: String::new(),
            trace: String::new(),
            span: String::new(),
            seq: None,
            event: String::new(),
            fields: Vec::new(),
        }
    }

    /// A record as a line; nothing where its time can't be read.
    pub(crate) fn parse(record: &[u8], keys: &Keys) -> Option<Self> {
        let mut fields = keys.members(record);
        let mut take = |key: &str| {
            let place = fields.iter().position(|(name, _)| name == key)?;
            Some(plain(&fields.remove(place).1))
        };
        let mut known = |key: &str| take(key).filter(|text| text != "-").unwrap_or_default();
        let level_name = known("level");
        Some(Line {
            at: time::parse(&known("ts"))?,
            level: Level::of(&level_name),
            logger: known("logger"),
            msg: known("msg"),
            user: known("user_id"),
            method: known("method"),
            path: known("path"),
            service: known("service"),
            trace: known("trace_id"),
            span: known("span_id"),
            seq: known("seq").parse().ok(),
            event: known("event"),
            fields: {
                known("request_id");
                fields
            },
            level_name,
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A field as text; empty where there is none.
    pub(crate) fn text(&self, key: &str) -> String {
        self.get(key).map(plain).unwrap_or_default()
    }

    pub(crate) fn count(&self, key: &str) -> u64 {
        self.get(key).and_then(Value::as_u64).unwrap_or(0)
    }

    /// A field of milliseconds as microseconds.
    pub(crate) fn micros(&self, key: &str) -> Option<Micros> {
        self.get(key)?.as_f64().map(time::micros)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_null())
    }

    /// Whether it is the last line of a request or job.
    pub(crate) fn is_end(&self) -> bool {
        self.event == "request_completed" || self.event == "job_completed"
    }

    pub(crate) fn is_start(&self) -> bool {
        self.event == "request_started" || self.event == "job_started"
    }
}

/// A value as text: a string without its quotes, null as nothing.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
