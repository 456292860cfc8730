//! Inventory of everything that the program can log, for code reviews.
//!
//! It has one line for each field of a `#[redact]` type, step and dependency call, with the policy of the field:
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
//! Commit the list as a file, so that new entries show up in code review, and check it in a test:
//!
//! ```no_run
//! #[test]
//! fn what_is_logged_is_reviewed() {
//!     candor::inventory::assert_unchanged("logged.lock");
//! }
//! ```
//!
//! The list covers the crates that are linked into the program: its own and its dependencies.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::Path;

/// One type, step or call, submitted by the macros.
#[doc(hidden)]
#[derive(Debug)]
pub struct Listed {
    /// `redact`, `step`, or `call` with the dependency.
    pub kind: &'static str,
    pub dependency: &'static str,
    pub module: &'static str,
    pub name: &'static str,
    /// Fields with their policies.
    pub fields: &'static [(&'static str, &'static str)],
}

::inventory::collect!(Listed);

/// Environment variable that makes [`assert_unchanged`] write the file if it is `1`.
const UPDATE: &str = "UPDATE_LOGGED";

/// List of everything that the program can log, returned by [`inventory()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    lines: BTreeSet<String>,
}

/// Returns the list of redacted types, steps and calls of the program.
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
    for Listed { kind, dependency, module, name, fields } in ::inventory::iter::<Listed> {
        let space = if dependency.is_empty() { "" } else { " " };
        let entry = format!("{kind}{space}{dependency} {module}::{name}");
        lines.extend(fields.iter().map(|(field, shown)| format!("{entry}.{field}: {shown}")));
        if fields.is_empty() {
            lines.insert(entry);
        }
    }
    Inventory { lines }
}

impl Inventory {
    /// Keeps the entries of a module and its submodules.
    ///
    /// For example, `under("shop")` or `under("shop::orders")`.
    #[must_use]
    pub fn under(self, module: &str) -> Self {
        let inside = |line: &String| {
            let path = line.split(' ').find(|word| word.contains("::"));
            let rest = path.and_then(|path| path.strip_prefix(module));
            rest.is_some_and(|rest| rest.starts_with("::"))
        };
        Inventory { lines: self.lines.into_iter().filter(inside).collect() }
    }

    /// Returns the lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Like [`assert_unchanged`], for this part of the list.
    ///
    /// # Panics
    ///
    /// Panics if the list differs from the file, or if the file is missing.
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
            None => format!("{shown} is missing; run the test with {UPDATE}=1 to create it:\n"),
            Some(_) => format!(
                "the program can log other values than {shown} lists; if this is intended, run the test with {UPDATE}=1 to update it:\n"
            ),
        };
        let known: BTreeSet<&str> = known.iter().flat_map(|known| known.lines()).collect();
        for line in known.symmetric_difference(&self.lines().collect()) {
            let sign = if known.contains(line) { '-' } else { '+' };
            let _ = writeln!(difference, "{sign} {line}");
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

/// Asserts that the program's list equals that in a file.
///
/// The path is relative to the working directory, which is the package's directory under `cargo test`. With the environment
/// variable `UPDATE_LOGGED=1`, the file is written instead.
///
/// # Panics
///
/// Panics if the list differs from the file or the file is missing. The message shows the added and removed lines.
#[track_caller]
pub fn assert_unchanged(path: impl AsRef<Path>) {
    inventory().assert_unchanged(path);
}
