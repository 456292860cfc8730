//! Records out of files: opened, decompressed, cut into lines, taken out of what collectors put around
//! them.

mod envelope;
mod events;
mod keys;
mod lines;
mod members;
mod progress;
mod source;
pub(crate) mod time;

use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use memchr::memmem::Finder;

use envelope::Envelopes;
pub(crate) use keys::{Key, Keys, Values};
use lines::{Line, Lines};
pub(crate) use members::{number, text};
use progress::Progress;
use source::Source;
pub(crate) use source::Unreadable;

/// The FILES of the command line, and what their keys are called.
#[derive(Debug)]
pub(crate) struct Input {
    sources: Vec<Source>,
    pub(crate) keys: Keys,
    /// What the latest reading passed by.
    pub(crate) tally: Tally,
}

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    /// Lines of someone else's.
    pub(crate) foreign: u64,
    /// Lines that begin as a record and are none.
    pub(crate) broken: u64,
    pub(crate) too_long: u64,
    /// Compressed files that end too early.
    cut: Vec<String>,
}

/// Which records a reading is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// A text that stands in every line of interest: other plain lines are not looked at.
    pub(crate) needle: Option<&'a str>,
    /// The input will be read again.
    pub(crate) again: bool,
}

impl Input {
    pub(crate) fn new(files: &[PathBuf], keys: Keys) -> Result<Self, Unreadable> {
        let sources = files.iter().map(|path| Source::new(path)).collect::<Result<_, _>>()?;
        Ok(Input { sources, keys, tally: Tally::default() })
    }

    /// Calls `found` with every record, file by file.
    pub(crate) fn read(
        &mut self,
        reading: Reading<'_>,
        mut found: impl FnMut(&Values<'_>),
    ) -> Result<(), Unreadable> {
        self.tally = Tally::default();
        let read = Rc::new(Cell::new(0));
        let mut progress = Progress::new(self.sources.iter().map(Source::size).sum());
        let finder = reading.needle.map(Finder::new);
        for source in &mut self.sources {
            let name = source.name();
            let lines = source.open(reading.again, &read).map(Lines::new);
            let done = lines.and_then(|mut lines| {
                let mut envelopes = Envelopes::default();
                let mut each = |line: Line<'_>| {
                    progress.at(read.get());
                    let Line::Whole(line) = line else {
                        self.tally.too_long += 1;
                        return;
                    };
                    if let Some(finder) = &finder
                        && envelopes.is_plain(line)
                        && finder.find(line).is_none()
                    {
                        return;
                    }
                    envelopes.open(line, &self.keys, &mut self.tally, &mut found);
                };
                let ended = loop {
                    match lines.next() {
                        Ok(Some(line)) => each(line),
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                envelopes.finish(&mut self.tally);
                ended
            });
            match done {
                Ok(()) => {}
                Err(error) if is_cut(&error) => self.tally.cut.push(name),
                Err(why) => return Err(Unreadable { name, why }),
            }
        }
        Ok(())
    }
}

/// Compressed data that ends too early or is damaged: what was read until there counts.
fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
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
        (!parts.is_empty()).then(|| format!("passed by {}", parts.join(", ")))
    }
}
