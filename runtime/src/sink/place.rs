//! Whole lines into whatever takes bytes, and what becomes of a line that was cut off half way.

use std::io;

use super::stats::{Counts, Reason};

/// Whole lines, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) count: u64,
    /// They come from no queue, which would have counted them.
    pub(super) are_new: bool,
}

/// Somewhere lines are written to. One thread at a time has it.
pub(super) trait Place {
    /// Gets ready for a line of `first` bytes; the answer is how many bytes of lines one write may have.
    fn ready(&mut self, first: usize) -> io::Result<usize>;

    /// Writes all of it, or says how far it came.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failed>;

    /// The line that is half written.
    fn unfinished(&mut self) -> &mut Option<Unfinished>;
}

/// A write that did not get to its end.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) written: usize,
    pub(super) loss: Loss,
}

impl Failed {
    pub(super) fn after(written: usize, error: io::Error) -> Self {
        Failed { written, loss: Loss::of(error) }
    }
}

/// Why a line was not written.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    pub(crate) error: Option<io::Error>,
}

impl Loss {
    pub(super) fn of(error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::WouldBlock => Reason::Stalled,
            _ => Reason::Io,
        };
        Loss { reason, error: Some(error) }
    }
}

/// What is left of a line whose beginning stands already at its place, as on a disk that became full
/// in the middle of it. It is counted as dropped; when the next line comes, the rest is written first,
/// and the line is a whole one after all.
#[derive(Debug)]
pub(super) struct Unfinished {
    rest: Vec<u8>,
    reason: Reason,
}

/// Writes lines with as few writes as the place takes; each failure costs one line. The error is that
/// of the last line lost.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once a kind of place")]
pub(super) fn put_lines(
    place: &mut impl Place,
    lines: Lines<'_>,
    counts: &Counts,
) -> Result<(), Loss> {
    if lines.are_new {
        counts.took(lines.count);
    }
    // Nearly always it is one line, and it is written.
    if lines.count == 1 {
        return match put_some(place, lines.bytes, lines.bytes.len(), counts) {
            Ok(_) => {
                counts.wrote(1);
                Ok(())
            }
            Err(failed) => put_rest(place, lines, Some(failed), counts),
        };
    }
    put_rest(place, lines, None, counts)
}

/// Writes as many of the lines as one write may have, the first of which is that long.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once a kind of place")]
fn put_some(
    place: &mut impl Place,
    lines: &[u8],
    first: usize,
    counts: &Counts,
) -> Result<usize, Failed> {
    finish(place, counts)?;
    let room = ready(place, first)?;
    let part = &lines[..whole_lines(lines, first, room)];
    place.put(part)?;
    Ok(part.len())
}

/// What [`put_lines`] does from the first failure on, if there was one.
#[inline(never)]
fn put_rest(
    place: &mut impl Place,
    lines: Lines<'_>,
    mut failed: Option<Failed>,
    counts: &Counts,
) -> Result<(), Loss> {
    let Lines { bytes: mut lines, mut count, .. } = lines;
    let mut result = Ok(());
    while count > 0 {
        let put = || {
            let first = if count == 1 { lines.len() } else { line_end(lines) };
            put_some(place, lines, first, counts)
        };
        let failed = match failed.take().map_or_else(put, Err) {
            Ok(len) => {
                let many = if len == lines.len() { count } else { count_lines(&lines[..len]) };
                counts.wrote(many);
                lines = &lines[len..];
                count -= many;
                continue;
            }
            Err(failed) => failed,
        };
        // A failure before the lines is the first one's as well.
        let whole =
            lines[..failed.written].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let before = count_lines(&lines[..whole]);
        let end = whole + line_end(&lines[whole..]);
        counts.wrote(before);
        counts.dropped(failed.loss.reason);
        if failed.written > whole {
            let rest = lines[failed.written..end].to_vec();
            *place.unfinished() = Some(Unfinished { rest, reason: failed.loss.reason });
        }
        result = Err(failed.loss);
        lines = &lines[end..];
        count = count.saturating_sub(before + 1);
    }
    result
}

#[inline]
fn ready(place: &mut impl Place, first: usize) -> Result<usize, Failed> {
    place.ready(first).map_err(|error| Failed::after(0, error))
}

