//! Wall time as a number.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds since 1970, negative before; saturates in the years 1677 and 2262.
pub(crate) fn unix_nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |n| -n),
    }
}
