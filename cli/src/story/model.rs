//! Data of a story: the parts of a request, and the steps, calls and lines in them.

use super::gaps::Gap;
use crate::line::{Level, Line};
use crate::time::{LocalZone, Micros, to_ms};

/// Everything known about one request id.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) id: String,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    /// One per service, or per use of the id, by start time.
    pub(crate) parts: Vec<Part>,
    /// Lines that the input has more than once.
    pub(crate) duplicate_lines: usize,
    /// Lines over the limits of a story.
    pub(crate) omitted_lines: u64,
    /// The time zone of the shown start.
    pub(crate) zone: LocalZone,
}

/// The request at one service.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) span: String,
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    /// The `request_completed` or `job_completed` line.
    pub(crate) end_line: Option<Line>,
    /// Whether the log should have an `end_line`: at `LOG_LEVEL=warn` a successful request writes none.
    pub(crate) expects_end: bool,
    pub(crate) items: Vec<Item>,
    /// Indexes of the items in display order, with their depth.
    pub(crate) order: Vec<(usize, usize)>,
    pub(crate) missing_lines: u64,
    /// Correction that was added to all times because the clock differs from the caller's.
    pub(crate) clock_shift: Micros,
}

/// A node of the tree.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    pub(crate) step_id: Option<u64>,
    /// Index of the parent item.
    pub(crate) parent: Option<usize>,
    pub(crate) line: Option<Line>,
    pub(crate) mark: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ItemKind {
    Step(String),
    Call {
        dependency: String,
        operation: String,
    },
    /// A step without a line of its own, known because others name its id as their parent.
    Unseen(u64),
    /// Any other line.
    Line,
    Gap(Gap),
}

/// Role of an item in the failure of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    Cause,
    Consequence,
}

/// How a part ended, for the colour of its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Good,
    /// Cancelled, a 4xx response, or a gRPC code that is not an error of the service.
    Warning,
    Bad,
}

impl Item {
    /// An item without duration, parent or step id.
    pub(crate) fn new(kind: ItemKind, at: Micros, line: Option<Line>) -> Self {
        Item { kind, start: at, end: at, step_id: None, parent: None, line, mark: Mark::None }
    }

    /// Whether it is a step or call.
    pub(crate) fn is_span(&self) -> bool {
        matches!(self.kind, ItemKind::Step(_) | ItemKind::Call { .. } | ItemKind::Unseen(_))
    }

    pub(crate) fn is_call(&self) -> bool {
        matches!(self.kind, ItemKind::Call { .. })
    }

    pub(crate) fn level(&self) -> Level {
        self.line.as_ref().map_or(Level::Info, |line| line.level)
    }

    /// Whether its name is known from a `request_stuck` line, but it has no line of its own.
    pub(crate) fn is_still_open(&self) -> bool {
        self.line.is_none() && matches!(self.kind, ItemKind::Step(_) | ItemKind::Call { .. })
    }

    pub(crate) fn outcome(&self) -> String {
        self.line.as_ref().map(|line| line.text("outcome")).unwrap_or_default()
    }

    pub(crate) fn duration_ms(&self) -> f64 {
        to_ms(self.end - self.start)
    }

    /// `place_order`, `payments charge`, `step 3`.
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            ItemKind::Step(name) => name.clone(),
            ItemKind::Call { dependency, operation } => format!("{dependency} {operation}"),
            ItemKind::Unseen(id) => format!("step {id}"),
            ItemKind::Line => {
                self.line.as_ref().map(|line| line.message().to_owned()).unwrap_or_default()
            }
            ItemKind::Gap(gap) => gap.to_string(),
        }
    }
}

impl Story {
    /// Whether the story may lack a step or call that was timed.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.omitted_lines > 0
            || self.parts.iter().any(|part| part.is_incomplete() || part.is_unfinished())
    }
}

impl Part {
    pub(crate) fn duration_ms(&self) -> f64 {
        to_ms(self.end - self.start)
    }

    /// A field of the end line as text; empty if there is none.
    pub(crate) fn end_text(&self, key: &str) -> String {
        self.end_line.as_ref().map(|line| line.text(key)).unwrap_or_default()
    }

    /// A field of the end line as a count; 0 if there is none.
    pub(crate) fn end_count(&self, key: &str) -> u64 {
        self.end_line.as_ref().map_or(0, |line| line.count(key))
    }

    pub(crate) fn outcome(&self) -> String {
        self.end_text("outcome")
    }

    /// Whether steps or calls may have ended without a line in the story: lines are missing, or were left out when
    /// they were written.
    pub(crate) fn is_incomplete(&self) -> bool {
        let left_out = ["lines_suppressed", "lines_sampled_away", "lines_recorded_lost"];
        let is_unseen = |item: &Item| matches!(item.kind, ItemKind::Unseen(_));
        self.missing_lines > 0
            || self.lines_left_out().is_none() && self.items.iter().any(is_unseen)
            || left_out.iter().any(|key| self.end_count(key) > 0)
    }

    /// Returns the number of lines that `LOG_STORY` left out, if there are any. None of them was at WARN or above.
    pub(crate) fn lines_left_out(&self) -> Option<u64> {
        Some(self.end_count("lines_left_out")).filter(|lines| *lines > 0)
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.expects_end && self.end_line.is_none()
    }

    /// Whether the request failed for its caller: also with a 4xx status or gRPC error.
    pub(crate) fn has_failed(&self) -> bool {
        let Some(end) = &self.end_line else { return self.expects_end };
        end.text("outcome") != "ok" || end.has_bad_status()
    }

    pub(crate) fn severity(&self) -> Severity {
        if self.is_unfinished() || matches!(self.outcome().as_str(), "error" | "panicked") {
            Severity::Bad
        } else if self.has_failed() {
            Severity::Warning
        } else {
            Severity::Good
        }
    }

    /// Adds a correction to all times.
    pub(crate) fn shift_clock(&mut self, by: Micros) {
        self.start += by;
        self.end += by;
        self.clock_shift = by;
        for item in &mut self.items {
            item.start += by;
            item.end += by;
        }
    }
}
