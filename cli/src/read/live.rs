//! Reads records and other lines of a stream that is still being written, in order.

use super::LINE_START;
use super::envelope::Unwrapper;
use super::keys::{Keys, Record};
use super::tally::Tally;

/// Content of a line.
#[derive(Debug)]
pub(crate) enum LiveLine<'a> {
    /// A record that candor wrote.
    Record(&'a Record<'a>),
    /// An unchanged line of another program.
    Foreign(&'a [u8]),
    /// The beginning of a candor line whose rest is missing.
    Torn(&'a [u8]),
}

/// Reads the lines of one stream.
#[derive(Debug, Default)]
pub(crate) struct LiveReader {
    unwrapper: Unwrapper,
    tally: Tally,
}

impl LiveReader {
    /// Calls `found` with the content of a line, which must have no line feed.
    ///
    /// If a container runtime split a line, `found` is called only for the last part, with the whole line.
    pub(crate) fn add(&mut self, line: &[u8], keys: &Keys, found: &mut dyn FnMut(&LiveLine<'_>)) {
        // Other programs print this as the first line of a pretty-printed value. A log that is followed has one record
        // a line, so the lines that follow need not be collected. The same holds for a list.
        if matches!(line.trim_ascii(), b"" | b"{" | b"[" | b"]" | b"],") {
            return found(&LiveLine::Foreign(line));
        }
        let before = (self.tally.records, self.tally.foreign, self.tally.malformed);
        self.unwrapper.add_line(line, keys, &mut self.tally, &mut |record| {
            found(&LiveLine::Record(record));
        });
        let joined = self.unwrapper.take_rejected();
        let line = joined.as_deref().unwrap_or(line);
        if self.tally.records > before.0 {
        } else if self.tally.malformed > before.2
            && memchr::memmem::find(line, LINE_START).is_some()
        {
            found(&LiveLine::Torn(line));
        } else if self.tally.foreign > before.1 || self.tally.malformed > before.2 {
            found(&LiveLine::Foreign(line));
        }
    }

    /// Calls `found` with the lines whose last part is missing at the end of the stream.
    pub(crate) fn finish(&mut self, found: &mut dyn FnMut(&LiveLine<'_>)) {
        for line in self.unwrapper.take_partial() {
            let is_torn = memchr::memmem::find(&line, LINE_START).is_some();
            found(&if is_torn { LiveLine::Torn(&line) } else { LiveLine::Foreign(&line) });
        }
    }
}
