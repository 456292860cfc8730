//! What the lines say about why a request ended as it did.

use super::clocks::is_within;
use super::model::{Item, Kind, Mark, Part, Story};
use crate::line::Level;
use crate::read::time::{Micros, took};

/// What one would say of a request first.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// The part and item that explains the rest.
    pub(crate) cause: Option<(usize, usize)>,
    /// In words, the most important first.
    pub(crate) words: Vec<String>,
    /// Whether the request ended badly; else the cause is only the first problem.
    pub(crate) is_bad: bool,
}

/// The part of a request's time with a call open.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) ms: f64,
    pub(crate) calls: usize,
}

/// Marks the likely cause and what follows from it.
pub(crate) fn judge(story: &mut Story) -> Verdict {
    let is_bad = story.parts.iter().any(Part::is_bad);
    let entry = (0..story.parts.len()).find(|part| story.parts[*part].is_bad());
    let mut cause = match entry {
        Some(part) => cause_in(&story.parts[part]).map(|item| (part, item)),
        None => None,
    };
    cause = cause.or_else(|| {
        let all = story.parts.iter().enumerate();
        let problems = all.filter_map(|(part, p)| Some((part, first_problem(p)?)));
        problems.min_by_key(|(part, item)| story.parts[*part].items[*item].end)
    });
    if let Some(found) = cause {
        cause = Some(followed(story, found));
    }
    if let Some((part, item)) = cause {
        mark(story, part, item, is_bad);
    }
    let words = words(story, cause, is_bad);
    Verdict { cause, words, is_bad }
}

fn cause_in(part: &Part) -> Option<usize> {
    let named = part.close.as_ref().and_then(|close| close.get("cause")?.get("step_id")?.as_u64());
    let by_id = |id| part.items.iter().position(|item| item.is_span() && item.step_id == Some(id));
    let dropped = (part.outcome() == "cancelled").then(|| first_cancelled(part)).flatten();
    // What never ended waits for the innermost that did not.
    let stuck = || part.items.iter().rposition(Item::is_still_open);
    let stuck = part.is_unfinished().then(stuck).flatten();
    named
        .and_then(by_id)
        .or(stuck)
        .or(dropped)
        .or_else(|| first_problem(part))
        .or_else(|| first_cancelled(part))
}

fn first_problem(part: &Part) -> Option<usize> {
    let problems = part.items.iter().enumerate().filter(|(_, item)| item.level() >= Level::Warn);
    problems.min_by_key(|(_, item)| item.end).map(|(index, _)| index)
}

/// What was going on when the request was dropped: the innermost, which is dropped first.
fn first_cancelled(part: &Part) -> Option<usize> {
    let cancelled = part.items.iter().enumerate().filter(|(_, item)| item.outcome() == "cancelled");
    cancelled
        .min_by_key(|(_, item)| (item.end, std::cmp::Reverse(item.start)))
        .map(|(index, _)| index)
}

/// Where a call failed and the service behind it has a story of its own, the cause is there.
fn followed(story: &Story, mut found: (usize, usize)) -> (usize, usize) {
    for _ in 0..story.parts.len() {
        let call = &story.parts[found.0].items[found.1];
        if !call.is_call() {
            break;
        }
        let behind = story
            .parts
            .iter()
            .enumerate()
            .find(|(index, part)| *index != found.0 && part.is_bad() && is_within(part, call));
        let Some((part, item)) = behind.and_then(|(index, part)| Some((index, cause_in(part)?)))
        else {
            break;
        };
        found = (part, item);
    }
    found
}

/// The call of another part during which this part ran, where there is only one.
pub(crate) fn caller(story: &Story, part: usize) -> Option<&Item> {
    let callee = &story.parts[part];
    let others = story.parts.iter().enumerate().filter(|(index, _)| *index != part);
    let mut calls = others
        .flat_map(|(_, other)| other.items.iter())
        .filter(|item| item.is_call() && item.end > item.start && is_within(callee, item));
    calls.next().filter(|_| calls.next().is_none())
}

fn mark(story: &mut Story, cause_part: usize, cause: usize, is_bad: bool) {
    let at = story.parts[cause_part].items[cause].end;
    for (part_index, part) in story.parts.iter_mut().enumerate() {
        for index in 0..part.items.len() {
            let item = &part.items[index];
            let is_cause = part_index == cause_part && index == cause;
            // What a step wrote before it failed belongs to the cause.
            let belongs = part_index == cause_part && item.parent == Some(cause);
            let follows = is_bad
                && item.end >= at
                && (item.level() >= Level::Warn || is_bad_end(item))
                && !belongs;
            part.items[index].mark = match (is_cause, follows) {
                (true, _) => Mark::Cause,
                (false, true) => Mark::Consequence,
                (false, false) => Mark::None,
            };
        }
    }
}

fn is_bad_end(item: &Item) -> bool {
    item.is_span() && !matches!(item.outcome().as_str(), "" | "ok")
}

fn words(story: &Story, cause: Option<(usize, usize)>, is_bad: bool) -> Vec<String> {
    let unfinished = story.parts.iter().any(Part::is_unfinished);
    let mut words = Vec::new();
    if let Some((part, item)) = cause {
        words.extend(describe(&story.parts[part], item));
        let service = &story.parts[part].service;
        if story.parts.len() > 1
            && !service.is_empty()
            && let Some(first) = words.first_mut()
        {
            *first = format!("{first}, at {service}");
        }
    } else if unfinished {
        words.push("no line says what went wrong".to_owned());
        let unfinished = story.parts.iter().filter(|part| part.is_unfinished());
        let mut items = unfinished.flat_map(|part| &part.items);
        let open = items.rfind(|item| item.is_span() && item.line.is_none());
        words.extend(open.map(|item| format!("{} had not ended when its lines end", item.name())));
    } else if is_bad {
        words.extend(story.parts.iter().find_map(own_words));
        if words.is_empty() {
            words.push("no step, call or line says why".to_owned());
        }
    }
    words
}

