//! `candor requests`: which requests failed, which were slow.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::output::{Failure, Output};
use crate::read::time::{self, Micros, rfc3339, took};
use crate::read::{Input, Key, Keys, Reading, Values, number, text};
use crate::screen::{Row, Screen, Style, columns, cut, json_line, safe};
use crate::story::{Line, percent};

/// Rows beyond these are not kept, whatever `--top` says.
const MOST_ROWS: usize = 20_000;

/// What stands in the line of every end, and in few others.
pub(crate) const ENDS: &str = "_completed";

/// Requests and jobs, the failed ones first, then the slowest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  candor requests app.log --failed --since 15m\n  \
                        candor requests app.log* --slow=500 --path /orders")]
pub(crate) struct Args {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    files: Vec<PathBuf>,
    /// The slowest first; with a time, only those that took at least as long: 500 (ms), 2s
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "0",
          value_parser = |text: &str| time::span(text, "ms"))]
    slow: Option<Micros>,
    /// Only those that ended with an error, a panic or no answer, the latest first
    #[arg(long)]
    failed: bool,
    /// Only what ended since then: 2026-11-22T10:00:00Z, or 15m before the last line
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Only paths and routes that begin so
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only this user's
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One JSON object for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: crate::KeyArgs,
}

/// Where the time of interest begins.
#[derive(Debug, Clone, Copy)]
enum Since {
    At(Micros),
    BeforeLast(Micros),
}

impl Since {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(at) = time::parse(text) {
            return Ok(Since::At(at));
        }
        time::span(text, "a span alone has a unit").map(Since::BeforeLast).map_err(|_| {
            format!(
                "`{text}` is neither a time such as 2026-11-22T10:00:00Z nor a span such as 15m"
            )
        })
    }
}

/// What decides whether a request is listed, as far as it is known before its line is parsed.
#[derive(Debug, Clone, Copy)]
struct Facts {
    at: Micros,
    took: Micros,
    failed: bool,
}

/// A request that ended.
struct Ended {
    id: String,
    facts: Facts,
    line: Line,
}

/// The first of all that were seen, in the order of the table.
struct First {
    rows: Vec<Ended>,
    /// What the last of them has, once there are enough.
    least: Option<(bool, Micros)>,
    most: usize,
    by: fn(&Facts) -> (bool, Micros),
}

impl First {
    fn add(&mut self, row: Ended) {
        self.rows.push(row);
        // Now and then is enough, and sorting is linear then.
        if self.rows.len() >= 2 * self.most + 100 {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let by = self.by;
        self.rows.sort_by_key(|row| std::cmp::Reverse(by(&row.facts)));
        self.rows.truncate(self.most);
        self.least =
            self.rows.last().filter(|_| self.rows.len() == self.most).map(|row| by(&row.facts));
    }
}

/// Lists the requests; whether there was any.
pub(crate) fn run(args: &Args, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let mut input = Input::new(&args.files, keys.clone())?;
    let since = match args.since {
        None => Micros::MIN,
        Some(Since::At(at)) => at,
        Some(Since::BeforeLast(span)) => last(&mut input)?.saturating_sub(span),
    };
    let by: fn(&Facts) -> (bool, Micros) = match (args.slow, args.failed) {
        (Some(_), _) => |facts| (false, facts.took),
        (None, true) => |facts| (false, facts.at),
        (None, false) => |facts| (facts.failed, facts.took),
    };
    let mut first = First { rows: Vec::new(), least: None, most: args.top.clamp(1, MOST_ROWS), by };
    let reading = Reading { needle: Some(ENDS), again: false };
    input.read(reading, |record| {
        let Some(facts) = facts(record).filter(|facts| args.wants(*facts, since)) else { return };
        // What would be cut off again need not be parsed.
        if first.least.is_some_and(|least| (first.by)(&facts) <= least) {
            return;
        }
        if let Some(row) = ended(record, facts, &keys).filter(|row| args.takes(row)) {
            first.add(row);
        }
    })?;
    first.settle();
    out.note(input.tally.passed_by());
    if first.rows.is_empty() {
        out.note(Some("no request of the input is one of these".to_owned()));
        return Ok(false);
    }
    if args.json {
        for row in &first.rows {
            out.print(&json_line(&json(row)))?;
        }
        return Ok(true);
    }
    table(&first.rows, Screen::new(), out)?;
    Ok(true)
}

impl Args {
    fn wants(&self, facts: Facts, since: Micros) -> bool {
        facts.at >= since
            && self.slow.is_none_or(|least| facts.took >= least)
            && (!self.failed || facts.failed)
    }

