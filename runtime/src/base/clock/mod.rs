//! The one source of time: a monotonic tick, and the wall time that belongs to it.
//!
//! A step reads the clock twice; the second reading is also its line's `ts`, since a tick knows its
//! wall time.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counter;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "no_counter.rs"]
mod counter;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::json::append::{Pieces, append};

/// A reading of the monotonic clock, in nanoseconds since the process first asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

/// How long a wall clock reading is trusted before it is taken again; a clock that was set shows up
/// in `ts` after this time.
const RESYNC_NANOS: u64 = 1_000_000_000;

const NANOS_A_SECOND: u64 = 1_000_000_000;

static ORIGIN: OnceLock<Instant> = OnceLock::new();
/// Wall time minus tick, in nanoseconds since 1970.
static WALL_OFFSET: AtomicI64 = AtomicI64::new(0);
/// The tick at which `WALL_OFFSET` is stale; 0 before the first reading.
static STALE_AT: AtomicU64 = AtomicU64::new(0);

impl Tick {
    /// Reads the clock.
    pub(crate) fn now() -> Self {
        match counter::now() {
            Some(nanos) => Tick(nanos),
            None => Self::of_the_system(),
        }
    }

    /// The reading that all others are measured against.
    #[inline(never)]
    fn of_the_system() -> Self {
        let origin = ORIGIN.get_or_init(|| {
            let now = Instant::now();
            counter::begin(now);
            now
        });
        let nanos = nanos(origin.elapsed());
        counter::learn(nanos);
        Tick(nanos)
    }

    /// The reading as a number, which [`of_nanos`](Self::of_nanos) takes.
    pub(crate) fn nanos(self) -> u64 {
        self.0
    }

    pub(crate) fn of_nanos(nanos: u64) -> Self {
        Tick(nanos)
    }

    /// Nanoseconds from an earlier tick to this one; zero where it is no earlier one.
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Time from an earlier tick to this one.
    pub(crate) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// The wall time of this tick.
    #[inline]
    pub(crate) fn wall(self) -> Timestamp {
        let nanos = self.wall_offset().saturating_add_unsigned(self.0);
        Timestamp { micros: nanos.div_euclid(1000) }
    }

    /// Wall time minus ticks, as it is at this one.
    #[inline]
    fn wall_offset(self) -> i64 {
        if self.0 >= STALE_AT.load(Ordering::Acquire) {
            Self::resync();
        }
        WALL_OFFSET.load(Ordering::Acquire)
    }

    /// The wall time of this tick behind a text, which stays the same for its owner.
    #[inline]
    pub(crate) fn behind<'a>(self, before: &str, owner: u64, known: &'a mut Calendar) -> Shown<'a> {
        known.show(self, self.wall_offset(), owner, before)
    }

    #[cold]
    fn resync() {
        counter::check(|| ORIGIN.get().map_or(0, |origin| nanos(origin.elapsed())));
        let wall = nanos_since_epoch(SystemTime::now());
        // Taken now, not at the tick: what lies between the two is no difference of the clocks.
        let now = Tick::now().0;
        WALL_OFFSET.store(wall.saturating_sub_unsigned(now), Ordering::Release);
        STALE_AT.store(now.saturating_add(RESYNC_NANOS), Ordering::Release);
    }
}

/// In 64 bits, which last for 584 years, since `as_nanos` computes in 128.
fn nanos(time: Duration) -> u64 {
    time.as_secs().wrapping_mul(NANOS_A_SECOND) + u64::from(time.subsec_nanos())
}

fn nanos_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}

/// A point in wall time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp {
    micros: i64,
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Timestamp { micros: nanos_since_epoch(time).div_euclid(1000) }
    }
}

/// `2026-11-22T10:14:12` is as long as this for the years 0 to 9999.
const CALENDAR: usize = 19;

/// The second whose calendar part was written last, for whom, and that part behind a text of theirs.
#[derive(Debug)]
pub(crate) struct Calendar {
    /// The tick at which the second began, which may be before there were any.
    from: u64,
    /// Wall time minus ticks then.
    offset: i64,
    owner: u64,
    text: String,
}

impl Default for Calendar {
    fn default() -> Self {
        // No clock has that offset.
        Calendar { from: 0, offset: i64::MIN, owner: 0, text: String::new() }
    }
}

