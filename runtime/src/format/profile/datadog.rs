//! Datadog's reserved and standard attributes.
//!
//! The names are those of <https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/>. Dotted keys
//! are paths of attributes. Trace and span ids are hexadecimal, as W3C trace context has them; Datadog's trace id
//! remapper accepts 128-bit hexadecimal ids in logs.

use super::{
    Constants, ENVIRONMENT, Head, KeyTable, VERSION, keep_name, put_attribute, rows, severity,
};
use crate::format::record::Severity;
use crate::format::resource::Resource;

pub(super) static TABLE: KeyTable =
    KeyTable { head, row, is_own, other: keep_name, tail: |_, _, _| {} };

rows! {
    b"request_id" => "http.request_id" Text,
    b"user_id" => "usr.id" Text,
    b"method" => "http.method" Text,
    b"path" => "http.url_details.path" Text,
    b"service" => "service" Text,
    b"trace_id" => "dd.trace_id" Text,
    b"span_id" => "dd.span_id" Text,
    b"event" => "evt.name" Text,
    b"duration_ms" => "duration" Nanos,
    b"outcome" => "evt.outcome" Outcome,
    // Under the standard name, a dependency's status would appear with the incoming request's method and path.
    b"status" if RequestCompleted => "http.status_code" Integer,
    b"response_bytes" if RequestCompleted => "network.bytes_written" Integer,
    b"error" => "error.code" Text,
    b"error_type" => "error.kind" Text,
    b"panic_message" if Panic => "error.message" Text,
    b"error_detail" if Panic => "" Kept,
    b"error_detail" => "error.message" Text,
    b"exc" => "error.stack" Text,
    b"thread" if Panic => "logger.thread_name" Text,
}

/// Attributes that the rows and Datadog's preprocessing of JSON logs use; for a dotted name, its first part.
///
/// By default, Datadog also takes a log's date, host, service, status, message and trace from the attributes in the
/// last four lines.
fn is_own(name: &str) -> bool {
    let root = name.split_once('.').map_or(name, |(root, _)| root);
    matches!(
        root.as_bytes(),
        b"http"
            | b"usr"
            | b"dd"
            | b"evt"
            | b"error"
            | b"network"
            | b"logger"
            | b"duration"
            | b"env"
            | b"version"
            | b"ddtags"
            | b"ddsource"
            | b"source"
            | b"timestamp"
            | b"@timestamp"
            | b"_timestamp"
            | b"Timestamp"
            | b"eventTime"
            | b"date"
            | b"published_date"
            | b"host"
            | b"hostname"
            | b"syslog"
            | b"service"
            | b"status"
            | b"severity"
            | b"level"
            | b"message"
            | b"msg"
            | b"log"
            | b"trace_id"
            | b"span_id"
            | b"contextMap"
            | b"named_tags"
    )
}

fn head(head: &Head<'_>, constants: &Constants, out: &mut String) {
    let status = match severity(head.level) {
        Severity::Trace => "trace",
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
        Severity::Critical => "critical",
    };
    for piece in [
        "{\"timestamp\":",
        head.ts,
        ",\"status\":\"",
        status,
        "\",\"message\":",
        head.message,
        ",\"logger.name\":",
        head.logger,
        &constants.members,
    ] {
        out.push_str(piece);
    }
}

/// The tags of unified service tagging; `service` is a member of each line.
pub(super) fn constants(resource: &Resource) -> Constants {
    let mut members = String::new();
    put_attribute(resource, &ENVIRONMENT, "env", &mut members);
    put_attribute(resource, &VERSION, "version", &mut members);
    Constants { members, ..Constants::default() }
}
