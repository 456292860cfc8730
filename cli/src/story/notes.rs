//! Texts of a story that the terminal and the HTML page share: titles, facts, summaries, and notes.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::diagnosis::{Diagnosis, retries};
use super::gaps::Gap;
use super::model::{Item, ItemKind, Mark, Part, Severity, Story};
use super::rows::{NodeKind, Repeated, StoryTree};
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

/// The most sentences on equal calls.
const MAX_REPETITIONS: usize = 3;

/// The longest name of a cause that its consequences repeat, in characters.
const MAX_CAUSE_NAME: usize = 40;
/// The shortest error text, in bytes, that other rows refer to. Shorter ones can be part of another text by chance.
const MIN_ERROR_TEXT: usize = 8;

/// How a row or note stands out, by a symbol that does not depend on colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emphasis {
    None,
    /// The likely cause of a failure.
    Cause,
    /// A consequence of the cause.
    Consequence,
    /// Any other problem.
    Problem,
}

impl Emphasis {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Emphasis::None => "",
            Emphasis::Cause => "✗",
            Emphasis::Consequence => "↳",
            Emphasis::Problem => "!",
        }
    }
}

/// A note below a row.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) emphasis: Emphasis,
    pub(crate) label: String,
    pub(crate) text: String,
}

impl Note {
    /// A note that does not stand out.
    pub(crate) fn plain(text: String) -> Self {
        Note { emphasis: Emphasis::None, label: String::new(), text }
    }
}

/// The cause of a failure as the notes of other rows refer to it, and the texts of other errors.
#[derive(Debug)]
pub(crate) struct CauseText<'a> {
    failed: bool,
    is_known: bool,
    /// The name of the step or call; empty if it is long, or if the cause is another line.
    name: String,
    /// The text of the error, which other rows do not repeat.
    detail: String,
    /// The first item in time of each text of an error, which shows it.
    first: HashMap<String, &'a Item>,
}

/// `POST /orders`, or the name of the job.
pub(crate) fn title(part: &Part) -> String {
    let job = part.end_text("job");
    let words = [&part.method, &part.path, &job].map(String::as_str);
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "work outside of HTTP".to_owned() } else { words.join(" ") }
}

/// `504 error`, `grpc 13 error`, `cancelled`, `the completion line is missing`.
pub(crate) fn status(part: &Part) -> String {
    let Some(end) = &part.end_line else {
        // If lines are missing, the last line may be one of them.
        let is_missing = part.expects_end || part.missing_lines > 0;
        return if is_missing {
            "the completion line is missing"
        } else {
            "no completion line is written for it"
        }
        .to_owned();
    };
    format!("{} {}", end.response_status(), end.text("outcome")).trim().to_owned()
}

/// Facts below the title: start time, ids, user and route.
pub(crate) fn facts(story: &Story) -> Vec<String> {
    let Some(part) = story.parts.first() else { return Vec::new() };
    let (at, zone) = (part.start, &story.zone);
    let start = format!("{} {}", zone.date_time(at), zone.name(at));
    let mut facts = vec![start, format!("request {}", story.id)];
    facts.extend(named_facts(part, None));
    let span = Some(&part.span).filter(|span| !span.is_empty());
    facts.extend(span.map(|span| format!("span {span}")));
    facts
}

/// `user 41`, `route /orders`, `trace …`, without those that `outer` has too.
fn named_facts(part: &Part, outer: Option<&Part>) -> Vec<String> {
    let route = part.end_text("route");
    let route = if route == part.path { String::new() } else { route };
    let is_new = |own: &String, outer: Option<&String>| !own.is_empty() && outer != Some(own);
    [
        ("user", &part.user, outer.map(|outer| &outer.user)),
        ("route", &route, None),
        ("trace", &part.trace, outer.map(|outer| &outer.trace)),
    ]
    .into_iter()
    .filter(|(_, own, outer)| is_new(own, *outer))
    .map(|(name, value, _)| format!("{name} {value}"))
    .collect()
}

/// How the row of a request stands out.
fn request_emphasis(part: &Part, cause: &CauseText<'_>) -> Emphasis {
    match part.severity() {
        Severity::Good => Emphasis::None,
        _ if cause.failed && cause.is_known => Emphasis::Consequence,
        _ => Emphasis::Problem,
    }
}

