//! Tables of `candor steps` on the terminal: a name, columns of numbers, and a chart.

use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, display_width, escape, grouped, truncate};

use super::axis::Axis;

/// Columns are omitted before names of up to this many characters are cut.
const MAX_UNCUT_NAME: usize = 24;
const MIN_NAME_WIDTH: usize = 16;
/// Gap before each column and the chart.
const GAP: usize = 2;
/// Widths of the chart.
const MAX_CHART_WIDTH: usize = 40;
const MIN_CHART_WIDTH: usize = 16;

/// A column of numbers, with a cell for each row.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) cells: Vec<(Style, String)>,
    /// Columns with a smaller number are the first that a narrow screen omits; `None` is never omitted.
    pub(super) priority: Option<u8>,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(_, text)| display_width(text));
        GAP + cells.chain([display_width(self.title)]).max().unwrap_or(0)
    }
}

/// Returns the bars of the row with an index, for a number of columns.
pub(super) type Bars = Box<dyn Fn(usize, usize) -> String>;

/// A group of rows under a heading of its own.
pub(super) struct TableSection {
    pub(super) title: &'static str,
    pub(super) rows: std::ops::Range<usize>,
}

/// Tables with the same columns, so that their numbers and charts are aligned.
pub(super) struct StepTable {
    pub(super) sections: Vec<TableSection>,
    /// The name of each row.
    pub(super) names: Vec<(Style, String)>,
    pub(super) columns: Vec<Column>,
    /// The axis of the charts, and the bars of each row.
    pub(super) chart: Option<(Axis, Bars)>,
}

impl StepTable {
    /// Prints the sections that have rows.
    pub(super) fn print(mut self, screen: Screen, out: &mut Output) -> Result<(), Failure> {
        self.omit_columns(screen);
        let widest = self.widest_name();
        let widths: Vec<usize> = self.columns.iter().map(Column::width).collect();
        let available = screen.width.saturating_sub(widths.iter().sum());
        let beside_chart = available.saturating_sub(MIN_CHART_WIDTH + GAP).max(MAX_UNCUT_NAME);
        let name_width = widest.min(beside_chart).min(available);
        let chart_width = available.saturating_sub(name_width + GAP).min(MAX_CHART_WIDTH);
        let chart = self.chart.take().filter(|_| chart_width >= MIN_CHART_WIDTH);
        let chart_start = screen.width.min(name_width + widths.iter().sum::<usize>() + GAP);
        for section in self.sections.iter().filter(|section| !section.rows.is_empty()) {
            let mut head = Row::new();
            head.add(Style::Bold, &truncate(section.title, name_width));
            let mut end = name_width;
            for (column, width) in self.columns.iter().zip(&widths) {
                end += width;
                head.add_right(Style::Dim, column.title, end);
            }
            if let Some((axis, _)) = &chart {
                head.pad(chart_start).add(Style::Dim, &axis.labels(chart_width));
            }
            out.print(&screen.render(&head))?;
            for index in section.rows.clone() {
                let (style, name) = &self.names[index];
                let mut row = Row::new();
                row.add_escaped(*style, &truncate(&escape(name), name_width));
                let mut end = name_width;
                for (column, width) in self.columns.iter().zip(&widths) {
                    end += width;
                    let (style, text) = &column.cells[index];
                    row.add_right(*style, text, end);
                }
                if let Some((_, bars)) = &chart {
                    row.pad(chart_start).add(Style::Step, &bars(index, chart_width));
                }
                out.print(&screen.render(&row))?;
            }
            out.print("\n")?;
        }
        Ok(())
    }

    fn widest_name(&self) -> usize {
        let names = self.names.iter().map(|(_, name)| display_width(&escape(name)));
        let titles = self.sections.iter().map(|section| display_width(section.title));
        names.chain(titles).max().unwrap_or(0).max(MIN_NAME_WIDTH)
    }

    /// Omits columns until the names have enough room.
    pub(super) fn omit_columns(&mut self, screen: Screen) {
        let name_width = self.widest_name().min(MAX_UNCUT_NAME);
        let taken = |columns: &[Column]| columns.iter().map(Column::width).sum::<usize>();
        while name_width + taken(&self.columns) > screen.width {
            let least = self.columns.iter().filter_map(|column| column.priority).min();
            let Some(least) = least else { return };
            self.columns.retain(|column| column.priority != Some(least));
        }
    }
}

/// A count of outcomes that deserve attention if there are any.
pub(super) fn count_cell(style: Style, count: u64) -> (Style, String) {
    (if count > 0 { style } else { Style::Dim }, grouped(&count.to_string()))
}
