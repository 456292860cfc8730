//! Histogram of durations with a bounded relative error, so that a large log takes a few kilobytes.

/// Buckets per power of two. A percentile is off by at most half a bucket, 1.6 %.
const BUCKETS_PER_POWER: u64 = 32;
const BUCKET_BITS: u32 = BUCKETS_PER_POWER.trailing_zeros();

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
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        if rank == self.count {
            return self.max_ms();
        }
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let (from, to) = bounds(bucket);
                // The middle of the bucket, but never more than the exact maximum.
                return ((from + to) as f64 / 2.0).min(self.max as f64) / 1e3;
            }
        }
        0.0
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
}
