//! `candor steps --compare`: the steps and calls of two logs side by side.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::table::{Column, StepTable};
use super::totals::{NamedTotals, SpanKind, Summary, Totals, TotalsByName, find_shared_names};
use super::{
    NOTHING_FOUND, PERCENTILE_RULE, StepsArgs, UNSUPPORTED, add_name, percentile_cell,
    print_legend, sections, totals_json,
};
use crate::histogram::{DEVIATIONS, MIN_CHANGE};
use crate::output::{Failure, Output};
use crate::screen::{Screen, Style, grouped, json_line, percent};

/// The percentiles that are compared: the title of the column, and the priorities of its three columns. A change is
/// omitted before its value, because its title doesn't name the percentile.
const COMPARED: [(&str, f64, [u8; 3]); 2] = [("p50", 0.50, [8, 1, 6]), ("p99", 0.99, [5, 0, 4])];

/// The title of a column, its style and priority, and the number of an outcome.
type Outcome = (&'static str, Style, u8, fn(&Totals) -> u64);

/// The outcomes that are compared.
const OUTCOMES: [Outcome; 3] = [
    ("failed", Style::Bad, 9, |totals| totals.failed),
    ("refused", Style::Warn, 7, |totals| totals.refused),
    ("cancelled", Style::Warn, 7, |totals| totals.cancelled),
];

/// Totals of one name in the other log and in this one.
struct Change {
    row: NamedTotals,
    before: Totals,
}

/// Whether both logs have the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Both,
    New,
    Gone,
}

impl Change {
    fn presence(&self) -> Presence {
        match (self.before.times.count(), self.row.totals.times.count()) {
            (0, _) => Presence::New,
            (_, 0) => Presence::Gone,
            _ => Presence::Both,
        }
    }

    /// The relative change of a percentile; `None` if chance may be the reason.
    fn of(&self, share: f64) -> Option<f64> {
        self.row.totals.times.change_since(&self.before.times, share)
    }

    /// The largest growth of a compared percentile in milliseconds; negative if all that changed are shorter.
    fn growth_ms(&self) -> f64 {
        let (after, before) = (&self.row.totals.times, &self.before.times);
        let changes = COMPARED.iter().filter(|(_, share, _)| self.of(*share).is_some());
        let growth =
            changes.map(|(_, share, _)| after.quantile_ms(*share) - before.quantile_ms(*share));
        growth.reduce(f64::max).unwrap_or(0.0)
    }

    /// The growth of the share of steps or calls that did not succeed. `None` if it may be due to chance, or if one of
    /// the logs doesn't have the name.
    fn failure_growth(&self) -> Option<f64> {
        if self.presence() != Presence::Both {
            return None;
        }
        let unsuccessful = |totals: &Totals| totals.failed + totals.refused + totals.cancelled;
        share_growth(
            (unsuccessful(&self.before), self.before.times.count()),
            (unsuccessful(&self.row.totals), self.row.totals.times.count()),
        )
    }

    /// Orders the rows by group: more failures, longer durations, new names, no change, shorter durations, and names
    /// that are gone. Within the first two groups, the largest growth comes first.
    fn rank(&self) -> (u8, Reverse<i64>) {
        if let Some(growth) = self.failure_growth() {
            return (0, Reverse((growth * 1e6) as i64));
        }
        let growth = (self.growth_ms() * 1e3) as i64;
        let group = match self.presence() {
            Presence::New => 2,
            Presence::Gone => 5,
            Presence::Both if growth > 0 => 1,
            Presence::Both if growth == 0 => 3,
            Presence::Both => 4,
        };
        (group, Reverse(growth))
    }
}

/// Prints the comparison. Returns whether one of the logs has a step or call.
pub(super) fn run(
    args: &StepsArgs,
    before: Summary,
    after: Summary,
    out: &mut Output,
) -> Result<bool, Failure> {
    let mut changes = pairs(before.steps, after.steps, SpanKind::Step);
    let mut calls = pairs(before.calls, after.calls, SpanKind::Call);
    let all = changes.len() + calls.len();
    if args.top > 0 {
        changes.truncate(args.top);
        calls.truncate(args.top);
    }
    let step_count = changes.len();
    changes.extend(calls);
    if changes.is_empty() {
        out.note(NOTHING_FOUND.to_owned());
        return Ok(false);
    }
    match all - changes.len() {
        0 => {}
        1 => out.note("1 row is left out; use --top 0 to list all".to_owned()),
        count => out.note(format!("{count} rows are left out; use --top 0 to list all")),
    }
    if args.json {
        for change in &changes {
            out.print(&json_line(&json_row(change)))?;
        }
        return Ok(true);
    }
    let screen = Screen::detect();
    let is_too_few = |totals: &Totals| totals.times.percentile_ms(0.99).is_none();
    let has_too_few =
        changes.iter().any(|change| is_too_few(&change.before) || is_too_few(&change.row.totals));
    let mut table = StepTable {
        sections: sections(step_count, changes.len()),
        names: changes.iter().map(|change| (change.row.style(), change.row.label())).collect(),
        columns: columns(&changes),
        chart: None,
    };
    table.omit_columns(screen);
    let has_column = |title| table.columns.iter().any(|column| column.title == title);
    let was = has_column("was").then(|| "was: in the other log".to_owned());
    let change = has_column("change")
        .then(|| format!("change: {UNSUPPORTED} if there is none, or if chance can explain it"));
    let titles = was.into_iter().chain(change).collect::<Vec<_>>();
    let mut legend = if titles.is_empty() { Vec::new() } else { vec![titles.join("; ")] };
    table.print(screen, out)?;
    legend.extend(has_too_few.then(|| PERCENTILE_RULE.to_owned()));
    print_legend(&legend, screen, out)?;
    Ok(true)
}

