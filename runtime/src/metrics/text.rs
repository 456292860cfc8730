//! Renders the series in the exposition format for `openmetrics`.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::facade;
use super::series::{self, DurationSeries, Family, FamilySeries};

pub(super) fn render() -> String {
    let mut out = String::new();
    for family in Family::ALL {
        let FamilySeries { durations, counts } = series::all(family);
        if counts.is_empty() {
            continue;
        }
        let names = family.names();
        let name = names.duration;
        let help = names.duration_help;
        let _ =
            write!(out, "# TYPE {name} histogram\n# UNIT {name} seconds\n# HELP {name} {help}\n");
        for (labels, series) in &durations {
            push_histogram(name, labels, series, &mut out);
        }
        let (name, help) = (names.count, names.count_help);
        let _ = write!(out, "# TYPE {name} counter\n# HELP {name} {help}\n");
        for (labels, series) in &counts {
            let count = series.count.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_total{{{labels}}} {count}");
        }
    }
    if super::is_on() {
        let name = "candor_metrics_recorder_panics";
        let help = "Number of panics of the recorder that is installed for the crate metrics.";
        let panics = facade::panics();
        let _ = write!(out, "# TYPE {name} counter\n# HELP {name} {help}\n{name}_total {panics}\n");
    }
    out.push_str("# EOF\n");
    out
}

fn push_histogram(name: &str, labels: &str, series: &DurationSeries, out: &mut String) {
    let bounds = series.family.bounds().iter().map(|(_, text)| *text).chain(["+Inf"]);
    let mut count = 0;
    for ((bound, bucket), exemplar) in bounds.zip(&series.buckets).zip(&series.exemplars) {
        count += bucket.load(Ordering::Relaxed);
        let _ = write!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        exemplar.write(out);
        out.push('\n');
    }
    let _ = write!(out, "{name}_count{{{labels}}} {count}\n{name}_sum{{{labels}}} ");
    push_seconds(series.sum_nanos.load(Ordering::Relaxed), out);
    out.push('\n');
}

/// Appends nanoseconds as seconds, without rounding.
pub(super) fn push_seconds(nanos: u64, out: &mut String) {
    let _ = write!(out, "{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
}

/// Appends the value of a label, escaped.
pub(super) fn escape_label(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
