//! Times as RFC 3339 text in UTC with microseconds: `2026-11-22T10:14:12.123456Z`.

use std::time::SystemTime;

use super::append::append;
use crate::base::wall::{self, NANOS_PER_SECOND};

/// The length of `.123456Z`.
pub(super) const FRACTION_ROOM: usize = 8;

/// Appends `time`.
pub(crate) fn write(time: SystemTime, out: &mut String) {
    write_nanos(wall::unix_nanos(time), out);
}

pub(super) fn write_nanos(unix_nanos: i64, out: &mut String) {
    let nanos_per_second = NANOS_PER_SECOND.cast_signed();
    let text = second(unix_nanos.div_euclid(nanos_per_second));
    let micros = u32::try_from(unix_nanos.rem_euclid(nanos_per_second) / 1000).unwrap_or_default();
    append(out, text.len() + FRACTION_ROOM, |pieces| {
        pieces.put(&text);
        pieces.millionths_of_utc(micros);
    });
}

/// A second since 1970 as `2026-11-22T10:14:12`; 1970 for years outside 0 to 9999, which readers of `ts` do not
/// accept.
pub(super) fn second(second: i64) -> String {
    let (year, month, day) = date(second.div_euclid(SECONDS_PER_DAY));
    if !(0..=9999).contains(&year) {
        return "1970-01-01T00:00:00".into();
    }
    let second = second.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Days in 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Returns year, month and day in the Gregorian calendar of a day since 1970-01-01.
///
/// It counts from 0000-03-01, so that the leap day is the last day of a year, and a month begins
/// `(153 * month + 2) / 5` days after the first of March (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn date(day_since_1970: i64) -> (i64, i64, i64) {
    let day = day_since_1970 + 719_468;
    let (era, day) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let month = if is_next_year { month - 9 } else { month + 3 };
    (400 * era + year + i64::from(is_next_year), month, day)
}

/// Returns the day since 1970-01-01, which is the inverse of [`date`].
fn day_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1;
    ERA_DAYS * era + day - 719_468
}

/// Returns the nanoseconds since 1970 of a time that [`write`] appended; `None` for other text and times before 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
        are_digits.then(|| digits.parse::<i64>().ok())?
    };
    let day = day_since_1970(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let whole =
        day * SECONDS_PER_DAY + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let micros = number(20, 26)?;
    // Neither other separators nor a date such as February 30.
    let is_time = text == format!("{}.{micros:06}Z", second(whole));
    let whole = u64::try_from(whole).ok().filter(|_| is_time)?;
    whole.checked_mul(NANOS_PER_SECOND)?.checked_add(micros.unsigned_abs() * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_years_0_to_9999_has_its_date() {
        let mut days = -719_528;
        for year in 0..=9999 {
            let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if is_leap_year { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    assert_eq!(date(days), (year, month, day));
                    assert_eq!(day_since_1970(year, month, day), days);
                    days += 1;
                }
            }
        }
    }

    #[test]
    fn a_written_time_is_read_back_and_other_text_is_not() {
        for nanos in [0, 1_795_342_452_123_456_000, 1_709_210_096_000_001_000] {
            let mut text = String::new();
            write_nanos(nanos, &mut text);
            assert_eq!(parse(&text), Some(nanos.cast_unsigned()), "{text}");
        }
        for other in [
            "",
            "1969-12-31T23:59:59.000000Z",
            "2025-02-29T10:14:12.123456Z",
            "2026-13-01T10:14:12.123456Z",
            "2026-11-22T24:14:12.123456Z",
            "2026-11-22 10:14:12.123456Z",
            "2026-11-22T10:14:12.123456+00:00",
            "2026-11-22T10:14:12.12345é",
            "9999-11-22T10:14:12.123456Z",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_second_outside_the_years_0_to_9999_is_in_1970() {
        assert_eq!(second(1_795_342_452), "2026-11-22T10:14:12");
        assert_eq!(second(-1), "1969-12-31T23:59:59");
        let (first, last) = (-62_167_219_200, 253_402_300_799);
        assert_eq!(second(first), "0000-01-01T00:00:00");
        assert_eq!(second(last), "9999-12-31T23:59:59");
        for outside in [i64::MIN, first - 1, last + 1, i64::MAX] {
            assert_eq!(second(outside), "1970-01-01T00:00:00");
        }
    }
}
