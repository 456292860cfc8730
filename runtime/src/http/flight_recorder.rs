//! Settings of the flight recorder.

use std::sync::Arc;

use super::trust;
use crate::init::error::ConfigError;
use crate::levels::{Levels, Raised};
use crate::request::recorder::{Limits, Recorder};

/// Recorder that writes the debug lines of a request only if the request fails.
///
/// Until then, it keeps them in memory. A request fails if its status is 5xx or a gRPC server error, if its response
/// body fails, if it panics or is cancelled, or if it is slower than [`RequestLayer::slow`](super::RequestLayer::slow).
///
/// Lines are redacted and rendered when they are logged, and written before `request_completed`. Their `ts` is the time
/// of logging; their `seq` is assigned on writing and has no gaps. With [sampling](super::RequestLayer::sample), the
/// lines of requests outside the sample are kept as well.
///
/// **This raises the level of the listed targets for every request**: each `debug!` call that is reached is rendered.
/// `request_completed` has the number of lines written (`lines_recorded`) and of lines evicted by one of the limits
/// (`lines_recorded_lost`).
///
/// ```
/// use std::time::Duration;
///
/// use candor::http::{FlightRecorder, RequestLayer};
///
/// let recorder = FlightRecorder::new("shop=debug,deps=debug")?.lines(100);
/// let layer = RequestLayer::new().flight_recorder(recorder).slow(Duration::from_secs(2));
/// # Ok::<(), candor::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlightRecorder {
    levels: Arc<Levels>,
    limits: Limits,
}

impl FlightRecorder {
    /// Creates a recorder for targets and levels, such as `shop=debug,deps=debug`.
    ///
    /// Default limits: 256 lines and 64 KiB for each request, 64 MiB for the process.
    ///
    /// # Errors
    ///
    /// Returns an error if `directives` can't be parsed.
    pub fn new(directives: &str) -> Result<Self, ConfigError> {
        let limits = Limits { lines: 256, bytes: 64 << 10, total_bytes: 64 << 20 };
        Ok(FlightRecorder { levels: Arc::new(trust::raise(directives)?), limits })
    }

    /// Sets how many lines of each request are kept. Default: 256.
    ///
    /// These are the most recent ones.
    pub fn lines(mut self, lines: usize) -> Self {
        self.limits.lines = lines;
        self
    }

    /// Sets how many bytes of lines of each request are kept. Default: 64 KiB.
    ///
    /// These are the most recent ones.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Sets how many bytes of lines are kept for all requests. Default: 64 MiB.
    pub fn total_bytes(mut self, bytes: usize) -> Self {
        self.limits.total_bytes = bytes;
        self
    }
}

/// A recorder in use: the listed call sites are enabled until its layer is dropped.
#[derive(Debug, Clone)]
pub(super) struct ActiveRecorder {
    raised: Arc<Raised>,
    limits: Limits,
}

impl ActiveRecorder {
    pub(super) fn new(FlightRecorder { levels, limits }: FlightRecorder) -> Self {
        ActiveRecorder { raised: Arc::new(Raised::begin(levels)), limits }
    }

    /// Returns the recorder of one request.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder::new(Arc::clone(&self.raised), self.limits)
    }
}
