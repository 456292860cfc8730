//! Size classes: they tell an empty text from a long one, and not which text it is.

use std::fmt;

/// Returns the size class of a text: `<text 17-32>`.
pub(crate) fn text_class(chars: usize) -> SizeClass {
    SizeClass::new("text", chars)
}

/// A kind of value and a size, of which the class is shown: `0`, `1`, `2`, `3-4`, `5-8` and so on by powers of two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeClass {
    kind: &'static str,
    size: usize,
}

impl SizeClass {
    pub(crate) fn new(kind: &'static str, size: usize) -> Self {
        SizeClass { kind, size }
    }
}

impl fmt::Display for SizeClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SizeClass { kind, size } = *self;
        match size {
            0..=2 => write!(f, "<{kind} {size}>"),
            _ => {
                // No power of two is above the last class.
                let last = size.checked_next_power_of_two().unwrap_or(usize::MAX);
                write!(f, "<{kind} {}-{last}>", last / 2 + 1)
            }
        }
    }
}