impl Timestamp {
    /// Milliseconds since 1970; zero before.
    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.micros / 1000).unwrap_or_default()
    }

    /// Appends RFC 3339, UTC, microseconds: `2026-11-22T10:14:12.123456Z`.
    pub(crate) fn write(self, out: &mut String) {
        let calendar = calendar(self.micros.div_euclid(1_000_000));
        let micros = u32::try_from(self.micros.rem_euclid(1_000_000)).unwrap_or_default();
        let shown = Shown { calendar: &calendar, micros };
        append(out, shown.room(), |pieces| shown.write(pieces));
    }
}

impl Calendar {
    /// A tick, under an offset of the wall clock.
    #[inline]
    fn show(&mut self, tick: Tick, offset: i64, owner: u64, before: &str) -> Shown<'_> {
        let passed = |from: u64| tick.0.wrapping_sub(from);
        if passed(self.from) >= NANOS_A_SECOND || (self.offset, self.owner) != (offset, owner) {
            self.begin(tick, offset, owner, before);
        }
        let micros = u32::try_from(passed(self.from) / 1000).unwrap_or_default();
        Shown { calendar: &self.text, micros }
    }

    /// Another second, of which a tick is part.
    #[cold]
    fn begin(&mut self, tick: Tick, offset: i64, owner: u64, before: &str) {
        let wall = offset.saturating_add_unsigned(tick.0);
        let passed = wall.rem_euclid(NANOS_A_SECOND.cast_signed());
        let text = format!("{before}{}", calendar(wall.div_euclid(NANOS_A_SECOND.cast_signed())));
        *self = Calendar { from: tick.0.wrapping_sub(passed.cast_unsigned()), offset, owner, text };
    }
}

/// A point in wall time, ready to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// Up to the second.
    calendar: &'a str,
    micros: u32,
}

impl Shown<'_> {
    /// How many bytes it is.
    #[inline]
    pub(crate) fn room(self) -> usize {
        self.calendar.len() + ".123456Z".len()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(crate) fn write(self, pieces: &mut Pieces<'_>) {
        pieces.put(self.calendar);
        pieces.millionths_of_utc(self.micros);
    }
}

fn calendar(second: i64) -> String {
    let printed = jiff::Timestamp::from_second(second)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    // A year of more digits is beyond what readers of `ts` take.
    printed
        .ok()
        .filter(|text| text.len() == CALENDAR)
        .unwrap_or_else(|| "1970-01-01T00:00:00".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_behind_a_text_shows_its_wall_time() {
        let mut known = Calendar::default();
        let now = Tick::now().0 + 3 * NANOS_A_SECOND;
        let passed = [0, 1, 999, 1000, 999_999_999, NANOS_A_SECOND, 1_500_000_000, 61_000_000_000];
        for passed in passed.into_iter().chain((0..3000).map(|step| step * 7_777_777)) {
            for tick in [now + passed, now.saturating_sub(passed)].map(Tick) {
                let mut shown = String::new();
                let time = tick.behind("at ", 1, &mut known);
                append(&mut shown, time.room(), |pieces| time.write(pieces));
                let micros = known.offset.saturating_add_unsigned(tick.0).div_euclid(1000);
                let mut wall = String::from("at ");
                Timestamp { micros }.write(&mut wall);
                assert_eq!(shown, wall);
            }
        }
    }

    #[test]
    fn a_second_is_shown_anew_for_another_owner_and_after_the_clock_was_set() {
        let at = Tick(5 * NANOS_A_SECOND + 42_000);
        let mut known = Calendar::default();
        let mut shown = |offset: i64, owner: u64, before: &str| {
            let time = known.show(at, offset, owner, before);
            let mut out = String::new();
            append(&mut out, time.room(), |pieces| time.write(pieces));
            out
        };
        assert_eq!(shown(0, 1, "a"), "a1970-01-01T00:00:05.000042Z");
        assert_eq!(shown(0, 2, "b"), "b1970-01-01T00:00:05.000042Z");
        assert_eq!(shown(-6_000_000_000, 2, "b"), "b1969-12-31T23:59:59.000042Z");
        assert_eq!(shown(86_400_000_000_000, 2, "b"), "b1970-01-02T00:00:05.000042Z");
    }
}
