//! `candor story`: what happened in one request.

mod clocks;
mod gaps;
mod html;
mod json;
mod model;
mod notes;
mod text;
mod tree;
mod verdict;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use memchr::memchr_iter;

use crate::args::KeyArgs;
use crate::line::Line;
use crate::open::{ENDS, OpenRequests, is_end};
use crate::output::{Failure, Output};
use crate::read::{Input, Key, Reading, Values, Wanted, text as json_text};
use crate::screen::{Screen, json_line};
use model::Story;
use text::Look;

/// Lines of one story; a request writes 1000 where nobody changed that.
const MOST_LINES: usize = 20_000;
/// Bytes of the lines of all stories that are told at once.
const MOST_BYTES: usize = 48 << 20;
/// Requests told by `--failed`.
const MOST_STORIES: usize = 1000;
/// Requests beyond these that are counted.
const MOST_COUNTED: usize = 100_000;
/// Ids named where a beginning fits several.
const NAMED: usize = 8;

/// The request as a tree of steps and calls.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  candor story 01a204cb-c5a7 app.log app.log.1 payments.log.gz\n  \
                        kubectl logs deploy/orders | candor story --failed -"
)]
pub(crate) struct Args {
    /// The request's id, or the beginning of it that no other has; left out with --failed, and where `-`
    /// holds one request only
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Every request that ended with an error, a panic or no answer, or has no end
    #[arg(long)]
    failed: bool,
    /// Every field of every line
    #[arg(long)]
    fields: bool,
    /// One page for a browser, with nothing to load; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
    /// The tree as JSON, one object a request
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    keys: KeyArgs,
}

/// Which requests are told.
enum Asked {
    Id(String),
    /// The only one of the input.
    Only,
    Failed,
}

impl Args {
    /// With `--failed` all that is given are files.
    fn asked(&self) -> Result<(Asked, Vec<PathBuf>), Failure> {
        let mut files = self.files.clone();
        let Some(id) = &self.id else {
            let what = if self.failed { "FILES" } else { "the ID of a request, and FILES" };
            return Err(Failure::usage(format!("story needs {what}; `-` is standard input")));
        };
        if self.failed {
            files.insert(0, PathBuf::from(id));
            return Ok((Asked::Failed, files));
        }
        if files.is_empty() && id == "-" {
            return Ok((Asked::Only, vec![PathBuf::from("-")]));
        }
        if files.is_empty() {
            return Err(Failure::usage(if Path::new(id).is_file() {
                format!("`{id}` is a file; the ID of a request comes before it, or --failed")
            } else {
                format!("`{id}` needs FILES to look for it in; `-` is standard input")
            }));
        }
        // What was copied often has a blank at its end.
        Ok((Asked::Id(id.trim().to_owned()), files))
    }
}

/// Tells the stories; whether there was any.
pub(crate) fn run(args: &Args, out: &mut Output) -> Result<bool, Failure> {
    let (asked, files) = args.asked()?;
    let mut input = Input::new(&files, args.keys.keys()?)?;
    let found = match &asked {
        Asked::Id(id) => by_id(&mut input, id).map(|story| vec![story]),
        Asked::Only => by_id(&mut input, "").map(|story| vec![story]),
        Asked::Failed => failed(&mut input, out),
    };
    out.note(input.tally.passed_by());
    let mut stories = found?;
    if stories.is_empty() {
        out.note(Some("no request of the input failed".to_owned()));
        return Ok(false);
    }
    stories.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let told: Vec<_> = stories
        .into_iter()
        .map(|mut story| {
            let verdict = verdict::judge(&mut story);
            (story, verdict)
        })
        .collect();
    if let Some(path) = &args.html {
        let page = html::page(&told);
        if path == Path::new("-") {
            out.print(&page)?;
            return Ok(true);
        }
        std::fs::write(path, page)
            .map_err(|error| Failure::usage(format!("can't write {}: {error}", path.display())))?;
        return Ok(true);
    }
    let look = Look { screen: Screen::new(), fields: args.fields };
    for (index, (story, verdict)) in told.iter().enumerate() {
        if args.json {
            out.print(&json_line(&json::render(story, verdict)))?;
            continue;
        }
        if index > 0 {
            out.print("\n\n")?;
        }
        out.print(&text::render(story, verdict, look))?;
    }
    Ok(true)
}

/// Lines of one request, as far as a story takes them.
#[derive(Debug, Default)]
struct Gathered {
    lines: Vec<Line>,
    left_out: u64,
    size: usize,
}

impl Gathered {
    fn add(&mut self, record: &Values<'_>, left: &mut usize, keys: &crate::read::Keys) {
        // A value takes as much as a short text, however short it is written.
        let values = memchr_iter(b',', record.text).count();
        let size = record.text.len() * 2 + values * 40 + 400;
        if self.lines.len() >= MOST_LINES || size > *left {
            self.left_out += 1;
            return;
        }
        if let Some(line) = Line::parse(record.text, keys) {
            *left -= size;
            self.size += size;
            self.lines.push(line);
        }
    }

