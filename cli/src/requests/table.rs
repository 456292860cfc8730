//! The table of `candor requests` on the terminal.

use super::RequestsArgs;
use super::counts::{CauseCount, RequestSummary};
use super::row::RequestRow;
use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, display_width, escape, grouped, truncate};
use crate::time::{Clock, LocalZone};

/// Width of the duration, the share and the gap before the cause.
const NUMBERS_WIDTH: usize = 18;

/// Minimum width of a title; a narrower screen gets two rows per request.
const MIN_TITLE_WIDTH: usize = 14;

/// Widths of the columns that both forms of the table have.
struct Columns {
    time: usize,
    status: usize,
    /// The shown time of each row.
    times: Vec<String>,
}

pub(super) fn print(
    rows: &[RequestRow<'_>],
    zone: &LocalZone,
    is_relative: bool,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut times = times(rows, zone, is_relative);
    let zone_of = |row: &RequestRow<'_>| zone.name(row.line.at);
    let first = rows.first().filter(|_| !is_relative).map(zone_of);
    let heading = match first {
        // Clocks changed between the requests, so two of them may have the same local time.
        Some(first) if rows.iter().any(|row| zone_of(row) != first) => {
            for (time, row) in times.iter_mut().zip(rows) {
                *time = format!("{time} {}", zone_of(row));
            }
            "ended".to_owned()
        }
        Some(first) if first != "UTC" => format!("ended, {first}"),
        _ => "ended".to_owned(),
    };
    let widest = |text: &dyn Fn(&RequestRow<'_>) -> String, least: usize, most: usize| {
        rows.iter().map(|row| display_width(&text(row))).max().unwrap_or(0).clamp(least, most)
    };
    let time = times.iter().map(|time| display_width(time)).max().unwrap_or(0);
    let time = time.max(display_width(&heading)).max(12);
    let status = widest(&|row| row.status().1, 6, 14);
    // The user copies the id into `candor story`, so the title is truncated instead.
    let id = widest(&|row| escape(row.id), 7, 40);
    let fixed = time + id + status + NUMBERS_WIDTH + 6;
    let available = screen.width.saturating_sub(fixed + 16);
    let title = widest(&|row| row.title(), 7, available.max(MIN_TITLE_WIDTH));
    let columns = Columns { time, status, times };
    if available < MIN_TITLE_WIDTH {
        return print_stacked(rows, screen, &columns, out);
    }
    let end = time + id + title + 6;
    let mut head = Row::new();
    head.add(Style::Dim, &heading).pad(time + 2).add(Style::Dim, "request").pad(time + id + 4);
    head.pad(end).add(Style::Dim, "status").add_right(Style::Dim, "took", end + status + 10);
    head.add_right(Style::Dim, "deps", end + status + 16);
    head.pad(end + status + NUMBERS_WIDTH).add(Style::Dim, "cause, or slowest step");
    out.print(&screen.render(&head))?;
    for (request, at) in rows.iter().zip(&columns.times) {
        let mut row = Row::new();
        row.add(Style::Dim, at).pad(time + 2);
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
    for (request, at) in rows.iter().zip(&columns.times) {
        let mut first = Row::new();
        first.add(Style::Dim, at).pad(columns.time + 2);
        columns.add_numbers(&mut first, request, columns.time + 2);
        out.print(&screen.render(&first))?;
        let mut second = Row::new();
        second.add(Style::Plain, "  ").add(Style::Plain, request.id).add(Style::Plain, "  ");
        second.add(Style::Dim, &request.title());
        out.print(&screen.render(&second))?;
    }
    Ok(())
}

/// Most causes that are printed.
const MAX_CAUSES: usize = 10;

/// Prints the counts of equal causes, with a title.
pub(super) fn print_causes(
    summary: &RequestSummary,
    args: &RequestsArgs,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let kind = if args.unfinished { "unfinished" } else { "failed" };
    let title = match summary.failed {
        1 => format!("cause of the {kind} request"),
        count => format!("causes of the {} {kind} requests", grouped(&count.to_string())),
    };
    out.print(&screen.render(Row::new().add(Style::Dim, &title)))?;
    let shown = &summary.causes[..summary.causes.len().min(MAX_CAUSES)];
    let count = |cause: &CauseCount| grouped(&cause.count.to_string());
    let width = shown.iter().map(|cause| count(cause).len()).max().unwrap_or(0);
    let widest = shown.iter().map(|cause| display_width(&escape(&cause.cause)));
    let end = width + 5 + widest.max().unwrap_or(0).min(screen.width / 2);
    for cause in shown {
        let mut row = Row::new();
        row.add_right(Style::Bold, &count(cause), width + 2).add(Style::Dim, " × ");
        row.add_escaped(Style::Warn, &truncate(&escape(&cause.cause), end - width - 5));
        let latest = if cause.count > 1 { "latest " } else { "" };
        row.pad(end + 2).add(Style::Dim, latest).add(Style::Dim, &cause.latest);
        out.print(&screen.render(&row))?;
    }
    let others = &summary.causes[shown.len()..];
    if !others.is_empty() {
        let count: u64 = others.iter().map(|cause| cause.count).sum();
        let mut row = Row::new();
        row.add_right(Style::Bold, &grouped(&count.to_string()), width + 2);
        row.add(Style::Dim, &format!(" × {} other causes", others.len()));
        out.print(&screen.render(&row))?;
    }
    out.print("\n")
}

/// Prints the last line: how many of all requests failed.
pub(super) fn print_total(
    summary: &RequestSummary,
    args: &RequestsArgs,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let style = if summary.failed > 0 { Style::Bold } else { Style::Plain };
    out.print(&screen.render(Row::new().add(style, &summary.sentence(args))))
}

/// The times of the rows: with the date if they are of several days, or since the earliest.
fn times(rows: &[RequestRow<'_>], zone: &LocalZone, is_relative: bool) -> Vec<String> {
    let all = || rows.iter().map(|row| row.line.at);
    let is_one_day = all().all(|at| Some(zone.date(at)) == all().next().map(|at| zone.date(at)));
    if !is_relative && !is_one_day {
        return all().map(|at| zone.date_time(at)).collect();
    }
    let mut clock = Clock::new(zone.clone(), is_relative);
    if let Some(first) = all().min() {
        clock.time(first);
    }
    all().map(|at| clock.time(at)).collect()
}

impl Columns {
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
