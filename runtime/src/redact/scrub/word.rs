//! The start of a word, for the detectors that look for a token or a keyword.
//!
//! Escapes are not considered: in `sent\nghp_…` and `sent%20ghp_…`, a word begins in a [view](super::view) of the text.

/// Whether a word begins at `at`: the byte before it is not a letter or digit of ASCII.
pub(super) fn begins_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric()
}
