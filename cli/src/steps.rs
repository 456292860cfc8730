//! `candor steps`: how long each step and each dependency call takes.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use serde_json::json;

use crate::args::KeyArgs;
use crate::histogram::Histogram;
use crate::output::{Failure, Output};
use crate::read::time::{self, took};
use crate::read::{Input, Key, Values, number, text};
use crate::screen::{Row, Screen, Style, columns, cut, json_line, percent, safe, wrapped};

/// Names beyond these are counted together: a log can hold as many as it likes.
const MOST_NAMES: usize = 2_000;
const OTHERS: &str = "(others)";
/// Columns of the small histogram.
const CURVE: usize = 16;

/// Steps and dependency calls by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  candor steps app.log app.log.*.gz\n  \
                        journalctl -u orders -o cat --since today | candor steps -")]
pub(crate) struct Args {
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES", required = true)]
    files: Vec<PathBuf>,
    /// How many steps and how many dependency calls, those with the most time first; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One JSON object for each step and call
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// What all calls of one name have in common.
#[derive(Debug, Default)]
struct Sums {
    times: Histogram,
    errors: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Step,
    Call,
}

/// The sums of the whole input.
#[derive(Debug, Default)]
struct Table {
    /// By the name as it is written in the line, in quotes.
    steps: Names,
    calls: Names,
    /// Of requests and jobs; of outermost steps where there are none.
    requests: Histogram,
    outermost: Histogram,
}

/// Sums by service, name and operation as they are written: decoded once at the end.
#[derive(Debug, Default)]
struct Names {
    places: HashMap<Vec<u8>, usize>,
    sums: Vec<(Vec<u8>, Sums)>,
    scratch: Vec<u8>,
    /// Most lines of a log have the service and name of one not long ago.
    recent: VecDeque<usize>,
}

/// How many names are compared before one is looked up.
const RECENT: usize = 6;

/// Whether a name is made of these parts.
fn is(name: &[u8], parts: [Option<&[u8]>; 3]) -> bool {
    let mut rest = name;
    parts.into_iter().all(|part| {
        let after = rest.strip_prefix(part.unwrap_or_default());
        let after = after.and_then(|rest| rest.strip_prefix(&[SEPARATOR]));
        rest = after.unwrap_or_default();
        after.is_some()
    }) && rest.is_empty()
}

/// Stands between the parts of a name, where JSON allows no control.
const SEPARATOR: u8 = 0;

impl Names {
    fn of(&mut self, parts: [Option<&[u8]>; 3]) -> &mut Sums {
        if let Some(place) = self.recent.iter().find(|place| is(&self.sums[**place].0, parts)) {
            let place = *place;
            return &mut self.sums[place].1;
        }
        self.scratch.clear();
        for part in parts {
            self.scratch.extend_from_slice(part.unwrap_or_default());
            self.scratch.push(SEPARATOR);
        }
        let place = match self.places.get(&self.scratch) {
            Some(place) => *place,
            None => {
                let name = if self.sums.len() < MOST_NAMES {
                    std::mem::take(&mut self.scratch)
                } else {
                    format!("\0\"{OTHERS}\"\0\0").into_bytes()
                };
                *self.places.entry(name).or_insert_with_key(|name| {
                    self.sums.push((name.clone(), Sums::default()));
                    self.sums.len() - 1
                })
            }
        };
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(place);
        &mut self.sums[place].1
    }

