//! How many requests failed, and why.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::RequestsArgs;
use crate::screen::grouped;
use crate::time::{Micros, format_ms, to_ms};

/// Most different causes that are counted; further ones are counted together.
const MAX_CAUSES: usize = 1_000;
const OTHER_CAUSES: &str = "other causes";
/// Most characters of a cause.
const MAX_CAUSE_CHARS: usize = 200;
/// Most requests that are kept until the time of the last line is known.
const MAX_KEPT: usize = 2_000_000;

/// A request that failed.
pub(super) struct Failed<'a> {
    pub(super) cause: String,
    pub(super) id: &'a str,
}

/// Counts requests while the input is read.
#[derive(Debug)]
pub(super) struct Counts {
    causes: Vec<CauseCount>,
    indexes: HashMap<String, usize>,
    total: u64,
    /// Only requests of this time before the last line are to be counted.
    span: Option<Micros>,
    /// The requests that may be within the span: their time, and the cause if they failed.
    kept: Vec<(Micros, Option<u32>)>,
    /// `prune` runs when so many requests are kept.
    prune_at: usize,
    /// `MAX_KEPT`, except in tests.
    max_kept: usize,
    newest: Micros,
    /// The time of the latest request that was dropped because of `max_kept`.
    latest_dropped: Option<Micros>,
}

/// Number of requests that failed for the same reason.
#[derive(Debug, Clone)]
pub(super) struct CauseCount {
    pub(super) cause: String,
    pub(super) count: u64,
    /// The id of the latest of them.
    pub(super) latest: String,
    at: Micros,
}

impl Counts {
    pub(super) fn new(span: Option<Micros>) -> Self {
        Counts {
            causes: Vec::new(),
            indexes: HashMap::new(),
            total: 0,
            span,
            kept: Vec::new(),
            prune_at: 10_000,
            max_kept: MAX_KEPT,
            newest: Micros::MIN,
            latest_dropped: None,
        }
    }

    pub(super) fn add(&mut self, at: Micros, failed: Option<Failed<'_>>) {
        let Some(span) = self.span else {
            let cause = failed.map(|failed| self.cause(at, failed));
            self.count(cause);
            return;
        };
        self.newest = self.newest.max(at);
        if self.kept.len() >= self.prune_at {
            self.prune(self.newest.saturating_sub(span));
        }
        let cause = failed.map(|failed| self.cause(at, failed));
        self.kept.push((at, cause));
    }

    /// Drops the requests before `earliest`; the older half of the others too if they are almost `max_kept`.
    fn prune(&mut self, earliest: Micros) {
        self.kept.retain(|(at, _)| *at >= earliest);
        if self.kept.len() > self.max_kept - self.max_kept / 10 {
            let half = self.kept.len() / 2;
            self.kept.select_nth_unstable_by_key(half, |(at, _)| *at);
            let latest = self.kept.drain(..half).map(|(at, _)| at).max();
            self.latest_dropped = self.latest_dropped.max(latest);
        }
        self.prune_at = (2 * self.kept.len() + 10_000).min(self.max_kept);
        self.remove_unused_causes();
    }

    /// Makes room for other causes.
    fn remove_unused_causes(&mut self) {
        let mut is_used = vec![false; self.causes.len()];
        for cause in self.kept.iter().filter_map(|(_, cause)| *cause) {
            is_used[cause as usize] = true;
        }
        let mut new_indexes = vec![0; self.causes.len()];
        self.indexes.clear();
        for (index, cause) in std::mem::take(&mut self.causes).into_iter().enumerate() {
            if is_used[index] {
                new_indexes[index] = self.causes.len() as u32;
                self.indexes.insert(cause.cause.clone(), self.causes.len());
                self.causes.push(cause);
            }
        }
        for cause in self.kept.iter_mut().filter_map(|(_, cause)| cause.as_mut()) {
            *cause = new_indexes[*cause as usize];
        }
    }

    /// The index of a cause, with the request as its latest if it is.
    fn cause(&mut self, at: Micros, failed: Failed<'_>) -> u32 {
        let mut cause = failed.cause;
        if let Some((end, _)) = cause.char_indices().nth(MAX_CAUSE_CHARS) {
            cause.truncate(end);
            cause.push('…');
        }
        if self.causes.len() >= MAX_CAUSES && !self.indexes.contains_key(&cause) {
            OTHER_CAUSES.clone_into(&mut cause);
        }
        let index = *self.indexes.entry(cause).or_insert_with_key(|cause| {
            let cause = cause.clone();
            self.causes.push(CauseCount {
                cause,
                count: 0,
                latest: String::new(),
                at: Micros::MIN,
            });
            self.causes.len() - 1
        });
        let cause = &mut self.causes[index];
        if at >= cause.at {
            cause.at = at;
            failed.id.clone_into(&mut cause.latest);
        }
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn count(&mut self, cause: Option<u32>) {
        self.total += 1;
        if let Some(cause) = cause.and_then(|cause| self.causes.get_mut(cause as usize)) {
            cause.count += 1;
        }
    }

    /// The counts of the requests from `since` on.
    pub(super) fn finish(mut self, since: Micros) -> RequestSummary {
        for (at, cause) in std::mem::take(&mut self.kept) {
            if at >= since {
                self.count(cause);
            }
        }
        let mut causes = self.causes;
        causes.retain(|cause| cause.count > 0);
        causes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cause.cmp(&b.cause)));
        RequestSummary {
            failed: causes.iter().map(|cause| cause.count).sum(),
            total: Some(self.total),
            causes,
            is_incomplete: self.latest_dropped.is_some_and(|at| at >= since),
        }
    }
}

