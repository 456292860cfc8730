//! The tables of `candor steps` on the terminal.

use super::totals::{NamedTotals, SpanKind};
use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, display_width, escape, percent, truncate};
use crate::time::format_ms;

/// The columns right of the name, with their widths.
const COLUMNS: [(&str, usize); 6] =
    [("count", 9), ("errors", 8), ("p50", 10), ("p95", 10), ("p99", 10), ("share", 7)];

/// Columns that a narrow screen omits, in this order.
const OPTIONAL_COLUMNS: [&str; 3] = ["p50", "p99", "share"];

/// Shorter names are unreadable, so columns are omitted first.
const MIN_NAME_WIDTH: usize = 16;

/// Widths of the chart.
const MAX_CHART_WIDTH: usize = 16;
const MIN_CHART_WIDTH: usize = 4;

/// The total time that shares refer to, and the range of the charts' axis, all in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) total: f64,
    pub(super) shortest: f64,
    pub(super) longest: f64,
}

/// Widths of one table.
struct TableLayout {
    name: usize,
    /// Indexes into `COLUMNS`.
    columns: Vec<usize>,
    /// 0 if the screen has no room for a chart.
    chart: usize,
}

impl TableLayout {
    fn new(widest_name: usize, screen: Screen) -> Self {
        let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
        let taken =
            |columns: &[usize]| columns.iter().map(|index| COLUMNS[*index].1).sum::<usize>();
        for optional in OPTIONAL_COLUMNS {
            if MIN_NAME_WIDTH + taken(&columns) > screen.width {
                columns.retain(|index| COLUMNS[*index].0 != optional);
            }
        }
        let available = screen.width.saturating_sub(taken(&columns));
        let beside_chart = available.saturating_sub(MAX_CHART_WIDTH + 2).max(MIN_NAME_WIDTH);
        let name = widest_name.max(MIN_NAME_WIDTH).min(beside_chart).min(available);
        let chart = available.saturating_sub(name + 2).min(MAX_CHART_WIDTH);
        TableLayout { name, columns, chart: if chart < MIN_CHART_WIDTH { 0 } else { chart } }
    }
}

/// Prints the table of all steps or of all calls.
pub(super) fn print(
    rows: &[NamedTotals],
    title: &str,
    screen: Screen,
    scale: Scale,
    out: &mut Output,
) -> Result<(), Failure> {
    let widest = rows.iter().map(|row| display_width(&escape(&row.label()))).max().unwrap_or(0);
    let layout = TableLayout::new(widest.max(display_width(title)), screen);
    let mut head = Row::new();
    head.add(Style::Bold, &truncate(title, layout.name));
    let mut end = layout.name;
    for column in &layout.columns {
        end += COLUMNS[*column].1;
        head.add_right(Style::Dim, COLUMNS[*column].0, end);
    }
    let range = format!("{} … {}", format_ms(scale.shortest), format_ms(scale.longest));
    if layout.chart > 0 && end + 2 + display_width(&range) <= screen.width {
        head.pad(end + 2).add(Style::Dim, &range);
    }
    out.print(&screen.render(&head))?;
    for row in rows {
        out.print(&screen.render(&table_row(row, &layout, scale)))?;
    }
    out.print("\n")
}

fn table_row(named: &NamedTotals, layout: &TableLayout, scale: Scale) -> Row {
    let (times, errors) = (&named.totals.times, named.totals.errors);
    let mut row = Row::new();
    let style = if named.kind == SpanKind::Call { Style::Call } else { Style::Plain };
    row.add(style, &truncate(&escape(&named.label()), layout.name));
    // In the order of `COLUMNS`.
    let cells = [
        (Style::Plain, times.count().to_string()),
        (if errors > 0 { Style::Warn } else { Style::Dim }, errors.to_string()),
        (Style::Plain, format_ms(times.quantile_ms(0.50))),
        (Style::Plain, format_ms(times.quantile_ms(0.95))),
        (Style::Plain, format_ms(times.quantile_ms(0.99))),
        (Style::Plain, percent(times.sum_ms(), scale.total)),
    ];
    let mut end = layout.name;
    for column in &layout.columns {
        end += COLUMNS[*column].1;
        let (style, text) = &cells[*column];
        row.add_right(*style, text, end);
    }
    if layout.chart > 0 {
        let counts = times.columns(layout.chart, scale.shortest, scale.longest);
        row.pad(end + 2).add(Style::Step, &bar_chart(&counts));
    }
    row
}

/// Counts as bars. A count above 0 always has a bar, even beside a count of thousands.
fn bar_chart(counts: &[u64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let bar = |count: &u64| match count {
        0 => ' ',
        count => HEIGHTS[((*count as f64 / most * 7.0).round() as usize).min(7)],
    };
    counts.iter().map(bar).collect()
}
