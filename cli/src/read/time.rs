//! Times as microseconds since 1970, and spans of time as people write them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Microseconds since 1970.
pub(crate) type Micros = i64;

/// `2026-11-22T10:14:12.123456Z`, which is how candor writes it, or any other RFC 3339 time.
pub(crate) fn parse(text: &str) -> Option<Micros> {
    text.trim().parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

/// No step takes longer than thirty years; it keeps sums of times within their type.
const LONGEST_MS: f64 = 1e12;

/// Milliseconds as a line has them, as microseconds.
pub(crate) fn micros(ms: f64) -> Micros {
    (ms.clamp(0.0, LONGEST_MS) * 1e3).round() as Micros
}

/// `250ms`, `30s`, `15m`, `2h`, `1d`; a number alone is in `unit`.
pub(crate) fn span(text: &str, unit: &str) -> Result<Micros, String> {
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
        _ => return Err(wrong_span(text)),
    };
    let number: f64 = number.parse().map_err(|_| wrong_span(text))?;
    // Saturates; a thousand years back is as good as for ever.
    Ok((number * micros) as Micros)
}

fn wrong_span(text: &str) -> String {
    format!("`{text}` is no span of time such as 250ms, 30s, 15m, 2h or 1d")
}

/// `2026-11-22 10:14:12.123`, in UTC.
pub(crate) fn date_and_time(at: Micros) -> String {
    show(at, "%Y-%m-%d %H:%M:%S%.3f")
}

/// `10:14:12.123`, in UTC.
pub(crate) fn time(at: Micros) -> String {
    show(at, "%H:%M:%S%.3f")
}

/// As candor writes it.
pub(crate) fn rfc3339(at: Micros) -> String {
    show(at, "%Y-%m-%dT%H:%M:%S%.6fZ")
}

fn show(at: Micros, form: &str) -> String {
    match Timestamp::from_microsecond(at) {
        Ok(at) => at.to_zoned(TimeZone::UTC).strftime(form).to_string(),
        Err(_) => "at an unknown time".to_owned(),
    }
}

/// A duration for the eye, three digits that matter: `0.006 ms`, `3.26 ms`, `404 ms`, `12.4 s`.
pub(crate) fn took(ms: f64) -> String {
    match ms {
        // A microsecond is the finest a line says.
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
    fn a_span_has_a_unit_or_takes_the_usual_one() {
        assert_eq!(span("15m", "s"), Ok(900_000_000));
        assert_eq!(span("250", "ms"), Ok(250_000));
        assert_eq!(span("1.5s", "ms"), Ok(1_500_000));
        assert!(span("soon", "ms").is_err());
        assert!(span("15 parsecs", "ms").is_err());
    }

    #[test]
    fn durations_have_three_digits() {
        let shown = [0.006, 3.256, 12.34, 404.8, 1_234.0, 65_000.0].map(took);
        assert_eq!(shown, ["0.006 ms", "3.26 ms", "12.3 ms", "405 ms", "1.23 s", "65.0 s"]);
    }
}
