//! Where the bytes of a line go. A write that fails is counted and never reaches the caller.

mod file;
mod stream;

use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub(crate) use file::RotatingFile;
pub(crate) use stream::Stream;

/// One destination; `write` takes a whole line, its line feed included.
pub(crate) enum Sink {
    /// Lines go only to captures.
    #[cfg(feature = "testing")]
    Nowhere,
    Stream(Stream),
    File(RotatingFile),
    Writer(Mutex<Box<dyn Write + Send>>),
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "testing")]
            Sink::Nowhere => "Nowhere",
            Sink::Stream(_) => "Stream",
            Sink::File(_) => "File",
            Sink::Writer(_) => "Writer",
        })
    }
}

/// Lines that could not be written since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// What became of the lines of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lines that a sink could not take: a full disk, a reader that is gone, a writer that failed.
    pub dropped: u64,
}

/// Counts of this process, over all its layers.
///
/// ```
/// assert_eq!(candor::stats().dropped, 0);
/// ```
pub fn stats() -> Stats {
    Stats { dropped: DROPPED.load(Ordering::Relaxed) }
}

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// A write on this thread, of which there is one at a time.
struct Writing;

impl Writing {
    fn begin() -> Option<Self> {
        let was_writing = WRITING.try_with(|writing| writing.replace(true)).unwrap_or(false);
        (!was_writing).then_some(Writing)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = WRITING.try_with(|writing| writing.set(false));
    }
}

impl Sink {
    /// Writes a line; one that does not get there is counted.
    ///
    /// A writer is someone's code, which may log or panic: what it says while it writes finds the sink
    /// taken, and is counted as well.
    pub(crate) fn write(&self, line: &str) {
        let written =
            Writing::begin().is_some_and(|_writing| self.try_write(line.as_bytes()).is_ok());
        if !written {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn try_write(&self, line: &[u8]) -> std::io::Result<()> {
        match self {
            #[cfg(feature = "testing")]
            Sink::Nowhere => Ok(()),
            Sink::Stream(stream) => stream.write(line),
            Sink::File(file) => file.write(line),
            Sink::Writer(writer) => {
                // A writer that panics loses its line, not the ones after it.
                let write = || {
                    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                    writer.write_all(line)
                };
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(write))
                    .unwrap_or_else(|_| Err(std::io::Error::other("the writer panicked")))
            }
        }
    }
}
