//! `candor requests`: which requests failed, were slow, or never ended.

mod counts;
mod row;
mod table;

use std::path::PathBuf;

use crate::args::{FromArgs, KeyArgs, Since, TimeArgs, parse_count};
use crate::from::{self, Question, RequestFilter};
use crate::line::Line;
use crate::open::{END_MARKER, OpenRequests, is_end};
use crate::output::{Failure, Output};
use crate::read::{Filter, Key, Keys, Record, Unreadable, text};
use crate::screen::{Screen, json_line};
use crate::story::needle;
use crate::time::{self, Micros};
use crate::top::{Rank, TopRows};
use counts::{Counts, Failed, RequestSummary};
use memchr::memmem;
use row::{Candidate, End, Facts, RequestRow, failure_cause, unfinished_cause};

/// Most rows of the list; a larger `--top` has no effect.
const MAX_ROWS: usize = 20_000;

/// Requests and jobs: the failed and unfinished ones first, then the slowest.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The output:
  ended         request             status       took  deps  cause, or slowest step
  10:14:12.607  01a2-… POST /orders 504 error  405 ms   99%  payments charge: timeout

  causes of the 12 failed requests
    7 × payments charge: timeout  latest 01a2202a-deda-70ca
    5 × price: panicked           latest 01a2202a-e073-75c8

  12 of 3,400 requests failed

  status  of the response, with the outcome if it is not `ok`
  deps    share of the time during which a call to another service was open
  failed  every outcome except `ok`; a 4xx response is `ok`

Examples:
  candor requests app.log --failed --since 15m
  candor requests app.log* --slow=500 --path /orders
  candor requests --from clickhouse://ch-1/logs.candor_all --since 1h

Exits with 0 if a request matches, 1 if none does, 2 if the arguments or a file can't be read.")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct RequestsArgs {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    from: FromArgs,
    /// List the slowest first; with TIME, only those that took at least this long: 500 (ms), 2s
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "0",
          value_parser = |text: &str| time::parse_duration(text, "ms"))]
    slow: Option<Micros>,
    /// Only requests that failed, panicked, were cancelled, or have no end; the latest first
    #[arg(long)]
    failed: bool,
    /// Only requests that have no end: they are still running, or their process ended; the latest first
    #[arg(long)]
    unfinished: bool,
    /// Only requests that ended after TIME: an RFC 3339 time, or a duration before the last line (15m)
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Only requests whose path or route starts with PATH
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only requests of the user ID
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// List at most N requests; 0 for all. The counts below the list are always those of all requests
    #[arg(long, value_name = "N", default_value = "20", value_parser = parse_count)]
    top: usize,
    #[command(flatten)]
    times: TimeArgs,
    /// Print only the counts below the list
    #[arg(long, conflicts_with = "top")]
    summary: bool,
    /// Print one JSON object for each request; with `--summary`, one with the counts
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Prints the list. Returns whether a request matches.
pub(crate) fn run(args: &RequestsArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let question = Question::Requests(args.filter());
    let mut input =
        args.from.input(&args.files, &question, keys.clone(), |why| args.file_error(why))?;
    let limit = if args.top == 0 { MAX_ROWS } else { args.top.min(MAX_ROWS) };
    let (mut since, before_last) = match args.since {
        Some(Since::At(at)) => (at, None),
        Some(Since::BeforeLast(duration)) => (Micros::MIN, Some(duration)),
        None => (Micros::MIN, None),
    };
    let mut top = TopRows::new(limit, before_last.is_some());
    let mut counts = Counts::new(before_last);
    let mut open = OpenRequests::default();
    // Timestamps of one format sort as strings.
    let mut latest = Vec::new();
    input.read(Filter::ContainingOrFixed(END_MARKER), |record| {
        if before_last.is_some()
            && let Some(at) = record.get(Key::Ts).filter(|at| *at > latest.as_slice())
        {
            at.clone_into(&mut latest);
        }
        let is_new = open.observe(record);
        if !is_end(record) {
            return;
        }
        let Some(facts) = Facts::read(record) else { return };
        // `matches_end` may have to parse the line, so it comes last.
        if !args.is_counted(facts, since) || !args.matches_end(record, &keys) {
            return;
        }
        let Some(id) = record.get(Key::RequestId).and_then(text) else { return };
        let panic = if facts.failed { open.panic_location(&keys) } else { None };
        if is_new {
            let line = || Line::parse(record.bytes, &keys);
            let line = if facts.failed && !args.unfinished { line() } else { None };
            let cause = line.map(|line| failure_cause(&line, panic.as_deref()));
            counts.add(facts.at, cause.map(|cause| Failed { cause, id: &id }));
        }
        let rank = args.rank(facts);
        if args.is_listed(facts) && !top.excludes(rank) {
            let end = End::Line { line: record.bytes.into(), panic };
            top.add(Candidate { id: id.into_owned(), facts, rank, end });
        }
    })?;
    if let Some(duration) = before_last {
        let last = text(&latest).and_then(|at| time::parse(&at)).unwrap_or(Micros::MIN);
        since = last.saturating_sub(duration);
    }
    let untracked = open.untracked_lines;
    // A filtered response does not have the lines that the question does not need.
    if !input.is_filtered {
        out.note(open.missing_ends_note());
        out.note(open.incomplete_note());
    }
    for request in open.into_unfinished() {
        let Some((first, last)) = request.times() else { continue };
        let facts = Facts { at: last, duration: last - first, failed: true };
        if args.is_counted(facts, since) && args.matches(&request.user, &request.path) {
            let cause = unfinished_cause(request.stuck_in(&keys));
            counts.add(last, Some(Failed { cause, id: &request.id }));
            let (id, end) = (request.id.clone(), End::Missing(Box::new(request)));
            top.add(Candidate { id, facts, rank: args.rank(facts), end });
        }
    }
    if untracked > 0 {
        out.note(format!(
            "too many requests were open at once: at least {untracked} lines belong to requests that may \
             not have ended; read fewer files at a time to list them"
        ));
    }
    if top.dropped > 0 {
        out.note(format!(
            "the list is too long, so {} requests are left out; use --since or --top to shorten it",
            top.dropped
        ));
    }
    let candidates = top.finish(since);
    input.notes().for_each(|note| out.note(note));
    let mut summary = counts.finish(since);
    // The total is not known if a server sent only the requests that are listed.
    if input.is_filtered && (args.failed || args.unfinished) {
        summary.total = None;
    }
    let is_found = !candidates.is_empty();
    if !is_found && !args.summary {
        let total = summary.total.filter(|total| *total > 0 && (args.failed || args.unfinished));
        out.note(match total {
            Some(_) => format!("no matching requests; {}", summary.sentence(args)),
            None => "no matching requests".to_owned(),
        });
        return Ok(false);
    }
    let rows = candidates.iter().filter_map(|candidate| RequestRow::new(candidate, &keys));
    print(args, rows, &summary, out)?;
    Ok(is_found)
}

