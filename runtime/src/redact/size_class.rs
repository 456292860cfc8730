//! How large a value is, in classes: enough to tell an empty text from a long one, too little to tell which.

use std::fmt;

/// The class of a text of so many characters: `<text 17-32>`.
pub(crate) fn text_class(chars: usize) -> Class {
    Class::new("text", chars)
}

/// A kind of value and a size whose class is shown: `0`, `1`, `2`, `3-4`, `5-8`, and so on by powers of two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Class {
    kind: &'static str,
    size: usize,
}

impl Class {
    pub(crate) fn new(kind: &'static str, size: usize) -> Self {
        Class { kind, size }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Class { kind, size } = *self;
        match size {
            0..=2 => write!(f, "<{kind} {size}>"),
            _ => {
                // The last class has no power of two above it.
                let last = size.checked_next_power_of_two().unwrap_or(usize::MAX);
                write!(f, "<{kind} {}-{last}>", last / 2 + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text_class;

    #[test]
    fn a_size_is_shown_as_its_class() {
        let class = |chars| text_class(chars).to_string();
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 16, 17, 32, 33].map(class),
            ["0", "1", "2", "3-4", "3-4", "5-8", "9-16", "17-32", "17-32", "33-64"]
                .map(|size| format!("<text {size}>")),
        );
        assert!(class(usize::MAX).ends_with(&format!("-{}>", usize::MAX)));
    }
}
