//! Threads for work that an output may hold up for ever.

use std::sync::mpsc::channel;
use std::time::Instant;
use std::{io, thread};

/// Runs `work` on a thread of its own, and waits for its end, but not longer than until `deadline`.
///
/// Work that takes longer continues. Returns an error if the thread can't be started; `work` then does not run.
pub(crate) fn run_until(deadline: Instant, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (done, is_done) = channel::<()>();
    let run = move || {
        work();
        drop(done);
    };
    thread::Builder::new().name("candor-flush".to_owned()).spawn(run)?;
    // Returns when the thread drops its end, which it also does if `work` panics.
    let _ = is_done.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    Ok(())
}
