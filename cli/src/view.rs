//! `candor view`: prints lines in a readable form, one after the other, with filters.

use std::cmp::Ordering;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::Value;

use crate::args::{KeyArgs, Since, TimeArgs};
use crate::line::{Level, Line, is_short_for, pasted_id, short_id, value_text};
use crate::output::{Failure, Output};
use crate::read::{Filter, Input, Key, Keys, Record, text};
use crate::screen::{Row, Screen, Style, display_width, escape, is_unsafe, json_line, wrap};
use crate::story;
use crate::time::{self, Clock, Micros};

/// The column of the message.
const INDENT: usize = 14;
/// The end of the column of levels.
const LEVEL_END: usize = INDENT + "ERROR".len();
/// Members that say where a line is in the tree of its request, which only `--all` shows.
const POSITION: [&str; 3] = ["step_id", "parent_id", "offset_ms"];
/// Members of a step or call that its message contains.
const IN_MESSAGE: [&str; 5] = ["step", "dependency", "operation", "duration_ms", "outcome"];

/// Prints lines in a readable form, in the order of the files.
///
/// Each line has its time, level and logger, the start of its request id, its message and its fields. Times are in UTC.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A row of the output: time, level, logger, request id, message and fields
  10:14:12.123  WARN  orders 01a204cb-c5a7  place_order 405 ms  outcome=error

Examples:
  candor view app.log --level warn --since 15m
  candor view app.log --request 01a204cb-c5a7 --relative
  candor view app.log --where dependency=payments --where 'duration_ms>250'
  candor view app.log --where order.customer_id=41 --json | jq .order

Exits with 0 if a line matches, 1 if none does, 2 if the arguments or a file can't be read.")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct ViewArgs {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    files: Vec<PathBuf>,
    /// Only lines at this level or above
    #[arg(short, long, value_name = "LEVEL", ignore_case = true, value_parser = level_parser())]
    level: Option<Level>,
    /// Only lines of loggers that start with NAME
    #[arg(long, value_name = "NAME")]
    logger: Option<String>,
    /// Only lines of requests whose id starts or ends with ID
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Only lines with this field: KEY=VALUE, KEY!=VALUE, KEY~PART, KEY>NUMBER, KEY<NUMBER, or KEY. A dot leads into an
    /// object. If repeated, all conditions must match
    #[arg(short = 'w', long = "where", value_name = "CONDITION", value_parser = Condition::parse)]
    conditions: Vec<Condition>,
    /// Only lines that contain TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines from TIME on: an RFC 3339 time, or a duration before the last line (15m)
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Only lines before TIME, in the same forms
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    until: Option<Since>,
    #[command(flatten)]
    times: TimeArgs,
    /// Show every field, including the ids and the offset of steps
    #[arg(long, conflicts_with = "json")]
    all: bool,
    /// Print the lines as they are, in JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

fn level_parser() -> impl TypedValueParser<Value = Level> {
    PossibleValuesParser::new([
        PossibleValue::new("debug").alias("trace"),
        PossibleValue::new("info"),
        PossibleValue::new("warn").alias("warning"),
        PossibleValue::new("error"),
    ])
    .map(|name| Level::parse(&name))
}

/// Prints the lines. Returns whether a line matches.
pub(crate) fn run(args: &ViewArgs, out: &mut Output) -> Result<bool, Failure> {
    let keys = args.keys.keys()?;
    let mut input =
        Input::new(&args.files, keys.clone()).map_err(|why| Failure::usage(why.to_string()))?;
    let mut filter = LineFilter::new(args);
    if filter.is_relative() {
        input.keep_streams();
        filter.resolve(latest(&mut input)?);
    }
    let clock = args.times.clock(out);
    let mut view = View { args, keys: &keys, clock, screen: Screen::detect() };
    let mut printed = Ok(());
    let mut has_any = false;
    input.read(filter.prefilter(), |record| {
        if printed.is_err() {
            return;
        }
        let Some(line) = filter.matching(record, &keys) else { return };
        has_any = true;
        let rows = if args.json { json_text(record, &keys) } else { view.rows(&line, record) };
        printed = out.print(&rows);
    })?;
    printed?;
    input.notes().for_each(|note| out.note(note));
    if !has_any {
        out.note("no matching lines".to_owned());
    }
    Ok(has_any)
}

/// The time of the latest line.
fn latest(input: &mut Input) -> Result<Micros, Failure> {
    let mut latest = Micros::MIN;
    input.read(Filter::All, |record| {
        let at = record.get(Key::Ts).and_then(text).and_then(|at| time::parse(&at));
        latest = latest.max(at.unwrap_or(Micros::MIN));
    })?;
    Ok(latest)
}

/// The line as it is; with escapes if it has characters that could control the terminal.
fn json_text(record: &Record<'_>, keys: &Keys) -> String {
    match std::str::from_utf8(record.bytes) {
        Ok(line) if !line.chars().any(is_unsafe) => format!("{line}\n"),
        _ => json_line(&Value::Object(keys.members(record.bytes).into_iter().collect())),
    }
}

