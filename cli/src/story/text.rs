//! A story as text for the terminal.

use super::axis::{Tick, ticks};
use super::diagnosis::Diagnosis;
use super::model::{Item, ItemKind, Part, Severity, Story};
use super::notes::{self, CauseText, Emphasis, Note};
use super::rows::{NodeKind, StoryTree};
use crate::line::Line;
use crate::screen::{Row, Screen, Style, display_width, escape, wrap};
use crate::time::{Micros, format_ms, to_ms};

/// Width of the two numbers left of the bars.
const NUMBERS_WIDTH: usize = 20;
/// Width of the symbol between the numbers and the bars, with its margins.
const SYMBOL_WIDTH: usize = 3;
/// Minimum width of the bars; names get a row of their own first. A screen that is too narrow for both has no bars.
const MIN_BAR_WIDTH: usize = 12;
/// Least distance of two labels on the axis.
const TICK_WIDTH: usize = 10;

/// Options of the output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextOptions {
    pub(crate) screen: Screen,
    /// Whether to show every field of every line.
    pub(crate) all_fields: bool,
    /// Whether equal steps and calls have a row each.
    pub(crate) all_rows: bool,
}

pub(crate) fn render(story: &Story, diagnosis: &Diagnosis, options: TextOptions) -> String {
    let mut out = Writer { text: String::new(), options };
    let tree = StoryTree::new(story);
    if let Some(part) = story.parts.first() {
        head(&mut out, story, part);
    }
    out.blank();
    explain(&mut out, diagnosis, usize::MAX);
    for (label, sentence) in notes::summary(story, &tree) {
        out.labelled(Style::Dim, label, &[sentence]);
    }
    out.blank();
    let cause = CauseText::new(story, diagnosis);
    TreeWriter { story, tree: &tree, cause: &cause, has_cause_text: false }.write(&mut out);
    for note in notes::of_story(story) {
        out.blank();
        out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
    }
    out.text
}