/// Prints the rows and the counts, or only the counts.
fn print<'a>(
    args: &RequestsArgs,
    rows: impl Iterator<Item = RequestRow<'a>>,
    summary: &RequestSummary,
    out: &mut Output,
) -> Result<(), Failure> {
    let screen = Screen::detect();
    if args.json {
        if args.summary {
            return out.print(&json_line(&summary.json(args)));
        }
        for row in rows {
            out.print(&json_line(&row.json()))?;
        }
        return Ok(());
    }
    let has_causes = if args.summary {
        !summary.causes.is_empty()
    } else {
        let rows = rows.collect::<Vec<_>>();
        table::print(&rows, &args.times.zone(out), args.times.relative, screen, out)?;
        out.print("\n")?;
        // The list can show each cause once; then it is not counted below.
        let listed = rows.iter().filter(|row| row.facts.failed).count() as u64;
        summary.failed > listed || summary.causes.iter().any(|cause| cause.count > 1)
    };
    if has_causes {
        table::print_causes(summary, args, screen, out)?;
    }
    table::print_total(summary, args, screen, out)
}

impl RequestsArgs {
    /// The part of the filter that a server can apply.
    fn filter(&self) -> RequestFilter<'_> {
        RequestFilter {
            failed: self.failed,
            unfinished: self.unfinished,
            since: match self.since {
                Some(Since::At(at)) => from::SinceFilter::at(at),
                Some(Since::BeforeLast(duration)) => from::SinceFilter::before_last(duration),
                None => None,
            },
            path: self.path.as_deref(),
            user: self.user.as_deref(),
        }
    }

    /// Whether the request counts for the last line of the output, which `--failed` does not change.
    fn is_counted(&self, facts: Facts, since: Micros) -> bool {
        facts.at >= since && self.slow.is_none_or(|least| facts.duration >= least)
    }

    /// Whether a completed request that counts is listed.
    fn is_listed(&self, facts: Facts) -> bool {
        !self.unfinished && (!self.failed || facts.failed)
    }

    fn rank(&self, facts: Facts) -> Rank {
        match self.slow {
            Some(_) => (false, facts.duration),
            None if self.failed || self.unfinished => (false, facts.at),
            None => (facts.failed, facts.duration),
        }
    }

    fn matches(&self, user: &str, path: &str) -> bool {
        self.user.as_ref().is_none_or(|wanted| wanted == user)
            && self.path.as_ref().is_none_or(|wanted| path.starts_with(wanted))
    }

    /// Like `matches`, for the last line of a request, whose route counts as well as its path.
    fn matches_end(&self, record: &Record<'_>, keys: &Keys) -> bool {
        if self.user.is_none() && self.path.is_none() {
            return true;
        }
        let value = |key| record.get(key).and_then(text).unwrap_or_default();
        let user = value(Key::UserId);
        if self.matches(&user, &value(Key::Path)) {
            return true;
        }
        // `route` is not a `Key`, so a line that may have it must be parsed.
        let may_be_route =
            |path: &String| memmem::find(record.bytes, needle(path).as_bytes()).is_some();
        let route = || Line::parse(record.bytes, keys).map(|line| line.text("route"));
        self.path.as_ref().is_some_and(may_be_route)
            && self.matches(&user, &route().unwrap_or_default())
    }

    /// Adds a hint for `--slow 500`, which clap parses as `--slow` and a file named `500`.
    fn file_error(&self, why: &Unreadable) -> Failure {
        let is_duration = self.slow == Some(0) && time::parse_duration(&why.name, "ms").is_ok();
        let hint = if is_duration {
            format!("; use --slow={} to give a duration", why.name)
        } else {
            String::new()
        };
        Failure::usage(format!("{why}{hint}"))
    }
}
