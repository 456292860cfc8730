//! One log line of a request, parsed.

use serde_json::Value;

use crate::read::Keys;
use crate::screen::{Style, escape};
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
    pub(crate) fn parse(name: &str) -> Self {
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

    pub(crate) fn style(self) -> Style {
        match self {
            Level::Error => Style::Bad,
            Level::Warn => Style::Warn,
            Level::Info | Level::Debug => Style::Dim,
        }
    }
}

/// Class of errors of an unknown category. Calls in lines of former versions have it.
pub(crate) const UNKNOWN_CLASS: &str = "other";

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

    /// The message; for an event without one, as `#[instrument(err)]` logs it, the text of its error.
    pub(crate) fn message(&self) -> &str {
        let text = |key| self.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let error = || {
            let errors = ["error_detail", "err_detail", "error", "err"];
            errors.into_iter().find_map(text)
        };
        if self.msg.is_empty() { error().unwrap_or_default() } else { &self.msg }
    }

    /// The class of the error; empty if the line has no error or its class is unknown.
    pub(crate) fn error_class(&self) -> String {
        let class = self.text("error");
        if class == UNKNOWN_CLASS { String::new() } else { class }
    }

    /// The text of the error, or else the fields that it shows; empty if it has neither.
    pub(crate) fn error_detail(&self) -> String {
        let detail = self.text("error_detail");
        if detail.is_empty() { self.text("error_fields") } else { detail }
    }

    /// The status of a response: `404`, or `grpc 5`; empty if the line has none.
    pub(crate) fn response_status(&self) -> String {
        if self.has("grpc_status") {
            return format!("grpc {}", self.text("grpc_status"));
        }
        let status = self.text("status");
        // Lines of former versions have the gRPC code of a call as its `status`.
        let is_grpc =
            self.event == "dependency_call" && status.parse().is_ok_and(|code: u16| code < 100);
        if is_grpc { format!("grpc {status}") } else { status }
    }

    /// Returns the status and outcome of an end line: `200`, `504 error`, `grpc 13 error`, `cancelled`.
    pub(crate) fn end_status(&self) -> (Style, String) {
        let outcome = self.text("outcome");
        let style = match outcome.as_str() {
            "ok" if self.has_bad_status() => Style::Warn,
            "ok" => Style::Good,
            "cancelled" => Style::Warn,
            _ => Style::Bad,
        };
        let outcome = if outcome == "ok" { "" } else { &outcome };
        (style, escape(format!("{} {outcome}", self.response_status()).trim()))
    }

    /// Whether the response rejects the request or reports an error of the service.
    pub(crate) fn has_bad_status(&self) -> bool {
        self.count("status") >= 400 || self.count("grpc_status") > 0
    }

    /// Whether a member is an `error_type` whose short name is the class of the error.
    pub(crate) fn repeats_class(&self, key: &str, value: &Value) -> bool {
        let class = key.strip_suffix("_type").and_then(|error| self.get(error)?.as_str());
        class.is_some_and(|class| {
            value.as_str().is_some_and(|name| short_name(name) == short_name(class))
        })
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

/// The category of the `cause` of an end line: `timeout`, `status 503`, `grpc 13`; empty if it has none.
pub(crate) fn cause_category(cause: &Value) -> String {
    let member = |key| cause.get(key).filter(|value| !value.is_null()).map(value_text);
    let category = member("category").unwrap_or_default();
    match (category.as_str(), member("grpc_status"), member("status")) {
        ("status", Some(code), _) => format!("grpc {code}"),
        ("status", None, Some(status)) => format!("status {status}"),
        _ => category,
    }
}

/// Number of shown characters of an id: the part of a UUID that contains the time in milliseconds.
const ID_WIDTH: usize = 13;

/// Returns the beginning of an id, which `candor story` accepts: see [`is_short_for`].
pub(crate) fn short_id(id: &str) -> &str {
    id.char_indices().nth(ID_WIDTH).map_or(id, |(end, _)| &id[..end])
}

/// Whether an id begins or ends with a short form of it. `candor` itself shows beginnings, and the pretty format shows
/// ends, because the ids of neighbours begin alike.
pub(crate) fn is_short_for(short: &str, id: &str) -> bool {
    id.starts_with(short) || id.ends_with(short)
}

/// Removes what can surround an id when it is copied: blanks, and the `…` of the pretty format.
pub(crate) fn pasted_id(id: &str) -> &str {
    id.trim().trim_start_matches('…')
}

/// The last segment of a type's name, without its parameters.
fn short_name(name: &str) -> &str {
    let name = name.split('<').next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or_default()
}

/// A value as text: a string without its quotes, `null` as an empty string.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
