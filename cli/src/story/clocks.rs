//! Clocks of several services that do not agree: a request can't have run before or after the call that
//! made it.

use super::model::{Item, Part};
use crate::read::time::Micros;

/// What two clocks that are kept may differ.
pub(super) const KEPT: Micros = 5_000;

/// Whether a part ran during a call.
pub(super) fn is_within(part: &Part, call: &Item) -> bool {
    call.start - KEPT <= part.start && part.end <= call.end + KEPT
}

/// Moves a part that lies apart from everything else of its trace into the call that made it, where only
/// one can have.
pub(super) fn settle(parts: &mut [Part]) {
    for index in 0..parts.len() {
        if let Some(call) = only_caller(parts, index) {
            let slack = (call.1 - call.0 - (parts[index].end - parts[index].start)) / 2;
            let by = call.0 + slack.max(0) - parts[index].start;
            parts[index].shift(by);
        }
    }
}

fn only_caller(parts: &[Part], index: usize) -> Option<(Micros, Micros)> {
    let part = &parts[index];
    // Work that is no request may come long after the call that ordered it.
    if part.trace.is_empty() || part.method.is_empty() || part.close.is_none() {
        return None;
    }
    let others: Vec<&Part> = parts
        .iter()
        .enumerate()
        .filter(|(other, it)| *other != index && it.trace == part.trace && it.span != part.span)
        .map(|(_, other)| other)
        .collect();
    let is_apart = |other: &&Part| other.end + KEPT < part.start || part.end + KEPT < other.start;
    if !others.iter().all(is_apart) {
        return None;
    }
    let is_taken = |caller: &Part, call: &Item| {
        parts.iter().any(|it| it.span != part.span && it.span != caller.span && is_within(it, call))
    };
    let calls = others.iter().flat_map(|caller| {
        let has_room = |call: &&Item| {
            call.is_call()
                && call.end - call.start + KEPT >= part.end - part.start
                && !is_taken(caller, call)
        };
        caller.items.iter().filter(has_room)
    });
    let calls: Vec<&Item> = calls.collect();
    let named: Vec<&Item> =
        calls.iter().copied().filter(|call| call.name().starts_with(&part.service)).collect();
    let calls = if part.service.is_empty() || named.is_empty() { calls } else { named };
    match calls.as_slice() {
        [call] => Some((call.start, call.end)),
        _ => None,
    }
}

impl Part {
    fn shift(&mut self, by: Micros) {
        self.start += by;
        self.end += by;
        self.moved = by;
        for item in &mut self.items {
            item.start += by;
            item.end += by;
        }
    }
}
