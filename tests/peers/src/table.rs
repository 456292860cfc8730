//! The results as a table for people and as JSON for scripts.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::machine;
use crate::rounds::{Figure, Measured, Results};
use crate::rows::Ratio;

pub(crate) fn render(results: &Results, ratios: &[Ratio]) -> String {
    let mut out = String::new();
    rows(results, &mut out);
    ratio_rows(results, ratios, &mut out);
    footer(results, &mut out);
    out
}

// Writing into a `String` does not fail, here and below.
fn rows(results: &Results, out: &mut String) {
    let _ = writeln!(
        out,
        "{:36}{:>10}{:>10}{:>10}{:>10}{:>9}{:>7}",
        "one operation", "median ns", "min ns", "× floor", "min", "allocs", "bytes"
    );
    let Some(floor) = results.rows.first().map(Measured::nanos) else { return };
    for measured in &results.rows {
        let Figure { median, min } = measured.nanos();
        let _ = writeln!(
            out,
            "{:36}{median:>10.1}{min:>10.1}{:>10.2}{:>10.2}{:>9.1}{:>7}",
            measured.row.name,
            median / floor.median,
            min / floor.min,
            measured.allocations(),
            measured.line.len(),
        );
    }
}

fn ratio_rows(results: &Results, ratios: &[Ratio], out: &mut String) {
    let _ = writeln!(out, "\n{:36}{:>10}{:>10}  bar", "ratio", "median", "min");
    for ratio in ratios {
        if let Some(Figure { median, min }) = results.ratio(ratio) {
            let _ = writeln!(out, "{:36}{median:>10.2}{min:>10.2}  {}", ratio.name, ratio.bar);
        }
    }
}

fn footer(results: &Results, out: &mut String) {
    let _ = writeln!(
        out,
        "\n{} rounds, every row once a round; {}\n\
         every sink is null; the floor is two clock readings and a copy of candor's step line;\n\
         tracing-subscriber: JSON, span list, current span only on a span's end, default timer;\n\
         slog: slog-json in a `Mutex`; what a library does not keep itself (seq, step_id, offset_ms)\n\
         is kept by hand, except for #[instrument], whose line goes without",
        results.rounds,
        machine::describe(),
    );
    for measured in results.rows.iter().filter(|measured| !measured.line.is_empty()) {
        let line = String::from_utf8_lossy(&measured.line);
        let _ = writeln!(out, "\n{} ({} bytes):\n{line}", measured.row.name, measured.line.len());
    }
}

/// `{"NAME": {"median": x, "min": y}}`.
pub(crate) fn ratios_json(results: &Results, ratios: &[Ratio]) -> String {
    let ratios: Map<String, Value> = ratios
        .iter()
        .filter_map(|ratio| {
            let Figure { median, min } = results.ratio(ratio)?;
            Some((ratio.name.to_owned(), json!({ "median": median, "min": min })))
        })
        .collect();
    format!("{:#}\n", Value::Object(ratios))
}
