//! Builds the story of a request from its lines: a tree of steps and calls on one time axis.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::iter::successors;

use serde_json::Value;

use super::clocks;
use super::gaps::{self, Gap};
use super::model::{Item, ItemKind, Part, Story};
use crate::line::{Level, Line};
use crate::time::{self, LocalZone, Micros};

/// Deepest level of the displayed tree; deeper items are shown at this level.
const MAX_DEPTH: usize = 60;
/// The most by which the computed end of a span differs from the time of its line: the start, the offset and the
/// duration are rounded.
const ROUNDING: Micros = 10;

/// Builds a story from the lines of one request, in any order.
pub(crate) fn build(id: String, lines: Vec<Line>, omitted_lines: u64) -> Story {
    let mut groups: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for line in lines {
        // A field can replace the `service` of a line, so lines with a span id are grouped by the span id alone.
        let service = if line.span.is_empty() { line.service.clone() } else { String::new() };
        groups.entry((service, line.span.clone())).or_default().push(line);
    }
    let mut parts = Vec::new();
    let mut duplicate_lines = 0;
    for (_, mut group) in groups {
        group.sort_by_key(|line| (line.at, line.seq));
        for lines in split_reused_id(group, &mut duplicate_lines) {
            parts.push(build_part(lines));
        }
    }
    clocks::correct(&mut parts);
    parts.sort_by_key(|part| (part.start, Reverse(part.end)));
    let start = parts.iter().map(|part| part.start).min().unwrap_or_default();
    let end = parts.iter().map(|part| part.end).max().unwrap_or_default();
    let zone = LocalZone::utc();
    Story { id, start, end, parts, duplicate_lines, omitted_lines, zone }
}

/// Splits lines at each use of the id: `seq` starts again if an id is reused. Removes duplicate lines and
/// counts them.
fn split_reused_id(lines: Vec<Line>, duplicates: &mut usize) -> Vec<Vec<Line>> {
    let mut runs: Vec<Vec<Line>> = vec![Vec::new()];
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for line in lines {
        let Some(run) = runs.last_mut() else { break };
        if let Some(seq) = line.seq {
            if let Some(earlier) = seen.get(&seq) {
                if run.get(*earlier) == Some(&line) {
                    *duplicates += 1;
                    continue;
                }
                seen.clear();
                seen.insert(seq, 0);
                runs.push(vec![line]);
                continue;
            }
            seen.insert(seq, run.len());
        } else if run.last() == Some(&line) {
            *duplicates += 1;
            continue;
        }
        run.push(line);
    }
    runs
}

/// Builds a part from its lines, sorted by time.
fn build_part(lines: Vec<Line>) -> Part {
    let end_index = lines.iter().rposition(Line::is_end);
    let latest_value = |field: fn(&Line) -> &String| {
        // The latest value counts: a service can set the user in the middle of a request. The end line takes
        // precedence, since a field of an event can replace the request's value.
        let lines = end_index.map(|index| &lines[index]).into_iter().chain(lines.iter().rev());
        lines.map(field).find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    let service = latest_value(|line| &line.service);
    let trace = latest_value(|line| &line.trace);
    let span = latest_value(|line| &line.span);
    let user = latest_value(|line| &line.user);
    let method = latest_value(|line| &line.method);
    let path = latest_value(|line| &line.path);
    // Without a line below WARN, the log level may be `warn`: then a successful request has no end line.
    let has_info = lines.iter().any(|line| line.level < Level::Warn);
    let expects_end = (has_info && !method.is_empty()) || lines.iter().any(Line::is_start);
    let start = start_time(&lines, end_index.map(|index| &lines[index]));
    let gaps = gaps::find(&lines);
    let missing_lines = gaps.iter().map(|gap| gap.missing).sum();

    let mut items: Vec<Item> = Vec::new();
    let mut end_line = None;
    let mut others = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        if Some(index) == end_index {
            end_line = Some(line);
        } else if let Some(item) = span_item(&line, start) {
            items.push(Item { line: Some(line), ..item });
        } else {
            others.push(line);
        }
    }
    link_parents(&mut items);
    let end = (items.iter().map(|item| item.end))
        .chain(others.iter().chain(&end_line).map(|line| line.at))
        .max()
        .unwrap_or(start);
    add_open_steps(&mut items, &others, end);
    let at = |line: &Line| Interval { from: Moment::of(line), to: Moment::of(line) };
    let parents = innermost_spans(&items, others.iter().map(at));
    let within = |gap: &Gap| Interval {
        from: Moment { at: gap.from, seq: gap.first },
        to: Moment { at: gap.to, seq: gap.last },
    };
    let gap_parents = innermost_spans(&items, gaps.iter().map(within));
    let panicked: Vec<usize> =
        (0..items.len()).filter(|index| items[*index].outcome() == "panicked").collect();
    for (line, parent) in others.into_iter().zip(parents) {
        let parent = span_that_begins(&items, &panicked, &line, parent).or(parent);
        items.push(Item { parent, ..Item::new(ItemKind::Line, line.at, Some(line)) });
    }
    for (gap, parent) in gaps.into_iter().zip(gap_parents) {
        let at = gap.from;
        items.push(Item { parent, ..Item::new(ItemKind::Gap(gap), at, None) });
    }
    let order = display_order(&items);
    Part {
        service,
        trace,
        span,
        user,
        method,
        path,
        start,
        end: end.max(start),
        end_line,
        expects_end,
        items,
        order,
        missing_lines,
        clock_shift: 0,
    }
}