    fn merge(&mut self, other: Names) {
        for (name, sums) in other.sums {
            let mut parts = name.split(|byte| *byte == SEPARATOR).map(Some);
            let mut next = || parts.next().flatten();
            let known = self.of([next(), next(), next()]);
            known.times.merge(&sums.times);
            known.errors += sums.errors;
        }
    }
}

impl Table {
    fn add(&mut self, record: &Values<'_>) {
        let Some(event) = record.get(Key::Event) else { return };
        let sums = match event {
            b"\"step_timing\"" => {
                let name = [record.get(Key::Service), record.get(Key::Step), None];
                self.steps.of(name)
            }
            b"\"dependency_call\"" => {
                let operation = record.get(Key::Operation);
                self.calls.of([record.get(Key::Service), record.get(Key::Dependency), operation])
            }
            b"\"request_completed\"" | b"\"job_completed\"" => {
                if let Some(micros) = micros(record) {
                    self.requests.add(micros);
                }
                return;
            }
            _ => return,
        };
        let Some(micros) = micros(record) else { return };
        sums.times.add(micros);
        if !matches!(record.get(Key::Outcome), Some(b"\"ok\"") | None) {
            sums.errors += 1;
        }
        if matches!(record.get(Key::ParentId), Some(b"0") | None) {
            self.outermost.add(micros);
        }
    }
}

impl Table {
    fn merge(&mut self, other: Table) {
        self.steps.merge(other.steps);
        self.calls.merge(other.calls);
        self.requests.merge(&other.requests);
        self.outermost.merge(&other.outermost);
    }
}

fn micros(record: &Values<'_>) -> Option<u64> {
    let value = record.get(Key::DurationMs)?;
    // `12.345`, as candor writes it, without the way through a float.
    let dot = value.len().checked_sub(4).filter(|dot| value[*dot] == b'.' && *dot <= 12);
    if let Some(dot) = dot
        && let Some(micros) =
            digits(&value[..dot], 0).and_then(|whole| digits(&value[dot + 1..], whole))
    {
        return Some(micros);
    }
    Some(time::micros(number(value)?).unsigned_abs())
}

fn digits(text: &[u8], before: u64) -> Option<u64> {
    text.iter().try_fold(before, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'))
    })
}

/// One row of the table.
struct Named {
    kind: Kind,
    service: String,
    name: String,
    operation: String,
    sums: Sums,
}

