//! Types of other crates, each with the candor feature of the crate's name.
//!
//! Types that contain no free text are loggable: times, decimals, and values from HTTP's fixed lists. `url::Url`,
//! `http::Uri` and header values implement [`Text`](super::Text), so that a policy can show them, and bytes implement
//! [`Shape`](super::Shape). Log a header map with [`scrub::headers`](crate::scrub), and a JSON value with `scrub::json`
//! or under the policies `scrub` and `shape`.

#[cfg(feature = "jiff")]
mod for_jiff {
    use jiff::civil::{Date, DateTime, Time};
    use jiff::{SignedDuration, Span, Timestamp, Zoned};

    use crate::redact::loggable::traits::loggable;

    loggable! {
        /// RFC 3339, UTC: `"2026-11-22T10:14:12.5Z"`.
        [] Timestamp => |at, to| to.display(at);
        /// RFC 3339 with its offset: `"2026-11-22T11:14:12+01:00"`.
        [] Zoned => |at, to| to.display(&at.timestamp().display_with_offset(at.offset()));
        /// `"2026-11-22"`.
        [] Date => |date, to| to.display(date);
        /// `"10:14:12"`.
        [] Time => |time, to| to.display(time);
        /// `"2026-11-22T10:14:12"`.
        [] DateTime => |at, to| to.display(at);
        /// ISO 8601: `"P1DT2H"`.
        [] Span => |span, to| to.display(span);
        /// Milliseconds with three decimals, as all durations of a line.
        [] SignedDuration => |duration, to| to.millis(duration.as_nanos());
    }
}

#[cfg(feature = "chrono")]
mod for_chrono {
    use chrono::{
        DateTime, FixedOffset, Month, NaiveDate, NaiveDateTime, NaiveTime, Offset as _,
        SecondsFormat, TimeDelta, TimeZone, Weekday,
    };

    use crate::redact::loggable::traits::loggable;

    loggable! {
        /// RFC 3339 with its offset: `"2026-11-22T10:14:12Z"`, `"2026-11-22T11:14:12.5+01:00"`.
        [Tz: TimeZone] DateTime<Tz> => |at, to| {
            let fixed: DateTime<FixedOffset> = at.with_timezone(&at.offset().fix());
            to.text(&fixed.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        };
        /// `"2026-11-22"`.
        [] NaiveDate => |date, to| to.display(date);
        /// `"10:14:12"`.
        [] NaiveTime => |time, to| to.display(time);
        /// `"2026-11-22T10:14:12"`.
        [] NaiveDateTime => |at, to| to.display(&at.format("%Y-%m-%dT%H:%M:%S%.f"));
        /// Milliseconds with three decimals, as all durations of a line.
        [] TimeDelta => |delta, to| {
            let seconds = i128::from(delta.num_seconds());
            to.millis(seconds * 1_000_000_000 + i128::from(delta.subsec_nanos()));
        };
        /// `"Mon"`.
        [] Weekday => |day, to| to.display(day);
        /// `"November"`.
        [] Month => |month, to| to.text(month.name());
    }
}

#[cfg(feature = "time")]
mod for_time {
    use time::format_description::well_known::{Iso8601, Rfc3339};
    use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime};

    use crate::redact::error_text::UNPRINTABLE;
    use crate::redact::loggable::Encoder;
    use crate::redact::loggable::traits::loggable;

    fn formatted(text: &Result<String, time::error::Format>, to: &mut Encoder<'_>) {
        to.text(text.as_deref().unwrap_or(UNPRINTABLE));
    }

    loggable! {
        /// RFC 3339 with its offset: `"2026-11-22T11:14:12.5+01:00"`.
        [] OffsetDateTime => |at, to| formatted(&at.format(&Rfc3339), to);
        /// RFC 3339: `"2026-11-22T10:14:12Z"`.
        [] UtcDateTime => |at, to| formatted(&at.format(&Rfc3339), to);
        /// ISO 8601: `"2026-11-22T10:14:12.000000000"`.
        [] PrimitiveDateTime => |at, to| formatted(&at.format(&Iso8601::DATE_TIME), to);
        /// `"2026-11-22"`.
        [] Date => |date, to| formatted(&date.format(&Iso8601::DATE), to);
        /// ISO 8601: `"10:14:12.000000000"`.
        [] Time => |time, to| formatted(&time.format(&Iso8601::TIME), to);
        /// Milliseconds with three decimals, as all durations of a line.
        [] Duration => |duration, to| to.millis(duration.whole_nanoseconds());
    }
}

#[cfg(feature = "uuid")]
super::traits::loggable! {
    /// Its hyphenated form.
    [] uuid::Uuid => |id, to| to.text(id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
}

#[cfg(feature = "rust_decimal")]
super::traits::loggable! {
    /// A string, `"12.50"`, since JSON readers would lose digits of a number.
    [] rust_decimal::Decimal => |decimal, to| to.display(decimal);
}

#[cfg(feature = "http")]
super::traits::loggable! {
    /// A number: `404`.
    [] http::StatusCode => |status, to| to.u64(status.as_u16().into());
    /// Its name, or `"_OTHER"` for a method that HTTP does not define, since the caller chose its text.
    [] http::Method => |method, to| to.text(match method.as_str() {
        known @ ("GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "OPTIONS" | "CONNECT" | "PATCH" | "TRACE") => known,
        _ => "_OTHER",
    });
    /// `"HTTP/1.1"`.
    [] http::Version => |version, to| to.text(&format!("{version:?}"));
}

#[cfg(feature = "secrecy")]
mod for_secrecy {
    use secrecy::SecretBox;
    use secrecy::zeroize::Zeroize;

    use crate::redact::loggable::traits::loggable;
    use crate::redact::loggable::{Encoder, Shape, Text, TextPolicy};

    loggable! {
        /// Always `"[REDACTED]"`.
        [T: Zeroize + ?Sized] SecretBox<T> => |_value, to| to.redacted();
    }

    /// `"[REDACTED]"` under every policy.
    impl<T: Zeroize + ?Sized> Text for SecretBox<T> {
        fn log_text(&self, _: TextPolicy, to: &mut Encoder<'_>) {
            to.redacted();
        }
    }

    impl<T: Zeroize + ?Sized> Shape for SecretBox<T> {
        fn log_shape(&self, to: &mut Encoder<'_>) {
            to.redacted();
        }
    }
}
