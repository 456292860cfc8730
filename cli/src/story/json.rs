//! A story as JSON, for other programs.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::model::{Item, Kind, Mark, Part, Story};
use super::verdict::{Verdict, dependency_ms, shares, slowest};
use crate::read::time::{Micros, rfc3339};

/// The tree as one object.
pub(crate) fn render(story: &Story, verdict: &Verdict) -> Value {
    let cause = verdict.cause.map(|(part, item)| {
        let item = &story.parts[part].items[item];
        json!({ "part": part, "step_id": item.step_id, "name": item.name(), "words": verdict.words })
    });
    json!({
        "request_id": story.id,
        "start": rfc3339(story.start),
        "duration_ms": ms(story.end - story.start),
        "failed": verdict.is_bad,
        "cause": cause,
        "repeated_lines": story.repeated,
        "left_out_lines": story.left_out,
        "parts": story.parts.iter().map(|part| self::part(story, part)).collect::<Vec<_>>(),
    })
}

fn part(story: &Story, part: &Part) -> Value {
    let shares = shares(part);
    let shares = shares
        .iter()
        .map(|share| json!({ "dependency": share.name, "ms": share.ms, "calls": share.calls }));
    let slowest = slowest(part)
        .map(|(index, own)| json!({ "name": part.items[index].name(), "own_ms": own }));
    let status = part.close.as_ref().and_then(|close| close.get("status").cloned());
    json!({
        "service": some(&part.service),
        "span_id": some(&part.span),
        "trace_id": some(&part.trace),
        "user_id": some(&part.user),
        "method": some(&part.method),
        "path": some(&part.path),
        "offset_ms": ms(part.start - story.start),
        "duration_ms": ms(part.end - part.start),
        "status": status,
        "outcome": some(&part.outcome()),
        "end_missing": part.is_unfinished(),
        "moved_ms": ms(part.moved),
        "missing_lines": part.lost,
        "dependency_ms": dependency_ms(part),
        "dependencies": shares.collect::<Vec<_>>(),
        "slowest": slowest,
        "tree": tree(story, part),
    })
}

fn tree(story: &Story, part: &Part) -> Vec<Value> {
    let mut children: HashMap<Option<usize>, Vec<Value>> = HashMap::new();
    // Children come after their parents, so from the end on each finds its own ready. What is deeper
    // than the tree goes hangs at the last level.
    let mut ancestors: Vec<usize> = Vec::new();
    let mut parents = Vec::with_capacity(part.order.len());
    for (index, depth) in &part.order {
        ancestors.truncate(*depth);
        parents.push(ancestors.last().copied());
        ancestors.push(*index);
    }
    for ((index, _), parent) in part.order.iter().zip(parents).rev() {
        let mut node = node(story, &part.items[*index]);
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

fn node(story: &Story, item: &Item) -> Map<String, Value> {
    let mut node = Map::new();
    let mut put = |key: &str, value: Value| node.insert(key.to_owned(), value);
    let kind = match item.kind {
        Kind::Step(_) => "step",
        Kind::Call { .. } => "dependency",
        Kind::Unseen(_) => "unseen",
        Kind::Line => "line",
        Kind::Gap(_) => "gap",
    };
    put("kind", kind.into());
    put("name", item.name().into());
    put("offset_ms", ms(item.start - story.start));
    if item.is_span() {
        put("duration_ms", ms(item.end - item.start));
        put("step_id", item.step_id.into());
    }
    if let Kind::Gap(gap) = &item.kind {
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

fn ms(micros: Micros) -> Value {
    (micros as f64 / 1e3).into()
}

fn some(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}
