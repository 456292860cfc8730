//! Turns lines that candor wrote with `LOG_PROFILE` into lines of its default form.
//!
//! ```text
//! {"resourceLogs":[{"scopeLogs":[{"logRecords":[…]}]}]}         otel, any number of records
//! {"@timestamp":…,"log.level":…,"ecs.version":…}              ecs, also with nested objects, or inside `_source`
//! {"severity":…,"time":…,"message":…}                         gcp
//! {"jsonPayload":{"message":…},"severity":…,"timestamp":…}    the same from gcloud logging read
//! {"timestamp":…,"status":…,"message":…,"logger.name":…}      datadog, also inside `attributes`
//! {"v":0,"name":…,"hostname":…,"pid":…,"level":30,…}          bunyan
//! ts=… level=… logger=… msg=…                                 logfmt
//! ```
//!
//! The members keep their order and their JSON, so a subcommand shows the same for all profiles. What a profile or a
//! collector adds, such as the name of the host, is left out.

use std::borrow::Cow;

use memchr::memmem;

use super::LINE_START;
use super::members::{text, walk, walk_list};

/// A member as written, the key without its quotes.
type Member<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The fixed keys, in the order of a line. Those from `service` on can be missing.
const FIXED: [&[u8]; 12] = [
    b"ts",
    b"level",
    b"logger",
    b"msg",
    b"request_id",
    b"user_id",
    b"method",
    b"path",
    b"service",
    b"trace_id",
    b"span_id",
    b"seq",
];
/// The number of fixed keys that every line has.
const ALWAYS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Ecs,
    Gcp,
    Datadog,
    Bunyan,
    /// The keys are candor's own.
    Own,
}

/// Converts the objects of profiles that `text` begins with. Returns `None` if the first object is not one of them.
pub(super) fn from_objects(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.starts_with(LINE_START)
        && let Some(end) = convert(rest, &mut lines)
    {
        rest = rest[end..].trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    }
    if lines.is_empty() {
        return None;
    }
    lines.extend_from_slice(rest);
    Some(lines)
}

/// Converts one object. Returns its end.
fn convert(object: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (members, end) = members(object)?;
    if let Some(inner) = find(&members, b"_source") {
        convert(inner, out)?;
        return Some(end);
    }
    if let Some(list) = find(&members, b"resourceLogs") {
        let begin = out.len();
        each_of(list, |resource| resource_logs(resource, out));
        return (out.len() > begin).then_some(end);
    }
    let (profile, members) = recognised(members)?;
    write(profile, members, out);
    Some(end)
}

fn members(object: &[u8]) -> Option<(Vec<Member<'_>>, usize)> {
    let mut members = Vec::new();
    let end = walk(object, |key, value| {
        members.push((Cow::Borrowed(key), Cow::Borrowed(value)));
        true
    });
    Some((members, end.ok()?))
}

fn find<'a>(members: &'a [Member<'_>], key: &[u8]) -> Option<&'a [u8]> {
    members.iter().find(|(known, _)| **known == *key).map(|(_, value)| &**value)
}

/// The profile of an object, and its members with those of nested objects.
fn recognised(members: Vec<Member<'_>>) -> Option<(Profile, Vec<Member<'_>>)> {
    let has = |key: &[u8]| find(&members, key).is_some();
    if has(b"ts") {
        return None;
    }
    if has(b"@timestamp") && (has(b"ecs.version") || has(b"ecs")) {
        return Some((Profile::Ecs, flat(members, is_ecs_root)));
    }
    if has(b"v") && has(b"hostname") && has(b"pid") && has(b"time") && has(b"msg") {
        return Some((Profile::Bunyan, members));
    }
    if has(b"jsonPayload") {
        return log_entry(members).map(|members| (Profile::Gcp, members));
    }
    // A line with renamed keys has the time first.
    let is_gcp = members.first().is_some_and(|(key, _)| &**key == b"severity")
        || members.iter().any(|(key, _)| key.starts_with(GCP_PREFIX));
    if is_gcp && has(b"severity") && has(b"time") && has(b"message") {
        return Some((Profile::Gcp, members));
    }
    let members = if has(b"attributes") { datadog_event(&members)? } else { members };
    let members = flat(members, is_datadog_root);
    let has = |key: &[u8]| find(&members, key).is_some();
    let is_datadog = has(b"timestamp") && has(b"status") && has(b"message") && has(b"logger.name");
    is_datadog.then_some((Profile::Datadog, members))
}

/// Replaces objects under the given roots by their members, with dotted keys.
fn flat<'a>(members: Vec<Member<'a>>, is_root: fn(&[u8]) -> bool) -> Vec<Member<'a>> {
    let is_object = |value: &[u8]| value.first() == Some(&b'{');
    if !members.iter().any(|(key, value)| is_root(key) && is_object(value)) {
        return members;
    }
    let mut all = Vec::with_capacity(members.len() + 16);
    for (key, value) in members {
        if is_root(&key) && is_object(&value) {
            flatten(&key, &value, &mut all);
        } else {
            all.push((key, value));
        }
    }
    all
}

