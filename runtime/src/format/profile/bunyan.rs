//! Bunyan's core fields, for the `bunyan` command and the tools that read its lines.
//!
//! `v`, `name`, `hostname`, `pid`, `level`, `time` and `msg` are required
//! (<https://github.com/trentm/node-bunyan#core-fields>; `isValidRecord` in `bin/bunyan`). `req_id` and `err` are
//! recommended fields. Everything else keeps its name.

use super::{Constants, Fact, Facts, Head, KeyTable, keep_name, rows, severity};
use crate::format::record::Severity;
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::json::escape;
use crate::redact::shown::{self, Redacted};

pub(super) static TABLE: KeyTable = KeyTable { head, row, is_own, other: keep_name, tail };

rows! {
    b"request_id" => "req_id" Text,
    b"error_type" => "" Held(ErrorType),
    b"panic_message" if Panic => "" Held(ErrorDetail),
    b"error_detail" if Panic => "" Kept,
    b"error_detail" => "" Held(ErrorDetail),
    b"exc" => "" Held(Stack),
}

fn is_own(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"v" | b"name" | b"hostname" | b"pid" | b"level" | b"time" | b"msg" | b"req_id" | b"err"
    )
}

fn head(head: &Head<'_>, constants: &Constants, out: &mut String) {
    let level = match severity(head.level) {
        Severity::Trace => "10",
        Severity::Debug => "20",
        Severity::Info => "30",
        Severity::Warn => "40",
        Severity::Error => "50",
        Severity::Critical => "60",
    };
    for piece in [
        "{\"v\":0",
        &constants.members,
        ",\"level\":",
        level,
        ",\"time\":",
        head.ts,
        ",\"msg\":",
        head.message,
        ",\"logger\":",
        head.logger,
    ] {
        out.push_str(piece);
    }
}

/// The name of the service, or else of the program.
pub(super) fn constants(resource: &Resource) -> Constants {
    let mut members = String::new();
    let mut put = |key: &str, value: &Redacted<'_>| {
        members.push_str(key);
        escape::json_string(value.shown(), &mut members);
    };
    let name = resource.get(SERVICE_NAME).cloned();
    put(",\"name\":", &name.unwrap_or_else(|| shown::text(&program()).into_owned()));
    let host = resource.get("host.name").cloned();
    put(",\"hostname\":", &host.unwrap_or_else(|| shown::text(&hostname()).into_owned()));
    members.push_str(",\"pid\":");
    members.push_str(itoa::Buffer::new().format(std::process::id()));
    Constants { members, ..Constants::default() }
}

fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_stem().map_or("unknown".into(), |name| name.to_string_lossy().into_owned())
}

/// The name of this host. The standard library has no function for it; the `host.name` attribute sets it.
fn hostname() -> String {
    let variable = |name| std::env::var(name).ok();
    let file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = file().or_else(|| variable("HOSTNAME")).or_else(|| variable("COMPUTERNAME"));
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "unknown".to_owned())
}

/// Appends the error. The command prints `err.stack` below the line.
fn tail(facts: &Facts<'_>, _: &Constants, out: &mut String) {
    let begin = out.len();
    for (key, fact) in [
        (",\"name\":", Fact::ErrorType),
        (",\"message\":", Fact::ErrorDetail),
        (",\"stack\":", Fact::Stack),
    ] {
        if let Some(value) = facts.get(fact) {
            out.push_str(key);
            out.push_str(value);
        }
    }
    if out.len() > begin {
        out.replace_range(begin..=begin, ",\"err\":{");
        out.push('}');
    }
}
