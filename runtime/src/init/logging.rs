//! The handle of a running candor: its levels, its last lines.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::error::InitError;
use super::reload;
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
    logger: Arc<Logger>,
}

impl Logging {
    pub(crate) fn new(logger: Arc<Logger>) -> Self {
        Logging { logger }
    }

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

    /// Which lines are written from now on: `info`, or `info,deps=debug,hyper=warn`. What
    /// [`raise_for`](Self::raise_for) added stays until its time is over.
    ///
    /// It leaves a line `levels_changed`, whatever the levels are. It can be called from anywhere, also
    /// while a line is being written.
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
    /// A directive that can't be read; nothing is changed then.
    pub fn set_levels(&self, directives: &str) -> Result<(), InitError> {
        reload::set(&self.logger, directives)
    }

    /// Writes more for a while: the targets that are named, at least at the level that is given here; a
    /// level without a target is for all but the noisy libraries. When the time is over the levels fall
    /// back by themselves, without any traffic.
    ///
    /// Both leave a line `levels_changed`. Several raises hold at once, each for its own time; what is
    /// [set](Self::set_levels) meanwhile is set under them.
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
    /// A directive that can't be read, or a thread that can't be started; nothing is changed then.
    pub fn raise_for(&self, time: Duration, directives: &str) -> Result<(), InitError> {
        reload::raise_for(&self.logger, time, directives)
    }

    #[cfg(feature = "http")]
    pub(crate) fn logger(&self) -> &Arc<Logger> {
        &self.logger
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
    let (said, heard) = std::sync::mpsc::channel();
    let say = move || {
        let text = format!("candor: lines not written within {LAST_LINES:?}: {lines}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = said.send(());
    };
    if std::thread::Builder::new().spawn(say).is_ok() {
        let _ = heard.recv_timeout(Duration::from_millis(200));
    }
}
