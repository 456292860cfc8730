//! Records out of files: opened, decompressed, cut into lines, taken out of what collectors put around
//! them.

mod envelope;
mod events;
mod keys;
mod lines;
mod members;
mod progress;
mod source;
mod tally;
pub(crate) mod time;

use std::cell::Cell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::rc::Rc;

use memchr::{memchr2, memmem::Finder};

use envelope::Envelopes;
pub(crate) use keys::{Key, Keys, Values};
use lines::{Line, Lines};
pub(crate) use members::{number, text};
use progress::Progress;
pub(crate) use source::Unreadable;
use source::{Source, is_cut};
use tally::Tally;

/// The FILES of the command line, and what their keys are called.
#[derive(Debug)]
pub(crate) struct Input {
    sources: Vec<Source>,
    pub(crate) keys: Keys,
    /// What the latest reading passed by.
    pub(crate) tally: Tally,
}

/// Which records a reading is about.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) wanted: Wanted<'a>,
    /// The input will be read again.
    pub(crate) again: bool,
}

/// Which records are of interest, as far as it can be told from a plain line without reading it.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    All,
    /// Those in which this text stands.
    With(&'a str),
    /// Those in which this text stands, and of all others as much as every line has: its fixed keys.
    FixedAndWith(&'a str),
    /// Those of requests whose id, as it is written, is one of these.
    Of(&'a dyn Fn(&[u8]) -> bool),
}

impl Input {
    pub(crate) fn new(files: &[PathBuf], keys: Keys) -> Result<Self, Unreadable> {
        let mut sources = Vec::with_capacity(files.len());
        let mut known = HashSet::new();
        for path in files {
            let source = Source::new(path)?;
            // `app.log*` and `app.log` beside it: its lines are there once.
            if source.identity().is_none_or(|identity| known.insert(identity)) {
                sources.push(source);
            }
        }
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
        let look = Look::new(reading.wanted);
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
                    let is_plain = envelopes.is_plain(line);
                    match if is_plain { look.at(line) } else { Glance::Open } {
                        Glance::PassBy => self.tally.at_a_glance += 1,
                        Glance::Fixed(values) => {
                            self.tally.records += 1;
                            found(&values);
                        }
                        Glance::Open => {
                            envelopes.open(line, &self.keys, &mut self.tally, &mut found);
                        }
                    }
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

/// Tells of plain lines whether they have to be read.
struct Look<'a> {
    finder: Option<Finder<'a>>,
    wanted: Wanted<'a>,
}

/// What is done with a line.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Glance<'a> {
    PassBy,
    Fixed(Values<'a>),
    Open,
}

impl<'w> Look<'w> {
    fn new(wanted: Wanted<'w>) -> Self {
        let text = match wanted {
            Wanted::All => None,
            Wanted::With(text) | Wanted::FixedAndWith(text) => Some(text),
            Wanted::Of(_) => Some(",\"request_id\":\""),
        };
        Look { finder: text.map(Finder::new), wanted }
    }

    fn at<'a>(&self, line: &'a [u8]) -> Glance<'a> {
        let Some(finder) = &self.finder else { return Glance::Open };
        match (self.wanted, finder.find(line)) {
            (Wanted::With(_), None) => Glance::PassBy,
            (Wanted::FixedAndWith(_), None) => {
                Values::of_fixed(line).map_or(Glance::Open, Glance::Fixed)
            }
            // In a line that candor wrote, what stands before the id is one level deep.
            (Wanted::Of(is_wanted), Some(at)) if line.starts_with(b"{\"ts\":\"") => {
                let id = &line[at + finder.needle().len()..];
                match memchr2(b'"', b'\\', id) {
                    Some(end) if id[end] == b'"' && !is_wanted(&id[..end]) => Glance::PassBy,
                    _ => Glance::Open,
                }
            }
            _ => Glance::Open,
        }
    }
}
