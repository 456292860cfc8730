//! Budgets: limits on the bytes per second of the process and of targets.
//!
//! Each budget is a token bucket that holds the tokens of one second. With n active call sites, each is entitled to
//! `rate / (n + 1)`; one share remains for call sites that have not logged yet. A call site below its share may use any
//! token. A call site above its share may use only the tokens beyond a reserve, which is one share for each call site
//! below its own, and the remaining share. A flood of one call site therefore gets only the tokens that the others
//! don't use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use super::Logger;
use crate::base::clock::{NANOS_PER_SECOND, Tick};
use crate::base::fork::ForkLocks;
use crate::base::{lock, timer};
use crate::format::sites::SiteId;
use crate::levels::covers;

/// A flood ends when no line has been cut for this time.
const QUIET: Duration = Duration::from_secs(1);
/// A call site that has not logged for this time has no share.
const ACTIVE: Duration = Duration::from_secs(2);
/// How often the shares are recomputed.
const SHARING: Duration = Duration::from_millis(100);
/// Assumed length of the first line of a call site. The length is known only after the line is rendered.
const FIRST_LINE: f64 = 300.0;

/// A configured budget.
#[derive(Debug, Clone, PartialEq)]
struct BudgetRate {
    /// In bytes per second; at least 1.
    bytes: f64,
    /// The directive as configured: `64KiB/s`, or `shop::cart=16KiB/s`.
    directive: String,
    /// `None` for the whole process.
    target: Option<String>,
}

/// The budgets of a configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budgets {
    /// That of the process last, and before it those of targets, the longest target first.
    rates: Vec<BudgetRate>,
}

impl Budgets {
    /// Parses `64KiB/s`, or `256KiB/s,shop::cart=16KiB/s`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rates: Vec<BudgetRate> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (target, rate) = match part.split_once('=') {
                Some((target, rate)) => (Some(target.trim()), rate.trim()),
                None => (None, part),
            };
            let is_target =
                |target: &str| !target.is_empty() && !target.contains(char::is_whitespace);
            let bytes = bytes_per_second(rate).filter(|_| target.is_none_or(is_target));
            let Some(bytes) = bytes else {
                let not =
                    if part == text.trim() { String::new() } else { format!(", not \"{part}\"") };
                return Err(format!(
                    "expected a rate such as \"64KiB/s\", or \"target=rate\", separated by commas{not}"
                ));
            };
            let target = target.map(str::to_owned);
            if rates.iter().any(|known| known.target == target) {
                return Err(format!("\"{part}\" is a second rate for the same target"));
            }
            rates.push(BudgetRate { bytes, directive: part.to_owned(), target });
        }
        rates.sort_by_key(|rate| std::cmp::Reverse(rate.target.as_ref().map_or(0, String::len)));
        Ok(Budgets { rates })
    }

    /// The state of the budgets; `None` if there are none.
    pub(crate) fn start(&self, now: Tick) -> Option<Budget> {
        if self.rates.is_empty() {
            return None;
        }
        let buckets = self.rates.iter().map(|rate| Bucket::new(rate.clone(), now)).collect();
        let state = BudgetState { buckets, is_watched: false, sites: HashMap::new() };
        Some(Budget { state: Mutex::new(state), logger: OnceLock::new() })
    }
}

/// Parses `64KiB/s`.
fn bytes_per_second(text: &str) -> Option<f64> {
    let text = text.strip_suffix("/s")?.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "kib" => 1024.0,
        "mb" => 1e6,
        "mib" => 1024.0 * 1024.0,
        "gb" => 1e9,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let number: f64 = digits.trim().replace('_', "").parse().ok()?;
    let bytes = number * unit;
    (bytes.is_finite() && bytes >= 1.0).then_some(bytes)
}

/// The budgets of a logger.
#[derive(Debug)]
pub(crate) struct Budget {
    state: Mutex<BudgetState>,
    /// Used by the timer that reports the end of a flood.
    logger: OnceLock<Weak<Logger>>,
}

#[derive(Debug)]
struct BudgetState {
    buckets: Vec<Bucket>,
    /// Whether a timer waits for the end of the floods.
    is_watched: bool,
    sites: HashMap<SiteId, KnownUse>,
}

/// What is known about the lines of a call site.
#[derive(Debug, Clone, Copy)]
struct KnownUse {
    /// The index in `buckets` of the budget of its target.
    bucket: Option<usize>,
    /// The length of its last line.
    line: f64,
}

