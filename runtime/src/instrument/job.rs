//! Jobs: work outside requests that has an id, an outcome, and the totals of its steps.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use pin_project_lite::pin_project;

use super::context::{RequestContext, Scope, SpannedContext};
use super::step::millis;
use super::{totals, wide};
use crate::base::clock::Tick;
use crate::current::{self, Frame};
use crate::format::record::Severity;
use crate::json::members;
use crate::json::shown::Shown;
use crate::logger::{self, emit, notices, story};
#[cfg(feature = "metrics")]
use crate::metrics;
use crate::metrics::Observation;
use crate::outcome::ReturnsStepOutput;
use crate::outcome::failure::Failure;
use crate::redact::loggable::Encoder;
use crate::request::Request;
use crate::request::overrides::{RequestOverrides, Sampling};
use crate::request::trace::{Trace, TraceParent};
use crate::site::event_sites;

/// Creates a job: work outside requests, such as a periodic task.
///
/// Its lines have a `request_id` of their own, and it writes exactly one `job_completed`, however it ends.
///
/// ```
/// # use std::{future::Future as _, pin::pin, task::{Context, Waker}};
/// let captured = candor::testing::capture();
/// let work = candor::job("rebuild-index").scope(async {
///     candor::step("read", || 7);
/// });
/// # let _ = pin!(work).poll(&mut Context::from_waker(Waker::noop()));
///
/// // {…,"level":"INFO","logger":"jobs","msg":"job_completed",…,"event":"job_completed",
/// //  "job":"rebuild-index","duration_ms":0.031,"outcome":"ok","steps":1,"dependency_calls":0,
/// //  "dependency_ms":0.000,"retries":0,"slowest_step":"read"}
/// let line = captured.line("job_completed");
/// assert_eq!((line.text("job"), line.integer("steps")), ("rebuild-index", 1));
/// assert_eq!(captured.step("read").text("request_id"), line.text("request_id"));
/// ```
///
/// If the work returns an error, the line has its type (`error`, `error_type`) and not its text. Annotate the function
/// that does the work with `#[step_timed]` to log the text as well.
pub fn job(name: &'static str) -> Job {
    Job { name, trace: JobTrace::Unset }
}

/// Job that has not started yet, returned by [`job`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a job begins with `scope` or `run`"]
pub struct Job {
    name: &'static str,
    trace: JobTrace,
}

/// Value of a header, or an `Option` of one. `Kind` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the value of a header",
    label = "expected a string, bytes, or an `Option` of these"
)]
pub trait HeaderValue<Kind> {
    #[doc(hidden)]
    fn bytes(&self) -> Option<&[u8]>;
}

/// Kinds of header values, as parameters of [`HeaderValue`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Present;
#[doc(hidden)]
#[derive(Debug)]
pub struct Optional;

impl<T: AsRef<[u8]>> HeaderValue<Present> for T {
    fn bytes(&self) -> Option<&[u8]> {
        Some(self.as_ref())
    }
}

impl<T: AsRef<[u8]>> HeaderValue<Optional> for Option<T> {
    fn bytes(&self) -> Option<&[u8]> {
        self.as_ref().map(AsRef::as_ref)
    }
}

/// The trace of a job.
#[derive(Debug, Clone, Copy)]
enum JobTrace {
    /// [`Job::traceparent`] was not called.
    Unset,
    /// The message has no well-formed `traceparent`.
    New,
    Continued(TraceParent),
}

event_sites! {
    pub(super) STARTED = "job_started" DEBUG "jobs" [job];
    pub(super) COMPLETED = "job_completed" INFO "jobs"
        [job duration_ms outcome error steps dependency_calls dependency_ms retries slowest_step cause
         lines_suppressed lines_sampled_away lines_left_out step_own_ms dependencies wide_fields_dropped].uncapped();
}