    fn story(self, id: String) -> Story {
        tree::build(id, self.lines, self.left_out)
    }
}

fn request_id(record: &Values<'_>) -> Option<String> {
    let id = json_text(record.get(Key::RequestId)?)?;
    (id != "-").then(|| id.into_owned())
}

fn by_id(input: &mut Input, id: &str) -> Result<Story, Failure> {
    let keys = input.keys.clone();
    let mut exact = Gathered::default();
    // The first id that begins so has its lines kept; of others the name is enough to say so.
    let mut first: Option<(String, Gathered)> = None;
    let mut others: Vec<String> = Vec::new();
    let mut left = MOST_BYTES;
    let needle = needle(id);
    let wanted = if needle.is_empty() { Wanted::All } else { Wanted::With(needle) };
    input.read(Reading { wanted, again: false }, |record| {
        let Some(found) = request_id(record).filter(|found| found.starts_with(id)) else { return };
        if found == id {
            // Then nobody asks for those that only begin so.
            if let Some((_, gathered)) = &mut first {
                left += std::mem::take(gathered).size;
            }
            exact.add(record, &mut left, &keys);
            return;
        }
        let (known, gathered) = first.get_or_insert_with(|| (found.clone(), Gathered::default()));
        if *known == found {
            if exact.lines.is_empty() {
                gathered.add(record, &mut left, &keys);
            }
        } else if others.len() < NAMED && !others.contains(&found) {
            others.push(found);
        }
    })?;
    if !exact.lines.is_empty() {
        return Ok(exact.story(id.to_owned()));
    }
    match first {
        Some((found, gathered)) if others.is_empty() && !gathered.lines.is_empty() => {
            Ok(gathered.story(found))
        }
        Some((found, _)) if !others.is_empty() => {
            others.insert(0, found);
            let and = if others.len() > NAMED { ", …" } else { "" };
            let which = if id.is_empty() {
                "the input holds several requests, so one has to be named".to_owned()
            } else {
                format!("`{id}` is the beginning of several ids")
            };
            Err(Failure::usage(format!("{which}: {}{and}", others.join(", "))))
        }
        _ if id.is_empty() => {
            Err(Failure::nothing("no line of a request is in the input".to_owned()))
        }
        _ => Err(Failure::nothing(format!("no line of request `{id}` is in the input"))),
    }
}

/// What stands in a line of this request however it is escaped: the longest run of letters, digits and
/// dashes.
fn needle(id: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    id.split(|c| !plain(c)).max_by_key(|run| run.len()).unwrap_or_default()
}

/// First which requests failed, then their lines: a request's end comes last, and other services' lines
/// stand in other files.
fn failed(input: &mut Input, out: &mut Output) -> Result<Vec<Story>, Failure> {
    let keys = input.keys.clone();
    let mut ids: HashMap<String, Gathered> = HashMap::new();
    let mut passed_over = HashSet::new();
    let mut add = |ids: &mut HashMap<String, Gathered>, id: String| {
        if ids.len() < MOST_STORIES {
            ids.entry(id).or_default();
        } else if !ids.contains_key(&id) && passed_over.len() < MOST_COUNTED {
            passed_over.insert(id);
        }
    };
    let mut open = OpenRequests::default();
    input.read(Reading { wanted: Wanted::FixedAndWith(ENDS), again: true }, |record| {
        open.see(record);
        let is_ok = || record.get(Key::Outcome).and_then(json_text).as_deref() == Some("ok");
        if is_end(record)
            && !is_ok()
            && let Some(id) = request_id(record)
        {
            add(&mut ids, id);
        }
    })?;
    out.note(open.without_ends());
    open.left().for_each(|begun| add(&mut ids, begun.id));
    let mut left = MOST_BYTES;
    if !ids.is_empty() {
        let written: HashSet<Vec<u8>> = ids.keys().map(|id| id.clone().into_bytes()).collect();
        let is_wanted = |id: &[u8]| written.contains(id);
        input.read(Reading { wanted: Wanted::Of(&is_wanted), again: false }, |record| {
            let id = record.get(Key::RequestId).and_then(json_text);
            if let Some(gathered) = id.and_then(|id| ids.get_mut(id.as_ref())) {
                gathered.add(record, &mut left, &keys);
            }
        })?;
    }
    out.note((!passed_over.is_empty()).then(|| {
        let least = if passed_over.len() == MOST_COUNTED { "at least " } else { "" };
        let many = passed_over.len();
        format!("{least}{many} more failed; `candor requests --failed` lists them")
    }));
    let told = ids.into_iter().filter(|(_, gathered)| !gathered.lines.is_empty());
    Ok(told.map(|(id, gathered)| gathered.story(id)).collect())
}
