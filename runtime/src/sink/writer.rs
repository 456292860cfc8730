//! A user's own writer: one write per line.

use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::reentrancy::WriteGuard;
use super::stats::{Counters, Reason};
use super::target::{self, Batch, Loss, PartialLine, Target, WriteFailure, write_batch};
use crate::base::catch::{self, contain};
use crate::base::fork::{ForkLocks, OutputLock};
use crate::base::helper;

/// Clones share the writer.
#[derive(Clone)]
pub(crate) struct UserWriter(Arc<OutputLock<WriterState>>);

struct WriterState {
    to: Box<dyn Write + Send>,
    partial_line: Option<PartialLine>,
}

/// Between two attempts of [`UserWriter::flush_here`] to lock the writer.
const PAUSE: Duration = Duration::from_millis(1);

impl UserWriter {
    pub(crate) fn new(to: Box<dyn Write + Send>) -> Self {
        UserWriter(Arc::new(OutputLock::new(WriterState { to, partial_line: None })))
    }

    pub(super) fn write(&self, batch: Batch<'_>, counters: &Arc<Counters>) -> Result<(), Loss> {
        if catch::is_in_panic_hook() {
            return self.write_on_another_thread(batch, counters);
        }
        write_batch(&mut *self.lock(), batch, counters)
    }

    #[inline(always)]
    fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.0.lock(|| WriterState { to: Box::new(Gone), partial_line: None })
    }

    /// Takes the lock before a fork.
    pub(super) fn hold<O: 'static>(owner: O, find: fn(&O) -> Option<&Self>, locks: &mut ForkLocks) {
        target::hold(owner, move |owner| find(owner).map(|it| &*it.0), locks);
    }

    /// Writes the lines of the panic hook. A panic of the writer inside the hook would abort the process.
    #[cold]
    fn write_on_another_thread(
        &self,
        batch: Batch<'_>,
        counters: &Arc<Counters>,
    ) -> Result<(), Loss> {
        thread::scope(|scope| {
            let write = || {
                // A line that the writer logs would wait for its own thread.
                let _guard = WriteGuard::enter();
                write_batch(&mut *self.lock(), batch, counters)
            };
            match thread::Builder::new().spawn_scoped(scope, write) {
                Ok(thread) => {
                    thread.join().unwrap_or(Err(Loss { reason: Reason::Panicked, error: None }))
                }
                Err(error) => {
                    let _lock = self.lock();
                    if batch.counts_as_accepted {
                        counters.accept(batch.lines.len() as u64);
                    }
                    let loss = Loss::from(error);
                    for line in batch.lines {
                        counters.drop_report(loss.reason, line.site, batch.reports);
                    }
                    Err(loss)
                }
            }
        })
    }

    /// Flushes the writer on another thread, because the flush may take as long as it likes. Waits until `deadline` at
    /// most.
    pub(super) fn flush(&self, deadline: Instant) {
        let this = self.clone();
        let flush = move || {
            // A line that the writer logs would wait for its own thread.
            let _guard = WriteGuard::enter();
            this.flush_here(deadline);
        };
        // A panic of the writer inside the hook would abort the process.
        if helper::run_until(deadline, flush).is_err() && !catch::is_in_panic_hook() {
            self.flush_here(deadline);
        }
    }

    /// Flushes the writer, unless another thread is still writing at `deadline`.
    pub(super) fn flush_here(&self, deadline: Instant) {
        let mut state = loop {
            if let Some(state) = self.0.try_lock() {
                break state;
            }
            if Instant::now() >= deadline || self.0.is_abandoned() {
                return;
            }
            thread::sleep(PAUSE);
        };
        // The result is ignored: the lines are already counted as written.
        let _ = contain(|| state.to.flush());
    }
}

impl Drop for WriterState {
    fn drop(&mut self) {
        let to = mem::replace(&mut self.to, Box::new(Gone));
        // A panic would abort the process if the thread is unwinding.
        let _ = contain(|| drop(to));
    }
}

/// Replaces the writer in a forked child if another thread was writing for the whole time of the fork.
struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for WriterState {
    /// One line per write.
    #[inline]
    fn prepare(&mut self, first: usize, _: &Counters) -> io::Result<usize> {
        Ok(first)
    }

    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFailure> {
        match self.write_some(bytes) {
            Ok(count) if count >= bytes.len() => Ok(()),
            first => self.write_rest(bytes, first),
        }
    }

    #[inline]
    fn partial_line(&mut self) -> &mut Option<PartialLine> {
        &mut self.partial_line
    }
}

impl WriterState {
    /// Calls the writer until it is not interrupted. Its panic drops a line, not the lines after it.
    #[inline(always)]
    fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Loss> {
        match self.write_once(bytes) {
            Some(result) => result,
            None => self.write_again(bytes),
        }
    }

    /// Returns `None` if the writer is interrupted.
    #[inline(always)]
    fn write_once(&mut self, bytes: &[u8]) -> Option<Result<usize, Loss>> {
        match contain(|| self.to.write(bytes)) {
            Some(Ok(count)) => Some(Ok(count)),
            Some(Err(error)) if error.kind() == ErrorKind::Interrupted => None,
            Some(Err(error)) => Some(Err(Loss::from(error))),
            None => Some(Err(Loss { reason: Reason::Panicked, error: None })),
        }
    }

    #[cold]
    fn write_again(&mut self, bytes: &[u8]) -> Result<usize, Loss> {
        loop {
            if let Some(result) = self.write_once(bytes) {
                return result;
            }
        }
    }

    /// Goes on after a write that did not accept all, as `Write::write_all` does.
    #[cold]
    fn write_rest(&mut self, bytes: &[u8], first: Result<usize, Loss>) -> Result<(), WriteFailure> {
        let mut written = 0;
        let mut next = first;
        loop {
            match next {
                Ok(0) => return Err(WriteFailure::after(written, ErrorKind::WriteZero.into())),
                // A writer may claim more than it was given.
                Ok(count) => written = bytes.len().min(written + count),
                Err(loss) => return Err(WriteFailure { written, loss, is_short: false }),
            }
            if written == bytes.len() {
                return Ok(());
            }
            next = self.write_some(&bytes[written..]);
        }
    }
}