/// Adds the open steps of the latest `request_stuck` line that have no line of their own.
///
/// The line lists them from the outermost to the innermost, without their parents. All were open at once, so
/// the outermost becomes the parent of those whose parent is not known otherwise.
fn add_open_steps(items: &mut Vec<Item>, lines: &[Line], until: Micros) {
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
        let age = step.get("age_ms").and_then(Value::as_f64).map_or(0, time::from_ms);
        let start = stuck.at - age;
        let kind = match text("dependency") {
            Some(dependency) => ItemKind::Call { dependency, operation: name },
            None => ItemKind::Step(name),
        };
        let index = match known.get(&id) {
            // It has ended after the `request_stuck` line.
            Some(index) if items[*index].line.is_some() => *index,
            // Another step names it as its parent.
            Some(index) => {
                let unseen = &mut items[*index];
                (unseen.kind, unseen.start, unseen.end) = (kind, start, until);
                *index
            }
            None => {
                items.push(Item { end: until, step_id: Some(id), ..Item::new(kind, start, None) });
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
    break_cycles(items);
}

/// The start of the request: from the end line, else the earliest time that follows from another line.
fn start_time(lines: &[Line], end: Option<&Line>) -> Micros {
    if let Some(end) = end
        && let Some(duration) = end.micros("duration_ms")
    {
        return end.at - duration;
    }
    let start = |line: &Line| {
        let duration = line.micros("duration_ms").unwrap_or(0);
        line.at - duration - line.micros("offset_ms").unwrap_or(0)
    };
    lines.iter().map(start).min().unwrap_or_default()
}

/// The item of a step or call line; `None` for other lines.
fn span_item(line: &Line, request_start: Micros) -> Option<Item> {
    let kind = match line.event.as_str() {
        "step_timing" => ItemKind::Step(line.text("step")),
        "dependency_call" => ItemKind::Call {
            dependency: line.text("dependency"),
            operation: line.text("operation"),
        },
        _ => return None,
    };
    let duration = line.micros("duration_ms").unwrap_or(0);
    let start =
        line.micros("offset_ms").map_or(line.at - duration, |offset| request_start + offset);
    let step_id = line.get("step_id").and_then(Value::as_u64);
    Some(Item { end: start + duration, step_id, ..Item::new(kind, start, None) })
}

/// Sets the parent of each item. Adds an `Unseen` item for a parent that has no line.
fn link_parents(items: &mut Vec<Item>) {
    let mut indexes: HashMap<u64, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(id) = item.step_id {
            indexes.entry(id).or_insert(index);
        }
    }
    for index in 0..items.len() {
        let named = items[index].line.as_ref().map_or(0, |line| line.count("parent_id"));
        if named == 0 {
            continue;
        }
        let (start, end) = (items[index].start, items[index].end);
        let parent = *indexes.entry(named).or_insert_with(|| {
            let unseen = Item::new(ItemKind::Unseen(named), start, None);
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
    break_cycles(items);
}

/// Removes parents that form a cycle. candor never writes one, but the command must terminate on any input.
fn break_cycles(items: &mut [Item]) {
    let mut visited = HashSet::new();
    for index in 0..items.len() {
        let mut path = HashSet::new();
        let mut at = index;
        while visited.insert(at) {
            path.insert(at);
            match items[at].parent {
                Some(parent) if path.contains(&parent) => items[at].parent = None,
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
}

/// When a line was written. `seq` orders the lines of one microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: Micros,
    seq: u64,
}

impl Moment {
    /// A line without `seq` precedes the others of its microsecond, so that it is within a span that ends then.
    fn of(line: &Line) -> Self {
        Moment { at: line.at, seq: line.seq.unwrap_or(0) }
    }

    /// When the line of a span was written; without a line, its computed end.
    fn end_of(span: &Item) -> Self {
        match &span.line {
            Some(line) if line.seq.is_some() && (line.at - span.end).abs() <= ROUNDING => {
                Moment::of(line)
            }
            _ => Moment { at: span.end, seq: u64::MAX },
        }
    }
}

/// A time span; a single line has `from == to`.
struct Interval {
    from: Moment,
    to: Moment,
}

/// The innermost span inside `parent` that a panic ended in the microseconds in which it started. The rounded start can
/// be after the line of the panic.
fn span_that_begins(
    items: &[Item],
    panicked: &[usize],
    line: &Line,
    parent: Option<usize>,
) -> Option<usize> {
    let panic = Some(Moment::of(line)).filter(|_| line.event == "panic")?;
    let is_inside = |index: usize| {
        let mut around = successors(items[index].parent, |index| items[*index].parent);
        parent.is_none_or(|parent| around.any(|index| index == parent))
    };
    let spans = panicked.iter().copied().filter(|index| {
        let item = &items[*index];
        (item.start - panic.at).abs() <= ROUNDING
            && Moment::end_of(item) > panic
            && is_inside(*index)
    });
    spans.min_by_key(|index| Moment::end_of(&items[*index]))
}

/// For each interval, the innermost span that was open throughout. Intervals are sorted by start.
///
/// If several sibling spans were open at once, their parent is returned, since any of them may have been
/// running.
fn innermost_spans(
    items: &[Item],
    intervals: impl Iterator<Item = Interval>,
) -> Vec<Option<usize>> {
    let mut starts: Vec<usize> = (0..items.len()).filter(|index| items[*index].is_span()).collect();
    starts.sort_by_key(|index| items[*index].start);
    let mut starts = starts.into_iter().peekable();
    let mut ends = BinaryHeap::new();
    // The open children of each span: their number and the sum of their indexes. If the number is one, the
    // sum is the index of that child, so no set of indexes is needed.
    let mut open: HashMap<Option<usize>, (usize, usize)> = HashMap::new();
    let mut innermost = |interval: Interval| {
        while let Some(index) = starts.next_if(|index| items[*index].start <= interval.from.at) {
            let (count, sum) = open.entry(items[index].parent).or_default();
            (*count, *sum) = (*count + 1, *sum + index);
            ends.push(Reverse((Moment::end_of(&items[index]), index)));
        }
        while let Some(Reverse((end, index))) = ends.peek().copied()
            && end < interval.from
        {
            ends.pop();
            if let Some((count, sum)) = open.get_mut(&items[index].parent) {
                (*count, *sum) = (*count - 1, *sum - index);
            }
        }
        let mut found = None;
        for _ in 0..MAX_DEPTH {
            match open.get(&found) {
                Some((1, index)) if Moment::end_of(&items[*index]) >= interval.to => {
                    found = Some(*index);
                }
                _ => break,
            }
        }
        found
    };
    intervals.map(&mut innermost).collect()
}

/// The items in depth-first order, siblings by start time, with their depth.
fn display_order(items: &[Item]) -> Vec<(usize, usize)> {
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        children.entry(item.parent).or_default().push(index);
    }
    for siblings in children.values_mut() {
        // A line precedes a step that starts at the same time.
        siblings.sort_by_key(|index| {
            (items[*index].start, items[*index].is_span(), items[*index].step_id)
        });
    }
    let mut order = Vec::with_capacity(items.len());
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut push = |open: &mut Vec<(usize, usize)>, parent: Option<usize>, depth: usize| {
        for child in children.remove(&parent).unwrap_or_default().into_iter().rev() {
            open.push((child, depth.min(MAX_DEPTH)));
        }
    };
    push(&mut open, None, 0);
    while let Some((index, depth)) = open.pop() {
        order.push((index, depth));
        push(&mut open, Some(index), depth + 1);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::to_ms;

    /// The line of an event, or of a span that ends at `at`.
    fn line(at: Micros, seq: u64, event: &str, fields: &[(&str, Value)]) -> Line {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Line { at, seq: Some(seq), event: event.to_owned(), fields, ..Line::default() }
    }

    /// A step from `start` to `end`, in microseconds since the request started.
    fn step(name: &str, seq: u64, id: u64, start: u32, end: u32, outcome: &str) -> Line {
        let fields = [
            ("step", Value::from(name)),
            ("step_id", id.into()),
            ("parent_id", u64::from(id > 1).into()),
            ("offset_ms", (f64::from(start) / 1000.0).into()),
            ("duration_ms", (f64::from(end - start) / 1000.0).into()),
            ("outcome", outcome.into()),
        ];
        line(end.into(), seq, "step_timing", &fields)
    }

    fn completed(at: Micros, seq: u64) -> Line {
        let duration = to_ms(at).into();
        line(at, seq, "request_completed", &[("duration_ms", duration)])
    }

    /// The name of the step that the line with this `seq` is drawn in.
    fn parent(lines: Vec<Line>, seq: u64) -> String {
        let story = build("r".to_owned(), lines, 0);
        let items = &story.parts[0].items;
        let is_wanted = |item: &&Item| item.line.as_ref().is_some_and(|line| line.seq == Some(seq));
        let item = items.iter().find(is_wanted).expect("the line");
        item.parent.map(|parent| items[parent].name()).unwrap_or_default()
    }

    #[test]
    fn seq_decides_whether_a_line_of_the_same_microsecond_precedes_the_end_of_a_step() {
        for (event, end, wanted) in [(1, 2, "load"), (2, 1, "outer")] {
            let lines = vec![
                line(100, event, "", &[]),
                step("load", end, 2, 50, 100, "ok"),
                step("outer", 3, 1, 0, 200, "ok"),
                completed(300, 4),
            ];
            assert_eq!(parent(lines, event), wanted);
        }
    }

    #[test]
    fn a_rounded_duration_does_not_move_a_line_out_of_its_step() {
        // The offset and the duration are rounded down, so the computed end is 98.
        let mut load = step("load", 2, 2, 50, 98, "ok");
        load.at = 100;
        let lines =
            vec![line(99, 1, "", &[]), load, step("outer", 3, 1, 0, 200, "ok"), completed(300, 4)];
        assert_eq!(parent(lines, 1), "load");
    }

    #[test]
    fn a_panic_is_in_the_innermost_step_that_panicked() {
        let lines = vec![
            line(99, 1, "panic", &[]),
            step("price", 2, 2, 100, 150, "panicked"),
            step("outer", 3, 1, 0, 200, "panicked"),
            completed(300, 4),
        ];
        assert_eq!(parent(lines, 1), "price");
        // One that was caught before the steps ended.
        let lines = vec![
            step("price", 1, 2, 50, 98, "ok"),
            line(99, 2, "panic", &[]),
            step("outer", 3, 1, 0, 200, "ok"),
            completed(300, 4),
        ];
        assert_eq!(parent(lines, 2), "outer");
        // One that `price` caught, before another one that ended `outer`.
        let lines = vec![
            line(1500, 1, "panic", &[]),
            step("price", 2, 2, 1000, 2000, "ok"),
            line(9900, 3, "panic", &[]),
            step("outer", 4, 1, 0, 10_000, "panicked"),
            completed(10_100, 5),
        ];
        assert_eq!(parent(lines.clone(), 1), "price");
        assert_eq!(parent(lines, 3), "outer");
    }
}
