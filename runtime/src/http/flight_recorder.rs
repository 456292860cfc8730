//! What the flight recorder of an edge keeps.

use std::sync::Arc;

use super::trust;
use crate::init::error::InitError;
use crate::levels::{Levels, Raised};
use crate::request::recorder::{Limits, Recorder};

/// Keeps the detail of every request in memory, and writes it only where the request ends badly: answered
/// 5xx, panicked, cancelled, or slower than [`RequestLayer::slow`](super::RequestLayer::slow).
///
/// Its lines are redacted and rendered when they are made, and stand before `request_completed` when they are written.
/// They get their `seq` then, so that it has no gaps; `ts` tells when they were made. With
/// [sampling](super::RequestLayer::sample), the lines that are not written otherwise are kept as well.
///
/// **It raises the level of the targets it lists for every request**: their `debug!` calls are no longer off, and
/// each one that is reached is rendered. `request_completed` says how many lines it wrote (`lines_recorded`), and how
/// many had to make room (`lines_recorded_lost`).
///
/// ```
/// use std::time::Duration;
///
/// use candor::http::{FlightRecorder, RequestLayer};
///
/// let recorder = FlightRecorder::new("shop=debug,deps=debug")?.lines(100);
/// let layer = RequestLayer::new().flight_recorder(recorder).slow(Duration::from_secs(2));
/// # let _ = layer;
/// # Ok::<(), candor::InitError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FlightRecorder {
    levels: Arc<Levels>,
    limits: Limits,
}

impl FlightRecorder {
    /// A recorder of these targets: 256 lines and 64 KiB of a request, 64 MiB of all of them.
    ///
    /// # Errors
    ///
    /// A directive that can't be read.
    pub fn new(directives: &str) -> Result<Self, InitError> {
        let limits = Limits { lines: 256, bytes: 64 << 10, total_bytes: 64 << 20 };
        Ok(FlightRecorder { levels: Arc::new(trust::raise(directives)?), limits })
    }

    /// Lines of one request, the last ones. Default 256.
    pub fn lines(mut self, lines: usize) -> Self {
        self.limits.lines = lines;
        self
    }

    /// Bytes of one request, the last ones. Default 64 KiB.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Bytes of all requests of the process together. Default 64 MiB.
    pub fn total_bytes(mut self, bytes: usize) -> Self {
        self.limits.total_bytes = bytes;
        self
    }
}

/// A recorder in use: call sites are on as long as its edge lives.
#[derive(Debug, Clone)]
pub(super) struct InUse {
    raised: Arc<Raised>,
    limits: Limits,
}

impl InUse {
    pub(super) fn begin(FlightRecorder { levels, limits }: FlightRecorder) -> Self {
        InUse { raised: Arc::new(Raised::begin(levels)), limits }
    }

    pub(super) fn recorder(&self) -> Recorder {
        Recorder::new(Arc::clone(&self.raised), self.limits)
    }
}
