//! Corrects clock skew between services, by the rule that a request can't run outside the call that made it.

use super::model::{Item, Part};
use crate::time::Micros;

/// Difference that is expected between synchronised clocks.
pub(super) const TOLERANCE: Micros = 5_000;

/// Whether a part ran during a call.
pub(super) fn is_within(part: &Part, call: &Item) -> bool {
    call.start - TOLERANCE <= part.start && part.end <= call.end + TOLERANCE
}

/// Maximum number of parts whose clocks are compared, since each is compared with every call of every other one.
const MAX_PARTS: usize = 300;

/// Shifts each part that does not overlap the rest of its trace into the call that made it, if only one call
/// can have. More parts than [`MAX_PARTS`] stay as they are: a client sends the same id with many requests.
pub(super) fn correct(parts: &mut [Part]) {
    if parts.len() > MAX_PARTS {
        return;
    }
    for index in 0..parts.len() {
        if let Some((start, end)) = only_possible_call(parts, index) {
            let part = &mut parts[index];
            let slack = (end - start - (part.end - part.start)) / 2;
            part.shift_clock(start + slack.max(0) - part.start);
        }
    }
}

/// Start and end of the call that made the part; `None` if the part overlaps its trace, or if the call is
/// not certain.
fn only_possible_call(parts: &[Part], index: usize) -> Option<(Micros, Micros)> {
    let part = &parts[index];
    // A job may run long after the call that queued it, so only HTTP requests are shifted.
    if part.trace.is_empty() || part.method.is_empty() || part.end_line.is_none() {
        return None;
    }
    let others: Vec<&Part> = parts
        .iter()
        .enumerate()
        .filter(|(other, it)| *other != index && it.trace == part.trace && it.span != part.span)
        .map(|(_, other)| other)
        .collect();
    let is_disjoint =
        |other: &&Part| other.end + TOLERANCE < part.start || part.end + TOLERANCE < other.start;
    if !others.iter().all(is_disjoint) {
        return None;
    }
    let is_taken = |caller: &Part, call: &Item| {
        parts.iter().any(|it| it.span != part.span && it.span != caller.span && is_within(it, call))
    };
    let calls = others.iter().flat_map(|caller| {
        let is_possible = |call: &&Item| {
            call.is_call()
                && call.end - call.start + TOLERANCE >= part.end - part.start
                && !is_taken(caller, call)
        };
        caller.items.iter().filter(is_possible)
    });
    let calls: Vec<&Item> = calls.collect();
    // Prefer calls to a dependency that is named like the service.
    let named: Vec<&Item> =
        calls.iter().copied().filter(|call| call.name().starts_with(&part.service)).collect();
    let calls = if part.service.is_empty() || named.is_empty() { calls } else { named };
    match calls.as_slice() {
        [call] => Some((call.start, call.end)),
        _ => None,
    }
}
