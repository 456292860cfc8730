//! Time of a part that its dependencies and its slowest step took.

use super::model::{Item, ItemKind, Part};
use crate::time::{Micros, to_ms};

/// The time with a call to one dependency open.
#[derive(Debug)]
pub(crate) struct DependencyTime {
    pub(crate) name: String,
    pub(crate) ms: f64,
    pub(crate) calls: usize,
}

/// Returns the time of each dependency, the longest first: from the end line if lines were left out, otherwise from the
/// lines of the calls.
pub(crate) fn dependency_times(part: &Part) -> Vec<DependencyTime> {
    let wide = part.end_line.as_ref().and_then(|end| end.get("dependencies")?.as_object());
    let mut times = match wide {
        Some(dependencies) => dependencies
            .iter()
            .map(|(name, times)| DependencyTime {
                name: name.clone(),
                ms: times["ms"].as_f64().unwrap_or_default(),
                calls: times["calls"].as_u64().and_then(|n| n.try_into().ok()).unwrap_or_default(),
            })
            .collect(),
        None => times_of_calls(part),
    };
    times.sort_by(|a, b| b.ms.total_cmp(&a.ms));
    times
}

/// Returns the names of steps and their self times in milliseconds, the longest first, if the end line has them.
pub(crate) fn own_times(part: &Part) -> Vec<(String, f64)> {
    let wide = part.end_line.as_ref().and_then(|end| end.get("step_own_ms")?.as_object());
    let mut times: Vec<(String, f64)> = wide
        .into_iter()
        .flatten()
        .filter_map(|(name, ms)| Some((name.clone(), ms.as_f64()?)))
        .collect();
    times.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    times
}

fn times_of_calls(part: &Part) -> Vec<DependencyTime> {
    let mut calls_by_name: Vec<(&str, Vec<(Micros, Micros)>)> = Vec::new();
    for item in &part.items {
        let ItemKind::Call { dependency, .. } = &item.kind else { continue };
        let interval = (item.start, item.end);
        match calls_by_name.iter_mut().find(|(name, _)| name == dependency) {
            Some((_, calls)) => calls.push(interval),
            None => calls_by_name.push((dependency, vec![interval])),
        }
    }
    calls_by_name
        .into_iter()
        .map(|(name, calls)| DependencyTime {
            name: name.to_owned(),
            calls: calls.len(),
            ms: to_ms(covered(calls)),
        })
        .collect()
}

/// The time with any call open: `dependency_ms` of the end line, else computed from the lines of the calls.
pub(crate) fn dependency_ms(part: &Part) -> f64 {
    let counted = part.end_line.as_ref().and_then(|end| end.get("dependency_ms")?.as_f64());
    counted.unwrap_or_else(|| {
        let calls = part.items.iter().filter(|item| item.is_call());
        to_ms(covered(calls.map(|item| (item.start, item.end)).collect()))
    })
}

/// The step or call with the largest self time, which excludes its children: index and milliseconds.
pub(crate) fn slowest(part: &Part) -> Option<(usize, f64)> {
    let mut children: Vec<Vec<(Micros, Micros)>> = vec![Vec::new(); part.items.len()];
    for item in part.items.iter().filter(|item| item.is_span()) {
        if let Some(parent) = item.parent {
            children[parent].push((item.start, item.end));
        }
    }
    let has_times = |item: &Item| item.is_still_open() || item.is_span() && item.line.is_some();
    let spans = part.items.iter().enumerate().filter(|(_, item)| has_times(item));
    let self_times = spans.map(|(index, item)| {
        let inner = std::mem::take(&mut children[index]);
        let inner =
            inner.into_iter().map(|(start, end)| (start.max(item.start), end.min(item.end)));
        (index, item.end - item.start - covered(inner.collect()))
    });
    self_times.max_by_key(|(_, time)| *time).map(|(index, time)| (index, to_ms(time)))
}

/// The length of the union of intervals.
pub(super) fn covered(mut intervals: Vec<(Micros, Micros)>) -> Micros {
    intervals.sort_unstable();
    let mut total = 0;
    let mut until = Micros::MIN;
    for (start, end) in intervals {
        if end > until {
            total += end - start.max(until);
            until = end;
        }
    }
    total
}
