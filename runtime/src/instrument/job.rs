//! Jobs: work outside requests that has an id, an outcome, and the totals of its steps.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use pin_project_lite::pin_project;

use super::context::{RequestContext, Scope};
use super::step::millis;
use super::totals;
use crate::base::clock::Tick;
use crate::format::record::Severity;
use crate::json::members;
use crate::logger::{emit, notices};
use crate::outcome::ReturnsStepOutput;
use crate::redact::loggable::Encoder;
use crate::request::Request;
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
pub fn job(name: &'static str) -> Job {
    Job { name }
}

/// Job that has not started yet, returned by [`job`].
#[derive(Debug, Clone, Copy)]
#[must_use = "a job begins with `scope` or `run`"]
pub struct Job {
    name: &'static str,
}

event_sites! {
    STARTED = "job_started" DEBUG "jobs" [job];
    COMPLETED = "job_completed" INFO "jobs"
        [job duration_ms outcome error steps dependency_calls dependency_ms retries slowest_step cause
         lines_suppressed lines_sampled_away].uncapped();
}

impl Job {
    /// Runs a future as this job.
    ///
    /// It writes `job_started` (DEBUG) at its first poll and one `job_completed` when it ends: at INFO if it succeeds,
    /// at ERROR if it returns an `Err` or panics, at WARN if it is dropped earlier. A future that is never polled
    /// writes nothing.
    pub fn scope<F: Future>(self, future: F) -> JobFuture<F>
    where
        fn() -> F::Output: ReturnsStepOutput<F::Output>,
    {
        let context = RequestContext::new();
        let request = Arc::clone(&context.request);
        JobFuture { future: context.scope(future), open: JobState::Before(self.name, request) }
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
        let context = RequestContext::new();
        let entered = context.enter();
        let open = OpenJob::begin(self.name, Arc::clone(&context.request));
        let value = work();
        drop(entered);
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
}

#[derive(Debug)]
enum JobState {
    Before(&'static str, Arc<Request>),
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
        // If the job panics, unwinding drops `open`, which completes the job as panicked.
        let mut open = match mem::replace(this.open, JobState::Over) {
            JobState::Before(name, request) => Some(OpenJob::begin(name, request)),
            JobState::Running(mut open) => {
                open.is_running = true;
                Some(open)
            }
            JobState::Over => None,
        };
        let polled = this.future.poll(cx);
        if polled.is_pending()
            && let Some(mut open) = open.take()
        {
            open.is_running = false;
            *this.open = JobState::Running(open);
        }
        let value = ready!(polled);
        if let Some(open) = open {
            open.end(&value);
        }
        Poll::Ready(value)
    }
}

/// A running job. Dropping it completes it as cancelled or panicked.
#[derive(Debug)]
struct OpenJob {
    name: &'static str,
    request: Option<Arc<Request>>,
    is_running: bool,
}

impl OpenJob {
    fn begin(name: &'static str, request: Arc<Request>) -> Self {
        emit::emit_at(&STARTED, Some(&request), Severity::Debug, Tick::now(), |out, limit| {
            text(out, limit, "event", "job_started");
            text(out, limit, "job", name);
        });
        OpenJob { name, request: Some(request), is_running: true }
    }

    fn end<T>(mut self, value: &T)
    where
        fn() -> T: ReturnsStepOutput<T>,
    {
        let result = <fn() -> T>::call_result(value);
        match &result.failure {
            Some(failure) => self.write("error", Severity::Error, Some(&failure.short_name())),
            None => self.write("ok", Severity::Info, None),
        }
    }

    fn write(&mut self, outcome: &str, severity: Severity, error: Option<&str>) {
        let Some(request) = self.request.take() else { return };
        let now = Tick::now();
        emit::emit_at(&COMPLETED, Some(&request), severity, now, |out, limit| {
            text(out, limit, "event", "job_completed");
            text(out, limit, "job", self.name);
            millis(out, "duration_ms", now.since(request.started));
            text(out, limit, "outcome", outcome);
            if let Some(error) = error {
                text(out, limit, "error", error);
            }
            totals::write(&request, now, outcome != "ok", limit, out);
        });
    }
}

impl Drop for OpenJob {
    fn drop(&mut self) {
        if self.is_running && thread::panicking() {
            notices::panicked();
            self.write("panicked", Severity::Error, None);
        } else {
            self.write("cancelled", Severity::Warn, None);
        }
    }
}

fn text(out: &mut String, limit: usize, key: &str, value: &str) {
    members::open(out, key);
    Encoder::json(out, limit).text(value);
}
