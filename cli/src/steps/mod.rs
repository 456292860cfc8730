//! `candor steps`: how long each step and each dependency call takes.

mod axis;
mod compare;
mod table;
mod totals;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::args::{FromArgs, KeyArgs, parse_count};
use crate::from::Question;
use crate::output::{Failure, Output};
use crate::read::Input;
use crate::screen::{Row, Screen, Style, grouped, json_line, percent, wrap};
use crate::time::format_ms;
use axis::{Axis, bar_chart};
use table::{Bars, Column, StepTable, TableSection, count_cell};
use totals::{NamedTotals, SpanKind, Summary};

/// Steps and dependency calls by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A row of the output:
               count  failed  refused      p50     p99  share  ▏1 ms    10 s▕
  bank charge  5,120      12       31  42.0 ms  402 ms    68%      ▂█▅▂▁

  failed     calls that ended with an error or a panic
  refused    calls that the dependency rejected, for example with a 404
  cancelled  calls that were dropped before they ended
  p50, p99   percentiles; – if there are too few durations: p50 needs 2, p95
             needs 20 and p99 needs 100; with fewer, they would repeat max
  share      part of the time of all requests; steps contain each other
  chart      number of durations, on a logarithmic axis

With --compare, `was` is the value in the other log. A change is shown only if
chance can't explain it: the 95 % confidence intervals of the two percentiles
don't overlap, and they differ by at least 5 %. Rows that fail more often come
first, then those that became slower.

Examples:
  candor steps app.log app.log.*.gz
  candor steps after.log --compare before.log
  journalctl -u orders -o cat --since today | candor steps -
  candor steps --from clickhouse://ch-1/logs.candor_all

Exits with 0 if there is a step or call, 1 if there is none, 2 if the arguments or a file can't be read.")]
pub(crate) struct StepsArgs {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    from: FromArgs,
    /// Compare with the log OTHER, for example from before a release. Repeat it for several files
    #[arg(long, value_name = "OTHER")]
    compare: Vec<PathBuf>,
    /// Show this many steps and this many dependency calls: those with the most time, or with --compare those that
    /// fail more often or became slower; 0 for all
    #[arg(long, value_name = "N", default_value = "20", value_parser = parse_count)]
    top: usize,
    /// Print one JSON object for each step and call
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Prints the totals. Returns whether the input has a step or call.
pub(crate) fn run(args: &StepsArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let is_stdin = |path: &PathBuf| path == Path::new("-");
    if args.files.iter().any(is_stdin) && args.compare.iter().any(is_stdin) {
        return Err(Failure::usage(
            "standard input can't be compared with itself; give --compare a file".to_owned(),
        ));
    }
    let unreadable = |why: &crate::read::Unreadable| Failure::usage(why.to_string());
    // Opened first, so that a misspelt name is reported before the other log is read.
    let other = match args.compare.as_slice() {
        [] => None,
        files => Some(Input::new(files, keys.clone()).map_err(|why| unreadable(&why))?),
    };
    let input = args.from.input(&args.files, &Question::Steps, keys, unreadable)?;
    let summary = read(input, out)?;
    if let Some(other) = other {
        let before = read(other, out)?;
        return compare::run(args, before, summary, out);
    }
    let requests = summary.requests.count();
    let whole = if requests > 0 { &summary.requests } else { &summary.outermost };
    let total = whole.sum_ms();
    let steps = summary.steps.into_rows(SpanKind::Step, args.top);
    let step_count = steps.len();
    let mut rows = steps;
    rows.extend(summary.calls.into_rows(SpanKind::Call, args.top));
    if rows.is_empty() {
        out.note(NOTHING_FOUND.to_owned());
        return Ok(false);
    }
    if args.json {
        for row in &rows {
            out.print(&json_line(&json_row(row, total)))?;
        }
        return Ok(true);
    }
    let screen = Screen::detect();
    let of = if requests > 0 {
        let noun = if requests == 1 { "request" } else { "requests" };
        format!("of {} {noun}", grouped(&requests.to_string()))
    } else {
        "of outermost steps".to_owned()
    };
    let mut legend =
        vec![format!("share: of the {} {of}; steps contain each other", format_ms(total))];
    legend.extend(notes_on(&rows));
    print_table(rows, step_count, total, screen, out)?;
    print_legend(&legend, screen, out)?;
    Ok(true)
}

const NOTHING_FOUND: &str = "the input contains no steps or dependency calls";

/// Reads the totals of one log.
fn read(mut input: Input, out: &mut Output) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    for part in input.read_events(Summary::add)? {
        summary.merge(part);
    }
    input.notes().for_each(|note| out.note(note));
    if summary.left_out > 0 {
        let (whose, their) = match summary.left_out {
            1 => ("1 request or job".to_owned(), "its"),
            count => (format!("{count} requests or jobs"), "their"),
        };
        out.note(format!(
            "lines left out by LOG_STORY in {whose}; {their} steps and calls are not in the table"
        ));
    }
    Ok(summary)
}

/// The columns with percentiles, with the priority of each.
const PERCENTILES: [(&str, f64, u8); 3] = [("p50", 0.50, 4), ("p95", 0.95, 0), ("p99", 0.99, 3)];

/// Shown instead of a percentile of too few durations.
const UNSUPPORTED: &str = "–";

