//! `candor requests`: which requests failed, which were slow, which never ended.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::args::KeyArgs;
use crate::first::{self, First, Rank};
use crate::line::Line;
use crate::open::{Begun, ENDS, OpenRequests, is_end};
use crate::output::{Failure, Output};
use crate::read::time::{self, Micros, rfc3339, took};
use crate::read::{Input, Key, Keys, Reading, Unreadable, Values, Wanted, number, text};
use crate::screen::{Row, Screen, Style, columns, cut, json_line, percent, safe};

/// Rows beyond these are not kept, whatever `--top` says.
const MOST_ROWS: usize = 20_000;

/// Requests and jobs: those that failed or never ended first, then the slowest.
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
    /// Only those that ended with an error, a panic or no answer, or have no end, the latest first
    #[arg(long)]
    failed: bool,
    /// Only those that have no end: they still run, or their process died; the latest first
    #[arg(long)]
    unfinished: bool,
    /// Only what ended since then: 2026-11-22T10:00:00Z, or 15m before the last line
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Only paths and routes that begin so
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only this user's
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// How many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One JSON object for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
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

/// A request of the list.
struct Listed {
    id: String,
    facts: Facts,
    rank: Rank,
    last: Last,
}

/// What is known of how it ended.
enum Last {
    /// Its last line, as it is written.
    End(Box<[u8]>),
    None(Box<Begun>),
}

impl first::Row for Listed {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn at(&self) -> Micros {
        self.facts.at
    }

    fn size(&self) -> usize {
        let last = match &self.last {
            Last::End(line) => line.len(),
            Last::None(_) => 400,
        };
        size_of::<Self>() + self.id.len() + last
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.last, &other.last) {
            (Last::End(one), Last::End(other)) => one == other,
            _ => false,
        }
    }
}

/// Lists the requests; whether there was any.
pub(crate) fn run(args: &Args, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let mut input = Input::new(&args.files, keys.clone()).map_err(|why| args.explained(&why))?;
    let most = if args.top == 0 { MOST_ROWS } else { args.top.min(MOST_ROWS) };
    let before_last = match args.since {
        Some(Since::BeforeLast(span)) => Some(span),
        _ => None,
    };
    let mut since = match args.since {
        Some(Since::At(at)) => at,
        _ => Micros::MIN,
    };
    let mut first = First::new(most, before_last.is_some());
    let mut open = OpenRequests::default();
    // Times of one form are in the order of their letters.
    let mut latest = Vec::new();
    let reading = Reading { wanted: Wanted::FixedAndWith(ENDS), again: false };
    input.read(reading, |record| {
        if before_last.is_some()
            && let Some(at) = record.get(Key::Ts).filter(|at| *at > latest.as_slice())
        {
            at.clone_into(&mut latest);
        }
        open.see(record);
        if args.unfinished || !is_end(record) {
            return;
        }
        let Some(facts) = facts(record).filter(|facts| args.wants(*facts, since)) else { return };
        let rank = args.rank(&facts);
        // What would be cut off again need not be looked at.
        if !first.is_beyond(rank)
            && args.takes_end(record, &keys)
            && let Some(id) = record.get(Key::RequestId).and_then(text)
        {
            let last = Last::End(record.text.into());
            first.add(Listed { id: id.into_owned(), facts, rank, last });
        }
    })?;
    if let Some(span) = before_last {
        let last = text(&latest).and_then(|at| time::parse(&at)).unwrap_or(Micros::MIN);
        since = last.saturating_sub(span);
    }
    let not_followed = open.not_followed;
    out.note(open.without_ends());
    for begun in open.left() {
        let Some((began, at)) = begun.times() else { continue };
        let facts = Facts { at, took: at - began, failed: true };
        if args.wants(facts, since) && args.takes(&begun.user, &begun.path) {
            let (id, last) = (begun.id.clone(), Last::None(Box::new(begun)));
            first.add(Listed { id, facts, rank: args.rank(&facts), last });
        }
    }
    if not_followed > 0 {
        out.note(Some(format!(
            "at least {not_followed} lines are of requests that were open beside too many others; \
             whether those ended is not known"
        )));
    }
    if first.lost > 0 {
        out.note(Some(format!("{} requests found no room in the list", first.lost)));
    }
    let rows = first.finish(since);
    out.note(input.tally.passed_by());
    if rows.is_empty() {
        out.note(Some("no request of the input is one of these".to_owned()));
        return Ok(false);
    }
    let rows = rows.iter().filter_map(|row| Shown::new(row, &keys));
    if args.json {
        for row in rows {
            out.print(&json_line(&json(&row)))?;
        }
        return Ok(true);
    }
    table(&rows.collect::<Vec<_>>(), Screen::new(), out)?;
    Ok(true)
}

