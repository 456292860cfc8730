//! Reports observations to the recorder of the `metrics` crate, which is user code.
//!
//! The recorder runs after the line is written, outside every borrow and lock of candor.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use ::metrics::{KeyName, Level, Metadata, Recorder, Unit, with_recorder};

use super::series::CountSeries;
use crate::base::catch::catch;
use crate::sink;

static METADATA: Metadata<'static> = Metadata::new("candor", Level::INFO, Some("candor::metrics"));

/// Number of panics of the recorder.
static PANICS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is inside the recorder.
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

/// Returns the number of panics of the recorder.
pub(super) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Reports one observation. Steps and calls inside the recorder are not reported, because they would call the
/// recorder recursively.
pub(super) fn report(series: &'static CountSeries, nanos: u64) {
    // A step of a user's writer ends under the lock of its output.
    if sink::is_writing() || REPORTING.replace(true) {
        return;
    }
    let reported = catch(|| {
        with_recorder(|recorder| {
            if !series.is_described.swap(true, Ordering::Relaxed) {
                describe(recorder, series);
            }
            recorder.register_counter(&series.key, &METADATA).increment(1);
            let seconds = std::time::Duration::from_nanos(nanos).as_secs_f64();
            recorder.register_histogram(&series.duration.key, &METADATA).record(seconds);
        });
    });
    REPORTING.set(false);
    if reported.is_none() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
}

#[cold]
fn describe(recorder: &dyn Recorder, series: &CountSeries) {
    let names = series.duration.family.names();
    let name = KeyName::from(names.total);
    recorder.describe_counter(name, Some(Unit::Count), names.count_help.into());
    let name = KeyName::from(names.duration);
    recorder.describe_histogram(name, Some(Unit::Seconds), names.duration_help.into());
}
