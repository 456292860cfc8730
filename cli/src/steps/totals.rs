//! Totals of each step and each dependency call over the whole input.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use memchr::memmem;

use crate::histogram::Histogram;
use crate::line::Level;
use crate::read::{Key, Record, number, text};
use crate::screen::Style;
use crate::time;

/// Most distinct names that get totals of their own. An input can have any number of names; the rest is
/// counted under `OTHER_NAMES`.
const MAX_NAMES: usize = 2_000;
const OTHER_NAMES: &str = "(others)";

/// Entries of the cache in front of the hash map.
const RECENT_NAMES: usize = 6;

/// Separates the parts of a composite name. JSON strings contain no raw control characters.
const SEPARATOR: u8 = 0;

/// Durations and outcomes of all steps or calls of one name.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) times: Histogram,
    /// Those that ended with an error or a panic.
    pub(super) failed: u64,
    /// Calls that the dependency rejected, for example with a 4xx status.
    pub(super) refused: u64,
    pub(super) cancelled: u64,
}

impl Totals {
    fn merge(&mut self, other: &Totals) {
        self.times.merge(&other.times);
        self.failed += other.failed;
        self.refused += other.refused;
        self.cancelled += other.cancelled;
    }
}

/// Totals of the input, or of the part of it that one thread has read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) steps: TotalsByName,
    pub(super) calls: TotalsByName,
    /// Durations of requests and jobs whose lines were written.
    pub(super) requests: Histogram,
    /// Number of requests and jobs that left out lines (`LOG_STORY`).
    pub(super) left_out: u64,
    /// Durations of outermost steps: the whole that shares refer to if the input has no requests.
    pub(super) outermost: Histogram,
}

/// Totals by service, name, and the operation of a call or the logger of a step. The parts are kept as written in the line and decoded at the end.
#[derive(Debug, Default)]
pub(super) struct TotalsByName {
    indexes: HashMap<Vec<u8>, usize>,
    totals: Vec<(Vec<u8>, Totals)>,
    /// Buffer for the composite name.
    scratch: Vec<u8>,
    /// Indexes of the latest names. Comparing with them is faster than hashing, and most lines hit.
    recent: VecDeque<usize>,
}

impl TotalsByName {
    fn entry(&mut self, parts: [Option<&[u8]>; 3]) -> &mut Totals {
        let is_match = |index: &&usize| consists_of(&self.totals[**index].0, parts);
        if let Some(index) = self.recent.iter().find(is_match).copied() {
            return &mut self.totals[index].1;
        }
        self.scratch.clear();
        for part in parts {
            self.scratch.extend_from_slice(part.unwrap_or_default());
            self.scratch.push(SEPARATOR);
        }
        let index = match self.indexes.get(&self.scratch) {
            Some(index) => *index,
            None => {
                let name = if self.totals.len() < MAX_NAMES {
                    std::mem::take(&mut self.scratch)
                } else {
                    format!("\0\"{OTHER_NAMES}\"\0\0").into_bytes()
                };
                *self.indexes.entry(name).or_insert_with_key(|name| {
                    self.totals.push((name.clone(), Totals::default()));
                    self.totals.len() - 1
                })
            }
        };
        self.recent.truncate(RECENT_NAMES - 1);
        self.recent.push_front(index);
        &mut self.totals[index].1
    }

    fn merge(&mut self, other: TotalsByName) {
        for (name, totals) in other.totals {
            let mut parts = name.split(|byte| *byte == SEPARATOR).map(Some);
            let mut next = || parts.next().flatten();
            self.entry([next(), next(), next()]).merge(&totals);
        }
    }

    /// The `top` rows with the longest total time, sorted; all rows if `top` is 0.
    pub(super) fn into_rows(self, kind: SpanKind, top: usize) -> Vec<NamedTotals> {
        let mut rows: Vec<NamedTotals> = self
            .totals
            .into_iter()
            .filter(|(_, totals)| totals.times.count() > 0)
            .map(|(name, totals)| {
                let mut parts = name
                    .split(|byte| *byte == SEPARATOR)
                    .map(|part| text(part).map(Cow::into_owned).unwrap_or_default());
                let mut next = || parts.next().unwrap_or_default();
                let (service, name, detail) = (next(), next(), next());
                NamedTotals { kind, service, name, detail, is_named_alone: true, totals }
            })
            .collect();
        find_shared_names(&mut rows);
        rows.sort_by(|a, b| {
            let by_time = b.totals.times.sum_ms().total_cmp(&a.totals.times.sum_ms());
            by_time.then_with(|| a.label().cmp(&b.label()))
        });
        if top > 0 {
            rows.truncate(top);
        }
        rows
    }
}

