//! Texts of a story that the terminal and the HTML page share: titles, facts, summaries, and notes.

use std::fmt::Write as _;

use super::diagnosis::{Diagnosis, caller, retries};
use super::gaps::Gap;
use super::model::{Item, ItemKind, Mark, Part, Story};
use super::timings::{dependency_ms, dependency_times, own_times, slowest};
use crate::line::{Level, Line, value_text};
use crate::schema::keys;
use crate::screen::percent;
use crate::time::{format_ms, to_ms};

/// Fields of a step or call that its row shows already.
const SHOWN_FIELDS: [&str; 13] = [
    "step",
    "dependency",
    "operation",
    "duration_ms",
    "outcome",
    "step_id",
    "parent_id",
    "offset_ms",
    "status",
    "grpc_status",
    "retries",
    "error",
    "error_detail",
];

/// The most gaps that the note on missing lines lists. The tree shows all of them.
const MAX_NAMED_GAPS: usize = 12;

/// A note below an item.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) mark: Mark,
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

/// `POST /orders`, or the name of the job.
pub(crate) fn title(part: &Part) -> String {
    let job = part.end_text("job");
    let words = [&part.method, &part.path, &job].map(String::as_str);
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "work outside of HTTP".to_owned() } else { words.join(" ") }
}

/// `504 error`, `grpc 13 error`, `cancelled`, `the end is missing`.
pub(crate) fn status(part: &Part) -> String {
    let Some(end) = &part.end_line else {
        // If lines are missing, the last line may be one of them.
        let is_missing = part.expects_end || part.missing_lines > 0;
        return if is_missing { "the end is missing" } else { "no end is written for it" }
            .to_owned();
    };
    format!("{} {}", end.response_status(), end.text("outcome")).trim().to_owned()
}

/// Facts below the title: start time, ids, user, route, trace, and the call that made the request.
pub(crate) fn facts(story: &Story, index: usize) -> Vec<String> {
    let part = &story.parts[index];
    let (at, zone) = (part.start, &story.zone);
    let mut facts = vec![format!("{} {}", zone.date_time(at), zone.name(at))];
    if index == 0 {
        facts.push(format!("request {}", story.id));
    }
    let route = part.end_text("route");
    let route = if route == part.path { String::new() } else { route };
    let named =
        [("user", &part.user), ("route", &route), ("trace", &part.trace), ("span", &part.span)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
    facts.extend(named.map(|(name, value)| format!("{name} {value}")));
    facts.extend(caller(story, index).map(|call| format!("called by {}", call.name())));
    facts
}

/// Labelled sentences on dependencies and the slowest step, at the service that received the request.
pub(crate) fn summary(story: &Story) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let Some(part) = story.parts.first() else { return rows };
    let times = dependency_times(part);
    if !times.is_empty() {
        let total = part.duration_ms();
        let all = dependency_ms(part);
        let each = times.iter().take(5).map(|time| {
            let calls =
                if time.calls > 1 { format!(" in {} calls", time.calls) } else { String::new() };
            format!("{} {}{calls}", time.name, format_ms(time.ms))
        });
        let each: Vec<String> = each.collect();
        rows.push((
            "dependencies",
            format!("{} of the time: {}", percent(all, total), each.join(", ")),
        ));
    }
    if let Some(lines) = part.lines_left_out() {
        let own = own_times(part);
        let own = own.iter().map(|(name, ms)| format!("{name} {}", format_ms(*ms)));
        let own: Vec<String> = own.collect();
        if !own.is_empty() {
            rows.push(("steps", format!("{} of their own", own.join(", "))));
        }
        let fields = wide_fields(part);
        if !fields.is_empty() {
            rows.push(("fields", fields.join(", ")));
        }
        rows.push(("left out", left_out(part, lines)));
    } else if let Some((index, self_time)) = slowest(part) {
        let item = &part.items[index];
        rows.push(("slowest", format!("{}, {} of its own", item.name(), format_ms(self_time))));
    }
    rows
}

