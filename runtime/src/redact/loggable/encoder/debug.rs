//! Output in Rust's `Debug` notation.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use super::writer::{Encoder, MOST_BYTES, Out};
use crate::redact::loggable::Loggable;

impl Encoder<'_> {
    pub(super) fn inner_debug(&mut self, name: &str, value: &dyn fmt::Debug) {
        let Out::Debug { to, pretty, result, .. } = &mut self.out else { return };
        if result.is_err() {
            return;
        }
        let colon = if name.is_empty() { "" } else { ": " };
        **result = if *pretty {
            write!(Indented { to: *to, at_start: true }, "{name}{colon}{value:#?}")
        } else {
            write!(to, "{name}{colon}{value:?}")
        };
    }
}

/// Implements `Debug` for a loggable value: the same fields as in its JSON.
pub(crate) struct DebugOf<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Loggable + ?Sized> fmt::Debug for DebugOf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = Cell::new(MOST_BYTES);
        fmt::Debug::fmt(&DebugValue { value: self.0, depth: 0, name: "", left: &left }, f)
    }
}

/// A nested value in `Debug` notation.
pub(super) struct DebugValue<'a, T: ?Sized> {
    pub(super) value: &'a T,
    pub(super) depth: u8,
    pub(super) name: &'a str,
    /// How many bytes of output are left.
    pub(super) left: &'a Cell<usize>,
}

impl<T: Loggable + ?Sized> fmt::Debug for DebugValue<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pretty = f.alternate();
        let mut result = Ok(());
        let mut encoder = Encoder {
            out: Out::Debug { to: f, pretty, result: &mut result, left: self.left },
            limit: usize::MAX,
            written: false,
            depth: self.depth,
            name: self.name,
        };
        encoder.value(self.value);
        result
    }
}

/// Indents every line by four blanks, as `{:#?}` does.
struct Indented<'a> {
    to: &'a mut dyn fmt::Write,
    at_start: bool,
}

impl fmt::Write for Indented<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            if self.at_start {
                self.to.write_str("    ")?;
            }
            self.to.write_str(line)?;
            self.at_start = line.ends_with('\n');
        }
        Ok(())
    }
}
