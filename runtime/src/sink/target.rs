//! Writes whole lines to anything that takes bytes.
//!
//! A failed write may have written only the beginning of a line. That line is counted as dropped and its rest is kept
//! as a [`PartialLine`]. The rest is written before the next line, so that the output never has two lines run into
//! one, and the line then counts as written after all.

use std::io;

use super::stats::{Counters, Reason};

/// Whole lines, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: u64,
    /// Whether writing counts them as accepted. Lines from a queue were counted when they entered it.
    pub(super) counts_as_accepted: bool,
}

impl<'a> Batch<'a> {
    /// One line, its line feed included.
    #[inline]
    pub(super) fn line(line: &'a str, counts_as_accepted: bool) -> Self {
        Batch { bytes: line.as_bytes(), count: 1, counts_as_accepted }
    }
}

/// The open end of a destination. It is used under the destination's lock.
pub(super) trait Target {
    /// Prepares to write a line of `first` bytes. Returns how many bytes of lines one write may have; a longer line
    /// is a write of its own.
    fn prepare(&mut self, first: usize) -> io::Result<usize>;

    /// Writes all of `bytes`.
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure>;

    /// The line of which only the beginning is written.
    fn partial_line(&mut self) -> &mut Option<PartialLine>;
}

/// A write that failed after `written` bytes.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) written: usize,
    pub(super) loss: Loss,
}

impl WriteFailure {
    pub(super) fn after(written: usize, error: io::Error) -> Self {
        WriteFailure { written, loss: Loss::from(error) }
    }
}

/// Why a line was not written.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    pub(crate) error: Option<io::Error>,
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

/// The rest of a line whose beginning was written, and the reason under which it is counted as dropped.
#[derive(Debug)]
pub(super) struct PartialLine {
    rest: Vec<u8>,
    reason: Reason,
}

/// Writes the lines with as few writes as the target allows. Each failure drops one line; the error is that of the
/// last one.
#[inline(always)]
pub(super) fn write_batch(
    target: &mut impl Target,
    batch: Batch<'_>,
    counters: &Counters,
) -> Result<(), Loss> {
    if batch.counts_as_accepted {
        counters.accept(batch.count);
    }
    // The usual case: one line, and its write succeeds.
    if batch.count == 1 {
        return match write_some(target, batch.bytes, batch.bytes.len(), counters) {
            Ok(_) => {
                counters.complete(1);
                Ok(())
            }
            Err(failure) => write_rest(target, batch, Some(failure), counters),
        };
    }
    write_rest(target, batch, None, counters)
}

/// Writes as many of the lines as one write may have, and returns their length. The first line has `first` bytes.
#[inline(always)]
fn write_some(
    target: &mut impl Target,
    lines: &[u8],
    first: usize,
    counters: &Counters,
) -> Result<usize, WriteFailure> {
    if target.partial_line().is_some() {
        finish_partial_line(target, counters)?;
    }
    let limit = prepare(target, first)?;
    let part = &lines[..whole_lines(lines, first, limit)];
    target.write(part)?;
    Ok(part.len())
}

/// Writes a batch of several lines, or goes on after `failure` at the beginning of the batch.
#[inline(never)]
fn write_rest(
    target: &mut impl Target,
    batch: Batch<'_>,
    mut failure: Option<WriteFailure>,
    counters: &Counters,
) -> Result<(), Loss> {
    let Batch { bytes: mut lines, mut count, .. } = batch;
    let mut result = Ok(());
    while count > 0 {
        let write = || {
            let first = if count == 1 { lines.len() } else { line_end(lines) };
            write_some(target, lines, first, counters)
        };
        let failure = match failure.take().map_or_else(write, Err) {
            Ok(len) => {
                let written = if len == lines.len() { count } else { count_lines(&lines[..len]) };
                counters.complete(written);
                lines = &lines[len..];
                count -= written;
                continue;
            }
            Err(failure) => failure,
        };
        // The line that the failure cut off is dropped, or the first one if nothing was written.
        let start = last_end(&lines[..failure.written]).unwrap_or(0);
        let before = count_lines(&lines[..start]);
        let end = start + line_end(&lines[start..]);
        counters.complete(before);
        counters.drop_line(failure.loss.reason);
        if failure.written > start {
            let rest = lines[failure.written..end].to_vec();
            *target.partial_line() = Some(PartialLine { rest, reason: failure.loss.reason });
        }
        result = Err(failure.loss);
        lines = &lines[end..];
        count = count.saturating_sub(before + 1);
    }
    result
}