impl Args {
    fn wants(&self, facts: Facts, since: Micros) -> bool {
        facts.at >= since
            && self.slow.is_none_or(|least| facts.took >= least)
            && (!self.failed || facts.failed)
    }

    fn rank(&self, facts: &Facts) -> Rank {
        match self.slow {
            Some(_) => (false, facts.took),
            None if self.failed || self.unfinished => (false, facts.at),
            None => (facts.failed, facts.took),
        }
    }

    fn takes(&self, user: &str, path: &str) -> bool {
        self.user.as_ref().is_none_or(|wanted| wanted == user)
            && self.path.as_ref().is_none_or(|wanted| path.starts_with(wanted))
    }

    fn takes_end(&self, record: &Values<'_>, keys: &Keys) -> bool {
        if self.user.is_none() && self.path.is_none() {
            return true;
        }
        let of = |key| record.get(key).and_then(text).unwrap_or_default();
        let user = of(Key::UserId);
        // The route is not among the keys that are read at a glance.
        let route = || Line::parse(record.text, keys).map(|line| line.text("route"));
        self.takes(&user, &of(Key::Path))
            || self.path.is_some() && self.takes(&user, &route().unwrap_or_default())
    }

    /// `--slow 500` reads as a file called `500`.
    fn explained(&self, why: &Unreadable) -> Failure {
        let is_time = self.slow == Some(0) && time::span(&why.name, "ms").is_ok();
        let hint = if is_time {
            format!("; the time is given as --slow={}", why.name)
        } else {
            String::new()
        };
        Failure::usage(format!("{why}{hint}"))
    }
}

fn facts(record: &Values<'_>) -> Option<Facts> {
    let text = |key| record.get(key).and_then(text);
    let ms = record.get(Key::DurationMs).and_then(number)?;
    Some(Facts {
        at: time::parse(&text(Key::Ts)?)?,
        took: time::micros(ms),
        failed: text(Key::Outcome).as_deref() != Some("ok"),
    })
}

/// A row as it is shown.
struct Shown<'a> {
    id: &'a str,
    facts: Facts,
    /// The line of the end; without it what is known of the request stands in a line of no fields.
    line: Line,
    begun: Option<&'a Begun>,
    stuck_in: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(listed: &'a Listed, keys: &Keys) -> Option<Self> {
        let (id, facts) = (listed.id.as_str(), listed.facts);
        Some(match &listed.last {
            Last::End(text) => {
                let line = Line::parse(text, keys)?;
                Shown { id, facts, line, begun: None, stuck_in: None }
            }
            Last::None(begun) => {
                let line = Line {
                    service: begun.service.clone(),
                    user: begun.user.clone(),
                    method: begun.method.clone(),
                    path: begun.path.clone(),
                    ..Line::at(facts.at)
                };
                Shown { id, facts, line, begun: Some(begun), stuck_in: begun.stuck_in(keys) }
            }
        })
    }

    fn what(&self) -> String {
        let job = self.line.text("job");
        let words = [&self.line.service, &self.line.method, &self.line.path, &job];
        let words = words.into_iter().filter(|word| !word.is_empty()).map(String::as_str);
        safe(&words.collect::<Vec<_>>().join(" "))
    }

    fn how(&self) -> (Style, String) {
        if self.begun.is_some() {
            return (Style::Bad, "no end".to_owned());
        }
        let outcome = self.line.text("outcome");
        let style = match outcome.as_str() {
            "ok" if self.line.count("status") >= 400 => Style::Warn,
            "ok" => Style::Good,
            "cancelled" => Style::Warn,
            _ => Style::Bad,
        };
        let outcome = if outcome == "ok" { "" } else { &outcome };
        (style, safe(format!("{} {outcome}", self.line.text("status")).trim()))
    }

    /// Without an end it took at least as long as its lines.
    fn took(&self) -> String {
        let least = if self.begun.is_some() { "≥" } else { "" };
        format!("{least}{}", took(self.facts.took as f64 / 1e3))
    }

    fn share(&self) -> String {
        let calls = self.line.get("dependency_ms").and_then(Value::as_f64).unwrap_or(0.0);
        if calls > 0.0 { percent(calls, self.facts.took as f64 / 1e3) } else { String::new() }
    }

    /// The cause, or the slowest step.
    fn why(&self) -> (Style, String) {
        if let Some(step) = &self.stuck_in {
            return (Style::Warn, format!("stuck in {step}"));
        }
        match cause(&self.line) {
            cause if !cause.is_empty() => (Style::Warn, cause),
            // A job says itself what it failed with.
            _ if self.line.has("error") => (Style::Warn, self.line.text("error")),
            _ => (Style::Dim, self.line.text("slowest_step")),
        }
    }
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

