//! Standard output and standard error, unbuffered: when a write returns, the kernel has the line.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[cfg(unix)]
use super::descriptor::{self, FileId, file_id};
use super::stats::Counters;
use super::target::{self, Batch, Loss, PIPE_BUF, PartialLine, Target, WriteFailure, write_batch};
use crate::base::fork::{ForkLocks, OutputLock};

/// The pauses between attempts to write to a non-blocking descriptor that is full. Each is twice as long as the one
/// before, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);
/// How long a write may wait without progress.
const MAX_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Stream {
    state: OutputLock<StreamState>,
    standard: Standard,
    pub(super) is_terminal: bool,
}

/// Opens a standard stream, as the process has it at the moment.
type Standard = fn() -> io::Result<Open>;

struct StreamState {
    standard: Standard,
    to: Open,
    /// Whether others may have closed the descriptor, or it could not be opened.
    is_check_due: bool,
    /// Whether the last line waited for `MAX_WAIT` in vain. Until a line is written, no other one waits.
    stalled: bool,
    partial_line: Option<PartialLine>,
    /// The length of the file right after the beginning of the partial line was written.
    partial_end: Option<u64>,
}

enum Open {
    /// A copy of the stream's descriptor.
    #[cfg(unix)]
    Duplicate { file: File, id: FileId, is_file: bool },
    /// The standard library's stream.
    #[cfg(not(unix))]
    Buffered(Box<dyn Write + Send>),
    /// The stream is closed, or no descriptor is free. Lines are dropped until it can be opened.
    Closed,
}

impl Stream {
    pub(crate) fn stdout() -> Self {
        Stream::new(|| open(io::stdout()), io::stdout().is_terminal())
    }

    pub(crate) fn stderr() -> Self {
        Stream::new(|| open(io::stderr()), io::stderr().is_terminal())
    }

    fn new(standard: Standard, is_terminal: bool) -> Self {
        Stream { state: OutputLock::new(StreamState::new(standard)), standard, is_terminal }
    }

    #[inline(always)]
    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        let mut state = self.state.lock(|| StreamState::new(self.standard));
        write_batch(&mut *state, batch, counters)
    }

    /// Takes the lock before a fork.
    pub(super) fn hold<O: 'static>(owner: O, find: fn(&O) -> Option<&Self>, locks: &mut ForkLocks) {
        target::hold(owner, move |owner| find(owner).map(|it| &it.state), locks);
    }
}

impl StreamState {
    fn new(standard: Standard) -> Self {
        let to = standard().unwrap_or(Open::Closed);
        StreamState {
            standard,
            is_check_due: matches!(to, Open::Closed),
            to,
            stalled: false,
            partial_line: None,
            partial_end: None,
        }
    }

    /// Whether standard output is a file.
    fn is_file(&self) -> bool {
        match &self.to {
            #[cfg(unix)]
            Open::Duplicate { is_file, .. } => *is_file,
            _ => false,
        }
    }

    /// The length of the file, if standard output is one.
    fn length(&self) -> Option<u64> {
        match &self.to {
            #[cfg(unix)]
            Open::Duplicate { file, is_file: true, .. } => Some(file.metadata().ok()?.len()),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        match &self.to {
            #[cfg(unix)]
            Open::Duplicate { file, id, .. } => descriptor::is_open(file, *id),
            #[cfg(not(unix))]
            Open::Buffered(_) => true,
            Open::Closed => false,
        }
    }

    /// Opens the standard stream again if others have closed its descriptor.
    #[cold]
    fn check(&mut self) -> io::Result<()> {
        if !self.is_open() {
            // Its number is free, or belongs to another file, which must stay open.
            mem::forget(mem::replace(&mut self.to, (self.standard)()?));
            self.partial_line = None;
        }
        self.is_check_due = false;
        Ok(())
    }

    #[cold]
    fn failed(&mut self, written: usize, error: io::Error) -> WriteFailure {
        self.stalled = error.kind() == ErrorKind::WouldBlock;
        self.is_check_due = true;
        if written > 0 {
            self.partial_end = self.length();
        }
        WriteFailure::after(written, error)
    }
}

impl Drop for StreamState {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Open::Duplicate { file, id, .. } = mem::replace(&mut self.to, Open::Closed) {
            descriptor::close(file, id);
        }
    }
}