/// Returns the fields that the service added to the end line.
fn wide_fields(part: &Part) -> Vec<String> {
    let fields = part.end_line.iter().flat_map(|end| &end.fields);
    let own = fields.filter(|(key, _)| keys::find(key).is_none());
    own.map(|(key, value)| format!("{key}={}", value_text(value))).collect()
}

/// Explains why steps and calls have no lines.
fn left_out(part: &Part, lines: u64) -> String {
    let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    let is_problem = part.end_line.as_ref().is_some_and(|end| end.level >= Level::Warn);
    let why = if is_problem { "below WARN" } else { "because the request ended well" };
    format!("{lines} {why} (LOG_STORY)")
}

/// The label of the cause: a request that succeeded has none, but it may have had a problem.
pub(crate) fn cause_label(failed: bool) -> &'static str {
    if failed { "likely cause" } else { "first problem" }
}

/// The error's detail at the cause. Consequences with the same detail do not repeat it.
pub(crate) fn cause_detail(story: &Story, diagnosis: &Diagnosis) -> Option<String> {
    let (part, item) = diagnosis.cause?;
    let line = story.parts[part].items[item].line.as_ref()?;
    Some(line.error_detail()).filter(|text| !text.is_empty())
}

/// Notes on an item: its role in the failure, how it failed, and the error's detail.
pub(crate) fn of_item(
    part: &Part,
    item: &Item,
    failed: bool,
    cause_detail: Option<&str>,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let label = match item.mark {
        Mark::Cause => cause_label(failed),
        Mark::Consequence => "consequence",
        Mark::None => "",
    };
    let Some(line) = &item.line else {
        let text = match item.kind {
            ItemKind::Unseen(_) if part.lines_left_out().is_some() => {
                "its line was left out, or it was still open"
            }
            ItemKind::Unseen(_) => "its line is missing: it was still open, or the line was lost",
            _ if item.is_still_open() => "it had not ended when the request was found stuck",
            _ => return notes,
        };
        notes.push(Note { mark: item.mark, label, text: text.to_owned() });
        return notes;
    };
    let text = item_facts(item, line).join(" · ");
    if !text.is_empty() || !label.is_empty() {
        notes.push(Note { mark: item.mark, label, text });
    }
    let detail = line.error_detail();
    let is_new = item.mark == Mark::Cause || cause_detail != Some(&*detail);
    if item.is_span() && !detail.is_empty() && is_new {
        notes.push(Note { mark: Mark::None, label: "", text: detail });
    }
    notes
}

fn item_facts(item: &Item, line: &Line) -> Vec<String> {
    let outcome = item.outcome();
    let mut facts = Vec::new();
    // A successful call without retries has no facts beyond its row.
    if item.mark == Mark::None && outcome == "ok" && line.count("retries") == 0 {
        return facts;
    }
    if item.is_span() && outcome != "ok" {
        facts.push(outcome);
    }
    if item.is_call() {
        match line.response_status() {
            status if status.is_empty() => {}
            status if status.starts_with("grpc") => facts.push(status),
            status => facts.push(format!("status {status}")),
        }
        if line.count("retries") > 0 {
            facts.push(retries(line.count("retries")));
        }
    }
    let error = line.error_class();
    // A cancelled call may have `cancelled` as its error too.
    if item.is_span() && !error.is_empty() && !facts.contains(&error) && error != "status" {
        facts.push(error);
    }
    let url = format!("{} {}", line.text("dependency_method"), line.text("url"));
    if item.is_call() && !url.trim().is_empty() {
        facts.push(url.trim().to_owned());
    }
    facts
}

/// The fields of an item that its row does not show.
pub(crate) fn fields(item: &Item) -> Vec<(String, String)> {
    let Some(line) = &item.line else { return Vec::new() };
    let is_shown = |key: &str| item.is_span() && SHOWN_FIELDS.contains(&key);
    let all =
        line.fields.iter().filter(|(key, value)| !is_shown(key) && !line.repeats_class(key, value));
    all.map(|(key, value)| (key.clone(), value_text(value))).collect()
}

/// The message of a line; for a panic, that of the panic.
pub(crate) fn message(line: &Line) -> String {
    match line.event.as_str() {
        "panic" => format!("panic: {}", line.text("panic_message")),
        _ => line.message().to_owned(),
    }
}

