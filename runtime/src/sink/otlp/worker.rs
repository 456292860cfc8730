//! The exporting thread: takes lines from the queue, encodes them and sends them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::ExportBatch;
use super::client::{self, Client, Sent};
use super::queue::{ExportQueue, PendingLines};
use super::settings::{Otlp, OtlpProtocol, SignalSettings};
use super::stats::{LossReason, Signal};
use super::tls::Tls;
use super::{json, protobuf};
use crate::base::clock::Tick;
use crate::base::random;
use crate::format::keys::Keys;
use crate::format::otel::Reading;
use crate::format::resource::{Resource, SERVICE_NAME};
use crate::json::escape;

/// The wait before the second attempt; each later wait is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// What a worker is made of. A forked child makes another one.
#[derive(Debug)]
pub(super) struct WorkerSetup {
    pub(super) settings: Otlp,
    pub(super) tls: Tls,
    pub(super) keys: Keys,
    pub(super) resource: Arc<Resource>,
}

pub(super) struct Worker<'a> {
    shared: Arc<ExportQueue>,
    client: Client,
    settings: &'a Otlp,
    keys: &'a Keys,
    resource: &'a Resource,
    /// The service of the resource, escaped as in a line.
    service: Option<String>,
}

/// A request that the collector has not answered yet.
struct Delivery<'a> {
    signal: Signal,
    settings: &'a SignalSettings,
    records: u64,
    body: Vec<u8>,
    started: Instant,
    next: Instant,
    /// Whether the collector asked for the wait.
    is_asked: bool,
    backoff: Duration,
}

impl<'a> Worker<'a> {
    pub(super) fn new(shared: Arc<ExportQueue>, setup: &'a WorkerSetup) -> Self {
        let WorkerSetup { settings, tls, keys, resource } = setup;
        let service = resource.get(SERVICE_NAME).map(|name| {
            let mut escaped = String::new();
            escape::json_text(name.shown(), &mut escaped);
            escaped
        });
        Worker { shared, client: Client::new(tls.clone()), settings, keys, resource, service }
    }

    /// Exports until the queue is closed.
    pub(super) fn run(&self) {
        let _close = CloseExportOnExit(&self.shared);
        let mut lines = PendingLines::default();
        while self.shared.next(&mut lines, self.settings.delay) {
            self.export(&lines);
            self.shared.report_if_due();
        }
    }

    fn export(&self, lines: &PendingLines) {
        let reading = Reading {
            keys: self.keys,
            service: self.service.as_deref(),
            has_step_spans: self.settings.signal(Signal::Spans).url.is_some(),
        };
        let most = usize::try_from(self.shared.batch).unwrap_or(usize::MAX);
        let mut next = 0;
        while next < lines.ends.len() && !self.shared.is_closed() {
            let (batch, end) = ExportBatch::take(lines, next, most, reading);
            let count = (end - next) as u64;
            self.deliver(self.deliveries(&batch, count));
            let start = next.checked_sub(1).map_or(0, |before| lines.ends[before].0);
            let bytes = lines.ends[end - 1].0 - start;
            self.shared.finish(count, bytes as u64);
            next = end;
        }
    }

    /// The requests of a batch: one with its log records, and one with its spans.
    fn deliveries(&self, batch: &ExportBatch<'_>, lines: u64) -> Vec<Delivery<'_>> {
        let mut deliveries = Vec::with_capacity(2);
        let mut add = |signal, records, body: fn(&Self, &ExportBatch<'_>) -> Vec<u8>| {
            let settings = self.settings.signal(signal);
            if settings.url.is_none() {
                return;
            }
            let emitted = self.shared.emit_of_batch(signal, records, lines);
            // A line that can't be parsed is not sent. This should not happen, because candor wrote all of them.
            let unread = emitted - records;
            self.shared.settle(signal, 0, LossReason::Rejected, unread, "a line is not valid");
            if records == 0 {
                return;
            }
            let now = Instant::now();
            deliveries.push(Delivery {
                signal,
                settings,
                records,
                body: client::prepare(settings, body(self, batch)),
                started: now,
                next: now,
                is_asked: false,
                backoff: FIRST_BACKOFF,
            });
        };
        add(Signal::Logs, batch.records(), Self::encode_logs);
        add(Signal::Spans, batch.spans(), Self::encode_spans);
        deliveries
    }

    fn encode_logs(&self, batch: &ExportBatch<'_>) -> Vec<u8> {
        let original = self.settings.original;
        match self.settings.signal(Signal::Logs).protocol {
            OtlpProtocol::Protobuf => protobuf::logs(batch, self.resource, original),
            OtlpProtocol::Json => json::logs(batch, self.resource, original),
        }
    }

    fn encode_spans(&self, batch: &ExportBatch<'_>) -> Vec<u8> {
        match self.settings.signal(Signal::Spans).protocol {
            OtlpProtocol::Protobuf => protobuf::traces(batch, self.resource),
            OtlpProtocol::Json => json::traces(batch, self.resource),
        }
    }

    /// Sends each request until the collector accepts or rejects it, or the time for retries is over. A request that
    /// has to wait does not delay the other one.
    fn deliver(&self, mut deliveries: Vec<Delivery<'_>>) {
        loop {
            let now = Instant::now();
            deliveries.retain_mut(|delivery| delivery.next > now || self.attempt(delivery));
            let Some(next) = deliveries.iter().map(|delivery| delivery.next).min() else { return };
            let is_cut_short = deliveries.iter().any(|delivery| !delivery.is_asked);
            let wait = next.saturating_duration_since(Instant::now());
            match self.shared.pause(wait, is_cut_short) {
                Pause::Closed => return,
                Pause::Over => {}
                Pause::Flushed => {
                    let now = Instant::now();
                    deliveries.iter_mut().filter(|it| !it.is_asked).for_each(|it| it.next = now);
                }
            }
        }
    }

    /// Sends a request once. Returns whether it has to be sent again.
    fn attempt(&self, delivery: &mut Delivery<'_>) -> bool {
        let Delivery { signal, records, .. } = *delivery;
        let settle = |delivered, reason, dropped, error: &str| {
            self.shared.settle(signal, delivered, reason, dropped, error);
            false
        };
        let (after, error) = match self.client.send(delivery.settings, &delivery.body) {
            Sent::Accepted { rejected, error } => {
                let rejected = rejected.min(records);
                return settle(records - rejected, LossReason::Rejected, rejected, &error);
            }
            Sent::Refused { error } => return settle(0, LossReason::Rejected, records, &error),
            Sent::Later { after, error } => (after, error),
        };
        let wait = after.unwrap_or_default().max(with_jitter(delivery.backoff));
        if delivery.started.elapsed().saturating_add(wait) > self.settings.retry_for {
            return settle(0, LossReason::Unreachable, records, &error);
        }
        delivery.is_asked = after.is_some();
        delivery.next = Instant::now() + wait;
        delivery.backoff = (delivery.backoff * 2).min(LONGEST_BACKOFF);
        true
    }
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    Over,
    /// A flush began.
    Flushed,
    Closed,
}

/// Returns half of the time plus a random part of the other half, so that services do not all send at the same moment.
fn with_jitter(time: Duration) -> Duration {
    let [.., random] = random::bytes::<8>(Tick::now());
    time / 2 + time / 2 * u32::from(random) / 255
}

/// Closes the queue when the thread ends, even by a panic. Later lines are dropped and counted.
struct CloseExportOnExit<'a>(&'a ExportQueue);

impl Drop for CloseExportOnExit<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
