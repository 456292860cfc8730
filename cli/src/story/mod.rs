//! `candor story`: what happened in one request.
//!
//! `run` collects the lines of the requests, `tree` builds a [`Story`] from them, and `diagnosis` finds the
//! likely cause. `rows` makes one tree of all services and folds equal rows, for `text` and `html`. `json` has
//! the tree of each service.

mod axis;
mod callers;
mod clocks;
mod diagnosis;
mod gaps;
mod html;
mod json;
mod model;
mod notes;
mod rows;
mod text;
mod timings;
mod tree;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use memchr::memchr_iter;

use crate::args::{FromArgs, KeyArgs, zone};
use crate::from::{Question, Server};
use crate::line::{Line, is_short_for, pasted_id};
use crate::open::{END_MARKER, OpenRequests, is_end};
use crate::output::{Failure, Output, check_page};
use crate::read::{Filter, Input, Key, Keys, Record, text as json_text};
use crate::screen::{Screen, json_line};
use model::Story;
pub(crate) use notes::line_text;
pub(crate) use text::TextOptions;

/// Most lines of one story. The library's default limit is 1000 per request.
const MAX_LINES: usize = 20_000;
/// Most bytes of the lines of all stories.
const MAX_BYTES: usize = 48 << 20;
/// Most requests that `--failed` shows.
const MAX_STORIES: usize = 1000;
/// Most further failed requests that are counted.
const MAX_COUNTED: usize = 100_000;
/// Most ids in the message about an ambiguous short form, besides the first.
const MAX_LISTED_IDS: usize = 8;

/// The request as a tree of steps and calls.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The output:
  POST /orders  504 error  405 ms                          the request, its status and duration
  likely cause  payments charge: timeout after 402 ms      the first step or call that failed
                          start    took   0       200 ms
  place_order           0.23 ms  404 ms ↳ ██████████████   a step, with its start, duration and bar
  └ → payments charge   2.70 ms  402 ms ✗  █████████████   a call to another service, inside it

Colours show the kind of a row: requests magenta, steps blue, calls cyan. Other lines have a dot.
Symbols show the role in a failure: ✗ likely cause, ↳ consequence of it, ! other problem.

Examples:
  candor story 01a204cb-c5a7 app.log app.log.1 payments.log.gz
  candor story 9eb82c app.log                  the end of an id, as the pretty format shows it
  kubectl logs deploy/orders | candor story --failed -
  candor story 01a204cb-c5a7 --from clickhouse://ch-1/logs.candor_all

Exits with 0 if a request is shown, 1 if none is found, 2 if the arguments or a file can't be read.")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct StoryArgs {
    /// Request id, or a unique prefix or suffix of it. Omit with --failed, or if stdin holds a single request
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    from: FromArgs,
    /// Show every request that failed, panicked, was cancelled, or has no end
    #[arg(long)]
    failed: bool,
    /// Show every field of every line, and each step and call in a row of its own
    #[arg(long)]
    fields: bool,
    /// Show each step and call in a row of its own, even if several are equal
    #[arg(long)]
    all: bool,
    /// Write a self-contained HTML page; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    /// Show the start in the machine's time zone (`TZ`) instead of UTC
    #[arg(long, conflicts_with = "json")]
    local: bool,
    /// Print each request as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// The requests to show.
enum Selection {
    /// The request whose id begins or ends with the string, which is empty for the only request of the input.
    Id(String),
    Failed,
}

impl StoryArgs {
    /// The requests and the files. clap puts the first file into `id` if the user gives no id.
    fn selection(&self) -> Result<(Selection, Vec<PathBuf>), Failure> {
        let mut files = self.files.clone();
        if let Some(server) = self.from.server()? {
            return self.server_selection(&server).map(|selection| (selection, Vec::new()));
        }
        let Some(id) = &self.id else {
            return Err(Failure::usage(if self.failed {
                "nothing to read; give FILES, `-` for standard input, or --from URL".to_owned()
            } else {
                "no request to show; give the ID of one and FILES, or --failed and FILES".to_owned()
            }));
        };
        if self.failed {
            files.insert(0, PathBuf::from(id));
            return Ok((Selection::Failed, files));
        }
        if files.is_empty() && id == "-" {
            return Ok((Selection::Id(String::new()), vec![PathBuf::from("-")]));
        }
        if files.is_empty() {
            return Err(Failure::usage(if Path::new(id).is_file() {
                format!("`{id}` is a file; put the ID of a request or --failed before it")
            } else {
                format!(
                    "no files to find `{id}` in; give FILES, `-` for standard input, or --from URL"
                )
            }));
        }
        Ok((Selection::Id(pasted_id(id).to_owned()), files))
    }