/// Writes the rest of a line that was cut off.
#[inline]
fn finish(place: &mut impl Place, counts: &Counts) -> Result<(), Failed> {
    if place.unfinished().is_none() { Ok(()) } else { finish_line(place, counts) }
}

#[cold]
fn finish_line(place: &mut impl Place, counts: &Counts) -> Result<(), Failed> {
    // The place may be another one than it was, with no beginning that this would end.
    ready(place, 0)?;
    let Some(mut line) = place.unfinished().take() else { return Ok(()) };
    match place.put(&line.rest) {
        Ok(()) => {
            counts.wrote_after_all(line.reason);
            Ok(())
        }
        Err(failed) => {
            line.rest.drain(..failed.written);
            *place.unfinished() = Some(line);
            Err(Failed { written: 0, ..failed })
        }
    }
}

/// The end of the first line, behind its line feed.
fn line_end(lines: &[u8]) -> usize {
    lines.iter().position(|b| *b == b'\n').map_or(lines.len(), |at| at + 1)
}

/// How many of the bytes are one write: whole lines, and the first one whatever its length.
#[inline]
fn whole_lines(lines: &[u8], first: usize, room: usize) -> usize {
    if lines.len() <= room {
        return lines.len();
    }
    lines[..room].iter().rposition(|b| *b == b'\n').map_or(first, |at| at + 1)
}

fn count_lines(lines: &[u8]) -> u64 {
    lines.iter().map(|b| u64::from(*b == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as many bytes a write as its script says; an entry of 0 is an error.
    #[derive(Default)]
    struct Scripted {
        room: usize,
        script: Vec<usize>,
        out: Vec<u8>,
        writes: usize,
        unfinished: Option<Unfinished>,
    }

    impl Place for Scripted {
        fn ready(&mut self, _: usize) -> io::Result<usize> {
            Ok(self.room)
        }

        fn put(&mut self, bytes: &[u8]) -> Result<(), Failed> {
            self.writes += 1;
            let limit = if self.script.is_empty() { usize::MAX } else { self.script.remove(0) };
            let taken = bytes.len().min(limit);
            self.out.extend(&bytes[..taken]);
            if taken < bytes.len() {
                return Err(Failed::after(taken, io::ErrorKind::StorageFull.into()));
            }
            Ok(())
        }

        fn unfinished(&mut self) -> &mut Option<Unfinished> {
            &mut self.unfinished
        }
    }

    fn put(place: &mut Scripted, lines: &str, counts: &Counts) -> Result<(), Loss> {
        let count = count_lines(lines.as_bytes());
        put_lines(place, Lines { bytes: lines.as_bytes(), count, are_new: true }, counts)
    }

    #[test]
    fn many_lines_are_one_write_and_never_more_than_there_is_room_for() {
        let mut place = Scripted { room: 100, ..Scripted::default() };
        let counts = Counts::default();
        put(&mut place, "one\ntwo\nthree\n", &counts).expect("written");
        assert_eq!((place.writes, counts.written()), (1, 3));
        place.room = 9;
        put(&mut place, "one\ntwo\nthree\na long line\n", &counts).expect("written");
        assert_eq!((place.writes, counts.written()), (4, 7));
        assert_eq!(place.out, b"one\ntwo\nthree\none\ntwo\nthree\na long line\n");
    }

    #[test]
    fn a_line_that_was_cut_off_is_finished_before_the_next_one() {
        // Two lines and a half; nothing twice; then there is room again.
        let mut place = Scripted { room: 100, script: vec![10, 0, 1, 0], ..Scripted::default() };
        let counts = Counts::default();
        let lost = put(&mut place, "one\ntwo\nthree\nfour\n", &counts);
        assert!(lost.is_err());
        assert_eq!((counts.written(), counts.lost(Reason::Io)), (2, 2));
        put(&mut place, "five\n", &counts).expect_err("one byte more is taken");
        put(&mut place, "six\n", &counts).expect_err("none is");
        put(&mut place, "seven\n", &counts).expect("written");
        assert_eq!(String::from_utf8_lossy(&place.out), "one\ntwo\nthree\nseven\n");
        // The third line and the last; four, five and six are lost.
        assert_eq!((counts.written(), counts.lost(Reason::Io)), (4, 3));
    }
}
