//! A user's own writer: one write per line.

use std::io::{self, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::stats::{Counters, Reason};
use super::target::{Batch, Loss, PartialLine, Target, WriteFailure, write_batch};
use crate::base::sync::{self, lock};

/// Clones share the writer.
#[derive(Clone)]
pub(crate) struct UserWriter(Arc<Mutex<WriterState>>);

struct WriterState {
    to: Box<dyn Write + Send>,
    partial_line: Option<PartialLine>,
}

/// Between two attempts of [`UserWriter::flush`] to lock the writer.
const PAUSE: Duration = Duration::from_millis(1);

impl UserWriter {
    pub(crate) fn new(to: Box<dyn Write + Send>) -> Self {
        UserWriter(Arc::new(Mutex::new(WriterState { to, partial_line: None })))
    }

    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        write_batch(&mut *lock(&self.0), batch, counters)
    }

    /// Flushes the writer, unless another thread is still writing at `deadline`.
    pub(super) fn flush(&self, deadline: Instant) {
        let mut state = loop {
            if let Some(state) = sync::try_lock(&self.0) {
                break state;
            }
            if Instant::now() >= deadline {
                return;
            }
            thread::sleep(PAUSE);
        };
        // The result is ignored: the lines are already counted as written.
        let _ = catch_unwind(AssertUnwindSafe(|| state.to.flush()));
    }
}

impl Target for WriterState {
    /// One line per write.
    #[inline]
    fn prepare(&mut self, first: usize, _: &Counters) -> io::Result<usize> {
        Ok(first)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
        let mut written = 0;
        // A panic of the writer drops its line, not the lines after it.
        match catch_unwind(AssertUnwindSafe(|| write_all(&mut *self.to, bytes, &mut written))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(WriteFailure::after(written, error)),
            Err(_) => {
                let loss = Loss { reason: Reason::Panicked, error: None };
                Err(WriteFailure { written, loss })
            }
        }
    }

    #[inline]
    fn partial_line(&mut self) -> &mut Option<PartialLine> {
        &mut self.partial_line
    }
}

/// Like `Write::write_all`, but counts the bytes that are written, even if the writer panics.
#[inline]
fn write_all(to: &mut (dyn Write + Send), bytes: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < bytes.len() {
        match to.write(&bytes[*written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            // A writer may return a larger number than the length of its buffer.
            Ok(count) => *written = bytes.len().min(*written + count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
