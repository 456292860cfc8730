//! Writes whole lines to anything that takes bytes.
//!
//! A failed write may have written only the beginning of a line. That line is counted as dropped and its rest is kept
//! as a [`PartialLine`]. The rest is written before the next line, so that the output never has two lines run into
//! one, and the line then counts as written after all. If a write accepts a part of a line without an error, the rest
//! is written at once. If the reader closes a pipe in the middle of a line, the next reader must not get the rest of
//! that line, so only a line feed is written.

use std::io;
use std::sync::Arc;

use super::stats::{Counters, CutLine, Reason, ReportedLines};
use crate::base::fork::{ForkLocks, OutputLock};
use crate::format::sites::SiteId;

/// The largest write that a pipe guarantees to be atomic, so that the lines of several processes stay whole.
pub(super) const PIPE_BUF: usize = 4096;

/// Whole lines, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) bytes: &'a [u8],
    /// The lengths of the lines add up to the length of `bytes`.
    pub(super) lines: &'a [BatchLine],
    /// Whether writing counts them as accepted. Lines from a queue were counted when they entered it.
    pub(super) counts_as_accepted: bool,
    /// The lost lines that the batch reports, if it is a report.
    pub(super) reports: Option<ReportedLines>,
}

impl Batch<'_> {
    pub(super) const EMPTY: Self =
        Batch { bytes: &[], lines: &[], counts_as_accepted: false, reports: None };
}

/// One line of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLine {
    pub(super) site: SiteId,
    /// Length in bytes, including the line feed.
    pub(super) len: usize,
}

impl BatchLine {
    #[inline]
    pub(super) fn new(site: SiteId, line: &str) -> Self {
        BatchLine { site, len: line.len() }
    }
}

/// The open end of a destination. It is used under the destination's lock.
pub(super) trait Target {
    /// Prepares to write a line of `first` bytes. Returns how many bytes of lines one write may have; a longer line
    /// is a write of its own.
    fn prepare(&mut self, first: usize, counters: &Counters) -> io::Result<usize>;

    /// Writes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure>;

    /// Writes the rest of a line, or as much of it as one write accepts. Returns whether the rest directly follows the
    /// beginning of its line, which others may have written after.
    fn write_rest_of_line(&mut self, rest: &[u8]) -> Result<bool, WriteFailure> {
        self.write(rest).map(|()| true)
    }

    /// The line of which only the beginning is written.
    fn partial_line(&mut self) -> &mut Option<PartialLine>;

    /// Called in a forked child. The parent completes the line that it has begun.
    fn in_child(&mut self) {
        *self.partial_line() = None;
    }
}

/// A write that failed after `written` bytes.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) written: usize,
    pub(super) loss: Loss,
    /// Whether there was no error, so that the rest can be written at once.
    pub(super) is_short: bool,
}

impl WriteFailure {
    pub(super) fn after(written: usize, error: io::Error) -> Self {
        WriteFailure { written, loss: Loss::from(error), is_short: false }
    }

    /// A write that accepted only `written` bytes, without an error.
    pub(super) fn short(written: usize) -> Self {
        WriteFailure {
            is_short: true,
            ..WriteFailure::after(written, io::ErrorKind::WriteZero.into())
        }
    }
}

/// Why a line was not written.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    pub(crate) error: Option<io::Error>,
}

impl Loss {
    /// Whether the pipe has no reader.
    fn is_broken_pipe(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<io::Error> for Loss {
    fn from(error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::WouldBlock => Reason::Stalled,
            _ => Reason::Io,
        };
        Loss { reason, error: Some(error) }
    }
}

/// The rest of a line of which only the beginning was written.
#[derive(Debug)]
pub(super) struct PartialLine {
    rest: Vec<u8>,
    /// `None` if the line is given up.
    line: Option<CutLine>,
}

impl PartialLine {
    /// Gives the line up. Its beginning may still be in the output, so a line feed keeps the next line apart from it.
    pub(super) fn give_up(&mut self) {
        self.rest = vec![b'\n'];
        self.line = None;
    }

