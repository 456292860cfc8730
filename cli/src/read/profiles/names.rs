//! The keys of each platform for candor's keys: the inverse of the tables in `runtime/src/format/profile/`.

use super::{GCP_PREFIX, Profile};

/// candor's key for a key of the profile. `None` if the profile added the key.
pub(super) fn own_key(profile: Profile, key: &[u8]) -> Option<&[u8]> {
    match profile {
        Profile::Ecs => ecs_key(key),
        Profile::Gcp => gcp_key(key),
        Profile::Datadog => datadog_key(key),
        Profile::Bunyan => bunyan_key(key),
        Profile::Own => Some(key),
    }
}

fn ecs_key(key: &[u8]) -> Option<&[u8]> {
    Some(match key {
        b"@timestamp" => b"ts",
        b"log.level" => b"level",
        b"message" => b"msg",
        b"log.logger" => b"logger",
        b"http.request.id" => b"request_id",
        b"user.id" => b"user_id",
        b"http.request.method" => b"method",
        b"url.path" => b"path",
        b"service.name" => b"service",
        b"trace.id" => b"trace_id",
        b"span.id" => b"span_id",
        b"event.sequence" => b"seq",
        b"event.action" => b"event",
        b"event.duration" => b"duration_ms",
        b"http.response.status_code" => b"status",
        b"http.response.body.bytes" => b"response_bytes",
        b"http.response.mime_type" => b"content_type",
        b"error.code" => b"error",
        b"error.type" => b"error_type",
        b"error.message" => b"error_detail",
        b"error.stack_trace" => b"exc",
        b"process.thread.name" => b"thread",
        _ => return key.strip_prefix(b"candor."),
    })
}

fn gcp_key(key: &[u8]) -> Option<&[u8]> {
    Some(match key {
        b"time" => b"ts",
        b"severity" => b"level",
        b"message" => b"msg",
        b"logging.googleapis.com/trace" => b"trace_id",
        b"logging.googleapis.com/spanId" => b"span_id",
        b"stack_trace" => b"exc",
        _ => {
            return kept(key, |name| {
                matches!(
                    name,
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
                ) || name.starts_with(GCP_PREFIX)
            });
        }
    })
}

fn datadog_key(key: &[u8]) -> Option<&[u8]> {
    Some(match key {
        b"timestamp" => b"ts",
        b"status" => b"level",
        b"message" => b"msg",
        b"logger.name" => b"logger",
        b"http.request_id" => b"request_id",
        b"usr.id" => b"user_id",
        b"http.method" => b"method",
        b"http.url_details.path" => b"path",
        b"service" => b"service",
        b"dd.trace_id" => b"trace_id",
        b"dd.span_id" => b"span_id",
        b"evt.name" => b"event",
        b"duration" => b"duration_ms",
        b"http.status_code" => b"status",
        b"network.bytes_written" => b"response_bytes",
        b"error.code" => b"error",
        b"error.kind" => b"error_type",
        b"error.message" => b"error_detail",
        b"error.stack" => b"exc",
        b"logger.thread_name" => b"thread",
        _ => {
            return kept(key, |name| {
                let root = name.split(|byte| *byte == b'.').next().unwrap_or_default();
                matches!(
                    root,
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
            });
        }
    })
}

fn bunyan_key(key: &[u8]) -> Option<&[u8]> {
    Some(match key {
        b"time" => b"ts",
        b"level" => b"level",
        b"msg" => b"msg",
        b"req_id" => b"request_id",
        b"err" => b"err",
        _ => {
            return kept(key, |name| {
                matches!(
                    name,
                    b"v" | b"name"
                        | b"hostname"
                        | b"pid"
                        | b"level"
                        | b"time"
                        | b"msg"
                        | b"req_id"
                        | b"err"
                )
            });
        }
    })
}

/// The name of a field, without the underscore that was added if the name belongs to the platform. `None` for the
/// platform's name itself.
fn kept(key: &[u8], is_own: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    let bare = key.iter().rposition(|byte| *byte != b'_').map_or(&b""[..], |last| &key[..=last]);
    if !is_own(bare) {
        return Some(key);
    }
    // The name itself is a constant of the profile.
    key.strip_suffix(b"_")
}