fn flatten(root: &[u8], object: &[u8], out: &mut Vec<Member<'_>>) {
    let _ = walk(object, |key, value| {
        let path = [root, key].join(&b'.');
        // Members of `candor` are fields, whose objects stay.
        if root != b"candor" && value.first() == Some(&b'{') {
            flatten(&path, value, out);
        } else {
            out.push((path.into(), value.to_vec().into()));
        }
        true
    });
}

fn is_ecs_root(key: &[u8]) -> bool {
    matches!(
        key,
        b"log"
            | b"event"
            | b"http"
            | b"url"
            | b"user"
            | b"service"
            | b"trace"
            | b"span"
            | b"error"
            | b"process"
            | b"candor"
    )
}

fn is_datadog_root(key: &[u8]) -> bool {
    matches!(key, b"http" | b"usr" | b"dd" | b"evt" | b"error" | b"network" | b"logger")
}

/// The members of an entry that `gcloud logging read` returns: its payload, and what the agent took out of the line.
fn log_entry<'a>(entry: Vec<Member<'a>>) -> Option<Vec<Member<'a>>> {
    let payload = find(&entry, b"jsonPayload")?;
    let (inner, _) = members(payload)?;
    if find(&inner, b"ts").is_some() || find(&inner, b"message").is_none() {
        return None;
    }
    let mut all: Vec<Member<'_>> = Vec::with_capacity(inner.len() + 4);
    for (outer, key) in [
        (&b"timestamp"[..], &b"time"[..]),
        (b"severity", b"severity"),
        (b"trace", b"logging.googleapis.com/trace"),
        (b"spanId", b"logging.googleapis.com/spanId"),
    ] {
        if let Some(value) = find(&entry, outer) {
            all.push((Cow::Borrowed(key), value.to_vec().into()));
        }
    }
    all.extend(inner.iter().map(|(key, value)| (key.to_vec().into(), value.to_vec().into())));
    Some(all)
}

/// The members of an event that Datadog's API returns: the reserved attributes, and the others in an object of their own.
fn datadog_event<'a>(event: &[Member<'a>]) -> Option<Vec<Member<'a>>> {
    let (outer, _) = members(find(event, b"attributes")?)?;
    let (outer, inner) = match find(&outer, b"attributes") {
        Some(inner) => (&outer[..], members(inner)?.0),
        None => (event, outer.clone()),
    };
    let reserved = [&b"timestamp"[..], b"status", b"message", b"service"];
    let is_reserved = |(key, _): &&Member<'_>| reserved.contains(&&**key);
    let all = outer.iter().filter(is_reserved).chain(&inner);
    Some(all.map(|(key, value)| (key.to_vec().into(), value.to_vec().into())).collect())
}

const GCP_PREFIX: &[u8] = b"logging.googleapis.com/";

