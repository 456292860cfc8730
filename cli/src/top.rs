//! The top rows of a list of any length, in bounded memory.
//!
//! [`TopRows`] keeps the best rows seen so far and sorts only when its buffer is full, so adding a row is
//! amortised linear.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Micros;

/// Most rows that are kept.
const MAX_ROWS: usize = 50_000;
/// Most bytes that the kept rows may take.
const MAX_BYTES: usize = 32 << 20;

/// Sort key of a row; the greatest comes first.
pub(crate) type Rank = (bool, Micros);

/// A row that can be ranked against others.
pub(crate) trait RankedRow {
    fn rank(&self) -> Rank;
    /// Orders rows of the same rank.
    fn id(&self) -> &str;
    fn at(&self) -> Micros;
    /// Approximate memory use in bytes.
    fn size(&self) -> usize;
    /// Whether both rows come from the same line, which two input files may both contain.
    fn is_duplicate_of(&self, other: &Self) -> bool;
}

/// Collects rows and drops those that can't be in the result.
#[derive(Debug)]
pub(crate) struct TopRows<R> {
    rows: Vec<R>,
    limit: usize,
    /// Whether `finish` will exclude rows before a time that is not known yet.
    has_late_cutoff: bool,
    /// `prune` runs when there are this many rows.
    prune_at: usize,
    bytes: usize,
    /// The rank of the last row of a full list: rows below it can't be in the result.
    lowest: Option<Rank>,
    /// Rows that were dropped because of `MAX_ROWS` or `MAX_BYTES`.
    pub(crate) dropped: usize,
}

impl<R: RankedRow> TopRows<R> {
    pub(crate) fn new(limit: usize, has_late_cutoff: bool) -> Self {
        TopRows {
            rows: Vec::new(),
            limit,
            has_late_cutoff,
            prune_at: 2 * limit + 100,
            bytes: 0,
            lowest: None,
            dropped: 0,
        }
    }

    /// Whether a row of this rank would not make it into the list.
    pub(crate) fn excludes(&self, rank: Rank) -> bool {
        self.lowest.is_some_and(|lowest| rank < lowest)
    }

    pub(crate) fn add(&mut self, row: R) {
        self.bytes += row.size();
        self.rows.push(row);
        if self.rows.len() >= self.prune_at || self.bytes > 2 * MAX_BYTES {
            self.prune(Micros::MIN);
        }
    }

    /// Sorts the rows and drops duplicates, rows before `since`, and rows over the limits.
    fn prune(&mut self, since: Micros) {
        self.rows.retain(|row| row.at() >= since);
        // The time makes duplicates adjacent if several requests share an id.
        self.rows.sort_by(|a, b| {
            let key = (Reverse(a.rank()), a.id(), a.at());
            key.cmp(&(Reverse(b.rank()), b.id(), b.at()))
        });
        self.rows.dedup_by(|a, b| a.is_duplicate_of(b));
        if self.has_late_cutoff {
            keep_for_any_cutoff(&mut self.rows, self.limit);
        } else {
            self.rows.truncate(self.limit);
        }
        let mut bytes = 0;
        let mut fits = |row: &R| {
            bytes += row.size();
            bytes <= MAX_BYTES
        };
        let kept = self.rows.iter().take_while(|row| fits(row)).count().clamp(1, MAX_ROWS);
        self.dropped += self.rows.len().saturating_sub(kept);
        self.rows.truncate(kept);
        self.bytes = self.rows.iter().map(R::size).sum();
        self.prune_at = 2 * self.rows.len().max(self.limit) + 100;
        let is_full = !self.has_late_cutoff && self.rows.len() == self.limit;
        self.lowest = self.rows.last().filter(|_| is_full).map(R::rank);
    }

    /// The top rows among those from `since` on, sorted.
    pub(crate) fn finish(mut self, since: Micros) -> Vec<R> {
        self.prune(since);
        self.rows.truncate(self.limit);
        self.rows
    }
}

/// Keeps the rows that are in the top `limit` for at least one cutoff time. `rows` are sorted by rank.
///
/// A row is excluded for every cutoff if `limit` rows of a higher rank are at least as recent.
fn keep_for_any_cutoff<R: RankedRow>(rows: &mut Vec<R>, limit: usize) {
    let mut most_recent = BinaryHeap::new();
    rows.retain(|row| {
        let is_excluded = most_recent.len() >= limit
            && most_recent.peek().is_some_and(|Reverse(oldest)| *oldest >= row.at());
        if !is_excluded {
            most_recent.push(Reverse(row.at()));
            if most_recent.len() > limit {
                most_recent.pop();
            }
        }
        !is_excluded
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct TestRow(Micros, Micros);

    impl RankedRow for TestRow {
        fn rank(&self) -> Rank {
            (false, self.0)
        }
        fn id(&self) -> &'static str {
            ""
        }
        fn at(&self) -> Micros {
            self.1
        }
        fn size(&self) -> usize {
            16
        }
        fn is_duplicate_of(&self, other: &Self) -> bool {
            self == other
        }
    }

    /// Rows with pseudo-random ranks, one per time.
    fn random_rows() -> Vec<TestRow> {
        let mut state = 1_i64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40).rem_euclid(10_000)
        };
        (0..5_000).map(|at| TestRow(next(), at)).collect()
    }

    #[test]
    fn a_late_cutoff_gives_the_top_rows_of_the_whole_list() {
        for since in [0, 1, 2_500, 4_990, 4_999, 5_000] {
            let mut top = TopRows::new(7, true);
            for row in random_rows() {
                top.add(row);
            }
            assert!(top.rows.len() < 400, "{} rows are kept", top.rows.len());
            let mut all: Vec<_> =
                random_rows().into_iter().filter(|row| row.at() >= since).collect();
            all.sort_by_key(|row| Reverse(row.rank()));
            all.truncate(7);
            let ranks = |rows: Vec<TestRow>| rows.iter().map(RankedRow::rank).collect::<Vec<_>>();
            assert_eq!(ranks(top.finish(since)), ranks(all), "since {since}");
        }
    }

    #[test]
    fn duplicate_rows_are_listed_once() {
        let mut top = TopRows::new(3, false);
        for _ in 0..2 {
            for row in [TestRow(3, 1), TestRow(2, 1), TestRow(1, 1)] {
                top.add(row);
            }
        }
        assert_eq!(top.finish(Micros::MIN).len(), 3);
    }
}
