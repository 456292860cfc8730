//! Metrics of steps, dependency calls, HTTP requests and jobs.
//!
//! Counts, errors and durations come from the same annotations as the log. Turn metrics on with `LOG_METRICS=1` or
//! [`Config::metrics`](crate::Config::metrics). Every step, call, request and job is then counted when it ends, even if
//! levels or limits keep its line from being written. If all lines are written, each count equals the number of lines,
//! for every outcome.
//!
//! ```no_run
//! use axum::{Router, http::header::CONTENT_TYPE, routing::get};
//! use candor::metrics::{self, openmetrics};
//!
//! let logging = candor::Config::from_env()?.metrics(true).init()?;
//! let show = get(async || ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], openmetrics()));
//! let app: Router = Router::new().route("/metrics", show);
//! # Ok::<(), candor::ConfigError>(())
//! ```
//!
//! ```text
//! # TYPE candor_step_duration_seconds histogram
//! # UNIT candor_step_duration_seconds seconds
//! # HELP candor_step_duration_seconds Duration of steps.
//! candor_step_duration_seconds_bucket{step="load",outcome="ok",le="0.0001"} 0
//! candor_step_duration_seconds_bucket{step="load",outcome="ok",le="0.00025"} 2 # {request_id="r-7"} 0.000140012 1795875312.417
//! …
//! candor_step_duration_seconds_bucket{step="load",outcome="ok",le="+Inf"} 3
//! candor_step_duration_seconds_count{step="load",outcome="ok"} 3
//! candor_step_duration_seconds_sum{step="load",outcome="ok"} 0.000911730
//! # TYPE candor_steps counter
//! # HELP candor_steps Number of steps that ended.
//! candor_steps_total{step="load",outcome="error",error="timeout"} 1
//! candor_steps_total{step="load",outcome="ok"} 3
//! …
//! # EOF
//! ```
//!
//! # Metrics and labels
//!
//! | metric | labels |
//! |---|---|
//! | histogram `candor_step_duration_seconds` | `step`, `outcome` |
//! | counter `candor_steps_total` | `step`, `outcome`, `error` |
//! | histogram `candor_dependency_duration_seconds` | `dependency`, `operation`, `outcome` |
//! | counter `candor_dependency_calls_total` | `dependency`, `operation`, `outcome`, `error` |
//! | histogram `http_server_request_duration_seconds` | `http_request_method`, `http_route`, `status_class`, `outcome` |
//! | counter `http_server_requests_total` | the same |
//! | histogram `candor_job_duration_seconds` | `job_name`, `outcome` |
//! | counter `candor_jobs_total` | `job_name`, `outcome`, `error` |
//!
//! - `outcome` is `ok`, `error`, `cancelled` or `panicked`, as in the line.
//! - `error` is the class of the error, as in the line: a [category](crate::dependency::Category) or the short name of
//!   the error's type. An error that the code records as a field is not used as a label.
//! - `http_route` is the route that axum matched, or that
//!   [`set_route`](https://docs.rs/candor/latest/candor/http/struct.ActiveRequest.html#method.set_route) set. It is
//!   `_OTHER` for all requests without a route.
//! - `http_request_method` is a standard method, or `_OTHER`.
//! - `status_class` is `1xx` to `5xx`, `_OTHER` for other numbers, or `none` if there was no response.
//!
//! The name, the buckets and the labels `http_request_method` and `http_route` of the request histogram follow
//! OpenTelemetry's `http.server.request.duration`. `status_class` replaces `http.response.status_code`.
//!
//! # Cardinality
//!
//! A label never contains data of a request: it is a name in the code, a route, or one of a few constants. With
//! `LOG_SPANS`, a route or a name (`otel.name`) can also come from a field of a span, and candor can't tell whether that
//! field has data of a request.
//!
//! Each metric has at most 2000 sets of labels. Further sets are counted in one series with the label
//! `otel_metric_overflow="true"`, so that sums stay correct.
//!
//! # Exemplars
//!
//! The exemplar of a bucket is the last observation with a written line. It has the `request_id` and the `trace_id` of
//! that line, and `candor story ID` shows the request. An observation without a written line, because of a limit, a
//! sample rate, a [`Story`](crate::Story) or the flight recorder, is not used as an exemplar. The format limits the
//! labels of an exemplar to 128 characters, so an exemplar has no `trace_id` if its request id has more than 78
//! characters, and no `request_id` if it has more than 118.
//!
//! # The crate `metrics`
//!
//! If a recorder for the crate [`metrics`](https://docs.rs/metrics) is installed, every observation is also reported to
//! it, with the same names and labels. Install the recorder before the first step, so that it gets the descriptions. It
//! runs after the line is written. If it panics, the panic is caught and counted in
//! `candor_metrics_recorder_panics_total`. Steps that run inside the recorder are counted, but not reported to it.

