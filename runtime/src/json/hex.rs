//! Hex digits, such as the ids of a trace, which need neither redaction nor escaping.

use std::fmt;

use super::shown::Shown;

/// A fixed number of lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const DIGITS: usize>([u8; DIGITS]);

impl<const DIGITS: usize> Hex<DIGITS> {
    /// The digits of these bytes, two for each.
    pub(crate) fn of<const BYTES: usize>(bytes: [u8; BYTES]) -> Self {
        const { assert!(2 * BYTES == DIGITS) };
        let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
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
    pub(crate) fn as_str(&self) -> &str {
        // Hex digits are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown::redacted(self.as_str())
    }
}

impl<const DIGITS: usize> fmt::Debug for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
