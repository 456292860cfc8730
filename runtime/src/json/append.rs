//! Numbers as text, three digits at a time without a division each, and the pieces of a line between them,
//! gathered so that the line grows once.

const DIGIT: [u8; 10] = *b"0123456789";

/// As many as an index of ten bits needs no look for.
const INDICES: usize = 1024;

/// The digits of `000` to `999`, the first one lowest.
static THREE: [u32; INDICES] = {
    let mut all = [0; INDICES];
    let mut number = 0;
    while number < 1000 {
        let [hundreds, tens, ones] = digits(number);
        all[number] = u32::from_le_bytes([hundreds, tens, ones, 0]);
        number += 1;
    }
    all
};

/// The digits of `0` to `999` without leading zeros, and above them how many there are.
static SHORT: [u32; INDICES] = {
    let mut all = [0; INDICES];
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

/// The digits of a number below 1000.
#[inline]
fn three(number: u32) -> u64 {
    debug_assert!(number < 1000, "{number}");
    THREE[number as usize % INDICES].into()
}

/// The same without leading zeros, and how many there are.
#[inline]
fn short(number: u32) -> (u64, u64) {
    debug_assert!(number < 1000, "{number}");
    let short = u64::from(SHORT[number as usize % INDICES]);
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

/// The longest numbers.
#[cold]
#[inline(never)]
fn long(number: u64, buffer: &mut itoa::Buffer) -> &str {
    buffer.format(number)
}

/// A number takes no more, the store of its digits included.
pub(crate) const NUMBER_ROOM: usize = 24;

/// Numbers and text, written where they are to stand, at the end of a text. What does not fit is left out.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    out: &'a mut String,
    /// Where the next one goes, in the room that was reserved behind the text; up to here all is whole `str`s.
    at: *mut u8,
    /// Where the room ends.
    end: *const u8,
}

/// Appends pieces of at most `room` bytes in all.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what is written is known only there")]
pub(crate) fn append(out: &mut String, room: usize, write: impl FnOnce(&mut Pieces<'_>)) {
    let mut pieces = Pieces::of(out, room);
    write(&mut pieces);
    pieces.end();
}

impl<'a> Pieces<'a> {
    /// Reserves room for pieces, which are part of the text once they are [ended](Self::end).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it stays in registers")]
    #[expect(unsafe_code, reason = "looking at the bytes again is a tenth of what a step costs")]
    pub(crate) fn of(out: &'a mut String, room: usize) -> Self {
        out.reserve(room);
        // There is as much room, and so `at` lies behind the text, as `end` needs it to.
        // SAFETY: nothing is changed through it here.
        let free = unsafe { out.as_mut_vec() }.spare_capacity_mut();
        let room = free.get_mut(..room).unwrap_or_default().as_mut_ptr_range();
        Pieces { out, at: room.start.cast(), end: room.end.cast() }
    }

    /// How long the text is with them.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    #[expect(unsafe_code, reason = "as above")]
    pub(crate) fn len(&self) -> usize {
        // SAFETY: both are in the text's buffer, which nobody has touched since `of`, and `at` is no less.
        unsafe { self.at.offset_from_unsigned(self.out.as_ptr()) }
    }

    /// Makes them part of the text.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    #[expect(unsafe_code, reason = "as above")]
    pub(crate) fn end(self) {
        let len = self.len();
        // SAFETY: between the text's end and `at` there are whole `str`s that `add` has written, in the capacity
        // of `out`.
        unsafe { self.out.as_mut_vec().set_len(len) };
    }

    /// Writes bytes, of which the first `stay` have to be whole `str`s.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a store or two, where the length is known")]
    #[expect(unsafe_code, reason = "as above")]
    fn add(&mut self, bytes: &[u8], stay: usize) {
        let stay = stay.min(bytes.len());
        // SAFETY: both are of the same room, `at` no more than `end`: below, no more than fits is written. It is no
        // part of `bytes`, since `out` is borrowed mutably.
        unsafe {
            if bytes.len() <= self.end.offset_from_unsigned(self.at) {
                self.at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                self.at = self.at.add(stay);
            }
        }
    }

    /// Adds a whole piece or nothing of it; one whose length is known where this is called is moved in registers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known only there")]
    pub(crate) fn put(&mut self, piece: &str) {
        self.add(piece.as_bytes(), piece.len());
    }

    /// Adds a whole number.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(crate) fn number(&mut self, number: u64) {
        // Most are small.
        if number < 10 {
            self.add(&[b'0' + number.to_le_bytes()[0]], 1);
        } else if let Ok(number) = u32::try_from(number)
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
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(crate) fn millis(&mut self, nanos: u64) {
        let micros = nanos.saturating_add(500) / 1000;
        let whole = micros / 1000;
        self.number(whole);
        let below = u32::try_from(micros - 1000 * whole).unwrap_or_default();
        let fraction = u64::from(b'.') | three(below) << 8;
        self.add(&fraction.to_le_bytes()[..4], 4);
    }

    /// Adds a point, the six last digits of a number, and `Z`, with which a time in UTC ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(crate) fn millionths_of_utc(&mut self, number: u32) {
        let (thousands, last) = (number / 1000 % 1000, number % 1000);
        let digits = three(thousands) << 8 | three(last) << 32;
        let all = u64::from(b'.') | digits | u64::from(b'Z') << 56;
        self.add(&all.to_le_bytes(), 8);
    }
}

/// Appends a whole number.
#[inline(never)]
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
            let millionths = shown(|pieces| pieces.millionths_of_utc(low));
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
