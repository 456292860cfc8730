//! Numbers, booleans, times and ids, which can't contain free text.

use std::cmp::Ordering;
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use super::traits::{elements, loggable};
use super::{Encoder, Loggable};

macro_rules! scalars {
    ($($method:ident($wide:ty): $($type:ty)*;)*) => {$($(
        impl Loggable for $type {
            #[inline]
            fn log(&self, to: &mut Encoder<'_>) {
                to.$method(*self as $wide);
            }

            #[inline]
            fn is_infallible(&self) -> bool {
                true
            }
        }
    )*)*};
}

scalars! {
    bool(bool): bool;
    u64(u64): u8 u16 u32 u64 usize;
    u128(u128): u128;
    i64(i64): i8 i16 i32 i64 isize;
    i128(i128): i128;
    f32(f32): f32;
    f64(f64): f64;
}

impl Loggable for char {
    fn log(&self, to: &mut Encoder<'_>) {
        to.text(self.encode_utf8(&mut [0; 4]));
    }
}

loggable! {
    [] () => |_value, to| to.null();
    /// Milliseconds with three decimals, as all durations of a line.
    [] Duration => |value, to| to.millis(i128::try_from(value.as_nanos()).unwrap_or(i128::MAX));
    /// RFC 3339 in UTC with microseconds, as `ts`.
    [] SystemTime => |value, to| write_time(*value, to);
    [] Ordering => |value, to| to.unit(match value {
        Ordering::Less => "Less",
        Ordering::Equal => "Equal",
        Ordering::Greater => "Greater",
    });
}

#[cfg(feature = "subscriber")]
fn write_time(time: SystemTime, to: &mut Encoder<'_>) {
    to.plain(|out| crate::json::timestamp::write(time, out));
}

#[cfg(not(feature = "subscriber"))]
fn write_time(_: SystemTime, to: &mut Encoder<'_>) {
    to.text("<time>");
}

// Not `char`, `u8` or `i8`: a list of them is text or bytes. Nor `u16`: a list of them may be UTF-16.
elements! { bool u32 u64 u128 usize i16 i32 i64 i128 isize f32 f64 }

macro_rules! non_zero {
    ($($type:ty)*) => {$(
        impl Loggable for NonZero<$type> {
            fn log(&self, to: &mut Encoder<'_>) {
                self.get().log(to);
            }
        }
    )*};
}

non_zero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

elements! {
    NonZero<u32> NonZero<u64> NonZero<u128> NonZero<usize>
    NonZero<i16> NonZero<i32> NonZero<i64> NonZero<i128> NonZero<isize>
}
