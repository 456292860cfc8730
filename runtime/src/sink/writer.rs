//! Someone's own writer: one `write_all` a line, whatever it does.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::place::{Failed, Lines, Loss, Place, Unfinished, put_lines};
use super::stats::{Counts, Reason};
use crate::base::lock;

pub(crate) struct Writer(Mutex<State>);

struct State {
    to: Box<dyn Write + Send>,
    /// Always none: how far a failed `write_all` came is not known.
    unfinished: Option<Unfinished>,
}

/// Between looks whether the writer is free.
const PAUSE: Duration = Duration::from_millis(1);

impl Writer {
    pub(crate) fn new(to: Box<dyn Write + Send>) -> Self {
        Writer(Mutex::new(State { to, unfinished: None }))
    }

    pub(super) fn write(&self, lines: Lines<'_>, counts: &Counts) -> Result<(), Loss> {
        let mut state = lock(&self.0);
        put_lines(&mut *state, lines, counts)
    }

    /// Has it flush what it keeps, unless another thread writes until the deadline.
    pub(super) fn flush(&self, deadline: Instant) {
        loop {
            let mut state = match self.0.try_lock() {
                Ok(state) => state,
                Err(TryLockError::Poisoned(state)) => state.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(PAUSE);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return,
            };
            // Its lines are written as far as it told; what it says now changes no count.
            let _ = catch_unwind(AssertUnwindSafe(|| state.to.flush()));
            return;
        }
    }
}

impl Place for State {
    #[inline]
    fn ready(&mut self, first: usize) -> io::Result<usize> {
        Ok(first)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        // A writer that panics loses its line, not the ones after it.
        match catch_unwind(AssertUnwindSafe(|| self.to.write_all(bytes))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failed::after(0, error)),
            Err(_) => {
                let loss = Loss { reason: Reason::Panicked, error: None };
                Err(Failed { written: 0, loss })
            }
        }
    }

    #[inline]
    fn unfinished(&mut self) -> &mut Option<Unfinished> {
        &mut self.unfinished
    }
}
