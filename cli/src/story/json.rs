//! A story as JSON.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::diagnosis::Diagnosis;
use super::model::{Item, ItemKind, Mark, Part, Story};
use super::timings::{dependency_ms, dependency_times, slowest};
use crate::time::{rfc3339, to_ms};

pub(crate) fn render(story: &Story, diagnosis: &Diagnosis) -> Value {
    let cause = diagnosis.cause.map(|(part, item)| {
        let item = &story.parts[part].items[item];
        json!({ "part": part, "step_id": item.step_id, "name": item.name(), "words": diagnosis.explanation })
    });
    json!({
        "request_id": story.id,
        "start": rfc3339(story.start),
        "duration_ms": to_ms(story.end - story.start),
        "failed": diagnosis.failed,
        "cause": cause,
        "repeated_lines": story.duplicate_lines,
        "left_out_lines": story.omitted_lines,
        "parts": story.parts.iter().map(|part| part_json(story, part)).collect::<Vec<_>>(),
    })
}

fn part_json(story: &Story, part: &Part) -> Value {
    let dependencies = dependency_times(part)
        .into_iter()
        .map(|time| json!({ "dependency": time.name, "ms": time.ms, "calls": time.calls }));
    let slowest =
        slowest(part).map(|(index, ms)| json!({ "name": part.items[index].name(), "own_ms": ms }));
    let member = |key| part.end_line.as_ref().and_then(|end| end.get(key).cloned());
    json!({
        "service": non_empty(&part.service),
        "span_id": non_empty(&part.span),
        "trace_id": non_empty(&part.trace),
        "user_id": non_empty(&part.user),
        "method": non_empty(&part.method),
        "path": non_empty(&part.path),
        "offset_ms": to_ms(part.start - story.start),
        "duration_ms": to_ms(part.end - part.start),
        "status": member("status"),
        "grpc_status": member("grpc_status"),
        "outcome": non_empty(&part.outcome()),
        "end_missing": part.is_unfinished(),
        "moved_ms": to_ms(part.clock_shift),
        "missing_lines": part.missing_lines,
        "lines_left_out": part.lines_left_out(),
        "dependency_ms": dependency_ms(part),
        "dependencies": dependencies.collect::<Vec<_>>(),
        "slowest": slowest,
        "step_own_ms": member("step_own_ms"),
        "tree": tree(story, part),
    })
}

fn tree(story: &Story, part: &Part) -> Vec<Value> {
    let mut children: HashMap<Option<usize>, Vec<Value>> = HashMap::new();
    // Parents follow from the depths rather than from `Item::parent`, so that items below the deepest
    // displayed level become siblings.
    let mut ancestors: Vec<usize> = Vec::new();
    let mut parents = Vec::with_capacity(part.order.len());
    for (index, depth) in &part.order {
        ancestors.truncate(*depth);
        parents.push(ancestors.last().copied());
        ancestors.push(*index);
    }
    // From the end, since a parent precedes its children: when a node is built, its children are complete.
    for ((index, _), parent) in part.order.iter().zip(parents).rev() {
        let mut node = node_json(story, &part.items[*index]);
        let mut inner = children.remove(&Some(*index)).unwrap_or_default();
        inner.reverse();
        if !inner.is_empty() {
            node.insert("children".to_owned(), inner.into());
        }
        children.entry(parent).or_default().push(node.into());
    }
    let mut roots = children.remove(&None).unwrap_or_default();
    roots.reverse();
    roots
}

fn node_json(story: &Story, item: &Item) -> Map<String, Value> {
    let mut node = Map::new();
    let mut put = |key: &str, value: Value| node.insert(key.to_owned(), value);
    let kind = match item.kind {
        ItemKind::Step(_) => "step",
        ItemKind::Call { .. } => "dependency",
        ItemKind::Unseen(_) => "unseen",
        ItemKind::Line => "line",
        ItemKind::Gap(_) => "gap",
    };
    put("kind", kind.into());
    put("name", item.name().into());
    put("offset_ms", to_ms(item.start - story.start).into());
    if item.is_span() {
        put("duration_ms", item.duration_ms().into());
        put("step_id", item.step_id.into());
    }
    if let ItemKind::Gap(gap) = &item.kind {
        put("missing", gap.missing.into());
        put("first", gap.first.into());
        put("last", gap.last.into());
    }
    match item.mark {
        Mark::Cause => put("mark", "cause".into()),
        Mark::Consequence => put("mark", "consequence".into()),
        Mark::None => None,
    };
    if let Some(line) = &item.line {
        put("ts", rfc3339(line.at).into());
        put("level", line.level_name.clone().into());
        put("logger", line.logger.clone().into());
        put("msg", line.msg.clone().into());
        put("seq", line.seq.into());
        put("fields", line.fields.iter().cloned().collect::<Map<_, _>>().into());
    }
    node
}

/// `null` for an empty string.
fn non_empty(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}
