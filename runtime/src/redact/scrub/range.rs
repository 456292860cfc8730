//! The parts of a text that are hidden.

/// What stands for a secret.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// A stretch of the text that must not be seen.
pub(super) struct HiddenRange<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Put around the replacement, so that `"pin":1234` stays JSON.
    pub(super) quotes: &'a str,
}

impl HiddenRange<'_> {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end, quotes: "" }
    }
}

/// The end of the run of bytes from `from` that `holds`.
pub(super) fn run(bytes: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !holds(byte)).map_or(bytes.len(), |len| from + len)
}
