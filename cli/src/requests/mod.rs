//! `candor requests`: which requests failed, were slow, or never ended.

mod row;
mod table;

use std::path::PathBuf;

use crate::args::{FromArgs, KeyArgs, Since};
use crate::from::{self, Question, RequestFilter};
use crate::line::Line;
use crate::open::{END_MARKER, OpenRequests, is_end};
use crate::output::{Failure, Output};
use crate::read::{Filter, Key, Keys, Record, Unreadable, text};
use crate::screen::{Screen, json_line};
use crate::time::{self, Micros};
use crate::top::{Rank, TopRows};
use row::{Candidate, End, Facts, RequestRow};

/// Most rows of the list; a larger `--top` has no effect.
const MAX_ROWS: usize = 20_000;

/// Requests and jobs: those that failed or never ended first, then the slowest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  candor requests app.log --failed --since 15m\n  \
                        candor requests app.log* --slow=500 --path /orders\n  \
                        candor requests --from clickhouse://ch-1/logs.candor_all --since 1h")]
pub(crate) struct RequestsArgs {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    from: FromArgs,
    /// The slowest first; with a time, only those that took at least as long: 500 (ms), 2s
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "0",
          value_parser = |text: &str| time::parse_duration(text, "ms"))]
    slow: Option<Micros>,
    /// Only those that ended with an error, a panic or no answer, or have no end, the latest first
    #[arg(long)]
    failed: bool,
    /// Only those that have no end: they still run, or their process died; the latest first
    #[arg(long)]
    unfinished: bool,
    /// Only requests that ended after TIME: an RFC 3339 time, or a duration before the last line (15m)
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Only requests whose path or route starts with PATH
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
    let mut open = OpenRequests::default();
    // Timestamps of one format sort as strings.
    let mut latest = Vec::new();
    input.read(Filter::ContainingOrFixed(END_MARKER), |record| {
        if before_last.is_some()
            && let Some(at) = record.get(Key::Ts).filter(|at| *at > latest.as_slice())
        {
            at.clone_into(&mut latest);
        }
        open.observe(record);
        if args.unfinished || !is_end(record) {
            return;
        }
        let Some(facts) = Facts::read(record) else { return };
        let rank = args.rank(facts);
        // `matches_end` may have to parse the line, so it comes last.
        if args.matches_facts(facts, since)
            && !top.excludes(rank)
            && args.matches_end(record, &keys)
            && let Some(id) = record.get(Key::RequestId).and_then(text)
        {
            let end = End::Line(record.bytes.into());
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
        if args.matches_facts(facts, since) && args.matches(&request.user, &request.path) {
            let (id, end) = (request.id.clone(), End::Missing(Box::new(request)));
            top.add(Candidate { id, facts, rank: args.rank(facts), end });
        }
    }
    if untracked > 0 {
        out.note(format!(
            "at least {untracked} lines are of requests that were open beside too many others; \
             whether those ended is not known"
        ));
    }
    if top.dropped > 0 {
        out.note(format!("{} requests found no room in the list", top.dropped));
    }
    let candidates = top.finish(since);
    input.notes().for_each(|note| out.note(note));
    if candidates.is_empty() {
        out.note("no matching requests".to_owned());
        return Ok(false);
    }
    let rows = candidates.iter().filter_map(|candidate| RequestRow::new(candidate, &keys));
    if args.json {
        for row in rows {
            out.print(&json_line(&row.json()))?;
        }
        return Ok(true);
    }
    table::print(&rows.collect::<Vec<_>>(), Screen::detect(), out)?;
    Ok(true)
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

    fn matches_facts(&self, facts: Facts, since: Micros) -> bool {
        facts.at >= since
            && self.slow.is_none_or(|least| facts.duration >= least)
            && (!self.failed || facts.failed)
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
        // `route` is not a `Key`, so the line must be parsed.
        let route = || Line::parse(record.bytes, keys).map(|line| line.text("route"));
        self.matches(&user, &value(Key::Path))
            || self.path.is_some() && self.matches(&user, &route().unwrap_or_default())
    }

    /// Adds a hint for `--slow 500`, which clap parses as `--slow` and a file named `500`.
    fn file_error(&self, why: &Unreadable) -> Failure {
        let is_duration = self.slow == Some(0) && time::parse_duration(&why.name, "ms").is_ok();
        let hint = if is_duration {
            format!("; the time is given as --slow={}", why.name)
        } else {
            String::new()
        };
        Failure::usage(format!("{why}{hint}"))
    }
}
