//! Elastic Common Schema, for Elasticsearch, Filebeat and Elastic Agent.
//!
//! The order of the first fields and the dotted `log.level` follow the ECS logging specification
//! (<https://github.com/elastic/ecs-logging/blob/main/spec/spec.json>). The other names are those of the ECS field
//! reference 8.11 (<https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html>). All keys are dotted;
//! Elasticsearch reads them as objects.
//!
//! Fields without a name in ECS are in the namespace `candor`, as ECS advises for custom fields, and not in `labels`,
//! whose values can only be keywords.
//!
//! ```json
//! {"@timestamp":"…","log.level":"INFO","message":"step_timing","ecs.version":"8.11.0","log.logger":"orders",…
//! ```

use super::{Constants, ENVIRONMENT, Head, KeyTable, VERSION, free_name, put_attribute, rows};
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::json::escape;
use crate::json::members::Member;

pub(super) static TABLE: KeyTable =
    KeyTable { head, row, is_own: |_| false, other, tail: |_, _, _| {} };

/// The prefix of fields that ECS has no name for.
const NAMESPACE: &str = "candor.";

rows! {
    b"request_id" => "http.request.id" Text,
    b"user_id" => "user.id" Text,
    b"method" => "http.request.method" Text,
    b"path" => "url.path" Text,
    b"service" => "service.name" Text,
    b"trace_id" => "trace.id" Text,
    b"span_id" => "span.id" Text,
    b"seq" => "event.sequence" Integer,
    b"event" => "event.action" Text,
    b"duration_ms" => "event.duration" Nanos,
    b"outcome" => "event.outcome" Outcome,
    // Under the standard name, a dependency's status would appear with the incoming request's method and path.
    b"status" if RequestCompleted => "http.response.status_code" Integer,
    b"response_bytes" if RequestCompleted => "http.response.body.bytes" Integer,
    b"content_type" if RequestCompleted => "http.response.mime_type" Text,
    b"error" => "error.code" Text,
    b"error_type" => "error.type" Text,
    b"panic_message" if Panic => "error.message" Text,
    b"error_detail" if Panic => "" Kept,
    b"error_detail" => "error.message" Text,
    b"exc" => "error.stack_trace" Text,
    b"thread" if Panic => "process.thread.name" Text,
}

fn head(head: &Head<'_>, constants: &Constants, out: &mut String) {
    for piece in [
        "{\"@timestamp\":",
        head.ts,
        ",\"log.level\":",
        head.level,
        ",\"message\":",
        head.message,
        ",\"ecs.version\":\"8.11.0\",\"log.logger\":",
        head.logger,
        &constants.members,
    ] {
        out.push_str(piece);
    }
}

/// `service.name` is not a constant, because a field can replace it.
pub(super) fn constants(resource: &Resource) -> Constants {
    let mut members = String::new();
    if let Some(service) = resource.get(SERVICE_NAME) {
        members.push_str(",\"event.dataset\":\"");
        escape::json_text(service.shown(), &mut members);
        members.push_str(".log\"");
    }
    put_attribute(resource, &VERSION, "service.version", &mut members);
    put_attribute(resource, &ENVIRONMENT, "service.environment", &mut members);
    put_attribute(resource, &["host.name"], "host.name", &mut members);
    Constants { members, ..Constants::default() }
}

fn other(member: &Member<'_>, _: &KeyTable, line: &str, out: &mut String) {
    if is_path(member.key) {
        for piece in [",\"", NAMESPACE, member.key, "\":", member.value] {
            out.push_str(piece);
        }
    } else {
        put_invalid(member, line, out);
    }
}

/// Whether Elasticsearch accepts a dotted name, which must not have empty parts.
fn is_path(name: &str) -> bool {
    !name.split('.').any(|part| part.trim().is_empty())
}

/// Appends a member whose name Elasticsearch rejects. Its dots become underscores.
#[cold]
fn put_invalid(member: &Member<'_>, line: &str, out: &mut String) {
    let mut name = member.key.replace('.', "_");
    if name.trim().is_empty() {
        name.push('_');
    }
    // Only a key can contain these quotes unescaped.
    let is_taken = |name: &str| out.contains(&format!(",\"{NAMESPACE}{name}\":"));
    free_name(&mut name, line, out, is_taken);
    for piece in [",\"", NAMESPACE, &name, "\":", member.value] {
        out.push_str(piece);
    }
}
