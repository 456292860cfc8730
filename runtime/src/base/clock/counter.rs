//! The processor's time stamp counter (TSC), which takes a third of the time of a system clock reading.
//!
//! The counter is used only if the kernel itself keeps time by it, which it does if the counter has a constant rate and
//! is the same on all cores. Its rate is measured over the first second of the process, in which the system clock is
//! read instead. Every second afterwards [`check`] compares the two clocks, and gives the counter up permanently if
//! they disagree.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

/// How long the rate is measured: long compared with a reading, so that the error of one is small.
const CALIBRATION: Duration = Duration::from_secs(1);

/// The counter is given up if it differs from the system clock by more than this, plus one part in [`STEERING`] of the
/// time since the origin.
const MAX_NANOS_OFF: u64 = 1_000_000;

/// NTP may steer the system clock by up to half of this part, for as long as the process runs.
const STEERING: u64 = 1000;

/// Counts by which the counters of two cores may differ; less than a millisecond at any rate.
const MAX_COUNTS_BEHIND: u64 = 1 << 19;

/// Set by the first reading of the clock; `None` inside if the counter must not be used.
static BASELINE: OnceLock<Option<Baseline>> = OnceLock::new();
static RATE: SharedRate = SharedRate {
    count: AtomicU64::new(0),
    nanos: AtomicU64::new(0),
    nanos_per_count: AtomicU64::new(0),
};

/// The origin of all ticks, and the first pair of readings.
#[derive(Debug)]
struct Baseline {
    origin: Instant,
    first: ReadingPair,
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
struct ReadingPair {
    at: Instant,
    count: u64,
}

/// Converts counts to nanoseconds.
#[derive(Debug)]
struct Rate {
    /// The counter when the rate was measured, and the nanoseconds since the origin at that moment.
    count: u64,
    nanos: u64,
    /// Nanoseconds per count, times 2³².
    nanos_per_count: u64,
}

/// The [`Rate`], without a lock because every reading of the clock needs it. It is set once.
#[derive(Debug)]
struct SharedRate {
    count: AtomicU64,
    nanos: AtomicU64,
    /// 0 before the calibration, and after the counter was given up.
    nanos_per_count: AtomicU64,
}

impl SharedRate {
    #[inline]
    fn get(&self) -> Option<Rate> {
        // Pairs with the `Release` store in `set`, which is the last of the three: if it is seen, so are the others.
        let nanos_per_count = self.nanos_per_count.load(Ordering::Acquire);
        (nanos_per_count != 0).then(|| Rate {
            count: self.count.load(Ordering::Relaxed),
            nanos: self.nanos.load(Ordering::Relaxed),
            nanos_per_count,
        })
    }

    fn set(&self, rate: &Rate) {
        self.count.store(rate.count, Ordering::Relaxed);
        self.nanos.store(rate.nanos, Ordering::Relaxed);
        self.nanos_per_count.store(rate.nanos_per_count, Ordering::Release);
    }

