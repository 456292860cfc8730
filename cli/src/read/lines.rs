//! Lines out of a stream, in bounded memory.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memrchr};

/// How much is read at once.
const BLOCK: usize = 1 << 20;

/// A line beyond this is no record: candor's are 16 kB, and what runtimes make of them is not
/// thirty times that.
pub(super) const LONGEST: usize = 4 << 20;

/// Reads lines in a buffer of its own.
#[derive(Debug)]
pub(super) struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    /// What is read and not yet returned.
    start: usize,
    end: usize,
    ended: bool,
    /// What ended it early, told after the lines that were read before.
    error: Option<io::Error>,
}

/// What stands between two line feeds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Whole(&'a [u8]),
    /// A line over the limit, passed by.
    TooLong,
}

/// Some lines at once.
#[derive(Debug)]
pub(super) enum Block {
    Lines(Whole),
    /// A line over the limit, passed by.
    TooLong,
}

/// A buffer with whole lines in it.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) buffer: Vec<u8>,
    pub(super) lines: Range<usize>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Lines { from, buffer: vec![0; BLOCK], start: 0, end: 0, ended: false, error: None }
    }

    /// The next line, without its line feed; the last one may have none.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.start + searched..self.end]) {
                let line = self.start..self.start + searched + found;
                self.start = line.end + 1;
                return Ok(Some(Line::Whole(&self.buffer[line])));
            }
            if self.ended {
                let line = std::mem::replace(&mut self.start, self.end)..self.end;
                if !line.is_empty() {
                    return Ok(Some(Line::Whole(&self.buffer[line])));
                }
                return self.error.take().map_or(Ok(None), Err);
            }
            searched = self.end - self.start;
            if searched > LONGEST {
                self.pass_by();
                return Ok(Some(Line::TooLong));
            }
            self.fill();
        }
    }

    /// Many lines at once: whole ones, but for the last of all, which may lack its line feed. `spare`
    /// is a buffer to read on into.
    pub(super) fn next_block(&mut self, spare: Vec<u8>) -> io::Result<Option<Block>> {
        loop {
            let is_full = self.end - self.start >= BLOCK / 2;
            if is_full || self.ended {
                let read = &self.buffer[self.start..self.end];
                let whole = if self.ended {
                    read.len()
                } else {
                    memrchr(b'\n', read).map_or(0, |at| at + 1)
                };
                if whole > 0 {
                    return Ok(Some(Block::Lines(self.give_away(whole, spare))));
                }
                if self.ended {
                    return self.error.take().map_or(Ok(None), Err);
                }
                if read.len() > LONGEST {
                    self.pass_by();
                    return Ok(Some(Block::TooLong));
                }
            }
            self.fill();
        }
    }

    /// The first so many bytes, in the buffer they are in; what follows goes to `spare`.
    fn give_away(&mut self, many: usize, mut spare: Vec<u8>) -> Whole {
        let rest = self.start + many..self.end;
        if spare.len() < BLOCK.max(rest.len()) {
            spare.resize(BLOCK.max(rest.len()), 0);
        }
        spare[..rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
        let buffer = std::mem::replace(&mut self.buffer, spare);
        let whole = Whole { buffer, lines: self.start..rest.start };
        (self.start, self.end) = (0, rest.len());
        whole
    }

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

    /// Reads on to the end of the line.
    fn pass_by(&mut self) {
        loop {
            (self.start, self.end) = (0, 0);
            self.fill();
            if let Some(found) = memchr(b'\n', &self.buffer[..self.end]) {
                self.start = found + 1;
                return;
            }
            if self.ended {
                self.start = self.end;
                return;
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

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let many = into.len().min(self.0.len()).min(700_001);
            into[..many].copy_from_slice(&self.0[..many]);
            self.0 = &self.0[many..];
            Ok(many)
        }
    }

    #[test]
    fn lines_are_what_stands_between_line_feeds_however_it_arrives() {
        let long = "x".repeat(LONGEST - 9);
        let text = format!("a\n\n{long}\nb");
        let mut lines = Lines::new(Slow(text.as_bytes()));
        for wanted in ["a", "", &long, "b"] {
            assert_eq!(lines.next().unwrap(), Some(Line::Whole(wanted.as_bytes())));
        }
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn blocks_hold_the_same_lines() {
        let short = "a line\n".repeat(400_000);
        let text = format!("{short}{}\nlast", "x".repeat(2 * BLOCK));
        let mut lines = Lines::new(Slow(text.as_bytes()));
        let mut seen = Vec::new();
        let mut spare = Vec::new();
        while let Some(block) = lines.next_block(std::mem::take(&mut spare)).unwrap() {
            let Block::Lines(whole) = block else { panic!("no line is too long") };
            seen.extend_from_slice(&whole.buffer[whole.lines.clone()]);
            assert!(lines.ended || seen.ends_with(b"\n"));
            spare = whole.buffer;
        }
        assert!(seen == text.as_bytes());
    }

    /// Ends with an error, as compressed data does that is cut off.
    struct Torn<'a>(&'a [u8]);

    impl Read for Torn<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let many = into.len().min(self.0.len());
            into[..many].copy_from_slice(&self.0[..many]);
            self.0 = &self.0[many..];
            if many == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(many) }
        }
    }

    #[test]
    fn what_stands_before_an_error_is_returned_before_the_error() {
        let mut lines = Lines::new(Torn(b"a\nlast"));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"a")));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"last")));
        assert_eq!(lines.next().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut lines = Lines::new(Torn(b"a\nlast"));
        let Some(Block::Lines(whole)) = lines.next_block(Vec::new()).unwrap() else {
            panic!("there are lines")
        };
        assert_eq!(&whole.buffer[whole.lines], b"a\nlast");
        assert_eq!(lines.next_block(Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_huge_line_is_passed_by_in_bounded_memory() {
        let text = format!("a\n{}\nb\n{}", "x".repeat(3 * LONGEST), "y".repeat(2 * LONGEST));
        let mut lines = Lines::new(Slow(text.as_bytes()));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"a")));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"b")));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.buffer.len() <= 4 * LONGEST);
    }
}
