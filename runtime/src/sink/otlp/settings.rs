//! The settings of an export.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::stats::{SIGNALS, Signal};
use crate::sink::Overload;

/// OTLP export of lines to an OpenTelemetry collector, as log records and spans.
///
/// [`Config::otlp`](crate::Config::otlp) turns it on. The lines are also written to the configured output.
///
/// Each line becomes a log record. The lines of steps, dependency calls, requests and jobs also become spans, if their
/// trace is sampled. Requests of the HTTP layer and jobs have a trace. Records are made from the redacted line. A line
/// that is not written, for example because of its level, is not exported, so its span is missing from the trace. The
/// caller's `tracestate` is passed on to other services, but not exported.
///
/// A separate thread sends the records over HTTP in batches. It needs no async runtime. If the collector can't be
/// reached or responds with 429, 502, 503 or 504, the batch is sent again, after the time in `Retry-After` or with
/// exponential backoff. If a response is lost, the collector receives the batch twice. Losses are counted in
/// [`stats`](crate::stats), and reported in a `lines_dropped` line with `"sink":"otlp"` on the local output. Keep the
/// [`Logging`](crate::Logging) guard: dropping it sends the waiting lines.
///
/// The variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` apply, but not to a collector on this machine
/// (`localhost` and loopback addresses).
///
/// ```
/// use std::time::Duration;
/// use candor::{Config, Otlp, Overload};
///
/// let otlp = Otlp::new("http://collector:4318")
///     .header("x-tenant", "shop")
///     .timeout(Duration::from_secs(5))
///     .gzip(true)
///     .queue(50_000, Overload::Drop);
/// let config = Config::new().service("orders").otlp(otlp);
/// ```
#[derive(Clone)]
pub struct Otlp {
    /// The settings of each [`Signal`], in the order of the enum.
    pub(crate) signals: [SignalSettings; SIGNALS.len()],
    pub(crate) queue: usize,
    pub(crate) overload: Overload,
    pub(crate) batch: usize,
    pub(crate) delay: Duration,
    pub(crate) retry_for: Duration,
    pub(crate) original: bool,
    pub(crate) ca_certificate: Option<PathBuf>,
    pub(crate) client_certificate: Option<(PathBuf, PathBuf)>,
}

/// Settings for sending the records of one kind.
#[derive(Clone)]
pub(crate) struct SignalSettings {
    /// `None` if they are not sent.
    pub(crate) url: Option<String>,
    pub(crate) headers: Headers,
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    pub(crate) protocol: OtlpProtocol,
}

/// Names and values of headers. The values are often secrets.
pub(crate) type Headers = Vec<(String, String)>;

/// Encoding of the records that [`Otlp`] sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protobuf: `http/protobuf` in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    #[default]
    Protobuf,
    /// JSON: `http/json` in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    Json,
}

impl fmt::Debug for Otlp {
    /// Omits endpoints and headers, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("queue", &self.queue)
            .field("overload", &self.overload)
            .field("batch", &self.batch)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

/// The path of each [`Signal`] below the endpoint (OTLP/HTTP, "OTLP/HTTP Request").
const PATHS: [&str; SIGNALS.len()] = ["/v1/logs", "/v1/traces"];

impl Otlp {
    /// Exports logs and traces to a collector: `http://collector:4318`.
    ///
    /// The paths `v1/logs` and `v1/traces` are appended. An `https` endpoint needs the `otlp-tls` feature.
    /// [`Config::init`](crate::Config::init) fails if the endpoint is not a valid URL.
    pub fn new(endpoint: impl AsRef<str>) -> Self {
        let mut otlp = Self::without_endpoints();
        otlp.set_endpoint(endpoint.as_ref());
        otlp
    }

    /// Sets the URLs of both signals.
    pub(crate) fn set_endpoint(&mut self, endpoint: &str) {
        let (endpoint, query) = match endpoint.split_once('?') {
            Some((endpoint, query)) => (endpoint, format!("?{query}")),
            None => (endpoint, String::new()),
        };
        let endpoint = endpoint.trim_end_matches('/');
        for (signal, path) in self.signals.iter_mut().zip(PATHS) {
            signal.url = Some(format!("{endpoint}{path}{query}"));
        }
    }

