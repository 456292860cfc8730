//! Series of the process: a count and a histogram for each set of labels.
//!
//! Series are created under a lock and never freed, so they can be incremented without a lock. Their number is limited.
//! Further sets of labels share one overflow series.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{OnceLock, RwLock};

use ::metrics::{Key, Label};

use super::exemplar::ExemplarSlot;
use super::text::escape_label;
use crate::base::fork::ForkLocks;
use crate::base::sync;
use crate::outcome::failure::ErrorClass;
use crate::outcome::kind::Outcome;

/// Kind of observation, with one metric for its durations and one for its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Step,
    Call,
    Request,
    Job,
}

/// Metric names and help texts of a family.
#[derive(Debug)]
pub(super) struct FamilyNames {
    pub(super) duration: &'static str,
    pub(super) duration_help: &'static str,
    /// The name of the counter without `_total`.
    pub(super) count: &'static str,
    pub(super) total: &'static str,
    pub(super) count_help: &'static str,
}

impl Family {
    pub(super) const ALL: [Family; 4] = [Family::Step, Family::Call, Family::Request, Family::Job];

    pub(super) const fn names(self) -> &'static FamilyNames {
        match self {
            Family::Step => &FamilyNames {
                duration: "candor_step_duration_seconds",
                duration_help: "Duration of steps.",
                count: "candor_steps",
                total: "candor_steps_total",
                count_help: "Number of steps that ended.",
            },
            Family::Call => &FamilyNames {
                duration: "candor_dependency_duration_seconds",
                duration_help: "Duration of calls to dependencies, with their retries.",
                count: "candor_dependency_calls",
                total: "candor_dependency_calls_total",
                count_help: "Number of calls to dependencies that ended.",
            },
            Family::Request => &FamilyNames {
                duration: "http_server_request_duration_seconds",
                duration_help: "Duration of HTTP requests, up to the end of the response body.",
                count: "http_server_requests",
                total: "http_server_requests_total",
                count_help: "Number of HTTP requests that completed.",
            },
            Family::Job => &FamilyNames {
                duration: "candor_job_duration_seconds",
                duration_help: "Duration of jobs.",
                count: "candor_jobs",
                total: "candor_jobs_total",
                count_help: "Number of jobs that completed.",
            },
        }
    }

    /// The upper bounds of the buckets, in nanoseconds and as the value of `le`. The last bucket has none.
    pub(super) const fn bounds(self) -> &'static [(u64, &'static str)] {
        match self {
            Family::Request => REQUEST_BOUNDS,
            Family::Step | Family::Call | Family::Job => STEP_BOUNDS,
        }
    }
}

/// The maximum number of buckets of a histogram, including the one above the last bound.
pub(super) const BUCKETS: usize = STEP_BOUNDS.len() + 1;

/// Bounds from a tenth of a millisecond to ten seconds.
const STEP_BOUNDS: &[(u64, &str)] = &[
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1.0"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5.0"),
    (10_000_000_000, "10.0"),
];