    fn takes(&self, row: &Ended) -> bool {
        let begins = |path: &String| {
            row.line.path.starts_with(path) || row.line.text("route").starts_with(path)
        };
        self.path.as_ref().is_none_or(begins)
            && self.user.as_ref().is_none_or(|user| row.line.user == *user)
    }
}

/// When the last line was written.
fn last(input: &mut Input) -> Result<Micros, Failure> {
    let mut last = Micros::MIN;
    input.read(Reading { needle: None, again: true }, |record| {
        if let Some(at) = record.get(Key::Ts).and_then(text).and_then(|text| time::parse(&text)) {
            last = last.max(at);
        }
    })?;
    Ok(last)
}

fn facts(record: &Values<'_>) -> Option<Facts> {
    let text = |key| record.get(key).and_then(text);
    if !matches!(text(Key::Event).as_deref(), Some("request_completed" | "job_completed")) {
        return None;
    }
    let ms = record.get(Key::DurationMs).and_then(number)?;
    Some(Facts {
        at: time::parse(&text(Key::Ts)?)?,
        took: time::micros(ms),
        failed: text(Key::Outcome).as_deref() != Some("ok"),
    })
}

fn ended(record: &Values<'_>, facts: Facts, keys: &Keys) -> Option<Ended> {
    let id = record.get(Key::RequestId).and_then(text)?.into_owned();
    Some(Ended { id, facts, line: Line::parse(record, keys)? })
}

/// `payments charge: timeout`, as the end of the request names it.
fn cause(line: &Line) -> String {
    let cause = line.get("cause");
    let of = |key| cause.and_then(|cause| cause.get(key)?.as_str()).unwrap_or_default();
    let words = [of("dependency"), of("step")].join(" ");
    match (words.trim(), of("category")) {
        ("", category) => category.to_owned(),
        (words, "") => words.to_owned(),
        (words, category) => format!("{words}: {category}"),
    }
}

fn share(row: &Ended) -> String {
    let calls = row.line.get("dependency_ms").and_then(Value::as_f64).unwrap_or(0.0);
    if calls > 0.0 { percent(calls, row.facts.took as f64 / 1e3) } else { String::new() }
}

fn json(row: &Ended) -> Value {
    let line = &row.line;
    let mut all = Map::new();
    all.insert("ts".to_owned(), rfc3339(line.at).into());
    all.insert("request_id".to_owned(), row.id.clone().into());
    for (key, value) in [
        ("service", &line.service),
        ("user_id", &line.user),
        ("method", &line.method),
        ("path", &line.path),
        ("trace_id", &line.trace),
    ] {
        if !value.is_empty() {
            all.insert(key.to_owned(), value.clone().into());
        }
    }
    all.insert("failed".to_owned(), row.facts.failed.into());
    all.extend(line.fields.iter().cloned());
    all.into()
}

fn table(rows: &[Ended], screen: Screen, out: &mut Output) -> Result<(), Failure> {
    let days = rows.iter().map(|row| row.line.at.div_euclid(86_400_000_000));
    let is_one_day = days.clone().min() == days.max();
    let when = |row: &Ended| {
        if is_one_day { time::time(row.line.at) } else { time::date_and_time(row.line.at) }
    };
    let what = |row: &Ended| {
        let job = row.line.text("job");
        let words = [&row.line.service, &row.line.method, &row.line.path, &job];
        let words = words.into_iter().filter(|word| !word.is_empty()).map(String::as_str);
        safe(&words.collect::<Vec<_>>().join(" "))
    };
    let how = |row: &Ended| {
        let outcome = row.line.text("outcome");
        let outcome = if outcome == "ok" { "" } else { &outcome };
        safe(format!("{} {outcome}", row.line.text("status")).trim())
    };
    let widest = |of: &dyn Fn(&Ended) -> String, least: usize, most: usize| {
        rows.iter().map(|row| columns(&of(row))).max().unwrap_or(0).clamp(least, most)
    };
    // The id is what `candor story` wants, so it is whole; the path gives way.
    let ids = widest(&|row| safe(&row.id), 7, 40);
    let times = if is_one_day { 12 } else { 23 };
    let hows = widest(&how, 6, 14);
    let fixed = times + 2 + ids + 2 + 2 + hows + 1 + 9 + 6 + 2;
    let whats = widest(&what, 7, screen.width.saturating_sub(fixed + 16).max(14));
    let mut head = Row::new();
    head.add(Style::Dim, "ended").pad(times + 2).add(Style::Dim, "request").pad(times + ids + 4);
    let end = times + ids + whats + 6;
    head.pad(end).add(Style::Dim, "status").right(Style::Dim, "took", end + hows + 10);
    head.right(Style::Dim, "deps", end + hows + 16);
    head.pad(end + hows + 18).add(Style::Dim, "cause, or slowest step");
    out.print(&screen.show(&head))?;
    for row in rows {
        let mut shown = Row::new();
        shown.add(Style::Dim, &when(row)).pad(times + 2);
        shown.add(Style::Plain, &cut(&safe(&row.id), ids)).pad(times + ids + 4);
        shown.add(Style::Plain, &cut(&what(row), whats)).pad(end);
        let style = match row.line.text("outcome").as_str() {
            "ok" if row.line.count("status") >= 400 => Style::Warn,
            "ok" => Style::Good,
            "cancelled" => Style::Warn,
            _ => Style::Bad,
        };
        shown.add(style, &cut(&how(row), hows));
        shown.right(Style::Bold, &took(row.facts.took as f64 / 1e3), end + hows + 10);
        shown.right(Style::Dim, &share(row), end + hows + 16).pad(end + hows + 18);
        let cause = cause(&row.line);
        if cause.is_empty() {
            shown.add(Style::Dim, &row.line.text("slowest_step"));
        } else {
            shown.add(Style::Warn, &cause);
        }
        out.print(&screen.show(&shown))?;
    }
    Ok(())
}
