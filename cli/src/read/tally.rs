//! Counts of the records that a pass over the input read and of the lines it skipped.

use std::io;

use super::blocks::LineKind;
use super::source::{Unreadable, is_truncated};

/// Counts of one pass.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(super) records: u64,
    /// Candor records that the filter excluded without parsing them.
    pub(super) filtered: u64,
    /// Lines without a candor record.
    pub(super) foreign: u64,
    /// Lines with the beginning of a JSON object that is not valid or not complete.
    pub(super) malformed: u64,
    /// Lines over the length limit.
    pub(super) too_long: u64,
    /// Names of the compressed files that are damaged or incomplete.
    pub(super) truncated: Vec<String>,
}

impl Tally {
    /// Accepts compressed data that is damaged or incomplete, since the lines before the damage were read. Damage in a
    /// response is an error.
    pub(super) fn accept_truncated(
        &mut self,
        name: String,
        may_be_truncated: bool,
        result: io::Result<()>,
    ) -> Result<(), Unreadable> {
        match result {
            Err(error) if may_be_truncated && is_truncated(&error) => self.truncated.push(name),
            Err(error) => {
                // Lines that were skipped before no longer matter.
                *self = Tally::default();
                let why = if is_truncated(&error) {
                    io::Error::other("its compressed data is damaged or cut off")
                } else {
                    error
                };
                return Err(Unreadable { name, why });
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// Returns the kind of the line that changed the tally from `before`: records, foreign and malformed lines.
    pub(super) fn kind_of_line(&self, before: (u64, u64, u64), line: &[u8]) -> LineKind {
        let (records, foreign, malformed) = before;
        if self.records > records {
            LineKind::Records
        } else if self.foreign > foreign {
            LineKind::Foreign
        } else if self.malformed > malformed {
            LineKind::Malformed
        } else if line.trim_ascii().is_empty() {
            LineKind::Blank
        } else {
            LineKind::Part
        }
    }

    /// Returns notes on compressed files that could only be read in part.
    pub(crate) fn truncated_notes(&self) -> impl Iterator<Item = String> {
        self.truncated.iter().map(|name| {
            format!("the rest of {name} is missing: its compressed data is damaged or cut off")
        })
    }

    /// A note about skipped lines; `None` if nothing was skipped.
    pub(crate) fn skipped_note(&self) -> Option<String> {
        let mut parts = Vec::new();
        let mut add = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => parts.push(format!("1 line {one}")),
            count => parts.push(format!("{count} lines {many}")),
        };
        add(self.foreign, "that is not candor JSON", "that are not candor JSON");
        add(self.malformed, "that is broken", "that are broken");
        add(self.too_long, "that is too long", "that are too long");
        for name in &self.truncated {
            parts.push(format!("the rest of {name}, whose compressed data is damaged or cut off"));
        }
        let has_only_foreign = self.records + self.filtered == 0 && self.foreign > 0;
        let hint = if has_only_foreign { " (set LOG_FORMAT=json)" } else { "" };
        (!parts.is_empty()).then(|| format!("skipped {}{hint}", parts.join(", ")))
    }
}
