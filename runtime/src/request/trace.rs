//! The W3C trace that a request is part of.

use std::fmt;

/// Its ids, and what goes along with them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names of the specification")]
pub(crate) struct Trace {
    pub(crate) trace_id: Hex<32>,
    /// The request's own span.
    pub(crate) span_id: Hex<16>,
    /// The caller's span, where it told one.
    pub(crate) parent_id: Option<Hex<16>>,
    /// Whether the caller's `traceparent` asked for a recorded trace.
    pub(crate) sampled: bool,
    /// The caller's `tracestate`, well-formed.
    pub(crate) state: Option<String>,
}

/// So many lowercase hex digits, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const DIGITS: usize>([u8; DIGITS]);

#[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only edges make ids"))]
impl<const DIGITS: usize> Hex<DIGITS> {
    /// The digits of bytes, two for each.
    pub(crate) fn of<const BYTES: usize>(bytes: [u8; BYTES]) -> Self {
        const { assert!(2 * BYTES == DIGITS) };
        let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Hex(digits)
    }

    /// Text that is such digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(Hex(digits))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.iter().all(|digit| *digit == b'0')
    }
}

impl<const DIGITS: usize> Hex<DIGITS> {
    pub(crate) fn as_str(&self) -> &str {
        // Digits are text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const DIGITS: usize> fmt::Debug for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