impl Job {
    /// Continues the trace of a message, given its W3C `traceparent` header.
    ///
    /// The lines of the job then have the `trace_id` of the message and a new `span_id`, and
    /// `candor::http::outbound_headers` (feature `http`) returns both for outgoing calls. Without a header, or with a
    /// malformed one, the job begins a new trace, as a request does. Default: no trace, unless OpenTelemetry's layer
    /// has one (feature `otel`) or spans are exported (feature `otlp`), for which the job begins a new trace.
    ///
    /// `header` is the value that the client of the queue returns for the header: a string, bytes, or an `Option` of
    /// these, such as `&str`, `Option<String>` or `Option<&[u8]>`.
    ///
    /// ```
    /// struct Message {
    ///     headers: std::collections::HashMap<String, Vec<u8>>,
    ///     order_id: u64,
    /// }
    ///
    /// fn consume(message: &Message) -> Result<(), std::fmt::Error> {
    ///     candor::job("consume").traceparent(message.headers.get("traceparent")).run(|| {
    ///         candor::info!(order_id = message.order_id, "order received");
    ///         Ok(())
    ///     })
    /// }
    ///
    /// let captured = candor::testing::capture();
    /// let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let headers = [("traceparent".to_owned(), sent.as_bytes().to_vec())].into();
    /// consume(&Message { headers, order_id: 7 })?;
    ///
    /// // {…,"msg":"order received",…,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"…",…,"order_id":7}
    /// // {…,"msg":"job_completed",…,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",…,"job":"consume",…}
    /// for name in ["order received", "job_completed"] {
    ///     assert_eq!(captured.line(name).text("trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// }
    /// # Ok::<(), std::fmt::Error>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "callers pass values and references")]
    pub fn traceparent<Kind>(self, header: impl HeaderValue<Kind>) -> Self {
        let parent = header.bytes().and_then(TraceParent::parse);
        Job { trace: parent.map_or(JobTrace::New, JobTrace::Continued), ..self }
    }

    /// Creates the context of the job's lines.
    fn context(self) -> RequestContext {
        let mut request = Request::new();
        if let Some(story) = story::begin(None) {
            let overrides = RequestOverrides::new(None, Sampling::Sampled, None, Some(story));
            request.overrides = Some(Box::new(overrides));
        }
        let parent = match self.trace {
            JobTrace::Unset if !logger::exports_spans() => return RequestContext::of(request),
            JobTrace::Unset | JobTrace::New => None,
            JobTrace::Continued(parent) => Some(parent),
        };
        let mut trace = Trace::after(parent, request.started);
        let around = current::request();
        let around = around.as_ref().and_then(|request| request.trace());
        trace.link = around.map(|around| Arc::new((around.trace_id, around.span_id)));
        request.set_trace(trace);
        RequestContext::of(request)
    }

    /// Runs a future as this job.
    ///
    /// It writes `job_started` (DEBUG) at its first poll and one `job_completed` when it ends: at INFO if it succeeds,
    /// at ERROR if it returns an `Err` or panics, at WARN if it is dropped earlier. A future that is never polled
    /// writes nothing.
    pub fn scope<F: Future>(self, future: F) -> JobFuture<F>
    where
        fn() -> F::Output: ReturnsStepOutput<F::Output>,
    {
        let name = self.name;
        let context = self.context().with_span();
        JobFuture { future: context.scope(future), open: JobState::Before(name, context) }
    }

    /// Runs a closure as this job, with the same lines as [`scope`](Self::scope).
    ///
    /// ```
    /// let captured = candor::testing::capture();
    /// let rows = candor::job("count").run(|| "12x".parse::<u32>());
    /// assert!(rows.is_err());
    /// let line = captured.line("job_completed");
    /// assert_eq!((line.text("outcome"), line.text("error")), ("error", "ParseIntError"));
    /// ```
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T
    where
        fn() -> T: ReturnsStepOutput<T>,
    {
        let name = self.name;
        let mut context = self.context().with_span();
        let open = OpenJob::begin(name, context.clone());
        let value = context.run(work);
        open.end(&value);
        value
    }
}

pin_project! {
    /// Future returned by [`Job::scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct JobFuture<F> {
        // Dropped first, so that the lines of its drop come before `job_completed`.
        #[pin]
        future: Scope<F>,
        open: JobState,
    }

    impl<F> PinnedDrop for JobFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let JobState::Running(open) = this.open else { return };
            open.has_panicked = open.is_running;
            // If this drop panics, `open` completes the job as panicked. A job that was dropped because something else
            // panicked is cancelled.
            open.is_running = !thread::panicking();
            this.future.drop_future();
            open.is_running = false;
        }
    }
}

