//! A story as text for the terminal.

use super::diagnosis::Diagnosis;
use super::model::{Item, ItemKind, Mark, Part, Severity, Story};
use super::notes::{self, Note};
use crate::line::{Level, Line};
use crate::screen::{Row, Screen, Style, display_width, escape, truncate, wrap};
use crate::time::{Micros, format_ms, to_ms};

/// Width of the two numbers left of the bars.
const NUMBERS_WIDTH: usize = 20;
/// Minimum width of the bars; names are truncated first.
const MIN_BAR_WIDTH: usize = 12;

/// Options of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextOptions {
    pub(crate) screen: Screen,
    /// Whether to show every field of every line.
    pub(crate) all_fields: bool,
}

pub(crate) fn render(story: &Story, diagnosis: &Diagnosis, options: TextOptions) -> String {
    let mut out = Writer { text: String::new(), options };
    for (index, part) in story.parts.iter().enumerate() {
        if index > 0 {
            out.blank();
        }
        head(&mut out, story, index);
        if index == 0 {
            summary(&mut out, story, diagnosis);
        }
        out.blank();
        tree(&mut out, story, part, diagnosis);
    }
    for note in notes::of_story(story) {
        out.blank();
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
    out.text
}

/// The story of one request without its title, facts and summary, for a list of many requests.
pub(crate) fn render_body(story: &Story, diagnosis: &Diagnosis, options: TextOptions) -> String {
    let mut out = Writer { text: String::new(), options };
    // If the cause is in the tree, the tree shows its details.
    let sentences = if diagnosis.cause.is_some() { 1 } else { usize::MAX };
    explain(&mut out, diagnosis, sentences);
    for part in &story.parts {
        tree(&mut out, story, part, diagnosis);
    }
    for note in notes::of_story(story) {
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
    out.text
}

struct Writer {
    text: String,
    options: TextOptions,
}

impl Writer {
    fn row(&mut self, row: &Row) {
        self.text.push_str(&self.options.screen.render(row));
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Writes a label and sentences right of it, on as many rows as needed. The first sentence stands out.
    fn labelled(&mut self, style: Style, label: &str, sentences: &[String]) {
        let indent = 14;
        let mut label = Some(label);
        for (index, text) in sentences.iter().enumerate() {
            for line in wrap(text, self.options.screen.width.saturating_sub(indent)) {
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

fn head(out: &mut Writer, story: &Story, index: usize) {
    let part = &story.parts[index];
    let mut row = Row::new();
    if !part.service.is_empty() {
        row.add(Style::Call, &part.service).add(Style::Plain, "  ");
    }
    row.add(Style::Bold, &notes::title(part)).add(Style::Plain, "  ");
    let style = match part.severity() {
        Severity::Good => Style::Good,
        Severity::Warning => Style::Warn,
        Severity::Bad => Style::Bad,
    };
    row.add(style, &notes::status(part)).add(Style::Plain, "  ");
    row.add(Style::Bold, &format_ms(part.duration_ms()));
    out.row(&row);

    // Rows break between facts, so that an id can be copied.
    let mut row = Row::new();
    for fact in notes::facts(story, index) {
        let width = display_width(&escape(&fact));
        if row.width() > 0 && row.width() + 3 + width > out.options.screen.width {
            out.row(&std::mem::take(&mut row));
        }
        // Only a fact that is wider than the screen is broken.
        if width > out.options.screen.width {
            for line in wrap(&fact, out.options.screen.width) {
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

fn summary(out: &mut Writer, story: &Story, diagnosis: &Diagnosis) {
    out.blank();
    explain(out, diagnosis, usize::MAX);
    for (label, sentence) in notes::summary(story) {
        out.labelled(Style::Dim, label, &[sentence]);
    }
}

/// Writes the first sentences about the cause.
fn explain(out: &mut Writer, diagnosis: &Diagnosis, most: usize) {
    let sentences = &diagnosis.explanation[..diagnosis.explanation.len().min(most)];
    if !sentences.is_empty() {
        let style = if diagnosis.failed { Style::Bad } else { Style::Warn };
        out.labelled(style, notes::cause_label(diagnosis.failed), sentences);
    }
}

/// Widths and time scale of a tree.
struct TreeLayout {
    name: usize,
    bar: usize,
    start: Micros,
    length: Micros,
}

fn tree(out: &mut Writer, story: &Story, part: &Part, diagnosis: &Diagnosis) {
    let prefixes = prefixes(&part.order);
    let width = out.options.screen.width;
    let widest = part
        .order
        .iter()
        .zip(&prefixes)
        .filter(|((index, _), _)| part.items[*index].is_span())
        .map(|((index, _), prefix)| {
            display_width(&prefix.row) + display_width(&escape(&label(&part.items[*index])))
        })
        .max()
        .unwrap_or(0);
    let most = (width * 2 / 5).min(width.saturating_sub(NUMBERS_WIDTH + MIN_BAR_WIDTH + 2));
    let name = widest.clamp(16, most.max(16));
    let layout = TreeLayout {
        name,
        bar: width.saturating_sub(name + NUMBERS_WIDTH + 4),
        start: story.start,
        length: (story.end - story.start).max(1),
    };
    if part.items.iter().any(Item::is_span) {
        let total = format_ms(to_ms(story.end - story.start));
        let mut row = Row::new();
        row.add_right(Style::Dim, "start", layout.name + 10);
        row.add_right(Style::Dim, "took", layout.name + NUMBERS_WIDTH);
        row.pad(layout.name + NUMBERS_WIDTH + 2).add(Style::Dim, "0");
        row.add_right(Style::Dim, &total, layout.name + NUMBERS_WIDTH + 3 + layout.bar);
        out.row(&row);
    }
    let detail = notes::cause_detail(story, diagnosis);
    for ((index, _), prefix) in part.order.iter().zip(&prefixes) {
        let item = &part.items[*index];
        item_row(out, item, &prefix.row, &layout);
        for note in notes::of_item(part, item, diagnosis.failed, detail.as_deref()) {
            note_rows(out, &note, &prefix.note);
        }
        if out.options.all_fields {
            for (key, value) in notes::fields(item) {
                let mut row = Row::new();
                row.add(Style::Dim, &prefix.note).add(Style::Dim, &format!("  {key}="));
                row.add(Style::Plain, &value);
                out.row(&row);
            }
        }
    }
    if part.order.is_empty() && part.lines_left_out().is_none() {
        out.row(Row::new().add(Style::Dim, "no steps, no other lines"));
    }
    for note in notes::of_part(part) {
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
}

fn label(item: &Item) -> String {
    match item.kind {
        ItemKind::Call { .. } => format!("→ {}", item.name()),
        _ => item.name(),
    }
}

fn item_row(out: &mut Writer, item: &Item, prefix: &str, layout: &TreeLayout) {
    let mut row = Row::new();
    row.add(Style::Dim, prefix);
    match &item.kind {
        ItemKind::Gap(gap) => {
            row.add(Style::Warn, &format!("! {gap}"));
        }
        ItemKind::Line => {
            if let Some(line) = &item.line {
                add_line(&mut row, line, to_ms(item.start - layout.start));
            }
        }
        _ => {
            let name = layout.name;
            let available = name.saturating_sub(row.width());
            row.add(style(item), &truncate(&escape(&label(item)), available)).pad(name);
            row.add_right(Style::Dim, &format_ms(to_ms(item.start - layout.start)), name + 10);
            let duration =
                if item.line.is_some() { format_ms(item.duration_ms()) } else { "?".to_owned() };
            row.add_right(Style::Plain, &duration, name + NUMBERS_WIDTH);
            row.pad(name + NUMBERS_WIDTH + 2);
            add_bar(&mut row, item, layout);
        }
    }
    out.row(&row);
}

fn add_line(row: &mut Row, line: &Line, offset_ms: f64) {
    let style = match line.level {
        Level::Error => Style::Bad,
        Level::Warn => Style::Warn,
        Level::Info | Level::Debug => Style::Dim,
    };
    row.add(Style::Dim, "· ").add(style, &line.level_name).add(Style::Plain, " ");
    row.add(Style::Plain, &notes::message(line));
    row.add(Style::Dim, &format!("  at {}", format_ms(offset_ms)));
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

/// Appends the time bar of an item, in steps of an eighth of a cell.
fn add_bar(row: &mut Row, item: &Item, layout: &TreeLayout) {
    const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let width = (layout.bar * 8) as f64;
    let position = |time: Micros| {
        let share = (time - layout.start) as f64 / layout.length as f64;
        (share.clamp(0.0, 1.0) * width).round() as usize
    };
    let (from, to) = (position(item.start), position(item.end));
    // The bar starts at a cell boundary: Unicode has partial blocks only for the left part of a cell.
    let first = (from / 8).min(layout.bar.saturating_sub(1));
    let eighths = to.saturating_sub(first * 8).max(1);
    let mut text = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        text.push(EIGHTHS[eighths % 8 - 1]);
    }
    let style = match (item.mark, &item.kind) {
        (Mark::Cause, _) => Style::Bad,
        (_, ItemKind::Call { .. }) => Style::Call,
        (_, ItemKind::Unseen(_)) => Style::Dim,
        _ => Style::Step,
    };
    row.add(Style::Plain, &" ".repeat(first)).add(style, &text);
}

fn note_rows(out: &mut Writer, note: &Note, prefix: &str) {
    let indent = display_width(prefix) + 2;
    let style = match note.mark {
        Mark::Cause => Style::Bad,
        Mark::Consequence => Style::Warn,
        Mark::None => Style::Dim,
    };
    let mut label = note.label;
    let available = out.options.screen.width.saturating_sub(indent);
    let text = match (label.is_empty(), note.text.is_empty()) {
        (true, _) => note.text.clone(),
        (false, true) => label.to_owned(),
        (false, false) => format!("{label}: {}", note.text),
    };
    for line in wrap(&text, available) {
        let mut row = Row::new();
        row.add(Style::Dim, prefix).add(Style::Plain, "  ");
        match line.strip_prefix(label).filter(|_| !label.is_empty()) {
            Some(rest) => row.add(style, label).add(Style::Dim, rest),
            None => row.add(Style::Dim, &line),
        };
        label = "";
        out.row(&row);
    }
}

/// The lines of the tree left of an item.
struct Prefix {
    /// Left of the item's row.
    row: String,
    /// Left of its notes.
    note: String,
}

/// The prefixes of all items. They are built from the end, since a branch continues if a later item is on
/// the same level.
fn prefixes(order: &[(usize, usize)]) -> Vec<Prefix> {
    let mut continues = Vec::<bool>::new();
    let mut prefixes = Vec::with_capacity(order.len());
    for (index, (_, depth)) in order.iter().enumerate().rev() {
        let is_parent = order.get(index + 1).is_some_and(|(_, next)| next > depth);
        continues.resize(depth + 1, false);
        let mut row = String::new();
        for level in continues.iter().take(*depth).skip(1) {
            row.push_str(if *level { "│ " } else { "  " });
        }
        let mut note = row.clone();
        if *depth > 0 {
            row.push_str(if continues[*depth] { "├ " } else { "└ " });
            note.push_str(if continues[*depth] { "│ " } else { "  " });
        }
        note.push_str(if is_parent { "│ " } else { "  " });
        continues[*depth] = true;
        prefixes.push(Prefix { row, note });
    }
    prefixes.reverse();
    prefixes
}
