//! Numbers as text, three digits at a time without a division each, and the pieces of a line between them,
//! gathered so that the line grows once.

use std::mem::{self, MaybeUninit};
use std::ptr;

const DIGIT: [u8; 10] = *b"0123456789";

/// The digits of `000` to `999`, the first one lowest.
static THREE: [u32; 1000] = {
    let mut all = [0; 1000];
    let mut number = 0;
    while number < 1000 {
        let [hundreds, tens, ones] = digits(number);
        all[number] = u32::from_le_bytes([hundreds, tens, ones, 0]);
        number += 1;
    }
    all
};

/// The digits of `0` to `999` without leading zeros, and above them how many there are.
static SHORT: [u32; 1000] = {
    let mut all = [0; 1000];
    let mut number = 0;
    while number < 1000 {
        let [hundreds, tens, ones] = digits(number);
        all[number] = u32::from_le_bytes(match number {
            0..10 => [ones, 0, 0, 1],
            10..100 => [tens, ones, 0, 2],
            _ => [hundreds, tens, ones, 3],
        });
        number += 1;
    }
    all
};

const fn digits(number: usize) -> [u8; 3] {
    [DIGIT[number / 100], DIGIT[number / 10 % 10], DIGIT[number % 10]]
}

/// The last three digits of a number.
#[inline]
fn three(number: u32) -> u64 {
    THREE[(number % 1000) as usize].into()
}

/// The digits of a number below 1000, and how many there are.
#[inline]
fn short(number: u32) -> (u64, u64) {
    let short = u64::from(SHORT[(number % 1000) as usize]);
    (short & 0xff_ff_ff, short >> 24)
}

/// Nine digits.
const MANY: u32 = 1_000_000_000;

/// The first eight digits of a number of less than [`MANY`], and the ninth below their count. It takes and
/// gives registers, so that those of its caller stay as they are.
#[inline(never)]
fn decimal(number: u32) -> (u64, u64) {
    let thousands = number / 1000;
    if thousands == 0 {
        let (first, count) = short(number);
        return (first, count << 8);
    }
    let millions = thousands / 1000;
    if millions == 0 {
        let (first, count) = short(thousands);
        return (first | three(number) << (8 * count), (count + 3) << 8);
    }
    let (first, count) = short(millions);
    let shift = 8 * (count + 3);
    let last = three(number);
    let low = first | three(thousands) << (8 * count) | last << shift;
    (low, (count + 6) << 8 | last >> (64 - shift))
}

/// The longest numbers.
#[cold]
#[inline(never)]
fn long(number: u64, buffer: &mut itoa::Buffer) -> &str {
    buffer.format(number)
}

/// A number takes no more, the store of its digits included.
pub(crate) const NUMBER_ROOM: usize = 24;

/// Numbers and text, written where they are to stand. What does not fit is left out.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    /// What is left of it. Before this stand whole `str`s.
    room: &'a mut [MaybeUninit<u8>],
}

/// Appends pieces of at most `room` bytes in all.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what is written is known only there")]
#[expect(unsafe_code, reason = "looking at the bytes again is a tenth of what a step costs")]
pub(crate) fn append(out: &mut String, room: usize, write: impl FnOnce(&mut Pieces<'_>)) {
    out.reserve(room);
    // SAFETY: what is added to its length below are whole `str`s.
    let bytes = unsafe { out.as_mut_vec() };
    let free = bytes.spare_capacity_mut().get_mut(..room).unwrap_or_default();
    let room = free.len();
    let mut pieces = Pieces { room: free };
    write(&mut pieces);
    let Pieces { room: left } = pieces;
    let len = room - left.len();
    let len = bytes.len() + len;
    // SAFETY: the room lies behind `bytes`, and what is no more left of it has been written.
    unsafe { bytes.set_len(len) };
}

/// To be copied to where nothing is yet.
#[inline]
#[expect(unsafe_code, reason = "a loop over the bytes is no copy to the compiler")]
fn as_uninit(bytes: &[u8]) -> &[MaybeUninit<u8>] {
    // SAFETY: a `MaybeUninit<u8>` is laid out as a `u8`, each byte is one, and nobody writes through it.
    unsafe { &*(ptr::from_ref(bytes) as *const [MaybeUninit<u8>]) }
}

impl Pieces<'_> {
    /// Adds a whole piece or nothing of it; one whose length is known where this is called is moved in registers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known only there")]
    pub(crate) fn put(&mut self, piece: &str) {
        self.add(piece.as_bytes(), piece.len());
    }

    /// Writes bytes of which the first `stay` are whole `str`s.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a store or two")]
    fn add(&mut self, bytes: &[u8], stay: usize) {
        let room = mem::take(&mut self.room);
        match room.get_mut(..bytes.len()) {
            Some(there) => {
                there.copy_from_slice(as_uninit(bytes));
                self.room = room.get_mut(stay..).unwrap_or_default();
            }
            None => self.room = room,
        }
    }

    /// Adds a whole number.
    #[inline]
    pub(crate) fn number(&mut self, number: u64) {
        if let Ok(number) = u32::try_from(number)
            && number < MANY
        {
            let (low, high) = decimal(number);
            let all = u128::from(high) << 64 | u128::from(low);
            self.add(&all.to_le_bytes(), usize::from(high.to_le_bytes()[1] & 15));
        } else {
            self.put(long(number, &mut itoa::Buffer::new()));
        }
    }

    /// Adds nanoseconds as milliseconds with three decimals.
    #[inline]
    pub(crate) fn millis(&mut self, nanos: u64) {
        let micros = nanos.saturating_add(500) / 1000;
        self.number(micros / 1000);
        let fraction = u64::from(b'.') | three((micros % 1000) as u32) << 8;
        self.add(&fraction.to_le_bytes()[..4], 4);
    }

    /// Adds a point, the six last digits of a number, and a letter.
    #[inline]
    pub(crate) fn millionths(&mut self, number: u32, unit: u8) {
        let digits = three(number / 1000) << 8 | three(number) << 32;
        let all = u64::from(b'.') | digits | u64::from(unit) << 56;
        self.add(&all.to_le_bytes(), 8);
    }
}

/// Appends a whole number.
#[inline]
pub(crate) fn number(number: u64, out: &mut String) {
    append(out, NUMBER_ROOM, |pieces| pieces.number(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 32;

    fn shown(add: impl FnOnce(&mut Pieces<'_>)) -> String {
        let mut out = String::from("é");
        append(&mut out, ROOM, add);
        out.split_off("é".len())
    }

    #[test]
    fn numbers_of_every_length() {
        for value in
            (0..2_100_000).chain([10_203_040, 102_030_405, 999_999_999, 1_000_000_000, u64::MAX])
        {
            assert_eq!(shown(|pieces| pieces.number(value)), value.to_string());
            let low = (value % 1_000_000) as u32;
            let millionths = shown(|pieces| pieces.millionths(low, b'Z'));
            assert_eq!(millionths, format!(".{:06}Z", value % 1_000_000));
        }
    }

    #[test]
    fn milliseconds_have_three_decimals() {
        for (nanos, millis) in [
            (0, "0.000"),
            (499, "0.000"),
            (500, "0.001"),
            (1_234_567_890, "1234.568"),
            (u64::MAX, "18446744073709.551"),
        ] {
            assert_eq!(shown(|pieces| pieces.millis(nanos)), millis);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = "x".repeat(ROOM);
        assert_eq!(
            shown(|pieces| {
                pieces.put("a");
                pieces.put(&long);
                pieces.put("b");
            }),
            "ab"
        );
    }
}