mod exemplar;
mod facade;
mod observation;
mod series;
mod text;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::observation::Observation;
use self::series::Family;
pub(crate) use self::series::{SiteSeries, hold};
use crate::outcome::failure::ErrorClass;
use crate::outcome::kind::Outcome;
use crate::redact::shown::Redacted;

/// Content type of [`openmetrics`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns all metrics of the process as [OpenMetrics] text, with exemplars.
///
/// Serve the text with [`CONTENT_TYPE`]. If [`Config::metrics`](crate::Config::metrics) is off, it contains no metrics.
///
/// ```
/// # let captured = candor::testing::capture();
/// assert_eq!(candor::metrics::openmetrics(), "# EOF\n");
/// ```
///
/// [OpenMetrics]: https://prometheus.io/docs/specs/om/open_metrics_spec/
#[must_use]
pub fn openmetrics() -> String {
    text::render()
}

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Returns whether metrics are on.
#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Turns metrics on. The caller must then reset the cached interest of the sites.
pub(crate) fn enable() {
    IS_ON.store(true, Ordering::Release);
}

/// Counts a step that ended.
pub(crate) fn step_ended(
    site: &SiteSeries,
    step: &'static str,
    outcome: Outcome,
    class: Option<ErrorClass>,
    nanos: u64,
) -> Observation {
    let labels = [("step", step), ("outcome", outcome.as_str())];
    let series = site.of(outcome, class, |error| series::of(Family::Step, &labels, error));
    Observation::of(series, nanos)
}

/// Counts a call that ended.
pub(crate) fn call_ended(
    site: &SiteSeries,
    (dependency, operation): (&'static str, &'static str),
    outcome: Outcome,
    class: Option<ErrorClass>,
    nanos: u64,
) -> Observation {
    let labels =
        [("dependency", dependency), ("operation", operation), ("outcome", outcome.as_str())];
    let series = site.of(outcome, class, |error| series::of(Family::Call, &labels, error));
    Observation::of(series, nanos)
}

/// Counts a job that completed.
pub(crate) fn job_ended(
    job: &'static str,
    outcome: &'static str,
    class: Option<ErrorClass>,
    nanos: u64,
) -> Observation {
    // Prometheus sets the label `job` itself.
    let labels = [("job_name", job), ("outcome", outcome)];
    let class = class.map(ErrorClass::shown);
    let error = class.as_ref().map(Redacted::as_str);
    Observation::of(series::of(Family::Job, &labels, error), nanos)
}

/// Returns the method as a label: a standard method, or `_OTHER`.
#[cfg(feature = "http")]
pub(crate) fn method_label(method: &str) -> &'static str {
    const STANDARD: [&str; 9] =
        ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    STANDARD.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// Returns the class of an HTTP status as a label.
#[cfg(feature = "http")]
pub(crate) fn status_class(status: Option<u16>) -> &'static str {
    let Some(status) = status else { return "none" };
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "_OTHER",
    }
}

/// Counts an HTTP request that completed.
#[cfg(feature = "http")]
pub(crate) fn request_ended(
    method: &'static str,
    route: Option<&str>,
    status_class: &'static str,
    outcome: &'static str,
    nanos: u64,
) -> Observation {
    let labels = [
        ("http_request_method", method),
        ("http_route", route.unwrap_or("_OTHER")),
        ("status_class", status_class),
        ("outcome", outcome),
    ];
    Observation::of(series::of(Family::Request, &labels, None), nanos)
}
