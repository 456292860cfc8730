//! Prints the bill on the terminal.

use super::names::Volume;
use super::report::{Bill, Charge, Section, Setting, Share, ShareKind, format_bytes, format_share};
use crate::output::{Failure, Output};
use crate::screen::{Row, Screen, Style, display_width, escape, grouped, truncate, wrap};

/// Widths of the columns to the right of the name.
const LINES_WIDTH: usize = 11;
const BYTES_WIDTH: usize = 13;
const SHARE_WIDTH: usize = 8;

/// Widths of the name and of the bar.
const MIN_NAME_WIDTH: usize = 16;
const MAX_NAME_WIDTH: usize = 44;
const MIN_BAR_WIDTH: usize = 6;
const MAX_BAR_WIDTH: usize = 40;

/// Widths that all tables share, so that their bars can be compared.
struct BillLayout {
    name: usize,
    /// 0 without `--price`.
    price: usize,
    /// 0 if the screen is too narrow for bars.
    bar: usize,
}

impl BillLayout {
    fn new(bill: &Bill, charge: &Charge<'_>, sections: &[Section], screen: Screen) -> Self {
        let price = charge.price(bill.total.bytes).map_or(0, |price| display_width(&price) + 2);
        let price = if price > 0 { price.max(9) } else { 0 };
        let taken = LINES_WIDTH + BYTES_WIDTH + SHARE_WIDTH + price;
        let names = sections.iter().flat_map(|section| &section.shares).map(|share| &share.name);
        let settings = bill.settings.iter().map(|setting| &setting.text);
        let widths = names.chain(settings).map(|name| display_width(&escape(name)));
        let widest = widths.max().unwrap_or(0).clamp(MIN_NAME_WIDTH, MAX_NAME_WIDTH);
        let available = screen.width.saturating_sub(taken);
        let beside_bar = available.saturating_sub(MIN_BAR_WIDTH + 2).max(MIN_NAME_WIDTH);
        let name = widest.min(beside_bar);
        let bar = available.saturating_sub(name + 2).min(MAX_BAR_WIDTH);
        BillLayout { name, price, bar: if bar < MIN_BAR_WIDTH { 0 } else { bar } }
    }
}

pub(super) fn print(
    bill: &Bill,
    charge: &Charge<'_>,
    top: usize,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let sections: Vec<Section> = bill
        .sections
        .iter()
        .map(|section| section.top(top))
        .filter(|section| section.shares.iter().any(|share| share.kind == ShareKind::Named))
        .collect();
    let layout = BillLayout::new(bill, charge, &sections, screen);
    head(bill, charge, screen, out)?;
    for section in &sections {
        out.print("\n")?;
        let unit = if charge.months.is_some() { "per month" } else { "bytes" };
        let title = section.dimension.name();
        out.print(&screen.render(&title_row(title, ["lines", unit, "share"], &layout)))?;
        for share in &section.shares {
            let row = share_row(share, bill.total, charge, &layout);
            out.print(&screen.render(&row))?;
        }
    }
    out.print("\n")?;
    settings(bill, charge, &layout, screen, out)
}

/// Prints the total.
fn head(bill: &Bill, charge: &Charge<'_>, screen: Screen, out: &mut Output) -> Result<(), Failure> {
    let mut row = Row::new();
    row.add(Style::Bold, &format!("{} bytes", grouped(&bill.total.bytes.to_string())));
    let details = format!(
        "  {}  {} lines  {} requests",
        format_bytes(bill.total.bytes as f64),
        grouped(&bill.total.lines.to_string()),
        grouped(&bill.requests.to_string())
    );
    row.add(Style::Plain, &details);
    if let Some(price) = charge.price(bill.total.bytes).filter(|_| charge.months.is_none()) {
        row.add(Style::Plain, "  ").add(Style::Bold, &price);
    }
    out.print(&screen.render(&row))?;
    if let Some((first, last)) = bill.times {
        let (from, to) = (bill.zone.name(first), bill.zone.name(last));
        let from = if from == to { String::new() } else { format!(" {from}") };
        let at = |at| bill.zone.date_time(at);
        let text = format!("{}{from} to {} {to}", at(first), at(last));
        out.print(&screen.render(Row::new().add(Style::Dim, &text)))?;
    }
    if charge.months.is_some() {
        let mut row = Row::new();
        row.add(Style::Bold, &format_bytes(charge.bytes(bill.total.bytes)));
        row.add(Style::Plain, " in 30 days at this rate");
        if let Some(price) = charge.price(bill.total.bytes) {
            row.add(Style::Plain, "  ").add(Style::Bold, &price);
        }
        out.print(&screen.render(&row))?;
    }
    Ok(())
}

