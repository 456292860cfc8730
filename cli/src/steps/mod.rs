//! `candor steps`: how long each step and each dependency call takes.

mod table;
mod totals;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::args::{FromArgs, KeyArgs};
use crate::from::Question;
use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, json_line, wrap};
use crate::time::format_ms;
use table::Scale;
use totals::{NamedTotals, SpanKind, Summary};

/// Steps and dependency calls by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  candor steps app.log app.log.*.gz\n  \
                        journalctl -u orders -o cat --since today | candor steps -\n  \
                        candor steps --from clickhouse://ch-1/logs.candor_all")]
pub(crate) struct StepsArgs {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    from: FromArgs,
    /// How many steps and how many dependency calls, those with the most time first; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One JSON object for each step and call
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Prints the totals. Returns whether the input has a step or call.
pub(crate) fn run(args: &StepsArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let mut input = args
        .from
        .input(&args.files, &Question::Steps, keys, |why| Failure::usage(why.to_string()))?;
    let mut summary = Summary::default();
    for part in input.read_events(Summary::add)? {
        summary.merge(part);
    }
    input.notes().for_each(|note| out.note(note));
    let requests = summary.requests.count();
    if summary.left_out > 0 {
        out.note(format!(
            "lines left out by LOG_STORY in {} requests or jobs; their steps and calls are not in the table",
            summary.left_out
        ));
    }
    let whole = if requests > 0 { &summary.requests } else { &summary.outermost };
    let total = whole.sum_ms();
    let steps = summary.steps.into_rows(SpanKind::Step, args.top);
    let calls = summary.calls.into_rows(SpanKind::Call, args.top);
    let all = || steps.iter().chain(&calls);
    if all().next().is_none() {
        out.note("no step and no dependency call is in the input".to_owned());
        return Ok(false);
    }
    if args.json {
        for row in all() {
            out.print(&json_line(&json_row(row, total)))?;
        }
        return Ok(true);
    }
    let screen = Screen::detect();
    let longest = all().map(|row| row.totals.times.max_ms()).fold(0.0, f64::max);
    let shortest = all().map(|row| row.totals.times.quantile_ms(0.01)).fold(longest, f64::min);
    let scale = Scale { total, shortest, longest };
    for (title, rows) in [("steps", &steps), ("dependency calls", &calls)] {
        if !rows.is_empty() {
            table::print(rows, title, screen, scale, out)?;
        }
    }
    let of = if requests > 0 {
        format!("of {requests} requests")
    } else {
        "of outermost steps".to_owned()
    };
    let legend = format!("share: of the {} {of}; steps contain each other", format_ms(total));
    for text in wrap(&legend, screen.width) {
        out.print(&screen.render(Row::new().add(Style::Dim, &text)))?;
    }
    Ok(true)
}

fn json_row(row: &NamedTotals, total: f64) -> Value {
    let times = &row.totals.times;
    let rounded = |ms: f64| (ms * 1e3).round() / 1e3;
    let mut object = json!({
        "count": times.count(),
        "errors": row.totals.errors,
        "p50_ms": rounded(times.quantile_ms(0.50)),
        "p95_ms": rounded(times.quantile_ms(0.95)),
        "p99_ms": rounded(times.quantile_ms(0.99)),
        "max_ms": rounded(times.max_ms()),
        "total_ms": rounded(times.sum_ms()),
        "share": if total > 0.0 { rounded(times.sum_ms() / total) } else { 0.0 },
    });
    match row.kind {
        SpanKind::Step => {
            object["step"] = row.name.clone().into();
            object["logger"] = row.detail.clone().into();
        }
        SpanKind::Call => {
            object["dependency"] = row.name.clone().into();
            object["operation"] = row.detail.clone().into();
        }
    }
    if !row.service.is_empty() {
        object["service"] = row.service.clone().into();
    }
    object
}
