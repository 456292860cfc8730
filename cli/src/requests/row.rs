//! A row of `candor requests`: as it is collected, and as it is displayed.

use serde_json::{Map, Value};

use crate::line::{Line, UNKNOWN_CLASS, cause_category};
use crate::open::OpenRequest;
use crate::read::{Key, Keys, Record, number, text};
use crate::screen::{Style, escape, percent};
use crate::time::{self, Micros, format_ms, rfc3339, to_ms};
use crate::top::{Rank, RankedRow};

/// Properties by which rows are filtered and sorted before their line is parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// The time of the last line.
    pub(super) at: Micros,
    pub(super) duration: Micros,
    pub(super) failed: bool,
}

impl Facts {
    /// Reads them from the last line of a request.
    pub(super) fn read(record: &Record<'_>) -> Option<Self> {
        let text = |key| record.get(key).and_then(text);
        Some(Facts {
            at: time::parse(&text(Key::Ts)?)?,
            duration: time::from_ms(record.get(Key::DurationMs).and_then(number)?),
            failed: text(Key::Outcome).as_deref() != Some("ok"),
        })
    }
}

/// A request as it is collected, with little memory.
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) facts: Facts,
    pub(super) rank: Rank,
    pub(super) end: End,
}

/// How a request ended.
pub(super) enum End {
    /// The last line of the request, as written, and the location of a panic in it.
    Line {
        line: Box<[u8]>,
        panic: Option<String>,
    },
    Missing(Box<OpenRequest>),
}

impl RankedRow for Candidate {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn at(&self) -> Micros {
        self.facts.at
    }

    fn size(&self) -> usize {
        let end = match &self.end {
            End::Line { line, panic } => line.len() + panic.as_ref().map_or(0, String::len),
            End::Missing(_) => 400,
        };
        size_of::<Self>() + self.id.len() + end
    }

    fn is_duplicate_of(&self, other: &Self) -> bool {
        match (&self.end, &other.end) {
            (End::Line { line: one, .. }, End::Line { line: other, .. }) => one == other,
            _ => false,
        }
    }
}

/// A request as it is displayed.
pub(super) struct RequestRow<'a> {
    pub(super) id: &'a str,
    pub(super) facts: Facts,
    /// The last line. For an unfinished request, a line of the values known from its other lines.
    pub(super) line: Line,
    pub(super) is_unfinished: bool,
    stuck_in: Option<String>,
    panic: Option<&'a str>,
}

impl<'a> RequestRow<'a> {
    pub(super) fn new(candidate: &'a Candidate, keys: &Keys) -> Option<Self> {
        let (id, facts) = (candidate.id.as_str(), candidate.facts);
        Some(match &candidate.end {
            End::Line { line, panic } => {
                let (line, panic) = (Line::parse(line, keys)?, panic.as_deref());
                RequestRow { id, facts, line, is_unfinished: false, stuck_in: None, panic }
            }
            End::Missing(open) => {
                let line = Line {
                    service: open.service.clone(),
                    user: open.user.clone(),
                    method: open.method.clone(),
                    path: open.path.clone(),
                    at: facts.at,
                    ..Line::default()
                };
                let stuck_in = open.stuck_in(keys);
                RequestRow { id, facts, line, is_unfinished: true, stuck_in, panic: None }
            }
        })
    }

    /// `orders POST /orders`, or the name of the job.
    pub(super) fn title(&self) -> String {
        let job = self.line.text("job");
        let words = [self.line.service.as_str(), &self.line.method, &self.line.path, &job];
        let words = words.into_iter().filter(|word| !word.is_empty());
        escape(&words.collect::<Vec<_>>().join(" "))
    }

    /// `200`, `504 error`, `grpc 13 error`, `no end`.
    pub(super) fn status(&self) -> (Style, String) {
        if self.is_unfinished {
            return (Style::Bad, "no end".to_owned());
        }
        self.line.end_status()
    }

