//! Turns lines that candor wrote with `LOG_PROFILE` into lines of its default form.
//!
//! ```text
//! {"resourceLogs":[{"scopeLogs":[{"logRecords":[…]}]}]}         otel, any number of records
//! {"@timestamp":…,"log.level":…,"ecs.version":…}              ecs, even with nested objects, or inside `_source`
//! {"severity":…,"time":…,"message":…}                         gcp
//! {"jsonPayload":{"message":…},"severity":…,"timestamp":…}    the same from gcloud logging read
//! {"timestamp":…,"status":…,"message":…,"logger.name":…}      datadog, even inside `attributes`
//! {"v":0,"name":…,"hostname":…,"pid":…,"level":30,…}          bunyan
//! ts=… level=… logger=… msg=…                                 logfmt
//! ```
//!
//! The members keep their order and their JSON, so a subcommand shows the same for all profiles. Members that a profile
//! or a collector adds, such as the name of the host, are omitted.

mod logfmt;
mod names;
mod otlp;

use std::borrow::Cow;

use super::LINE_START;
use super::members::walk;
pub(super) use logfmt::from_logfmt;
use names::own_key;

/// A member as written, the key without its quotes.
type Member<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// The fixed keys, in the order of a line. `service` and those after it can be missing.
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
    let (outer, end) = members(object)?;
    match document(&outer).map(<[u8]>::to_vec) {
        Some(source) => convert_members(members(&source)?.0, out)?,
        None => convert_members(outer, out)?,
    }
    Some(end)
}

