//! Gaps in the `seq` numbers of a request at one service: lines that were lost.

use std::fmt;

use crate::line::Line;
use crate::time::Micros;

/// Consecutive missing lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) missing: u64,
    /// The times of the lines before and after the gap.
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

impl Gap {
    /// `7` or `7–9`.
    pub(super) fn numbers(&self) -> String {
        if self.missing == 1 {
            self.first.to_string()
        } else {
            format!("{}–{}", self.first, self.last)
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.missing == 1 {
            write!(f, "1 line missing (seq {})", self.numbers())
        } else {
            write!(f, "{} lines missing (seq {})", self.missing, self.numbers())
        }
    }
}

/// The gaps by time. Lines that are missing at the end can't be detected.
pub(super) fn find(lines: &[Line]) -> Vec<Gap> {
    let mut seen: Vec<(u64, Micros)> =
        lines.iter().filter_map(|line| Some((line.seq.filter(|seq| *seq > 0)?, line.at))).collect();
    seen.sort_unstable();
    let mut gaps = Vec::new();
    let mut previous = (0, seen.first().map_or(0, |(_, at)| *at));
    for (seq, at) in seen {
        let (last, from) = previous;
        if seq > last + 1 {
            let missing = seq - 1 - last;
            gaps.push(Gap { first: last + 1, last: seq - 1, missing, from, to: at.max(from) });
        }
        previous = (seq, at);
    }
    // Sorting by `seq` does not sort by time if the clock was set back.
    gaps.sort_by_key(|gap| gap.from);
    gaps
}
