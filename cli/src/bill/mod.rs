//! `candor bill`: divides the bytes of a log, and shows the savings of settings.
//!
//! `meter` reads the input. Worker threads parse lines in `scan`, and the main thread adds them to their requests in
//! `requests`. `report` turns the sums into a [`Bill`], and `table` or `page` renders it.

mod hashes;
mod meter;
mod names;
mod page;
mod price;
mod report;
mod requests;
mod scan;
mod table;
mod treemap;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::args::{KeyArgs, parse_count, zone};
use crate::output::{Failure, Output, check_page};
use crate::read::Input;
use crate::screen::{Screen, json_line};
use meter::Measured;
use price::Price;
use report::{Bill, Charge};

/// Bytes and lines by event, step, dependency, route, level, logger and key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The output has a table for each kind of row, and one for settings:
  event            lines        bytes   share
  step_timing      5,120    2,108,211     41%  ████   the bytes of these lines

  setting          lines  bytes after   saved
  LOG_LEVEL=warn   1,020      402,118     92%  ████   if it had been set

Examples:
  candor bill app.log app.log.*.gz
  candor bill app.log --price '$0.50/GiB' --per-month
  journalctl -u orders -o cat --since today | candor bill - --html bill.html

Exits with 0 if the input has lines of candor, 1 if it has none, 2 if the arguments or a file can't be read.")]
pub(crate) struct BillArgs {
    /// Files with the lines, `.gz` too; `-` is standard input, which is the default
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Price per unit of log data: 0.50/GiB, $0.50/GB
    #[arg(long, value_name = "PRICE", value_parser = Price::parse)]
    price: Option<Price>,
    /// Extrapolate bytes and prices to 30 days, from the time between the first and the last timestamp
    #[arg(long)]
    per_month: bool,
    /// Write a self-contained HTML page; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    /// Show this many rows of each table, the largest first; 0 for all
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse_count)]
    top: usize,
    /// Show the time of the first and the last line in the machine's time zone (`TZ`) instead of UTC
    #[arg(long, conflicts_with = "json")]
    local: bool,
    /// Print one JSON object for the total, for each row and for each setting
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Prints the bill. Returns whether the input contains a candor line.
pub(crate) fn run(args: &BillArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let mut files = args.files.clone();
    if files.is_empty() && io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nothing to read; give FILES, or `-` for standard input".to_owned(),
        ));
    }
    if files.is_empty() {
        files.push(PathBuf::from("-"));
    }
    check_page(args.html.as_deref(), &files)?;
    let mut input = Input::new(&files, keys)?;
    let mut bill = Bill::new(&Measured::read(&mut input)?);
    bill.zone = zone(args.local, out);
    input.tally.truncated_notes().for_each(|note| out.note(note));
    let months = bill.months().filter(|_| args.per_month);
    if args.per_month && months.is_none() {
        out.note(
            "all lines have the same time, so --per-month has no effect; use it with a longer log"
                .to_owned(),
        );
    }
    if bill.evicted > 0 {
        out.note(format!(
            "too many requests were open at once, so {} of them count as written in full",
            bill.evicted
        ));
    }
    let charge = Charge { price: args.price.as_ref(), months };
    if args.json {
        for row in bill.json(&charge) {
            out.print(&json_line(&row))?;
        }
    } else if bill.records > 0 {
        match &args.html {
            Some(path) => write_page(path, &page::render(&bill, &charge, args.top), out)?,
            None => table::print(&bill, &charge, args.top, Screen::detect(), out)?,
        }
    }
    if bill.records == 0 {
        out.note("the input contains no candor lines (set LOG_FORMAT=json)".to_owned());
    }
    Ok(bill.records > 0)
}

fn write_page(path: &Path, page: &str, out: &mut Output) -> Result<(), Failure> {
    if path == Path::new("-") {
        return out.print(page);
    }
    std::fs::write(path, page)
        .map_err(|error| Failure::usage(format!("can't write {}: {error}", path.display())))
}
