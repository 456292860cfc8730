//! Records from files and streams: opened, decompressed, split into lines, and taken out of the envelopes that log
//! collectors add.
//!
//! Most lines of a log are irrelevant to a query, so [`Input::read`] takes a [`Filter`] and skips plain
//! candor lines without parsing them. The filter may let through too much, never too little: the caller
//! checks each record again.

mod blocks;
mod envelope;
mod events;
mod keys;
mod lines;
mod live;
mod members;
mod profiles;
mod progress;
mod source;
mod tally;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;

use memchr::{memchr2, memmem::Finder};

pub(crate) use blocks::{LineKind, LineSink, ScannedLine};
use envelope::Unwrapper;
pub(crate) use keys::{Key, Keys, Record};
pub(crate) use lines::MAX_LINE;
use lines::{Lines, RawLine};
pub(crate) use live::{LiveLine, LiveReader};
pub(crate) use members::{Malformed, number, text, value_end};
use progress::Progress;
use source::Source;
pub(crate) use source::Unreadable;
use tally::Tally;

/// How a line that candor wrote begins, unless its keys are renamed.
pub(crate) const LINE_START: &[u8] = b"{\"ts\":\"";

/// The FILES of the command line or the response of a server, and the names of their keys.
#[derive(Debug)]
pub(crate) struct Input {
    sources: Vec<Source>,
    pub(crate) keys: Keys,
    /// Counts of the latest pass.
    pub(crate) tally: Tally,
    remarks: Remarks,
    /// Whether a server has left out the lines that the question does not need.
    pub(crate) is_filtered: bool,
}

/// A note on the response of a server. It is set once the response has been read.
pub(crate) type Remarks = Rc<RefCell<Option<String>>>;

/// The records that a pass needs, as far as a plain line shows it before it is parsed.
#[derive(Clone, Copy)]
pub(crate) enum Filter<'a> {
    All,
    /// Records that contain this string.
    Containing(&'a str),
    /// Records that contain this string, and of all others the fixed keys.
    ContainingOrFixed(&'a str),
    /// Records whose request id, as written in the line, satisfies the predicate.
    RequestId(&'a dyn Fn(&[u8]) -> bool),
}

impl Input {
    pub(crate) fn new(files: &[PathBuf], keys: Keys) -> Result<Self, Unreadable> {
        let mut sources = Vec::with_capacity(files.len());
        let mut known = HashSet::new();
        for path in files {
            let source = Source::new(path)?;
            // `app.log app.log*` names a file twice.
            if source.identity().is_none_or(|identity| known.insert(identity)) {
                sources.push(source);
            }
        }
        Ok(Input {
            sources,
            keys,
            tally: Tally::default(),
            remarks: Remarks::default(),
            is_filtered: false,
        })
    }

    /// The response of a server; messages show `name`.
    pub(crate) fn of_answer(
        name: String,
        answer: Box<dyn Read>,
        remarks: Remarks,
        is_filtered: bool,
        keys: Keys,
    ) -> Self {
        Input {
            sources: vec![Source::answer(name, answer)],
            keys,
            tally: Tally::default(),
            remarks,
            is_filtered,
        }
    }

    /// Notes on what could not be read.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        self.tally.skipped_note().into_iter().chain(self.remarks.borrow_mut().take())
    }

    /// Keeps a copy of streams during the first pass, so that `read` can be called twice.
    pub(crate) fn keep_streams(&mut self) {
        self.sources.iter_mut().for_each(Source::keep_stream);
    }

    /// Calls `found` with every record that the filter lets through, file by file.
    pub(crate) fn read(
        &mut self,
        filter: Filter<'_>,
        mut found: impl FnMut(&Record<'_>),
    ) -> Result<(), Unreadable> {
        self.tally = Tally::default();
        let read = Rc::new(Cell::new(0));
        let mut progress = Progress::new(self.sources.iter().map(Source::size).sum());
        let prefilter = Prefilter::new(filter);
        let has_own_names = !self.keys.takes_own_name();
        for source in &mut self.sources {
            let (name, may_be_truncated) = (source.name(), source.may_be_truncated());
            let lines = source.open(&read).map(Lines::new);
            let result = lines.and_then(|mut lines| {
                let mut unwrapper = Unwrapper::default();
                let mut each = |line: RawLine<'_>| {
                    progress.update(read.get());
                    let RawLine::Complete(line) = line else {
                        self.tally.too_long += 1;
                        return;
                    };
                    let is_plain = has_own_names && unwrapper.is_plain(line);
                    match if is_plain { prefilter.check(line) } else { Action::Parse } {
                        Action::Skip => self.tally.filtered += 1,
                        Action::Fixed(record) => {
                            self.tally.records += 1;
                            found(&record);
                        }
                        Action::Parse => {
                            unwrapper.add_line(line, &self.keys, &mut self.tally, &mut found);
                        }
                    }
                };
                let end = loop {
                    match lines.next() {
                        Ok(Some(line)) => each(line),
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                unwrapper.finish(&mut self.tally);
                end
            });
            self.tally.accept_truncated(name, may_be_truncated, result)?;
        }
        Ok(())
    }
}

/// Applies a [`Filter`] to plain lines before they are parsed.
struct Prefilter<'a> {
    filter: Filter<'a>,
    finder: Option<Finder<'a>>,
}

/// What to do with a plain line.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Action<'a> {
    Skip,
    /// Only the fixed keys are needed, and these are they.
    Fixed(Record<'a>),
    Parse,
}

impl<'f> Prefilter<'f> {
    fn new(filter: Filter<'f>) -> Self {
        let needle = match filter {
            Filter::All => None,
            Filter::Containing(text) | Filter::ContainingOrFixed(text) => Some(text),
            Filter::RequestId(_) => Some(",\"request_id\":\""),
        };
        Prefilter { filter, finder: needle.map(Finder::new) }
    }

    fn check<'a>(&self, line: &'a [u8]) -> Action<'a> {
        let Some(finder) = &self.finder else { return Action::Parse };
        match (self.filter, finder.find(line)) {
            (Filter::Containing(_), None) => Action::Skip,
            (Filter::ContainingOrFixed(_), None) => {
                Record::with_fixed_keys(line).map_or(Action::Parse, Action::Fixed)
            }
            // In a line that candor wrote, only members of the line itself precede `request_id`, so the
            // match is not inside a nested value.
            (Filter::RequestId(is_wanted), Some(at)) if line.starts_with(LINE_START) => {
                let id = &line[at + finder.needle().len()..];
                match memchr2(b'"', b'\\', id) {
                    Some(end) if id[end] == b'"' && !is_wanted(&id[..end]) => Action::Skip,
                    _ => Action::Parse,
                }
            }
            _ => Action::Parse,
        }
    }
}