/// Which lines are shown.
struct LineFilter<'a> {
    args: &'a ViewArgs,
    since: Option<Since>,
    until: Option<Since>,
    /// The beginning or end of an id.
    request: Option<&'a str>,
    /// In lower case.
    grep: Option<String>,
}

impl<'a> LineFilter<'a> {
    fn new(args: &'a ViewArgs) -> Self {
        let grep = args.grep.as_deref().map(str::to_lowercase);
        let request = args.request.as_deref().map(pasted_id);
        LineFilter { args, since: args.since, until: args.until, request, grep }
    }

    /// Whether a time is relative to the last line.
    fn is_relative(&self) -> bool {
        [self.since, self.until].iter().any(|time| matches!(time, Some(Since::BeforeLast(_))))
    }

    fn resolve(&mut self, last: Micros) {
        for time in [&mut self.since, &mut self.until].into_iter().flatten() {
            if let Since::BeforeLast(duration) = *time {
                *time = Since::At(last.saturating_sub(duration));
            }
        }
    }

    /// Skips lines without parsing them if one text must be in them.
    fn prefilter(&self) -> Filter<'_> {
        self.request.map_or(Filter::All, Filter::Containing)
    }

    fn matching(&self, record: &Record<'_>, keys: &Keys) -> Option<Line> {
        let line = Line::parse(record.bytes, keys)?;
        let since = |at: Micros| matches!(self.since, Some(Since::At(from)) if at < from);
        let until = |at: Micros| matches!(self.until, Some(Since::At(end)) if at >= end);
        if since(line.at)
            || until(line.at)
            || self.args.level.is_some_and(|least| line.level < least)
        {
            return None;
        }
        let id = record.get(Key::RequestId).and_then(text).unwrap_or_default();
        if !self.args.logger.as_ref().is_none_or(|wanted| line.logger.starts_with(wanted))
            || !self.request.is_none_or(|wanted| is_short_for(wanted, &id))
        {
            return None;
        }
        if let Some(wanted) = &self.grep
            && !String::from_utf8_lossy(record.bytes).to_lowercase().contains(wanted.as_str())
        {
            return None;
        }
        if !self.args.conditions.is_empty() {
            let members = keys.members(record.bytes);
            if !self.args.conditions.iter().all(|condition| condition.holds(&members)) {
                return None;
            }
        }
        Some(line)
    }
}

/// Value of `--where`.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    /// The key, and those inside its value.
    path: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// The field is there, and not `null`.
    Exists,
    Equals(String),
    Differs(String),
    Contains(String),
    /// The number compares so, or is equal if `or_equal`.
    Compares {
        with: f64,
        order: Ordering,
        or_equal: bool,
    },
}

impl Condition {
    fn parse(condition: &str) -> Result<Self, String> {
        let at = condition.find(['=', '!', '~', '<', '>']).unwrap_or(condition.len());
        let (path, rest) = condition.split_at(at);
        if path.is_empty() {
            return Err(format!(
                "`{condition}` has no key; expected a condition such as status=504"
            ));
        }
        let number = |written: &str, order, or_equal| {
            let with = written.trim().parse().map_err(|_| {
                format!("`{written}` is not a number; expected a condition such as duration_ms>250")
            })?;
            Ok::<Test, String>(Test::Compares { with, order, or_equal })
        };
        let test = if rest.is_empty() {
            Test::Exists
        } else if let Some(value) = rest.strip_prefix("!=") {
            Test::Differs(value.to_owned())
        } else if let Some(value) = rest.strip_prefix('=') {
            Test::Equals(value.to_owned())
        } else if let Some(part) = rest.strip_prefix('~') {
            Test::Contains(part.to_lowercase())
        } else if let Some(limit) = rest.strip_prefix(">=") {
            number(limit, Ordering::Greater, true)?
        } else if let Some(limit) = rest.strip_prefix("<=") {
            number(limit, Ordering::Less, true)?
        } else if let Some(limit) = rest.strip_prefix('>') {
            number(limit, Ordering::Greater, false)?
        } else if let Some(limit) = rest.strip_prefix('<') {
            number(limit, Ordering::Less, false)?
        } else {
            return Err(format!(
                "`{condition}` is not a condition; expected one such as status=504"
            ));
        };
        Ok(Condition { path: path.trim().to_owned(), test })
    }

    fn holds(&self, members: &[(String, Value)]) -> bool {
        let value = find(members, &self.path).filter(|value| !value.is_null());
        let Some(value) = value else { return matches!(self.test, Test::Differs(_)) };
        let shown = || value_text(value);
        match &self.test {
            Test::Exists => true,
            Test::Equals(wanted) => shown() == *wanted,
            Test::Differs(other) => shown() != *other,
            Test::Contains(part) => shown().to_lowercase().contains(part.as_str()),
            Test::Compares { with, order, or_equal } => {
                let number = value.as_f64().or_else(|| shown().parse().ok());
                number.is_some_and(|number| match number.partial_cmp(with) {
                    Some(Ordering::Equal) => *or_equal,
                    found => found == Some(*order),
                })
            }
        }
    }
}

