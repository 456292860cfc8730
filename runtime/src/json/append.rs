//! Appends text and numbers in one go: the string grows once, and a number is written three digits at a time.
#![expect(unsafe_code, reason = "checking the bytes again would be a tenth of the cost of a step")]

#[cfg(feature = "subscriber")]
use super::hex::{Hex, UuidText};
use super::number::integer;

const DIGIT: [u8; 10] = *b"0123456789";

/// An index of ten bits needs no bounds check.
const INDICES: usize = 1024;

/// The digits of `000` to `999`, the first one lowest.
static THREE: [u32; INDICES] = {
    let mut all = [0; INDICES];
    let mut number = 0;
    while number < 1000 {
        let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
        all[number] = u32::from_le_bytes([DIGIT[hundreds], DIGIT[tens], DIGIT[ones], 0]);
        number += 1;
    }
    all
};

/// The digits of `0` to `999` without leading zeros, and in the top byte their number.
static SHORT: [u32; INDICES] = {
    let mut all = THREE;
    let mut number = 0;
    while number < 1000 {
        let count = 1 + (number > 9) as u32 + (number > 99) as u32;
        all[number] = THREE[number] >> (8 * (3 - count)) | count << 24;
        number += 1;
    }
    all
};

/// The digits of a number below 1000.
#[inline]
fn three(number: u32) -> u64 {
    debug_assert!(number < 1000, "{number}");
    THREE[number as usize % INDICES].into()
}

/// The same without leading zeros, and their number.
#[inline]
fn short(number: u32) -> (u64, u64) {
    debug_assert!(number < 1000, "{number}");
    let short = u64::from(SHORT[number as usize % INDICES]);
    (short & 0xff_ff_ff, short >> 24)
}

/// Nine digits.
const MANY: u32 = 1_000_000_000;

/// Returns the first eight digits of a number below [`MANY`], and the number of all digits above the ninth digit. The
/// argument and the result are in registers, so that the caller keeps its own.
#[inline(never)]
fn decimal(number: u32) -> (u64, u64) {
    let thousands = number / 1000;
    if thousands == 0 {
        let (first, count) = short(number);
        return (first, count << 8);
    }
    let last = three(number - 1000 * thousands);
    let millions = thousands / 1000;
    if millions == 0 {
        let (first, count) = short(thousands);
        return (first | last << (8 * count), (count + 3) << 8);
    }
    let (first, count) = short(millions);
    let middle = three(thousands - 1000 * millions);
    let shift = 8 * (count + 3);
    let low = first | middle << (8 * count) | last << shift;
    (low, (count + 6) << 8 | last >> (64 - shift))
}

/// The capacity that a number needs, including the bytes that are written after its digits.
pub(crate) const NUMBER_ROOM: usize = 24;

/// Writes text and numbers into reserved capacity at the end of a string. A piece that does not fit is omitted.
#[derive(Debug)]
pub(crate) struct Appender<'a> {
    out: &'a mut String,
    /// The position of the next piece. All bytes before it are written, and are whole `str`s.
    at: *mut u8,
    /// The end of the reserved capacity.
    end: *const u8,
}

