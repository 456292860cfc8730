//! Finds the likely cause of a failure.
//!
//! The cause is the step that the end line names; else, for an unfinished request, the innermost step that is
//! still open; else, for a cancelled request, the innermost span that was cancelled; else the first problem in
//! time. If the cause is a failed call and the input has lines of the called service, the search continues
//! there.

use super::callers::CallIndex;
use super::clocks::is_within;
use super::model::{Item, Mark, Part, Story};
use crate::line::{Level, UNKNOWN_CLASS, cause_category};
use crate::time::format_ms;

/// The likely cause of a failure. If the request succeeded, the first problem in it.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    /// Indexes of the part and the item.
    pub(crate) cause: Option<(usize, usize)>,
    /// Sentences, the most important first.
    pub(crate) explanation: Vec<String>,
    pub(crate) failed: bool,
}

/// Finds the cause, and marks it and its consequences in the story.
pub(crate) fn diagnose(story: &mut Story) -> Diagnosis {
    let calls = CallIndex::new(story);
    // A request may end well although a call of it failed in the called service.
    let first_failed = story.parts.iter().enumerate().position(|(index, part)| {
        part.has_failed() && (index == 0 || calls.caller(index).is_none())
    });
    let failed = first_failed.is_some();
    let named = first_failed.and_then(|part| Some((part, cause_in(&story.parts[part])?)));
    let first = || {
        let all = story.parts.iter().enumerate();
        let problems = all.filter_map(|(index, part)| Some((index, first_problem(part)?)));
        problems.min_by_key(|(part, item)| story.parts[*part].items[*item].end)
    };
    // The first problem in the story is not the cause if the last line names another one.
    let is_lost = first_failed.is_some_and(|part| has_lost_cause(&story.parts[part]));
    let cause = if is_lost { None } else { named.or_else(first) };
    let cause = cause.map(|found| follow_calls(story, found));
    if let Some((part, item)) = cause {
        mark(story, part, item, failed);
    }
    let explanation = explain(story, cause, failed);
    Diagnosis { cause, explanation, failed }
}

/// Whether the last line names a step as the cause, and the line of that step is missing.
fn has_lost_cause(part: &Part) -> bool {
    let has_line =
        |id| part.items.iter().any(|item| item.step_id == Some(id) && item.line.is_some());
    part.missing_lines > 0 && named_cause(part).is_some_and(|id| !has_line(id))
}

/// The step that the last line names as the cause.
fn named_cause(part: &Part) -> Option<u64> {
    part.end_line.as_ref()?.get("cause")?.get("step_id")?.as_u64()
}

/// The item that explains why the part failed.
fn cause_in(part: &Part) -> Option<usize> {
    let named = named_cause(part);
    let by_id = |id| part.items.iter().position(|item| item.is_span() && item.step_id == Some(id));
    let dropped = (part.outcome() == "cancelled").then(|| first_cancelled(part)).flatten();
    // `request_stuck` lists the innermost open step last.
    let stuck = || part.items.iter().rposition(Item::is_still_open);
    let stuck = part.is_unfinished().then(stuck).flatten();
    named
        .and_then(by_id)
        .or(stuck)
        .or(dropped)
        .or_else(|| first_problem(part))
        .or_else(|| first_cancelled(part))
}

/// The first item at WARN or above.
fn first_problem(part: &Part) -> Option<usize> {
    let problems = part.items.iter().enumerate().filter(|(_, item)| item.level() >= Level::Warn);
    problems.min_by_key(|(_, item)| item.end).map(|(index, _)| index)
}

/// The innermost span that was cancelled: it ends first, and of several it starts last.
fn first_cancelled(part: &Part) -> Option<usize> {
    let cancelled = part.items.iter().enumerate().filter(|(_, item)| item.outcome() == "cancelled");
    cancelled
        .min_by_key(|(_, item)| (item.end, std::cmp::Reverse(item.start)))
        .map(|(index, _)| index)
}

/// Follows failed calls into the part of the called service, as far as the input has its lines.
fn follow_calls(story: &Story, mut found: (usize, usize)) -> (usize, usize) {
    for _ in 0..story.parts.len() {
        let call = &story.parts[found.0].items[found.1];
        if !call.is_call() {
            break;
        }
        let callee =
            story.parts.iter().enumerate().find(|(index, part)| {
                *index != found.0 && part.has_failed() && is_within(part, call)
            });
        let Some((part, item)) = callee.and_then(|(index, part)| Some((index, cause_in(part)?)))
        else {
            break;
        };
        found = (part, item);
    }
    found
}

/// Marks the cause and, if the request failed, the later problems as its consequences.
fn mark(story: &mut Story, cause_part: usize, cause: usize, failed: bool) {
    let at = story.parts[cause_part].items[cause].end;
    for (part_index, part) in story.parts.iter_mut().enumerate() {
        for index in 0..part.items.len() {
            let item = &part.items[index];
            let is_cause = part_index == cause_part && index == cause;
            // Lines inside the step that failed are part of the cause.
            let is_part_of_cause = part_index == cause_part && item.parent == Some(cause);
            let is_consequence = failed
                && item.end >= at
                && (item.level() >= Level::Warn || has_bad_outcome(item))
                && !is_part_of_cause;
            part.items[index].mark = match (is_cause, is_consequence) {
                (true, _) => Mark::Cause,
                (false, true) => Mark::Consequence,
                (false, false) => Mark::None,
            };
        }
    }
}

