//! Times as RFC 3339 text in UTC with microseconds: `2026-11-22T10:14:12.123456Z`.
//!
//! Formatting the date is slow and its result holds for a second, so [`TimestampCache`] keeps it.

use std::time::SystemTime;

use super::append::{Appender, append};
use crate::base::clock::{self, NANOS_PER_SECOND, Tick};

/// The length of `2026-11-22T10:14:12`, for the years 0 to 9999.
const SECOND_LEN: usize = 19;

/// Appends `time`.
pub(crate) fn write(time: SystemTime, out: &mut String) {
    write_nanos(clock::unix_nanos(time), out);
}

fn write_nanos(unix_nanos: i64, out: &mut String) {
    let nanos_per_second = NANOS_PER_SECOND.cast_signed();
    let text = second(unix_nanos.div_euclid(nanos_per_second));
    let micros = u32::try_from(unix_nanos.rem_euclid(nanos_per_second) / 1000).unwrap_or_default();
    let timestamp = Timestamp { text: &text, micros };
    append(out, timestamp.room(), |pieces| timestamp.write(pieces));
}

/// The text of the second that was rendered last, after the prefix of its owner.
#[derive(Debug)]
pub(crate) struct TimestampCache {
    /// The tick at which the second began; wraps if that is before tick 0.
    start: u64,
    /// Wall time minus tick in that second.
    wall_offset: i64,
    /// Identifies the prefix, so that it need not be compared.
    owner: u64,
    text: String,
}

impl Default for TimestampCache {
    fn default() -> Self {
        // No clock has this offset, so the first call renders.
        TimestampCache { start: 0, wall_offset: i64::MIN, owner: 0, text: String::new() }
    }
}

impl TimestampCache {
    /// The wall time of `tick` after `prefix`, which has to be the same text for the same `owner`.
    #[inline]
    pub(crate) fn get(&mut self, tick: Tick, owner: u64, prefix: &str) -> Timestamp<'_> {
        self.get_at(tick, tick.wall_offset(), owner, prefix)
    }

    #[inline]
    fn get_at(&mut self, tick: Tick, wall_offset: i64, owner: u64, prefix: &str) -> Timestamp<'_> {
        let since = |start: u64| tick.nanos().wrapping_sub(start);
        if since(self.start) >= NANOS_PER_SECOND
            || (self.wall_offset, self.owner) != (wall_offset, owner)
        {
            self.render(tick, wall_offset, owner, prefix);
        }
        let micros = u32::try_from(since(self.start) / 1000).unwrap_or_default();
        Timestamp { text: &self.text, micros }
    }

    #[cold]
    fn render(&mut self, tick: Tick, wall_offset: i64, owner: u64, prefix: &str) {
        let nanos_per_second = NANOS_PER_SECOND.cast_signed();
        let wall = wall_offset.saturating_add_unsigned(tick.nanos());
        let since_start = wall.rem_euclid(nanos_per_second).cast_unsigned();
        let start = tick.nanos().wrapping_sub(since_start);
        let text = format!("{prefix}{}", second(wall.div_euclid(nanos_per_second)));
        *self = TimestampCache { start, wall_offset, owner, text };
    }
}

/// A time that is ready to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timestamp<'a> {
    /// The prefix and the time up to its second.
    text: &'a str,
    micros: u32,
}

impl Timestamp<'_> {
    /// Its length in bytes.
    #[inline]
    pub(crate) fn room(self) -> usize {
        self.text.len() + ".123456Z".len()
    }

    #[inline(always)]
    pub(crate) fn write(self, pieces: &mut Appender<'_>) {
        pieces.put(self.text);
        pieces.millionths_of_utc(self.micros);
    }
}

/// A second since 1970 as `2026-11-22T10:14:12`; 1970 for years outside 0 to 9999, which readers of `ts` do not
/// accept.
fn second(second: i64) -> String {
    jiff::Timestamp::from_second(second)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .ok()
        .filter(|text| text.len() == SECOND_LEN)
        .unwrap_or_else(|| "1970-01-01T00:00:00".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_timestamp_shows_the_wall_time_of_its_tick() {
        let mut cache = TimestampCache::default();
        let now = Tick::now().nanos() + 3 * NANOS_PER_SECOND;
        let times = [0, 1, 999, 1000, 999_999_999, NANOS_PER_SECOND, 1_500_000_000, 61_000_000_000];
        for time in times.into_iter().chain((0..3000).map(|step| step * 7_777_777)) {
            for nanos in [now + time, now.saturating_sub(time)] {
                let mut cached = String::new();
                let timestamp = cache.get(Tick::of_nanos(nanos), 1, "at ");
                append(&mut cached, timestamp.room(), |pieces| timestamp.write(pieces));
                let mut expected = String::from("at ");
                write_nanos(cache.wall_offset.saturating_add_unsigned(nanos), &mut expected);
                assert_eq!(cached, expected);
            }
        }
    }

    #[test]
    fn another_owner_or_a_changed_system_time_renders_the_second_again() {
        let tick = Tick::of_nanos(5 * NANOS_PER_SECOND + 42_000);
        let mut cache = TimestampCache::default();
        let mut at = |wall_offset: i64, owner: u64, prefix: &str| {
            let timestamp = cache.get_at(tick, wall_offset, owner, prefix);
            let mut out = String::new();
            append(&mut out, timestamp.room(), |pieces| timestamp.write(pieces));
            out
        };
        assert_eq!(at(0, 1, "a"), "a1970-01-01T00:00:05.000042Z");
        assert_eq!(at(0, 2, "b"), "b1970-01-01T00:00:05.000042Z");
        assert_eq!(at(-6_000_000_000, 2, "b"), "b1969-12-31T23:59:59.000042Z");
        assert_eq!(at(86_400_000_000_000, 2, "b"), "b1970-01-02T00:00:05.000042Z");
    }
}
