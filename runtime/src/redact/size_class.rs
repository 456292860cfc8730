//! Size classes, which distinguish an empty text from a long one without revealing its exact length.

/// Returns a kind of value and the class of its size: `<text 17-32>`. The classes are `0`, `1`, `2`, `3-4`, `5-8` and so
/// on by powers of two.
pub(crate) fn size_class(kind: &str, size: usize) -> String {
    if size <= 2 {
        return format!("<{kind} {size}>");
    }
    // There is no power of two above the last class.
    let last = size.checked_next_power_of_two().unwrap_or(usize::MAX);
    format!("<{kind} {}-{last}>", last / 2 + 1)
}
