//! Standard output and standard error, unbuffered: when a call returns, the line is with the kernel.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often and how long a non-blocking descriptor that is full is asked again for one line.
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Stream {
    state: Mutex<State>,
    is_terminal: bool,
}

struct State {
    to: Box<dyn Write + Send>,
    /// A line was given up half way: the next one starts on a line of its own.
    torn: bool,
}

impl Stream {
    pub(crate) fn stdout() -> Self {
        let out = io::stdout();
        Stream::new(unbuffered(&out).unwrap_or_else(|| Box::new(io::stdout())), out.is_terminal())
    }

    pub(crate) fn stderr() -> Self {
        let err = io::stderr();
        Stream::new(unbuffered(&err).unwrap_or_else(|| Box::new(io::stderr())), err.is_terminal())
    }

    fn new(to: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Stream { state: Mutex::new(State { to, torn: false }), is_terminal }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.torn {
            write_whole(&mut *state.to, b"\n").map_err(|(_, error)| error)?;
            state.torn = false;
        }
        write_whole(&mut *state.to, line).map_err(|(written, error)| {
            state.torn = written > 0;
            error
        })
    }
}

/// The descriptor itself: std's `Stdout` buffers, and takes a closed one for a success.
#[cfg(unix)]
fn unbuffered(stream: &impl std::os::fd::AsFd) -> Option<Box<dyn Write + Send>> {
    let owned = stream.as_fd().try_clone_to_owned().ok()?;
    Some(Box::new(File::from(owned)))
}

#[cfg(not(unix))]
fn unbuffered<T>(_: &T) -> Option<Box<dyn Write + Send>> {
    None
}

/// Writes all of it, the rest at once after a short write; on failure also says how much was written.
pub(super) fn write_whole(to: &mut dyn Write, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    let mut pauses = 0;
    while written < bytes.len() {
        match to.write(&bytes[written..]) {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock && pauses < PATIENCE => {
                pauses += 1;
                thread::sleep(PAUSE);
            }
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}
