//! Google Cloud structured logging, for lines on standard output or in files that the Ops Agent reads.
//!
//! The special fields are those of
//! <https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields>, the severities those
//! of [`LogSeverity`](https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity). The agent takes
//! these fields out of the line. All other fields stay in `jsonPayload` under candor's names, so `httpRequest` is added
//! and replaces none of them.
//!
//! Error Reporting shows a line with a stack trace if the service has a name
//! (<https://cloud.google.com/error-reporting/docs/formatting-error-messages>).

use super::{
    Constants, ENVIRONMENT, Fact, Facts, Head, KeyTable, VERSION, keep_name, millis, object,
    put_attribute, rows, severity,
};
use crate::format::record::Severity;
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::json::escape;
use crate::redact::shown;

pub(super) static TABLE: KeyTable = KeyTable { head, row, is_own, other: keep_name, tail };

/// The variable that Google's libraries read the project from.
const PROJECT: &str = "GOOGLE_CLOUD_PROJECT";

rows! {
    b"trace_id" => "logging.googleapis.com/trace" Trace,
    b"span_id" => "logging.googleapis.com/spanId" Text,
    b"exc" => "stack_trace" Noted(Stack),
    b"method" => "method" Noted(Method),
    b"path" => "path" Noted(Path),
    b"status" => "status" Noted(Status),
    b"duration_ms" => "duration_ms" Noted(Duration),
    b"response_bytes" => "response_bytes" Noted(ResponseBytes),
}

fn is_own(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"severity"
            | b"time"
            | b"message"
            | b"timestamp"
            | b"timestampSeconds"
            | b"timestampNanos"
            | b"httpRequest"
            | b"serviceContext"
            | b"stack_trace"
            | b"@type"
    ) || name.starts_with("logging.googleapis.com/")
}

fn head(head: &Head<'_>, constants: &Constants, out: &mut String) {
    let level = match severity(head.level) {
        Severity::Trace | Severity::Debug => "DEBUG",
        Severity::Info => "INFO",
        Severity::Warn => "WARNING",
        Severity::Error => "ERROR",
        Severity::Critical => "CRITICAL",
    };
    for piece in [
        "{\"severity\":\"",
        level,
        "\",\"time\":",
        head.ts,
        ",\"message\":",
        head.message,
        ",\"logger\":",
        head.logger,
        &constants.members,
    ] {
        out.push_str(piece);
    }
    // Cloud Logging has no severity below DEBUG.
    if severity(head.level) == Severity::Trace {
        out.push_str(",\"level\":\"TRACE\"");
    }
}

/// The full name of a trace includes its project. Without it, the Logs Explorer does not link to the trace.
pub(super) fn constants(resource: &Resource) -> Constants {
    let mut constants = Constants::default();
    let mut labels = String::new();
    put_attribute(resource, &VERSION, "version", &mut labels);
    put_attribute(resource, &ENVIRONMENT, "environment", &mut labels);
    if !labels.is_empty() {
        constants.members = format!(",\"logging.googleapis.com/labels\":{}", object(&labels));
    }
    let mut context = String::new();
    put_attribute(resource, &[SERVICE_NAME], "service", &mut context);
    if !context.is_empty() {
        constants.has_service = true;
        put_attribute(resource, &VERSION, "version", &mut context);
        constants.of_errors = format!(",\"serviceContext\":{}", object(&context));
    }
    let project = std::env::var(PROJECT).ok().filter(|project| !project.is_empty());
    let project = resource
        .get("cloud.account.id")
        .cloned()
        .or_else(|| project.map(|project| shown::text(&project).into_owned()));
    if let Some(project) = project {
        constants.trace_prefix.push_str("projects/");
        escape::json_text(project.shown(), &mut constants.trace_prefix);
        constants.trace_prefix.push_str("/traces/");
    }
    constants
}

fn tail(facts: &Facts<'_>, constants: &Constants, out: &mut String) {
    let stack = facts.get(Fact::Stack);
    if facts.is_request_end {
        http_request(facts, out);
    }
    if stack.is_some() || severity(facts.level) >= Severity::Error {
        out.push_str(&constants.of_errors);
    }
    if stack.is_some() && constants.has_service {
        out.push_str(
            ",\"@type\":\"type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.\
             ReportedErrorEvent\"",
        );
    }
}

/// Appends the [`HttpRequest`](https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest), whose
/// 64-bit numbers and durations are strings.
fn http_request(facts: &Facts<'_>, out: &mut String) {
    let is_number = |value: &&str| value.bytes().all(|byte| byte.is_ascii_digit());
    let is_text = |value: &&str| value.starts_with('"');
    let begin = out.len();
    let mut put = |pieces: &[&str]| pieces.iter().for_each(|piece| out.push_str(piece));
    if let Some(method) = facts.get(Fact::Method).filter(is_text) {
        put(&[",\"requestMethod\":", method]);
    }
    if let Some(path) = facts.get(Fact::Path).filter(is_text) {
        put(&[",\"requestUrl\":", path]);
    }
    if let Some(status) = facts.get(Fact::Status).filter(is_number) {
        put(&[",\"status\":", status]);
    }
    if let Some(bytes) = facts.get(Fact::ResponseBytes).filter(is_number) {
        put(&[",\"responseSize\":\"", bytes, "\""]);
    }
    if let Some((whole, decimals)) = facts.get(Fact::Duration).and_then(millis) {
        let (seconds, rest) = whole.split_at(whole.len().saturating_sub(3));
        let seconds = if seconds.is_empty() { "0" } else { seconds };
        let zeros = &"000"[rest.len()..];
        put(&[",\"latency\":\"", seconds, ".", zeros, rest, decimals, "s\""]);
    }
    if out.len() > begin {
        out.replace_range(begin..=begin, ",\"httpRequest\":{");
        out.push('}');
    }
}