    /// Counts bytes of the rest.
    fn add_bytes(&self, bytes: usize, counters: &Counters) {
        match &self.line {
            Some(line) => line.add_bytes(bytes),
            None => counters.add_bytes(SiteId::NO_LOCATION, bytes),
        }
    }
}

/// Takes the lock of a target before a fork.
pub(super) fn hold<O: 'static, T: Target + 'static>(
    owner: O,
    find: impl Fn(&O) -> Option<&OutputLock<T>> + 'static,
    locks: &mut ForkLocks,
) {
    locks.hold_output(owner, find, |_, target| {
        if let Some(target) = target {
            target.in_child();
        }
    });
}

/// Writes the lines with as few writes as the target allows. Each failure drops one line; the error is that of the
/// last one. A batch without lines only completes the partial line.
#[inline(always)]
pub(super) fn write_batch(
    target: &mut impl Target,
    batch: Batch<'_>,
    counters: &Arc<Counters>,
) -> Result<(), Loss> {
    if batch.counts_as_accepted {
        counters.accept(batch.lines.len() as u64);
    }
    // The usual case: one line, and its write succeeds.
    if let [line] = batch.lines {
        return match write_some(target, batch.bytes, batch.lines, counters) {
            Ok(_) => {
                counters.complete(*line);
                Ok(())
            }
            Err(failure) => write_rest(target, batch, Some(failure), counters),
        };
    }
    write_rest(target, batch, None, counters)
}

/// Writes as many of the lines as fit into one write, and returns their number.
#[inline(always)]
fn write_some(
    target: &mut impl Target,
    bytes: &[u8],
    lines: &[BatchLine],
    counters: &Counters,
) -> Result<usize, WriteFailure> {
    if target.partial_line().is_some() {
        finish_partial_line(target, counters)?;
    }
    let first = lines.first().map_or(0, |line| line.len);
    let limit = prepare(target, first, counters)?;
    let (count, len) =
        if bytes.len() <= limit { (lines.len(), bytes.len()) } else { fitting(lines, limit) };
    target.write(&bytes[..len])?;
    Ok(count)
}

/// Writes a batch of several lines, or goes on after `failure` at the beginning of the batch.
#[inline(never)]
fn write_rest(
    target: &mut impl Target,
    batch: Batch<'_>,
    mut failure: Option<WriteFailure>,
    counters: &Arc<Counters>,
) -> Result<(), Loss> {
    let Batch { mut bytes, mut lines, reports, .. } = batch;
    let mut result = Ok(());
    if lines.is_empty() && target.partial_line().is_some() {
        return finish_now(target, counters);
    }
    while !lines.is_empty() {
        let write = || write_some(target, bytes, lines, counters);
        let (written, failure) = match failure.take().map_or_else(write, Err) {
            Ok(count) => (count, None),
            Err(failure) => (within(lines, failure.written), Some(failure)),
        };
        let (done, rest) = lines.split_at(written);
        for line in done {
            counters.complete(*line);
        }
        bytes = &bytes[done.iter().map(|line| line.len).sum()..];
        lines = rest;
        let (Some(failure), [line, rest @ ..]) = (failure, lines) else { continue };
        // The line that the failure cut off is dropped, or the first one if nothing was written.
        let begun = failure.written - done.iter().map(|line| line.len).sum::<usize>();
        if begun == 0 && failure.is_short {
            // It ended between two lines.
            continue;
        }
        let written = if begun > 0 {
            counters.add_bytes(line.site, begun);
            let cut = counters.cut_line(failure.loss.reason, line.site, reports);
            let mut partial =
                PartialLine { rest: bytes[begun..line.len].to_vec(), line: Some(cut) };
            if failure.loss.is_broken_pipe() {
                partial.give_up();
            }
            *target.partial_line() = Some(partial);
            if failure.is_short { finish_now(target, counters) } else { Err(failure.loss) }
        } else {
            counters.drop_report(failure.loss.reason, line.site, reports);
            Err(failure.loss)
        };
        if let Err(loss) = written {
            result = Err(loss);
        }
        bytes = &bytes[line.len..];
        lines = rest;
    }
    result
}

/// Why a line was dropped although the output accepts lines.
const INTERRUPTED: &str =
    "another process wrote within the line; give each process a file of its own";

#[inline]
fn prepare(
    target: &mut impl Target,
    first: usize,
    counters: &Counters,
) -> Result<usize, WriteFailure> {
    target.prepare(first, counters).map_err(|error| WriteFailure::after(0, error))
}

/// Writes the rest of a line directly after its beginning.
#[cold]
fn finish_now(target: &mut impl Target, counters: &Counters) -> Result<(), Loss> {
    match finish_partial_line(target, counters) {
        Ok(true) => Ok(()),
        Ok(false) => Err(io::Error::other(INTERRUPTED).into()),
        Err(failure) => Err(failure.loss),
    }
}

/// Returns whether the line is complete now, or false if its rest had to be discarded or replaced.
#[cold]
fn finish_partial_line(
    target: &mut impl Target,
    counters: &Counters,
) -> Result<bool, WriteFailure> {
    loop {
        // This may open another file, which does not have the beginning of the line; the rest is then discarded.
        prepare(target, 0, counters)?;
        let Some(mut partial) = target.partial_line().take() else { return Ok(false) };
        match target.write_rest_of_line(&partial.rest) {
            Ok(is_complete) => {
                partial.add_bytes(partial.rest.len(), counters);
                let Some(line) = partial.line.filter(|_| is_complete) else { return Ok(false) };
                line.complete();
                return Ok(true);
            }
            Err(failure) => {
                partial.add_bytes(failure.written, counters);
                partial.rest.drain(..failure.written);
                if failure.loss.is_broken_pipe() {
                    partial.give_up();
                }
                *target.partial_line() = Some(partial);
                if !failure.is_short {
                    return Err(WriteFailure { written: 0, ..failure });
                }
            }
        }
    }
}

/// Returns the number and the length of the lines that fit into `limit` bytes, but at least of the first line.
fn fitting(lines: &[BatchLine], limit: usize) -> (usize, usize) {
    let (mut count, mut len) = (0, 0);
    for line in lines {
        if count > 0 && len + line.len > limit {
            break;
        }
        count += 1;
        len += line.len;
    }
    (count, len)
}

/// Returns the number of complete lines in the first `written` bytes.
fn within(lines: &[BatchLine], written: usize) -> usize {
    let mut end = 0;
    let is_whole = |line: &&BatchLine| {
        end += line.len;
        end <= written
    };
    lines.iter().take_while(is_whole).count()
}

#[cfg(test)]
mod tests {
    use super::super::stats::SinkKind;
    use super::*;