fn title_row(title: &str, columns: [&str; 3], layout: &BillLayout) -> Row {
    let mut row = Row::new();
    row.add(Style::Bold, &truncate(title, layout.name));
    let mut end = layout.name;
    for (column, width) in columns.into_iter().zip([LINES_WIDTH, BYTES_WIDTH, SHARE_WIDTH]) {
        end += width;
        row.add_right(Style::Dim, column, end);
    }
    if layout.price > 0 {
        row.add_right(Style::Dim, "price", end + layout.price);
    }
    row
}

fn share_row(share: &Share, total: Volume, charge: &Charge<'_>, layout: &BillLayout) -> Row {
    let (style, bar_style) = match share.kind {
        ShareKind::Named => (Style::Plain, Style::Step),
        ShareKind::Others | ShareKind::Without | ShareKind::NotCandor => (Style::Dim, Style::Dim),
    };
    let mut row = Row::new();
    row.add(style, &truncate(&escape(&share.name), layout.name));
    let share_of_total = format_share(share.volume.bytes, total.bytes);
    let end = numbers(&mut row, style, share.volume, &share_of_total, charge, layout);
    if layout.bar > 0 {
        row.pad(end + 2).add(bar_style, &bar(share.volume.bytes, total.bytes, layout.bar));
    }
    row
}

/// Appends lines, bytes, a share and the price. Returns the column after them.
fn numbers(
    row: &mut Row,
    style: Style,
    volume: Volume,
    share: &str,
    charge: &Charge<'_>,
    layout: &BillLayout,
) -> usize {
    let lines = grouped(&volume.lines.to_string());
    let bytes = format_bytes(charge.bytes(volume.bytes));
    let mut end = layout.name + LINES_WIDTH;
    row.add_right(style, &lines, end);
    end += BYTES_WIDTH;
    row.add_right(style, &bytes, end);
    end += SHARE_WIDTH;
    row.add_right(style, share, end);
    if let Some(price) = charge.price(volume.bytes) {
        end += layout.price;
        row.add_right(style, &price, end);
    }
    end
}

fn settings(
    bill: &Bill,
    charge: &Charge<'_>,
    layout: &BillLayout,
    screen: Screen,
    out: &mut Output,
) -> Result<(), Failure> {
    let columns = ["lines", "bytes after", "saved"];
    out.print(&screen.render(&title_row("setting", columns, layout)))?;
    for setting in &bill.settings {
        let mut row = Row::new();
        row.add(Style::Plain, &truncate(&setting.text, layout.name));
        let saved = setting.saved_share(bill.total);
        let end = numbers(&mut row, Style::Plain, setting.after, &saved, charge, layout);
        if layout.bar > 0 {
            let bar = bar(setting.after.bytes, bill.total.bytes, layout.bar);
            row.pad(end + 2).add(Style::Good, &bar);
        }
        out.print(&screen.render(&row))?;
        for text in wrap(&setting.explanation(), screen.width.saturating_sub(2)) {
            let mut row = Row::new();
            row.add(Style::Dim, "  ").add(Style::Dim, &text);
            out.print(&screen.render(&row))?;
        }
    }
    Ok(())
}

impl Setting {
    /// Returns the share of the total that the setting saves.
    pub(super) fn saved_share(&self, total: Volume) -> String {
        if self.after.bytes > total.bytes {
            return format!("-{}", format_share(self.after.bytes - total.bytes, total.bytes));
        }
        format_share(total.bytes - self.after.bytes, total.bytes)
    }

    /// Describes the lines that are written with the setting, and whether the figures are estimates.
    pub(super) fn explanation(&self) -> String {
        let about = if self.is_estimate { "about: " } else { "" };
        format!("{about}{}", self.effect)
    }
}

/// Returns a bar in eighths of a column. A share above 0 always has a bar.
fn bar(part: u64, whole: u64, width: usize) -> String {
    const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if part == 0 {
        return String::new();
    }
    let share = part as f64 / whole.max(1) as f64;
    let eighths = ((share * width as f64 * 8.0).round() as usize).clamp(1, width * 8);
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}
