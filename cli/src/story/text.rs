//! A story on the terminal.

use super::model::{Item, Kind, Mark, Part, Story};
use super::notes::{self, Note};
use super::verdict::{Verdict, caller};
use crate::line::{Level, Line};
use crate::read::time::{Micros, date_and_time, took};
use crate::screen::{Row, Screen, Style, columns, cut, safe, wrapped};

/// What the numbers left of the bars take.
const NUMBERS: usize = 20;
/// A bar below this says nothing.
const NARROWEST_BAR: usize = 12;

/// How a story is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) screen: Screen,
    /// Every field of every line.
    pub(crate) fields: bool,
}

/// The whole story as text.
pub(crate) fn render(story: &Story, verdict: &Verdict, look: Look) -> String {
    let mut out = Out { text: String::new(), look };
    for (index, part) in story.parts.iter().enumerate() {
        if index > 0 {
            out.blank();
        }
        head(&mut out, story, index);
        if index == 0 {
            summary(&mut out, story, verdict);
        }
        out.blank();
        tree(&mut out, story, part, verdict);
    }
    for note in notes::of_story(story) {
        out.blank();
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
    out.text
}

struct Out {
    text: String,
    look: Look,
}

impl Out {
    fn row(&mut self, row: &Row) {
        self.text.push_str(&self.look.screen.show(row));
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// `label  words`, the words on as many rows as they take.
    fn labelled(&mut self, style: Style, label: &str, words: &[String]) {
        let indent = 14;
        let mut label = Some(label);
        for (index, text) in words.iter().enumerate() {
            for line in wrapped(text, self.look.screen.width.saturating_sub(indent)) {
                let mut row = Row::new();
                if let Some(label) = label.take() {
                    row.add(style, label);
                }
                row.pad(indent).add(if index == 0 { Style::Plain } else { Style::Dim }, &line);
                self.row(&row);
            }
        }
    }
}

fn head(out: &mut Out, story: &Story, index: usize) {
    let part = &story.parts[index];
    let mut row = Row::new();
    if !part.service.is_empty() {
        row.add(Style::Call, &part.service).add(Style::Plain, "  ");
    }
    row.add(Style::Bold, &notes::title(part)).add(Style::Plain, "  ");
    let (style, ending) = ending(part);
    row.add(style, &ending).add(Style::Plain, "  ").add(Style::Bold, &took(part.took_ms()));
    out.row(&row);

    let mut facts = vec![format!("{} UTC", date_and_time(part.start))];
    if index == 0 {
        facts.push(format!("request {}", story.id));
    }
    facts.extend(notes::facts(part));
    if let Some(call) = caller(story, index) {
        facts.push(format!("called by {}", call.name()));
    }
    // Facts stay whole: as many on a row as there is room for.
    let mut row = Row::new();
    for fact in facts {
        let width = columns(&safe(&fact));
        if row.width() > 0 && row.width() + 3 + width > out.look.screen.width {
            out.row(&std::mem::take(&mut row));
        }
        // Only what no row has room for is broken: an id is there to be copied.
        if width > out.look.screen.width {
            for line in wrapped(&fact, out.look.screen.width) {
                out.row(Row::new().add(Style::Dim, &line));
            }
            continue;
        }
        if row.width() > 0 {
            row.add(Style::Dim, " · ");
        }
        row.add(Style::Dim, &fact);
    }
    if row.width() > 0 {
        out.row(&row);
    }
}

fn ending(part: &Part) -> (Style, String) {
    let text = notes::ending(part);
    let style = match () {
        () if part.is_unfinished() || matches!(part.outcome().as_str(), "error" | "panicked") => {
            Style::Bad
        }
        () if part.is_bad() => Style::Warn,
        () => Style::Good,
    };
    (style, text)
}

fn summary(out: &mut Out, story: &Story, verdict: &Verdict) {
    out.blank();
    if !verdict.words.is_empty() {
        let (style, label) = if verdict.is_bad {
            (Style::Bad, "likely cause")
        } else {
            (Style::Warn, "first problem")
        };
        out.labelled(style, label, &verdict.words);
    }
    for (label, words) in notes::sums(story) {
        out.labelled(Style::Dim, label, &[words]);
    }
}

/// Where the columns of one part's tree are.
struct Columns {
    name: usize,
    bar: usize,
    start: Micros,
    length: Micros,
}

fn tree(out: &mut Out, story: &Story, part: &Part, verdict: &Verdict) {
    let lefts = connectors(&part.order);
    let width = out.look.screen.width;
    let widest = part
        .order
        .iter()
        .zip(&lefts)
        .filter(|((index, _), _)| part.items[*index].is_span())
        .map(|((index, _), left)| columns(&left.0) + columns(&safe(&label(&part.items[*index]))))
        .max()
        .unwrap_or(0);
    let most = (width * 2 / 5).min(width.saturating_sub(NUMBERS + NARROWEST_BAR + 2));
    let name = widest.clamp(16, most.max(16));
    let at = Columns {
        name,
        bar: width.saturating_sub(name + NUMBERS + 4),
        start: story.start,
        length: (story.end - story.start).max(1),
    };
    if part.items.iter().any(Item::is_span) {
        let total = took((story.end - story.start) as f64 / 1e3);
        let mut row = Row::new();
        row.right(Style::Dim, "start", at.name + 10).right(Style::Dim, "took", at.name + NUMBERS);
        row.pad(at.name + NUMBERS + 2).add(Style::Dim, "0");
        row.right(Style::Dim, &total, at.name + NUMBERS + 3 + at.bar);
        out.row(&row);
    }
    let detail = cause_detail(story, verdict);
    for ((index, _), (left, below)) in part.order.iter().zip(&lefts) {
        let item = &part.items[*index];
        item_row(out, item, left, &at);
        for note in notes::of_item(item, verdict.is_bad, detail.as_deref()) {
            note_rows(out, &note, below);
        }
        if out.look.fields {
            for (key, value) in notes::fields(item) {
                let mut row = Row::new();
                row.add(Style::Dim, below).add(Style::Dim, &format!("  {key}="));
                row.add(Style::Plain, &value);
                out.row(&row);
            }
        }
    }
    if part.order.is_empty() {
        out.row(Row::new().add(Style::Dim, "no steps, no other lines"));
    }
    for note in notes::of_part(part) {
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
}

/// What the cause says in full; consequences that say the same need not.
fn cause_detail(story: &Story, verdict: &Verdict) -> Option<String> {
    let (part, item) = verdict.cause?;
    let line = story.parts[part].items[item].line.as_ref()?;
    Some(line.text("error_detail")).filter(|text| !text.is_empty())
}

fn label(item: &Item) -> String {
    match item.kind {
        Kind::Call { .. } => format!("→ {}", item.name()),
        _ => item.name(),
    }
}

fn item_row(out: &mut Out, item: &Item, left: &str, at: &Columns) {
    let mut row = Row::new();
    row.add(Style::Dim, left);
    match &item.kind {
        Kind::Gap(gap) => {
            row.add(Style::Warn, &format!("! {gap}"));
        }
        Kind::Line => {
            if let Some(line) = &item.line {
                line_parts(&mut row, line, (item.start - at.start) as f64 / 1e3);
            }
        }
        _ => {
            let room = at.name.saturating_sub(row.width());
            row.add(style(item), &cut(&safe(&label(item)), room)).pad(at.name);
            row.right(Style::Dim, &took((item.start - at.start) as f64 / 1e3), at.name + 10);
            let time = if item.line.is_some() { took(item.took_ms()) } else { "?".to_owned() };
            row.right(Style::Plain, &time, at.name + NUMBERS).pad(at.name + NUMBERS + 2);
            bar(&mut row, item, at);
        }
    }
    out.row(&row);
}

fn line_parts(row: &mut Row, line: &Line, offset: f64) {
    let style = match line.level {
        Level::Error => Style::Bad,
        Level::Warn => Style::Warn,
        Level::Info | Level::Low => Style::Dim,
    };
    row.add(Style::Dim, "· ").add(style, &line.level_name).add(Style::Plain, " ");
    row.add(Style::Plain, &notes::message(line));
    row.add(Style::Dim, &format!("  at {}", took(offset)));
    for (key, value) in notes::short_fields(line) {
        row.add(Style::Dim, &format!("  {key}=")).add(Style::Plain, &value);
    }
}

fn style(item: &Item) -> Style {
    match (item.mark, item.outcome().as_str()) {
        (Mark::Cause, _) => Style::Bad,
        (_, "error" | "panicked" | "cancelled") => Style::Warn,
        _ if item.is_call() => Style::Call,
        _ => Style::Plain,
    }
}

/// An eighth of a cell is the finest a terminal draws.
fn bar(row: &mut Row, item: &Item, at: &Columns) {
    const PARTS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let cells = (at.bar * 8) as f64;
    let place = |time: Micros| {
        let share = (time - at.start) as f64 / at.length as f64;
        (share.clamp(0.0, 1.0) * cells).round() as usize
    };
    let (from, to) = (place(item.start), place(item.end));
    // It begins at a whole cell, for there are no blocks that are full on the right.
    let first = (from / 8).min(at.bar.saturating_sub(1));
    let eighths = to.saturating_sub(first * 8).max(1);
    let mut text = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        text.push(PARTS[eighths % 8 - 1]);
    }
    let style = match (item.mark, &item.kind) {
        (Mark::Cause, _) => Style::Bad,
        (_, Kind::Call { .. }) => Style::Call,
        (_, Kind::Unseen(_)) => Style::Dim,
        _ => Style::Step,
    };
    row.add(Style::Plain, &" ".repeat(first)).add(style, &text);
}

fn note_rows(out: &mut Out, note: &Note, below: &str) {
    let indent = columns(below) + 2;
    let style = match note.mark {
        Mark::Cause => Style::Bad,
        Mark::Consequence => Style::Warn,
        Mark::None => Style::Dim,
    };
    let mut label = note.label;
    let room = out.look.screen.width.saturating_sub(indent);
    let text = match (label.is_empty(), note.text.is_empty()) {
        (true, _) => note.text.clone(),
        (false, true) => label.to_owned(),
        (false, false) => format!("{label}: {}", note.text),
    };
    for line in wrapped(&text, room) {
        let mut row = Row::new();
        row.add(Style::Dim, below).add(Style::Plain, "  ");
        match line.strip_prefix(label).filter(|_| !label.is_empty()) {
            Some(rest) => row.add(style, label).add(Style::Dim, rest),
            None => row.add(Style::Dim, &line),
        };
        label = "";
        out.row(&row);
    }
}

/// What stands left of each item, and left of what is said below it.
fn connectors(order: &[(usize, usize)]) -> Vec<(String, String)> {
    let mut goes_on = Vec::<bool>::new();
    let mut lefts = Vec::with_capacity(order.len());
    for (index, (_, depth)) in order.iter().enumerate().rev() {
        let is_parent = order.get(index + 1).is_some_and(|(_, next)| next > depth);
        goes_on.resize(depth + 1, false);
        let mut left = String::new();
        for level in goes_on.iter().take(*depth).skip(1) {
            left.push_str(if *level { "│ " } else { "  " });
        }
        let mut below = left.clone();
        if *depth > 0 {
            left.push_str(if goes_on[*depth] { "├ " } else { "└ " });
            below.push_str(if goes_on[*depth] { "│ " } else { "  " });
        }
        below.push_str(if is_parent { "│ " } else { "  " });
        goes_on[*depth] = true;
        lefts.push((left, below));
    }
    lefts.reverse();
    lefts
}
