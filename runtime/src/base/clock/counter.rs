//! The processor's time stamp counter, a third of the cost of a reading of the system's clock.
//!
//! It is used where the kernel itself keeps time by it, which it does where the counter is constant and
//! the same on all cores. Its rate is learned from the first second of the process, in which the
//! system's clock is read, and compared with that clock every second afterwards.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

/// How long the rate is learned: long beside the time that a reading takes.
const LEARNING: Duration = Duration::from_secs(1);

/// A counter that is this far off is not trusted any more.
const MOST_NANOS_OFF: u64 = 1_000_000;

/// Beyond that, one part in so many: the system's clock is steered by others' clocks, for ever by up to
/// a half of this.
const STEERED: u64 = 1000;

/// Less than a millisecond of any counter there is.
const MOST_COUNTS_BEHIND: u64 = 1 << 19;

static BEGAN: OnceLock<Option<Began>> = OnceLock::new();
static RATE: Known =
    Known { count: AtomicU64::new(0), nanos: AtomicU64::new(0), nanos_a_count: AtomicU64::new(0) };

/// The origin of all ticks, and the first reading after it.
#[derive(Debug)]
struct Began {
    origin: Instant,
    first: Reading,
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    count: u64,
}

/// Nanoseconds since the origin at a count, and how many a count is: times 2³².
#[derive(Debug)]
struct Rate {
    count: u64,
    nanos: u64,
    nanos_a_count: u64,
}

/// The rate, as far as it is known; without any lock, since every reading of the clock needs it.
#[derive(Debug)]
struct Known {
    count: AtomicU64,
    nanos: AtomicU64,
    /// 0 until it is known, and where it is not trusted any more.
    nanos_a_count: AtomicU64,
}

impl Known {
    #[inline]
    fn get(&self) -> Option<Rate> {
        // The last one that is set: where it is seen, the others are.
        let nanos_a_count = self.nanos_a_count.load(Ordering::Acquire);
        (nanos_a_count != 0).then(|| Rate {
            count: self.count.load(Ordering::Relaxed),
            nanos: self.nanos.load(Ordering::Relaxed),
            nanos_a_count,
        })
    }

    fn set(&self, rate: &Rate) {
        self.count.store(rate.count, Ordering::Relaxed);
        self.nanos.store(rate.nanos, Ordering::Relaxed);
        self.nanos_a_count.store(rate.nanos_a_count, Ordering::Release);
    }

    /// Leaves the counter for good.
    #[cold]
    fn distrust(&self) {
        self.nanos_a_count.store(0, Ordering::Release);
    }
}

/// Nanoseconds since the origin, where the counter is known and trusted.
#[inline]
pub(super) fn now() -> Option<u64> {
    let nanos = RATE.get()?.nanos_at(count());
    if nanos.is_none() {
        RATE.distrust();
    }
    nanos
}

/// Takes the first reading, beside the origin.
pub(super) fn begin(origin: Instant) {
    let current = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let is_kept = fs::read_to_string(current).is_ok_and(|source| source.trim() == "tsc");
    let _ = BEGAN.set(is_kept.then(|| Began { origin, first: Reading::nearest(origin) }));
}

/// Learns the rate once enough time has passed since the first reading; `nanos` have since the origin.
pub(super) fn learn(nanos: u64) {
    static LEARNED: Once = Once::new();
    if u128::from(nanos) < LEARNING.as_nanos() || LEARNED.is_completed() {
        return;
    }
    let Some(Some(began)) = BEGAN.get() else { return };
    LEARNED.call_once(|| {
        let now = Reading::nearest(Instant::now());
        let passed = super::nanos(now.at.duration_since(began.first.at));
        let counted = now.count.wrapping_sub(began.first.count).max(1);
        let nanos_a_count = (u128::from(passed) << 32) / u128::from(counted);
        RATE.set(&Rate {
            count: now.count,
            nanos: super::nanos(now.at.duration_since(began.origin)),
            nanos_a_count: u64::try_from(nanos_a_count).unwrap_or(u64::MAX),
        });
    });
}

/// Leaves the counter for good where the system's clock, in nanoseconds since the origin, says something
/// else.
pub(super) fn check(system: impl Fn() -> u64) {
    let is_off = |counted: u64| {
        let system = system();
        system.abs_diff(counted) > MOST_NANOS_OFF + system / STEERED
    };
    // Between two readings the thread may have had to wait.
    if now().is_some_and(is_off) && now().is_some_and(is_off) {
        RATE.distrust();
    }
}

impl Rate {
    #[inline]
    fn nanos_at(&self, count: u64) -> Option<u64> {
        // A core may be some counts behind the one the rate was learned on; a counter that began anew,
        // after a sleep or in a copy of the machine, is far behind.
        let counts = match count.checked_sub(self.count) {
            Some(counts) => counts,
            None if self.count - count < MOST_COUNTS_BEHIND => 0,
            None => return None,
        };
        let nanos = (u128::from(counts) * u128::from(self.nanos_a_count)) >> 32;
        // 584 years fit.
        Some(self.nanos.wrapping_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl Reading {
    /// The count of a moment that has just been, or of one that is nearer: the pair of readings that lie
    /// closest together among a few.
    fn nearest(first: Instant) -> Self {
        let mut best = Reading { at: first, count: count() };
        let mut width = u64::MAX;
        for _ in 0..8 {
            let before = count();
            let at = Instant::now();
            let after = count();
            let between = after.wrapping_sub(before);
            if between < width {
                width = between;
                best = Reading { at, count: before + between / 2 };
            }
        }
        best
    }
}

#[inline]
#[expect(unsafe_code, reason = "half of what a step costs beyond its line is reading the clock")]
fn count() -> u64 {
    // SAFETY: the instruction is part of x86-64 and touches no memory; Linux lets programs use it unless
    // they ask not to be allowed.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{NANOS_A_SECOND, nanos};

    #[test]
    fn the_learned_rate_follows_the_systems_clock() {
        let began = Reading::nearest(Instant::now());
        std::thread::sleep(Duration::from_millis(50));
        let now = Reading::nearest(Instant::now());
        let counted = now.count - began.count;
        let passed = nanos(now.at - began.at);
        let rate = Rate {
            count: now.count,
            nanos: passed,
            nanos_a_count: u64::try_from((u128::from(passed) << 32) / u128::from(counted))
                .expect("below 2^32 ns a count"),
        };
        assert_eq!(rate.nanos_at(now.count), Some(passed));
        assert_eq!(rate.nanos_at(now.count - 1), Some(passed), "never back");
        assert_eq!(rate.nanos_at(now.count - (1 << 30)), None, "began anew");
        let twice = rate.nanos_at(now.count + counted).expect("ahead");
        assert!(twice.abs_diff(2 * passed) < 10, "{twice} is not twice {passed}");
        // A century at four counts a nanosecond.
        let century = 100 * 365 * 86_400 * NANOS_A_SECOND;
        let fast = Rate { count: 0, nanos: 0, nanos_a_count: 1 << 30 };
        assert_eq!(fast.nanos_at(century * 4), Some(century));
    }
}