/// One budget.
#[derive(Debug)]
struct Bucket {
    rate: BudgetRate,
    /// Bytes that may be written. A line that is longer than its reservation can make it negative.
    tokens: f64,
    filled: Tick,
    uses: HashMap<SiteId, SiteUse>,
    /// The number of call sites below their share, updated when a call site logs and at each recomputation.
    below: usize,
    shared: Tick,
    flood: Option<Flood>,
}

/// A call site's recent use of a budget.
#[derive(Debug, Clone, Copy)]
struct SiteUse {
    /// Bytes used. They drain at the rate of a share.
    bytes: f64,
    drained: Tick,
    last: Tick,
    is_below: bool,
}

/// A period in which lines are cut.
#[derive(Debug)]
struct Flood {
    began: Tick,
    last_cut: Tick,
    cut: HashMap<SiteId, Cut>,
}

/// Count of lines that were cut. The bytes are an estimate, because these lines are not rendered.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Cut {
    pub(super) lines: u64,
    bytes: f64,
}

/// Report on a flood that has begun or ended.
#[derive(Debug)]
pub(super) struct FloodReport {
    pub(super) directive: String,
    pub(super) has_ended: bool,
    lasted: Duration,
    /// The call sites whose lines were cut, the one with the most lines first.
    pub(super) cut: Vec<(SiteId, Cut)>,
}

impl Cut {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of lengths")]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes as u64
    }
}

impl FloodReport {
    /// Returns how long the flood lasted, rounded to three decimals.
    pub(super) fn seconds(&self) -> f64 {
        (self.lasted.as_secs_f64() * 1000.0).round() / 1000.0
    }
}

impl Budget {
    /// Sets the logger to which the end of a flood is reported.
    pub(super) fn belongs_to(&self, logger: Weak<Logger>) {
        let _ = self.logger.set(logger);
    }

    /// Decides whether a line that can be cut is written. `lines` is the number of lines that it stands for. The caller
    /// must write the reports.
    pub(super) fn admit(
        &self,
        now: Tick,
        site: SiteId,
        target: &str,
        lines: u64,
    ) -> (Option<f64>, Vec<FloodReport>) {
        let mut state = lock(&self.state);
        let BudgetState { buckets, sites, .. } = &mut *state;
        let KnownUse { bucket, line } = known(sites, buckets, site, target);
        let mut reports = Vec::new();
        for bucket in &mut *buckets {
            reports.extend(bucket.take_ended(now, QUIET));
        }
        for place in places(buckets, bucket) {
            if !buckets[place].has_room(now, site, line) {
                reports.extend(buckets[place].cut(now, site, line, lines));
                return (None, reports);
            }
        }
        for place in places(buckets, bucket) {
            buckets[place].take(site, line);
        }
        (Some(line), reports)
    }

    /// Counts a line of length `len`. `reserved` is the number of bytes that `admit` took; 0 for a line that is never
    /// cut.
    pub(super) fn charge(&self, now: Tick, site: SiteId, target: &str, reserved: f64, len: usize) {
        let mut state = lock(&self.state);
        let BudgetState { buckets, sites, .. } = &mut *state;
        let KnownUse { bucket, .. } = known(sites, buckets, site, target);
        #[expect(clippy::cast_precision_loss, reason = "a line has fewer than 2^52 bytes")]
        let len = len as f64;
        if let Some(known) = sites.get_mut(&site) {
            known.line = len;
        }
        for place in places(buckets, bucket) {
            let bucket = &mut buckets[place];
            bucket.refill(now);
            bucket.touch(now, site);
            // A flood of lines that are never cut leaves the others their shares.
            let least = bucket.tokens.min(bucket.reserve());
            bucket.take(site, len - reserved);
            if reserved == 0.0 {
                bucket.tokens = bucket.tokens.max(least);
            }
        }
    }

    /// Ends and returns the floods in which no line was cut for the time `quiet`.
    pub(super) fn take_ended(&self, now: Tick, quiet: Duration) -> Vec<FloodReport> {
        let mut state = lock(&self.state);
        state.buckets.iter_mut().filter_map(|bucket| bucket.take_ended(now, quiet)).collect()
    }

    /// Starts a timer that checks for the end of the floods until all have ended.
    pub(super) fn watch(&self) {
        if let Some(logger) = self.logger.get()
            && !std::mem::replace(&mut lock(&self.state).is_watched, true)
        {
            watch(logger.clone());
        }
    }