#[derive(Debug)]
enum JobState {
    Before(&'static str, SpannedContext),
    Running(OpenJob),
    Over,
}

impl<F: Future> Future for JobFuture<F>
where
    fn() -> F::Output: ReturnsStepOutput<F::Output>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let JobState::Before(..) = this.open
            && let JobState::Before(name, context) = mem::replace(this.open, JobState::Over)
        {
            *this.open = JobState::Running(OpenJob::begin(name, context));
        }
        // If the job panics, the drop of this future completes it as panicked.
        this.open.set_running(true);
        let polled = this.future.poll(cx);
        if polled.is_pending() {
            this.open.set_running(false);
        }
        let value = ready!(polled);
        if let JobState::Running(open) = mem::replace(this.open, JobState::Over) {
            open.end(&value);
        }
        Poll::Ready(value)
    }
}

impl JobState {
    fn set_running(&mut self, is_running: bool) {
        if let JobState::Running(open) = self {
            open.is_running = is_running;
        }
    }
}

/// A running job. Dropping it completes it as cancelled or panicked.
#[derive(Debug)]
struct OpenJob {
    name: &'static str,
    /// Its request, in whose span its lines are written. `None` once it is completed.
    context: Option<SpannedContext>,
    /// Whether a panic of this thread is one of the job: during its polls and its drop.
    is_running: bool,
    /// Whether a poll panicked.
    has_panicked: bool,
}

impl OpenJob {
    fn begin(name: &'static str, mut context: SpannedContext) -> Self {
        let request = Arc::clone(&context.context.request);
        context.run(|| {
            emit::emit_at(&STARTED, Some(&request), Severity::Debug, Tick::now(), |out, limit| {
                text(out, limit, "event", "job_started");
                text(out, limit, "job", name);
            });
        });
        OpenJob { name, context: Some(context), is_running: true, has_panicked: false }
    }

    fn end<T>(mut self, value: &T)
    where
        fn() -> T: ReturnsStepOutput<T>,
    {
        let result = <fn() -> T>::call_result(value);
        match &result.failure {
            Some(failure) => self.write("error", Severity::Error, Some(failure)),
            None => self.write("ok", Severity::Info, None),
        }
    }

    fn write(&mut self, outcome: &'static str, severity: Severity, failure: Option<&Failure<'_>>) {
        let Some(mut context) = self.context.take() else { return };
        let request = Arc::clone(&context.context.request);
        let frame = &mut Frame::of(Arc::clone(&request));
        context.span.run_in_any_case(frame, || self.write_in(&request, outcome, severity, failure));
    }

    fn write_in(
        &self,
        request: &Arc<Request>,
        outcome: &'static str,
        severity: Severity,
        failure: Option<&Failure<'_>>,
    ) {
        let now = Tick::now();
        let left_out = story::end(request, severity >= Severity::Warn, now);
        let observation = observe(self.name, outcome, failure, || now.nanos_since(request.started));
        let is_written = emit::emit_at(&COMPLETED, Some(request), severity, now, |out, limit| {
            text(out, limit, "event", "job_completed");
            text(out, limit, "job", self.name);
            millis(out, "duration_ms", now.since(request.started));
            text(out, limit, "outcome", outcome);
            if let Some(failure) = failure {
                text(out, limit, "error", &failure.class(None).shown());
                failure.write_members(Shown::literal("error"), limit, out);
            }
            totals::write(request, now, outcome != "ok", limit, out);
            wide::write(request, left_out, out);
            wide::write_fields(request, COMPLETED.spec.names(), limit, "", out);
        });
        if is_written {
            observation.line_written(Some(request), now);
        }
    }
}

/// Counts a job that completed, if metrics are on.
fn observe(
    job: &'static str,
    outcome: &'static str,
    failure: Option<&Failure<'_>>,
    took: impl FnOnce() -> u64,
) -> Observation {
    #[cfg(feature = "metrics")]
    if metrics::is_on() {
        let class = failure.map(|failure| failure.class(None));
        return metrics::job_ended(job, outcome, class, took());
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (job, outcome, failure, took);
    Observation::NONE
}

impl Drop for OpenJob {
    fn drop(&mut self) {
        if self.has_panicked || self.is_running && thread::panicking() {
            notices::panicked();
            self.write("panicked", Severity::Error, None);
        } else {
            self.write("cancelled", Severity::Warn, None);
        }
    }
}

fn text<'a>(out: &mut String, limit: usize, key: &'static str, value: impl Into<Shown<'a>>) {
    members::open(out, key);
    Encoder::json(out, limit).shown(value);
}
