//! Log records of OTLP/JSON, the form of the `otel` profile and of the OpenTelemetry Collector's file exporter.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Member, Profile, find, members, write};
use crate::read::members::walk_list;

/// How deep values are converted. Deeper ones are null; the parser of the lines has a limit too.
const MAX_DEPTH: u32 = 64;

/// Converts the records in the value of `resourceLogs`.
pub(super) fn convert(list: &[u8], out: &mut Vec<u8>) {
    each_of(list, |resource| resource_logs(resource, out));
}

/// Calls `each` with the members of every object in a list.
fn each_of<'a>(list: &'a [u8], mut each: impl FnMut(&[Member<'a>])) {
    let _ = walk_list(list, |object| {
        if let Some((members, _)) = members(object) {
            each(&members);
        }
    });
}

/// The value of the first of the keys that the members have; OTLP/JSON has two spellings.
fn either<'a>(members: &'a [Member<'_>], keys: [&[u8]; 2]) -> Option<&'a [u8]> {
    keys.iter().find_map(|key| find(members, key))
}

/// Converts the log records of a resource.
fn resource_logs(members_of: &[Member<'_>], out: &mut Vec<u8>) {
    let mut service = None;
    let resource = find(members_of, b"resource").and_then(members);
    if let Some((resource, _)) = &resource
        && let Some(list) = find(resource, b"attributes")
    {
        each_of(list, |pair| {
            if find(pair, b"key") == Some(b"\"service.name\"") {
                service = find(pair, b"value").map(any_value);
            }
        });
    }
    let Some(scopes) = either(members_of, [b"scopeLogs", b"scope_logs"]) else { return };
    each_of(scopes, |scope| {
        let (named, _) = find(scope, b"scope").and_then(members).unwrap_or_default();
        let logger = find(&named, b"name");
        let Some(records) = either(scope, [b"logRecords", b"log_records"]) else { return };
        each_of(records, |record| log_record(record, logger, service.as_deref(), out));
    });
}

fn log_record(
    record: &[Member<'_>],
    logger: Option<&[u8]>,
    service: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let mut line: Vec<Member<'_>> = Vec::new();
    let mut put = |key: &'static [u8], value: Option<Cow<'static, [u8]>>| {
        line.extend(value.map(|value| (Cow::Borrowed(key), value)));
    };
    let owned = |value: &[u8]| Cow::Owned(value.to_vec());
    let given = |keys| either(record, keys).map(owned);
    put(b"ts", either(record, [b"timeUnixNano", b"time_unix_nano"]).and_then(timestamp));
    put(b"level", given([b"severityText", b"severity_text"]));
    put(b"logger", logger.map(owned));
    put(b"msg", find(record, b"body").map(|body| any_value(body).into()));
    put(b"trace_id", given([b"traceId", b"trace_id"]));
    let event = given([b"eventName", b"event_name"]);
    let mut attributes = Vec::new();
    if let Some(list) = find(record, b"attributes") {
        each_of(list, |pair| {
            if let (Some(key), Some(value)) = (find(pair, b"key"), find(pair, b"value")) {
                let key = key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\""));
                attributes.push((key.unwrap_or_default().to_vec(), any_value(value)));
            }
        });
    }
    let request_span = attributes.iter().find(|(name, _)| name == b"candor.request.span_id");
    let request_span = request_span.map(|(_, value)| Cow::Owned(value.clone()));
    put(b"span_id", request_span.or_else(|| given([b"spanId", b"span_id"])));
    let event_name = event.as_deref().unwrap_or_default().to_vec();
    put(b"event", event);
    let names: HashSet<Vec<u8>> = attributes.iter().map(|(name, _)| name.clone()).collect();
    let has = |name: &[u8]| names.contains(name);
    let value_of = |name: &[u8]| {
        attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let outcome = value_of(b"outcome").unwrap_or_default();
    let status = value_of(b"http.response.status_code").or_else(|| value_of(b"status"));
    let status = status.map(|status| [b"\"", &status[..], b"\""].concat());
    let has_service = has(b"service.name");
    for (name, value) in attributes {
        // A field with the name of another attribute has an underscore. It stays a field, whatever its name.
        let plain = name.strip_suffix(b"_").filter(|plain| {
            let is_taken = has(plain) && otel_key(plain, &event_name) != Some(plain);
            is_taken || *plain == b"log.record.original"
        });
        if let Some(plain) = plain {
            line.push((Cow::Owned(plain.to_vec()), Cow::Owned(value)));
            continue;
        }
        let key = if name == b"error.type" {
            let is_derived = value == outcome || Some(&value) == status.as_ref();
            match &*event_name {
                b"\"dependency_call\"" => Some(&b"error"[..]),
                b"\"step_timing\"" | b"\"job_completed\"" => {
                    Some(&b"error"[..]).filter(|_| value != outcome)
                }
                b"\"request_completed\"" => Some(&name[..]).filter(|_| !is_derived),
                _ if has(b"exception.type") => Some(&b"error"[..]),
                _ => Some(&name[..]).filter(|_| !is_derived),
            }
        } else {
            otel_key(&name, &event_name)
        };
        if let Some(key) = key {
            line.push((Cow::Owned(key.to_vec()), Cow::Owned(value)));
        }
    }
    if !has_service && let Some(service) = service {
        line.push((Cow::Borrowed(b"service"), Cow::Owned(service.to_vec())));
    }
    write(Profile::Own, &line, out);
}

/// candor's key for an attribute. `None` if the attribute is derived from others.
fn otel_key<'a>(name: &'a [u8], event: &[u8]) -> Option<&'a [u8]> {
    let is_call = event == b"\"dependency_call\"";
    let is_request = event == b"\"request_completed\"";
    Some(match name {
        b"user.id" => b"user_id",
        b"service.name" => b"service",
        b"http.request.method" if is_call => b"dependency_method",
        b"candor.request.method" if is_call => b"method",
        b"candor.request.path" if is_call => b"path",
        b"http.request.method" => b"method",
        b"url.path" if !is_call => b"path",
        b"peer.service" if is_call => b"dependency",
        b"url.full" if is_call => b"url",
        b"http.response.status_code" if is_call || is_request => b"status",
        b"rpc.grpc.status_code" if is_call || is_request => b"grpc_status",
        b"http.route" if is_request => b"route",
        b"http.response.body.size" if is_request => b"response_bytes",
        b"error.type" => b"error",
        b"exception.type" => b"error_type",
        b"exception.message" => b"error_detail",
        b"exception.stacktrace" => b"exc",
        b"candor.request.span_id" | b"log.record.original" => return None,
        b"server.address" | b"server.port" | b"db.system.name" | b"db.operation.name"
            if is_call =>
        {
            return None;
        }
        b"rpc.system" if is_call || is_request => return None,
        _ => name,
    })
}

/// A time in nanoseconds since 1970, as a quoted timestamp.
fn timestamp(nanos: &[u8]) -> Option<Cow<'static, [u8]>> {
    let digits = nanos.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(nanos);
    let nanos: i128 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let at = jiff::Timestamp::from_nanosecond(nanos).ok()?;
    Some(format!("\"{at:.6}\"").into_bytes().into())
}

