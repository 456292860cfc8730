//! Stories as a self-contained HTML page. It has no scripts and loads nothing, and all log content is escaped.

use std::fmt::Write as _;

use super::axis::{Tick, ticks};
use super::diagnosis::Diagnosis;
use super::model::{Item, ItemKind, Part, Severity, Story};
use super::notes::{self, CauseText, Emphasis, Note};
use super::rows::{NodeKind, StoryTree};
use crate::line::{Level, Line, value_text};
use crate::markup::{breakable, page, text};
use crate::time::{Micros, date_time, format_ms, to_ms};

const STYLE: &str = include_str!("page.css");

/// Most labels on the axis besides 0.
const MAX_TICKS: usize = 5;
/// The label of a later tick, in percent of the axis, ends at it. Other labels have it in their middle.
const LAST_TICK: f64 = 92.0;
/// Bars of folded rows that are closer than this share of the axis become one.
const MIN_GAP: f64 = 0.002;

/// How the rows of all trees are shown. Without scripts, styles open and close them.
const CONTROLS: &str = r#"<fieldset class="view"><legend>Rows</legend>
<label><input type="radio" name="view" value="opened" checked> as opened</label>
<label><input type="radio" name="view" value="all"> expand all</label>
<label><input type="radio" name="view" value="fields"> expand all with fields</label>
<label><input type="radio" name="view" value="none"> collapse all</label>
</fieldset>
"#;

/// The meaning of colours and symbols.
const LEGEND: &str = r#"<ul class="legend" role="list" aria-label="legend">
<li class="request"><i></i>request</li><li class="step"><i></i>step</li><li class="call"><i></i>→ call</li>
<li class="line"><i></i>other line</li><li class="line warning"><i></i>WARN</li><li class="line error"><i></i>ERROR</li>
<li class="cause"><b>✗</b> likely cause</li><li class="follows"><b>↳</b> consequence</li><li class="problem"><b>!</b> other problem</li>
</ul>
"#;

pub(crate) fn render(stories: &[(Story, Diagnosis)]) -> String {
    let title = match stories {
        [(story, _)] => format!("{} · {}", heading(story), story.id),
        _ => format!("{} requests", stories.len()),
    };
    let mut out = String::new();
    if stories.len() > 1 {
        contents(stories, &mut out);
    }
    out.push_str("<div class=\"top\">\n");
    out.push_str(CONTROLS);
    out.push_str(LEGEND);
    out.push_str("</div>\n");
    for (index, (story, diagnosis)) in stories.iter().enumerate() {
        article(index, story, diagnosis, &mut out);
    }
    page(&title, STYLE, &out)
}

fn heading(story: &Story) -> String {
    let part = story.parts.first();
    part.map(|part| format!("{} {}", notes::title(part), notes::status(part))).unwrap_or_default()
}

fn contents(stories: &[(Story, Diagnosis)], out: &mut String) {
    out.push_str("<nav aria-label=\"requests\">\n<ol>\n");
    for (index, (story, diagnosis)) in stories.iter().enumerate() {
        let cause =
            diagnosis.explanation.first().map(|sentence| text(sentence)).unwrap_or_default();
        let _ = writeln!(
            out,
            "<li><a href=\"#r{index}\">{}</a> <span>{cause}</span></li>",
            text(&heading(story))
        );
    }
    out.push_str("</ol>\n</nav>\n");
}

fn article(index: usize, story: &Story, diagnosis: &Diagnosis, out: &mut String) {
    let tree = StoryTree::new(story);
    let cause = CauseText::new(story, diagnosis);
    let _ = writeln!(out, "<article id=\"r{index}\">");
    if let Some(part) = story.parts.first() {
        head(story, part, out);
    }
    summary(story, &tree, diagnosis, out);
    TreePage { story, tree: &tree, cause: &cause }.write(out);
    let part = story.parts.first().filter(|_| !tree.has_request_rows);
    let missing = part.map(notes::of_part).unwrap_or_default();
    for note in missing.into_iter().chain(notes::of_story(story)) {
        let _ = writeln!(out, "<p class=\"missing\">! {}</p>", text(&note));
    }
    out.push_str("</article>\n");
}