/// What the end itself says, where no other line does.
fn own_words(part: &Part) -> Option<String> {
    let close = part.close.as_ref().filter(|_| part.is_bad())?;
    let cause = close.get("cause");
    let of = |key| cause.and_then(|cause| cause.get(key)?.as_str()).unwrap_or_default();
    let name = [of("dependency"), of("step")].join(" ");
    let category = if of("category").is_empty() { "failed" } else { of("category") };
    let error = [close.text("error"), close.text("error_detail")];
    let error: Vec<String> = error.into_iter().filter(|text| !text.is_empty()).collect();
    if close.text("outcome") == "ok" && name.trim().is_empty() && error.is_empty() {
        let status = close.text("status");
        return Some(format!("answered {status}; every step and call went well"));
    }
    match (name.trim(), error.join(": ")) {
        ("", error) if error.is_empty() => None,
        ("", error) => Some(error),
        (name, error) if error.is_empty() => {
            Some(format!("{name}: {category}, as the end says; its own line is missing"))
        }
        (name, error) => Some(format!("{name}: {error}; its own line is missing")),
    }
}

/// `payments charge: timeout after 401 ms`, then the detail.
fn describe(part: &Part, index: usize) -> Vec<String> {
    let item = &part.items[index];
    let Some(line) = &item.line else {
        return vec![format!("{}: no end after {}", item.name(), took(item.took_ms()))];
    };
    if !item.is_span() {
        let detail = [line.text("error"), line.text("error_detail"), line.text("panic_message")];
        let detail = detail.into_iter().filter(|text| !text.is_empty() && *text != line.msg);
        return std::iter::once(line.msg.clone()).chain(detail).collect();
    }
    let time = took(item.took_ms());
    let how = match (item.outcome().as_str(), line.text("error")) {
        ("cancelled", _) => {
            let verb = if item.is_call() { "while waiting for" } else { "within" };
            return vec![format!("the request was dropped {verb} {} after {time}", item.name())];
        }
        ("panicked", _) => format!("panicked after {time}"),
        ("error", error) if error == "status" => {
            format!("answered {} after {time}", line.text("status"))
        }
        ("error", error) if error.is_empty() => format!("failed after {time}"),
        ("error", error) => format!("{error} after {time}"),
        _ if line.count("retries") > 0 => {
            format!("worked after {}", retries(line.count("retries")))
        }
        _ => format!("took {time}"),
    };
    let mut words = vec![format!("{}: {how}", item.name())];
    let detail = line.text("error_detail");
    if !detail.is_empty() {
        words.push(detail);
    }
    let within = part.items.iter().filter(|inner| inner.parent == Some(index));
    for inner in within.filter_map(|inner| inner.line.as_ref()) {
        if inner.event == "panic" {
            words.push(format!("{} at {}", inner.text("panic_message"), inner.text("location")));
        }
    }
    words
}

pub(crate) fn retries(many: u64) -> String {
    if many == 1 { "1 retry".to_owned() } else { format!("{many} retries") }
}

/// How long calls were open, for each dependency, the longest first.
pub(crate) fn shares(part: &Part) -> Vec<Share> {
    let mut names: Vec<&str> = Vec::new();
    for item in &part.items {
        if let Kind::Call { dependency, .. } = &item.kind
            && !names.contains(&dependency.as_str())
        {
            names.push(dependency);
        }
    }
    let mut shares: Vec<Share> = names
        .into_iter()
        .map(|name| {
            let of = |item: &&Item| matches!(&item.kind, Kind::Call { dependency, .. } if dependency == name);
            let times: Vec<_> =
                part.items.iter().filter(of).map(|item| (item.start, item.end)).collect();
            Share { name: name.to_owned(), calls: times.len(), ms: union(times) as f64 / 1e3 }
        })
        .collect();
    shares.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    shares
}

/// The time with any call open: as the request itself counted it, else from the calls' lines.
pub(crate) fn dependency_ms(part: &Part) -> f64 {
    let counted = part.close.as_ref().and_then(|close| close.get("dependency_ms")?.as_f64());
    counted.unwrap_or_else(|| {
        let calls = part.items.iter().filter(|item| item.is_call());
        union(calls.map(|item| (item.start, item.end)).collect()) as f64 / 1e3
    })
}

/// The step or call with the most time of its own: without that of its children.
pub(crate) fn slowest(part: &Part) -> Option<(usize, f64)> {
    let mut inner: Vec<Vec<(Micros, Micros)>> = vec![Vec::new(); part.items.len()];
    for item in part.items.iter().filter(|item| item.is_span()) {
        if let Some(parent) = item.parent {
            inner[parent].push((item.start, item.end));
        }
    }
    let is_known = |item: &Item| item.is_still_open() || item.is_span() && item.line.is_some();
    let spans = part.items.iter().enumerate().filter(|(_, item)| is_known(item));
    let own = spans.map(|(index, item)| {
        let times = std::mem::take(&mut inner[index]);
        let times =
            times.into_iter().map(|(start, end)| (start.max(item.start), end.min(item.end)));
        (index, item.end - item.start - union(times.collect()))
    });
    own.max_by_key(|(_, own)| *own).map(|(index, own)| (index, own as f64 / 1e3))
}

/// The length of what any of these times covers.
fn union(mut times: Vec<(Micros, Micros)>) -> Micros {
    times.sort_unstable();
    let mut covered = 0;
    let mut until = Micros::MIN;
    for (start, end) in times {
        if end > until {
            covered += end - start.max(until);
            until = end;
        }
    }
    covered
}