/// candor's key for a key of the profile. `None` if candor did not get it from a line.
fn own_key(profile: Profile, key: &[u8]) -> Option<&[u8]> {
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

/// The name of a field without the underscore that a name of the platform's own got. `None` for such a name itself.
fn kept(key: &[u8], is_own: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    let bare = key.iter().rposition(|byte| *byte != b'_').map_or(&b""[..], |last| &key[..=last]);
    if !is_own(bare) {
        return Some(key);
    }
    // The name itself is a constant of the profile.
    key.strip_suffix(b"_")
}

/// Appends the line in candor's default form.
fn write(profile: Profile, members: Vec<Member<'_>>, out: &mut Vec<u8>) {
    let mut fixed: [Option<Cow<'_, [u8]>>; FIXED.len()] = Default::default();
    let mut fields = Vec::with_capacity(members.len());
    let has_outcome = members.iter().any(|(key, _)| {
        matches!((profile, &**key), (Profile::Ecs, b"candor.outcome") | (_, b"outcome"))
    });
    let mut error = None;
    let is_panic = members
        .iter()
        .any(|(key, value)| **value == *b"\"panic\"" && own_key(profile, key) == Some(b"event"));
    for (key, value) in &members {
        let result_key = match profile {
            Profile::Ecs => &b"event.outcome"[..],
            _ => b"evt.outcome",
        };
        if **key == *result_key && !has_outcome {
            fields.push((&b"outcome"[..], Cow::Borrowed(outcome(value))));
            continue;
        }
        let Some(own) = own_key(profile, key) else { continue };
        // A kept name can't be a fixed key, except in profiles that keep the fixed keys.
        match FIXED.iter().position(|known| *known == own) {
            Some(at) if fixed[at].is_none() || own == b"level" => {
                fixed[at] = Some(fixed_value(profile, own, value));
            }
            Some(_) => {}
            None if own == b"err" && **key == *b"err" => error = Some(value),
            None => {
                let is_panic_message = is_panic && **key == *b"error.message";
                let own = if is_panic_message { b"panic_message" } else { own };
                fields.push((own, field_value(own, key, value)));
            }
        }
    }
    let event = fields.iter().find(|(key, _)| *key == b"event").map(|(_, value)| value.to_vec());
    let event = event.unwrap_or_default();
    if let Some(error) = error {
        add_error(error, &event, &mut fields);
    }
    add_missing(&event, &mut fields);
    out.push(b'{');
    let mut put = |key: &[u8], value: &[u8]| {
        if !out.ends_with(b"{") {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(key);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value);
    };
    for (at, (key, value)) in FIXED.iter().zip(&fixed).enumerate() {
        match value {
            Some(value) => put(key, value),
            None if at < ALWAYS => put(key, b"\"-\""),
            None => {}
        }
    }
    for (key, value) in &fields {
        put(key, value);
    }
    out.push(b'}');
}

fn fixed_value<'a>(profile: Profile, key: &[u8], value: &'a [u8]) -> Cow<'a, [u8]> {
    match (profile, key) {
        (Profile::Ecs, _) => Cow::Borrowed(value),
        (_, b"level") => level(value),
        (Profile::Gcp, b"trace_id") => {
            // `projects/P/traces/ID`
            match value.iter().rposition(|byte| *byte == b'/') {
                Some(slash) => [b"\"", &value[slash + 1..]].concat().into(),
                None => Cow::Borrowed(value),
            }
        }
        _ => Cow::Borrowed(value),
    }
}

/// candor's name of a severity that another platform has a name or number for.
fn level(value: &[u8]) -> Cow<'_, [u8]> {
    let name: &[u8] = match value.to_ascii_lowercase().as_slice() {
        b"10" | b"\"trace\"" => b"\"TRACE\"",
        b"20" | b"\"debug\"" => b"\"DEBUG\"",
        b"30" | b"\"info\"" | b"\"notice\"" | b"\"default\"" | b"\"ok\"" => b"\"INFO\"",
        b"40" | b"\"warn\"" | b"\"warning\"" => b"\"WARN\"",
        b"50" | b"\"error\"" => b"\"ERROR\"",
        b"60" | b"\"critical\"" | b"\"alert\"" | b"\"emergency\"" => b"\"CRITICAL\"",
        _ => return Cow::Borrowed(value),
    };
    Cow::Borrowed(name)
}

fn field_value<'a>(own: &[u8], key: &[u8], value: &'a [u8]) -> Cow<'a, [u8]> {
    let is_nanos = own == b"duration_ms" && matches!(key, b"event.duration" | b"duration");
    if is_nanos && let Some(millis) = millis(value) {
        return millis.into_bytes().into();
    }
    Cow::Borrowed(value)
}

/// Nanoseconds as milliseconds with three decimals.
fn millis(nanos: &[u8]) -> Option<String> {
    let nanos: u64 = std::str::from_utf8(nanos).ok()?.parse().ok()?;
    Some(format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000))
}

/// The outcome of a line that has lost its exact one.
fn outcome(result: &[u8]) -> &[u8] {
    match result {
        b"\"success\"" => b"\"ok\"",
        b"\"failure\"" => b"\"error\"",
        b"\"unknown\"" => b"\"cancelled\"",
        other => other,
    }
}