#[inline]
fn prepare(target: &mut impl Target, first: usize) -> Result<usize, WriteFailure> {
    target.prepare(first).map_err(|error| WriteFailure::after(0, error))
}

#[cold]
fn finish_partial_line(target: &mut impl Target, counters: &Counters) -> Result<(), WriteFailure> {
    // This may open another file, which does not have the beginning of the line; the rest is then discarded.
    prepare(target, 0)?;
    let Some(mut line) = target.partial_line().take() else { return Ok(()) };
    match target.write(&line.rest) {
        Ok(()) => {
            counters.complete_dropped(line.reason);
            Ok(())
        }
        Err(failure) => {
            line.rest.drain(..failure.written);
            *target.partial_line() = Some(line);
            Err(WriteFailure { written: 0, ..failure })
        }
    }
}

/// Whether a line ends at this byte. The pretty format has lines of several rows, of which all but the last one end
/// with a space.
fn is_end(lines: &[u8], at: usize) -> bool {
    lines[at] == b'\n' && (at == 0 || lines[at - 1] != b' ')
}

/// The end of the first line, after its line feed.
fn line_end(lines: &[u8]) -> usize {
    (0..lines.len()).find(|at| is_end(lines, *at)).map_or(lines.len(), |at| at + 1)
}

/// The end of the last whole line.
fn last_end(lines: &[u8]) -> Option<usize> {
    (0..lines.len()).rfind(|at| is_end(lines, *at)).map(|at| at + 1)
}

/// The length of the lines that fit into `limit`, and of the first line at least.
#[inline]
fn whole_lines(lines: &[u8], first: usize, limit: usize) -> usize {
    if lines.len() <= limit {
        return lines.len();
    }
    last_end(&lines[..limit]).unwrap_or(first)
}

fn count_lines(lines: &[u8]) -> u64 {
    let first = u64::from(lines.first() == Some(&b'\n'));
    first + lines.windows(2).map(|two| u64::from(two[1] == b'\n' && two[0] != b' ')).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::super::stats::SinkKind;
    use super::*;

    /// Accepts as many bytes per write as its script says, and then fails if that is less than all.
    #[derive(Default)]
    struct Scripted {
        limit: usize,
        script: Vec<usize>,
        out: Vec<u8>,
        writes: usize,
        partial_line: Option<PartialLine>,
    }

    impl Target for Scripted {
        fn prepare(&mut self, _: usize) -> io::Result<usize> {
            Ok(self.limit)
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
            self.writes += 1;
            let limit = if self.script.is_empty() { usize::MAX } else { self.script.remove(0) };
            let accepted = bytes.len().min(limit);
            self.out.extend(&bytes[..accepted]);
            if accepted < bytes.len() {
                return Err(WriteFailure::after(accepted, io::ErrorKind::StorageFull.into()));
            }
            Ok(())
        }

        fn partial_line(&mut self) -> &mut Option<PartialLine> {
            &mut self.partial_line
        }
    }

    fn write(target: &mut Scripted, lines: &str, counters: &Counters) -> Result<(), Loss> {
        let bytes = lines.as_bytes();
        let batch = Batch { bytes, count: count_lines(bytes), counts_as_accepted: true };
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
    fn rows_that_end_with_a_space_belong_to_one_line() {
        let lines = "header \none\ntwo \n  more \n  more\nthree\n";
        let counters = Counters::new(SinkKind::Writer);
        // The second line is cut off within its second row, and the third one finds no space.
        let mut target = Scripted { limit: 100, script: vec![20, 0], ..Scripted::default() };
        let batch = Batch { bytes: lines.as_bytes(), count: 3, counts_as_accepted: true };
        write_batch(&mut target, batch, &counters).expect_err("two is cut off");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (1, 2));
        write(&mut target, "four\n", &counters).expect("written");
        assert_eq!((counters.written(), counters.dropped(Reason::Io)), (3, 1));
        assert_eq!(target.out, b"header \none\ntwo \n  more \n  more\nfour\n");
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
