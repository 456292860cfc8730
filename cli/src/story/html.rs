//! Stories as a self-contained HTML page. It has no scripts and loads nothing, and all log content is escaped.

use std::fmt::Write as _;

use super::diagnosis::Diagnosis;
use super::model::{Item, ItemKind, Mark, Part, Severity, Story};
use super::notes::{self, Note};
use crate::line::{Level, value_text};
use crate::markup::{page, text};
use crate::time::{Micros, date_time, format_ms, to_ms};

const STYLE: &str = include_str!("page.css");

pub(crate) fn render(stories: &[(Story, Diagnosis)]) -> String {
    let title = match stories {
        [(story, _)] => format!("{} · {}", heading(story), story.id),
        _ => format!("{} requests", stories.len()),
    };
    let mut out = String::new();
    if stories.len() > 1 {
        contents(stories, &mut out);
    }
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
    let _ = writeln!(out, "<article id=\"r{index}\">");
    for (number, part) in story.parts.iter().enumerate() {
        out.push_str("<section>\n");
        head(story, number, part, out);
        if number == 0 {
            summary(story, diagnosis, out);
        }
        tree(story, part, diagnosis, out);
        for note in notes::of_part(part) {
            let _ = writeln!(out, "<p class=\"missing\">{}</p>", text(&note));
        }
        out.push_str("</section>\n");
    }
    for note in notes::of_story(story) {
        let _ = writeln!(out, "<p class=\"missing\">{}</p>", text(&note));
    }
    out.push_str("</article>\n");
}

fn head(story: &Story, number: usize, part: &Part, out: &mut String) {
    let class = match part.severity() {
        Severity::Good => "good",
        Severity::Warning => "warn",
        Severity::Bad => "bad",
    };
    out.push_str("<header>\n");
    let tag = if number == 0 { "h1" } else { "h2" };
    let service = if part.service.is_empty() {
        String::new()
    } else {
        format!("<span class=\"service\">{}</span> ", text(&part.service))
    };
    let _ = writeln!(
        out,
        "<{tag}>{service}{} <span class=\"end {class}\">{}</span> <span class=\"took\">{}</span></{tag}>",
        text(&notes::title(part)),
        text(&notes::status(part)),
        format_ms(part.duration_ms())
    );
    out.push_str("<ul class=\"facts\">");
    for fact in notes::facts(story, number) {
        let (name, value) = fact.split_once(' ').unwrap_or(("", &fact));
        let _ = write!(out, "<li><span>{}</span> {}</li>", text(name), text(value));
    }
    out.push_str("</ul>\n</header>\n");
}

fn summary(story: &Story, diagnosis: &Diagnosis, out: &mut String) {
    out.push_str("<dl class=\"sums\">\n");
    if let Some((first, details)) = diagnosis.explanation.split_first() {
        let class = if diagnosis.failed { "cause" } else { "first" };
        let label = notes::cause_label(diagnosis.failed);
        let _ = write!(out, "<div class=\"{class}\"><dt>{label}</dt><dd>{}", text(first));
        for detail in details {
            let _ = write!(out, "<small>{}</small>", text(detail));
        }
        out.push_str("</dd></div>\n");
    }
    for (label, sentence) in notes::summary(story) {
        let _ = writeln!(out, "<div><dt>{label}</dt><dd>{}</dd></div>", text(&sentence));
    }
    out.push_str("</dl>\n");
}

fn tree(story: &Story, part: &Part, diagnosis: &Diagnosis, out: &mut String) {
    let length = to_ms(story.end - story.start);
    out.push_str("<div class=\"tree\">\n<div class=\"axis\" aria-hidden=\"true\"><span></span><span>start</span><span>took</span><span class=\"ticks\">");
    for quarter in 0..=4 {
        let at = length * f64::from(quarter) / 4.0;
        let label = if quarter == 0 { "0".to_owned() } else { format_ms(at) };
        let _ = write!(out, "<i style=\"--at:{}%\">{label}</i>", quarter * 25);
    }
    out.push_str("</span></div>\n");
    let detail = notes::cause_detail(story, diagnosis);
    for (index, depth) in &part.order {
        let item = &part.items[*index];
        let notes = notes::of_item(part, item, diagnosis.failed, detail.as_deref());
        row(story, item, *depth, &notes, out);
    }
    out.push_str("</div>\n");
}

fn row(story: &Story, item: &Item, depth: usize, notes: &[Note], out: &mut String) {
    let kind = match item.kind {
        ItemKind::Step(_) => "step",
        ItemKind::Call { .. } => "call",
        ItemKind::Unseen(_) => "unseen",
        ItemKind::Line => "line",
        ItemKind::Gap(_) => "gap",
    };
    let mark = match item.mark {
        Mark::Cause => " cause",
        Mark::Consequence => " follows",
        Mark::None => "",
    };
    let level = match item.level() {
        Level::Error => " error",
        Level::Warn => " warning",
        Level::Info | Level::Debug => "",
    };
    let unfinished = if item.is_still_open() { " open" } else { "" };
    let fields = fields(item);
    let (open, close) = if fields.is_empty() {
        ("<div class=\"summary\">", "</div>")
    } else {
        ("<summary>", "</summary>")
    };
    let outer = if fields.is_empty() { "div" } else { "details" };
    let _ = write!(
        out,
        "<{outer} class=\"{kind}{mark}{level}{unfinished}\" style=\"--depth:{depth}\">{open}"
    );
    let _ = write!(out, "<span class=\"name\"><b>{}</b></span>", name(item));
    let duration = match (item.is_span(), &item.line) {
        (true, Some(_)) => format_ms(item.duration_ms()),
        (true, None) => "?".to_owned(),
        (false, _) => String::new(),
    };
    let _ = write!(
        out,
        "<span class=\"number\">{}</span><span class=\"number\">{duration}</span>",
        format_ms(to_ms(item.start - story.start))
    );
    bar(story, item, out);
    if !notes.is_empty() {
        out.push_str("<span class=\"notes\">");
        for note in notes {
            self::note(note, out);
        }
        out.push_str("</span>");
    }
    let _ = writeln!(out, "{close}{fields}</{outer}>");
}

fn name(item: &Item) -> String {
    match (&item.kind, &item.line) {
        (ItemKind::Line, Some(line)) => format!(
            "<span class=\"level\">{}</span> {}",
            text(&line.level_name),
            text(&notes::message(line))
        ),
        (ItemKind::Call { dependency, operation }, _) => {
            format!("<span class=\"to\">→ {}</span> {}", text(dependency), text(operation))
        }
        _ => text(&item.name()),
    }
}

fn note(note: &Note, out: &mut String) {
    let label =
        if note.label.is_empty() { String::new() } else { format!("<em>{}</em> ", note.label) };
    let _ = write!(out, "<small>{label}{}</small>", text(&note.text));
}

fn bar(story: &Story, item: &Item, out: &mut String) {
    let length = ((story.end - story.start) as f64).max(1.0);
    let share = |micros: Micros| (micros as f64 / length * 100.0).clamp(0.0, 100.0);
    let from = share(item.start - story.start);
    let width = share(item.end - item.start).min(100.0 - from);
    let _ = write!(
        out,
        "<span class=\"bar\" aria-hidden=\"true\"><i style=\"--from:{from:.3}%;--width:{width:.3}%\"></i></span>"
    );
}

/// A table of everything in the item's line; empty for an item without a line.
fn fields(item: &Item) -> String {
    let Some(line) = &item.line else { return String::new() };
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
