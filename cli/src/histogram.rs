//! Histogram of durations with a bounded relative error, so that a large log takes a few kilobytes.

/// Buckets per power of two. A percentile is off by at most half a bucket, 1.6 %.
const BUCKETS_PER_POWER: u64 = 32;
const BUCKET_BITS: u32 = BUCKETS_PER_POWER.trailing_zeros();

/// Half the width of a confidence interval of 95 %, in standard deviations.
pub(crate) const DEVIATIONS: f64 = 2.0;
/// Smaller relative changes of a percentile or share are not reported.
pub(crate) const MIN_CHANGE: f64 = 0.05;

/// Counts of durations in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, micros: u64) {
        let bucket = bucket(micros);
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(micros);
        self.max = self.max.max(micros);
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own += other);
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum_ms(&self) -> f64 {
        self.sum as f64 / 1e3
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.max as f64 / 1e3
    }

    /// The quantile `share` (0 to 1) in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let rank = self.rank(share);
        if rank == self.count {
            return self.max_ms();
        }
        let (from, to) = self.bounds_at(rank);
        // The middle of the bucket, but never more than the exact maximum.
        ((from + to) as f64 / 2.0).min(self.max as f64) / 1e3
    }

    /// The quantile `share`, if there are enough values for it. With fewer, it would only repeat the maximum: a p50
    /// needs 2 values, a p95 needs 20, and a p99 needs 100.
    pub(crate) fn percentile_ms(&self, share: f64) -> Option<f64> {
        (self.rank(share) < self.count).then(|| self.quantile_ms(share))
    }

    /// The relative change of a percentile from `earlier` to this histogram. `None` if it may be due to chance, or if
    /// one of them has too few values.
    ///
    /// A change counts if the confidence intervals of both percentiles are disjoint and the percentiles differ by at
    /// least `MIN_CHANGE`.
    pub(crate) fn change_since(&self, earlier: &Histogram, share: f64) -> Option<f64> {
        let (before, after) = (earlier.percentile_ms(share)?, self.percentile_ms(share)?);
        let (low_before, high_before) = earlier.interval_ms(share);
        let (low, high) = self.interval_ms(share);
        let change = after / before.max(0.001) - 1.0;
        let is_disjoint = low > high_before || high < low_before;
        (is_disjoint && change.abs() >= MIN_CHANGE).then_some(change)
    }

    /// The confidence interval of a quantile: the values whose ranks are `DEVIATIONS` standard deviations from its own.
    /// It needs no assumption on the distribution of the values.
    fn interval_ms(&self, share: f64) -> (f64, f64) {
        let rank = self.count as f64 * share;
        let margin = DEVIATIONS * (rank * (1.0 - share)).sqrt();
        let (low, high) = ((rank - margin).floor(), (rank + margin).ceil());
        let at = |rank: f64| self.bounds_at(rank as u64);
        let low = if low < 1.0 { 0.0 } else { at(low).0 as f64 / 1e3 };
        // There is no upper bound beyond the last value.
        let is_open = high > self.count as f64;
        let high = if is_open { f64::INFINITY } else { at(high).1 as f64 / 1e3 };
        (low, high)
    }

    /// The position of a quantile among the sorted values, from 1.
    fn rank(&self, share: f64) -> u64 {
        ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1))
    }

    /// The bounds of the bucket with the value at `rank`.
    fn bounds_at(&self, rank: u64) -> (u64, u64) {
        let mut seen = 0;
        let has_rank = |count: &u64| {
            seen += count;
            seen >= rank
        };
        self.buckets.iter().position(has_rank).map_or((0, 0), bounds)
    }

    /// Counts per column of a chart with a logarithmic axis from `from_ms` to `to_ms`.
    pub(crate) fn columns(&self, columns: usize, from_ms: f64, to_ms: f64) -> Vec<u64> {
        let mut counts = vec![0; columns];
        let (low, high) = (from_ms.max(0.001).ln(), to_ms.max(0.002).ln());
        for (bucket, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (from, to) = bounds(bucket);
            let middle = ((from + to) as f64 / 2e3).max(0.001).ln();
            let share = if high > low { (middle - low) / (high - low) } else { 0.0 };
            let column = (share.clamp(0.0, 1.0) * columns as f64) as usize;
            counts[column.min(columns - 1)] += count;
        }
        counts
    }
}