    /// Gives the counter up for the rest of the process.
    #[cold]
    fn clear(&self) {
        self.nanos_per_count.store(0, Ordering::Release);
    }
}

/// Nanoseconds since the origin, or `None` if the counter is not calibrated or was given up.
#[inline]
pub(super) fn now() -> Option<u64> {
    let nanos = RATE.get()?.nanos_at(count());
    if nanos.is_none() {
        RATE.clear();
    }
    nanos
}

/// Takes the first pair of readings, right after `origin` was read.
pub(super) fn begin(origin: Instant) {
    let current = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let is_tsc = fs::read_to_string(current).is_ok_and(|source| source.trim() == "tsc");
    let _ = BASELINE.set(is_tsc.then(|| Baseline { origin, first: ReadingPair::take(origin) }));
}

/// Measures the rate, once, when `nanos` since the origin are enough for it.
pub(super) fn calibrate(nanos: u64) {
    static DONE: Once = Once::new();
    if u128::from(nanos) < CALIBRATION.as_nanos() || DONE.is_completed() {
        return;
    }
    let Some(Some(baseline)) = BASELINE.get() else { return };
    DONE.call_once(|| {
        let now = ReadingPair::take(Instant::now());
        let nanos = now.at.duration_since(baseline.origin).as_nanos();
        RATE.set(&Rate::between(baseline.first, now, u64::try_from(nanos).unwrap_or(u64::MAX)));
    });
}

/// Gives the counter up if it disagrees with the system clock, which `system` reads in nanoseconds since the origin.
pub(super) fn check(system: impl Fn() -> u64) {
    let is_off = |counted: u64| {
        let system = system();
        system.abs_diff(counted) > MAX_NANOS_OFF + system / STEERING
    };
    // Twice, because the thread may be suspended between the readings of the two clocks.
    if now().is_some_and(is_off) && now().is_some_and(is_off) {
        RATE.clear();
    }
}

impl Rate {
    /// The rate between two pairs of readings; `nanos` since the origin is the time of the second one.
    fn between(first: ReadingPair, second: ReadingPair, nanos: u64) -> Self {
        let counts = second.count.wrapping_sub(first.count).max(1);
        let nanos_per_count =
            (second.at.duration_since(first.at).as_nanos() << 32) / u128::from(counts);
        let nanos_per_count = u64::try_from(nanos_per_count).unwrap_or(u64::MAX);
        Rate { count: second.count, nanos, nanos_per_count }
    }

    /// Nanoseconds since the origin at `count`, or `None` if the counter was reset.
    #[inline]
    fn nanos_at(&self, count: u64) -> Option<u64> {
        // This core may be some counts behind the one that measured the rate. A counter that starts again, after
        // suspend or in a copy of a virtual machine, is far behind.
        let counts = match count.checked_sub(self.count) {
            Some(counts) => counts,
            None if self.count - count < MAX_COUNTS_BEHIND => 0,
            None => return None,
        };
        let nanos = (u128::from(counts) * u128::from(self.nanos_per_count)) >> 32;
        // 64 bits of nanoseconds last for 584 years.
        Some(self.nanos.wrapping_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

impl ReadingPair {
    /// Reads both clocks a few times and keeps the pair with the least time between its readings. `first` is a
    /// reading of the system clock just before this call.
    fn take(first: Instant) -> Self {
        let mut best = ReadingPair { at: first, count: count() };
        let mut width = u64::MAX;
        for _ in 0..8 {
            let before = count();
            let at = Instant::now();
            let after = count();
            let between = after.wrapping_sub(before);
            if between < width {
                width = between;
                best = ReadingPair { at, count: before + between / 2 };
            }
        }
        best
    }
}

#[inline]
#[expect(unsafe_code, reason = "half of what a step costs beyond its line is reading the clock")]
fn count() -> u64 {
    // SAFETY: `rdtsc` is part of the base instruction set of x86-64, and this module is compiled for x86-64 only. It
    // has no precondition and does not access memory. In a process that has disabled it (`PR_SET_TSC`), it raises a
    // signal.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_rate_follows_the_system_clock() {
        let first = ReadingPair::take(Instant::now());
        std::thread::sleep(Duration::from_millis(50));
        let now = ReadingPair::take(Instant::now());
        let nanos = u64::try_from((now.at - first.at).as_nanos()).expect("50 ms");
        let rate = Rate::between(first, now, nanos);
        assert_eq!(rate.nanos_at(now.count), Some(nanos));
        assert_eq!(rate.nanos_at(now.count - 1), Some(nanos), "never back");
        assert_eq!(rate.nanos_at(now.count - (1 << 30)), None, "reset");
        let twice = rate.nanos_at(now.count + (now.count - first.count)).expect("ahead");
        assert!(twice.abs_diff(2 * nanos) < 10, "{twice} is not twice {nanos}");
        // A century at four counts a nanosecond.
        let century = 100 * 365 * 86_400 * 1_000_000_000;
        let fast = Rate { count: 0, nanos: 0, nanos_per_count: 1 << 30 };
        assert_eq!(fast.nanos_at(century * 4), Some(century));
    }
}
