//! A service's own lines in its own tests.
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
//! | to | there is |
//! |---|---|
//! | look at one line | [`step`](Captured::step), [`dependency`](Captured::dependency), [`completed`](Captured::completed), [`line`](Captured::line) |
//! | say which line is wanted | [`assert_step`](Captured::assert_step), [`assert_dependency`](Captured::assert_dependency), [`assert_line`](Captured::assert_line) |
//! | see how lines belong together | [`tree`](Captured::tree), [`children`](Captured::children), [`assert_order`](Captured::assert_order) |
//! | compare all of it with what it was | [`snapshot`](Captured::snapshot) |
//! | look for a secret | [`assert_no_leak!`] |
//! | guard counts, shares and times | [`at_most`](Matched::at_most), [`share_at_most`](Matched::share_at_most), [`took_at_most`](Matched::took_at_most) |
//! | make a dependency slow | [`delay`] |
//! | find contexts that never go | [`open_contexts`] |
//!
//! Lines reach the capture of their test from every thread and task that carries the context:
//! [`in_context`](crate::context::InContextExt::in_context), [`carry`](crate::context::carry), a request
//! that was made or entered here. Work sent elsewhere without it belongs to nobody, in production as in a test.

mod captured;
mod delay;
mod leak;
mod line;
mod lines;
mod matched;
mod snapshot;
mod tree;

use std::io::{self, Write};
use std::sync::Once;

use tracing_core::dispatcher::{self, Dispatch};

use crate::init::config::Config;
use crate::init::error::InitError;
use crate::init::panics;
use crate::levels::Levels;
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

/// The number of [`RequestContext`](crate::RequestContext)s that exist in this process, with those of jobs and of the HTTP
/// layer. A number that grows points to a task, a guard or a list that keeps contexts.
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

/// Collects the lines of the current test from here on, at every level, until it is dropped.
///
/// Lines belong to the test whose context they are written under: on this thread, and wherever
/// [`in_context`](crate::context::InContextExt::in_context), [`carry`](crate::context::carry) or a
/// request of this test takes it; other tests that run at the same time are not seen. Where the
/// process has no subscriber yet, one that writes nowhere else is installed; after
/// [`init`](crate::init) its levels hold here too.
///
/// # Panics
///
/// Where another subscriber is installed on this very thread without candor's layer.
pub fn capture() -> Captured {
    if !is_heard() {
        // One test installs it and the others wait: a subscriber that is half installed hears nothing.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let config = Config::new().levels(Levels::all()).nowhere();
            if let Ok(subscriber) = config.subscriber() {
                // Where there is one already, it is asked below.
                let _ = dispatcher::set_global_default(Dispatch::new(subscriber));
            }
        });
        panics::install(true);
    }
    assert!(
        is_heard(),
        "the subscriber of this thread has no candor layer, so nothing can be captured; add \
         `candor::layer()` to it, or begin with `capture_with`"
    );
    Captured::new(Lines::default(), None)
}

/// Whether the subscriber of this thread is one of candor's. That one has been set somewhere in the
/// process does not tell: it may be another thread's.
fn is_heard() -> bool {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<CandorLayer>().is_some())
}

/// The same with settings of its own, on this thread only: format, keys, limits, levels. What the
/// lines looked like is in [`Captured::output`].
///
/// # Errors
///
/// As [`Config::subscriber`].
pub fn capture_with(config: Config) -> Result<Captured, InitError> {
    let lines = Lines::default();
    let (subscriber, logging) = config.writer(Written(lines.clone())).subscriber_with_logging()?;
    let guard = dispatcher::set_default(&Dispatch::new(subscriber));
    panics::install(true);
    let mut captured = Captured::new(lines, Some(guard));
    captured.logging = Some(logging);
    Ok(captured)
}

/// The sink of [`capture_with`].
struct Written(Lines);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.store().written.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