/// The value of a key, which may contain dots itself, or of a path into objects and lists.
fn find<'a>(members: &'a [(String, Value)], path: &str) -> Option<&'a Value> {
    let known = |key: &str| members.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    if let Some(value) = known(path) {
        return Some(value);
    }
    let split = |(at, _)| Some((known(&path[..at])?, &path[at + 1..]));
    let (mut value, rest) = path.match_indices('.').rev().find_map(split)?;
    for key in rest.split('.') {
        value = match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            other => other.get(key)?,
        };
    }
    Some(value)
}

/// Prints lines.
struct View<'a> {
    args: &'a ViewArgs,
    keys: &'a Keys,
    clock: Clock,
    screen: Screen,
}

impl View<'_> {
    fn rows(&mut self, line: &Line, record: &Record<'_>) -> String {
        let mut out = String::new();
        if let Some(date) = self.clock.new_date(line.at) {
            out.push_str(&self.screen.render(Row::new().add(Style::Dim, &date)));
        }
        let at = self.clock.time(line.at);
        let id = record.get(Key::RequestId).and_then(text).unwrap_or_default();
        let id = if id == "-" { "" } else { short_id(&id) };
        let mut row = Row::new();
        row.add(Style::Dim, &at).pad(INDENT).add(line.level.style(), &line.level_name);
        row.pad(LEVEL_END);
        for word in [&line.service, &line.logger, id] {
            if !word.is_empty() {
                row.add(Style::Plain, " ").add(Style::Dim, word);
            }
        }
        let (message, first) = story::line_text(line);
        let fields =
            if self.args.all { all_fields(record, self.keys) } else { usual_fields(line, first) };
        let style = if line.level < Level::Warn { Style::Plain } else { line.level.style() };
        let mut words: Vec<(Style, String, String)> = vec![(style, String::new(), message)];
        words.extend(
            fields.into_iter().map(|(key, value)| (Style::Plain, format!("{key}="), value)),
        );
        for (style, key, value) in words {
            out.push_str(&self.flow(&mut row, style, &key, &value));
        }
        out.push_str(&self.screen.render(&row));
        out
    }

    /// Adds a word to the row. Returns the rows that are full.
    fn flow(&self, row: &mut Row, style: Style, key: &str, value: &str) -> String {
        let mut full = String::new();
        let width = display_width(&escape(key)) + display_width(&escape(value));
        if width == 0 {
            return full;
        }
        if row.width() + 2 + width <= self.screen.width {
            row.add(Style::Plain, "  ").add(Style::Dim, key).add(style, value);
            return full;
        }
        let key = escape(key);
        let parts = wrap(&format!("{key}{value}"), self.screen.width.saturating_sub(INDENT + 2));
        for (nth, part) in parts.iter().enumerate() {
            full.push_str(&self.screen.render(row));
            *row = Row::new();
            row.pad(INDENT + if nth == 0 { 0 } else { 2 });
            let value = if nth == 0 { part.strip_prefix(&key) } else { None };
            match value {
                Some(value) => row.add_escaped(Style::Dim, &key).add_escaped(style, value),
                None => row.add_escaped(style, part),
            };
        }
        full
    }
}

/// The fields of a row: for the beginning or end of a request what it is, then `first`, then the others of a step or call.
fn usual_fields(line: &Line, first: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if line.is_start() || line.is_end() {
        let request = [("user_id", &line.user), ("method", &line.method), ("path", &line.path)];
        fields.extend(request.map(|(key, value)| (key.to_owned(), value.clone())));
    }
    fields.extend(first);
    if matches!(line.event.as_str(), "step_timing" | "dependency_call") {
        for (key, value) in &line.fields {
            let is_shown = IN_MESSAGE.contains(&key.as_str())
                || line.repeats_class(key, value)
                || (key == "retries" && value == 0)
                || fields.iter().any(|(known, _)| known == key);
            if !is_shown {
                fields.push((key.clone(), value_text(value)));
            }
        }
    }
    fields.retain(|(key, value)| !value.is_empty() && !POSITION.contains(&key.as_str()));
    fields
}

/// Every member that the beginning of the row does not show.
fn all_fields(record: &Record<'_>, keys: &Keys) -> Vec<(String, String)> {
    let shown = ["ts", "level", "logger", "msg", "service"];
    let members = keys.members(record.bytes).into_iter();
    let rest = members.filter(|(key, _)| !shown.contains(&key.as_str()));
    rest.map(|(key, value)| {
        (key, if value.is_null() { "null".to_owned() } else { value_text(&value) })
    })
    .collect()
}