    /// The requests to read from a server, which replaces the files.
    fn server_selection(&self, server: &Server) -> Result<Selection, Failure> {
        match &self.id {
            Some(_) if self.failed => Err(Failure::usage(
                "--failed shows all failed requests, so leave out the ID; with --from, leave out FILES too"
                    .to_owned(),
            )),
            None if self.failed => Ok(Selection::Failed),
            Some(id) if !pasted_id(id).is_empty() => Ok(Selection::Id(pasted_id(id).to_owned())),
            None if !server.needs_id() => Ok(Selection::Id(String::new())),
            _ => {
                Err(Failure::usage(
                    "no request to show; give the ID of one, or --failed, with --from".to_owned(),
                ))
            }
        }
    }
}

/// Prints the stories. Returns whether there is one.
pub(crate) fn run(args: &StoryArgs, out: &mut Output) -> Result<bool, Failure> {
    let (selection, files) = args.selection()?;
    let question = match &selection {
        Selection::Id(short) => Question::Story { short },
        Selection::Failed => Question::FailedStories,
    };
    let keys = args.keys.keys()?;
    check_page(args.html.as_deref(), &files)?;
    let mut input =
        args.from.input(&files, &question, keys, |why| Failure::usage(why.to_string()))?;
    let found = match &selection {
        Selection::Id(short) => by_id(&mut input, short).map(|story| vec![story]),
        Selection::Failed => failed(&mut input, out),
    };
    input.notes().for_each(|note| out.note(note));
    let mut stories = found?;
    if stories.is_empty() {
        out.note("no request in the input failed".to_owned());
        return Ok(false);
    }
    stories.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let zone = zone(args.local, out);
    let stories: Vec<_> = stories
        .into_iter()
        .map(|mut story| {
            story.zone = zone.clone();
            let diagnosis = diagnosis::diagnose(&mut story);
            (story, diagnosis)
        })
        .collect();
    if let Some(path) = &args.html {
        let page = html::render(&stories);
        if path == Path::new("-") {
            out.print(&page)?;
            return Ok(true);
        }
        std::fs::write(path, page)
            .map_err(|error| Failure::usage(format!("can't write {}: {error}", path.display())))?;
        return Ok(true);
    }
    // The fields of equal rows differ, so each row is shown with its own.
    let all_rows = args.all || args.fields;
    let options = TextOptions { screen: Screen::detect(), all_fields: args.fields, all_rows };
    for (index, (story, diagnosis)) in stories.iter().enumerate() {
        if args.json {
            out.print(&json_line(&json::render(story, diagnosis)))?;
            continue;
        }
        if index > 0 {
            out.print("\n\n")?;
        }
        out.print(&text::render(story, diagnosis, options))?;
    }
    Ok(true)
}

/// Returns the tree of one request with its likely cause, for a caller that shows the title itself.
pub(crate) fn draw(id: String, lines: Vec<Line>, omitted: u64, options: TextOptions) -> String {
    let mut story = tree::build(id, lines, omitted);
    let diagnosis = diagnosis::diagnose(&mut story);
    text::render_body(&story, &diagnosis, options)
}

/// The lines of one request, up to the limits of a story.
#[derive(Debug, Default)]
struct RequestLines {
    lines: Vec<Line>,
    omitted: u64,
    size: usize,
}

impl RequestLines {
    /// Adds a line, and takes its size from the `available` bytes that all stories share.
    fn add(&mut self, record: &Record<'_>, available: &mut usize, keys: &Keys) {
        // An estimate: a parsed value takes about 40 bytes more than its text.
        let values = memchr_iter(b',', record.bytes).count();
        let size = record.bytes.len() * 2 + values * 40 + 400;
        if self.lines.len() >= MAX_LINES || size > *available {
            self.omitted += 1;
            return;
        }
        if let Some(line) = Line::parse(record.bytes, keys) {
            *available -= size;
            self.size += size;
            self.lines.push(line);
        }
    }

    fn into_story(self, id: String) -> Story {
        tree::build(id, self.lines, self.omitted)
    }
}

fn request_id(record: &Record<'_>) -> Option<String> {
    let id = json_text(record.get(Key::RequestId)?)?;
    (id != "-" && !id.is_empty()).then(|| id.into_owned())
}