    pub(crate) fn without_endpoints() -> Self {
        let signal = SignalSettings {
            url: None,
            headers: Headers::new(),
            timeout: Duration::from_secs(10),
            gzip: false,
            protocol: OtlpProtocol::Protobuf,
        };
        Otlp {
            signals: [signal.clone(), signal],
            queue: 32_768,
            overload: Overload::Drop,
            batch: 2048,
            delay: Duration::from_secs(1),
            retry_for: Duration::from_mins(1),
            original: false,
            ca_certificate: None,
            client_certificate: None,
        }
    }

    pub(super) fn signal(&self, signal: Signal) -> &SignalSettings {
        &self.signals[signal as usize]
    }

    fn for_each(mut self, set: impl Fn(&mut SignalSettings)) -> Self {
        self.signals.iter_mut().for_each(set);
        self
    }

    /// Sends log records to this URL; `None` turns them off.
    ///
    /// Default: `v1/logs` of the endpoint.
    pub fn logs(mut self, url: Option<&str>) -> Self {
        self.signals[Signal::Logs as usize].url = url.map(str::to_owned);
        self
    }

    /// Sends spans to this URL; `None` turns them off.
    ///
    /// Default: `v1/traces` of the endpoint.
    pub fn traces(mut self, url: Option<&str>) -> Self {
        self.signals[Signal::Spans as usize].url = url.map(str::to_owned);
        self
    }

    /// Adds a header to each request, such as an API key.
    ///
    /// Its value never appears in a line or an error.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        self.for_each(|signal| signal.headers.push(header.clone()))
    }

    /// Sets how long one request may take. Default: 10 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.for_each(|signal| signal.timeout = timeout)
    }

    /// Compresses requests with gzip. Default: off.
    pub fn gzip(self, on: bool) -> Self {
        self.for_each(|signal| signal.gzip = on)
    }

    /// Sets the encoding. Default: protobuf.
    pub fn protocol(self, protocol: OtlpProtocol) -> Self {
        self.for_each(|signal| signal.protocol = protocol)
    }

    /// Sets the capacity of the queue in lines, and the policy if it is full.
    ///
    /// Default: 32,768 lines, and [`Overload::Drop`].
    ///
    /// Lines that are being sent count as waiting. With [`Overload::Drop`], lines at WARN and above may use twice the
    /// capacity. The queue is also full at 64 MiB of lines. With [`Overload::Block`], all threads that log wait while
    /// requests to a collector that is down are retried, for up to [`retry_for`](Self::retry_for) per batch.
    pub fn queue(self, lines: usize, overload: Overload) -> Self {
        Otlp { queue: lines, overload, ..self }
    }

    /// Sets the maximum number of lines per request, and how long a line waits.
    ///
    /// A line waits for others to fill the request. Default: 2048 lines, 1 s.
    pub fn batch(self, lines: usize, delay: Duration) -> Self {
        Otlp { batch: lines, delay, ..self }
    }

    /// Sets how long a batch is retried before it is dropped. Default: 1 minute.
    ///
    /// Batches are sent one after the other, so a collector that is down for longer fills the queue.
    pub fn retry_for(self, time: Duration) -> Self {
        Otlp { retry_for: time, ..self }
    }

    /// Adds the JSON line to each log record, as `log.record.original`.
    ///
    /// Default: off.
    ///
    /// With it, `candor story --from` shows the same story from the collector's store as from a file. It doubles the
    /// size of the records.
    pub fn original(self, on: bool) -> Self {
        Otlp { original: on, ..self }
    }

    /// Verifies the collector with the CA certificates in this PEM file.
    ///
    /// Default: Mozilla's root certificates.
    ///
    /// The file is read by [`Config::init`](crate::Config::init).
    #[cfg(feature = "otlp-tls")]
    pub fn ca_certificate(self, path: impl Into<PathBuf>) -> Self {
        Otlp { ca_certificate: Some(path.into()), ..self }
    }

    /// Authenticates the service with the certificate and key in these PEM files.
    ///
    /// Default: none.
    #[cfg(feature = "otlp-tls")]
    pub fn client_certificate(
        self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        Otlp { client_certificate: Some((certificate.into(), key.into())), ..self }
    }
}
