//! The pretty format, made from a line's JSON, so that both formats have the same fields.
//!
//! ```text
//! 10:14:12.123 INFO  orders::checkout step_timing step=charge duration_ms=12.031 outcome=ok request_id=018f…a20b17
//! ```

use std::fmt::Write as _;

use super::keys;
use super::record::Severity;
use crate::json::members::{self, Member};

const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Appends the pretty form of `line`, a JSON object that begins with the fixed keys.
pub(crate) fn write(line: &str, severity: Severity, colour: bool, out: &mut String) {
    let paint = Paint { colour };
    let mut members = members::of_object(line);
    let (Some(ts), Some(_level), Some(logger), Some(message)) =
        (members.next(), members.next(), members.next(), members.next())
    else {
        return;
    };
    paint.put(DIM, time_of_day(ts.value), out);
    out.push(' ');
    paint.put(level_colour(severity), &format!("{:<5}", severity.as_str()), out);
    out.push(' ');
    let target = inside(logger.value);
    paint.put(DIM, if is_bare(target) { target } else { logger.value }, out);
    out.push(' ');
    let mut text = String::new();
    plain(inside(message.value), &mut text);
    // A message with a `=` could be mistaken for fields, so it is quoted and stays escaped.
    paint.put(BOLD, if text.contains('=') { message.value } else { &text }, out);
    // The event's fields come first, and those of its request last.
    let in_full = inside(message.value) == "request_completed";
    let (whose, what): (Vec<_>, Vec<_>) =
        members.partition(|member| keys::FIXED.contains(&member.key));
    for member in what.into_iter().chain(whose) {
        field(member, in_full, paint, out);
    }
}

/// Writes one field. Omits fixed keys without a value (`"-"`), and the event's name, which is the message.
fn field(member: Member<'_>, in_full: bool, paint: Paint, out: &mut String) {
    let Member { key, value, .. } = member;
    match key {
        "event" => return,
        "request_id" | "user_id" | "method" | "path" if value == "\"-\"" => return,
        _ => {}
    }
    out.push(' ');
    let name = if is_bare(key) { format!("{key}=") } else { format!("\"{key}\"=") };
    paint.put(DIM, &name, out);
    let text = inside(value);
    let is_id = matches!(key, "request_id" | "trace_id");
    if is_id && !in_full && text.len() > 12 && is_bare(text) {
        let _ = write!(out, "{}…{}", &text[..4], &text[text.len() - 6..]);
    } else if text.len() < value.len() && is_bare(text) {
        out.push_str(text);
    } else {
        // Stays escaped: an unescaped quote would end the value, and text after it could pass for a field.
        out.push_str(value);
    }
}

/// Shortens `2026-11-22T10:14:12.123456Z` to `10:14:12.123`, since during development the date is known.
fn time_of_day(quoted: &str) -> &str {
    quoted.get(12..24).unwrap_or(quoted)
}

fn inside(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/*[]@+%#".contains(&b))
}

/// Appends escaped text with quotes and slashes unescaped. Escapes of characters that could forge a line or a terminal
/// sequence stay.
fn plain(escaped: &str, out: &mut String) {
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes().get(at + 1) {
            Some(b'"') => out.push('"'),
            Some(b'\\') => out.push('\\'),
            _ => out.push_str(&rest[at..(at + 2).min(rest.len())]),
        }
        rest = &rest[(at + 2).min(rest.len())..];
    }
    out.push_str(rest);
}

fn level_colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Trace | Severity::Debug => "\x1b[34m",
        Severity::Info => "\x1b[32m",
        Severity::Warn => "\x1b[33m",
        Severity::Error => "\x1b[31m",
        Severity::Critical => "\x1b[1;41m",
    }
}

#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn put(self, style: &str, text: &str, out: &mut String) {
        if self.colour {
            out.push_str(style);
            out.push_str(text);
            out.push_str(RESET);
        } else {
            out.push_str(text);
        }
    }
}