fn print_table(
    rows: Vec<NamedTotals>,
    step_count: usize,
    total: f64,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let cells = |cell: &dyn Fn(&NamedTotals) -> (Style, String)| rows.iter().map(cell).collect();
    let mut columns = vec![Column {
        title: "count",
        cells: cells(&|row| (Style::Plain, grouped(&row.totals.times.count().to_string()))),
        priority: None,
    }];
    columns.extend(outcome_columns(rows.iter().map(|row| &row.totals)));
    for (title, share, priority) in PERCENTILES {
        let of = |row: &NamedTotals| row.totals.times.percentile_ms(share);
        if rows.iter().any(|row| of(row).is_some()) {
            let cells = cells(&|row| percentile_cell(of(row)));
            columns.push(Column { title, cells, priority: Some(priority) });
        }
    }
    columns.push(Column {
        title: "max",
        cells: cells(&|row| (Style::Plain, format_ms(row.totals.times.max_ms()))),
        priority: Some(1),
    });
    columns.push(Column {
        title: "share",
        cells: cells(&|row| (Style::Plain, percent(row.totals.times.sum_ms(), total))),
        priority: Some(2),
    });
    let longest = rows.iter().map(|row| row.totals.times.max_ms()).fold(0.0, f64::max);
    let shortest =
        rows.iter().map(|row| row.totals.times.quantile_ms(0.01)).fold(longest, f64::min);
    let axis = Axis::new(shortest, longest);
    let names = rows.iter().map(|row| (row.style(), row.label())).collect();
    let sections = sections(step_count, rows.len());
    let bars = move |index: usize, width: usize| {
        let (from, to) = axis.range_ms();
        let times = &rows[index].totals.times;
        bar_chart(&times.columns(width, from, to))
    };
    let chart = Some((axis, Box::new(bars) as Bars));
    StepTable { sections, names, columns, chart }.print(screen, out)
}

fn sections(step_count: usize, count: usize) -> Vec<TableSection> {
    vec![
        TableSection { title: "steps", rows: 0..step_count },
        TableSection { title: "dependency calls", rows: step_count..count },
    ]
}

/// The column of failures, and those of other outcomes that occur.
fn outcome_columns<'a>(
    totals: impl Iterator<Item = &'a totals::Totals> + Clone,
) -> impl Iterator<Item = Column> {
    type Count = fn(&totals::Totals) -> u64;
    let outcomes: [(&str, Style, Count); 3] = [
        ("failed", Style::Bad, |totals| totals.failed),
        ("refused", Style::Warn, |totals| totals.refused),
        ("cancelled", Style::Warn, |totals| totals.cancelled),
    ];
    outcomes.into_iter().filter_map(move |(title, style, count)| {
        let occurs = title == "failed" || totals.clone().any(|totals| count(totals) > 0);
        let cells = totals.clone().map(|totals| count_cell(style, count(totals)));
        occurs.then(|| Column { title, cells: cells.collect(), priority: None })
    })
}

fn percentile_cell(ms: Option<f64>) -> (Style, String) {
    match ms {
        Some(ms) => (Style::Plain, format_ms(ms)),
        None => (Style::Dim, UNSUPPORTED.to_owned()),
    }
}

/// Explanations of what the table shows of these rows.
fn notes_on(rows: &[NamedTotals]) -> impl Iterator<Item = String> {
    let refused = rows.iter().any(|row| row.totals.refused > 0);
    let is_missing = |share: f64| {
        let mut found = rows.iter().map(|row| row.totals.times.percentile_ms(share).is_some());
        found.clone().any(|is_known| is_known) && !found.all(|is_known| is_known)
    };
    let is_any_missing = PERCENTILES.iter().any(|(_, share, _)| is_missing(*share));
    let all_few = rows.iter().all(|row| row.totals.times.percentile_ms(0.99).is_none());
    [
        refused.then(|| {
            "refused: the dependency rejected the call, for example with a 404".to_owned()
        }),
        (is_any_missing || all_few).then(|| PERCENTILE_RULE.to_owned()),
    ]
    .into_iter()
    .flatten()
}

const PERCENTILE_RULE: &str =
    "percentiles need enough durations: 2 for p50, 20 for p95 and 100 for p99";

fn print_legend(legend: &[String], screen: Screen, out: &mut Output) -> Result<(), Failure> {
    for sentence in legend {
        for text in wrap(sentence, screen.width) {
            out.print(&screen.render(Row::new().add(Style::Dim, &text)))?;
        }
    }
    Ok(())
}

fn json_row(row: &NamedTotals, total: f64) -> Value {
    let times = &row.totals.times;
    let mut object = totals_json(&row.totals);
    object["share"] = if total > 0.0 { rounded(times.sum_ms() / total) } else { 0.0 }.into();
    add_name(&mut object, row);
    object
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Counts and durations; a percentile of too few durations is `null`.
fn totals_json(totals: &totals::Totals) -> Value {
    let times = &totals.times;
    let percentile = |share: f64| times.percentile_ms(share).map(rounded);
    json!({
        "count": times.count(),
        "failed": totals.failed,
        "refused": totals.refused,
        "cancelled": totals.cancelled,
        "p50_ms": percentile(0.50),
        "p95_ms": percentile(0.95),
        "p99_ms": percentile(0.99),
        "max_ms": rounded(times.max_ms()),
        "total_ms": rounded(times.sum_ms()),
    })
}

fn add_name(object: &mut Value, row: &NamedTotals) {
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
}