fn json(row: &Shown<'_>) -> Value {
    let line = &row.line;
    let mut all = Map::new();
    all.insert("ts".to_owned(), rfc3339(line.at).into());
    all.insert("request_id".to_owned(), row.id.into());
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
    if row.begun.is_some() {
        all.insert("unfinished".to_owned(), true.into());
        all.insert("duration_ms".to_owned(), (row.facts.took as f64 / 1e3).into());
        all.insert("stuck_in".to_owned(), row.stuck_in.clone().into());
    }
    all.extend(line.fields.iter().cloned());
    all.into()
}

/// Where the columns are.
struct Columns {
    times: usize,
    hows: usize,
    is_one_day: bool,
}

/// What stands right of the status: time, share, and a gap before the cause.
const NUMBERS: usize = 18;

fn table(rows: &[Shown<'_>], screen: Screen, out: &mut Output) -> Result<(), Failure> {
    let days = rows.iter().map(|row| row.line.at.div_euclid(86_400_000_000));
    let is_one_day = days.clone().min() == days.max();
    let widest = |of: &dyn Fn(&Shown<'_>) -> String, least: usize, most: usize| {
        rows.iter().map(|row| columns(&of(row))).max().unwrap_or(0).clamp(least, most)
    };
    let times = if is_one_day { 12 } else { 23 };
    let hows = widest(&|row| row.how().1, 6, 14);
    // The id is what `candor story` wants, so it is whole; the path gives way.
    let ids = widest(&|row| safe(row.id), 7, 40);
    let fixed = times + ids + hows + NUMBERS + 6;
    let room = screen.width.saturating_sub(fixed + 16);
    let whats = widest(&|row| row.what(), 7, room.max(14));
    let at = Columns { times, hows, is_one_day };
    if room < 14 {
        return stacked(rows, screen, &at, out);
    }
    let end = times + ids + whats + 6;
    let mut head = Row::new();
    head.add(Style::Dim, "ended").pad(times + 2).add(Style::Dim, "request").pad(times + ids + 4);
    head.pad(end).add(Style::Dim, "status").right(Style::Dim, "took", end + hows + 10);
    head.right(Style::Dim, "deps", end + hows + 16);
    head.pad(end + hows + NUMBERS).add(Style::Dim, "cause, or slowest step");
    out.print(&screen.show(&head))?;
    for row in rows {
        let mut shown = Row::new();
        shown.add(Style::Dim, &at.when(row)).pad(times + 2);
        shown.add(Style::Plain, &cut(&safe(row.id), ids)).pad(times + ids + 4);
        shown.add(Style::Plain, &cut(&row.what(), whats)).pad(end);
        at.numbers(&mut shown, row, end);
        let (style, why) = row.why();
        shown.pad(end + hows + NUMBERS).add(style, &why);
        out.print(&screen.show(&shown))?;
    }
    Ok(())
}

/// Where a row has no room for all: numbers and cause in one, the request below it.
fn stacked(
    rows: &[Shown<'_>],
    screen: Screen,
    at: &Columns,
    out: &mut Output,
) -> Result<(), Failure> {
    for row in rows {
        let mut shown = Row::new();
        shown.add(Style::Dim, &at.when(row)).pad(at.times + 2);
        at.numbers(&mut shown, row, at.times + 2);
        let (style, why) = row.why();
        shown.pad(at.times + 2 + at.hows + NUMBERS).add(style, &why);
        out.print(&screen.show(&shown))?;
        let mut below = Row::new();
        below.add(Style::Plain, "  ").add(Style::Plain, row.id).add(Style::Plain, "  ");
        below.add(Style::Dim, &row.what());
        out.print(&screen.show(&below))?;
    }
    Ok(())
}

impl Columns {
    fn when(&self, row: &Shown<'_>) -> String {
        if self.is_one_day { time::time(row.line.at) } else { time::date_and_time(row.line.at) }
    }

    /// Status, time and share, from `end` on.
    fn numbers(&self, shown: &mut Row, row: &Shown<'_>, end: usize) {
        let (style, how) = row.how();
        shown.add(style, &cut(&how, self.hows));
        shown.right(Style::Bold, &row.took(), end + self.hows + 10);
        shown.right(Style::Dim, &row.share(), end + self.hows + 16);
    }
}
