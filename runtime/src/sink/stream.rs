//! Standard output and standard error, unbuffered: when a call returns, the line is with the kernel.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::place::{Failed, Lines, Loss, Place, Unfinished, put_lines};
use super::stats::Counts;
use crate::base::lock;

/// How long a non-blocking descriptor that is full is asked again for one line: from the first pause,
/// each twice as long as the one before, to the longest, and no longer than this in sum.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(1);

/// What a pipe takes as one piece, so that lines of several processes stay whole.
const PIPE_BUF: usize = 4096;

pub(crate) struct Stream {
    state: Mutex<State>,
    is_terminal: bool,
}

struct State {
    to: Box<dyn Write + Send>,
    /// Bytes of lines in one write.
    room: usize,
    /// The descriptor was full to the end of the patience: nobody waits again until it takes a line.
    stalled: bool,
    unfinished: Option<Unfinished>,
}

impl Stream {
    pub(crate) fn stdout() -> Self {
        let out = io::stdout();
        Stream::new(unbuffered(&out), || Box::new(io::stdout()), out.is_terminal())
    }

    pub(crate) fn stderr() -> Self {
        let err = io::stderr();
        Stream::new(unbuffered(&err), || Box::new(io::stderr()), err.is_terminal())
    }

    fn new(
        descriptor: Option<File>,
        otherwise: impl FnOnce() -> Box<dyn Write + Send>,
        is_terminal: bool,
    ) -> Self {
        let is_file = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file());
        let room = if descriptor.as_ref().is_some_and(is_file) { usize::MAX } else { PIPE_BUF };
        let to = descriptor.map_or_else(otherwise, |file| Box::new(file) as Box<dyn Write + Send>);
        let state = State { to, room, stalled: false, unfinished: None };
        Stream { state: Mutex::new(state), is_terminal }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(super) fn write(&self, lines: Lines<'_>, counts: &Counts) -> Result<(), Loss> {
        let mut state = lock(&self.state);
        put_lines(&mut *state, lines, counts)
    }
}

impl Place for State {
    fn ready(&mut self, _: usize) -> io::Result<usize> {
        Ok(self.room)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let patience = if self.stalled { Duration::ZERO } else { PATIENCE };
        let put = write_whole(&mut *self.to, bytes, patience);
        self.stalled = match &put {
            Ok(()) => false,
            Err((_, error)) => error.kind() == ErrorKind::WouldBlock,
        };
        put.map_err(|(written, error)| Failed::after(written, error))
    }

    fn unfinished(&mut self) -> &mut Option<Unfinished> {
        &mut self.unfinished
    }
}

/// The descriptor itself: std's `Stdout` buffers, and takes a closed one for a success.
#[cfg(unix)]
fn unbuffered(stream: &impl std::os::fd::AsFd) -> Option<File> {
    stream.as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn unbuffered<T>(_: &T) -> Option<File> {
    None
}

/// Writes all of it, the rest at once after a short write; on failure also says how much was written.
pub(super) fn write_whole(
    to: &mut (impl Write + ?Sized),
    bytes: &[u8],
    patience: Duration,
) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    let mut waited = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    while written < bytes.len() {
        match to.write(&bytes[written..]) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(count) => {
                written += count;
                (waited, pause) = (Duration::ZERO, FIRST_PAUSE);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && waited < patience => {
                thread::sleep(pause);
                waited += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte a write, with an interruption before each, and full now and then.
    struct Slow {
        out: Vec<u8>,
        turn: usize,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turn += 1;
            match self.turn % 3 {
                0 => Err(ErrorKind::Interrupted.into()),
                1 if self.turn.is_multiple_of(4) => Err(ErrorKind::WouldBlock.into()),
                _ => {
                    self.out.push(bytes[0]);
                    Ok(1)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_and_interrupted_writes_go_on_until_all_is_written() {
        let mut slow = Slow { out: Vec::new(), turn: 0 };
        write_whole(&mut slow, b"a line of some length\n", PATIENCE).expect("written");
        assert_eq!(slow.out, b"a line of some length\n");
    }

    /// Takes a few bytes and is full from then on.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(std::mem::take(&mut self.0));
            if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_written_before_the_patience_ended_is_known() {
        let failed = write_whole(&mut Full(5), b"a line\n", Duration::from_millis(1));
        let (written, error) = failed.expect_err("it is full");
        assert_eq!((written, error.kind()), (5, ErrorKind::WouldBlock));
    }
}
