//! The first so many rows of a list, out of any number of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::read::time::Micros;

/// Rows that are kept at most.
const MOST_ROWS: usize = 50_000;
/// Bytes of the lines that are kept at most.
const MOST_BYTES: usize = 32 << 20;

/// Where a row stands: the greatest comes first.
pub(crate) type Rank = (bool, Micros);

/// A row of the list.
pub(crate) trait Row {
    fn rank(&self) -> Rank;
    /// Tells rows of the same rank apart.
    fn id(&self) -> &str;
    fn at(&self) -> Micros;
    /// About how much memory it takes.
    fn size(&self) -> usize;
    fn is_same(&self, other: &Self) -> bool;
}

/// Collects rows, and forgets those that can't be among the first.
#[derive(Debug)]
pub(crate) struct First<R> {
    rows: Vec<R>,
    most: usize,
    /// Whether only the latest will be asked for, from a time on that is not known yet.
    is_since: bool,
    /// How many rows there are when it is time to sort again.
    full: usize,
    bytes: usize,
    /// What the last has, once there are enough.
    least: Option<Rank>,
    /// Rows that might have been among the first and found no room.
    pub(crate) lost: usize,
}

impl<R: Row> First<R> {
    pub(crate) fn new(most: usize, is_since: bool) -> Self {
        let full = 2 * most + 100;
        First { rows: Vec::new(), most, is_since, full, bytes: 0, least: None, lost: 0 }
    }

    /// Whether a row of this rank would be cut off again.
    pub(crate) fn is_beyond(&self, rank: Rank) -> bool {
        self.least.is_some_and(|least| rank < least)
    }

    pub(crate) fn add(&mut self, row: R) {
        self.bytes += row.size();
        self.rows.push(row);
        // Now and then is enough, and sorting is linear then.
        if self.rows.len() >= self.full || self.bytes > 2 * MOST_BYTES {
            self.settle(Micros::MIN);
        }
    }

    fn settle(&mut self, since: Micros) {
        self.rows.retain(|row| row.at() >= since);
        self.rows.sort_by(|a, b| (Reverse(a.rank()), a.id()).cmp(&(Reverse(b.rank()), b.id())));
        // The same line in two files.
        self.rows.dedup_by(|a, b| a.is_same(b));
        if self.is_since {
            keep_latest(&mut self.rows, self.most);
        } else {
            self.rows.truncate(self.most);
        }
        let mut bytes = 0;
        let mut fits = |row: &R| {
            bytes += row.size();
            bytes <= MOST_BYTES
        };
        let room = self.rows.iter().take_while(|row| fits(row)).count().clamp(1, MOST_ROWS);
        self.lost += self.rows.len().saturating_sub(room);
        self.rows.truncate(room);
        self.bytes = self.rows.iter().map(R::size).sum();
        self.full = 2 * self.rows.len().max(self.most) + 100;
        let is_full = !self.is_since && self.rows.len() == self.most;
        self.least = self.rows.last().filter(|_| is_full).map(R::rank);
    }

    /// The first of those from `since` on, in their order.
    pub(crate) fn finish(mut self, since: Micros) -> Vec<R> {
        self.settle(since);
        self.rows.truncate(self.most);
        self.rows
    }
}

/// Of rows in their order, those that are among the first `most` of all that are no older than some
/// time: a row is not where so many that stand before it are no older than it.
fn keep_latest<R: Row>(rows: &mut Vec<R>, most: usize) {
    let mut latest = BinaryHeap::new();
    rows.retain(|row| {
        let is_out = latest.len() >= most
            && latest.peek().is_some_and(|Reverse(oldest)| *oldest >= row.at());
        if !is_out {
            latest.push(Reverse(row.at()));
            if latest.len() > most {
                latest.pop();
            }
        }
        !is_out
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Number(Micros, Micros);

    impl Row for Number {
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
        fn is_same(&self, other: &Self) -> bool {
            self == other
        }
    }

    /// Ranks that look as if they were thrown, at one time each.
    fn thrown() -> Vec<Number> {
        let mut state = 1_i64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40).rem_euclid(10_000)
        };
        (0..5_000).map(|at| Number(next(), at)).collect()
    }

    #[test]
    fn the_first_from_any_time_on_are_those_of_the_whole_list() {
        for since in [0, 1, 2_500, 4_990, 4_999, 5_000] {
            let mut first = First::new(7, true);
            for row in thrown() {
                first.add(row);
            }
            assert!(first.rows.len() < 400, "{} rows are kept", first.rows.len());
            let mut all: Vec<_> = thrown().into_iter().filter(|row| row.at() >= since).collect();
            all.sort_by_key(|row| Reverse(row.rank()));
            all.truncate(7);
            let ranks = |rows: Vec<Number>| rows.iter().map(Row::rank).collect::<Vec<_>>();
            assert_eq!(ranks(first.finish(since)), ranks(all), "since {since}");
        }
    }

    #[test]
    fn a_row_that_comes_twice_is_one_row() {
        let mut first = First::new(3, false);
        for _ in 0..2 {
            for row in [Number(3, 1), Number(2, 1), Number(1, 1)] {
                first.add(row);
            }
        }
        assert_eq!(first.finish(Micros::MIN).len(), 3);
    }
}