/// Notes on the row of a request, in a story of several: how it ended, its ids, and the lines that it lacks.
pub(crate) fn of_request(story: &Story, index: usize, cause: &CauseText<'_>) -> Vec<Note> {
    let part = &story.parts[index];
    let mut notes = Vec::new();
    // The title of the story has the facts of the first request.
    if let Some(first) = story.parts.first().filter(|_| index > 0) {
        let emphasis = request_emphasis(part, cause);
        let status = status(part);
        let shows_status = emphasis != Emphasis::None && part.end_line.is_some();
        let text: Vec<String> = Some(status)
            .filter(|_| shows_status)
            .into_iter()
            .chain(named_facts(part, Some(first)))
            .collect();
        let emphasis = if shows_status { emphasis } else { Emphasis::None };
        if !text.is_empty() {
            notes.push(Note { emphasis, label: String::new(), text: text.join(" · ") });
        }
    }
    let missing = of_part(part).into_iter();
    notes.extend(missing.map(|text| Note {
        emphasis: Emphasis::Problem,
        label: String::new(),
        text,
    }));
    notes
}

/// Labelled sentences on dependencies and the slowest step, at the service that received the request.
pub(crate) fn summary(story: &Story, tree: &StoryTree<'_>) -> Vec<(&'static str, String)> {
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
    rows.extend(repetitions(story, tree));
    rows
}