/// Returns the message and the fields of a line; for a step or call, its name and duration.
pub(crate) fn line_text(line: &Line) -> (String, Vec<(String, String)>) {
    let name = match line.event.as_str() {
        "step_timing" => line.text("step"),
        "dependency_call" => {
            format!("→ {} {}", line.text("dependency"), line.text("operation"))
        }
        _ => return (message(line), short_fields(line)),
    };
    let mut message = name;
    if let Some(duration) = line.micros("duration_ms") {
        let _ = write!(message, " {}", format_ms(to_ms(duration)));
    }
    let facts = ["outcome", "error", "error_detail"].map(|key| (key.to_owned(), line.get(key)));
    let facts = facts.into_iter().filter_map(|(key, value)| {
        let value = value_text(value?);
        (!value.is_empty() && value != "ok").then_some((key, value))
    });
    (message, facts.collect())
}

/// The fields in the row of a line, without long ones and those that repeat others.
pub(crate) fn short_fields(line: &Line) -> Vec<(String, String)> {
    let detail = line.text("error_detail");
    let short = line.fields.iter().filter(|(key, value)| match key.as_str() {
        "exc" | "panic_message" => false,
        "error_detail" => !line.message().contains(&detail),
        // The text of an error shows the same values as its fields.
        "error_fields" => detail.is_empty(),
        _ => !line.repeats_class(key, value),
    });
    short.map(|(key, value)| (key.clone(), value_text(value))).collect()
}

/// Notes on lines that a part lacks and on its clock.
pub(crate) fn of_part(part: &Part) -> Vec<String> {
    let mut notes = Vec::new();
    if part.is_unfinished() {
        notes.push(
            "the end is missing: it was still running, the process died, or the line was lost"
                .to_owned(),
        );
    }
    if let Some(missing) = missing_lines(part) {
        notes.push(missing);
    }
    if part.clock_shift != 0 {
        let by = format_ms(to_ms(part.clock_shift.abs()));
        let how = if part.clock_shift < 0 { "ahead of" } else { "behind" };
        notes.push(format!(
            "its clock is about {by} {how} its caller's; it is shown as if they agreed"
        ));
    }
    let suppressed = part.end_count("lines_suppressed");
    if suppressed > 0 {
        notes.push(format!("{suppressed} lines were suppressed by the limit of lines per request"));
    }
    let sampled_away = part.end_count("lines_sampled_away");
    if sampled_away > 0 {
        notes.push(format!("{sampled_away} lines were left out by sampling"));
    }
    notes
}

/// `4 lines are missing (seq 2, 4–6): …`; `None` if no line is missing.
fn missing_lines(part: &Part) -> Option<String> {
    let gaps = part.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Gap(gap) => Some(gap),
        _ => None,
    });
    let mut gaps: Vec<&Gap> = gaps.collect();
    gaps.sort_by_key(|gap| gap.first);
    let named: Vec<String> = gaps.iter().take(MAX_NAMED_GAPS).map(|gap| gap.numbers()).collect();
    let more = if gaps.len() > MAX_NAMED_GAPS { ", …" } else { "" };
    let (lines, they) = match part.missing_lines {
        0 => return None,
        1 => ("1 line is missing".to_owned(), "it may belong to a step, a call or an error"),
        count => {
            (format!("{count} lines are missing"), "steps, calls and errors may be among them")
        }
    };
    Some(format!("{lines} (seq {}{more}): {they}", named.join(", ")))
}

/// Notes on duplicate and omitted lines.
pub(crate) fn of_story(story: &Story) -> Vec<String> {
    let mut notes = Vec::new();
    if story.duplicate_lines > 0 {
        let lines = match story.duplicate_lines {
            1 => "1 line stands".to_owned(),
            count => format!("{count} lines stand"),
        };
        notes.push(format!("{lines} in the input more than once"));
    }
    if story.omitted_lines > 0 {
        notes.push(format!("{} further lines are left out", story.omitted_lines));
    }
    notes
}