/// The story of one request without its title, facts and summary, for a list of many requests.
pub(crate) fn render_body(story: &Story, diagnosis: &Diagnosis, options: TextOptions) -> String {
    let mut out = Writer { text: String::new(), options };
    let tree = StoryTree::new(story);
    // If the cause is in the tree, the tree shows its details.
    let has_cause_text = diagnosis.cause.is_some();
    explain(&mut out, diagnosis, if has_cause_text { 1 } else { usize::MAX });
    for (label, sentence) in notes::repetitions(story, &tree) {
        out.labelled(Style::Dim, label, &[sentence]);
    }
    let cause = CauseText::new(story, diagnosis);
    TreeWriter { story, tree: &tree, cause: &cause, has_cause_text }.write(&mut out);
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

fn head(out: &mut Writer, story: &Story, part: &Part) {
    let mut row = Row::new();
    if !part.service.is_empty() {
        row.add(Style::Request, &part.service).add(Style::Plain, "  ");
    }
    row.add(Style::Bold, &notes::title(part)).add(Style::Plain, "  ");
    let (status, took) = (notes::status(part), format_ms(part.duration_ms()));
    // A long title does not hide how the request ended.
    let width = out.options.screen.width;
    if row.width() + display_width(&escape(&status)) + 2 + took.len() > width {
        let service = escape(&part.service);
        let title = format!("{} {}", part.service, notes::title(part));
        for (index, line) in wrap(title.trim(), width).iter().enumerate() {
            let mut row = Row::new();
            match line.strip_prefix(&service).filter(|_| index == 0) {
                Some(title) => {
                    row.add_escaped(Style::Request, &service).add_escaped(Style::Bold, title)
                }
                None => row.add_escaped(Style::Bold, line),
            };
            out.row(&row);
        }
        row = Row::new();
    }
    let style = match part.severity() {
        Severity::Good => Style::Good,
        Severity::Warning => Style::Warn,
        Severity::Bad => Style::Bad,
    };
    row.add(style, &status).add(Style::Plain, "  ").add(Style::Bold, &took);
    out.row(&row);

    // Rows break between facts, so that an id can be copied.
    let mut row = Row::new();
    for fact in notes::facts(story) {
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
    /// 0 if there are no bars.
    bar: usize,
    start: Micros,
    length: Micros,
}

impl TreeLayout {
    /// `widest` is the width of the widest name, with the lines left of it.
    fn new(screen: Screen, story: &Story, widest: usize) -> Self {
        let others = NUMBERS_WIDTH + SYMBOL_WIDTH + 1;
        let most = (screen.width * 2 / 5).min(screen.width.saturating_sub(others + MIN_BAR_WIDTH));
        let name = widest.clamp(16, most.max(16));
        let bar = screen.width.saturating_sub(name + others);
        TreeLayout {
            name,
            bar: if bar < MIN_BAR_WIDTH { 0 } else { bar },
            start: story.start,
            length: (story.end - story.start).max(1),
        }
    }

    /// The column in which the bars begin.
    fn bars(&self) -> usize {
        self.name + NUMBERS_WIDTH + SYMBOL_WIDTH
    }

    /// A position on the axis, in units of which a cell has `parts`.
    fn position(&self, at: Micros, parts: usize) -> usize {
        let share = (at - self.start) as f64 / self.length as f64;
        (share.clamp(0.0, 1.0) * (self.bar * parts) as f64).round() as usize
    }
}

/// Writes the tree of a story.
struct TreeWriter<'a> {
    story: &'a Story,
    tree: &'a StoryTree<'a>,
    cause: &'a CauseText<'a>,
    /// Whether the tree has the text of the cause's error. Otherwise it is above the tree.
    has_cause_text: bool,
}

impl TreeWriter<'_> {
    fn write(&self, out: &mut Writer) {
        let rows = self.tree.rows(!out.options.all_rows);
        let prefixes = prefixes(&rows);
        let labels: Vec<Option<RowLabel>> =
            rows.iter().map(|(node, _)| self.label(*node)).collect();
        let widths = labels.iter().zip(&prefixes).filter_map(|(label, prefix)| {
            Some(display_width(&prefix.row) + label.as_ref()?.width())
        });
        let layout = TreeLayout::new(out.options.screen, self.story, widths.max().unwrap_or(0));
        if labels.iter().any(Option::is_some) {
            axis(out, &layout);
        }
        let prefixes = prefixes.iter().map(|prefix| prefix.narrowed(layout.name / 2));
        for (((node, _), label), prefix) in rows.iter().zip(&labels).zip(prefixes) {
            self.row(out, *node, label.as_ref(), &prefix, &layout);
        }
        // In a story of several services, each row of a request has the notes on it.
        let part = self.story.parts.first().filter(|_| !self.tree.has_request_rows);
        if let Some(part) = part {
            if part.order.is_empty() && part.lines_left_out().is_none() {
                out.row(Row::new().add(Style::Dim, "no steps, no other lines"));
            }
            for note in notes::of_part(part) {
                out.row(Row::new().add(Style::Warn, "! ").add(Style::Warn, &note));
            }
        }
    }

    /// The name of a row with a bar.
    fn label(&self, node: usize) -> Option<RowLabel> {
        match &self.tree.nodes[node].kind {
            NodeKind::Request(part) => {
                let part = &self.story.parts[*part];
                let title = notes::title(part);
                let service = escape(&part.service);
                let space = if service.is_empty() { "" } else { " " };
                Some(RowLabel {
                    count: String::new(),
                    kind: service,
                    rest: escape(&format!("{space}{title}")),
                    style: Style::Request,
                })
            }
            NodeKind::Item { item, .. } => item_label(item),
            NodeKind::Folded(members) => {
                let label = self.label(*members.first()?)?;
                Some(RowLabel { count: format!("{} × ", members.len()), ..label })
            }
        }
    }

    fn row(
        &self,
        out: &mut Writer,
        node: usize,
        label: Option<&RowLabel>,
        prefix: &Prefix,
        layout: &TreeLayout,
    ) {
        let emphasis = notes::node_emphasis(self.story, self.tree, node, self.cause);
        match label {
            Some(label) => {
                let mut row = Row::new();
                row.add(Style::Dim, &prefix.row);
                label.add_to(&mut row);
                // A name that is wider than its column has a row of its own.
                if row.width() > layout.name {
                    out.row(&std::mem::take(&mut row));
                    row.add(Style::Dim, &prefix.note);
                }
                self.add_numbers(&mut row, node, layout.name);
                row.pad(layout.name + NUMBERS_WIDTH + 1).add(style(emphasis), emphasis.symbol());
                row.pad(layout.bars());
                self.add_bar(&mut row, node, label.style, layout);
                out.row(&row);
            }
            None => self.line_row(out, node, &prefix.row, layout),
        }
        match &self.tree.nodes[node].kind {
            NodeKind::Request(part) => {
                for note in notes::of_request(self.story, *part, self.cause) {
                    note_rows(out, &note, &prefix.note);
                }
            }
            NodeKind::Item { part, item } => {
                let part = &self.story.parts[*part];
                for note in notes::of_item(part, item, self.cause, self.has_cause_text) {
                    note_rows(out, &note, &prefix.note);
                }
                if out.options.all_fields {
                    fields(out, item, &prefix.note);
                }
            }
            NodeKind::Folded(members) if label.is_some() => {
                let text = notes::of_folded(self.tree, members);
                note_rows(out, &Note::plain(text), &prefix.note);
            }
            NodeKind::Folded(_) => {}
        }
    }

    /// Writes a gap or a line without a duration.
    fn line_row(&self, out: &mut Writer, node: usize, prefix: &str, layout: &TreeLayout) {
        let mut row = Row::new();
        row.add(Style::Dim, prefix);
        match &self.tree.nodes[node].kind {
            NodeKind::Item { item, .. } => match (&item.kind, &item.line) {
                (ItemKind::Gap(gap), _) => {
                    row.add(Style::Warn, &format!("! {gap}"));
                }
                (_, Some(line)) => {
                    add_message(&mut row, line, &notes::tree_message(item, line, self.cause));
                    let at = to_ms(item.start - layout.start);
                    row.add(Style::Dim, &format!("  at {}", format_ms(at)));
                    for (key, value) in notes::tree_fields(item, line, self.cause) {
                        row.add(Style::Dim, &format!("  {key}=")).add(Style::Plain, &value);
                    }
                }
                _ => {}
            },
            NodeKind::Folded(members) => {
                let first = members.first().map(|node| &self.tree.nodes[*node].kind);
                if let Some(NodeKind::Item { item, .. }) = first
                    && let Some(line) = &item.line
                {
                    row.add(Style::Plain, &format!("{} × ", members.len()));
                    add_message(&mut row, line, &notes::tree_message(item, line, self.cause));
                }
            }
            NodeKind::Request(_) => {}
        }
        out.row(&row);
    }

    /// Appends the start and the duration; of folded rows, the sum of the durations.
    fn add_numbers(&self, row: &mut Row, node: usize, name: usize) {
        let node = &self.tree.nodes[node];
        row.pad(name);
        row.add_right(Style::Dim, &format_ms(to_ms(node.start - self.story.start)), name + 10);
        let duration = match &node.kind {
            NodeKind::Item { item, .. } if item.line.is_none() => "?".to_owned(),
            NodeKind::Folded(members) => format_ms(self.tree.total_ms(members)),
            _ => format_ms(to_ms(node.end - node.start)),
        };
        row.add_right(Style::Plain, &duration, name + NUMBERS_WIDTH);
    }

    fn add_bar(&self, row: &mut Row, node: usize, style: Style, layout: &TreeLayout) {
        if layout.bar == 0 {
            return;
        }
        let node = &self.tree.nodes[node];
        let (first, text) = match &node.kind {
            NodeKind::Folded(members) => {
                let times = members.iter().map(|node| &self.tree.nodes[*node]);
                density_bar(times.map(|node| (node.start, node.end)), layout)
            }
            _ => bar((node.start, node.end), layout),
        };
        let is_unseen = matches!(&node.kind, NodeKind::Item { item, .. } if matches!(item.kind, ItemKind::Unseen(_)));
        let style = if is_unseen { Style::Dim } else { style };
        row.add(Style::Plain, &" ".repeat(first)).add(style, &text);
    }
}