/// Appends pieces of at most `room` bytes in total.
#[inline(always)]
pub(crate) fn append(out: &mut String, room: usize, write: impl FnOnce(&mut Appender<'_>)) {
    let mut appender = Appender::of(out, room);
    write(&mut appender);
    appender.end();
}

/// Appends the pieces one after the other.
///
/// Each `push_str` waits for the length that the one before it stored. For a short field, such as a few characters in
/// quotes, that is most of the time, so this reserves capacity and sets the length once.
#[inline(always)]
pub(crate) fn append_all<const N: usize>(out: &mut String, pieces: [&str; N]) {
    let total = pieces.iter().fold(0_usize, |total, piece| total.saturating_add(piece.len()));
    let len = out.len();
    let mut appender = Appender::of(out, total);
    for piece in pieces {
        // SAFETY: the piece fits: `of` reserved `total` bytes, the length of all pieces (it panics on a saturated sum),
        // and each piece before this one took exactly its own length.
        unsafe { appender.add_short(piece) };
    }
    // SAFETY: the `total` bytes after `len` are within the capacity that `of` reserved, and the loop has just written
    // them, as whole `str`s. `Appender::end` would compute the length again.
    unsafe { appender.out.as_mut_vec().set_len(len + total) };
}

impl<'a> Appender<'a> {
    /// Reserves `room` bytes for pieces, which become part of the string at [`end`](Self::end).
    #[inline(always)]
    pub(crate) fn of(out: &'a mut String, room: usize) -> Self {
        out.reserve(room);
        // SAFETY: the string stays valid UTF-8, since only a pointer is taken.
        let at = unsafe { out.as_mut_vec() }.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: `at` is the end of the string, and `reserve` made the capacity at least `room` bytes larger than
        // that.
        let end = unsafe { at.add(room) };
        Appender { out, at, end }
    }

    /// Returns the length of the string including the pieces.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        // SAFETY: both are in the buffer of `out`, which has not moved since `of`, and `at` is not before its start.
        unsafe { self.at.offset_from_unsigned(self.out.as_ptr()) }
    }

    /// Makes the pieces part of the string.
    #[inline(always)]
    pub(crate) fn end(self) {
        let len = self.len();
        // SAFETY: the bytes from the end of the string to `at` are written whole `str`s, within the capacity.
        unsafe { self.out.as_mut_vec().set_len(len) };
    }

    /// Writes bytes. The first `stay` of them, which must be whole `str`s, become part of the string.
    #[inline(always)]
    fn add(&mut self, bytes: &[u8], stay: usize) {
        let stay = stay.min(bytes.len());
        // SAFETY: `at` is not after `end`, in the same buffer, since only bytes that fit are written. `bytes` fit after
        // the check, and `stay` is not larger. `bytes` is not in that buffer, since `out` is borrowed mutably.
        unsafe {
            if bytes.len() <= self.end.offset_from_unsigned(self.at) {
                self.at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                self.at = self.at.add(stay);
            }
        }
    }

    /// Adds a piece of unknown length. A short one is copied without a call, as two halves that may overlap.
    ///
    /// # Safety
    ///
    /// The piece must fit between `at` and `end`.
    #[inline(always)]
    unsafe fn add_short(&mut self, piece: &str) {
        let (from, to, len) = (piece.as_bytes(), self.at, piece.len());
        // SAFETY: the caller guarantees that `len` bytes fit at `to`. `piece` is not in that buffer, since `out` is
        // borrowed mutably. Each write is within the `len` bytes, since no chunk of `from` is longer than `from`.
        unsafe {
            if len > 16 {
                to.copy_from_nonoverlapping(from.as_ptr(), len);
            } else if let (Some(first), Some(last)) =
                (from.first_chunk::<8>(), from.last_chunk::<8>())
            {
                to.cast::<[u8; 8]>().write_unaligned(*first);
                to.add(len - 8).cast::<[u8; 8]>().write_unaligned(*last);
            } else if let (Some(first), Some(last)) =
                (from.first_chunk::<4>(), from.last_chunk::<4>())
            {
                to.cast::<[u8; 4]>().write_unaligned(*first);
                to.add(len - 4).cast::<[u8; 4]>().write_unaligned(*last);
            } else if let [first, .., last] = from {
                to.write(*first);
                to.add(len / 2).write(from[len / 2]);
                to.add(len - 1).write(*last);
            } else if let [only] = from {
                to.write(*only);
            }
            self.at = to.add(len);
        }
    }

    /// Adds all of a piece or nothing. If its length is known at the call, it is moved in registers.
    #[inline(always)]
    pub(crate) fn put(&mut self, piece: &str) {
        self.add(piece.as_bytes(), piece.len());
    }

    /// Adds a whole number.
    #[inline(always)]
    pub(crate) fn number(&mut self, number: u64) {
        // Most numbers are small.
        if number < 10 {
            self.add(&[b'0' + number.to_le_bytes()[0]], 1);
        } else if let Ok(number) = u32::try_from(number)
            && number < MANY
        {
            let (low, high) = decimal(number);
            let all = u128::from(high) << 64 | u128::from(low);
            self.add(&all.to_le_bytes(), usize::from(high.to_le_bytes()[1] & 15));
        } else {
            self.long(number);
        }
    }

    /// Slow path: the longest numbers.
    #[cold]
    #[inline(never)]
    fn long(&mut self, number: u64) {
        integer(number, |digits| self.put(digits));
    }

    /// Adds nanoseconds as milliseconds with three decimals.
    #[inline(always)]
    pub(crate) fn millis(&mut self, nanos: u64) {
        self.thousandths(nanos.saturating_add(500) / 1000, |_| 3);
    }

    /// Adds thousandths as a number with as many decimals as `decimals` returns for the three of them.
    #[inline(always)]
    pub(crate) fn thousandths(&mut self, thousandths: u64, decimals: impl Fn(u32) -> usize) {
        let whole = thousandths / 1000;
        self.number(whole);
        let below = u32::try_from(thousandths - 1000 * whole).unwrap_or_default();
        let fraction = u64::from(b'.') | three(below) << 8;
        self.add(&fraction.to_le_bytes()[..4], 1 + decimals(below));
    }

    /// Adds a point, the last six digits of a number, and `Z`, which is the end of a time in UTC.
    #[inline(always)]
    pub(crate) fn millionths_of_utc(&mut self, number: u32) {
        let (thousands, last) = (number / 1000 % 1000, number % 1000);
        let digits = three(thousands) << 8 | three(last) << 32;
        let all = u64::from(b'.') | digits | u64::from(b'Z') << 56;
        self.add(&all.to_le_bytes(), 8);
    }
}

