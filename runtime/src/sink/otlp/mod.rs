//! OTLP export: lines as log records, and the lines of steps, calls, requests and jobs as spans, to a collector.
//!
//! The logger passes each line that it writes to the [`Exporter`], which adds it to a bounded queue. A thread of its
//! own takes lines from the queue, makes [records](crate::format::otel) of them, encodes them and sends them over HTTP
//! ([OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp)). So an export needs no async runtime, and shows
//! nothing that the redacted line does not.
//!
//! Every record is either waiting, or was delivered, or was dropped for a [reason](stats::LossReason), and each is counted.
//!
//! Locks: the queue has one, which is never held during a request or while something is encoded.

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
use std::time::Instant;
use std::{io, thread};

use super::LAST_LINES;
use crate::format::keys::Keys;
use crate::format::record::Severity;
use crate::format::resource::Resource;
use crate::json::hex::Hex;
use queue::ExportQueue;
pub(crate) use settings::Headers;
pub use settings::{Otlp, OtlpProtocol};
pub(crate) use tls::Tls;
use worker::Worker;

/// Sends lines to a collector. Dropping it ends its thread.
#[derive(Debug)]
pub(crate) struct Exporter {
    shared: Arc<ExportQueue>,
    pub(crate) has_spans: bool,
}

/// What a line does not show of its place in the trace.
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
pub(crate) type LossReport = Box<dyn Fn(u64, &'static str, &'static str, &str) + Send>;

thread_local! {
    /// Whether this thread sends lines. The lines that it logs itself are not exported: they would cause others.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

impl Exporter {
    /// Starts the thread.
    pub(crate) fn start(
        settings: Otlp,
        tls: Tls,
        keys: Keys,
        resource: Arc<Resource>,
        report: LossReport,
    ) -> io::Result<Self> {
        let (has_logs, has_spans) = (settings.logs.is_some(), settings.traces.is_some());
        let Otlp { queue, overload, batch, .. } = settings;
        let shared = Arc::new(ExportQueue::new(queue, overload, batch, has_logs, report));
        let worker = Worker::new(Arc::clone(&shared), settings, tls, keys, resource);
        thread::Builder::new().name("candor-otlp".to_owned()).spawn(move || {
            IS_WORKER.set(true);
            worker.run();
        })?;
        Ok(Exporter { shared, has_spans })
    }

    /// Adds a line to the queue, or drops and counts it.
    pub(crate) fn push(&self, severity: Severity, line: &str, origin: LineOrigin) {
        // During the destruction of thread-locals no line of the worker is expected.
        if !IS_WORKER.try_with(Cell::get).unwrap_or(false) {
            self.shared.push(severity, line.strip_suffix('\n').unwrap_or(line), origin);
        }
    }

    /// Waits until all lines pushed so far are delivered or dropped. Returns how many are neither at the deadline.
    pub(crate) fn flush(&self, deadline: Instant) -> u64 {
        self.shared.flush(deadline)
    }

    /// Ends the export. Lines that are not delivered are counted as dropped, and so are later ones. Returns their
    /// number.
    pub(crate) fn close(&self) -> u64 {
        self.shared.close()
    }
}

impl Drop for Exporter {
    /// The layer no longer exists, so nothing is pushed any more.
    fn drop(&mut self) {
        self.flush(Instant::now() + LAST_LINES);
        self.close();
    }
}