    /// Whether the floods have to be checked again.
    fn goes_on(&self) -> bool {
        let mut state = lock(&self.state);
        state.is_watched = state.buckets.iter().any(|bucket| bucket.flood.is_some());
        state.is_watched
    }
}

impl Logger {
    /// Takes the lock before a fork. The parent reports the floods.
    pub(super) fn hold_budget(self: &Arc<Self>, locks: &mut ForkLocks) {
        locks.hold(
            Arc::clone(self),
            |logger| logger.budget.as_ref().map(|budget| &budget.state),
            |_, state| {
                let Some(state) = state else { return };
                state.is_watched = false;
                for bucket in &mut state.buckets {
                    bucket.flood = None;
                }
            },
        );
    }
}

/// Schedules the next check. If the timer can't be started, the next line or the guard reports the end.
fn watch(logger: Weak<Logger>) {
    let _ = timer::schedule(timer::after(QUIET), move || {
        let Some(alive) = logger.upgrade() else { return };
        alive.report_floods(QUIET);
        if alive.budget.as_ref().is_some_and(Budget::goes_on) {
            watch(logger);
        }
    });
}

/// Returns the indexes of a line's budgets: the budget of its target, and the budget of the process.
fn places(buckets: &[Bucket], of_target: Option<usize>) -> impl Iterator<Item = usize> + use<> {
    let process = buckets.iter().rposition(|bucket| bucket.rate.target.is_none());
    of_target.into_iter().chain(process)
}

fn known(
    sites: &mut HashMap<SiteId, KnownUse>,
    buckets: &[Bucket],
    site: SiteId,
    target: &str,
) -> KnownUse {
    let find = || {
        let applies = |bucket: &Bucket| {
            bucket.rate.target.as_ref().is_some_and(|prefix| covers(target, prefix))
        };
        KnownUse { bucket: buckets.iter().position(applies), line: FIRST_LINE }
    };
    let known = *sites.entry(site).or_insert_with(find);
    // These two stand for call sites with different targets.
    if site == SiteId::NO_LOCATION || site == SiteId::OTHER {
        return KnownUse { line: known.line, ..find() };
    }
    known
}

impl Bucket {
    fn new(rate: BudgetRate, now: Tick) -> Self {
        Bucket {
            tokens: rate.bytes,
            rate,
            filled: now,
            uses: HashMap::new(),
            below: 0,
            shared: now,
            flood: None,
        }
    }

    fn refill(&mut self, now: Tick) {
        let new = self.rate.bytes * seconds(now.nanos_since(self.filled));
        self.tokens = (self.tokens + new).min(self.rate.bytes);
        self.filled = self.filled.max(now);
        if now.since(self.shared) >= SHARING {
            self.share(now);
        }
    }

    /// Returns the share of one call site, in bytes per second.
    #[expect(clippy::cast_precision_loss, reason = "there are few call sites")]
    fn share_of_one(&self) -> f64 {
        self.rate.bytes / (self.uses.len() + 1) as f64
    }

    /// Removes silent call sites, and counts the call sites that are below their share.
    fn share(&mut self, now: Tick) {
        self.shared = now;
        self.uses.retain(|_, used| now.since(used.last) < ACTIVE);
        let share = self.share_of_one();
        self.below = 0;
        for used in self.uses.values_mut() {
            used.drain(now, share);
            used.is_below = used.bytes < share;
            self.below += usize::from(used.is_below);
        }
    }

    /// Marks a call site as active, and drains its used bytes. Returns whether it is below its share.
    fn touch(&mut self, now: Tick, site: SiteId) -> bool {
        let new = SiteUse { bytes: 0.0, drained: now, last: now, is_below: true };
        let known = self.uses.len();
        self.uses.entry(site).or_insert(new);
        self.below += self.uses.len() - known;
        let share = self.share_of_one();
        let Some(used) = self.uses.get_mut(&site) else { return true };
        used.drain(now, share);
        used.last = now;
        let is_below = used.bytes < share;
        let was_below = std::mem::replace(&mut used.is_below, is_below);
        self.below = self.below + usize::from(is_below) - usize::from(was_below);
        is_below
    }

    fn has_room(&mut self, now: Tick, site: SiteId, line: f64) -> bool {
        self.refill(now);
        let is_below = self.touch(now, site);
        // If the bucket is full, a line that needs more bytes than it holds is written.
        let line = line.min(self.rate.bytes);
        self.tokens >= line && (is_below || self.tokens - line >= self.reserve())
    }

