//! Numbers that are missing among the lines of one request at one service: lines that were lost.

use std::fmt;

use crate::line::Line;
use crate::read::time::Micros;

/// Lines that were written and are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) missing: u64,
    /// When the lines before and after it were written.
    pub(crate) from: Micros,
    pub(crate) to: Micros,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.missing == 1 {
            write!(f, "1 line missing (seq {})", self.first)
        } else {
            write!(f, "{} lines missing (seq {}–{})", self.missing, self.first, self.last)
        }
    }
}

/// The gaps in `seq`, in their order. What is missing at the end leaves no trace in numbers.
pub(super) fn find(lines: &[Line]) -> Vec<Gap> {
    let mut seen: Vec<(u64, Micros)> =
        lines.iter().filter_map(|line| Some((line.seq.filter(|seq| *seq > 0)?, line.at))).collect();
    seen.sort_unstable();
    let mut gaps = Vec::new();
    let mut before = (0, seen.first().map_or(0, |(_, at)| *at));
    for (seq, at) in seen {
        let (last, from) = before;
        if seq > last + 1 {
            let missing = seq - 1 - last;
            gaps.push(Gap { first: last + 1, last: seq - 1, missing, from, to: at.max(from) });
        }
        before = (seq, at);
    }
    // Where clocks were set back, numbers and times differ in their order.
    gaps.sort_by_key(|gap| gap.from);
    gaps
}