#[cfg(feature = "subscriber")]
impl Appender<'_> {
    /// Adds hex digits.
    #[inline(always)]
    pub(crate) fn hex<const DIGITS: usize>(&mut self, hex: &Hex<DIGITS>) {
        // Digits are ASCII.
        self.add(hex.digits(), DIGITS);
    }

    /// Adds a UUID with hyphens.
    #[inline(always)]
    pub(crate) fn uuid(&mut self, uuid: &UuidText) {
        let text = uuid.bytes();
        self.add(text, text.len());
    }
}

/// Appends a whole number.
#[inline(never)]
pub(crate) fn number(number: u64, out: &mut String) {
    append(out, NUMBER_ROOM, |appender| appender.number(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 32;

    fn shown(add: impl FnOnce(&mut Appender<'_>)) -> String {
        let mut out = String::from("é");
        append(&mut out, ROOM, add);
        out.split_off("é".len())
    }

    #[test]
    fn numbers_of_every_length() {
        for value in
            (0..2_100_000).chain([10_203_040, 102_030_405, 999_999_999, 1_000_000_000, u64::MAX])
        {
            assert_eq!(shown(|appender| appender.number(value)), value.to_string());
            let low = (value % 1_000_000) as u32;
            let millionths = shown(|appender| appender.millionths_of_utc(low));
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
            assert_eq!(shown(|appender| appender.millis(nanos)), millis);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = "x".repeat(ROOM);
        assert_eq!(
            shown(|appender| {
                appender.put("a");
                appender.put(&long);
                appender.put("b");
            }),
            "ab"
        );
    }

    #[test]
    fn all_pieces_of_any_length_are_appended_whatever_room_there_is() {
        let long = "é".repeat(40);
        for room in 0..24 {
            for piece in ["", "a", "ab…", "0123456789abcdef", &long] {
                let mut out = String::with_capacity(room);
                out.push('[');
                append_all(&mut out, ["\"", piece, "", piece, "\""]);
                append_all(&mut out, []);
                append_all(&mut out, ["]"]);
                assert_eq!(out, format!("[\"{piece}{piece}\"]"));
            }
        }
    }
}
