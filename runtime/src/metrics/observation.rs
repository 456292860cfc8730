//! A counted step, call, request or job.

use std::sync::Arc;

#[cfg(feature = "metrics")]
use super::facade;
#[cfg(feature = "metrics")]
use super::series::CountSeries;
use crate::base::clock::Tick;
use crate::request::Request;

/// A counted step, call, request or job. Dropping it reports it to the recorder, which is user code.
///
/// Without the `metrics` feature it is empty, and the compiler removes it.
#[derive(Debug)]
#[must_use = "the recorder is called when it is dropped"]
pub(crate) struct Observation {
    /// The series, and the duration in nanoseconds.
    #[cfg(feature = "metrics")]
    counted: Option<(&'static CountSeries, u64)>,
}

impl Observation {
    /// An observation of something that is not counted.
    pub(crate) const NONE: Self = Observation {
        #[cfg(feature = "metrics")]
        counted: None,
    };

    /// Counts something that took `nanos`.
    #[cfg(feature = "metrics")]
    pub(super) fn of(series: &'static CountSeries, nanos: u64) -> Self {
        series.add(nanos);
        Observation { counted: Some((series, nanos)) }
    }

    /// Makes the observation the exemplar of its bucket. Its line was written at `at`, in `request`.
    #[inline]
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, clippy::unused_self, reason = "nothing is counted")
    )]
    pub(crate) fn line_written(&self, request: Option<&Arc<Request>>, at: Tick) {
        #[cfg(feature = "metrics")]
        if let Some((series, nanos)) = self.counted
            && let Some(request) = Request::identified(request)
        {
            let duration = series.duration;
            duration.exemplars[duration.bucket_of(nanos)].set(request, nanos, at);
        }
    }
}

#[cfg(feature = "metrics")]
impl Drop for Observation {
    #[inline]
    fn drop(&mut self) {
        if let Some((series, nanos)) = self.counted {
            facade::report(series, nanos);
        }
    }
}
