//! `candor steps --compare`: the steps and calls of two logs side by side.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::table::{Column, Table};
use super::totals::{NamedTotals, SpanKind, Summary, Totals, TotalsByName, find_shared_names};
use super::{
    NOTHING_FOUND, PERCENTILE_RULE, StepsArgs, UNSUPPORTED, add_name, percentile_cell,
    print_legend, sections, totals_json,
};
use crate::output::{Failure, Output};
use crate::screen::{Screen, Style, grouped, json_line, percent};

/// The percentiles that are compared: the title of the column, and the priorities of its three columns.
const COMPARED: [(&str, f64, [u8; 3]); 2] = [("p50", 0.50, [5, 2, 7]), ("p99", 0.99, [4, 1, 6])];

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

    /// What grew is first, the most first; then new names, those without a change, what shrank, and names that are gone.
    fn rank(&self) -> (u8, Reverse<i64>) {
        let growth = (self.growth_ms() * 1e3) as i64;
        let group = match self.presence() {
            Presence::New => 1,
            Presence::Gone => 4,
            Presence::Both if growth > 0 => 0,
            Presence::Both if growth == 0 => 2,
            Presence::Both => 3,
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
    let mut changes = pairs(before.steps, after.steps, SpanKind::Step, args.top);
    let step_count = changes.len();
    changes.extend(pairs(before.calls, after.calls, SpanKind::Call, args.top));
    if changes.is_empty() {
        out.note(NOTHING_FOUND.to_owned());
        return Ok(false);
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
    let table = Table {
        sections: sections(step_count, changes.len()),
        names: changes.iter().map(|change| (change.row.style(), change.row.label())).collect(),
        columns: columns(&changes),
        chart: None,
    };
    table.print(screen, out)?;
    let mut legend = vec![format!(
        "was: in the other log; change: {UNSUPPORTED} if there is none, or if chance can explain it"
    )];
    legend.extend(has_too_few.then(|| PERCENTILE_RULE.to_owned()));
    print_legend(&legend, screen, out)?;
    Ok(true)
}

/// The names of both logs, sorted.
fn pairs(before: TotalsByName, after: TotalsByName, kind: SpanKind, top: usize) -> Vec<Change> {
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
    if top > 0 {
        changes.truncate(top);
    }
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
        column("was", Some(3), &|change| (Style::Dim, count(&change.before))),
        column("failed", Some(8), &|change| failed_cell(&change.row.totals)),
        column("was", Some(0), &|change| (Style::Dim, failed_cell(&change.before).1)),
    ];
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

/// The share of the calls that failed.
fn failed_cell(totals: &Totals) -> (Style, String) {
    let count = totals.times.count();
    if count == 0 {
        return (Style::Dim, UNSUPPORTED.to_owned());
    }
    let style = if totals.failed > 0 { Style::Bad } else { Style::Dim };
    (style, percent(totals.failed as f64, count as f64))
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