/// The names of both logs, sorted by `Change::rank`.
fn pairs(before: TotalsByName, after: TotalsByName, kind: SpanKind) -> Vec<Change> {
    let id = |row: &NamedTotals| (row.service.clone(), row.name.clone(), row.detail.clone());
    let mut earlier: HashMap<_, NamedTotals> =
        before.into_rows(kind, 0).into_iter().map(|row| (id(&row), row)).collect();
    let mut totals = HashMap::new();
    let mut rows = after.into_rows(kind, 0);
    for row in &rows {
        let before = earlier.remove(&id(row)).map(|row| row.totals);
        totals.insert(id(row), before.unwrap_or_default());
    }
    let mut gone: Vec<NamedTotals> = earlier.into_values().collect();
    gone.sort_by_cached_key(NamedTotals::label);
    for mut row in gone {
        totals.insert(id(&row), std::mem::take(&mut row.totals));
        rows.push(row);
    }
    find_shared_names(&mut rows);
    let mut changes: Vec<Change> = rows
        .into_iter()
        .map(|row| Change { before: totals.remove(&id(&row)).unwrap_or_default(), row })
        .collect();
    // Rows of the same rank stay in the order of their total time.
    changes.sort_by_cached_key(Change::rank);
    changes
}

fn columns(changes: &[Change]) -> Vec<Column> {
    let column = |title, priority, cell: &dyn Fn(&Change) -> (Style, String)| Column {
        title,
        cells: changes.iter().map(cell).collect(),
        priority,
    };
    let count = |totals: &Totals| grouped(&totals.times.count().to_string());
    let mut columns = vec![
        column("count", None, &|change| (Style::Plain, count(&change.row.totals))),
        column("was", Some(2), &|change| (Style::Dim, count(&change.before))),
    ];
    for (title, style, priority, count) in OUTCOMES {
        let occurs = |change: &Change| count(&change.row.totals) + count(&change.before) > 0;
        if title == "failed" || changes.iter().any(occurs) {
            let cell = |totals: &Totals| outcome_cell(totals, style, count(totals));
            columns.push(column(title, Some(priority), &|change| cell(&change.row.totals)));
            columns.push(column("was", Some(3), &|change| (Style::Dim, cell(&change.before).1)));
        }
    }
    for (title, share, [value, was, relative]) in COMPARED {
        let is_known = |change: &Change| {
            [&change.row.totals, &change.before]
                .iter()
                .any(|totals| totals.times.percentile_ms(share).is_some())
        };
        if !changes.iter().any(is_known) {
            continue;
        }
        columns.push(column(title, Some(value), &|change| {
            percentile_cell(change.row.totals.times.percentile_ms(share))
        }));
        columns.push(column("was", Some(was), &|change| {
            (Style::Dim, percentile_cell(change.before.times.percentile_ms(share)).1)
        }));
        columns.push(column("change", Some(relative), &|change| change_cell(change, share)));
    }
    columns
}

/// The share of the steps or calls with an outcome, of which there are `part`.
fn outcome_cell(totals: &Totals, style: Style, part: u64) -> (Style, String) {
    let count = totals.times.count();
    if count == 0 {
        return (Style::Dim, UNSUPPORTED.to_owned());
    }
    let style = if part > 0 { style } else { Style::Dim };
    (style, percent(part as f64, count as f64))
}

/// The growth of a share from one log to the other; each is a part and its whole. `None` if it may be due to chance.
///
/// As with percentiles, the confidence intervals must be disjoint, and the shares must differ by `MIN_CHANGE`.
fn share_growth(before: (u64, u64), after: (u64, u64)) -> Option<f64> {
    let share = |(part, whole): (u64, u64)| part as f64 / whole.max(1) as f64;
    let growth = share(after) - share(before);
    let is_disjoint = interval(after).0 > interval(before).1;
    (is_disjoint && growth >= MIN_CHANGE * share(before)).then_some(growth)
}

/// The confidence interval of a share, by Wilson's formula, which suits small samples and shares near 0 or 1.
fn interval((part, whole): (u64, u64)) -> (f64, f64) {
    let (part, whole, square) = (part as f64, whole.max(1) as f64, DEVIATIONS * DEVIATIONS);
    let middle = (part + square / 2.0) / (whole + square);
    let spread = (part * (whole - part) / whole + square / 4.0).sqrt();
    let margin = DEVIATIONS * spread / (whole + square);
    (middle - margin, middle + margin)
}

/// `+46%`, `×12`, `new`.
fn change_cell(change: &Change, share: f64) -> (Style, String) {
    match (change.presence(), change.of(share)) {
        (Presence::New, _) => (Style::Warn, "new".to_owned()),
        (Presence::Gone, _) => (Style::Dim, "gone".to_owned()),
        (Presence::Both, None) => (Style::Dim, UNSUPPORTED.to_owned()),
        (Presence::Both, Some(relative)) if relative >= 9.0 => {
            (Style::Warn, format!("×{:.0}", relative + 1.0))
        }
        (Presence::Both, Some(relative)) => {
            let style = if relative > 0.0 { Style::Warn } else { Style::Good };
            (style, format!("{:+.0}%", relative * 100.0))
        }
    }
}

fn json_row(change: &Change) -> serde_json::Value {
    let mut object = totals_json(&change.row.totals);
    add_name(&mut object, &change.row);
    object["was"] = totals_json(&change.before);
    for (title, share, _) in COMPARED {
        object[format!("{title}_change")] = change.of(share).map(super::rounded).into();
    }
    object["presence"] = match change.presence() {
        Presence::Both => "both",
        Presence::New => "new",
        Presence::Gone => "gone",
    }
    .into();
    object
}
