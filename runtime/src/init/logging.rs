//! The guard of an installed candor, which changes levels and flushes the last lines.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::error::InitError;
use super::reload;
use crate::format::Format;
use crate::logger::Logger;
use crate::sink::LAST_LINES;

/// Guard returned by [`init`](crate::init()); keep it until the process ends.
///
/// Dropping it waits at most five seconds for the lines of a background writer, and prints to standard error how many
/// were not written by then. Lines logged later are written directly.
#[derive(Debug)]
#[must_use = "keep it until the process ends"]
pub struct Logging {
    pub(crate) logger: Arc<Logger>,
}

impl Logging {
    /// Returns the format of the lines.
    pub fn format(&self) -> Format {
        self.logger.format
    }

    /// Waits until every line logged so far is written, but no longer than `within`.
    ///
    /// Returns the number of lines that are not written yet, normally 0. The background thread keeps trying to write
    /// them until the process ends.
    ///
    /// Without [`Config::background`](crate::Config::background) no line waits, and only the writer of
    /// [`Config::writer`](crate::Config::writer) is flushed.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let logging = candor::Config::new().background(10_000, candor::Overload::Drop).init()?;
    /// candor::info!("the last line");
    /// let left = logging.flush(Duration::from_secs(2));
    /// assert_eq!(left, 0, "standard output accepts no lines");
    /// # Ok::<(), candor::InitError>(())
    /// ```
    pub fn flush(&self, within: Duration) -> u64 {
        self.logger.sink.flush(within)
    }

    /// Sets the levels: `info`, or `info,deps=debug,hyper=warn`.
    ///
    /// Levels added by [`raise_for`](Self::raise_for) stay until their time is over. The change is logged as
    /// `levels_changed`, whatever the levels are. This method can be called from anywhere, even while a line is being
    /// written.
    ///
    /// ```no_run
    /// let logging = candor::init()?;
    /// logging.set_levels("warn,shop::cart=debug")?;
    /// // {…,"level":"INFO","logger":"candor","msg":"levels_changed",…,"event":"levels_changed",
    /// //  "change":"set","levels":"warn,shop::cart=debug"}
    /// # Ok::<(), candor::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed. The levels then stay as they are.
    pub fn set_levels(&self, directives: &str) -> Result<(), InitError> {
        reload::set(&self.logger, directives)
    }

    /// Raises levels for a limited time, for example to see the DEBUG lines of one target.
    ///
    /// Each target in `directives` is logged at least at its level. A level without a target applies to all targets
    /// except the noisy libraries that [`Config::level`](crate::Config::level) lists. A timer lowers the levels again
    /// after `time`, even if nothing is logged.
    ///
    /// Both changes are logged as `levels_changed`. Several raises can be active at once, each for its own time.
    /// [`set_levels`](Self::set_levels) does not end them.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let logging = candor::init()?;
    /// logging.raise_for(Duration::from_secs(600), "deps=debug")?;
    /// // {…,"msg":"levels_changed",…,"change":"raised","levels":"info","raised":"deps=debug","seconds":600.0}
    /// // and after ten minutes
    /// // {…,"msg":"levels_changed",…,"change":"fell_back","levels":"info"}
    /// # Ok::<(), candor::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed or the timer thread can't be started. The levels then stay as
    /// they are.
    pub fn raise_for(&self, time: Duration, directives: &str) -> Result<(), InitError> {
        reload::raise_for(&self.logger, time, directives)
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let left = self.flush(LAST_LINES);
        self.logger.sink.close();
        if left > 0 {
            report_unwritten(left);
        }
    }
}

/// Prints from a thread, and waits for it only briefly, because standard error may be the output that stalls.
fn report_unwritten(lines: u64) {
    let (done, is_done) = std::sync::mpsc::channel();
    let print = move || {
        let text = format!("candor: lines not written within {LAST_LINES:?}: {lines}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(print).is_ok() {
        let _ = is_done.recv_timeout(Duration::from_millis(200));
    }
}