/// The name of a row: `50 × → db select` is the count `50 × `, the kind `→ db` and the rest. Both are escaped.
struct RowLabel {
    count: String,
    kind: String,
    rest: String,
    style: Style,
}

impl RowLabel {
    fn width(&self) -> usize {
        display_width(&self.count) + display_width(&self.kind) + display_width(&self.rest)
    }

    fn add_to(&self, row: &mut Row) {
        row.add(Style::Plain, &self.count);
        row.add_escaped(self.style, &self.kind).add_escaped(Style::Plain, &self.rest);
    }
}

fn item_label(item: &Item) -> Option<RowLabel> {
    let (kind, rest, style) = match &item.kind {
        ItemKind::Call { dependency, operation } => {
            (format!("→ {dependency}"), format!(" {operation}"), Style::Call)
        }
        ItemKind::Step(_) | ItemKind::Unseen(_) => (String::new(), item.name(), Style::Step),
        ItemKind::Line | ItemKind::Gap(_) => return None,
    };
    Some(RowLabel { count: String::new(), kind: escape(&kind), rest: escape(&rest), style })
}

/// Writes the labels of the axis. Each begins at its time.
fn axis(out: &mut Writer, layout: &TreeLayout) {
    let mut row = Row::new();
    row.add_right(Style::Dim, "start", layout.name + 10);
    row.add_right(Style::Dim, "took", layout.name + NUMBERS_WIDTH);
    let ticks =
        if layout.bar == 0 { Vec::new() } else { ticks(layout.length, layout.bar / TICK_WIDTH) };
    for Tick { at, label } in ticks {
        let column = layout.bars() + layout.position(layout.start + at, 1);
        if column + display_width(&label) <= out.options.screen.width {
            row.pad(column).add(Style::Dim, &label);
        }
    }
    out.row(&row);
}

fn add_message(row: &mut Row, line: &Line, message: &str) {
    row.add(Style::Dim, "· ").add(line.level.style(), &line.level_name).add(Style::Plain, " ");
    row.add(Style::Plain, message);
}

