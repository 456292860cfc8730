//! The guard of an installed candor, which changes levels and flushes the last lines.

use std::io::Write as _;
use std::sync::Arc;
#[cfg(feature = "log")]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(feature = "otlp")]
use std::thread;
use std::time::{Duration, Instant};

use super::error::ConfigError;
#[cfg(feature = "log")]
use super::log_crate;
use super::panics::{self, Joined};
use super::reload;
use crate::base::{helper, timer};
use crate::format::Format;
use crate::format::record::Severity;
use crate::logger::{Logger, notices};
use crate::sink::LAST_LINES;
#[cfg(feature = "otlp")]
use crate::sink::otlp::Exporter;

/// Guard of the logger; keep it until the process ends.
///
/// [`init`](crate::init()) and [`Config::build`](crate::Config::build) return it.
///
/// Dropping it waits at most five seconds for the lines of a background writer and of OTLP export, and prints to standard
/// error how many were not written or exported by then. It also writes the lines that open requests hold
/// ([`Story::Problems`](crate::Story::Problems)). Lines logged later are written directly, and not exported.
#[derive(Debug)]
#[must_use = "keep it until the process ends"]
pub struct Logging {
    pub(crate) logger: Arc<Logger>,
    print_panics: bool,
}

impl Logging {
    pub(crate) fn new(logger: Arc<Logger>, print_panics: bool) -> Self {
        Logging { logger, print_panics }
    }

    /// Installs the panic hook, which writes a `panic` line for each panic.
    ///
    /// The line has the location, the scrubbed message and a backtrace. [`init`](crate::init()) installs the hook
    /// itself; call this after [`Config::build`](crate::Config::build). The default hook of the standard library is
    /// replaced (see [`Config::print_panics`](crate::Config::print_panics)). Any other hook, such as color-eyre's, runs
    /// after candor's. It gets the raw message and can write it elsewhere, so one INFO line `panic_hook_kept` reports
    /// it. To remove such a hook, call [`std::panic::take_hook`] first.
    ///
    /// A hook that is installed later must call the hook that it replaces, as Sentry's does. If it does not, like
    /// color-eyre's, candor logs one WARN `panic_hook_replaced` when a step panics; call this method again after
    /// installing that hook.
    ///
    /// The line is written by the candor layer of the thread that panics, or else by this logger. Other layers do not
    /// get it as an event, because a panic in one of them would abort the process while the hook runs.
    ///
    /// If the panic ends the process, because the program is compiled with `panic = "abort"` or the panic can't unwind,
    /// the hook then does what dropping the guard does: it waits at most five seconds for the lines that are queued,
    /// held, folded or exported. After any other panic it waits at most 200 milliseconds for the queue of
    /// [`Config::background`](crate::Config::background), because a hook that runs after it may end the process.
    ///
    /// # Panics
    ///
    /// Panics if the thread is panicking.
    pub fn install_panic_hook(&self) {
        notices::set_installed(&self.logger);
        if panics::install(self.print_panics) == Joined::BeforeAnother {
            self.logger.notice(
                Severity::Info,
                "panic_hook_kept",
                "a panic hook was already installed; it runs after candor's, and gets the unredacted message",
            );
        }
    }

    /// Installs the logger of the `log` crate, so that its records become lines.
    ///
    /// [`init`](crate::init()) installs it itself; call this after [`Config::build`](crate::Config::build). The candor
    /// layer of the thread that logs writes the records; other layers do not see them.
    ///
    /// The `log` crate has one logger for the life of a process. If another logger is already installed, such as that
    /// of `env_logger`, it gets all records, and one WARN `logger_taken` reports this. The `init` methods of
    /// `tracing-subscriber` also install a logger if its `tracing-log` feature is enabled: records then arrive as
    /// events with the target `log`. Install the subscriber with `tracing::subscriber::set_global_default` instead.
    #[cfg(feature = "log")]
    pub fn install_log(&self) {
        static IS_WRITTEN: AtomicBool = AtomicBool::new(false);
        if !log_crate::install() && !IS_WRITTEN.swap(true, Ordering::Relaxed) {
            self.logger.notice(
                Severity::Warn,
                "logger_taken",
                "the `log` crate already has a logger, such as env_logger's, which gets all records of that crate; \
                 remove it, or install candor first (`init()` of tracing-subscriber installs one with its feature \
                 `tracing-log`; use `tracing::subscriber::set_global_default`)",
            );
        }
    }