    /// The duration; for an unfinished request the time between its lines, as a lower bound.
    pub(super) fn duration(&self) -> String {
        let bound = if self.is_unfinished { "≥" } else { "" };
        format!("{bound}{}", format_ms(to_ms(self.facts.duration)))
    }

    /// The share of the time with a dependency call open; empty without calls.
    pub(super) fn dependency_share(&self) -> String {
        let calls = self.line.get("dependency_ms").and_then(Value::as_f64).unwrap_or(0.0);
        if calls > 0.0 { percent(calls, to_ms(self.facts.duration)) } else { String::new() }
    }

    /// The cause of a failure, else the slowest step.
    pub(super) fn cause(&self) -> (Style, String) {
        if self.stuck_in.is_some() {
            return (Style::Warn, unfinished_cause(self.stuck_in.clone()));
        }
        if self.line.text("outcome") == "panicked" {
            return (Style::Warn, failure_cause(&self.line, self.panic));
        }
        match (cause(&self.line), self.line.error_class()) {
            (cause, _) if !cause.is_empty() => (Style::Warn, cause),
            // The last line of a job has the error itself.
            (_, error) if !error.is_empty() => (Style::Warn, error),
            _ => (Style::Dim, self.line.text("slowest_step")),
        }
    }

    pub(super) fn json(&self) -> Value {
        let line = &self.line;
        let mut object = Map::new();
        object.insert("ts".to_owned(), rfc3339(line.at).into());
        object.insert("request_id".to_owned(), self.id.into());
        for (key, value) in [
            ("service", &line.service),
            ("user_id", &line.user),
            ("method", &line.method),
            ("path", &line.path),
            ("trace_id", &line.trace),
        ] {
            if !value.is_empty() {
                object.insert(key.to_owned(), value.clone().into());
            }
        }
        object.insert("failed".to_owned(), self.facts.failed.into());
        if self.is_unfinished {
            object.insert("unfinished".to_owned(), true.into());
            object.insert("duration_ms".to_owned(), to_ms(self.facts.duration).into());
            object.insert("stuck_in".to_owned(), self.stuck_in.clone().into());
        }
        object.extend(line.fields.iter().cloned());
        object.into()
    }
}

/// What made a request fail: `payments charge: timeout`, `price: panicked`, `SoldOut`, `503 error`, `cancelled`.
/// `panic` is the location of a panic in the request.
pub(super) fn failure_cause(line: &Line, panic: Option<&str>) -> String {
    let outcome = line.text("outcome");
    match (cause(line), line.error_class()) {
        // The cause has no category of its own.
        (cause, _) if !cause.is_empty() && !cause.contains(": ") && outcome == "panicked" => {
            format!("{cause}: panicked")
        }
        (cause, _) if !cause.is_empty() => cause,
        (_, error) if !error.is_empty() => error,
        _ if outcome == "panicked" => match panic {
            Some(location) => format!("panicked at {location}"),
            None => outcome,
        },
        _ => line.end_status().1,
    }
}

/// Why a request has no end: `stuck in payments charge`, `no end`.
pub(super) fn unfinished_cause(stuck_in: Option<String>) -> String {
    stuck_in.map_or_else(|| "no end".to_owned(), |step| format!("stuck in {step}"))
}

/// The `cause` of a `request_completed` line: `payments charge: timeout`.
fn cause(line: &Line) -> String {
    let cause = line.get("cause");
    let member = |key| cause.and_then(|cause| cause.get(key)?.as_str()).unwrap_or_default();
    let words = [member("dependency"), member("step")].join(" ");
    let category = cause.map(cause_category).unwrap_or_default();
    match (words.trim(), category.as_str()) {
        ("", category) => category.to_owned(),
        (words, "" | UNKNOWN_CLASS) => words.to_owned(),
        (words, category) => format!("{words}: {category}"),
    }
}
