//! Progress bar on standard error for long reads.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Time before the bar appears, so that it does not flash up in a short read.
const DELAY: Duration = Duration::from_millis(400);
const INTERVAL: Duration = Duration::from_millis(100);
const CELLS: u64 = 30;

/// The bar; it is erased on drop.
#[derive(Debug)]
pub(super) struct Progress {
    /// Total bytes; `None` if the size is unknown or standard error is not a terminal.
    total: Option<u64>,
    read: u64,
    next: Instant,
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let total = total.filter(|total| *total > 0 && std::io::stderr().is_terminal());
        Progress { total, read: 0, next: Instant::now() + DELAY, is_drawn: false }
    }

    /// Redraws the bar if it is due. Called for every line, so the count is compared before the clock is
    /// read: most lines come from a block that is already in memory.
    pub(super) fn update(&mut self, read: u64) {
        let Some(total) = self.total else { return };
        if read == self.read || Instant::now() < self.next {
            return;
        }
        self.read = read;
        self.next = Instant::now() + INTERVAL;
        self.is_drawn = true;
        let done = (read.min(total) * CELLS / total) as usize;
        let rest = CELLS as usize - done;
        let percent = read.min(total) * 100 / total;
        let bar = format!("\r{}{} {percent:3}%", "━".repeat(done), "─".repeat(rest));
        let _ = std::io::stderr().write_all(bar.as_bytes());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_drawn {
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        }
    }
}
