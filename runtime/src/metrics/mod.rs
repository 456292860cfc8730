//! Counts, errors and durations of steps, dependency calls, HTTP requests and jobs, from the same annotations as the
//! log.
//!
//! Turn them on with [`Config::metrics`](crate::Config::metrics) or `LOG_METRICS=1`. Every annotated call that ends is
//! then counted, also if the levels or limits leave out its line. If they write all lines, a count equals the number of
//! lines, whatever the outcome.
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
//!   the error's type. An error that the code records as a field is not a label.
//! - `http_route` is the route that axum matched or that
//!   [`set_route`](https://docs.rs/candor/latest/candor/http/struct.ActiveRequest.html#method.set_route) set. All
//!   requests without a route have the value `_OTHER`.
//! - `http_request_method` is a standard method, else `_OTHER`.
//! - `status_class` is `1xx` to `5xx`, `_OTHER` for other numbers, and `none` if there was no response.
//!
//! The name and the buckets of the histogram of requests are those of OpenTelemetry's `http.server.request.duration`;
//! its labels are `http.request.method` and `http.route`. The class of the status replaces
//! `http.response.status_code`.
//!
//! # Cardinality
//!
//! A label is never a value of a request: it is a name in the code, a route or one of a few constants. Each metric has
//! at most 2000 sets of labels. Further ones are counted in one series with the label `otel_metric_overflow="true"`, so
//! that the sums stay right.
//!
//! # Exemplars
//!
//! Each bucket has the last observation whose line was written, with the `request_id` and the `trace_id` of that line:
//! `candor story ID` finds it. Lines that were suppressed, sampled away or held back by the flight recorder give no
//! exemplar. The format limits the labels of an exemplar to 128 characters, so a request id of more than 78 characters
//! stands alone, and one of more than 118 is left out.
//!
//! # The crate `metrics`
//!
//! Every observation is also reported to the recorder of the crate [`metrics`](https://docs.rs/metrics), if one is
//! installed, under the same names and labels. Install it before the first step, so that it gets the descriptions. The
//! recorder runs after the line was written. If it panics, the panic is caught and counted as
//! `candor_metrics_recorder_panics_total`. Steps that run inside the recorder are counted but not reported to it.

mod exemplar;
mod facade;
mod observation;
mod series;
mod text;

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::observation::Observation;
use self::series::Family;
pub(crate) use self::series::SiteSeries;
use crate::outcome::failure::ErrorClass;
use crate::outcome::kind::Outcome;
use crate::redact::shown::Redacted;

/// Content type of [`openmetrics`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns all metrics of the process as [OpenMetrics] text, with exemplars.
///
/// Serve it with [`CONTENT_TYPE`]. Without [`Config::metrics`](crate::Config::metrics), the text contains no metrics.
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

/// Whether calls are counted.
#[inline]
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// Counts calls from now on. Sites have to be asked again afterwards.
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
    // `job` is a label of Prometheus itself.
    let labels = [("job_name", job), ("outcome", outcome)];
    let class = class.map(ErrorClass::shown);
    let error = class.as_ref().map(Redacted::as_str);
    Observation::of(series::of(Family::Job, &labels, error), nanos)
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
