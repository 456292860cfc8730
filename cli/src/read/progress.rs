//! How far a long read is: a bar on standard error, where that is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// A bar that flashes by tells nobody anything.
const FIRST: Duration = Duration::from_millis(400);
const NEXT: Duration = Duration::from_millis(100);
const CELLS: u64 = 30;

#[derive(Debug)]
pub(super) struct Progress {
    /// Bytes in all; nothing where they are not known or nobody looks.
    total: Option<u64>,
    read: u64,
    next: Instant,
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let total = total.filter(|total| *total > 0 && std::io::stderr().is_terminal());
        Progress { total, read: 0, next: Instant::now() + FIRST, is_drawn: false }
    }

    pub(super) fn at(&mut self, read: u64) {
        let Some(total) = self.total else { return };
        // Most lines come out of a block that is read already.
        if read == self.read || Instant::now() < self.next {
            return;
        }
        self.read = read;
        self.next = Instant::now() + NEXT;
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
