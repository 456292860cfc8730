//! The lines of one request as a tree of steps and calls on one time axis.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use serde_json::Value;

use super::clocks;
use super::gaps;
use super::model::{Item, Kind, Mark, Part, Story};
use crate::line::{Level, Line};
use crate::read::time::{self, Micros};

/// Levels of the tree that are shown as such; what is deeper stands at the last one.
const DEEPEST: usize = 60;

/// Puts the lines of one request together.
pub(crate) fn build(id: String, lines: Vec<Line>, left_out: u64) -> Story {
    let mut groups: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for line in lines {
        groups.entry((line.service.clone(), line.span.clone())).or_default().push(line);
    }
    let mut parts = Vec::new();
    let mut repeated = 0;
    for (_, mut group) in groups {
        group.sort_by_key(|line| (line.at, line.seq));
        for run in runs(group, &mut repeated) {
            parts.push(part(run));
        }
    }
    clocks::settle(&mut parts);
    parts.sort_by_key(|part| (part.start, Reverse(part.end)));
    let start = parts.iter().map(|part| part.start).min().unwrap_or_default();
    let end = parts.iter().map(|part| part.end).max().unwrap_or_default();
    Story { id, start, end, parts, repeated, left_out }
}

/// An id that is used twice starts its numbers again; the same line twice is one line.
fn runs(lines: Vec<Line>, repeated: &mut usize) -> Vec<Vec<Line>> {
    let mut runs: Vec<Vec<Line>> = vec![Vec::new()];
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for line in lines {
        let Some(run) = runs.last_mut() else { break };
        if let Some(seq) = line.seq {
            if let Some(earlier) = seen.get(&seq) {
                if run.get(*earlier) == Some(&line) {
                    *repeated += 1;
                    continue;
                }
                seen.clear();
                seen.insert(seq, 0);
                runs.push(vec![line]);
                continue;
            }
            seen.insert(seq, run.len());
        } else if run.last() == Some(&line) {
            *repeated += 1;
            continue;
        }
        run.push(line);
    }
    runs
}

fn part(lines: Vec<Line>) -> Part {
    let known = |of: fn(&Line) -> &String| {
        // The user may be known late, and what is known last holds.
        lines.iter().rev().map(of).find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    let (service, trace, span) = (known(|l| &l.service), known(|l| &l.trace), known(|l| &l.span));
    let (user, method, path) = (known(|l| &l.user), known(|l| &l.method), known(|l| &l.path));
    // A log of warnings alone has no end of what went well.
    let has_quiet = lines.iter().any(|line| line.level < Level::Warn);
    let wants_end = (has_quiet && !method.is_empty()) || lines.iter().any(Line::is_start);
    let close = lines.iter().rposition(Line::is_end);
    let begins = origin(&lines, close.map(|close| &lines[close]));
    let found = gaps::find(&lines);
    let lost = found.iter().map(|gap| gap.missing).sum();

    let mut items: Vec<Item> = Vec::new();
    let mut last_line = None;
    let mut others = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        if Some(index) == close {
            last_line = Some(line);
        } else if let Some(item) = span_item(&line, begins) {
            items.push(Item { line: Some(line), ..item });
        } else {
            others.push(line);
        }
    }
    adopt(&mut items);
    let latest = items.iter().map(|item| item.end).chain(others.iter().map(|line| line.at)).max();
    let until =
        last_line.as_ref().map(|line| line.at).into_iter().chain(latest).max().unwrap_or(begins);
    still_open(&mut items, &others, until);
    let parents = open_at(&items, others.iter().map(|line| Place { from: line.at, to: line.at }));
    let around = open_at(&items, found.iter().map(|gap| Place { from: gap.from, to: gap.to }));
    for (line, parent) in others.into_iter().zip(parents) {
        items.push(Item { parent, ..item(Kind::Line, line.at, Some(line)) });
    }
    for (gap, parent) in found.into_iter().zip(around) {
        let at = gap.from;
        items.push(Item { parent, ..item(Kind::Gap(gap), at, None) });
    }
    let order = ordered(&items);
    Part {
        service,
        trace,
        span,
        user,
        method,
        path,
        start: begins,
        end: until.max(begins),
        close: last_line,
        wants_end,
        items,
        order,
        lost,
        moved: 0,
    }
}

/// The steps that `request_stuck` names and that have no line of their own. Their parents are not named,
/// but all were open at once, so they stand in the outermost.
fn still_open(items: &mut Vec<Item>, lines: &[Line], until: Micros) {
    let Some(stuck) = lines.iter().rev().find(|line| line.event == "request_stuck") else { return };
    let Some(open) = stuck.get("open").and_then(Value::as_array) else { return };
    let known: HashMap<u64, usize> =
        items.iter().enumerate().filter_map(|(index, item)| Some((item.step_id?, index))).collect();
    let mut outermost = None;
    for step in open {
        let text = |key| step.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(id)) = (text("step"), step.get("step_id").and_then(Value::as_u64))
        else {
            continue;
        };
        let age = step.get("age_ms").and_then(Value::as_f64).map_or(0, time::micros);
        let start = stuck.at - age;
        let kind = match text("dependency") {
            Some(dependency) => Kind::Call { dependency, operation: name },
            None => Kind::Step(name),
        };
        let index = match known.get(&id) {
            // It ended after all, or another step names it as its parent.
            Some(index) if items[*index].line.is_some() => *index,
            Some(index) => {
                let unseen = &mut items[*index];
                (unseen.kind, unseen.start, unseen.end) = (kind, start, until);
                *index
            }
            None => {
                items.push(Item { end: until, step_id: Some(id), ..item(kind, start, None) });
                items.len() - 1
            }
        };
        let is_new = items[index].line.is_none() && items[index].parent.is_none();
        match outermost {
            None => outermost = Some(index),
            Some(outermost) if is_new && outermost != index => {
                items[index].parent = Some(outermost);
            }
            Some(_) => {}
        }
    }
    cut_loops(items);
}

