//! Finds the call that made a request, if the input has the lines of both services.

use super::clocks::is_within;
use super::model::{Item, ItemKind, Story};

/// The call that made a request: the innermost one during which it ran, as part and item. `None` if several
/// calls that ran at once can have made it.
pub(super) fn caller(story: &Story, part: usize) -> Option<(usize, usize)> {
    let callee = &story.parts[part];
    let mut calls: Vec<(usize, usize)> = Vec::new();
    for (other, caller) in story.parts.iter().enumerate().filter(|(other, _)| *other != part) {
        let is_possible =
            |item: &Item| item.is_call() && item.end > item.start && is_within(callee, item);
        let items = caller.items.iter().enumerate().filter(|(_, item)| is_possible(item));
        calls.extend(items.map(|(item, _)| (other, item)));
    }
    let call = |(part, item): (usize, usize)| &story.parts[part].items[item];
    let is_named = |found: &(usize, usize)| matches!(&call(*found).kind, ItemKind::Call { dependency, .. } if *dependency == callee.service);
    if calls.iter().any(is_named) {
        calls.retain(is_named);
    }
    let innermost = *calls.iter().min_by_key(|found| call(**found).end - call(**found).start)?;
    let (start, end) = (call(innermost).start, call(innermost).end);
    let surrounds = |found: &(usize, usize)| {
        let outer = call(*found);
        // Calls of one service that run at once are not within each other.
        let is_nested = found.0 != innermost.0
            || story.parts[found.0].items[innermost.1].parent == Some(found.1);
        *found == innermost || (outer.start <= start && end <= outer.end && is_nested)
    };
    calls.iter().all(surrounds).then_some(innermost)
}
