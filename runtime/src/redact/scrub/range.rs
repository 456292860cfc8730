//! The part of a text that is hidden.

/// Written in place of a secret.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// A byte range of the text that is replaced by [`REDACTED`].
pub(super) struct HiddenRange<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Written around the replacement, so that `"pin":1234` stays valid JSON.
    pub(super) quotes: &'a str,
}

impl HiddenRange<'_> {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end, quotes: "" }
    }
}

/// Returns the end of the run of bytes from `from` on for which `holds` is true.
pub(super) fn run(bytes: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !holds(byte)).map_or(bytes.len(), |len| from + len)
}