/// The counts of all requests that match.
#[derive(Debug)]
pub(super) struct RequestSummary {
    /// `None` if the input has only those that failed.
    pub(super) total: Option<u64>,
    pub(super) failed: u64,
    /// The most frequent first.
    pub(super) causes: Vec<CauseCount>,
    /// Whether the counts are lower bounds.
    is_incomplete: bool,
}

impl RequestSummary {
    /// `12 of 3,400 requests failed`; with `--slow=500ms`, `3 of 40 requests of 500 ms or more failed`.
    pub(super) fn sentence(&self, args: &RequestsArgs) -> String {
        let bound = if self.is_incomplete { "at least " } else { "" };
        let count = grouped(&self.failed.to_string());
        let slow = args.slow.filter(|least| *least > 0);
        let slow = slow.map(|least| format!(" of {} or more", format_ms(to_ms(least))));
        let slow = slow.unwrap_or_default();
        let verb = match (args.unfinished, self.failed) {
            (false, _) => "failed",
            (true, 1) => "has no end",
            (true, _) => "have no end",
        };
        let of = self.total.unwrap_or(self.failed);
        let noun = if of == 1 { "request" } else { "requests" };
        match self.total {
            Some(total) => {
                let total = grouped(&total.to_string());
                format!("{bound}{count} of {bound}{total} {noun}{slow} {verb}")
            }
            None => format!("{bound}{count} {noun}{slow} {verb}"),
        }
    }

    pub(super) fn json(&self, args: &RequestsArgs) -> Value {
        let cause = |cause: &CauseCount| json!({ "cause": cause.cause, "count": cause.count, "latest_request_id": cause.latest });
        let mut summary = json!({
            "requests": self.total,
            "causes": self.causes.iter().map(cause).collect::<Vec<_>>(),
        });
        let counted = if args.unfinished { "unfinished" } else { "failed" };
        summary[counted] = self.failed.into();
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(span: Micros, max_kept: usize) -> Counts {
        Counts { max_kept, prune_at: max_kept.min(10_000), ..Counts::new(Some(span)) }
    }

    fn add(counts: &mut Counts, at: Micros, cause: Option<String>) {
        counts.add(at, cause.map(|cause| Failed { cause, id: "r" }));
    }

    #[test]
    fn a_span_with_almost_as_many_requests_as_are_kept_is_counted_whole() {
        let mut counts = counts(60_000, 100_000);
        for at in 0..500_000 {
            add(&mut counts, at, (at % 2 == 0).then(|| "timeout".to_owned()));
        }
        let summary = counts.finish(500_000 - 60_000);
        assert_eq!((summary.total, summary.failed), (Some(60_000), 30_000));
        assert!(!summary.is_incomplete);
    }

    #[test]
    fn of_more_requests_than_are_kept_the_latest_are_counted() {
        let mut counts = counts(400_000, 100_000);
        for at in 0..500_000 {
            let cause = if at < 450_000 { "timeout" } else { "panicked" };
            add(&mut counts, at, Some(cause.to_owned()));
        }
        assert!(counts.kept.len() <= 100_000, "{} requests are kept", counts.kept.len());
        let summary = counts.finish(100_000);
        assert!(summary.is_incomplete);
        assert!(summary.total >= Some(50_000), "{:?}", summary.total);
        let causes: Vec<_> = summary.causes.iter().map(|cause| cause.cause.as_str()).collect();
        assert!(causes.contains(&"panicked"), "{causes:?}");
    }

    #[test]
    fn causes_before_the_span_leave_room_for_those_within() {
        let mut counts = counts(1_000, 100_000);
        for at in 0..30_000 {
            add(&mut counts, at, Some(format!("old {at}")));
        }
        for at in 30_000..60_000 {
            add(&mut counts, at, Some(format!("new {}", at % 2)));
        }
        let summary = counts.finish(59_000);
        let causes: Vec<_> =
            summary.causes.iter().map(|cause| (cause.cause.as_str(), cause.count)).collect();
        assert_eq!(causes, [("new 0", 500), ("new 1", 500)]);
    }
}