impl Named {
    fn label(&self) -> String {
        [&self.service, &self.name, &self.operation]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Sums up the input; whether there was a step or call.
pub(crate) fn run(args: &Args, out: &mut Output) -> Result<bool, Failure> {
    let mut input = Input::new(&args.files, args.keys.keys()?)?;
    let tables = input.read_events(Table::add)?;
    let mut table = Table::default();
    for other in tables {
        table.merge(other);
    }
    out.note(input.tally.passed_by());
    let total = match table.requests.count() {
        0 => table.outermost.sum_ms(),
        _ => table.requests.sum_ms(),
    };
    let steps = named(Kind::Step, table.steps, args.top);
    let calls = named(Kind::Call, table.calls, args.top);
    if steps.is_empty() && calls.is_empty() {
        out.note(Some("no step and no dependency call is in the input".to_owned()));
        return Ok(false);
    }
    if args.json {
        for row in steps.iter().chain(&calls) {
            out.print(&json_line(&json_row(row, total)))?;
        }
        return Ok(true);
    }
    let screen = Screen::new();
    let all = || steps.iter().chain(&calls);
    let longest = all().map(|row| row.sums.times.max_ms()).fold(0.0, f64::max);
    let shortest = all().map(|row| row.sums.times.quantile_ms(0.01)).fold(longest, f64::min);
    for (title, rows) in [("steps", &steps), ("dependency calls", &calls)] {
        if !rows.is_empty() {
            show(rows, title, screen, total, (shortest, longest), out)?;
        }
    }
    let requests = table.requests.count();
    let of = if requests > 0 {
        format!("of {requests} requests")
    } else {
        "of outermost steps".to_owned()
    };
    let said = format!("share: of the {} {of}; steps contain each other", took(total));
    for said in wrapped(&said, screen.width) {
        out.print(&screen.show(Row::new().add(Style::Dim, &said)))?;
    }
    Ok(true)
}

fn named(kind: Kind, names: Names, top: usize) -> Vec<Named> {
    let mut rows: Vec<Named> = names
        .sums
        .into_iter()
        .filter(|(_, sums)| sums.times.count() > 0)
        .map(|(name, sums)| {
            let mut parts = name
                .split(|byte| *byte == SEPARATOR)
                .map(|part| text(part).map(std::borrow::Cow::into_owned).unwrap_or_default());
            let mut next = || parts.next().unwrap_or_default();
            Named { kind, service: next(), name: next(), operation: next(), sums }
        })
        .collect();
    rows.sort_by(|a, b| {
        let by_time = b.sums.times.sum_ms().total_cmp(&a.sums.times.sum_ms());
        by_time.then_with(|| a.label().cmp(&b.label()))
    });
    if top > 0 {
        rows.truncate(top);
    }
    rows
}

fn json_row(row: &Named, total: f64) -> serde_json::Value {
    let times = &row.sums.times;
    let rounded = |ms: f64| (ms * 1e3).round() / 1e3;
    let name = match row.kind {
        Kind::Step => json!({ "step": row.name }),
        Kind::Call => json!({ "dependency": row.name, "operation": row.operation }),
    };
    let mut all = json!({
        "count": times.count(),
        "errors": row.sums.errors,
        "p50_ms": rounded(times.quantile_ms(0.50)),
        "p95_ms": rounded(times.quantile_ms(0.95)),
        "p99_ms": rounded(times.quantile_ms(0.99)),
        "max_ms": rounded(times.max_ms()),
        "total_ms": rounded(times.sum_ms()),
        "share": if total > 0.0 { rounded(times.sum_ms() / total) } else { 0.0 },
    });
    if let (Some(all), Some(name)) = (all.as_object_mut(), name.as_object()) {
        all.extend(name.clone());
        if !row.service.is_empty() {
            all.insert("service".to_owned(), row.service.clone().into());
        }
    }
    all
}

/// The columns right of the name, and how wide each is.
const COLUMNS: [(&str, usize); 6] =
    [("count", 9), ("errors", 8), ("p50", 10), ("p95", 10), ("p99", 10), ("share", 7)];

/// Names shorter than this say nothing.
const NARROWEST_NAME: usize = 16;

/// Which of the columns a narrow screen has no room for, the first to go first.
const LEAST: [&str; 3] = ["p50", "p99", "share"];

/// How a table is laid out.
struct Layout {
    name: usize,
    columns: Vec<usize>,
    curve: usize,
}

impl Layout {
    fn new(widest: usize, screen: Screen) -> Self {
        let mut columns: Vec<usize> = (0..COLUMNS.len()).collect();
        let taken = |columns: &[usize]| columns.iter().map(|at| COLUMNS[*at].1).sum::<usize>();
        let name = widest.max(NARROWEST_NAME);
        for least in LEAST {
            if NARROWEST_NAME + taken(&columns) > screen.width {
                columns.retain(|at| COLUMNS[*at].0 != least);
            }
        }
        let room = screen.width.saturating_sub(taken(&columns));
        let name = name.min(room.saturating_sub(CURVE + 2).max(NARROWEST_NAME)).min(room);
        let curve = room.saturating_sub(name + 2).min(CURVE);
        Layout { name, columns, curve: if curve < 4 { 0 } else { curve } }
    }
}

fn show(
    rows: &[Named],
    title: &str,
    screen: Screen,
    total: f64,
    (shortest, longest): (f64, f64),
    out: &mut Output,
) -> Result<(), Failure> {
    let widest = rows.iter().map(|row| columns(&safe(&row.label()))).max().unwrap_or(0);
    let at = Layout::new(widest.max(columns(title)), screen);
    let mut head = Row::new();
    head.add(Style::Bold, &cut(title, at.name));
    let mut end = at.name;
    for column in &at.columns {
        end += COLUMNS[*column].1;
        head.right(Style::Dim, COLUMNS[*column].0, end);
    }
    let scale = format!("{} … {}", took(shortest), took(longest));
    if at.curve > 0 && end + 2 + columns(&scale) <= screen.width {
        head.pad(end + 2).add(Style::Dim, &scale);
    }
    out.print(&screen.show(&head))?;
    for row in rows {
        let times = &row.sums.times;
        let mut line = Row::new();
        let style = if row.kind == Kind::Call { Style::Call } else { Style::Plain };
        line.add(style, &cut(&safe(&row.label()), at.name));
        let errors = if row.sums.errors > 0 { Style::Warn } else { Style::Dim };
        let cells = [
            (Style::Plain, times.count().to_string()),
            (errors, row.sums.errors.to_string()),
            (Style::Plain, took(times.quantile_ms(0.50))),
            (Style::Plain, took(times.quantile_ms(0.95))),
            (Style::Plain, took(times.quantile_ms(0.99))),
            (Style::Plain, percent(times.sum_ms(), total)),
        ];
        let mut end = at.name;
        for column in &at.columns {
            end += COLUMNS[*column].1;
            line.right(cells[*column].0, &cells[*column].1, end);
        }
        if at.curve > 0 {
            line.pad(end + 2);
            line.add(Style::Step, &curve(&times.columns(at.curve, shortest, longest)));
        }
        out.print(&screen.show(&line))?;
    }
    out.print("\n")
}

/// How many in each range, as heights: one is visible among thousands.
fn curve(counts: &[u64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let height = |count: &u64| match count {
        0 => ' ',
        count => HEIGHTS[((*count as f64 / most * 7.0).round() as usize).min(7)],
    };
    counts.iter().map(height).collect()
}
