//! How many lines a read took and how many it skipped.

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    /// Lines that a glance was enough for.
    pub(crate) at_a_glance: u64,
    /// Lines of someone else's.
    pub(crate) foreign: u64,
    /// Lines that begin as a record and are none.
    pub(crate) broken: u64,
    pub(crate) too_long: u64,
    /// Compressed files that end too early.
    pub(crate) cut: Vec<String>,
}

impl Tally {
    /// One line for standard error, where there is something to say.
    pub(crate) fn passed_by(&self) -> Option<String> {
        let mut parts = Vec::new();
        let mut count = |many: u64, one: &str, more: &str| {
            if many > 0 {
                parts.push(if many == 1 {
                    format!("1 line {one}")
                } else {
                    format!("{many} lines {more}")
                });
            }
        };
        count(self.foreign, "that is not candor's", "that are not candor's");
        count(self.broken, "that is broken", "that are broken");
        count(self.too_long, "that is too long", "that are too long");
        for name in &self.cut {
            parts.push(format!("the rest of {name}, whose compressed data is damaged or cut off"));
        }
        let is_of_another_form = self.records + self.at_a_glance == 0 && self.foreign > 0;
        let hint = if is_of_another_form {
            "; candor reads the lines that LOG_FORMAT=json makes, which is how it writes to files and pipes"
        } else {
            ""
        };
        (!parts.is_empty()).then(|| format!("passed by {}{hint}", parts.join(", ")))
    }
}