    /// The bytes that only call sites below their share may use.
    #[expect(clippy::cast_precision_loss, reason = "there are few call sites")]
    fn reserve(&self) -> f64 {
        (self.below + 1) as f64 * self.share_of_one()
    }

    fn take(&mut self, site: SiteId, bytes: f64) {
        let share = self.share_of_one();
        self.tokens -= bytes;
        if let Some(used) = self.uses.get_mut(&site) {
            used.bytes = (used.bytes + bytes).clamp(0.0, 2.0 * share);
        }
    }

    /// Counts a line as cut, which stands for `lines` lines. Returns a report if it is the first line of a flood.
    fn cut(&mut self, now: Tick, site: SiteId, bytes: f64, lines: u64) -> Option<FloodReport> {
        let is_first = self.flood.is_none();
        let flood = self.flood.get_or_insert_with(|| Flood {
            began: now,
            last_cut: now,
            cut: HashMap::new(),
        });
        flood.last_cut = now;
        let cut = flood.cut.entry(site).or_default();
        cut.lines += lines;
        cut.bytes += bytes;
        is_first.then(|| self.report(now, false)).flatten()
    }

    fn take_ended(&mut self, now: Tick, quiet: Duration) -> Option<FloodReport> {
        let flood = self.flood.as_ref()?;
        if now.since(flood.last_cut) < quiet {
            return None;
        }
        let report = self.report(now, true);
        self.flood = None;
        report
    }

    fn report(&self, now: Tick, has_ended: bool) -> Option<FloodReport> {
        let flood = self.flood.as_ref()?;
        let mut cut: Vec<_> = flood.cut.iter().map(|(site, cut)| (*site, *cut)).collect();
        cut.sort_by_key(|(site, cut)| (std::cmp::Reverse(cut.lines), site.index()));
        let directive = self.rate.directive.clone();
        let until = if has_ended { flood.last_cut } else { now };
        Some(FloodReport { directive, has_ended, lasted: until.since(flood.began), cut })
    }
}