fn style(emphasis: Emphasis) -> Style {
    match emphasis {
        Emphasis::Cause => Style::Bad,
        Emphasis::Consequence | Emphasis::Problem => Style::Warn,
        Emphasis::None => Style::Dim,
    }
}

/// Returns the first cell of the time bar of a span and the bar, in steps of an eighth of a cell.
fn bar((from, to): (Micros, Micros), layout: &TreeLayout) -> (usize, String) {
    const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let (from, to) = (layout.position(from, 8), layout.position(to, 8));
    // The bar starts at a cell boundary: Unicode has partial blocks only for the left part of a cell.
    let first = (from / 8).min(layout.bar - 1);
    let eighths = to.saturating_sub(first * 8).max(1);
    let mut text = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        text.push(EIGHTHS[eighths % 8 - 1]);
    }
    (first, text)
}

/// Returns the first cell of the time bar of several spans and the bar. The shade of a cell shows how much of
/// its time is covered.
fn density_bar(
    times: impl Iterator<Item = (Micros, Micros)>,
    layout: &TreeLayout,
) -> (usize, String) {
    const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
    let last = layout.bar - 1;
    let cell_length = layout.length as f64 / layout.bar as f64;
    let cell_at = |at: Micros| ((at as f64 / cell_length) as usize).min(last);
    // The covered microseconds of each cell that contains a span.
    let mut cells: Vec<Option<f64>> = vec![None; last + 1];
    let in_axis = |at: Micros| (at - layout.start).clamp(0, layout.length);
    let mut times: Vec<_> = times.map(|(from, to)| (in_axis(from), in_axis(to))).collect();
    times.sort_unstable();
    let mut until = -1;
    for (from, to) in times {
        // The time before `until` is counted already.
        if to <= until {
            continue;
        }
        let from = from.max(until);
        until = to;
        // A span that ends where a cell begins is not in that cell.
        let (first, last) = (cell_at(from), cell_at((to - 1).max(from)));
        for (index, cell) in (first..).zip(&mut cells[first..=last]) {
            let start = index as f64 * cell_length;
            let covered = (to as f64).min(start + cell_length) - (from as f64).max(start);
            *cell.get_or_insert(0.0) += covered.max(0.0);
        }
    }
    let first = cells.iter().position(Option::is_some).unwrap_or(0);
    let shades = cells.iter().skip(first).map(|covered| {
        covered.map_or(' ', |covered| {
            let shade = covered / cell_length * SHADES.len() as f64;
            SHADES[(shade as usize).min(SHADES.len() - 1)]
        })
    });
    (first, shades.collect::<String>().trim_end().to_owned())
}

fn note_rows(out: &mut Writer, note: &Note, prefix: &str) {
    let indent = display_width(prefix) + 2;
    let style = style(note.emphasis);
    let mut label = [note.emphasis.symbol(), &note.label].join(" ").trim().to_owned();
    let available = out.options.screen.width.saturating_sub(indent);
    let text = match (label.is_empty(), note.label.is_empty(), note.text.is_empty()) {
        (true, ..) => note.text.clone(),
        (false, _, true) => label.clone(),
        (false, true, false) => format!("{label} {}", note.text),
        (false, false, false) => format!("{label}: {}", note.text),
    };
    for line in wrap(&text, available) {
        let mut row = Row::new();
        row.add(Style::Dim, prefix).add(Style::Plain, "  ");
        match line.strip_prefix(&label).filter(|_| !label.is_empty()) {
            Some(rest) => row.add(style, &label).add(Style::Dim, rest),
            None => row.add(Style::Dim, &line),
        };
        label.clear();
        out.row(&row);
    }
}

fn fields(out: &mut Writer, item: &Item, prefix: &str) {
    for (key, value) in notes::fields(item) {
        let mut row = Row::new();
        row.add(Style::Dim, prefix).add(Style::Dim, &format!("  {key}="));
        row.add(Style::Plain, &value);
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

impl Prefix {
    /// The prefix with the innermost levels that fit into `columns`, and the number of the others.
    fn narrowed(&self, columns: usize) -> Prefix {
        let levels = display_width(&self.row) / 2;
        let shown = columns / 2;
        if levels <= shown {
            return Prefix { row: self.row.clone(), note: self.note.clone() };
        }
        let left_out = levels - shown;
        let count = format!("{left_out}… ");
        let margin = " ".repeat(display_width(&count));
        let inner = |text: &str| text.chars().skip(left_out * 2).collect::<String>();
        Prefix {
            row: format!("{count}{}", inner(&self.row)),
            note: format!("{margin}{}", inner(&self.note)),
        }
    }
}

/// The prefixes of all rows. They are built from the end, since a branch continues if a later row is on the
/// same level.
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
