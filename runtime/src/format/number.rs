//! Numbers as text, three digits at a time without a division each, and the small pieces of a line between
//! them, gathered so that the line grows once.

/// `000.` to `999.`, one behind the other; four bytes are copied at a time.
static DIGITS: [[u8; 4]; 1000] = THREE_AND_POINT;

const THREE_AND_POINT: [[u8; 4]; 1000] = {
    let mut all = [[b'.'; 4]; 1000];
    let mut number = 0;
    while number < 1000 {
        all[number] = [DIGIT[number / 100], DIGIT[number / 10 % 10], DIGIT[number % 10], b'.'];
        number += 1;
    }
    all
};

const DIGIT: [u8; 10] = *b"0123456789";

fn digits(number: u64) -> [u8; 4] {
    DIGITS[usize::try_from(number % 1000).unwrap_or(0)]
}

/// The digits of `0` to `999` without leading zeros, and how many there are.
static SHORT: [[u8; 4]; 1000] = {
    let mut all = [[0; 4]; 1000];
    let mut number = 0;
    while number < 1000 {
        let [hundreds, tens, ones, _] = THREE_AND_POINT[number];
        all[number] = match number {
            0..10 => [ones, 0, 0, 1],
            10..100 => [tens, ones, 0, 2],
            _ => [hundreds, tens, ones, 3],
        };
        number += 1;
    }
    all
};

/// Numbers and short text, written where they are to stand: what was written in small pieces a moment ago is
/// slow to copy. What does not fit is left out.
#[derive(Debug)]
pub(crate) struct Pieces<'a, const ROOM: usize> {
    room: &'a mut [u8; ROOM],
    len: usize,
}

/// Appends pieces of at most `ROOM` bytes.
#[inline]
#[expect(unsafe_code, reason = "looking at the bytes again is a tenth of what a step costs")]
pub(crate) fn append<const ROOM: usize>(
    out: &mut String,
    write: impl FnOnce(&mut Pieces<'_, ROOM>),
) {
    let from = out.len();
    // SAFETY: at any time what is added are zeros, and over them whole `str`s and ASCII.
    let bytes = unsafe { out.as_mut_vec() };
    bytes.resize(from + ROOM, 0);
    let mut len = 0;
    if let Some(room) = bytes[from..].first_chunk_mut() {
        let mut pieces = Pieces { room, len: 0 };
        write(&mut pieces);
        len = pieces.len;
    }
    bytes.truncate(from + len);
}

impl<const ROOM: usize> Pieces<'_, ROOM> {
    /// Adds a whole piece or nothing of it; one whose length is known where this is called is moved in registers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known only there")]
    pub(crate) fn put(&mut self, piece: &str) {
        if let Some(room) = self.room.get_mut(self.len..self.len + piece.len()) {
            room.copy_from_slice(piece.as_bytes());
            self.len += piece.len();
        }
    }

    /// Writes four bytes of ASCII, of which the first ones stay.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one store")]
    fn four(&mut self, four: [u8; 4], stay: usize) {
        if let Some(room) = self.room.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            *room = four;
            self.len += stay;
        }
    }

    /// Adds a whole number; most are small.
    #[inline]
    pub(crate) fn number(&mut self, number: u64) {
        match number {
            0..1_000 => self.short(number),
            1_000..1_000_000 => {
                self.short(number / 1_000);
                self.thousandths(number);
            }
            _ => self.long(number),
        }
    }

    #[inline(never)]
    fn long(&mut self, number: u64) {
        if number < 1_000_000_000 {
            self.short(number / 1_000_000);
            self.thousandths(number / 1_000);
            self.thousandths(number);
        } else {
            self.put(itoa::Buffer::new().format(number));
        }
    }

    /// Adds a number below 1000.
    #[inline]
    fn short(&mut self, number: u64) {
        let four = SHORT[usize::try_from(number % 1000).unwrap_or(0)];
        self.four(four, usize::from(four[3]));
    }

    /// Adds three digits: the thousandths of a number.
    #[inline]
    pub(crate) fn thousandths(&mut self, number: u64) {
        self.four(digits(number), 3);
    }

    /// Adds nanoseconds as milliseconds with three decimals.
    #[inline]
    pub(crate) fn millis(&mut self, nanos: u64) {
        let micros = nanos.saturating_add(500) / 1000;
        self.number(micros / 1000);
        let [hundreds, tens, ones, point] = digits(micros);
        self.four([point, hundreds, tens, ones], 4);
    }
}

/// Appends a whole number.
#[inline]
pub(crate) fn number(number: u64, out: &mut String) {
    append::<24>(out, |pieces| pieces.number(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 32;

    fn shown(add: impl FnOnce(&mut Pieces<'_, ROOM>)) -> String {
        let mut out = String::from("é");
        append(&mut out, add);
        out.split_off("é".len())
    }

    #[test]
    fn every_small_number_and_some_large_ones() {
        for value in
            (0..2000).chain([999_999, 1_000_000, 1_002_003, 999_999_999, 1_000_000_000, u64::MAX])
        {
            assert_eq!(shown(|pieces| pieces.number(value)), value.to_string());
            let thousandths = shown(|pieces| pieces.thousandths(value));
            assert_eq!(thousandths, format!("{:03}", value % 1000));
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