impl SiteUse {
    fn drain(&mut self, now: Tick, share: f64) {
        self.bytes = (self.bytes - share * seconds(now.nanos_since(self.drained))).max(0.0);
        self.drained = self.drained.max(now);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the times are short")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_SECOND as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LINE: usize = 200;
    const SECOND: u64 = NANOS_PER_SECOND;

    fn budget(text: &str) -> Budget {
        Budgets::parse(text).expect("valid").start(Tick::of_nanos(0)).expect("a budget")
    }

    /// Call sites that log a line at each interval, by target and nanoseconds. Returns the lines and bytes of each that
    /// were written within `seconds`.
    fn run(budget: &Budget, sites: &[(&str, u64)], seconds: u64) -> Vec<(u64, usize)> {
        let mut due = BTreeSet::new();
        for (place, (_, interval)) in sites.iter().enumerate() {
            due.insert((*interval, place));
        }
        let mut written = vec![(0, 0); sites.len()];
        while let Some((at, place)) = due.pop_first() {
            if at > seconds * SECOND {
                break;
            }
            let (target, interval) = sites[place];
            if log(budget, at, place, target) {
                written[place].0 += 1;
                written[place].1 += LINE;
            }
            due.insert((at + interval, place));
        }
        written
    }

    fn log(budget: &Budget, at: u64, place: usize, target: &str) -> bool {
        let (now, site) = (Tick::of_nanos(at), SiteId::at(100 + place));
        let Some(reserved) = budget.admit(now, site, target, 1).0 else { return false };
        budget.charge(now, site, target, reserved, LINE);
        true
    }

    #[test]
    fn the_flood_of_one_site_gets_what_the_others_leave() {
        let slow = ("shop", SECOND / 10);
        let sites = [("shop", SECOND / 100_000), slow, slow, slow, slow, slow];
        let written = run(&budget("64KiB/s"), &sites, 10);
        assert!(written[1..].iter().all(|(lines, _)| *lines == 100), "{written:?}");
        let bytes: usize = written.iter().map(|(_, bytes)| bytes).sum();
        // The bytes of one second at once, and then the rate.
        assert!(bytes <= 11 * 65_536 + LINE, "{bytes}");
        assert!(bytes >= 10 * 65_536, "{bytes}");
    }

    #[test]
    fn floods_of_several_sites_get_a_share_each() {
        let sites = [("a", SECOND / 100_000), ("b", SECOND / 2000), ("c", SECOND / 1000)];
        let written = run(&budget("64KiB/s"), &sites, 10);
        let bytes: Vec<_> = written.iter().map(|(_, bytes)| *bytes).collect();
        assert!(bytes.iter().all(|bytes| *bytes >= 10 * 65_536 / 5), "{bytes:?}");
        assert!(bytes.iter().sum::<usize>() <= 11 * 65_536 + LINE, "{bytes:?}");
    }

    #[test]
    fn a_new_site_finds_room_during_a_flood() {
        let budget = budget("64KiB/s");
        run(&budget, &[("shop", SECOND / 100_000)], 3);
        for place in 1..20 {
            assert!(log(&budget, 3 * SECOND, place, "shop"), "{place}");
        }
    }

    #[test]
    fn the_longest_target_has_its_own_budget_within_that_of_the_process() {
        let text = "64KiB/s,shop=32KiB/s,shop::cart=1KiB/s";
        let often = SECOND / 10_000;
        let sites = [("shop::cart::price", often), ("shop", often), ("shopping", often)];
        let written = run(&budget(text), &sites, 10);
        let [cart, shop, other] = [0, 1, 2].map(|place| written[place].1);
        assert!((9 * 1024..=11 * 1024 + LINE).contains(&cart), "{written:?}");
        assert!(shop <= 11 * 32 * 1024 + LINE, "{written:?}");
        assert!(other >= 200_000, "{written:?}");
        assert!(cart + shop + other <= 11 * 65_536 + LINE, "{written:?}");
    }

    #[test]
    fn lines_longer_than_the_budget_of_a_second_are_written_at_its_rate() {
        let written = run(&budget("100B/s"), &[("shop", SECOND / 100)], 60);
        assert!((28..=32).contains(&written[0].0), "{written:?}");
    }

    #[test]
    fn a_flood_of_lines_that_are_never_cut_leaves_the_others_their_shares() {
        let budget = budget("10KiB/s");
        let warn = SiteId::at(50);
        let mut written = 0;
        for at in 0..100 {
            let now = at * SECOND / 10;
            for _ in 0..100 {
                budget.charge(Tick::of_nanos(now), warn, "shop", 0.0, LINE);
            }
            written += u64::from(log(&budget, now, 1, "shop"));
        }
        assert_eq!(written, 100);
    }

    #[test]
    fn a_flood_is_reported_at_its_first_cut_and_when_no_line_was_cut_for_a_second() {
        let budget = budget("1KiB/s");
        let site = SiteId::at(100);
        let mut reports = Vec::new();
        for at in 0..100 {
            let now = Tick::of_nanos(at * SECOND / 100);
            let (admitted, new) = budget.admit(now, site, "shop", 1);
            if let Some(reserved) = admitted {
                budget.charge(now, site, "shop", reserved, LINE);
            }
            reports.extend(new);
        }
        let [started] = &reports[..] else { panic!("{reports:?}") };
        assert!(!started.has_ended && started.cut[0].0 == site);
        assert_eq!((&started.directive[..], started.cut[0].1.lines), ("1KiB/s", 1));
        assert!(budget.take_ended(Tick::of_nanos(SECOND + SECOND / 2), QUIET).is_empty());
        let reports = budget.take_ended(Tick::of_nanos(2 * SECOND), QUIET);
        let [ended] = &reports[..] else { panic!("{reports:?}") };
        assert!(ended.has_ended && ended.lasted < Duration::from_secs(1), "{ended:?}");
        assert!((80..100).contains(&ended.cut[0].1.lines), "{ended:?}");
        assert!(budget.take_ended(Tick::of_nanos(9 * SECOND), Duration::ZERO).is_empty());
    }

    #[test]
    fn a_rate_has_a_number_and_a_unit_per_second() {
        for (text, bytes) in [
            ("64KiB/s", 65_536.0),
            ("1.5 kb/s", 1500.0),
            ("10_000B/s", 10_000.0),
            ("2MiB/s", 2_097_152.0),
            ("1GB/s", 1e9),
        ] {
            assert_eq!(bytes_per_second(text), Some(bytes), "{text}");
        }
        for text in ["", "64", "64KiB", "KiB/s", "0B/s", "-1KiB/s", "1e999B/s", "NaNB/s", "1KiB/m"]
        {
            assert_eq!(bytes_per_second(text), None, "{text}");
        }
    }
}
