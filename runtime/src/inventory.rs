//! Everything the program may show, as a list that a review can read (feature `inventory`).
//!
//! Every `#[redact]` type with the decision on each field, and every step and call with its fields, as a line:
//!
//! ```text
//! call payments shop::charge.order: by its type
//! redact shop::Order.card: mask(last = 4)
//! redact shop::Order.id: by its type, u64
//! redact shop::Order.password: secret, by its name
//! redact shop::Order.test_key: clear, because it is the public sandbox
//! step shop::place_order.sku: clear
//! ```
//!
//! Kept in a file beside the code, it shows in a review what became visible, with one test:
//!
//! ```no_run
//! #[test]
//! fn what_is_logged_is_reviewed() {
//!     candor::inventory::assert_unchanged("logged.lock");
//! }
//! ```
//!
//! A program's list holds what is linked into it: its own crate and those it depends on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::Path;

/// One type, step or call; the macros submit it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Listed {
    /// `redact`, `step`, or `call` with the dependency.
    pub kind: &'static str,
    pub dependency: &'static str,
    pub module: &'static str,
    pub name: &'static str,
    /// The fields and what decides on them.
    pub fields: &'static [(&'static str, &'static str)],
}

::inventory::collect!(Listed);

/// The environment variable that lets [`assert_unchanged`] write the file: `1`.
const UPDATE: &str = "UPDATE_LOGGED";

/// What the program may show; made by [`inventory()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    lines: BTreeSet<String>,
}

/// Every redacted type, step and call of the program.
///
/// ```
/// #[candor::redact]
/// struct Order {
///     id: u64,
///     #[redact(mask(last = 4))]
///     card: String,
/// }
///
/// let lines = candor::inventory().to_string();
/// assert!(lines.contains("Order.card: mask(last = 4)\n"));
/// assert!(lines.contains("Order.id: by its type, u64\n"));
/// ```
pub fn inventory() -> Inventory {
    let mut lines = BTreeSet::new();
    for entry in ::inventory::iter::<Listed> {
        entry.write(&mut lines);
    }
    Inventory { lines }
}

impl Listed {
    fn write(&self, lines: &mut BTreeSet<String>) {
        let Listed { kind, dependency, module, name, fields } = self;
        let kind: Cow<'_, str> = if dependency.is_empty() {
            (*kind).into()
        } else {
            format!("{kind} {dependency}").into()
        };
        if fields.is_empty() {
            lines.insert(format!("{kind} {module}::{name}"));
        }
        for (field, shown) in *fields {
            lines.insert(format!("{kind} {module}::{name}.{field}: {shown}"));
        }
    }
}

impl Inventory {
    /// Only what is defined in this module and those inside it: `under("shop")`, `under("shop::orders")`.
    #[must_use]
    pub fn under(self, module: &str) -> Self {
        let inside = |line: &String| {
            let path = line.split(' ').find(|word| word.contains("::"));
            let rest = path.and_then(|path| path.strip_prefix(module));
            rest.is_some_and(|rest| rest.starts_with("::"))
        };
        Inventory { lines: self.lines.into_iter().filter(inside).collect() }
    }

    /// The lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// [`assert_unchanged`] for this part of the list.
    ///
    /// # Panics
    ///
    /// As that does.
    #[track_caller]
    pub fn assert_unchanged(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let update = std::env::var_os(UPDATE).is_some_and(|value| value == "1");
        if let Err(difference) = self.compare(path, update) {
            panic!("{difference}");
        }
    }

    fn compare(&self, path: &Path, update: bool) -> Result<(), String> {
        let shown = path.display();
        let known = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{shown} can't be read: {error}")),
        };
        let text = self.to_string();
        if known.as_ref().is_some_and(|known| known.lines().eq(text.lines())) {
            return Ok(());
        }
        if update {
            return std::fs::write(path, text)
                .map_err(|error| format!("{shown} can't be written: {error}"));
        }
        let mut difference = match known {
            None => format!("{shown} is missing; with {UPDATE}=1 this test writes it:\n"),
            Some(_) => format!(
                "what the program may log differs from {shown}; if that is meant, {UPDATE}=1 writes it anew:\n"
            ),
        };
        let known: BTreeSet<&str> = known.iter().flat_map(|known| known.lines()).collect();
        let all: BTreeSet<&str> = self.lines().chain(known.iter().copied()).collect();
        for line in all {
            match (known.contains(line), self.lines.contains(line)) {
                (true, false) => drop(writeln!(difference, "- {line}")),
                (false, true) => drop(writeln!(difference, "+ {line}")),
                _ => {}
            }
        }
        Err(difference)
    }
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

/// Compares the program's list with a file, for a test that CI runs.
///
/// The path is taken from where the test runs, which under `cargo test` is the package's folder. With
/// `UPDATE_LOGGED=1` the file is written instead.
///
/// # Panics
///
/// Where the list differs, with the lines that came and went, and where the file is missing.
#[track_caller]
pub fn assert_unchanged(path: impl AsRef<Path>) {
    inventory().assert_unchanged(path);
}
