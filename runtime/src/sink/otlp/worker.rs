//! The thread that exports: takes lines from the queue, encodes them and sends them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::ExportBatch;
use super::client::{Client, Sent};
use super::queue::{ExportQueue, PendingLines, REPORT_INTERVAL};
use super::settings::{Otlp, OtlpProtocol};
use super::stats::{LossReason, Signal};
use super::tls::Tls;
use super::{Headers, json, protobuf};
use crate::base::clock::Tick;
use crate::base::random;
use crate::format::keys::Keys;
use crate::format::otel::Reading;
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::json::escape;

/// The wait before the second attempt; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    shared: Arc<ExportQueue>,
    client: Client,
    settings: Otlp,
    keys: Keys,
    resource: Arc<Resource>,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<ExportQueue>,
        settings: Otlp,
        tls: Tls,
        keys: Keys,
        resource: Arc<Resource>,
    ) -> Self {
        let client = Client::new(&settings, tls);
        Worker { shared, client, settings, keys, resource }
    }

    /// Exports until the queue is closed.
    pub(super) fn run(&self) {
        let _close = CloseExportOnExit(&self.shared);
        let mut lines = PendingLines::default();
        let mut last_report: Option<Instant> = None;
        while self.shared.next(&mut lines, self.settings.delay) {
            self.export(&lines);
            let is_due = last_report.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL);
            if self.shared.report_losses(is_due) {
                last_report = Some(Instant::now());
            }
        }
    }

    fn export(&self, lines: &PendingLines) {
        let service = self.resource.get(SERVICE_NAME).map(|name| {
            let mut escaped = String::new();
            escape::json_text(name.shown(), &mut escaped);
            escaped
        });
        let reading = Reading {
            keys: &self.keys,
            service: service.as_deref(),
            has_step_spans: self.settings.traces.is_some(),
        };
        let most = usize::try_from(self.shared.batch).unwrap_or(usize::MAX);
        let mut next = 0;
        while next < lines.ends.len() && !self.shared.is_closed() {
            let (batch, end) = ExportBatch::take(lines, next, most, reading);
            self.export_batch(&batch, (end - next) as u64);
            let start = next.checked_sub(1).map_or(0, |before| lines.ends[before].0);
            let bytes = lines.ends[end - 1].0 - start;
            self.shared.finish((end - next) as u64, bytes as u64);
            next = end;
        }
    }

    fn export_batch(&self, batch: &ExportBatch<'_>, lines: u64) {
        let Otlp { logs, traces, headers, protocol, original, .. } = &self.settings;
        let [all, for_logs, for_traces] = headers;
        if let Some(url) = logs {
            let body = match protocol {
                OtlpProtocol::Protobuf => protobuf::logs(batch, &self.resource, *original),
                OtlpProtocol::Json => json::logs(batch, &self.resource, *original),
            };
            let unread = lines - batch.records();
            self.shared.settle(
                Signal::Logs,
                0,
                LossReason::Rejected,
                unread,
                "a line is not valid",
            );
            self.send(Signal::Logs, batch.records(), url, [all, for_logs], &body);
        }
        let spans = batch.spans();
        if let Some(url) = traces.as_ref().filter(|_| spans > 0) {
            let body = match protocol {
                OtlpProtocol::Protobuf => protobuf::traces(batch, &self.resource),
                OtlpProtocol::Json => json::traces(batch, &self.resource),
            };
            self.shared.emit_spans(spans);
            self.send(Signal::Spans, spans, url, [all, for_traces], &body);
        }
    }

    /// Sends records until the collector accepts or refuses them, or the time for attempts is over.
    fn send(&self, signal: Signal, records: u64, url: &str, headers: [&Headers; 2], body: &[u8]) {
        let shared = &self.shared;
        let started = Instant::now();
        let mut backoff = FIRST_BACKOFF;
        loop {
            let (after, error) = match self.client.send(url, headers, body) {
                Sent::Accepted { rejected, error } => {
                    let rejected = rejected.min(records);
                    return shared.settle(
                        signal,
                        records - rejected,
                        LossReason::Rejected,
                        rejected,
                        &error,
                    );
                }
                Sent::Refused { error } => {
                    return shared.settle(signal, 0, LossReason::Rejected, records, &error);
                }
                Sent::Later { after, error } => (after, error),
            };
            let wait = after.unwrap_or_else(|| with_jitter(backoff));
            if started.elapsed() + wait > self.settings.retry_for {
                return shared.settle(signal, 0, LossReason::Unreachable, records, &error);
            }
            if !shared.pause(wait, after.is_none()) {
                return;
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }
}

/// Half of the time, and a random part of the other half, so that services do not send at the same moment.
fn with_jitter(time: Duration) -> Duration {
    let [random] = random::bytes::<1>(Tick::now());
    time / 2 + time / 2 * u32::from(random) / 255
}

/// Closes the queue when the thread ends, also by a panic. Later lines are dropped and counted.
struct CloseExportOnExit<'a>(&'a ExportQueue);

impl Drop for CloseExportOnExit<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