/// The line in a document of Elasticsearch, whose own members begin with an underscore.
fn document<'a>(outer: &'a [Member<'_>]) -> Option<&'a [u8]> {
    let is_document = outer.first()?.0.starts_with(b"_")
        && (outer.len() == 1 || has_any(outer, &[b"_index", b"_id"]));
    find(outer, b"_source").filter(|_| is_document)
}

fn convert_members(members: Vec<Member<'_>>, out: &mut Vec<u8>) -> Option<()> {
    // An export request has no other member, so it can't be a line with a field of this name.
    if let [(key, list)] = &members[..]
        && **key == *b"resourceLogs"
    {
        let begin = out.len();
        otlp::convert(list, out);
        return (out.len() > begin).then_some(());
    }
    let (profile, members) = recognised(members)?;
    write(profile, &members, out);
    Some(())
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

fn has_any(members: &[Member<'_>], keys: &[&[u8]]) -> bool {
    members.iter().any(|(key, _)| keys.contains(&&**key))
}

/// The profile of an object, and its members with those of nested objects.
///
/// A line is recognised by its own keys before anything in it is taken for a line, since the name and value of a field
/// can be anything.
fn recognised(members: Vec<Member<'_>>) -> Option<(Profile, Vec<Member<'_>>)> {
    let members = match as_written(&members).or_else(|| reordered(&members)) {
        Some(Profile::Ecs) => return Some((Profile::Ecs, flat(members, is_ecs_root))),
        Some(profile) => return Some((profile, members)),
        None => flat(members, is_datadog_root),
    };
    let is_line = |members: &[Member<'_>]| {
        let keys: [&[u8]; 4] = [b"timestamp", b"status", b"message", b"logger.name"];
        keys.iter().all(|key| find(members, key).is_some())
    };
    if find(&members, b"ts").is_some() {
        return None;
    }
    if is_line(&members) {
        return Some((Profile::Datadog, members));
    }
    // A line with renamed keys can have fields with the names of containers.
    if has_any(&members, &FIXED[..ALWAYS]) {
        return None;
    }
    if has_any(&members, &[b"insertId", b"logName", b"timestamp"])
        && let Some(members) = log_entry(&members)
    {
        return Some((Profile::Gcp, members));
    }
    if !has_any(&members, &[b"id", b"_id", b"type", b"tags"]) {
        return None;
    }
    let members = flat(datadog_event(&members)?, is_datadog_root);
    is_line(&members).then_some((Profile::Datadog, members))
}

/// The first keys of a line, in candor's order.
const HEADS: [(Profile, &[&[u8]]); 4] = [
    (Profile::Ecs, &[b"@timestamp", b"log.level", b"message", b"ecs.version"]),
    (Profile::Gcp, &[b"severity", b"time", b"message", b"logger"]),
    (Profile::Datadog, &[b"timestamp", b"status", b"message", b"logger.name"]),
    (Profile::Bunyan, &[b"v", b"name", b"hostname", b"pid", b"level", b"time", b"msg"]),
];

/// The profile of a line whose members have candor's order.
fn as_written(members: &[Member<'_>]) -> Option<Profile> {
    let begins = |head: &[&[u8]]| {
        members.len() >= head.len()
            && members.iter().zip(head).all(|((key, _), own)| **key == **own)
    };
    HEADS.iter().find(|(_, head)| begins(head)).map(|(profile, _)| *profile)
}

/// The profile of a line whose members a collector or database has put into another order.
fn reordered(members: &[Member<'_>]) -> Option<Profile> {
    let has = |key: &[u8]| find(members, key).is_some();
    if has(b"ts") {
        return None;
    }
    if has(b"@timestamp") && (has(b"ecs.version") || has(b"ecs")) {
        return Some(Profile::Ecs);
    }
    if has(b"v") && has(b"hostname") && has(b"pid") && has(b"time") && has(b"msg") {
        return Some(Profile::Bunyan);
    }
    // A line with renamed keys has the time first.
    let is_gcp = members.first().is_some_and(|(key, _)| &**key == b"severity")
        || members.iter().any(|(key, _)| key.starts_with(GCP_PREFIX));
    (is_gcp && has(b"severity") && has(b"time") && has(b"message")).then_some(Profile::Gcp)
}

/// Replaces objects under the given roots by their members, with dotted keys.
fn flat(members: Vec<Member<'_>>, is_root: fn(&[u8]) -> bool) -> Vec<Member<'_>> {
    let is_object = |value: &[u8]| value.first() == Some(&b'{');
    if !members.iter().any(|(key, value)| is_root(key) && is_object(value)) {
        return members;
    }
    let mut all = Vec::with_capacity(members.len() + 16);
    for (key, value) in members {
        if is_root(&key) && is_object(&value) {
            flatten(&key, &value, 0, &mut all);
        } else {
            all.push((key, value));
        }
    }
    all
}

/// The deepest nesting of a platform's objects.
const MAX_DEPTH: u32 = 8;

fn flatten(root: &[u8], object: &[u8], depth: u32, out: &mut Vec<Member<'_>>) {
    let _ = walk(object, |key, value| {
        let path = [root, key].join(&b'.');
        // Members of `candor` are fields, whose objects stay.
        if root != b"candor" && depth < MAX_DEPTH && value.first() == Some(&b'{') {
            flatten(&path, value, depth + 1, out);
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

/// The members of an entry that `gcloud logging read` returns: its payload, and the members that the agent took out of
/// the line.
fn log_entry<'a>(entry: &[Member<'a>]) -> Option<Vec<Member<'a>>> {
    let payload = find(entry, b"jsonPayload")?;
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
        if let Some(value) = find(entry, outer) {
            all.push((Cow::Borrowed(key), value.to_vec().into()));
        }
    }
    all.extend(inner.iter().map(|(key, value)| (key.to_vec().into(), value.to_vec().into())));
    Some(all)
}

/// The members of an event that Datadog's API returns: the reserved attributes, and the others in a nested object.
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

/// Appends the line in candor's default form.
fn write(profile: Profile, members: &[Member<'_>], out: &mut Vec<u8>) {
    let mut fixed: [Option<Cow<'_, [u8]>>; FIXED.len()] = Default::default();
    let mut fields = Vec::with_capacity(members.len());
    let has_outcome = members.iter().any(|(key, _)| {
        matches!((profile, &**key), (Profile::Ecs, b"candor.outcome") | (_, b"outcome"))
    });
    let mut error = None;
    let is_panic = members
        .iter()
        .any(|(key, value)| **value == *b"\"panic\"" && own_key(profile, key) == Some(b"event"));
    for (key, value) in members {
        let is_result = matches!(
            (profile, &**key),
            (Profile::Ecs, b"event.outcome") | (Profile::Datadog, b"evt.outcome")
        );
        if is_result && !has_outcome {
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
            // In other profiles, and with an underscore, it is a field.
            None if profile == Profile::Bunyan && **key == *b"err" => error = Some(value),
            None => {
                let is_panic_message =
                    is_panic && own == b"error_detail" && **key == *b"error.message";
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

/// candor's name for a severity that a platform writes as another name or a number.
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

/// The outcome of a line that lacks the exact one.
fn outcome(result: &[u8]) -> &[u8] {
    match result {
        b"\"success\"" => b"\"ok\"",
        b"\"failure\"" => b"\"error\"",
        b"\"unknown\"" => b"\"cancelled\"",
        other => other,
    }
}

/// Adds the members that bunyan's `err` was made from, at their original positions.
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