fn has_bad_outcome(item: &Item) -> bool {
    item.is_span() && !matches!(item.outcome().as_str(), "" | "ok")
}

fn explain(story: &Story, cause: Option<(usize, usize)>, failed: bool) -> Vec<String> {
    let is_unfinished = story.parts.iter().any(Part::is_unfinished);
    let mut sentences = Vec::new();
    if let Some((part, item)) = cause {
        sentences.extend(describe(&story.parts[part], item));
        let service = &story.parts[part].service;
        if story.parts.len() > 1
            && !service.is_empty()
            && let Some(first) = sentences.first_mut()
        {
            *first = format!("{first}, at {service}");
        }
    } else if is_unfinished {
        sentences.push("no line shows an error".to_owned());
        let unfinished = story.parts.iter().filter(|part| part.is_unfinished());
        let mut items = unfinished.flat_map(|part| &part.items);
        let open = items.rfind(|item| item.is_span() && item.line.is_none());
        sentences
            .extend(open.map(|item| format!("{} had not ended at the last line", item.name())));
    } else if failed {
        let is_whole = !story.is_incomplete();
        sentences.extend(story.parts.iter().find_map(|part| explain_end(part, is_whole)));
        if sentences.is_empty() {
            let is_whole = !story.is_incomplete();
            sentences.push(
                if is_whole {
                    "no step, call or line shows the cause"
                } else {
                    "the lines that were found do not show the cause, and others are missing"
                }
                .to_owned(),
            );
        }
    }
    sentences
}

/// An explanation from the end line, for a failure that no other line explains.
/// `is_whole` is whether the story has all lines.
fn explain_end(part: &Part, is_whole: bool) -> Option<String> {
    let end = part.end_line.as_ref().filter(|_| part.has_failed())?;
    let cause = end.get("cause");
    let member = |key| cause.and_then(|cause| cause.get(key)?.as_str()).unwrap_or_default();
    let name = [member("dependency"), member("step")].join(" ");
    let category = match cause.map(cause_category).unwrap_or_default() {
        category if category.is_empty() || category == UNKNOWN_CLASS => "failed".to_owned(),
        category => category,
    };
    let error = [end.error_class(), end.error_detail()];
    let error: Vec<String> = error.into_iter().filter(|text| !text.is_empty()).collect();
    if end.text("outcome") == "ok" && name.trim().is_empty() && error.is_empty() {
        let status = end.response_status();
        return Some(if is_whole {
            format!("responded with {status}; every step and call succeeded")
        } else {
            format!(
                "responded with {status}; the lines that were found do not show the cause, and others are missing"
            )
        });
    }
    match (name.trim(), error.join(": ")) {
        ("", error) if error.is_empty() => None,
        ("", error) => Some(error),
        (name, error) if error.is_empty() => Some(format!(
            "{name}: {category}, according to the completion line; its own line is missing"
        )),
        (name, error) => Some(format!("{name}: {error}; its own line is missing")),
    }
}

/// Describes an item: `payments charge: timeout after 401 ms`, then the error's detail.
fn describe(part: &Part, index: usize) -> Vec<String> {
    let item = &part.items[index];
    let Some(line) = &item.line else {
        return vec![format!("{}: no end after {}", item.name(), format_ms(item.duration_ms()))];
    };
    if !item.is_span() {
        let detail = [line.error_class(), line.error_detail(), line.text("panic_message")];
        let detail =
            detail.into_iter().filter(|text| !text.is_empty() && !line.message().contains(text));
        return std::iter::once(line.message().to_owned()).chain(detail).collect();
    }
    let time = format_ms(item.duration_ms());
    let status = line.response_status();
    let how = match (item.outcome().as_str(), line.error_class()) {
        // Only a request that was dropped is the reason; other futures are dropped in `select!`, for example.
        ("cancelled", _) if part.outcome() == "cancelled" => {
            let what = if part.end_text("job").is_empty() { "request" } else { "job" };
            format!("cancelled after {time}, when the {what} was dropped")
        }
        ("cancelled", _) => format!("cancelled after {time}"),
        ("panicked", _) => format!("panicked after {time}"),
        ("error", error) if error == "status" && !status.is_empty() => {
            format!("responded with {status} after {time}")
        }
        ("error", error) if error.is_empty() => format!("failed after {time}"),
        ("error", error) => format!("{error} after {time}"),
        _ if line.count("retries") > 0 => {
            format!("worked after {}", retries(line.count("retries")))
        }
        _ => format!("took {time}"),
    };
    let mut sentences = vec![format!("{}: {how}", item.name())];
    let detail = line.error_detail();
    if !detail.is_empty() {
        sentences.push(detail);
    }
    let within = part.items.iter().filter(|inner| inner.parent == Some(index));
    for inner in within.filter_map(|inner| inner.line.as_ref()) {
        if inner.event == "panic" {
            sentences.push(format!(
                "{} at {}",
                inner.text("panic_message"),
                inner.text("location")
            ));
        }
    }
    sentences
}

/// `1 retry`, `2 retries`.
pub(crate) fn retries(count: u64) -> String {
    if count == 1 { "1 retry".to_owned() } else { format!("{count} retries") }
}