/// The JSON of an `AnyValue`.
fn any_value(value: &[u8]) -> Vec<u8> {
    let mut json = Vec::new();
    put_any_value(value, 0, &mut json);
    json
}

fn put_any_value(value: &[u8], depth: u32, out: &mut Vec<u8>) {
    let value = Some(value).filter(|_| depth < MAX_DEPTH).and_then(members);
    let (value, _) = value.unwrap_or_default();
    let Some((kind, value)) = value.first() else { return out.extend_from_slice(b"null") };
    let is_kind = |names: [&[u8]; 2]| names.contains(&&**kind);
    let values =
        || members(value).and_then(|(inner, _)| find(&inner, b"values").map(<[u8]>::to_vec));
    if is_kind([b"intValue", b"int_value"]) {
        let digits = value.strip_prefix(b"\"").and_then(|digits| digits.strip_suffix(b"\""));
        out.extend_from_slice(digits.unwrap_or(value));
    } else if is_kind([b"arrayValue", b"array_value"]) {
        out.push(b'[');
        let mut separator: &[u8] = b"";
        let _ = walk_list(&values().unwrap_or_default(), |item| {
            out.extend_from_slice(separator);
            put_any_value(item, depth + 1, out);
            separator = b",";
        });
        out.push(b']');
    } else if is_kind([b"kvlistValue", b"kvlist_value"]) {
        out.push(b'{');
        let mut separator: &[u8] = b"";
        each_of(&values().unwrap_or_default(), |pair| {
            if let (Some(key), Some(value)) = (find(pair, b"key"), find(pair, b"value")) {
                out.extend_from_slice(separator);
                out.extend_from_slice(key);
                out.push(b':');
                put_any_value(value, depth + 1, out);
                separator = b",";
            }
        });
        out.push(b'}');
    } else {
        out.extend_from_slice(value);
    }
}