    /// Accepts as many bytes per write as its script says, and then fails if that is less than all.
    struct Scripted {
        limit: usize,
        error: io::ErrorKind,
        /// Whether it returns no error then.
        is_short: bool,
        script: Vec<usize>,
        out: Vec<u8>,
        writes: usize,
        partial_line: Option<PartialLine>,
    }

    impl Default for Scripted {
        fn default() -> Self {
            Scripted {
                limit: 0,
                error: io::ErrorKind::StorageFull,
                is_short: false,
                script: Vec::new(),
                out: Vec::new(),
                writes: 0,
                partial_line: None,
            }
        }
    }

    impl Target for Scripted {
        fn prepare(&mut self, _: usize, _: &Counters) -> io::Result<usize> {
            Ok(self.limit)
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
            self.writes += 1;
            let limit = if self.script.is_empty() { usize::MAX } else { self.script.remove(0) };
            let accepted = bytes.len().min(limit);
            self.out.extend(&bytes[..accepted]);
            match accepted < bytes.len() {
                true if self.is_short => Err(WriteFailure::short(accepted)),
                true => Err(WriteFailure::after(accepted, self.error.into())),
                false => Ok(()),
            }
        }

        fn partial_line(&mut self) -> &mut Option<PartialLine> {
            &mut self.partial_line
        }
    }

    fn write(target: &mut Scripted, text: &str, counters: &Arc<Counters>) -> Result<(), Loss> {
        let lines = text.split_inclusive('\n').map(|line| BatchLine::new(SiteId::OTHER, line));
        let lines: Vec<_> = lines.collect();
        let batch = Batch {
            bytes: text.as_bytes(),
            lines: &lines,
            counts_as_accepted: true,
            reports: None,
        };
        write_batch(target, batch, counters)
    }

