//! Compact lines: candor's own keys, without values of the request's first line.
//!
//! A line omits a key of [`ONCE`] if the first line has it with the same value. A completion line omits nothing, so
//! that a list of requests needs no other line, and a story survives the loss of its first line. `request_id`,
//! `service` and `span_id` stay on every line, because they distinguish the requests of several services in one log.

use super::{Event, is_absent};
use crate::json::members;

/// The keys that only the first line of a request has, unless their values change.
const ONCE: [&str; 4] = ["user_id", "method", "path", "trace_id"];

/// Appends the line. `first` are the [members](once) of the request's first line; without them, no key of `ONCE` is
/// omitted.
pub(super) fn write(line: &str, first: Option<&str>, out: &mut String) {
    let first = first.filter(|_| !is_completion(line));
    out.push('{');
    let start = out.len();
    for member in members::of_object(line) {
        let known = first.and_then(|first| value_in(first, member.key));
        // A placeholder stays if it replaces a value. Null values are part of their event.
        let is_omitted = match known {
            Some(value) => ONCE.contains(&member.key) && value == member.value,
            None => is_absent(&member, Event::Other),
        };
        if is_omitted {
            continue;
        }
        let text = &line[member.start..member.end];
        out.push_str(if out.len() == start { text.trim_start_matches(',') } else { text });
    }
    out.push('}');
}

/// Returns the members that later lines of the request omit, if this line is the first one.
pub(super) fn once(line: &str) -> Option<String> {
    members::of_object(line).find(|member| member.key == "seq" && member.value == "1")?;
    let known = members::of_object(line).filter(|member| ONCE.contains(&member.key));
    Some(known.map(|member| &line[member.start..member.end]).collect())
}

/// The value of a key on the first line, unless it is a placeholder.
fn value_in<'a>(first: &'a str, key: &str) -> Option<&'a str> {
    let known = members::walk(first, 0).find(|known| known.key == key)?;
    (!is_absent(&known, Event::Other)).then_some(known.value)
}

fn is_completion(line: &str) -> bool {
    let ends = ["\"request_completed\"", "\"job_completed\""];
    members::of_object(line).any(|member| member.key == "event" && ends.contains(&member.value))
}