/// The index of a value's bucket: values below `2 * BUCKETS_PER_POWER` have a bucket each, above that each power of
/// two has `BUCKETS_PER_POWER`.
fn bucket(value: u64) -> usize {
    if value < BUCKETS_PER_POWER {
        return value as usize;
    }
    let power = value.ilog2() - BUCKET_BITS;
    (u64::from(power) * BUCKETS_PER_POWER + (value >> power)) as usize
}

/// The smallest and largest value of a bucket.
fn bounds(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    if bucket < 2 * BUCKETS_PER_POWER {
        return (bucket, bucket);
    }
    let power = bucket / BUCKETS_PER_POWER - 1;
    let least = (bucket % BUCKETS_PER_POWER + BUCKETS_PER_POWER) << power;
    (least, least + ((1 << power) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_follow_each_other() {
        let values = (0..5_000).chain((12..50).flat_map(|power| {
            let value = 1_u64 << power;
            [value - 1, value, value + 1, value + value / 3]
        }));
        for value in values {
            let (from, to) = bounds(bucket(value));
            assert!(from <= value && value <= to, "{value} is not in {from}..={to}");
        }
        for bucket in 0..1_000 {
            assert_eq!(bounds(bucket).1 + 1, bounds(bucket + 1).0);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values_to_two_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|value| histogram.add(value * 7));
        for share in [0.5, 0.95, 0.99, 1.0] {
            let exact = 70.0 * share;
            let found = histogram.quantile_ms(share);
            assert!((found / exact - 1.0).abs() < 0.02, "{found} for {exact}");
        }
        assert_eq!(histogram.count(), 10_000);
        assert!((histogram.max_ms() - 70.0).abs() < 1e-9);
    }

    /// `count` values from 1 to 1000 µs, times `factor`.
    fn spread(count: u64, factor: u64) -> Histogram {
        let mut histogram = Histogram::default();
        (0..count).for_each(|value| histogram.add((value * 7_919 % 1_000 + 1) * factor));
        histogram
    }

    #[test]
    fn a_percentile_needs_so_many_values_that_it_is_not_the_maximum() {
        for (share, least) in [(0.5, 2), (0.9, 10), (0.95, 20), (0.99, 100)] {
            assert_eq!(spread(least - 1, 1).percentile_ms(share), None, "{share}");
            assert!(spread(least, 1).percentile_ms(share).is_some(), "{share}");
        }
        assert_eq!(Histogram::default().percentile_ms(0.5), None);
    }

    #[test]
    fn a_change_is_one_only_if_chance_can_t_explain_it() {
        let doubled = spread(1_000, 2).change_since(&spread(1_000, 1), 0.5).expect("a change");
        assert!((doubled - 1.0).abs() < 0.05, "{doubled}");
        let halved = spread(1_000, 1).change_since(&spread(1_000, 2), 0.99).expect("a change");
        assert!((halved + 0.5).abs() < 0.05, "{halved}");
        // Twice as much, but of five values.
        assert_eq!(spread(5, 2).change_since(&spread(5, 1), 0.5), None);
        // A p99 of 100 values is the second largest of them: the next log may have any other.
        assert_eq!(spread(100, 2).change_since(&spread(100, 1), 0.99), None);
        // Four percent of many values is not chance, but is below `MIN_CHANGE`.
        assert_eq!(spread(1_000_000, 104).change_since(&spread(1_000_000, 100), 0.5), None);
    }
}
