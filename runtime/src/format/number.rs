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

/// A few short pieces of ASCII, in a place that is large enough: what does not fit is left out.
#[derive(Debug)]
pub(crate) struct Pieces<const ROOM: usize> {
    bytes: [u8; ROOM],
    len: usize,
}

impl<const ROOM: usize> Pieces<ROOM> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Pieces { bytes: [0; ROOM], len: 0 }
    }

    /// Adds a whole piece or nothing of it; one whose length is known where this is called is moved in registers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known only there")]
    pub(crate) fn put(&mut self, piece: &str) {
        self.bytes(piece.as_bytes());
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the length is known only there")]
    fn bytes(&mut self, piece: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + piece.len()) {
            room.copy_from_slice(piece);
            self.len += piece.len();
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
            1_000_000..1_000_000_000 => {
                self.short(number / 1_000_000);
                self.thousandths(number / 1_000);
                self.thousandths(number);
            }
            _ => self.long(number),
        }
    }

    #[inline(never)]
    fn long(&mut self, number: u64) {
        self.put(itoa::Buffer::new().format(number));
    }

    /// Adds a number below 1000; there has to be room for three digits.
    #[inline]
    fn short(&mut self, number: u64) {
        let [first, second, third, len] = SHORT[usize::try_from(number % 1000).unwrap_or(0)];
        if let Some(room) = self.bytes.get_mut(self.len..self.len + 3) {
            room.copy_from_slice(&[first, second, third]);
            self.len += usize::from(len);
        }
    }

    /// Adds three digits: the thousandths of a number.
    #[inline]
    pub(crate) fn thousandths(&mut self, number: u64) {
        let [hundreds, tens, ones, _] = digits(number);
        self.bytes(&[hundreds, tens, ones]);
    }

    /// Adds nanoseconds as milliseconds with three decimals.
    #[inline]
    pub(crate) fn millis(&mut self, nanos: u64) {
        let micros = nanos.saturating_add(500) / 1000;
        self.number(micros / 1000);
        let [hundreds, tens, ones, point] = digits(micros);
        self.bytes(&[point, hundreds, tens, ones]);
    }

    #[inline]
    #[expect(unsafe_code, reason = "looking at the bytes again is a tenth of what a step costs")]
    pub(crate) fn append_to(&self, out: &mut String) {
        // SAFETY: what was copied in are whole `str`s and digits.
        out.push_str(unsafe { str::from_utf8_unchecked(&self.bytes[..self.len]) });
    }
}

/// Appends a whole number.
#[inline]
pub(crate) fn number(number: u64, out: &mut String) {
    let mut pieces = Pieces::<24>::new();
    pieces.number(number);
    pieces.append_to(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 32;

    fn shown(add: impl FnOnce(&mut Pieces<ROOM>)) -> String {
        let mut pieces = Pieces::new();
        add(&mut pieces);
        let mut out = String::new();
        pieces.append_to(&mut out);
        out
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
