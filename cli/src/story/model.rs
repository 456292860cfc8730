//! One request as the command shows it: its parts, and the steps, calls and lines in them.

use super::gaps::Gap;
use crate::line::{Level, Line};
use crate::read::time::Micros;

/// All that is known of one request id.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) id: String,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    /// One for each service, or each time the id was used.
    pub(crate) parts: Vec<Part>,
    /// Lines that stood in the input more than once.
    pub(crate) repeated: usize,
    /// Lines beyond what a story takes.
    pub(crate) left_out: u64,
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
    /// `request_completed` or `job_completed`.
    pub(crate) close: Option<Line>,
    /// Whether a last line would be there if all were well.
    pub(crate) wants_end: bool,
    pub(crate) items: Vec<Item>,
    /// The items in the order in which they are shown, with their depth.
    pub(crate) order: Vec<(usize, usize)>,
    pub(crate) lost: u64,
    /// By how much its times were moved, since its clock and its caller's do not agree.
    pub(crate) moved: Micros,
}

/// What stands in the tree.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) start: Micros,
    pub(crate) end: Micros,
    pub(crate) step_id: Option<u64>,
    /// Its parent among the items.
    pub(crate) parent: Option<usize>,
    pub(crate) line: Option<Line>,
    pub(crate) mark: Mark,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Step(String),
    Call {
        dependency: String,
        operation: String,
    },
    /// Others name it as their parent, and it has no line.
    Unseen(u64),
    Line,
    Gap(Gap),
}

/// What an item is to the request's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    Cause,
    Consequence,
}

impl Item {
    pub(crate) fn is_span(&self) -> bool {
        matches!(self.kind, Kind::Step(_) | Kind::Call { .. } | Kind::Unseen(_))
    }

    pub(crate) fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. })
    }

    pub(crate) fn level(&self) -> Level {
        self.line.as_ref().map_or(Level::Info, |line| line.level)
    }

    /// Whether it is known by name and not how it ended.
    pub(crate) fn is_still_open(&self) -> bool {
        self.line.is_none() && matches!(self.kind, Kind::Step(_) | Kind::Call { .. })
    }

    pub(crate) fn outcome(&self) -> String {
        self.line.as_ref().map(|line| line.text("outcome")).unwrap_or_default()
    }

    pub(crate) fn took_ms(&self) -> f64 {
        (self.end - self.start) as f64 / 1e3
    }

    /// `place_order`, `payments charge`, `step 3`.
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            Kind::Step(name) => name.clone(),
            Kind::Call { dependency, operation } => format!("{dependency} {operation}"),
            Kind::Unseen(id) => format!("step {id}"),
            Kind::Line => self.line.as_ref().map(|line| line.msg.clone()).unwrap_or_default(),
            Kind::Gap(gap) => gap.to_string(),
        }
    }
}

impl Part {
    pub(crate) fn took_ms(&self) -> f64 {
        (self.end - self.start) as f64 / 1e3
    }

    pub(crate) fn outcome(&self) -> String {
        self.close.as_ref().map(|line| line.text("outcome")).unwrap_or_default()
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.wants_end && self.close.is_none()
    }

    /// Whether it ended otherwise than its caller hoped.
    pub(crate) fn is_bad(&self) -> bool {
        let Some(close) = &self.close else { return self.wants_end };
        close.text("outcome") != "ok" || close.count("status") >= 400
    }
}