/// Bounds of `http.server.request.duration` in OpenTelemetry's semantic conventions.
const REQUEST_BOUNDS: &[(u64, &str)] = &[
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (75_000_000, "0.075"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (750_000_000, "0.75"),
    (1_000_000_000, "1.0"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5.0"),
    (7_500_000_000, "7.5"),
    (10_000_000_000, "10.0"),
];

/// The durations of one set of labels.
#[derive(Debug)]
pub(super) struct DurationSeries {
    pub(super) family: Family,
    /// For the recorder.
    pub(super) key: Key,
    /// The number of observations in each bucket, not cumulative.
    pub(super) buckets: [AtomicU64; BUCKETS],
    pub(super) sum_nanos: AtomicU64,
    pub(super) exemplars: [ExemplarSlot; BUCKETS],
}

impl DurationSeries {
    pub(super) fn bucket_of(&self, nanos: u64) -> usize {
        self.family.bounds().partition_point(|(bound, _)| *bound < nanos)
    }
}

/// The count of one set of labels, including `error`.
#[derive(Debug)]
pub(super) struct CountSeries {
    /// For the recorder.
    pub(super) key: Key,
    pub(super) count: AtomicU64,
    pub(super) duration: &'static DurationSeries,
    /// Whether this series has described its metrics to the recorder.
    pub(super) is_described: AtomicBool,
}

impl CountSeries {
    /// Counts something that took `nanos`.
    pub(super) fn add(&self, nanos: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let duration = self.duration;
        duration.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
        duration.buckets[duration.bucket_of(nanos)].fetch_add(1, Ordering::Relaxed);
    }
}

/// All series of a family, by their labels in the exposition format: `step="load",outcome="ok"`.
#[derive(Debug, Clone)]
pub(super) struct FamilySeries {
    pub(super) counts: BTreeMap<String, &'static CountSeries>,
    pub(super) durations: BTreeMap<String, &'static DurationSeries>,
}

static SERIES: [RwLock<FamilySeries>; Family::ALL.len()] =
    [const { RwLock::new(FamilySeries { counts: BTreeMap::new(), durations: BTreeMap::new() }) };
        Family::ALL.len()];

/// The maximum number of label sets of a metric without the overflow, as by default in OpenTelemetry's SDKs.
const LIMIT: usize = 2000;

/// The only label of the overflow series, which counts sets beyond [`LIMIT`]; named as in OpenTelemetry's SDKs.
const OVERFLOW: [(&str, &str); 1] = [("otel_metric_overflow", "true")];

/// A label: its name and its value.
pub(super) type LabelPair<'a> = (&'static str, &'a str);

/// Returns a copy of the series, so that the text is made without the lock.
pub(super) fn all(family: Family) -> FamilySeries {
    sync::read(&SERIES[family as usize]).clone()
}

/// Returns the series with these labels. Only the counter also has the class of the error.
pub(super) fn of(
    family: Family,
    labels: &[LabelPair<'_>],
    error: Option<&str>,
) -> &'static CountSeries {
    let duration_labels = rendered(labels);
    let mut count_labels = duration_labels.clone();
    if let Some(error) = error {
        push_label(("error", error), &mut count_labels);
    }
    let known = sync::read(&SERIES[family as usize]).counts.get(&count_labels).copied();
    if let Some(series) = known {
        return series;
    }
    let mut all = sync::write(&SERIES[family as usize]);
    if let Some(series) = all.counts.get(&count_labels) {
        return series;
    }
    if all.counts.len() >= LIMIT {
        // The overflow series may be the last one that is added.
        return add(&mut all, family, &OVERFLOW, None, rendered(&OVERFLOW), rendered(&OVERFLOW));
    }
    add(&mut all, family, labels, error, duration_labels, count_labels)
}

#[cold]
fn add(
    all: &mut FamilySeries,
    family: Family,
    labels: &[LabelPair<'_>],
    error: Option<&str>,
    duration_labels: String,
    count_labels: String,
) -> &'static CountSeries {
    let owned = |labels: &[LabelPair<'_>]| -> Vec<Label> {
        labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect()
    };
    let names = family.names();
    let FamilySeries { counts, durations } = all;
    let duration = durations.entry(duration_labels).or_insert_with(|| {
        Box::leak(Box::new(DurationSeries {
            family,
            key: Key::from_parts(names.duration, owned(labels)),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum_nanos: AtomicU64::new(0),
            exemplars: [const { ExemplarSlot::new() }; BUCKETS],
        }))
    });
    counts.entry(count_labels).or_insert_with(|| {
        let mut with_error = owned(labels);
        with_error.extend(error.map(|error| Label::new("error", error.to_owned())));
        Box::leak(Box::new(CountSeries {
            key: Key::from_parts(names.total, with_error),
            count: AtomicU64::new(0),
            duration,
            is_described: AtomicBool::new(false),
        }))
    })
}

fn rendered(labels: &[LabelPair<'_>]) -> String {
    let mut out = String::with_capacity(96);
    for label in labels {
        push_label(*label, &mut out);
    }
    out
}

fn push_label((name, value): LabelPair<'_>, out: &mut String) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape_label(value, out);
    out.push('"');
}

/// Cached series of a call site, for outcomes without an error class.
#[derive(Debug)]
pub(crate) struct SiteSeries([OnceLock<&'static CountSeries>; 4]);

impl SiteSeries {
    pub(crate) const fn new() -> Self {
        SiteSeries([const { OnceLock::new() }; 4])
    }

    pub(super) fn of(
        &self,
        outcome: Outcome,
        class: Option<ErrorClass>,
        find: impl FnOnce(Option<&str>) -> &'static CountSeries,
    ) -> &'static CountSeries {
        match class {
            Some(class) => find(Some(class.shown().as_str())),
            None => self.0[outcome as usize].get_or_init(|| find(None)),
        }
    }
}

/// Takes the locks before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    for family in 0..SERIES.len() {
        locks.hold_rw(family, |family| &SERIES[*family]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_rise_and_their_text_is_their_number() {
        for family in Family::ALL {
            let bounds = family.bounds();
            assert!(bounds.is_sorted_by(|a, b| a.0 < b.0), "{bounds:?}");
            for (nanos, text) in bounds {
                let seconds: f64 = text.parse().expect("a number");
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let from_nanos = *nanos as f64 / 1e9;
                assert!((seconds - from_nanos).abs() < 1e-12, "{text}");
            }
        }
    }

    #[test]
    fn further_label_sets_share_one_series() {
        let before = of(Family::Job, &[("job", "first of many")], None);
        for n in 0..LIMIT * 2 {
            of(Family::Job, &[("job", &format!("job {n}"))], None);
        }
        let last = of(Family::Job, &[("job", "the last one")], None);
        let overflow = of(Family::Job, &OVERFLOW, None);
        assert!(std::ptr::eq(last, overflow));
        assert!(std::ptr::eq(before, of(Family::Job, &[("job", "first of many")], None)));
        let FamilySeries { durations, counts } = all(Family::Job);
        assert_eq!((durations.len(), counts.len()), (LIMIT + 1, LIMIT + 1));
    }
}
