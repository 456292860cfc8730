//! The process clock: a monotonic [`Tick`] that converts to wall time.
//!
//! A step reads the clock twice. The second reading gives both its duration and the `ts` of its line, so that no
//! third reading is needed.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counter;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "no_counter.rs"]
mod counter;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A reading of the monotonic clock, in nanoseconds since the first reading of the process.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

/// How long a reading of the wall clock is reused. A change of the system time shows in `ts` after this time.
const RESYNC_NANOS: u64 = NANOS_PER_SECOND;

/// A thread that needs longer than this for two readings was suspended between them.
const SUSPENDED_NANOS: u64 = 20_000;

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The time of tick 0.
static ORIGIN: OnceLock<Instant> = OnceLock::new();
/// Wall time minus tick, in nanoseconds since 1970.
static WALL_OFFSET: AtomicI64 = AtomicI64::new(0);
/// The tick at which `WALL_OFFSET` becomes stale; 0 until it is first read.
static STALE_AT: AtomicU64 = AtomicU64::new(0);

impl Tick {
    /// Reads the clock.
    pub(crate) fn now() -> Self {
        match counter::now() {
            Some(nanos) => Tick(nanos),
            None => Self::from_system(),
        }
    }

    /// Reads the system's monotonic clock, which defines the ticks; the counter is calibrated against it.
    #[inline(never)]
    fn from_system() -> Self {
        let origin = ORIGIN.get_or_init(|| {
            let now = Instant::now();
            counter::begin(now);
            now
        });
        let nanos = nanos(origin.elapsed());
        counter::calibrate(nanos);
        Tick(nanos)
    }

    /// The reading as a number, for [`of_nanos`](Self::of_nanos).
    #[inline]
    pub(crate) fn nanos(self) -> u64 {
        self.0
    }

    pub(crate) fn of_nanos(nanos: u64) -> Self {
        Tick(nanos)
    }

    /// Nanoseconds from `earlier` to this tick; 0 if `earlier` is later.
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from `earlier` to this tick; zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// The wall time of this tick in milliseconds since 1970.
    pub(crate) fn unix_millis(self) -> u64 {
        let nanos = self.wall_offset().saturating_add_unsigned(self.0);
        u64::try_from(nanos / 1_000_000).unwrap_or_default()
    }

    /// Wall time minus tick, in nanoseconds since 1970; read again if it is stale at this tick.
    #[inline]
    pub(crate) fn wall_offset(self) -> i64 {
        if self.0 >= STALE_AT.load(Ordering::Acquire) {
            Self::resync();
        }
        WALL_OFFSET.load(Ordering::Acquire)
    }

    #[cold]
    fn resync() {
        counter::check(|| ORIGIN.get().map_or(0, |origin| nanos(origin.elapsed())));
        let (now, offset) = wall_offset_of(|| Tick::now().0, || unix_nanos(SystemTime::now()));
        WALL_OFFSET.store(offset, Ordering::Release);
        STALE_AT.store(now.saturating_add(RESYNC_NANOS), Ordering::Release);
    }
}

/// Reads both clocks, and returns the tick and wall time minus tick. If the thread was suspended between the readings,
/// reads them again, up to three times, and uses the closest ones.
fn wall_offset_of(mut tick: impl FnMut() -> u64, mut wall: impl FnMut() -> i64) -> (u64, i64) {
    let mut closest = u64::MAX;
    let mut result = (0, 0);
    for _ in 0..4 {
        let before = tick();
        let wall = wall();
        let after = tick();
        let between = after.saturating_sub(before);
        if between < closest {
            closest = between;
            result = (after, wall.saturating_sub_unsigned(before + between / 2));
        }
        if closest < SUSPENDED_NANOS {
            break;
        }
    }
    result
}

/// `Duration::as_nanos` in 64 bits, which last for 584 years: its 128-bit arithmetic is slower.
fn nanos(time: Duration) -> u64 {
    time.as_secs().wrapping_mul(NANOS_PER_SECOND) + u64::from(time.subsec_nanos())
}

/// Nanoseconds since 1970, negative before; saturates in the years 1677 and 2262.
pub(crate) fn unix_nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offset if each reading of the wall clock takes as long as named, and tick 0 is at 1 s.
    fn offset(nanos: &[u64]) -> i64 {
        let tick = std::cell::Cell::new(5);
        let mut nanos = nanos.iter();
        let wall = || {
            let half = nanos.next().expect("another reading") / 2;
            tick.set(tick.get() + half);
            let wall = 1_000_000_000 + i64::try_from(tick.get()).expect("fits");
            // The thread is suspended after the reading.
            tick.set(tick.get() + if half > 1000 { 3 * half } else { half });
            wall
        };
        wall_offset_of(|| tick.get(), wall).1
    }

    #[test]
    fn bug_a_thread_suspended_between_two_readings_shifted_ts() {
        assert_eq!(offset(&[100]), 1_000_000_000);
        assert_eq!(offset(&[20_000_000, 100]), 1_000_000_000);
        assert_eq!(offset(&[20_000_000, 8_000_000, 9_000_000, 100]), 1_000_000_000);
        // If it is suspended each time, the error is at most half of the shortest time.
        let shifted = offset(&[20_000_000, 8_000_000, 9_000_000, 9_000_000]);
        assert_eq!(shifted, 1_000_000_000 - 4_000_000);
    }
}
