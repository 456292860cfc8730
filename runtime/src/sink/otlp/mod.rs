//! OTLP export: sends lines to a collector as log records and spans.
//!
//! The logger passes each line that it writes to the [`Exporter`], which adds it to a bounded queue. A separate thread
//! takes lines from the queue, turns them into [records](crate::format::otel), encodes them and sends them over HTTP
//! ([OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp)). So the export needs no async runtime, and reveals
//! nothing that the redacted line does not.
//!
//! Every record is waiting, delivered, or dropped for a [reason](stats::LossReason), and each of these is counted.
//!
//! The lock of the queue is never held during a request or while records are encoded.

mod batch;
mod client;
mod json;
mod protobuf;
mod queue;
mod settings;
mod span;
pub(crate) mod stats;
mod tls;
mod worker;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::{LAST_LINES, reentrancy};
use crate::base::fork::ForkLocks;
use crate::base::timer;
use crate::format::keys::Keys;
use crate::format::record::Severity;
use crate::format::resource::Resource;
use crate::json::hex::Hex;
use queue::ExportQueue;
pub(crate) use settings::{Headers, SignalSettings};
pub use settings::{Otlp, OtlpProtocol};
use stats::Signal;
pub(crate) use tls::Tls;
use worker::{Worker, WorkerSetup};

/// Sends lines to a collector. Dropping it ends its thread.
#[derive(Debug)]
pub(crate) struct Exporter {
    shared: Arc<ExportQueue>,
    setup: Arc<WorkerSetup>,
    pub(crate) has_spans: bool,
}

/// Information about a line's position in its trace that the line itself does not contain.
#[derive(Debug, Clone, Default)]
pub(crate) struct LineOrigin {
    /// The id of the active step; 0 outside any step.
    pub(crate) step: u32,
    /// Whether the trace is sampled; `None` if there is no trace.
    pub(crate) sampled: Option<bool>,
    /// The caller's span, which is the parent of the request's.
    pub(crate) parent: Option<Hex<16>>,
    /// Trace and span of another request, in which the request began.
    pub(crate) link: Option<Arc<(Hex<32>, Hex<16>)>>,
}

/// Writes a `lines_dropped` line to the local output: how many records were dropped, their kind, the reason, and the
/// last error of the collector.
pub(crate) type LossReport = Box<dyn Fn(u64, &'static str, &'static str, &str) + Send + Sync>;

thread_local! {
    /// Whether this thread sends lines. Lines that this thread logs itself are not exported: they would cause further
    /// lines.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread runs the HTTP client, whose lines would show requests with their headers.
    static IS_SENDING: Cell<bool> = const { Cell::new(false) };
}

/// How long [`Exporter::close`] waits for the report of the last losses.
const LAST_REPORT: Duration = Duration::from_millis(500);

/// Whether a line is logged by the HTTP client of an export. Such lines are not written.
pub(crate) fn is_sending() -> bool {
    IS_SENDING.try_with(Cell::get).unwrap_or(false)
}

/// Whether this thread must not wait for the export: it is the exporting thread, or inside a user's writer.
fn must_not_wait() -> bool {
    reentrancy::is_writing() || IS_WORKER.try_with(Cell::get).unwrap_or(true)
}

impl Exporter {
    /// Starts the thread.
    pub(crate) fn start(
        mut settings: Otlp,
        tls: Tls,
        keys: Keys,
        resource: Arc<Resource>,
        report: LossReport,
    ) -> io::Result<Self> {
        settings.delay = settings.delay.min(timer::MAX_DELAY);
        let has_logs = settings.signal(Signal::Logs).url.is_some();
        let has_spans = settings.signal(Signal::Spans).url.is_some();
        let Otlp { queue, overload, batch, .. } = settings;
        let shared = Arc::new(ExportQueue::new(queue, overload, batch, has_logs, report));
        let setup = Arc::new(WorkerSetup { settings, tls, keys, resource });
        let exporter = Exporter { shared, setup, has_spans };
        exporter.start_thread()?;
        Ok(exporter)
    }

    fn start_thread(&self) -> io::Result<()> {
        let (shared, setup) = (Arc::clone(&self.shared), Arc::clone(&self.setup));
        let work = move || {
            IS_WORKER.set(true);
            Worker::new(shared, &setup).run();
        };
        thread::Builder::new().name("candor-otlp".to_owned()).spawn(work).map(drop)
    }

    /// Takes the locks before a fork. The child exports its own lines, with a thread and connections of its own.
    pub(crate) fn hold(&self, locks: &mut ForkLocks) {
        self.shared.hold(locks);
    }

    /// Adds a line to the queue, or drops and counts it. Lines that a user's writer logs are not written, so they are
    /// not exported either.
    pub(crate) fn push(&self, severity: Severity, line: &str, origin: LineOrigin) {
        if must_not_wait() {
            return;
        }
        let line = line.strip_suffix('\n').unwrap_or(line);
        if self.shared.push(severity, line, origin) && self.start_thread().is_err() {
            self.shared.close();
        }
    }

    /// The time until which this thread may wait for the export.
    pub(crate) fn deadline(within: Duration) -> Instant {
        if must_not_wait() { Instant::now() } else { timer::after(within) }
    }

    /// Waits until all lines pushed so far are delivered or dropped. Returns how many are neither by the deadline.
    pub(crate) fn flush(&self, deadline: Instant) -> u64 {
        self.shared.flush(deadline)
    }

    /// Ends the export. Undelivered lines and all later lines are counted as dropped. Returns the number of undelivered
    /// lines.
    pub(crate) fn close(&self) -> u64 {
        let left = self.shared.close();
        // Reported from another thread, because the output may stall.
        self.shared.report_soon();
        self.shared.await_report(if must_not_wait() { Duration::ZERO } else { LAST_REPORT });
        left
    }
}

impl Drop for Exporter {
    /// Flushes and closes the queue. The layer no longer exists, so no more lines are pushed.
    fn drop(&mut self) {
        self.flush(Self::deadline(LAST_LINES));
        self.close();
    }
}
