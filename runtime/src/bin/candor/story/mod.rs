//! `candor story`: what happened in one request.

mod gaps;
mod html;
mod json;
mod line;
mod notes;
mod text;
mod tree;
mod verdict;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::output::{Failure, Output};
use crate::read::{Input, Key, Reading, Values, text as json_text};
use crate::requests::ENDS;
use crate::screen::{Screen, json_line};
pub(crate) use line::Line;
pub(crate) use notes::percent;
use text::Look;
use tree::Story;

/// Lines of one story; a request writes 1000 where nobody changed that.
const MOST_LINES: usize = 20_000;
/// Bytes of the lines of all stories that are told at once.
const MOST_BYTES: usize = 32 << 20;
/// Requests told by `--failed`.
const MOST_STORIES: usize = 1000;
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
    id: String,
    /// Files with the lines, `.gz` too; `-` is standard input
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,
    /// Every request that ended with an error, a panic or no answer
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
    keys: crate::KeyArgs,
}

/// Which requests are told.
enum Wanted {
    Id(String),
    /// The only one of the input.
    Only,
    Failed,
}

impl Args {
    /// With `--failed` all that is given are files.
    fn wanted(&self) -> Result<(Wanted, Vec<PathBuf>), Failure> {
        let mut files = self.files.clone();
        if self.failed {
            files.insert(0, PathBuf::from(&self.id));
            return Ok((Wanted::Failed, files));
        }
        if files.is_empty() && self.id == "-" {
            return Ok((Wanted::Only, vec![PathBuf::from("-")]));
        }
        if files.is_empty() {
            return Err(Failure::usage(format!(
                "`{}` needs FILES to look for it in; `-` is standard input",
                self.id
            )));
        }
        Ok((Wanted::Id(self.id.clone()), files))
    }
}

/// Tells the stories; whether there was any.
pub(crate) fn run(args: &Args, out: &mut Output) -> Result<bool, Failure> {
    let (wanted, files) = args.wanted()?;
    let mut input = Input::new(&files, args.keys.keys()?)?;
    let mut stories = match &wanted {
        Wanted::Id(id) => vec![by_id(&mut input, id)?],
        Wanted::Only => vec![by_id(&mut input, "")?],
        Wanted::Failed => failed(&mut input)?,
    };
    out.note(input.tally.passed_by());
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
}

impl Gathered {
    fn add(&mut self, record: &Values<'_>, left: &mut usize, keys: &crate::read::Keys) {
        let size = record.text.len() * 2 + 400;
        if self.lines.len() >= MOST_LINES || size > *left {
            self.left_out += 1;
            return;
        }
        if let Some(line) = Line::parse(record, keys) {
            *left -= size;
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
    let (mut left_exact, mut left_first) = (MOST_BYTES, MOST_BYTES);
    let needle = needle(id);
    let reading = Reading { needle: (!needle.is_empty()).then_some(needle), again: false };
    input.read(reading, |record| {
        let Some(found) = request_id(record).filter(|found| found.starts_with(id)) else { return };
        if found == id {
            exact.add(record, &mut left_exact, &keys);
            return;
        }
        let (known, gathered) = first.get_or_insert_with(|| (found.clone(), Gathered::default()));
        if *known == found {
            gathered.add(record, &mut left_first, &keys);
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
fn failed(input: &mut Input) -> Result<Vec<Story>, Failure> {
    let keys = input.keys.clone();
    let mut ids: HashMap<String, Gathered> = HashMap::new();
    let mut passed_over = 0_u64;
    input.read(Reading { needle: Some(ENDS), again: true }, |record| {
        let text = |key| record.get(key).and_then(json_text);
        let is_end =
            matches!(text(Key::Event).as_deref(), Some("request_completed" | "job_completed"));
        if !is_end || text(Key::Outcome).as_deref() == Some("ok") {
            return;
        }
        let Some(id) = request_id(record) else { return };
        if ids.len() < MOST_STORIES {
            ids.entry(id).or_default();
        } else if !ids.contains_key(&id) {
            passed_over += 1;
        }
    })?;
    let mut left = MOST_BYTES;
    if !ids.is_empty() {
        input.read(Reading { needle: None, again: false }, |record| {
            let id = record.get(Key::RequestId).and_then(json_text);
            if let Some(gathered) = id.and_then(|id| ids.get_mut(id.as_ref())) {
                gathered.add(record, &mut left, &keys);
            }
        })?;
    }
    if passed_over > 0 {
        eprintln!("candor: {passed_over} more failed; `candor requests --failed` lists them all");
    }
    let told = ids.into_iter().filter(|(_, gathered)| !gathered.lines.is_empty());
    Ok(told.map(|(id, gathered)| gathered.story(id)).collect())
}
