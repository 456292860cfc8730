//! Lines with a placeholder for what differs from run to run.

use std::fmt::Write as _;

use crate::json::members;

/// Keys of candor's own whose value is a time that was measured.
const TIMES: [&str; 6] =
    ["duration_ms", "offset_ms", "busy_ms", "dependency_ms", "last_attempt_ms", "age_ms"];

/// Addresses a test listens on, where the system chose the port.
const LOOPBACK: [&str; 3] = ["127.0.0.1:", "localhost:", "[::1]:"];

/// The lines, each with its line feed.
pub(super) fn of(lines: &[String]) -> String {
    let mut ids = Ids::default();
    for line in lines {
        ids.collect(line);
    }
    let mut out = String::new();
    for line in lines {
        let mut line = stable(line);
        for time in TIMES {
            line = after(&line, &format!("\"{time}\":"), number_len, "\"[ms]\"");
        }
        for host in LOOPBACK {
            line = after(&line, host, digits_len, "[port]");
        }
        out.push_str(&ids.replace(&line));
        out.push('\n');
    }
    out
}

/// The line without what one key alone makes known.
fn stable(line: &str) -> String {
    let mut out = "{".to_owned();
    let is_panic = members::of_object(line).any(|m| m.key == "event" && m.value == "\"panic\"");
    for (at, member) in members::of_object(line).enumerate() {
        if at > 0 {
            out.push(',');
        }
        let place;
        let value = match member.key {
            "ts" => "\"[ts]\"",
            "slowest_step" => "\"[step]\"",
            "exc" if is_panic => "\"[backtrace]\"",
            "location" if is_panic => {
                let file = member
                    .value
                    .trim_end_matches(|c: char| c.is_ascii_digit() || ":\"".contains(c));
                place = format!("{file}:[line]\"");
                &place
            }
            _ => member.value,
        };
        out.push('"');
        out.push_str(member.key);
        out.push_str("\":");
        out.push_str(value);
    }
    out.push('}');
    out
}

/// The text with what stands behind each `before` replaced, as far as `len` says it goes.
fn after(text: &str, before: &str, len: fn(&str) -> usize, placeholder: &str) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(before);
        let len = len(part);
        if len > 0 {
            out.push_str(placeholder);
        }
        out.push_str(&part[len..]);
    }
    out
}

fn digits_len(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

fn number_len(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.eE".contains(c)).len()
}

/// Ids that were made at random, in the order in which they first stood in a line.
#[derive(Default)]
struct Ids {
    requests: Vec<String>,
    traces: Vec<String>,
    spans: Vec<String>,
    uuids: Vec<String>,
}

impl Ids {
    fn collect(&mut self, line: &str) {
        for member in members::of_object(line) {
            let text = member.value.trim_matches('"');
            let known = match member.key {
                "request_id" if uuid_len(text) == text.len() => &mut self.requests,
                "trace_id" => &mut self.traces,
                "span_id" => &mut self.spans,
                _ => continue,
            };
            if !text.is_empty() && !known.iter().any(|id| id == text) {
                known.push(text.to_owned());
            }
        }
    }

    fn replace(&mut self, line: &str) -> String {
        let mut out = line.to_owned();
        let known = [("request", &self.requests), ("trace", &self.traces), ("span", &self.spans)];
        for (name, ids) in known {
            for (at, id) in ids.iter().enumerate() {
                out = out.replace(id, &format!("[{name}-{}]", at + 1));
            }
        }
        self.replace_uuids(&out)
    }

    /// UUIDs that are no request's: of orders, of messages.
    fn replace_uuids(&mut self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let starts_here = !out.ends_with(|c: char| c.is_ascii_hexdigit());
            let len = if starts_here { uuid_len(rest) } else { 0 };
            if len == 0 {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let (uuid, behind) = rest.split_at(len);
            let at = self.uuids.iter().position(|known| known == uuid).unwrap_or_else(|| {
                self.uuids.push(uuid.to_owned());
                self.uuids.len() - 1
            });
            let _ = write!(out, "[uuid-{}]", at + 1);
            rest = behind;
        }
        out
    }
}

/// How long the UUID is that the text begins with; 0 where it begins with none.
fn uuid_len(text: &str) -> usize {
    const LEN: usize = 36;
    let bytes = text.as_bytes();
    let is_uuid = bytes.len() >= LEN
        && (0..LEN).all(|at| match at {
            8 | 13 | 18 | 23 => bytes[at] == b'-',
            _ => bytes[at].is_ascii_hexdigit(),
        })
        && !bytes.get(LEN).is_some_and(u8::is_ascii_hexdigit);
    if is_uuid { LEN } else { 0 }
}
