//! Splits a stream into lines, in bounded memory.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memrchr};

/// Initial size of the buffer, and thereby of most reads.
const BLOCK_SIZE: usize = 1 << 18;

/// Longer lines are skipped. candor's own lines have at most 16 kB, and an envelope adds far less than this.
pub(crate) const MAX_LINE: usize = 4 << 20;

/// Reads lines into a buffer.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// `buffer[start..end]` has been read and not yet returned.
    start: usize,
    end: usize,
    ended: bool,
    /// The error that ended the stream; it is returned after the lines that precede it.
    error: Option<io::Error>,
}

/// Bytes between two line feeds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RawLine<'a> {
    Complete(&'a [u8]),
    /// A line over `MAX_LINE`, skipped.
    TooLong,
}

/// Result of `Lines::next_block`.
#[derive(Debug)]
pub(super) enum NextBlock {
    Lines(Block),
    /// A line over `MAX_LINE`, skipped, with its length including the line feed.
    TooLong(u64),
}

/// Complete lines in their buffer.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) buffer: Vec<u8>,
    pub(super) lines: Range<usize>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Lines { from, buffer: vec![0; BLOCK_SIZE], start: 0, end: 0, ended: false, error: None }
    }

    /// The next line, without its line feed; the last one may have none.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.start + searched..self.end]) {
                let line = self.start..self.start + searched + found;
                self.start = line.end + 1;
                return Ok(Some(RawLine::Complete(&self.buffer[line])));
            }
            if self.ended {
                let line = std::mem::replace(&mut self.start, self.end)..self.end;
                if !line.is_empty() {
                    return Ok(Some(RawLine::Complete(&self.buffer[line])));
                }
                return self.error.take().map_or(Ok(None), Err);
            }
            searched = self.end - self.start;
            if searched > MAX_LINE {
                self.skip_line();
                return Ok(Some(RawLine::TooLong));
            }
            self.fill();
        }
    }

    /// Many complete lines at once. The last line of the stream may lack its line feed. The following
    /// lines are read into `spare`, a buffer of an earlier block or an empty one.
    pub(super) fn next_block(&mut self, spare: Vec<u8>) -> io::Result<Option<NextBlock>> {
        loop {
            let is_full = self.end - self.start >= BLOCK_SIZE / 2;
            if is_full || self.ended {
                let read = &self.buffer[self.start..self.end];
                let complete = if self.ended {
                    read.len()
                } else {
                    memrchr(b'\n', read).map_or(0, |at| at + 1)
                };
                if complete > 0 {
                    return Ok(Some(NextBlock::Lines(self.take_block(complete, spare))));
                }
                if self.ended {
                    return self.error.take().map_or(Ok(None), Err);
                }
                if read.len() > MAX_LINE {
                    return Ok(Some(NextBlock::TooLong(self.skip_line())));
                }
            }
            self.fill();
        }
    }

    /// Gives away the buffer with its first `length` unread bytes, and continues in `spare`.
    fn take_block(&mut self, length: usize, mut spare: Vec<u8>) -> Block {
        let rest = self.start + length..self.end;
        if spare.len() < BLOCK_SIZE.max(rest.len()) {
            spare.resize(BLOCK_SIZE.max(rest.len()), 0);
        }
        spare[..rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
        let buffer = std::mem::replace(&mut self.buffer, spare);
        let block = Block { buffer, lines: self.start..rest.start };
        (self.start, self.end) = (0, rest.len());
        block
    }

    /// Moves the unread bytes to the start of the buffer and reads more.
    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match read(&mut self.from, &mut self.buffer[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(read) => self.end += read,
            Err(error) => {
                self.ended = true;
                self.error = Some(error);
            }
        }
    }

    /// Discards the current line. Returns its length, including the line feed.
    fn skip_line(&mut self) -> u64 {
        let mut skipped = 0;
        loop {
            skipped += (self.end - self.start) as u64;
            (self.start, self.end) = (0, 0);
            self.fill();
            if let Some(found) = memchr(b'\n', &self.buffer[..self.end]) {
                self.start = found + 1;
                return skipped + self.start as u64;
            }
            if self.ended {
                self.start = self.end;
                return skipped + self.end as u64;
            }
        }
    }
}

fn read(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns at most 700,001 bytes per read.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(self.0.len()).min(700_001);
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn lines_are_split_at_line_feeds_whatever_the_size_of_the_reads() {
        let long = "x".repeat(MAX_LINE - 9);
        let text = format!("a\n\n{long}\nb");
        let mut lines = Lines::new(Slow(text.as_bytes()));
        for wanted in ["a", "", &long, "b"] {
            assert_eq!(lines.next().unwrap(), Some(RawLine::Complete(wanted.as_bytes())));
        }
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn blocks_contain_the_same_lines() {
        let short = "a line\n".repeat(400_000);
        let text = format!("{short}{}\nlast", "x".repeat(2 * BLOCK_SIZE));
        let mut lines = Lines::new(Slow(text.as_bytes()));
        let mut seen = Vec::new();
        let mut spare = Vec::new();
        while let Some(block) = lines.next_block(std::mem::take(&mut spare)).unwrap() {
            let NextBlock::Lines(block) = block else { panic!("no line is too long") };
            seen.extend_from_slice(&block.buffer[block.lines.clone()]);
            assert!(lines.ended || seen.ends_with(b"\n"));
            spare = block.buffer;
        }
        assert!(seen == text.as_bytes());
    }

    /// Ends with an error, as truncated compressed data does.
    struct Truncated<'a>(&'a [u8]);

    impl Read for Truncated<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = into.len().min(self.0.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
        }
    }

    #[test]
    fn lines_before_an_error_are_returned_before_the_error() {
        let mut lines = Lines::new(Truncated(b"a\nlast"));
        assert_eq!(lines.next().unwrap(), Some(RawLine::Complete(b"a")));
        assert_eq!(lines.next().unwrap(), Some(RawLine::Complete(b"last")));
        assert_eq!(lines.next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut lines = Lines::new(Truncated(b"a\nlast"));
        let Some(NextBlock::Lines(block)) = lines.next_block(Vec::new()).unwrap() else {
            panic!("there are lines")
        };
        assert_eq!(&block.buffer[block.lines], b"a\nlast");
        assert_eq!(lines.next_block(Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_huge_line_is_skipped_in_bounded_memory() {
        let text = format!("a\n{}\nb\n{}", "x".repeat(3 * MAX_LINE), "y".repeat(2 * MAX_LINE));
        let mut lines = Lines::new(Slow(text.as_bytes()));
        assert_eq!(lines.next().unwrap(), Some(RawLine::Complete(b"a")));
        assert_eq!(lines.next().unwrap(), Some(RawLine::TooLong));
        assert_eq!(lines.next().unwrap(), Some(RawLine::Complete(b"b")));
        assert_eq!(lines.next().unwrap(), Some(RawLine::TooLong));
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.buffer.len() <= 4 * MAX_LINE);
    }
}