/// Duplicates the descriptor, because std's `Stdout` buffers, reports success if the descriptor is closed, and has a
/// lock that another thread may hold during a fork.
#[cfg(unix)]
fn open(stream: impl std::os::fd::AsFd) -> io::Result<Open> {
    let file = File::from(stream.as_fd().try_clone_to_owned()?);
    let metadata = file.metadata()?;
    Ok(Open::Duplicate { file, id: file_id(&metadata), is_file: metadata.is_file() })
}

#[cfg(not(unix))]
fn open(stream: impl Write + Send + 'static) -> io::Result<Open> {
    Ok(Open::Buffered(Box::new(stream)))
}

impl Target for StreamState {
    fn prepare(&mut self, _: usize, _: &Counters) -> io::Result<usize> {
        if self.is_check_due {
            self.check()?;
        }
        if self.partial_line.is_some() && self.length() != self.partial_end {
            // Others have written after the beginning of the partial line, so the rest can't complete it.
            self.partial_line = None;
        }
        Ok(if self.is_file() { usize::MAX } else { PIPE_BUF })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
        let max_wait = if self.stalled { Duration::ZERO } else { MAX_WAIT };
        let result = match &mut self.to {
            #[cfg(unix)]
            Open::Duplicate { file, .. } => write_whole(file, bytes, max_wait),
            #[cfg(not(unix))]
            Open::Buffered(to) => write_whole(&mut **to, bytes, max_wait),
            Open::Closed => Err((0, ErrorKind::NotConnected.into())),
        };
        match result {
            Ok(()) => {
                self.stalled = false;
                Ok(())
            }
            Err((written, error)) => Err(self.failed(written, error)),
        }
    }

    fn partial_line(&mut self) -> &mut Option<PartialLine> {
        &mut self.partial_line
    }

    fn in_child(&mut self) {
        let is_file = self.is_file();
        match &mut self.partial_line {
            // If the file still ends with the beginning of the line, the child ends it, and the parent gives it up.
            Some(partial) if is_file => partial.give_up(),
            partial => *partial = None,
        }
        // A daemon closes all descriptors after a fork.
        self.is_check_due = true;
    }
}

/// Writes all of `bytes`. An error comes with the number of bytes that were written.
pub(super) fn write_whole(
    to: &mut (impl Write + ?Sized),
    bytes: &[u8],
    max_wait: Duration,
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
            Err(error) if error.kind() == ErrorKind::WouldBlock && waited < max_wait => {
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

    /// A writer that passes each write to a closure.
    struct Scripted<F>(F);

    impl<F: FnMut(&[u8]) -> io::Result<usize>> Write for Scripted<F> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            (self.0)(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_and_interrupted_writes_continue_until_all_is_written() {
        let (mut out, mut turn) = (Vec::new(), 0_u32);
        let mut slow = Scripted(|bytes: &[u8]| {
            turn += 1;
            match turn % 3 {
                0 => Err(ErrorKind::Interrupted.into()),
                1 if turn.is_multiple_of(4) => Err(ErrorKind::WouldBlock.into()),
                _ => {
                    out.push(bytes[0]);
                    Ok(1)
                }
            }
        });
        write_whole(&mut slow, b"a line of some length\n", MAX_WAIT).expect("written");
        assert_eq!(out, b"a line of some length\n");
    }

    #[test]
    fn an_error_after_the_longest_wait_tells_how_much_was_written() {
        let mut accepted = Some(5);
        let mut full = Scripted(|_: &[u8]| accepted.take().ok_or(ErrorKind::WouldBlock.into()));
        let failed = write_whole(&mut full, b"a line\n", Duration::from_millis(1));
        let (written, error) = failed.expect_err("it is full");
        assert_eq!((written, error.kind()), (5, ErrorKind::WouldBlock));
    }
}
