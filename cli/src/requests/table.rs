//! The table of `candor requests` on the terminal.

use super::row::RequestRow;
use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, display_width, escape, truncate};
use crate::time::{Micros, date_time, time_of_day};

const DAY: Micros = 86_400_000_000;

/// Width of the duration, the share and the gap before the cause.
const NUMBERS_WIDTH: usize = 18;

/// Minimum width of a title; a narrower screen gets two rows per request.
const MIN_TITLE_WIDTH: usize = 14;

/// Widths of the columns that both forms of the table have.
struct Columns {
    time: usize,
    status: usize,
    is_one_day: bool,
}

pub(super) fn print(
    rows: &[RequestRow<'_>],
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let days = rows.iter().map(|row| row.line.at.div_euclid(DAY));
    let is_one_day = days.clone().min() == days.max();
    let widest = |text: &dyn Fn(&RequestRow<'_>) -> String, least: usize, most: usize| {
        rows.iter().map(|row| display_width(&text(row))).max().unwrap_or(0).clamp(least, most)
    };
    let time = if is_one_day { 12 } else { 23 };
    let status = widest(&|row| row.status().1, 6, 14);
    // The user copies the id into `candor story`, so the title is truncated instead.
    let id = widest(&|row| escape(row.id), 7, 40);
    let fixed = time + id + status + NUMBERS_WIDTH + 6;
    let available = screen.width.saturating_sub(fixed + 16);
    let title = widest(&|row| row.title(), 7, available.max(MIN_TITLE_WIDTH));
    let columns = Columns { time, status, is_one_day };
    if available < MIN_TITLE_WIDTH {
        return print_stacked(rows, screen, &columns, out);
    }
    let end = time + id + title + 6;
    let mut head = Row::new();
    head.add(Style::Dim, "ended").pad(time + 2).add(Style::Dim, "request").pad(time + id + 4);
    head.pad(end).add(Style::Dim, "status").add_right(Style::Dim, "took", end + status + 10);
    head.add_right(Style::Dim, "deps", end + status + 16);
    head.pad(end + status + NUMBERS_WIDTH).add(Style::Dim, "cause, or slowest step");
    out.print(&screen.render(&head))?;
    for request in rows {
        let mut row = Row::new();
        row.add(Style::Dim, &columns.time_of(request)).pad(time + 2);
        row.add(Style::Plain, &truncate(&escape(request.id), id)).pad(time + id + 4);
        row.add(Style::Plain, &truncate(&request.title(), title)).pad(end);
        columns.add_numbers(&mut row, request, end);
        out.print(&screen.render(&row))?;
    }
    Ok(())
}

/// The form for narrow screens: numbers and cause in the first row, id and title in the second.
fn print_stacked(
    rows: &[RequestRow<'_>],
    screen: Screen,
    columns: &Columns,
    out: &mut Output,
) -> Result<(), Failure> {
    for request in rows {
        let mut first = Row::new();
        first.add(Style::Dim, &columns.time_of(request)).pad(columns.time + 2);
        columns.add_numbers(&mut first, request, columns.time + 2);
        out.print(&screen.render(&first))?;
        let mut second = Row::new();
        second.add(Style::Plain, "  ").add(Style::Plain, request.id).add(Style::Plain, "  ");
        second.add(Style::Dim, &request.title());
        out.print(&screen.render(&second))?;
    }
    Ok(())
}

impl Columns {
    fn time_of(&self, request: &RequestRow<'_>) -> String {
        let at = request.line.at;
        if self.is_one_day { time_of_day(at) } else { date_time(at) }
    }

    /// Appends status, duration, share and cause from column `from` on.
    fn add_numbers(&self, row: &mut Row, request: &RequestRow<'_>, from: usize) {
        let (style, status) = request.status();
        row.add(style, &truncate(&status, self.status));
        row.add_right(Style::Bold, &request.duration(), from + self.status + 10);
        row.add_right(Style::Dim, &request.dependency_share(), from + self.status + 16);
        let (style, cause) = request.cause();
        row.pad(from + self.status + NUMBERS_WIDTH).add(style, &cause);
    }
}