fn item(kind: Kind, at: Micros, line: Option<Line>) -> Item {
    Item { kind, start: at, end: at, step_id: None, parent: None, line, mark: Mark::None }
}

/// When the request began: what its end says, else the earliest that a step says.
fn origin(lines: &[Line], close: Option<&Line>) -> Micros {
    if let Some(close) = close
        && let Some(took) = close.micros("duration_ms")
    {
        return close.at - took;
    }
    let of = |line: &Line| {
        let took = line.micros("duration_ms").unwrap_or(0);
        line.at - took - line.micros("offset_ms").unwrap_or(0)
    };
    lines.iter().map(of).min().unwrap_or_default()
}

fn span_item(line: &Line, origin: Micros) -> Option<Item> {
    let kind = match line.event.as_str() {
        "step_timing" => Kind::Step(line.text("step")),
        "dependency_call" => {
            Kind::Call { dependency: line.text("dependency"), operation: line.text("operation") }
        }
        _ => return None,
    };
    let took = line.micros("duration_ms").unwrap_or(0);
    let start = line.micros("offset_ms").map_or(line.at - took, |offset| origin + offset);
    let step_id = line.get("step_id").and_then(Value::as_u64);
    Some(Item { end: start + took, step_id, ..item(kind, start, None) })
}

/// Gives every step its parent; a parent without a line of its own gets an item that says so.
fn adopt(items: &mut Vec<Item>) {
    let mut places: HashMap<u64, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(id) = item.step_id {
            places.entry(id).or_insert(index);
        }
    }
    for index in 0..items.len() {
        let named = items[index].line.as_ref().map_or(0, |line| line.count("parent_id"));
        if named == 0 {
            continue;
        }
        let (start, end) = (items[index].start, items[index].end);
        let parent = *places.entry(named).or_insert_with(|| {
            let unseen = item(Kind::Unseen(named), start, None);
            items.push(Item { step_id: Some(named), end, ..unseen });
            items.len() - 1
        });
        if items[parent].line.is_none() {
            items[parent].start = items[parent].start.min(start);
            items[parent].end = items[parent].end.max(end);
        }
        if parent != index {
            items[index].parent = Some(parent);
        }
    }
    cut_loops(items);
}

/// Parents are older than their children, unless somebody made the log by hand.
fn cut_loops(items: &mut [Item]) {
    let mut settled = HashSet::new();
    for index in 0..items.len() {
        let mut way = HashSet::new();
        let mut at = index;
        while settled.insert(at) {
            way.insert(at);
            match items[at].parent {
                Some(parent) if way.contains(&parent) => items[at].parent = None,
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
}

/// A moment, or what lies between two lines.
struct Place {
    from: Micros,
    to: Micros,
}

/// For each of these places, which are in the order of time, the innermost step that was open all the
/// while, as far as there is only one.
fn open_at(items: &[Item], places: impl Iterator<Item = Place>) -> Vec<Option<usize>> {
    let mut starts: Vec<usize> = (0..items.len()).filter(|index| items[*index].is_span()).collect();
    starts.sort_by_key(|index| items[*index].start);
    let mut starts = starts.into_iter().peekable();
    let mut ends = BinaryHeap::new();
    // How many are open in each step, and the sum of their numbers: where it is one, the sum is its.
    let mut open: HashMap<Option<usize>, (usize, usize)> = HashMap::new();
    let mut innermost = |place: Place| {
        while let Some(index) = starts.next_if(|index| items[*index].start <= place.from) {
            let (many, sum) = open.entry(items[index].parent).or_default();
            (*many, *sum) = (*many + 1, *sum + index);
            ends.push(Reverse((items[index].end, index)));
        }
        while let Some(Reverse((end, index))) = ends.peek().copied()
            && end < place.from
        {
            ends.pop();
            if let Some((many, sum)) = open.get_mut(&items[index].parent) {
                (*many, *sum) = (*many - 1, *sum - index);
            }
        }
        let mut found = None;
        for _ in 0..DEEPEST {
            match open.get(&found) {
                Some((1, index)) if items[*index].end >= place.to => found = Some(*index),
                _ => break,
            }
        }
        found
    };
    places.map(&mut innermost).collect()
}

fn ordered(items: &[Item]) -> Vec<(usize, usize)> {
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        children.entry(item.parent).or_default().push(index);
    }
    for siblings in children.values_mut() {
        // A line of a step's own instant stands before the step.
        siblings.sort_by_key(|index| {
            (items[*index].start, items[*index].is_span(), items[*index].step_id)
        });
    }
    let mut order = Vec::with_capacity(items.len());
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut push = |open: &mut Vec<(usize, usize)>, parent: Option<usize>, depth: usize| {
        for child in children.remove(&parent).unwrap_or_default().into_iter().rev() {
            open.push((child, depth.min(DEEPEST)));
        }
    };
    push(&mut open, None, 0);
    while let Some((index, depth)) = open.pop() {
        order.push((index, depth));
        push(&mut open, Some(index), depth + 1);
    }
    order
}
