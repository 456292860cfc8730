//! The `log_bill` line: the call sites that wrote the most bytes in a period.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::Logger;
use super::site_list::SiteList;
use crate::base::clock::Tick;
use crate::base::fork::ForkLocks;
use crate::base::{lock, timer};
use crate::format::record::Severity;
use crate::format::sites::SiteId;
use crate::json::members;
use crate::redact::loggable::Encoder;
use crate::sink::sites::SiteSums;

/// Maximum number of call sites on one line.
const SHOWN: usize = 10;

/// Interval of the `log_bill` lines, and the counts as of the last one.
#[derive(Debug)]
pub(crate) struct Bill {
    every: Duration,
    state: Mutex<BillState>,
}

#[derive(Debug)]
struct BillState {
    since: Tick,
    /// The counts at `since`, by the index of the call site.
    known: Vec<SiteSums>,
}

impl Bill {
    pub(crate) fn new(every: Duration, now: Tick) -> Self {
        Bill { every, state: Mutex::new(BillState { since: now, known: Vec::new() }) }
    }
}

/// Starts the timer that writes the logger's `log_bill` line at the end of each period.
pub(super) fn start(logger: &Arc<Logger>) {
    if let Some(bill) = &logger.bill {
        schedule(Arc::downgrade(logger), bill.every);
    }
}

/// Schedules the next `log_bill` line. If the timer can't be started, only the guard writes one.
fn schedule(logger: Weak<Logger>, every: Duration) {
    let _ = timer::schedule(timer::after(every), move || {
        if let Some(alive) = logger.upgrade() {
            alive.write_bill();
            schedule(logger, every);
        }
    });
}

impl Logger {
    /// Takes the lock before a fork. The bill of the child begins with the fork.
    pub(super) fn hold_bill(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(self),
            |logger| logger.bill.as_ref().map(|bill| &bill.state),
            |logger, state| {
                let Some(state) = state else { return };
                let known = SiteSums::of([&logger.sink, &logger.audit]);
                *state = BillState { since: Tick::now(), known };
            },
        );
    }

    /// Writes a `log_bill` line for the time since the last one, unless nothing was logged.
    pub(crate) fn write_bill(&self) {
        let Some(bill) = &self.bill else { return };
        let now = Tick::now();
        let (took, mut new) = {
            let mut state = lock(&bill.state);
            let sums = SiteSums::of([&self.sink, &self.audit]);
            let new: Vec<_> = sums
                .iter()
                .enumerate()
                .map(|(index, sums)| {
                    let known = state.known.get(index).copied().unwrap_or_default();
                    (SiteId::at(index), sums.since(known))
                })
                .filter(|(_, new)| new.bytes > 0)
                .collect();
            let took = now.since(state.since);
            *state = BillState { since: now, known: sums };
            (took, new)
        };
        // In an idle process only the line before this one is new.
        let own = SiteId::of_own("log_bill");
        if new.iter().all(|(site, _)| *site == own) {
            return;
        }
        new.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.bytes));
        let lines: u64 = new.iter().map(|(_, sums)| sums.lines).sum();
        let bytes: u64 = new.iter().map(|(_, sums)| sums.bytes).sum();
        self.notice_always(Severity::Info, "log_bill", |out| {
            members::open(out, "seconds");
            Encoder::json(out, self.value_limit)
                .f64((took.as_secs_f64() * 1000.0).round() / 1000.0);
            for (key, count) in [("lines", lines), ("bytes", bytes)] {
                members::open(out, key);
                Encoder::json(out, self.value_limit).u64(count);
            }
            let mut list = SiteList::begin(out);
            for (site, sums) in new.iter().take(SHOWN) {
                let share = ratio(sums.bytes, bytes);
                list.add(*site, sums.lines, sums.bytes, Some(share));
            }
            list.end();
        });
    }
}

/// `part / whole`, rounded to three decimals.
#[expect(clippy::cast_precision_loss, reason = "three digits are enough")]
fn ratio(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 1000.0).round() / 1000.0
}