fn head(story: &Story, part: &Part, out: &mut String) {
    let class = match part.severity() {
        Severity::Good => "good",
        Severity::Warning => "warn",
        Severity::Bad => "bad",
    };
    let service = if part.service.is_empty() {
        String::new()
    } else {
        format!("<span class=\"service\">{}</span> ", breakable(&part.service))
    };
    let _ = writeln!(
        out,
        "<header>\n<h1>{service}{} <span class=\"end {class}\">{}</span> <span class=\"took\">{}</span></h1>",
        breakable(&notes::title(part)),
        text(&notes::status(part)),
        format_ms(part.duration_ms())
    );
    out.push_str("<ul class=\"facts\" role=\"list\">");
    for fact in notes::facts(story) {
        let (name, value) = fact.split_once(' ').unwrap_or(("", &fact));
        let class = if matches!(name, "request" | "trace" | "span") { " class=\"id\"" } else { "" };
        let _ = write!(out, "<li{class}><span>{}</span> {}</li>", text(name), text(value));
    }
    out.push_str("</ul>\n</header>\n");
}

fn summary(story: &Story, tree: &StoryTree<'_>, diagnosis: &Diagnosis, out: &mut String) {
    out.push_str("<dl class=\"sums\">\n");
    if let Some((first, details)) = diagnosis.explanation.split_first() {
        let (class, emphasis) = if diagnosis.failed {
            ("cause", Emphasis::Cause)
        } else {
            ("problem", Emphasis::Problem)
        };
        let label = notes::cause_label(diagnosis.failed);
        let symbol = symbol(emphasis);
        let _ =
            write!(out, "<div class=\"{class}\"><dt>{symbol}{label}</dt><dd>{}", breakable(first));
        for detail in details {
            let _ = write!(out, "<small>{}</small>", breakable(detail));
        }
        out.push_str("</dd></div>\n");
    }
    for (label, sentence) in notes::summary(story, tree) {
        let _ = writeln!(out, "<div><dt>{label}</dt><dd>{}</dd></div>", breakable(&sentence));
    }
    out.push_str("</dl>\n");
}

/// The symbol in front of a label or name.
fn symbol(emphasis: Emphasis) -> String {
    match emphasis {
        Emphasis::None => String::new(),
        // Screen readers read the label beside the symbol.
        _ => format!("<i class=\"symbol\" aria-hidden=\"true\">{}</i>", emphasis.symbol()),
    }
}

/// Writes the tree of a story as nested lists.
struct TreePage<'a> {
    story: &'a Story,
    tree: &'a StoryTree<'a>,
    cause: &'a CauseText<'a>,
}

/// A part of the page that is still to be written.
enum Unwritten {
    Node { node: usize, depth: usize },
    Markup(&'static str),
}

impl TreePage<'_> {
    fn write(&self, out: &mut String) {
        if self.tree.roots.is_empty() {
            return;
        }
        out.push_str("<div class=\"tree\">\n");
        self.axis(out);
        out.push_str("<ul role=\"list\" aria-label=\"steps, calls and other lines\">\n");
        let mut unwritten = vec![Unwritten::Markup("</ul>\n</div>\n")];
        let nodes = |nodes: &[usize], depth: usize, unwritten: &mut Vec<Unwritten>| {
            unwritten.extend(nodes.iter().rev().map(|node| Unwritten::Node { node: *node, depth }));
        };
        nodes(&self.tree.folded_roots, 0, &mut unwritten);
        // A stack instead of recursion, since calls between services can nest deeply.
        while let Some(next) = unwritten.pop() {
            let (node, depth) = match next {
                Unwritten::Node { node, depth } => (node, depth),
                Unwritten::Markup(markup) => {
                    out.push_str(markup);
                    continue;
                }
            };
            let children = match &self.tree.nodes[node].kind {
                NodeKind::Folded(members) => members,
                _ => &self.tree.nodes[node].folded,
            };
            out.push_str("<li>");
            if self.row(node, depth, !children.is_empty(), out) {
                out.push_str("<ul role=\"list\">\n");
                unwritten.push(Unwritten::Markup("</ul></details></li>\n"));
                nodes(children, depth + 1, &mut unwritten);
            } else {
                out.push_str("</li>\n");
            }
        }
    }

    fn axis(&self, out: &mut String) {
        let length = self.story.end - self.story.start;
        out.push_str(
            "<div class=\"axis\" aria-hidden=\"true\"><span></span><span>start</span><span>took</span><span></span><span class=\"ticks\">",
        );
        for Tick { at, label } in ticks(length, MAX_TICKS) {
            let at = share(at, length);
            let class = if at > LAST_TICK { " class=\"last\"" } else { "" };
            let _ = write!(out, "<i{class} style=\"--at:{at:.3}%\">{label}</i>");
        }
        out.push_str("</span></div>\n");
        // Lines below the labels, behind all bars.
        out.push_str("<div class=\"grid\" aria-hidden=\"true\"><span></span><span></span><span></span><span></span><span class=\"ticks\">");
        for Tick { at, .. } in ticks(length, MAX_TICKS) {
            let _ = write!(out, "<i style=\"--at:{:.3}%\"></i>", share(at, length));
        }
        out.push_str("</span></div>\n");
    }

