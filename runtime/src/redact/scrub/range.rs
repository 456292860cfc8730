//! The part of a text that is hidden.

/// Written in place of a secret.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// A byte range of the text that is replaced by [`REDACTED`].
pub(super) struct HiddenRange {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The range of the quote that is written around the replacement, so that `"pin":1234` stays valid JSON.
    pub(super) quote: Option<(usize, usize)>,
    pub(super) reason: HiddenBy,
}

/// Why a range is hidden, for the counts.
#[derive(Clone, Copy)]
pub(super) enum HiddenBy {
    Detector(&'static str),
    /// The start and end of the name before the value.
    Name(usize, usize),
}

impl HiddenRange {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end, quote: None, reason: HiddenBy::Detector("value") }
    }

    pub(super) fn found_by(self, detector: &'static str) -> Self {
        Self { reason: HiddenBy::Detector(detector), ..self }
    }
}

/// Returns the end of the run of bytes from `from` on for which `holds` is true; the end of the text if `from` is beyond
/// it.
pub(super) fn run(bytes: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().position(|&byte| !holds(byte)).map_or(bytes.len(), |len| from + len)
}
