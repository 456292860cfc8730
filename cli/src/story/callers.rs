//! Finds the call that made a request, if the input has the lines of both services.

use std::collections::HashMap;

use super::clocks::{TOLERANCE, is_within};
use super::model::{Item, ItemKind, Story};
use crate::time::Micros;

/// A call as part and item.
type CallAt = (usize, usize);

/// The calls of all parts of a story.
pub(super) struct CallIndex<'a> {
    story: &'a Story,
    all: CallList,
    by_dependency: HashMap<&'a str, CallList>,
}

/// Calls by start time.
#[derive(Default)]
struct CallList {
    calls: Vec<CallAt>,
    /// The latest end of each call and those before it.
    latest_ends: Vec<Micros>,
}

impl<'a> CallIndex<'a> {
    pub(super) fn new(story: &'a Story) -> Self {
        let items = story.parts.iter().enumerate().flat_map(|(part, caller)| {
            caller.items.iter().enumerate().map(move |(item, call)| ((part, item), call))
        });
        let mut calls: Vec<(CallAt, &Item)> =
            items.filter(|(_, item)| item.is_call() && item.end > item.start).collect();
        calls.sort_by_key(|(_, call)| call.start);
        let mut all = CallList::default();
        let mut by_dependency: HashMap<&str, CallList> = HashMap::new();
        for (at, call) in calls {
            all.push(at, call.end);
            if let ItemKind::Call { dependency, .. } = &call.kind {
                by_dependency.entry(dependency).or_default().push(at, call.end);
            }
        }
        CallIndex { story, all, by_dependency }
    }

    /// Returns the call that made a request: the innermost one during which it ran. `None` if several calls that ran
    /// at once can have made it.
    pub(super) fn caller(&self, part: usize) -> Option<CallAt> {
        let named = self.by_dependency.get(self.story.parts[part].service.as_str());
        let mut calls = named.map(|named| self.around(part, named)).unwrap_or_default();
        if calls.is_empty() {
            calls = self.around(part, &self.all);
        }
        let innermost =
            *calls.iter().min_by_key(|at| self.call(**at).end - self.call(**at).start)?;
        let (start, end) = (self.call(innermost).start, self.call(innermost).end);
        let surrounds = |at: &CallAt| {
            let outer = self.call(*at);
            // Calls of one service that run at once are not within each other.
            let is_nested = at.0 != innermost.0 || self.call(innermost).parent == Some(at.1);
            *at == innermost || (outer.start <= start && end <= outer.end && is_nested)
        };
        calls.iter().all(surrounds).then_some(innermost)
    }

    fn call(&self, (part, item): CallAt) -> &Item {
        &self.story.parts[part].items[item]
    }

    /// Returns the calls of other parts during which a part ran.
    fn around(&self, part: usize, list: &CallList) -> Vec<CallAt> {
        let callee = &self.story.parts[part];
        let started =
            list.calls.partition_point(|at| self.call(*at).start <= callee.start + TOLERANCE);
        let started = list.calls[..started].iter().zip(&list.latest_ends).rev();
        // No call before the first one that is left out ends late enough.
        let mut calls: Vec<CallAt> = started
            .take_while(|(_, latest_end)| callee.end <= **latest_end + TOLERANCE)
            .map(|(at, _)| *at)
            .filter(|at| at.0 != part && is_within(callee, self.call(*at)))
            .collect();
        calls.reverse();
        calls
    }
}

impl CallList {
    fn push(&mut self, at: CallAt, end: Micros) {
        let latest_end = self.latest_ends.last().map_or(end, |latest| end.max(*latest));
        self.calls.push(at);
        self.latest_ends.push(latest_end);
    }
}
