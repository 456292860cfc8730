//! Reads a line's JSON once.
//!
//! Members with a place in the layout are found, and the others become fields.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{inside, is_bare};
use crate::format::keys;
use crate::json::members::{self, Member, Walk};

/// The identity of a line outside any request.
const OUTSIDE: &str = r#","request_id":"-","user_id":"-","method":"-","path":"-""#;

/// How much of the request's identity other lines show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// The header of this line shows all of it.
    InHeader,
    /// The latest line of the request has shown this identity, so only changes are shown.
    Before(&'a str),
    /// No other line shows it.
    Nothing,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Step,
    Call,
    RequestEnd,
    JobEnd,
    Event,
}

/// The members of a line that are not shown as fields. Values are JSON.
#[derive(Debug)]
pub(super) struct RowFacts<'a> {
    pub(super) kind: RowKind,
    pub(super) time: &'a str,
    pub(super) logger: &'a str,
    pub(super) message: &'a str,
    /// The members from `request_id` to `span_id`.
    pub(super) identity: &'a str,
    pub(super) is_identity_known: bool,
    /// The step, or the job.
    pub(super) name: Option<&'a str>,
    pub(super) dependency: Option<&'a str>,
    pub(super) operation: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) duration: Option<&'a str>,
    pub(super) outcome: Option<&'a str>,
    pub(super) parent: Option<u32>,
    pub(super) totals: RowTotals<'a>,
    pub(super) cause: Option<&'a str>,
    pub(super) error: Option<&'a str>,
    pub(super) error_type: Option<&'a str>,
    pub(super) error_detail: Option<&'a str>,
    pub(super) backtrace: Option<&'a str>,
}

/// The totals of a request or job.
#[derive(Debug, Default)]
pub(super) struct RowTotals<'a> {
    pub(super) steps: Option<&'a str>,
    pub(super) calls: Option<&'a str>,
    pub(super) calls_ms: Option<&'a str>,
    pub(super) slowest: Option<&'a str>,
}

impl<'a> RowFacts<'a> {
    /// Reads a line. Appends its fields to `fields`, each after a space, and the end of each field to `ends`.
    ///
    /// Returns `None` if the line does not begin with the fixed keys.
    pub(super) fn read(
        line: &'a str,
        known: Known<'_>,
        fields: &mut RowFields<'_>,
    ) -> Option<RowFacts<'a>> {
        fields.text.clear();
        fields.ends.clear();
        let mut walk = members::of_object(line);
        let (time, _level) = (walk.next()?, walk.next()?);
        let (logger, message) = (walk.next()?, walk.next()?);
        let mut facts = RowFacts::of(time.value, logger.value, message.value);
        let first = facts.read_identity(line, message.end, known, &mut walk);
        for member in first.into_iter().chain(walk) {
            facts.add(member, fields);
        }
        // The type is shown beside the text of an error.
        if facts.error_detail.is_none()
            && let Some(name) = facts.error_type.take()
        {
            fields.put("error_type", name);
        }
        if !facts.is_identity_known {
            put_changed(facts.identity, known, fields);
        }
        Some(facts)
    }

    fn of(time: &'a str, logger: &'a str, message: &'a str) -> Self {
        RowFacts {
            kind: RowKind::Event,
            time: time_of_day(time),
            logger,
            message,
            identity: "",
            is_identity_known: true,
            name: None,
            dependency: None,
            operation: None,
            status: None,
            duration: None,
            outcome: None,
            parent: None,
            totals: RowTotals::default(),
            cause: None,
            error: None,
            error_type: None,
            error_detail: None,
            backtrace: None,
        }
    }

    /// Reads the members from `request_id` to `seq`, and returns the next member.
    fn read_identity(
        &mut self,
        line: &'a str,
        from: usize,
        known: Known<'_>,
        walk: &mut Walk<'a>,
    ) -> Option<Member<'a>> {
        let mut end = from;
        let before = match known {
            Known::InHeader => "",
            Known::Before(before) => before,
            Known::Nothing => OUTSIDE,
        };
        if !before.is_empty() && line[from..].starts_with(before) {
            end += before.len();
            walk.skip_to(end);
        }
        let skipped = end;
        let next = walk.by_ref().find(|member| {
            let is_identity = keys::FIXED[4..11].contains(&member.key);
            if is_identity {
                end = member.end;
            }
            !is_identity && member.key != "seq"
        });
        self.identity = &line[from..end];
        self.is_identity_known = skipped > from && skipped == end;
        next
    }

    #[inline]
    fn add(&mut self, member: Member<'a>, fields: &mut RowFields<'_>) {
        let Member { key, value, .. } = member;
        let is_timed = self.kind != RowKind::Event;
        let is_step = matches!(self.kind, RowKind::Step | RowKind::Call);
        let is_call = self.kind == RowKind::Call;
        let is_end = self.is_end();
        match key {
            "event" => self.kind = kind_of(value),
            "step" if is_step => self.name = Some(value),
            "step_id" | "offset_ms" if is_step => {}
            "parent_id" if is_step => self.parent = value.parse().ok(),
            "duration_ms" if is_timed => self.duration = Some(value),
            "outcome" if is_timed => self.outcome = Some(value),
            "job" if self.kind == RowKind::JobEnd => self.name = Some(value),
            "dependency" if is_call => self.dependency = Some(value),
            "operation" if is_call => self.operation = Some(value),
            "dependency_method" | "url" if is_call => {
                if value != "null" {
                    fields.put_value_alone(value);
                }
            }
            "status" if is_call || is_end => self.status = Some(value).filter(|it| *it != "null"),
            "retries" if is_timed && value == "0" => {}
            "steps" if is_end => self.totals.steps = Some(value),
            "dependency_calls" if is_end => self.totals.calls = Some(value),
            "dependency_ms" if is_end => self.totals.calls_ms = Some(value),
            "slowest_step" if is_end => self.totals.slowest = Some(value),
            "cause" if is_end => self.cause = Some(value),
            "route" if is_end && self.identity("path") == Some(value) => {}
            "error" if is_timed && value == "null" => {}
            "error" => self.error = Some(value),
            "error_type" => self.error_type = Some(value),
            "error_detail" => self.error_detail = Some(value),
            "exc" => self.backtrace = Some(value),
            _ => fields.put(key, value),
        }
    }

    /// Returns whether this is the last line of its request or job.
    pub(super) fn is_end(&self) -> bool {
        matches!(self.kind, RowKind::RequestEnd | RowKind::JobEnd)
    }

    /// Returns a hash of the error's text; 0 if there is no error.
    pub(super) fn error_hash(&self) -> u64 {
        let Some(detail) = self.error_detail else { return 0 };
        let mut hasher = DefaultHasher::new();
        detail.hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// Returns the value of a member of the identity, if it has one.
    pub(super) fn identity(&self, key: &str) -> Option<&'a str> {
        identity_of(self.identity, key)
    }
}