/// Adds the members that bunyan's `err` was made of, at their places.
fn add_error<'a>(error: &'a [u8], event: &[u8], fields: &mut Vec<(&'a [u8], Cow<'a, [u8]>)>) {
    let Some((members, _)) = members(error) else { return };
    let is_panic = event == b"\"panic\"";
    let before: &[u8] = if is_panic { b"location" } else { b"error" };
    let before = fields.iter().position(|(key, _)| *key == before);
    let mut at = before.map_or(fields.len(), |at| at + 1);
    let detail: &[u8] = if is_panic { b"panic_message" } else { b"error_detail" };
    for (part, key) in [(&b"name"[..], &b"error_type"[..]), (b"message", detail)] {
        if let Some(value) = find(&members, part) {
            fields.insert(at, (key, value.to_vec().into()));
            at += 1;
        }
    }
    if let Some(value) = find(&members, b"stack") {
        fields.push((b"exc", value.to_vec().into()));
    }
}

/// Adds the members that profiles omit because they are null.
fn add_missing(event: &[u8], fields: &mut Vec<(&[u8], Cow<'_, [u8]>)>) {
    let at = |fields: &[(&[u8], Cow<'_, [u8]>)], names: &[&[u8]]| {
        fields.iter().position(|(key, _)| names.contains(key))
    };
    let is_call = event == b"\"dependency_call\"";
    if !is_call && event != b"\"request_completed\"" {
        return;
    }
    if at(fields, &[b"status"]).is_none()
        && let Some(index) = at(fields, &[b"grpc_status", b"duration_ms"])
    {
        fields.insert(index, (b"status", Cow::Borrowed(b"null")));
    }
    if !is_call {
        return;
    }
    if at(fields, &[b"url"]).is_none()
        && let Some(index) = at(fields, &[b"status"])
    {
        fields.insert(index, (b"url", Cow::Borrowed(b"null")));
    }
    if at(fields, &[b"dependency_method"]).is_none()
        && let Some(index) = at(fields, &[b"url"])
    {
        fields.insert(index, (b"dependency_method", Cow::Borrowed(b"null")));
    }
    if at(fields, &[b"error"]).is_none() {
        let last = at(fields, &[b"last_attempt_ms"]).or_else(|| at(fields, &[b"retries"]));
        if let Some(index) = last {
            fields.insert(index + 1, (b"error", Cow::Borrowed(b"null")));
        }
    }
}

/// Calls `each` with the members of every object in a list.
fn each_of<'a>(list: &'a [u8], mut each: impl FnMut(&[Member<'a>])) {
    let _ = walk_list(list, |object| {
        if let Some((members, _)) = members(object) {
            each(&members);
        }
    });
}

/// The value of the first key that the members have; OTLP/JSON in its two spellings.
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
    let names: Vec<Vec<u8>> = attributes.iter().map(|(name, _)| name.clone()).collect();
    let has = |name: &[u8]| names.iter().any(|known| known == name);
    let value_of = |name: &[u8]| {
        attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let outcome = value_of(b"outcome").unwrap_or_default();
    let has_service = has(b"service.name");
    for (name, value) in attributes {
        // A field with the name of another attribute has an underscore.
        let name = match name.strip_suffix(b"_") {
            Some(plain) if plain.contains(&b'.') && has(plain) => plain,
            _ => &name,
        };
        let is_derived = name == b"error.type"
            && match &*event_name {
                b"\"dependency_call\"" => false,
                b"\"step_timing\"" | b"\"job_completed\"" => value == outcome,
                b"\"request_completed\"" => true,
                _ => !has(b"exception.type"),
            };
        if let Some(key) = otel_key(name, &event_name).filter(|_| !is_derived) {
            line.push((Cow::Owned(key.to_vec()), Cow::Owned(value)));
        }
    }
    if !has_service && let Some(service) = service {
        line.push((Cow::Borrowed(b"service"), Cow::Owned(service.to_vec())));
    }
    write(Profile::Own, line, out);
}

/// candor's key for an attribute. `None` if the attribute is derived from others.
fn otel_key<'a>(name: &'a [u8], event: &[u8]) -> Option<&'a [u8]> {
    let is_call = event == b"\"dependency_call\"";
    let is_request = event == b"\"request_completed\"";
    Some(match name {
        b"user.id" => b"user_id",
        b"service.name" => b"service",
        b"http.request.method" if is_call => b"dependency_method",
        b"http.request.method" | b"candor.request.method" => b"method",
        b"url.path" | b"candor.request.path" => b"path",
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
    put_any_value(value, &mut json);
    json
}

fn put_any_value(value: &[u8], out: &mut Vec<u8>) {
    let (value, _) = members(value).unwrap_or_default();
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
            put_any_value(item, out);
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
                put_any_value(value, out);
                separator = b",";
            }
        });
        out.push(b'}');
    } else {
        out.extend_from_slice(value);
    }
}