    /// Writes a row. Returns whether it is open for the list of its children, inside `details`.
    fn row(&self, node: usize, depth: usize, has_children: bool, out: &mut String) -> bool {
        let kind = &self.tree.nodes[node].kind;
        let line = match kind {
            NodeKind::Request(part) => self.story.parts[*part].end_line.as_ref(),
            NodeKind::Item { item, .. } => item.line.as_ref(),
            NodeKind::Folded(_) => None,
        };
        let fields = line.map(fields).unwrap_or_default();
        let is_folded = matches!(kind, NodeKind::Folded(_));
        let (open, close) = match (has_children, fields.is_empty()) {
            (true, _) if is_folded => ("<details><summary", "</summary>"),
            (true, _) => ("<details open><summary", "</summary>"),
            (false, false) => ("<details class=\"fields\"><summary", "</summary>"),
            (false, true) => ("<div", "</div>"),
        };
        let class = self.classes(node);
        let _ = write!(out, "{open} class=\"row {class}\" style=\"--depth:{depth}\">");
        self.cells(node, out);
        out.push_str(close);
        if !fields.is_empty() && has_children {
            let _ = write!(
                out,
                "<details class=\"fields inner\" style=\"--depth:{depth}\"><summary><span class=\"heard\">fields</span><span aria-hidden=\"true\">⋯</span></summary>{fields}</details>"
            );
        } else if !fields.is_empty() {
            let _ = write!(out, "<div style=\"--depth:{depth}\">{fields}</div></details>");
        }
        has_children
    }

    fn classes(&self, node: usize) -> String {
        let kind = match &self.tree.nodes[node].kind {
            NodeKind::Request(_) => "request",
            NodeKind::Item { item, .. } => item_class(item),
            NodeKind::Folded(members) => {
                match members.first().map(|node| &self.tree.nodes[*node].kind) {
                    Some(NodeKind::Item { item, .. }) => item_class(item),
                    _ => "request",
                }
            }
        };
        let emphasis = match self.emphasis(node) {
            Emphasis::None => "",
            Emphasis::Cause => " cause",
            Emphasis::Consequence => " follows",
            Emphasis::Problem => " problem",
        };
        let rest = match &self.tree.nodes[node].kind {
            NodeKind::Item { item, .. } if item.is_still_open() => " open",
            NodeKind::Item { item, .. } => match item.level() {
                Level::Error => " error",
                Level::Warn => " warning",
                Level::Info | Level::Debug => "",
            },
            _ => "",
        };
        format!("{kind}{emphasis}{rest}")
    }

    fn emphasis(&self, node: usize) -> Emphasis {
        notes::node_emphasis(self.story, self.tree, node, self.cause)
    }

    /// Writes name, numbers, symbol, bar and notes.
    fn cells(&self, index: usize, out: &mut String) {
        let node = &self.tree.nodes[index];
        let _ = write!(out, "<span class=\"name\">{}</span>", self.name(index));
        let duration = match &node.kind {
            NodeKind::Item { item, .. } if !item.is_span() => String::new(),
            NodeKind::Item { item, .. } if item.line.is_none() => "?".to_owned(),
            NodeKind::Folded(members) => format_ms(self.tree.total_ms(members)),
            _ => format_ms(to_ms(node.end - node.start)),
        };
        let start = format_ms(to_ms(node.start - self.story.start));
        let took = if duration.is_empty() { "" } else { "<span class=\"heard\">, took </span>" };
        let _ = write!(
            out,
            "<span class=\"number\"><span class=\"heard\">starts at </span>{start}</span>\
             <span class=\"number\">{took}{duration}</span>\
             <span class=\"mark\">{}</span>",
            symbol(self.emphasis(index))
        );
        self.bar(index, out);
        let notes = match &node.kind {
            NodeKind::Request(part) => notes::of_request(self.story, *part, self.cause),
            NodeKind::Item { part, item } => {
                notes::of_item(&self.story.parts[*part], item, self.cause, false)
            }
            NodeKind::Folded(members) => vec![Note::plain(notes::of_folded(self.tree, members))],
        };
        if !notes.is_empty() {
            out.push_str("<span class=\"notes\">");
            for note in &notes {
                self::note(note, out);
            }
            out.push_str("</span>");
        }
    }