    #[test]
    fn many_lines_are_one_write_up_to_the_limit() {
        let mut target = Scripted { limit: 100, ..Scripted::default() };
        let counters = Counters::new(SinkKind::Writer);
        write(&mut target, "one\ntwo\nthree\n", &counters).expect("written");
        assert_eq!((target.writes, counters.written()), (1, 3));
        target.limit = 9;
        write(&mut target, "one\ntwo\nthree\na long line\n", &counters).expect("written");
        assert_eq!((target.writes, counters.written()), (4, 7));
        assert_eq!(target.out, b"one\ntwo\nthree\none\ntwo\nthree\na long line\n");
    }

    #[test]
    fn bug_a_short_write_that_ended_between_two_lines_dropped_the_second_one() {
        let mut target =
            Scripted { limit: 100, is_short: true, script: vec![4, 6], ..Scripted::default() };
        let counters = Counters::new(SinkKind::Writer);
        write(&mut target, "one\ntwo\nthree\n", &counters).expect("written");
        assert_eq!(String::from_utf8_lossy(&target.out), "one\ntwo\nthree\n");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (3, 0));
    }

    #[test]
    fn a_batch_without_lines_finishes_a_partial_line() {
        let mut target = Scripted { limit: 100, script: vec![2, 0], ..Scripted::default() };
        let counters = Counters::new(SinkKind::Writer);
        write(&mut target, "one\n", &counters).expect_err("it is cut off");
        write(&mut target, "", &counters).expect_err("nothing is accepted");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (0, 1));
        assert_eq!(counters.to_report(Reason::Io), 0, "it may still be completed");
        for _ in 0..2 {
            write(&mut target, "", &counters).expect("written");
            assert_eq!((counters.written(), counters.dropped(Reason::Io)), (1, 0));
        }
        assert_eq!(target.out, b"one\n");
    }

    #[test]
    fn the_rest_of_a_line_whose_reader_has_ended_is_replaced_by_a_line_feed() {
        let error = io::ErrorKind::BrokenPipe;
        let mut target = Scripted { limit: 100, script: vec![2, 0], error, ..Scripted::default() };
        let counters = Counters::new(SinkKind::Writer);
        write(&mut target, "one\n", &counters).expect_err("it is cut off");
        assert_eq!(counters.to_report(Reason::Io), 1, "it can't be completed");
        write(&mut target, "two\n", &counters).expect_err("nothing is accepted");
        write(&mut target, "three\n", &counters).expect("written");
        assert_eq!(String::from_utf8_lossy(&target.out), "on\nthree\n");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (1, 2));
    }

    #[test]
    fn a_lost_report_has_to_be_reported_again() {
        let counters = Counters::new(SinkKind::Writer);
        let report = |target: &mut Scripted| {
            let lines = [BatchLine::new(SiteId::OTHER, "7 lines\n")];
            let reports = Some(ReportedLines { reason: Reason::Full, lines: 7 });
            let batch =
                Batch { bytes: b"7 lines\n", lines: &lines, counts_as_accepted: true, reports };
            let _ = write_batch(target, batch, &counters);
            (counters.to_report(Reason::Io), counters.to_report(Reason::Full))
        };
        let mut target = Scripted { limit: 100, script: vec![0, 3], ..Scripted::default() };
        assert_eq!(report(&mut target), (1, 7), "nothing is written");
        assert_eq!(report(&mut target), (1, 7), "a half report may be completed");
        target.partial_line = None;
        assert_eq!(counters.to_report(Reason::Full), 14, "its rest is discarded");
        assert_eq!(report(&mut target), (2, 14), "it is written");
    }

    #[test]
    fn a_partial_line_is_finished_before_the_next_one() {
        // Two lines and a half, nothing, one byte, nothing, and then everything.
        let mut target = Scripted { limit: 100, script: vec![10, 0, 1, 0], ..Scripted::default() };
        let counters = Counters::new(SinkKind::Writer);
        write(&mut target, "one\ntwo\nthree\nfour\n", &counters).expect_err("three is cut off");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (2, 2));
        write(&mut target, "five\n", &counters).expect_err("one byte of the rest is accepted");
        write(&mut target, "six\n", &counters).expect_err("nothing is");
        write(&mut target, "seven\n", &counters).expect("written");
        assert_eq!(String::from_utf8_lossy(&target.out), "one\ntwo\nthree\nseven\n");
        // `three` and `seven` were written; `four`, `five` and `six` are dropped.
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (4, 3));
    }
}
