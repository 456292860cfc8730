//! The guard of an installed logger, and what is left when it goes.

use std::io::{self, Write as _};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::format::Format;
use crate::logger::Logger;
use crate::sink::LAST_LINES;

/// Keeps candor running; made by [`init`](crate::init()). Keep it until the process ends.
///
/// Dropped, it waits at most five seconds for the lines of a background writer, and says on standard
/// error how many were not written by then. What is logged afterwards is written directly.
#[derive(Debug)]
#[must_use = "keep it until the process ends"]
pub struct Logging {
    pub(super) logger: Arc<Logger>,
}

impl Logging {
    /// How lines are written: the format that was chosen or found.
    pub fn format(&self) -> Format {
        self.logger.format
    }

    /// Waits until every line logged so far is written, and at most for the time given. Returns how many
    /// are not: 0 where all is well. They are written later, if the output takes them before the process
    /// ends.
    ///
    /// Without [`Config::background`](crate::Config::background) no line waits; then only the writer of
    /// [`Config::writer`](crate::Config::writer) is flushed.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let logging = candor::Config::new().background(10_000, candor::Overload::Drop).init()?;
    /// candor::info!("the last line");
    /// let left = logging.flush(Duration::from_secs(2));
    /// assert_eq!(left, 0, "standard output takes no lines");
    /// # Ok::<(), candor::InitError>(())
    /// ```
    pub fn flush(&self, within: Duration) -> u64 {
        self.logger.sink.flush(within)
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let left = self.flush(LAST_LINES);
        self.logger.sink.close();
        if left > 0 {
            say_what_is_left(left);
        }
    }
}

/// Standard error may be what takes no lines: a thread says it, and nobody waits for it long.
fn say_what_is_left(lines: u64) {
    let (said, heard) = mpsc::channel();
    let say = move || {
        let text = format!("candor: lines not written within {LAST_LINES:?}: {lines}\n");
        let _ = io::stderr().write_all(text.as_bytes());
        let _ = said.send(());
    };
    if thread::Builder::new().spawn(say).is_ok() {
        let _ = heard.recv_timeout(Duration::from_millis(200));
    }
}
