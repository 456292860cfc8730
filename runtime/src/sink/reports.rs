//! The `lines_dropped` lines, which report lines that a sink has lost.
//!
//! The queue's thread writes them. Without a queue, or after that thread has ended, the thread that wrote a line does.

use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::background::Shared;
use super::destination::Destination;
use super::stats::{Counters, REASONS, ReportedLines, difference};
use super::target::{Batch, BatchLine};
use crate::base::fork::OutputLock;
use crate::format::sites::SiteId;

/// Renders the `lines_dropped` line for a number of lines and the name of their reason.
pub(crate) type Report = Arc<dyn Fn(u64, &'static str) -> String + Send + Sync>;

/// The least time between two reports.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The reports of a sink. One thread at a time writes them: the queue's thread, while it runs.
pub(super) struct LossReporter {
    render: Report,
    reports: OutputLock<Reports>,
}

impl fmt::Debug for LossReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossReporter").finish_non_exhaustive()
    }
}

impl LossReporter {
    pub(super) fn new(render: Report) -> Self {
        LossReporter { render, reports: OutputLock::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock(Reports::default)
    }

    /// Returns `None` if another thread is writing the reports.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Reports>> {
        self.reports.try_lock_or_replace(Reports::default)
    }

    /// In a forked child: leaves the lines that were lost so far to the parent, whose thread may have the lock.
    pub(super) fn leave_to_parent(&self, counters: &Counters) {
        self.reports.change_or_abandon(|_| {});
        if let Some(mut reports) = self.try_lock() {
            counters.begin_report();
            reports.covered = REASONS.map(|(reason, _)| counters.to_report(reason));
        }
    }
}

/// The state of the reports: what they cover, and when the next one may be written.
#[derive(Default)]
pub(super) struct Reports {
    /// The lines that they cover, by reason (see [`Counters::to_report`]).
    covered: [u64; REASONS.len()],
    /// The time of the last one.
    last: Option<Instant>,
    /// The number of lines that had been written when the last report failed. It is not tried again until another line
    /// is written or the queue is flushed, because each attempt counts as a dropped line.
    failed_after: Option<u64>,
}

impl Reports {
    /// Whether there are lines to report, and the output may accept the report.
    pub(super) fn can_be_written(&self, counters: &Counters) -> bool {
        let mut covered = REASONS.iter().zip(self.covered);
        self.may_succeed(counters)
            && covered.any(|((reason, _), covered)| covered < counters.to_report(*reason))
    }

    /// Whether a line was written since a report failed.
    pub(super) fn may_succeed(&self, counters: &Counters) -> bool {
        self.failed_after.is_none_or(|written| written < counters.written())
    }

    pub(super) fn are_due(&self) -> bool {
        self.wait().is_zero()
    }

    /// How long it is until the next report may be written.
    pub(super) fn wait(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| REPORT_INTERVAL.saturating_sub(last.elapsed()))
    }

    /// Whether a report may be written now, after a line was written.
    pub(super) fn can_follow_line(&self, counters: &Counters) -> bool {
        self.may_succeed(counters) && self.are_due()
    }

    /// Writes a line for each reason for which lines were lost since the last report. A report that can't be written
    /// counts as dropped, and the next one covers its lines and itself.
    ///
    /// With a queue, reports are counted as accepted under its lock.
    pub(super) fn write(
        &mut self,
        reporter: &LossReporter,
        destination: &Destination,
        counters: &Arc<Counters>,
        queue: Option<&Shared>,
    ) {
        self.failed_after = None;
        counters.begin_report();
        for (covered, (reason, name)) in self.covered.iter_mut().zip(REASONS) {
            let all = counters.to_report(reason);
            let lines = difference(all, *covered);
            if lines == 0 {
                continue;
            }
            self.last = Some(Instant::now());
            // If this report is lost, its lines are added to those that have to be reported.
            *covered = all;
            let line = (reporter.render)(lines, name);
            if let Some(queue) = queue {
                queue.accept(counters);
            }
            let batch = Batch {
                bytes: line.as_bytes(),
                lines: &[BatchLine::new(SiteId::of_own("lines_dropped"), &line)],
                counts_as_accepted: queue.is_none(),
                reports: Some(ReportedLines { reason, lines }),
            };
            if destination.write(batch, counters).is_err() {
                self.failed_after = Some(counters.written());
                // The rest of this report may still be written, so it does not count as a loss.
                counters.report_again();
                break;
            }
        }
    }
}