/// The story of the only request whose id begins or ends with `short`. An id that equals it takes precedence.
fn by_id(input: &mut Input, short: &str) -> Result<Story, Failure> {
    let keys = input.keys.clone();
    let mut exact = RequestLines::default();
    // Lines are kept for the first id that matches only: a second one makes `short` ambiguous, and the message about
    // that needs only the ids.
    let mut first: Option<(String, RequestLines)> = None;
    let mut others: Vec<String> = Vec::new();
    let mut available = MAX_BYTES;
    let needle = needle(short);
    let filter = if needle.is_empty() { Filter::All } else { Filter::Containing(needle) };
    input.read(filter, |record| {
        let Some(id) = request_id(record).filter(|id| is_short_for(short, id)) else { return };
        if id == short {
            // Ids that are longer than `short` do not matter any more.
            if let Some((_, lines)) = &mut first {
                available += std::mem::take(lines).size;
            }
            exact.add(record, &mut available, &keys);
            return;
        }
        let (known, lines) = first.get_or_insert_with(|| (id.clone(), RequestLines::default()));
        if *known == id {
            if exact.lines.is_empty() {
                lines.add(record, &mut available, &keys);
            }
        } else if others.len() < MAX_LISTED_IDS && !others.contains(&id) {
            others.push(id);
        }
    })?;
    if !exact.lines.is_empty() {
        return Ok(exact.into_story(short.to_owned()));
    }
    match first {
        Some((id, lines)) if others.is_empty() && !lines.lines.is_empty() => {
            Ok(lines.into_story(id))
        }
        Some((id, _)) if !others.is_empty() => {
            others.insert(0, id);
            let more = if others.len() > MAX_LISTED_IDS { ", …" } else { "" };
            let problem = if short.is_empty() {
                "several requests found; pass an id".to_owned()
            } else {
                format!("several ids begin or end with `{short}`; add more of the one you want")
            };
            Err(Failure::usage(format!("{problem}: {}{more}", others.join(", "))))
        }
        _ if short.is_empty() => {
            Err(Failure::no_match("the input contains no lines of requests".to_owned()))
        }
        _ => {
            // A server with an index on the ids finds only beginnings.
            let how = if input.is_filtered { "begins" } else { "begins or ends" };
            Err(Failure::no_match(format!(
                "no line in the input has a request id that {how} with `{short}`; \
                 `candor requests` lists the ids"
            )))
        }
    }
}

/// A string that each line of the request contains, however JSON escapes the id: the longest run of
/// characters that are never escaped.
pub(crate) fn needle(id: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    id.split(|c| !is_plain(c)).max_by_key(|run| run.len()).unwrap_or_default()
}

/// The stories of all failed requests.
///
/// Reads the input twice: a request fails in its last line, and other services' lines may be in other files.
fn failed(input: &mut Input, out: &mut Output) -> Result<Vec<Story>, Failure> {
    let keys = input.keys.clone();
    let mut requests: HashMap<String, RequestLines> = HashMap::new();
    let mut not_shown = HashSet::new();
    let mut add = |id: String| {
        if requests.len() < MAX_STORIES {
            requests.entry(id).or_default();
        } else if !requests.contains_key(&id) && not_shown.len() < MAX_COUNTED {
            not_shown.insert(id);
        }
    };
    let mut open = OpenRequests::default();
    input.keep_streams();
    input.read(Filter::ContainingOrFixed(END_MARKER), |record| {
        open.observe(record);
        let is_ok = || record.get(Key::Outcome).and_then(json_text).as_deref() == Some("ok");
        if is_end(record)
            && !is_ok()
            && let Some(id) = request_id(record)
        {
            add(id);
        }
    })?;
    out.note(open.missing_ends_note().filter(|_| !input.is_filtered));
    open.into_unfinished().for_each(|request| add(request.id));
    if !requests.is_empty() {
        let ids: HashSet<Vec<u8>> = requests.keys().map(|id| id.clone().into_bytes()).collect();
        let is_wanted = |id: &[u8]| ids.contains(id);
        let mut available = MAX_BYTES;
        input.read(Filter::RequestId(&is_wanted), |record| {
            let id = record.get(Key::RequestId).and_then(json_text);
            if let Some(lines) = id.and_then(|id| requests.get_mut(id.as_ref())) {
                lines.add(record, &mut available, &keys);
            }
        })?;
    }
    if !not_shown.is_empty() {
        let bound = if not_shown.len() == MAX_COUNTED { "at least " } else { "" };
        out.note(format!(
            "{bound}{} more requests failed; `candor requests --failed` lists them",
            not_shown.len()
        ));
    }
    let shown = requests.into_iter().filter(|(_, lines)| !lines.lines.is_empty());
    Ok(shown.map(|(id, lines)| lines.into_story(id)).collect())
}
