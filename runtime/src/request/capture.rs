//! The hook by which the testing kit sees the lines of a request and slows its dependency calls.
//!
//! A capture travels with the request, since the work of one test runs on many threads, and tests run side by side.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Collects the lines of the requests it is attached to.
pub(crate) trait Capture: Any + fmt::Debug + Send + Sync {
    /// Takes a line of the request with this serial number, without its line feed.
    fn push(&self, request: u64, line: &str);

    /// The delay of calls to this dependency, if any.
    fn delay_of(&self, dependency: &str) -> Option<Duration>;
}

/// The capture of a request, if it has one.
pub(crate) type CaptureSlot = OnceLock<Arc<dyn Capture>>;
