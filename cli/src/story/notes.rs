//! What is said of a story beside its tree, in the same words on the terminal and on the page.

use super::model::{Item, Kind, Mark, Part, Story};
use super::verdict::{dependency_ms, retries, shares, slowest};
use crate::line::{Line, plain};
use crate::read::time::took;
use crate::screen::percent;

/// Fields that the tree shows in other ways.
const SHOWN: [&str; 12] = [
    "step",
    "dependency",
    "operation",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "status",
    "retries",
    "error",
    "error_detail",
];

/// What is said below an item.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) mark: Mark,
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

/// `POST /orders`, or what there is.
pub(crate) fn title(part: &Part) -> String {
    let job = part.close.as_ref().map(|close| close.text("job")).unwrap_or_default();
    let words = [&part.method, &part.path, &job].map(String::as_str);
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "work outside of HTTP".to_owned() } else { words.join(" ") }
}

/// `504 error`, `cancelled`, `no end`.
pub(crate) fn ending(part: &Part) -> String {
    let Some(close) = &part.close else {
        return if part.wants_end { "the end is missing" } else { "no end is written for it" }
            .to_owned();
    };
    format!("{} {}", close.text("status"), close.text("outcome")).trim().to_owned()
}

/// Who and where.
pub(crate) fn facts(part: &Part) -> Vec<String> {
    let route = part.close.as_ref().map(|close| close.text("route")).unwrap_or_default();
    let route = if route == part.path { String::new() } else { route };
    [("user", &part.user), ("route", &route), ("trace", &part.trace), ("span", &part.span)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name} {value}"))
        .collect()
}

/// The sums of the request, at the service that was asked first.
pub(crate) fn sums(story: &Story) -> Vec<(&'static str, String)> {
    let mut sums = Vec::new();
    let Some(part) = story.parts.first() else { return sums };
    let shares = shares(part);
    if !shares.is_empty() {
        let total = part.took_ms();
        let all = dependency_ms(part);
        let each = shares.iter().take(5).map(|share| {
            let calls =
                if share.calls > 1 { format!(" in {} calls", share.calls) } else { String::new() };
            format!("{} {}{calls}", share.name, took(share.ms))
        });
        let each: Vec<String> = each.collect();
        sums.push((
            "dependencies",
            format!("{} of the time: {}", percent(all, total), each.join(", ")),
        ));
    }
    if let Some((index, own)) = slowest(part) {
        let item = &part.items[index];
        sums.push(("slowest", format!("{}, {} of its own", item.name(), took(own))));
    }
    sums
}

/// What an item has to say: how it failed, what it was to the end.
pub(crate) fn of_item(item: &Item, is_bad: bool, cause_detail: Option<&str>) -> Vec<Note> {
    let mut notes = Vec::new();
    let label = match item.mark {
        Mark::Cause if is_bad => "likely cause",
        Mark::Cause => "first problem",
        Mark::Consequence => "consequence",
        Mark::None => "",
    };
    let Some(line) = &item.line else {
        let text = match item.kind {
            Kind::Unseen(_) => "its line is missing: it was still open, or the line was lost",
            _ if item.is_still_open() => "it had not ended when the request was found stuck",
            _ => return notes,
        };
        notes.push(Note { mark: item.mark, label, text: text.to_owned() });
        return notes;
    };
    let text = facts_of(item, line).join(" · ");
    if !text.is_empty() || !label.is_empty() {
        notes.push(Note { mark: item.mark, label, text });
    }
    let detail = line.text("error_detail");
    let is_new = item.mark == Mark::Cause || cause_detail != Some(&*detail);
    if item.is_span() && !detail.is_empty() && is_new {
        notes.push(Note { mark: Mark::None, label: "", text: detail });
    }
    notes
}

fn facts_of(item: &Item, line: &Line) -> Vec<String> {
    let outcome = item.outcome();
    let mut facts = Vec::new();
    // A call that went well needs no second row.
    if item.mark == Mark::None && outcome == "ok" && line.count("retries") == 0 {
        return facts;
    }
    if item.is_span() && outcome != "ok" {
        facts.push(outcome);
    }
    if item.is_call() {
        if line.get("status").is_some_and(|status| !status.is_null()) {
            facts.push(format!("status {}", line.text("status")));
        }
        if line.count("retries") > 0 {
            facts.push(retries(line.count("retries")));
        }
    }
    let error = line.text("error");
    // `cancelled · cancelled` says it once too often.
    if item.is_span() && !error.is_empty() && !facts.contains(&error) && error != "status" {
        facts.push(error);
    }
    let url = format!("{} {}", line.text("dependency_method"), line.text("url"));
    if item.is_call() && !url.trim().is_empty() {
        facts.push(url.trim().to_owned());
    }
    facts
}

/// All fields of an item that its row does not show.
pub(crate) fn fields(item: &Item) -> Vec<(String, String)> {
    let Some(line) = &item.line else { return Vec::new() };
    let all =
        line.fields.iter().filter(|(key, _)| !item.is_span() || !SHOWN.contains(&key.as_str()));
    all.map(|(key, value)| (key.clone(), plain(value))).collect()
}

/// What a line says; a panic's word is its message.
pub(crate) fn message(line: &Line) -> String {
    match line.event.as_str() {
        "panic" => format!("panic: {}", line.text("panic_message")),
        _ => line.msg.clone(),
    }
}

/// A line's own fields, as far as they fit in a row.
pub(crate) fn short_fields(line: &Line) -> Vec<(String, String)> {
    let own = line.fields.iter().filter(|(key, _)| key != "exc" && key != "panic_message");
    own.map(|(key, value)| (key.clone(), plain(value))).collect()
}

/// What is missing of a part.
pub(crate) fn of_part(part: &Part) -> Vec<String> {
    let mut notes = Vec::new();
    if part.is_unfinished() {
        notes.push(
            "the end is missing: it was still running, the process died, or the line was lost"
                .to_owned(),
        );
    }
    if part.moved != 0 {
        let by = took(part.moved.unsigned_abs() as f64 / 1e3);
        let how = if part.moved < 0 { "ahead of" } else { "behind" };
        notes.push(format!(
            "its clock is about {by} {how} its caller's; it is shown as if they agreed"
        ));
    }
    let suppressed = part.close.as_ref().map_or(0, |close| close.count("lines_suppressed"));
    if suppressed > 0 {
        notes.push(format!("{suppressed} lines were suppressed by the limit of lines per request"));
    }
    let sampled_away = part.close.as_ref().map_or(0, |close| close.count("lines_sampled_away"));
    if sampled_away > 0 {
        notes.push(format!("{sampled_away} lines were left out by sampling"));
    }
    notes
}

/// What is missing of the story.
pub(crate) fn of_story(story: &Story) -> Vec<String> {
    let mut notes = Vec::new();
    if story.repeated > 0 {
        let lines = if story.repeated == 1 {
            "1 line stands"
        } else {
            &format!("{} lines stand", story.repeated)
        };
        notes.push(format!("{lines} in the input more than once"));
    }
    if story.left_out > 0 {
        notes.push(format!("{} further lines are left out", story.left_out));
    }
    notes
}