/// Turns all members of a line into fields, those of the request last.
#[cfg(feature = "testing")]
pub(super) fn flat<'a>(line: &'a str, fields: &mut RowFields<'_>) -> Option<RowFacts<'a>> {
    let mut walk = members::of_object(line);
    let (time, _level) = (walk.next()?, walk.next()?);
    let (logger, message) = (walk.next()?, walk.next()?);
    let (identity, own): (Vec<_>, Vec<_>) =
        walk.partition(|member| keys::FIXED.contains(&member.key));
    let is_shown = |member: &Member<'_>| member.key != "event" && member.value != "\"-\"";
    for Member { key, value, .. } in own.into_iter().chain(identity).filter(is_shown) {
        fields.put(key, value);
    }
    Some(RowFacts::of(time.value, logger.value, message.value))
}

fn identity_of<'a>(identity: &'a str, key: &str) -> Option<&'a str> {
    let found = members::walk(identity, 0).find(|member| member.key == key);
    found.map(|member| member.value).filter(|value| *value != "\"-\"")
}

/// Writes the members of an identity that neither the header nor the lines before this one show.
#[cold]
fn put_changed(identity: &str, known: Known<'_>, fields: &mut RowFields<'_>) {
    let before = match known {
        Known::InHeader => return,
        Known::Before(before) => before,
        Known::Nothing => "",
    };
    for key in ["request_id", "user_id", "method", "path"] {
        if let Some(value) = identity_of(identity, key)
            && identity_of(before, key) != Some(value)
        {
            fields.put(key, value);
        }
    }
}

fn kind_of(event: &str) -> RowKind {
    match event {
        "\"step_timing\"" => RowKind::Step,
        "\"dependency_call\"" => RowKind::Call,
        "\"request_completed\"" => RowKind::RequestEnd,
        "\"job_completed\"" => RowKind::JobEnd,
        _ => RowKind::Event,
    }
}

/// Shortens `2026-11-22T10:14:12.123456Z` to `10:14:12.123`, because the date is known during development.
fn time_of_day(quoted: &str) -> &str {
    quoted.get(12..24).unwrap_or(quoted)
}

/// The fields of a line, each after a space.
#[derive(Debug)]
pub(super) struct RowFields<'a> {
    pub(super) text: &'a mut String,
    /// The end of each field in `text`.
    pub(super) ends: &'a mut Vec<usize>,
}

impl RowFields<'_> {
    #[inline]
    fn put(&mut self, key: &str, value: &str) {
        self.text.push(' ');
        if is_bare(key) {
            self.text.push_str(key);
        } else {
            self.text.push('"');
            self.text.push_str(key);
            self.text.push('"');
        }
        self.text.push('=');
        self.put_value(value);
    }

    fn put_value_alone(&mut self, value: &str) {
        self.text.push(' ');
        self.put_value(value);
    }

    #[inline]
    fn put_value(&mut self, value: &str) {
        self.text.push_str(shown(value));
        self.ends.push(self.text.len());
    }
}

/// Appends a value. A string that can't be misread is shown without quotes. Other strings stay escaped, because an
/// unescaped quote would end the value, and the text after it could be mistaken for a field.
#[inline]
pub(super) fn shown(value: &str) -> &str {
    let text = inside(value);
    if text.len() < value.len() && is_bare(text) { text } else { value }
}