    /// The name of a row; the part that shows its kind is in the colour of the kind.
    fn name(&self, node: usize) -> String {
        match &self.tree.nodes[node].kind {
            NodeKind::Request(part) => {
                let part = &self.story.parts[*part];
                let service = breakable(&part.service);
                format!("<span class=\"kind\">{service}</span> {}", breakable(&notes::title(part)))
            }
            NodeKind::Item { item, .. } => self.item_name(item),
            NodeKind::Folded(members) => {
                let name = members.first().map(|node| self.name(*node)).unwrap_or_default();
                format!("{} × {name}", members.len())
            }
        }
    }

    fn item_name(&self, item: &Item) -> String {
        match (&item.kind, &item.line) {
            (ItemKind::Line, Some(line)) => {
                let mut name = format!(
                    "<span class=\"level\">{}</span> {}",
                    text(&line.level_name),
                    breakable(&notes::tree_message(item, line, self.cause))
                );
                for (key, value) in notes::tree_fields(item, line, self.cause) {
                    let _ = write!(
                        name,
                        " <span class=\"field\"><span>{}=</span>{}</span>",
                        text(&key),
                        breakable(&shortened(&value))
                    );
                }
                name
            }
            (ItemKind::Call { dependency, operation }, _) => format!(
                "<span class=\"kind\">→ {}</span> {}",
                breakable(dependency),
                breakable(operation)
            ),
            (ItemKind::Gap(gap), _) => format!("! {}", text(&gap.to_string())),
            _ => breakable(&item.name()),
        }
    }

    fn bar(&self, node: usize, out: &mut String) {
        let node = &self.tree.nodes[node];
        let length = self.story.end - self.story.start;
        let position = |at: Micros| share(at - self.story.start, length);
        out.push_str("<span class=\"bar\" aria-hidden=\"true\">");
        let mut add = |from: f64, to: f64| {
            let width = (to - from).min(100.0 - from);
            let _ = write!(out, "<i style=\"--from:{from:.3}%;--width:{width:.3}%\"></i>");
        };
        let mut bar = (position(node.start), position(node.end));
        if let NodeKind::Folded(members) = &node.kind {
            let times = members.iter().map(|node| &self.tree.nodes[*node]);
            bar.1 = bar.0;
            for (from, to) in times.map(|node| (position(node.start), position(node.end))) {
                if from > bar.1 + MIN_GAP * 100.0 {
                    add(bar.0, bar.1);
                    bar = (from, to);
                }
                bar.1 = bar.1.max(to);
            }
        }
        add(bar.0, bar.1);
        out.push_str("</span>");
    }
}

/// The position of a time on the axis, in percent.
fn share(at: Micros, length: Micros) -> f64 {
    (at as f64 / (length as f64).max(1.0) * 100.0).clamp(0.0, 100.0)
}

/// The longest value of a field in the row of a line, in characters. The table of the line has all of it.
const MAX_VALUE: usize = 80;

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn item_class(item: &Item) -> &'static str {
    match item.kind {
        ItemKind::Step(_) => "step",
        ItemKind::Call { .. } => "call",
        ItemKind::Unseen(_) => "unseen",
        ItemKind::Line => "line",
        ItemKind::Gap(_) => "gap",
    }
}

fn note(note: &Note, out: &mut String) {
    let symbol = symbol(note.emphasis);
    let label = if note.label.is_empty() {
        symbol
    } else {
        format!("<em>{symbol}{}</em> ", text(&note.label))
    };
    let _ = write!(out, "<small>{label}{}</small>", breakable(&note.text));
}

/// A table of everything in a line.
fn fields(line: &Line) -> String {
    let mut out = String::from("<table>");
    let mut field = |key: &str, value: &str| {
        if !value.is_empty() {
            let lines: Vec<String> = value.split('\n').map(text).collect();
            let value = lines.join("\n");
            let _ = write!(out, "<tr><th scope=\"row\">{}</th><td>{value}</td></tr>", text(key));
        }
    };
    field("written", &format!("{} UTC", date_time(line.at)));
    field("level", &line.level_name);
    field("logger", &line.logger);
    if let Some(seq) = line.seq {
        field("seq", &seq.to_string());
    }
    if line.msg != line.event {
        field("msg", &line.msg);
    }
    for (key, value) in &line.fields {
        let value = match value {
            serde_json::Value::Object(_) | serde_json::Value::Array(_) => {
                serde_json::to_string_pretty(value).unwrap_or_else(|_| value_text(value))
            }
            other => value_text(other),
        };
        field(key, &value);
    }
    out.push_str("</table>");
    out
}
