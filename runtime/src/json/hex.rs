//! Hex digits, such as the ids of a trace, which need neither redaction nor escaping.

use std::fmt;

use super::shown::Shown;

/// A fixed number of lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const DIGITS: usize>([u8; DIGITS]);

impl<const DIGITS: usize> Hex<DIGITS> {
    /// The digits of these bytes, two for each.
    pub(crate) fn of<const BYTES: usize>(bytes: [u8; BYTES]) -> Self {
        const { assert!(2 * BYTES == DIGITS && BYTES.is_multiple_of(4)) };
        let mut digits = [b'0'; DIGITS];
        for (eight, four) in digits.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
            *eight = digits_of(*four);
        }
        Hex(digits)
    }

    /// Parses text that consists of exactly these digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(Hex(digits))
    }

    /// The bytes that the digits stand for.
    #[cfg(feature = "otlp")]
    pub(crate) fn bytes(self) -> impl Iterator<Item = u8> {
        let half = |digit: u8| if digit > b'9' { digit - b'a' + 10 } else { digit - b'0' };
        (0..DIGITS / 2).map(move |at| half(self.0[2 * at]) << 4 | half(self.0[2 * at + 1]))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.iter().all(|digit| *digit == b'0')
    }
}

impl<const DIGITS: usize> Hex<DIGITS> {
    /// The digits as bytes, all of them ASCII.
    pub(super) fn digits(&self) -> &[u8; DIGITS] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        // Hex digits are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::redacted(self.as_str())
    }
}

/// A UUID with hyphens: 36 characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UuidText([u8; 36]);

impl UuidText {
    pub(crate) fn of(uuid: [u8; 16]) -> Self {
        let Hex(digits) = Hex::<32>::of(uuid);
        let mut text = [b'-'; 36];
        for (group, (from, to)) in
            [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].into_iter().enumerate()
        {
            text[from + group..to + group].copy_from_slice(&digits[from..to]);
        }
        UuidText(text)
    }

    /// The characters as bytes, all of them ASCII.
    pub(crate) fn bytes(&self) -> &[u8; 36] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        // Hex digits and hyphens are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The digits of four bytes, computed in one register.
#[inline]
fn digits_of(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Spreads the halves of the bytes, one to a byte.
    let all = u64::from(u32::from_be_bytes(bytes));
    let pairs = (all | all << 16) & 0x0000_ffff_0000_ffff;
    let single = (pairs | pairs << 8) & 0x00ff_00ff_00ff_00ff;
    let halves = (single | single << 4) & (15 * ONES);
    // Adding 6 carries into the upper half if the value is at least 10.
    let letters = (halves + 6 * ONES) >> 4 & ONES;
    let digits = halves + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'0' - 10);
    digits.to_be_bytes()
}

impl<const DIGITS: usize> fmt::Debug for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn every_byte_has_its_two_digits_in_every_position() {
        for byte in 0..=u8::MAX {
            let bytes = [byte, !byte, byte.rotate_left(4), byte ^ 0x5a];
            let mut expected = String::new();
            for byte in bytes {
                write!(expected, "{byte:02x}").expect("a string takes it");
            }
            assert_eq!(Hex::<8>::of(bytes).as_str(), expected);
        }
    }
}
