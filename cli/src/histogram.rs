//! Durations counted in buckets, so that a gigabyte of them takes a few kilobytes.

/// Each power of two is cut in so many: a percentile is off by 1.6% at most.
const PARTS: u64 = 32;
const PART_BITS: u32 = PARTS.trailing_zeros();

/// How often which duration, in microseconds, came up.
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

    /// The duration that this share of all does not exceed, in milliseconds.
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
                // The middle of the bucket, but nothing that never came up.
                return ((from + to) as f64 / 2.0).min(self.max as f64) / 1e3;
            }
        }
        0.0
    }

    /// How many lie in each of `columns` ranges between these durations, each as much longer than the
    /// one before.
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

/// Small values have a bucket each; from `2 * PARTS` on a power of two has `PARTS`.
fn bucket(value: u64) -> usize {
    if value < PARTS {
        return value as usize;
    }
    let power = value.ilog2() - PART_BITS;
    (u64::from(power) * PARTS + (value >> power)) as usize
}

/// The least and greatest value of a bucket.
fn bounds(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    if bucket < 2 * PARTS {
        return (bucket, bucket);
    }
    let power = bucket / PARTS - 1;
    let least = (bucket % PARTS + PARTS) << power;
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
