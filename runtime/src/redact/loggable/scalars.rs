//! Numbers, booleans and times: what can hold no text.

use std::num::NonZero;
use std::time::{Duration, SystemTime};

use super::{Element, Encoder, Loggable};

macro_rules! scalars {
    ($($type:ty => $method:ident as $wide:ty),* $(,)?) => {$(
        impl Loggable for $type {
            #[inline]
            fn log(&self, to: &mut Encoder<'_>) {
                to.$method(<$wide>::from(*self));
            }

            #[inline]
            fn is_plain(&self) -> bool {
                true
            }
        }
    )*};
}

scalars! {
    bool => bool as bool,
    u8 => u64 as u64, u16 => u64 as u64, u32 => u64 as u64, u64 => u64 as u64, u128 => u128 as u128,
    i8 => i64 as i64, i16 => i64 as i64, i32 => i64 as i64, i64 => i64 as i64, i128 => i128 as i128,
    f32 => f32 as f32, f64 => f64 as f64,
}

impl Loggable for usize {
    #[inline]
    fn log(&self, to: &mut Encoder<'_>) {
        to.u64(*self as u64);
    }

    #[inline]
    fn is_plain(&self) -> bool {
        true
    }
}

impl Loggable for isize {
    #[inline]
    fn log(&self, to: &mut Encoder<'_>) {
        to.i64(*self as i64);
    }

    #[inline]
    fn is_plain(&self) -> bool {
        true
    }
}

impl Loggable for char {
    fn log(&self, to: &mut Encoder<'_>) {
        to.text(self.encode_utf8(&mut [0; 4]));
    }
}

impl Loggable for () {
    fn log(&self, to: &mut Encoder<'_>) {
        to.null();
    }
}

/// Milliseconds with three decimals, as every duration of a line.
impl Loggable for Duration {
    fn log(&self, to: &mut Encoder<'_>) {
        to.millis(i128::try_from(self.as_nanos()).unwrap_or(i128::MAX));
    }
}

/// RFC 3339, UTC, microseconds, as `ts`.
impl Loggable for SystemTime {
    fn log(&self, to: &mut Encoder<'_>) {
        to.plain(|out| crate::json::timestamp::write(*self, out));
    }
}

impl Loggable for uuid::Uuid {
    fn log(&self, to: &mut Encoder<'_>) {
        to.text(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }
}

impl Loggable for std::cmp::Ordering {
    fn log(&self, to: &mut Encoder<'_>) {
        to.unit(match self {
            std::cmp::Ordering::Less => "Less",
            std::cmp::Ordering::Equal => "Equal",
            std::cmp::Ordering::Greater => "Greater",
        });
    }
}

macro_rules! elements {
    ($($type:ty),*) => {$( impl Element for $type {} )*};
}

// No `u8` and no `char`: a list of them is bytes or text.
elements! {
    bool, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64,
    (), Duration, SystemTime, uuid::Uuid, std::cmp::Ordering
}

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

macro_rules! non_zero_elements {
    ($($type:ty)*) => {$( impl Element for NonZero<$type> {} )*};
}

non_zero_elements! { u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