/// Labelled sentences on equal calls that ran one after another.
pub(crate) fn repetitions(story: &Story, tree: &StoryTree<'_>) -> Vec<(&'static str, String)> {
    let mut calls = tree.repeated(story);
    calls.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
    calls.iter().take(MAX_REPETITIONS).map(|call| ("repeated", repeated(call))).collect()
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

impl<'a> CauseText<'a> {
    pub(crate) fn new(story: &'a Story, diagnosis: &Diagnosis) -> Self {
        let cause = diagnosis.cause.map(|(part, item)| &story.parts[part].items[item]);
        let name = cause.filter(|cause| cause.is_span()).map(Item::name);
        let detail = cause.and_then(|cause| cause.line.as_ref()).map(Line::error_detail);
        CauseText {
            failed: diagnosis.failed,
            is_known: cause.is_some(),
            name: name.filter(|name| name.chars().count() <= MAX_CAUSE_NAME).unwrap_or_default(),
            detail: detail.filter(|detail| detail.len() >= MIN_ERROR_TEXT).unwrap_or_default(),
            first: first_with_text(story),
        }
    }

    /// Whether another item shows the text.
    fn is_shown_elsewhere(&self, item: &Item, text: &str) -> bool {
        self.first.get(text).is_some_and(|first| !std::ptr::eq(*first, item))
    }

    /// Replaces the text of the cause's error within another text by a reference to it. `None` if nothing
    /// else is in the text.
    fn refer(&self, text: &str) -> Option<String> {
        if self.detail.is_empty() || !text.contains(&self.detail) {
            return Some(text.to_owned());
        }
        (text != self.detail).then(|| text.replace(&self.detail, &self.reference()))
    }

    fn shortened(&self, text: &str) -> String {
        self.refer(text).unwrap_or_else(|| self.reference())
    }

    fn reference(&self) -> String {
        let cause = if self.name.is_empty() { "the cause" } else { &self.name };
        format!("(error of {cause})")
    }
}

/// Returns the item with each text of an error that ended first. A line without a duration may have the text as its
/// message.
fn first_with_text(story: &Story) -> HashMap<String, &Item> {
    let mut first: HashMap<String, &Item> = HashMap::new();
    for item in story.parts.iter().flat_map(|part| &part.items) {
        let Some(line) = &item.line else { continue };
        let text = match line.error_detail() {
            text if text.is_empty() && !item.is_span() => message(line),
            text => text,
        };
        if text.len() >= MIN_ERROR_TEXT {
            let known = first.entry(text).or_insert(item);
            if item.end < known.end {
                *known = item;
            }
        }
    }
    first
}

/// How the row of a step, call or line stands out.
fn item_emphasis(item: &Item, cause: &CauseText<'_>) -> Emphasis {
    let is_problem = || {
        let outcome = item.outcome();
        let retries = item.line.as_ref().map_or(0, |line| line.count("retries"));
        item.is_span() && (!matches!(outcome.as_str(), "" | "ok") || retries > 0)
    };
    match item.mark {
        Mark::Cause if cause.failed => Emphasis::Cause,
        Mark::Cause => Emphasis::Problem,
        Mark::Consequence => Emphasis::Consequence,
        Mark::None if is_problem() => Emphasis::Problem,
        Mark::None => Emphasis::None,
    }
}

/// How a row stands out.
pub(crate) fn node_emphasis(
    story: &Story,
    tree: &StoryTree<'_>,
    node: usize,
    cause: &CauseText<'_>,
) -> Emphasis {
    match &tree.nodes[node].kind {
        NodeKind::Request(part) => request_emphasis(&story.parts[*part], cause),
        NodeKind::Item { item, .. } => item_emphasis(item, cause),
        NodeKind::Folded(_) if tree.is_repeated(node) => Emphasis::Problem,
        NodeKind::Folded(_) => Emphasis::None,
    }
}

/// Notes on an item: its role in the failure, how it failed, and the text of its error.
///
/// If `has_cause_text`, the text of the cause's error is below the cause. Otherwise it is above the tree.
pub(crate) fn of_item(
    part: &Part,
    item: &Item,
    cause: &CauseText<'_>,
    has_cause_text: bool,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let emphasis = item_emphasis(item, cause);
    let label = match item.mark {
        Mark::Cause => cause_label(cause.failed).to_owned(),
        Mark::Consequence if cause.name.is_empty() => "consequence".to_owned(),
        Mark::Consequence => format!("consequence of {}", cause.name),
        Mark::None => String::new(),
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
        notes.push(Note { emphasis, label, text: text.to_owned() });
        return notes;
    };
    let text = item_facts(item, line).join(" · ");
    if !text.is_empty() || !label.is_empty() {
        notes.push(Note { emphasis, label, text });
    }
    let detail = match item.mark {
        Mark::Cause if has_cause_text => Some(line.error_detail()),
        Mark::Cause => None,
        _ => cause.refer(&line.error_detail()).filter(|text| !cause.is_shown_elsewhere(item, text)),
    };
    if let Some(text) = detail.filter(|text| item.is_span() && !text.is_empty()) {
        notes.push(Note::plain(text));
    }
    notes
}

/// `1.10–4.00 ms each, 95.0 ms in all`
pub(crate) fn of_folded(tree: &StoryTree<'_>, members: &[usize]) -> String {
    let (least, most) = tree.range_ms(members);
    let (least, most) = (format_ms(least), format_ms(most));
    let each = if least == most {
        least
    } else {
        let least = match (least.split_once(' '), most.split_once(' ')) {
            (Some((number, unit)), Some((_, other))) if unit == other => number,
            _ => &least,
        };
        format!("{least}–{most}")
    };
    format!("{each} each, {} in all", format_ms(tree.total_ms(members)))
}

/// A sentence on equal calls that ran one after another.
fn repeated(call: &Repeated) -> String {
    let at = if call.service.is_empty() { String::new() } else { format!(", at {}", call.service) };
    format!(
        "{} was called {} times, one after another, {} in all{at}: \
         one call for all of them may be faster (N+1)",
        call.name,
        call.count,
        format_ms(call.total_ms)
    )
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
fn message(line: &Line) -> String {
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

/// The message of a line within a tree. It refers to the text of the cause's error.
pub(crate) fn tree_message(item: &Item, line: &Line, cause: &CauseText<'_>) -> String {
    let message = message(line);
    if item.mark == Mark::Cause { message } else { cause.shortened(&message) }
}

/// The fields in the row of a line within a tree. They refer to the text of the cause's error.
pub(crate) fn tree_fields(
    item: &Item,
    line: &Line,
    cause: &CauseText<'_>,
) -> Vec<(String, String)> {
    let mut fields = short_fields(line);
    if item.mark != Mark::Cause {
        for (_, value) in &mut fields {
            *value = cause.shortened(value);
        }
    }
    fields
}

/// The fields in the row of a line, without long ones and those that repeat others.
fn short_fields(line: &Line) -> Vec<(String, String)> {
    let detail = line.text("error_detail");
    let short = line.fields.iter().filter(|(key, value)| match key.as_str() {
        "exc" | "panic_message" => false,
        "error_detail" => !line.message().contains(&detail),
        "error" | "err" if value_text(value) == line.message() => false,
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
            "the completion line is missing: the request was still running, the process ended, or the line was lost"
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
            "its clock is about {by} {how} its caller's; its times are shifted to match"
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
            1 => "1 line is".to_owned(),
            count => format!("{count} lines are"),
        };
        notes.push(format!("{lines} in the input more than once"));
    }
    if story.omitted_lines > 0 {
        notes.push(format!("{} more lines are left out", story.omitted_lines));
    }
    notes
}