/// Sets `is_named_alone` of all rows.
pub(super) fn find_shared_names(rows: &mut [NamedTotals]) {
    let mut names: HashMap<(String, String), u32> = HashMap::new();
    for row in rows.iter().filter(|row| row.kind == SpanKind::Step) {
        *names.entry((row.service.clone(), row.name.clone())).or_default() += 1;
    }
    for row in rows {
        let count = names.get(&(row.service.clone(), row.name.clone()));
        row.is_named_alone = count.is_none_or(|count| *count == 1);
    }
}

/// Whether a composite name consists of these parts.
fn consists_of(name: &[u8], parts: [Option<&[u8]>; 3]) -> bool {
    let mut rest = name;
    parts.into_iter().all(|part| {
        let after = rest.strip_prefix(part.unwrap_or_default());
        let after = after.and_then(|rest| rest.strip_prefix(&[SEPARATOR]));
        rest = after.unwrap_or_default();
        after.is_some()
    }) && rest.is_empty()
}

impl Summary {
    pub(super) fn add(&mut self, record: &Record<'_>) {
        let (Some(event), Some(micros)) = (record.get(Key::Event), duration_micros(record)) else {
            return;
        };
        let service = record.get(Key::Service);
        let totals = match event {
            b"\"step_timing\"" => {
                self.steps.entry([service, record.get(Key::Step), record.get(Key::Logger)])
            }
            b"\"dependency_call\"" => {
                let operation = record.get(Key::Operation);
                self.calls.entry([service, record.get(Key::Dependency), operation])
            }
            b"\"request_completed\"" | b"\"job_completed\"" => {
                // Within a string, the quotes would be escaped.
                if memmem::find(record.bytes, b",\"lines_left_out\":").is_some() {
                    self.left_out += 1;
                } else {
                    self.requests.add(micros);
                }
                return;
            }
            _ => return,
        };
        totals.times.add(micros);
        match record.get(Key::Outcome) {
            Some(b"\"ok\"") | None => {}
            Some(b"\"cancelled\"") => totals.cancelled += 1,
            Some(b"\"error\"") if is_refusal(event, record) => totals.refused += 1,
            Some(_) => totals.failed += 1,
        }
        if matches!(record.get(Key::ParentId), Some(b"0") | None) {
            self.outermost.add(micros);
        }
    }

    pub(super) fn merge(&mut self, other: Summary) {
        self.steps.merge(other.steps);
        self.calls.merge(other.calls);
        self.requests.merge(&other.requests);
        self.left_out += other.left_out;
        self.outermost.merge(&other.outermost);
    }
}

/// Whether the dependency rejected a call that ended with an error: candor writes the line at WARN instead of ERROR.
fn is_refusal(event: &[u8], record: &Record<'_>) -> bool {
    event == b"\"dependency_call\""
        && record.level().and_then(text).is_some_and(|level| Level::parse(&level) == Level::Warn)
}

fn duration_micros(record: &Record<'_>) -> Option<u64> {
    let value = record.get(Key::DurationMs)?;
    // Fast path without floats for `12.345`, as candor writes it.
    let dot = value.len().checked_sub(4).filter(|dot| value[*dot] == b'.' && *dot <= 12);
    if let Some(dot) = dot
        && let Some(micros) =
            append_digits(0, &value[..dot]).and_then(|ms| append_digits(ms, &value[dot + 1..]))
    {
        return Some(micros);
    }
    Some(time::from_ms(number(value)?).unsigned_abs())
}

/// Appends decimal digits to a number; `None` if a byte is not a digit.
fn append_digits(number: u64, digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(number, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpanKind {
    Step,
    Call,
}

/// Totals of one name, for display.
pub(super) struct NamedTotals {
    pub(super) kind: SpanKind,
    pub(super) service: String,
    pub(super) name: String,
    /// The operation of a call, or the logger of a step.
    pub(super) detail: String,
    /// Whether no step of another logger in the service has the name.
    is_named_alone: bool,
    pub(super) totals: Totals,
}

impl NamedTotals {
    pub(super) fn style(&self) -> Style {
        if self.kind == SpanKind::Call { Style::Call } else { Style::Plain }
    }

    /// `payments charge`; for a step its name, with its logger if another one has a step of this name.
    pub(super) fn label(&self) -> String {
        let is_short = self.kind == SpanKind::Step && self.is_named_alone;
        let detail = if is_short { "" } else { self.detail.as_str() };
        let parts = [self.service.as_str(), &self.name, detail];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}
