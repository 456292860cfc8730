//! Testing kit: captures the lines that a test writes, and asserts on them.
//!
//! ```
//! use candor::policy::clear;
//!
//! #[candor::step_timed(fields(sku = clear(sku)))]
//! fn reserve(sku: &str) -> Result<(), std::fmt::Error> {
//!     Err(std::fmt::Error)
//! }
//!
//! let captured = candor::testing::capture();
//! let _ = reserve("sku-7");
//!
//! let line = captured.step("reserve");
//! assert_eq!(line.text("sku"), "sku-7");
//! assert_eq!(line.text("outcome"), "error");
//! ```
//!
//! | to | use |
//! |---|---|
//! | look at one line | [`step`](Captured::step), [`dependency`](Captured::dependency), [`completed`](Captured::completed), [`line`](Captured::line) |
//! | assert on the lines of a step, call or message | [`assert_step`](Captured::assert_step), [`assert_dependency`](Captured::assert_dependency), [`assert_line`](Captured::assert_line) |
//! | check the structure of a request | [`tree`](Captured::tree), [`children`](Captured::children), [`assert_order`](Captured::assert_order) |
//! | search for a leaked secret | [`assert_no_leak!`] |
//! | find the cause of a `[REDACTED]` | [`redactions`](Captured::redactions) |
//! | limit counts, shares and durations | [`at_most`](Matched::at_most), [`share_at_most`](Matched::share_at_most), [`took_at_most`](Matched::took_at_most) |
//! | slow down a dependency | [`delay`] |
//! | find leaked contexts | [`open_contexts`] |
//!
//! A test captures the lines of each thread and task that has its context: through
//! [`in_context`](crate::context::InContextExt::in_context), [`carry`](crate::context::carry), or a request that the test
//! made or entered. Lines from work that was spawned without a context are not captured.

mod captured;
mod delay;
mod leak;
mod line;
mod lines;
mod matched;
mod tree;

use std::io::{self, Write};
use std::sync::Once;

use tracing_core::dispatcher::{self, Dispatch};

use crate::init::config::Config;
use crate::init::error::ConfigError;
use crate::init::panics;
use crate::logger::CandorLayer;
use crate::request::counted;

#[doc(inline)]
pub use crate::__assert_no_leak as assert_no_leak;
#[doc(hidden)]
pub use crate::sink::on_rotation;
pub use captured::Captured;
pub use delay::{Delay, delay};
#[doc(hidden)]
pub use leak::__assert_no_leak;
pub use line::Line;
use lines::Lines;
pub use matched::Matched;

/// Returns the number of open request contexts in this process.
///
/// It counts every [`RequestContext`](crate::RequestContext), and the contexts of jobs and of the HTTP layer. If the
/// number grows, a task, a guard or a collection keeps contexts.
///
/// ```
/// use candor::RequestContext;
/// use candor::testing::open_contexts;
///
/// let before = open_contexts();
/// let context = RequestContext::new();
/// assert_eq!(open_contexts(), before + 1);
/// drop(context);
/// assert_eq!(open_contexts(), before);
/// ```
pub fn open_contexts() -> usize {
    counted::open()
}

/// Captures the lines of the current test until the returned value is dropped.
///
/// These are the lines of this thread, and of the threads and tasks that have the context of this test; see the
/// [module documentation](self). Lines of tests that run concurrently are not captured.
///
/// If the process has no subscriber, one is installed that captures every level and writes nowhere else. If it has one
/// with a candor layer, as after [`init`](crate::init), its levels apply.
///
/// ```
/// let captured = candor::testing::capture();
/// candor::debug!(rows = 3, "found");
/// assert_eq!(captured.line("found").integer("rows"), 3);
/// ```
///
/// # Panics
///
/// Panics if the subscriber of this thread does not have a candor layer.
pub fn capture() -> Captured {
    if !has_candor_layer() {
        // `call_once` blocks other tests until the subscriber is installed, so that they do not miss lines.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let config = Config::new().for_captures();
            if let Ok(subscriber) = config.subscriber() {
                // If another one is installed, the assertion below checks it.
                let _ = dispatcher::set_global_default(Dispatch::new(subscriber));
            }
        });
        panics::install_for_captures();
    }
    assert!(
        has_candor_layer(),
        "the subscriber of this thread has no candor layer, so nothing can be captured; add \
         `candor::layer()` to it, or begin with `capture_with`"
    );
    Captured::new(Lines::default(), None)
}

/// Whether the subscriber of this thread has a candor layer. Other threads may have another subscriber.
fn has_candor_layer() -> bool {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<CandorLayer>().is_some())
}

/// Like [`capture`], with a configuration, for this thread only.
///
/// The configuration can set, for example, the format, keys, limits or levels.
///
/// [`Captured::output`] returns the lines in the configured format.
///
/// ```
/// use candor::{Config, Profile};
///
/// let captured = candor::testing::capture_with(Config::new().level("warn")?.profile(Profile::Logfmt))?;
/// candor::info!("below the level");
/// candor::warn!(rows = 3, "slow query");
/// let output = captured.output();
/// assert!(output.contains("level=warn") && output.ends_with("rows=3\n"), "{output}");
/// assert_eq!(output.lines().count(), 1);
/// # Ok::<(), candor::ConfigError>(())
/// ```
///
/// # Errors
///
/// Returns the errors of [`Config::subscriber`].
pub fn capture_with(config: Config) -> Result<Captured, ConfigError> {
    let lines = Lines::default();
    let (subscriber, logging) =
        config.writer(CaptureWriter(lines.clone())).subscriber_with_logging()?;
    let guard = dispatcher::set_default(&Dispatch::new(subscriber));
    panics::install_for_captures();
    let mut captured = Captured::new(lines, Some(guard));
    captured.logging = Some(logging);
    Ok(captured)
}

/// The sink of [`capture_with`].
struct CaptureWriter(Lines);

impl Write for CaptureWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.store().written.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