/// Converts a logfmt line, which may have the prefix of a collector.
pub(super) fn from_logfmt(line: &[u8]) -> Option<Vec<u8>> {
    let is_start = |at: usize| at == 0 || matches!(line[at - 1], b' ' | b'\t' | b'|');
    let begin = memmem::find_iter(line, b"ts=").find(|at| is_start(*at))?;
    let line = &line[begin..];
    let pairs = pairs(line)?;
    let head: [&[u8]; 4] = [b"ts", b"level", b"logger", b"msg"];
    if pairs.len() < head.len() || !pairs.iter().zip(head).all(|((key, _), known)| *key == known) {
        return None;
    }
    let mut root = Tree::default();
    for (key, value) in pairs {
        let is_text = FIXED.contains(&key) && key != b"seq";
        root.add(key, value_of(value, is_text)?);
    }
    let members = root.0.into_iter().map(|(key, node)| {
        let mut json = Vec::new();
        node.write(&mut json);
        (Cow::Owned(key), Cow::Owned(json))
    });
    let mut out = Vec::with_capacity(2 * line.len());
    write(Profile::Own, members.collect(), &mut out);
    Some(out)
}

/// The pairs of a logfmt line, with their values as written.
fn pairs(line: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let equals = rest.iter().position(|byte| matches!(byte, b'=' | b' ' | b'"'))?;
        let (key, value) = (&rest[..equals], rest[equals..].strip_prefix(b"=")?);
        let end = if value.first() == Some(&b'"') {
            quoted_end(value)?
        } else {
            value.iter().position(|byte| *byte == b' ').unwrap_or(value.len())
        };
        pairs.push((key, &value[..end]));
        rest = value[end..].trim_ascii_start();
    }
    Some(pairs)
}

/// The position after the closing quote.
fn quoted_end(value: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match value.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The JSON of a value.
fn value_of(value: &[u8], is_text: bool) -> Option<Vec<u8>> {
    if value.starts_with(b"\"[") || value.starts_with(b"\"{") {
        let json = text(value)?.into_owned();
        return Some(json.into_bytes());
    }
    let is_literal = matches!(value, b"true" | b"false" | b"null")
        || value.first().is_some_and(|first| *first == b'-' || first.is_ascii_digit())
            && serde_json::from_slice::<serde_json::Number>(value).is_ok();
    if value.starts_with(b"\"") || is_literal && !is_text {
        return Some(value.to_vec());
    }
    Some([b"\"", value, b"\""].concat())
}

/// Values under dotted keys.
#[derive(Debug, Default)]
struct Tree(Vec<(Vec<u8>, Node)>);

#[derive(Debug)]
enum Node {
    Json(Vec<u8>),
    Object(Tree),
}

impl Tree {
    fn add(&mut self, key: &[u8], json: Vec<u8>) {
        let dot = key.iter().position(|byte| *byte == b'.');
        let parts = dot.map(|dot| (&key[..dot], &key[dot + 1..]));
        let Some((first, rest)) =
            parts.filter(|(first, rest)| !first.is_empty() && !rest.is_empty())
        else {
            return self.0.push((key.to_vec(), Node::Json(json)));
        };
        match self.0.iter_mut().find(|(known, _)| known == first) {
            Some((_, Node::Object(inner))) => inner.add(rest, json),
            Some(_) => self.0.push((key.to_vec(), Node::Json(json))),
            None => {
                let mut inner = Tree::default();
                inner.add(rest, json);
                self.0.push((first.to_vec(), Node::Object(inner)));
            }
        }
    }
}

impl Node {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Node::Json(json) => out.extend_from_slice(json),
            Node::Object(Tree(members)) => {
                out.push(b'{');
                for (at, (key, node)) in members.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
                    out.extend_from_slice(key);
                    out.extend_from_slice(b"\":");
                    node.write(out);
                }
                out.push(b'}');
            }
        }
    }
}
