//! The tree of a request's steps and calls, from the `step_id` and `parent_id` of their lines.

use std::iter;

use serde_json::Value;

use super::Line;

/// Returns the id of a step or call, unique within its request.
pub(super) fn id(line: &Line) -> Option<u64> {
    line.get("step_id")?.as_u64()
}

/// Returns the id of the parent; 0 if a step or call has none.
pub(super) fn parent_id(line: &Line) -> Option<u64> {
    line.get("parent_id")?.as_u64()
}

/// Returns the ancestors of a line that have a line themselves, the innermost first.
pub(super) fn ancestors<'a>(of: &'a Line, lines: &'a [Line]) -> impl Iterator<Item = &'a Line> {
    let parent = |line: &Line| {
        let parent = parent_id(line)?;
        lines.iter().find(|other| id(other) == Some(parent) && line.is_of_same_request(other))
    };
    iter::successors(parent(of), move |line| parent(line))
}

pub(super) fn children(of: &Line, lines: &[Line]) -> Vec<Line> {
    let parent = id(of).or_else(|| of.is("event", "request_completed").then_some(0));
    let is_child = |line: &&Line| parent.is_some() && parent_id(line) == parent;
    let found = lines.iter().filter(|line| of.is_of_same_request(line)).filter(is_child);
    in_order(found.cloned().collect())
}

/// Sorts by begin: ids are assigned when steps begin.
fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(id);
    lines
}

pub(super) fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    let mut written: Vec<&Line> = Vec::new();
    for line in lines {
        let Some(text) = name_and_outcome(line) else { continue };
        if id(line).is_none() {
            out.push_str(&text);
        } else if !written.iter().any(|first| first.is_of_same_request(line)) {
            written.push(line);
            let of_request = lines.iter().filter(|other| line.is_of_same_request(other));
            let is_root = |line: &&Line| ancestors(line, lines).next().is_none();
            for root in in_order(
                of_request.filter(|line| id(line).is_some()).filter(is_root).cloned().collect(),
            ) {
                subtree(&root, 0, lines, &mut out);
            }
        }
    }
    out
}

fn subtree(of: &Line, depth: usize, lines: &[Line], out: &mut String) {
    out.push_str(&"  ".repeat(depth));
    out.push_str(&name_and_outcome(of).unwrap_or_default());
    for child in children(of, lines) {
        subtree(&child, depth + 1, lines, out);
    }
}

/// `payments.charge error timeout` with a line feed; `None` for other lines than those of steps and calls.
fn name_and_outcome(line: &Line) -> Option<String> {
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    let outcome = text("outcome")?;
    let mut out = match (text("step"), text("dependency"), text("operation")) {
        (Some(step), ..) => step.to_owned(),
        (None, Some(dependency), Some(operation)) => format!("{dependency}.{operation}"),
        _ => return None,
    };
    out.push(' ');
    out.push_str(outcome);
    // If a call was cancelled or panicked, its category repeats the outcome.
    if let Some(error) = text("error").filter(|error| *error != outcome) {
        out.push(' ');
        out.push_str(error);
    }
    out.push('\n');
    Some(out)
}