    /// Returns the format of the lines.
    pub fn format(&self) -> Format {
        self.logger.format
    }

    /// Waits until every line logged so far is written, but no longer than `within`.
    ///
    /// Returns the number of lines that are not written yet, normally 0. The background thread keeps trying to write
    /// them until the process ends.
    ///
    /// With [`Story::Problems`](crate::Story::Problems), the lines that open requests hold are written, too, and so are the
    /// lines of [`Config::fold_repeats`](crate::Config::fold_repeats). The held lines of a request count as one.
    ///
    /// Without [`Config::background`](crate::Config::background) no other line waits. The writer of
    /// [`Config::writer`](crate::Config::writer) is flushed on another thread; if its flush takes longer, it continues.
    /// With OTLP export (feature `otlp`), a line also waits until it is delivered to the collector or dropped. The
    /// export has its own thread, so a flush can block any thread, even the only one of an async runtime.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let logging = candor::Config::new().background(10_000, candor::Overload::Drop).init()?;
    /// candor::info!("the last line");
    /// let left = logging.flush(Duration::from_secs(2));
    /// assert_eq!(left, 0, "standard output accepts no lines");
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn flush(&self, within: Duration) -> u64 {
        let (unwritten, unexported) = flush_all(&self.logger, within, false);
        unwritten.max(unexported)
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
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed. The levels then stay as they are.
    pub fn set_levels(&self, directives: &str) -> Result<(), ConfigError> {
        reload::set(&self.logger, directives)
    }

    /// Raises levels for a limited time, for example one target to DEBUG.
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
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed or the timer thread can't be started. The levels then stay as
    /// they are.
    pub fn raise_for(&self, time: Duration, directives: &str) -> Result<(), ConfigError> {
        reload::raise_for(&self.logger, time, directives)
    }
}

/// Writes the lines that open requests hold and the folded lines, and flushes the output and the export at the same time.
/// If `closes` is set, no line is held or folded later. Returns how many lines were not written and not exported.
pub(super) fn flush_all(logger: &Arc<Logger>, within: Duration, closes: bool) -> (u64, u64) {
    let until = timer::after(within);
    let waiting = logger.write_waiting(closes, within);
    let within = until.saturating_duration_since(Instant::now());
    #[cfg(feature = "otlp")]
    if let Some(exporter) = &logger.exporter {
        let deadline = Exporter::deadline(within);
        return thread::scope(|scope| {
            let export = || exporter.flush(deadline);
            let exporting = thread::Builder::new().spawn_scoped(scope, export);
            let unwritten = logger.sink.flush(within);
            let unexported = match exporting {
                Ok(thread) => thread.join().unwrap_or_default(),
                Err(_) => exporter.flush(deadline),
            };
            (waiting + unwritten, unexported)
        });
    }
    (waiting + logger.sink.flush(within), 0)
}

impl Drop for Logging {
    fn drop(&mut self) {
        let (mut unwritten, mut unexported) = flush_all(&self.logger, LAST_LINES, true);
        if self.logger.bill.is_some() {
            // After the lines that it counts.
            let logger = Arc::clone(&self.logger);
            let _ = helper::run_until(timer::after(LAST_REPORTS), move || logger.write_bill());
            (unwritten, unexported) = flush_all(&self.logger, LAST_REPORTS, true);
        }
        // The export closes first, because it reports its losses on the output.
        #[cfg(feature = "otlp")]
        if let Some(exporter) = &self.logger.exporter {
            exporter.close();
            self.logger.sink.flush(LAST_REPORTS);
        }
        // Other threads may have logged since the flush.
        let late = self.logger.sink.close(LAST_REPORTS);
        unwritten = unwritten.max(late);
        for (what, lines) in [("written", unwritten), ("exported", unexported)] {
            if lines > 0 {
                report_unwritten(what, lines);
            }
        }
    }
}

/// How long dropping the guard waits for the bill, for the reports of an export, for the lines that other threads log
/// meanwhile, and for its own report to be written.
const LAST_REPORTS: Duration = Duration::from_millis(200);

fn report_unwritten(what: &'static str, lines: u64) {
    print(format!("candor: lines not {what} within {LAST_LINES:?}: {lines}\n"));
}

/// Prints from a thread, and waits for it only briefly, because standard error may be the output that stalls.
pub(super) fn print(text: String) {
    let _ = helper::run_until(timer::after(LAST_REPORTS), move || {
        let _ = std::io::stderr().write_all(text.as_bytes());
    });
}
