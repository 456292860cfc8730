//! Timestamps in microseconds since 1970, durations, and how both are parsed and formatted.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Microseconds since 1970.
pub(crate) type Micros = i64;

/// Parses an RFC 3339 timestamp; candor writes `2026-11-22T10:14:12.123456Z`.
pub(crate) fn parse(text: &str) -> Option<Micros> {
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

/// Longer durations are clamped, so that sums of `Micros` can't overflow: thirty years.
const LONGEST_MS: f64 = 1e12;

/// Converts the milliseconds of a log line.
pub(crate) fn from_ms(ms: f64) -> Micros {
    (ms.clamp(0.0, LONGEST_MS) * 1e3).round() as Micros
}

/// Milliseconds for display.
pub(crate) fn to_ms(micros: Micros) -> f64 {
    micros as f64 / 1e3
}

/// Parses `250ms`, `30s`, `15m`, `2h` or `1d`; a number without a unit is in `unit`.
pub(crate) fn parse_duration(text: &str, unit: &str) -> Result<Micros, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, written) = text.split_at(digits);
    let micros = match if written.is_empty() { unit } else { written } {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" | "min" => 60e6,
        "h" => 3_600e6,
        "d" => 86_400e6,
        _ => return Err(invalid_duration(text)),
    };
    let number: f64 = number.parse().map_err(|_| invalid_duration(text))?;
    // The cast saturates, which is harmless: no log reaches back that far.
    Ok((number * micros) as Micros)
}

fn invalid_duration(text: &str) -> String {
    format!(
        "`{text}` is not a duration; expected a number and a unit, such as 250ms, 30s, 15m, 2h or 1d"
    )
}

/// Time zone in which times are shown.
#[derive(Debug, Clone)]
pub(crate) struct LocalZone(TimeZone);

impl LocalZone {
    /// Reads `TZ`, else the setting of the system; UTC if neither is known. Also returns a note for the user if `TZ`
    /// has an unknown value.
    pub(crate) fn detect() -> (Self, Option<String>) {
        let given = std::env::var("TZ").ok().filter(|name| !name.is_empty());
        if let Some(name) = given.filter(|name| !is_known_zone(name)) {
            let note = format!("the time zone `{name}` in TZ is unknown; times are shown in UTC");
            return (LocalZone(TimeZone::UTC), Some(note));
        }
        (LocalZone(TimeZone::try_system().unwrap_or(TimeZone::UTC)), None)
    }

    pub(crate) fn utc() -> Self {
        LocalZone(TimeZone::UTC)
    }

    /// `2026-11-22`
    pub(crate) fn date(&self, at: Micros) -> String {
        format(at, &self.0, "%Y-%m-%d")
    }

    /// `10:14:12.123`
    pub(crate) fn time_of_day(&self, at: Micros) -> String {
        format(at, &self.0, "%H:%M:%S%.3f")
    }

    /// `2026-11-22 10:14:12.123`
    pub(crate) fn date_time(&self, at: Micros) -> String {
        format(at, &self.0, "%Y-%m-%d %H:%M:%S%.3f")
    }

    /// The date; in a zone other than UTC with the name of the zone: `2026-11-22 CET`.
    fn date_with_zone(&self, at: Micros) -> String {
        let date = format(at, &self.0, "%Y-%m-%d %Z");
        date.strip_suffix(" UTC").map(str::to_owned).unwrap_or(date)
    }

    /// The abbreviation of the zone, or its offset: `UTC`, `CET`, `+03`.
    pub(crate) fn name(&self, at: Micros) -> String {
        format(at, &self.0, "%Z")
    }
}

/// Shows the times of rows, and knows the previous row.
#[derive(Debug)]
pub(crate) struct Clock {
    zone: LocalZone,
    /// Whether times are shown as the time since the first one.
    is_relative: bool,
    first: Option<Micros>,
    /// The date of the latest row, with the zone.
    date: String,
}

impl Clock {
    pub(crate) fn new(zone: LocalZone, is_relative: bool) -> Self {
        Clock { zone, is_relative, first: None, date: String::new() }
    }

    /// Takes the date as known, so that it is not shown.
    pub(crate) fn skip_date(&mut self, at: Micros) {
        self.date = self.zone.date_with_zone(at);
    }

    /// The date, if a row at this time is the first of another day, or the first since the clocks changed.
    pub(crate) fn new_date(&mut self, at: Micros) -> Option<String> {
        let date = self.zone.date_with_zone(at);
        let is_new = !self.is_relative && date != self.date;
        is_new.then(|| self.date.clone_from(&date)).map(|()| date)
    }

    /// `10:14:12.123`, or `+1.00 ms` since the first time that was shown.
    pub(crate) fn time(&mut self, at: Micros) -> String {
        if !self.is_relative {
            return self.zone.time_of_day(at);
        }
        let since = at - *self.first.get_or_insert(at);
        let sign = if since < 0 { "-" } else { "+" };
        format!("{sign}{}", format_ms(to_ms(since.saturating_abs())))
    }
}

/// Whether the value of `TZ` is a name such as `Europe/Berlin`, a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`, or a file.
fn is_known_zone(name: &str) -> bool {
    let plain = name.strip_prefix(':').unwrap_or(name);
    TimeZone::get(plain).is_ok()
        || TimeZone::posix(plain).is_ok()
        || std::path::Path::new(plain).is_file()
}

/// The current time.
pub(crate) fn now() -> Micros {
    Timestamp::now().as_microsecond()
}

/// `2026-11-22 10:14:12.123`, in UTC.
pub(crate) fn date_time(at: Micros) -> String {
    LocalZone::utc().date_time(at)
}

/// `2026-11-22T10:14:12.123456Z`, as candor writes it.
pub(crate) fn rfc3339(at: Micros) -> String {
    format(at, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S%.6fZ")
}

fn format(at: Micros, zone: &TimeZone, pattern: &str) -> String {
    match Timestamp::from_microsecond(at) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(pattern).to_string(),
        Err(_) => "at an unknown time".to_owned(),
    }
}

/// A duration with three significant digits: `0.006 ms`, `3.26 ms`, `404 ms`, `12.4 s`.
pub(crate) fn format_ms(ms: f64) -> String {
    match ms {
        // Log lines have a resolution of one microsecond.
        ms if ms > 0.0 && ms < 0.0995 => format!("{ms:.3} ms"),
        ms if ms < 9.995 => format!("{ms:.2} ms"),
        ms if ms < 99.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{:.2} s", ms / 1e3),
        ms if ms < 99_950.0 => format!("{:.1} s", ms / 1e3),
        ms => format!("{:.0} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_a_unit_takes_the_default_one() {
        assert_eq!(parse_duration("15m", "s"), Ok(900_000_000));
        assert_eq!(parse_duration("250", "ms"), Ok(250_000));
        assert_eq!(parse_duration("1.5s", "ms"), Ok(1_500_000));
        assert!(parse_duration("soon", "ms").is_err());
        assert!(parse_duration("15 parsecs", "ms").is_err());
    }

    #[test]
    fn durations_have_three_significant_digits() {
        let shown = [0.006, 3.256, 12.34, 404.8, 1_234.0, 65_000.0].map(format_ms);
        assert_eq!(shown, ["0.006 ms", "3.26 ms", "12.3 ms", "405 ms", "1.23 s", "65.0 s"]);
    }
}
