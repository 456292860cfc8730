//! Counts of exported records.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::base::fork::ForkLocks;
use crate::base::lock;

/// Why a record was dropped; [`OtlpDropped`] describes each reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LossReason {
    Full,
    Rejected,
    Unreachable,
    Shutdown,
}

/// The reasons and their names, in the order of [`RecordCounters::dropped`].
pub(super) const REASONS: [(LossReason, &str); 4] = [
    (LossReason::Full, "full"),
    (LossReason::Rejected, "rejected"),
    (LossReason::Unreachable, "unreachable"),
    (LossReason::Shutdown, "shutdown"),
];

/// Kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Spans,
}

/// The kinds and their names, in the order of the enum.
pub(super) const SIGNALS: [(Signal, &str); 2] = [(Signal::Logs, "logs"), (Signal::Spans, "spans")];

/// The counters for one kind of record of one exporter. They are changed only under the lock of its queue.
#[derive(Debug, Default)]
pub(super) struct RecordCounters {
    emitted: AtomicU64,
    delivered: AtomicU64,
    dropped: [AtomicU64; REASONS.len()],
}

/// A plain load and store instead of a locked instruction.
fn add(counter: &AtomicU64, records: u64, order: Ordering) {
    counter.store(counter.load(Ordering::Relaxed) + records, order);
}

/// The counters of all exporters of the process. There are few exporters, and their counts are kept after they end.
static REGISTRY: Mutex<Vec<Arc<[RecordCounters; SIGNALS.len()]>>> = Mutex::new(Vec::new());

/// Takes the lock before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&REGISTRY), |(), _| {});
}

impl RecordCounters {
    /// The counters of an exporter, for each [`Signal`].
    pub(super) fn register() -> Arc<[RecordCounters; SIGNALS.len()]> {
        let counters = Arc::default();
        lock(&REGISTRY).push(Arc::clone(&counters));
        counters
    }

    /// In a forked child: no longer counts records that the parent delivers.
    pub(super) fn forget(&self, records: u64) {
        let emitted = self.emitted.load(Ordering::Relaxed);
        self.emitted.store(emitted.saturating_sub(records), Ordering::Relaxed);
    }

    /// Counts a record before it is counted as delivered or dropped.
    pub(super) fn emit(&self, records: u64) {
        add(&self.emitted, records, Ordering::Relaxed);
    }

    pub(super) fn deliver(&self, records: u64) {
        add(&self.delivered, records, Ordering::Release);
    }

    pub(super) fn drop_records(&self, reason: LossReason, records: u64) {
        add(&self.dropped[reason as usize], records, Ordering::Release);
    }

    pub(super) fn dropped(&self, reason: LossReason) -> u64 {
        self.dropped[reason as usize].load(Ordering::Acquire)
    }

    fn add_to(&self, stats: &mut ExportStats) {
        let [full, rejected, unreachable, shutdown] = REASONS.map(|(it, _)| self.dropped(it));
        let delivered = self.delivered.load(Ordering::Acquire);
        // Read last: each record counted above was emitted before.
        let emitted = self.emitted.load(Ordering::Relaxed);
        stats.emitted += emitted;
        stats.delivered += delivered;
        stats.waiting += emitted - (delivered + full + rejected + unreachable + shutdown);
        stats.dropped.full += full;
        stats.dropped.rejected += rejected;
        stats.dropped.unreachable += unreachable;
        stats.dropped.shutdown += shutdown;
    }
}

/// Counts of the records of OTLP export, over all exporters of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OtlpStats {
    /// Log records: one for each line.
    pub logs: ExportStats,
    /// Spans: one per line of a step, call, request or job in a sampled trace.
    ///
    /// A line that is dropped before it becomes a span is counted among the log records only.
    pub spans: ExportStats,
}

/// Counts for one kind of exported record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportStats {
    /// Records to export: the sum of the other three counts.
    pub emitted: u64,
    /// Records that the collector accepted.
    pub delivered: u64,
    /// Records in the queue, and those that are being sent.
    pub waiting: u64,
    /// Records that were not delivered, by reason.
    pub dropped: OtlpDropped,
}

/// Records that OTLP export did not deliver, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OtlpDropped {
    /// The queue was full.
    pub full: u64,
    /// The collector rejected the records, or did not understand the request.
    pub rejected: u64,
    /// The collector was unreachable or overloaded until the retries ended.
    ///
    /// See [`Otlp::retry_for`](crate::Otlp::retry_for).
    pub unreachable: u64,
    /// The export ended before the records were sent or the response arrived.
    ///
    /// In the second case, the collector may have the records.
    pub shutdown: u64,
}

impl OtlpDropped {
    /// Returns the sum of all reasons.
    pub fn total(&self) -> u64 {
        self.by_reason().map(|(_, records)| records).sum()
    }

    /// Returns each reason and its count.
    ///
    /// The reasons have the same names as in `lines_dropped` lines.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let counts = [self.full, self.rejected, self.unreachable, self.shutdown];
        REASONS.into_iter().zip(counts).map(|((_, name), records)| (name, records))
    }
}

impl fmt::Display for OtlpStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, stats, separator) in [("logs", self.logs, ", "), ("spans", self.spans, "")] {
            let ExportStats { emitted, delivered, waiting, dropped } = stats;
            let dropped = dropped.total();
            write!(
                f,
                "otlp {name}: emitted {emitted}, delivered {delivered}, waiting {waiting}, dropped {dropped}{separator}"
            )?;
        }
        Ok(())
    }
}

/// The counts of this process.
pub(crate) fn otlp() -> OtlpStats {
    let (mut logs, mut spans) = <(ExportStats, ExportStats)>::default();
    for exporter in lock(&REGISTRY).iter() {
        exporter[Signal::Logs as usize].add_to(&mut logs);
        exporter[Signal::Spans as usize].add_to(&mut spans);
    }
    OtlpStats { logs, spans }
}
