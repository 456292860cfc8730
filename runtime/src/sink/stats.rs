//! Counts of lines: accepted, written and dropped, with the reason; and of redactions.
//!
//! Every line that a sink accepts is either still waiting, or was written, or was dropped:
//! `emitted = written + waiting + dropped`, at any moment and for every sink.
//!
//! Counters only grow. A dropped line that is completed later is counted a second time, as completed, and the number of
//! dropped lines is the difference. Only a [`CutLine`] counts a line as completed. It is made where the line is counted
//! as dropped, and completing it consumes it, so that the difference can't become negative.
//!
//! A `lines_dropped` line reports the dropped lines that can't be completed any more, so that no line is reported and
//! written. If the report itself is lost, its lines have to be reported again.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[cfg(feature = "otlp")]
use super::otlp::stats::{OtlpStats, otlp};
use super::reentrancy;
use super::sites::{SiteCounters, SiteStats, SiteSums};
use super::target::BatchLine;
use crate::base::fork::ForkLocks;
use crate::base::lock;
use crate::format::sites::SiteId;
use crate::redact::counted::{self, Redaction};

/// Why a line was dropped; [`Dropped`] describes each reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Io,
    Stalled,
    Panicked,
    Full,
    Reentrant,
}

/// The reasons and their names, in the order of [`Counters::dropped`].
pub(super) const REASONS: [(Reason, &str); 5] = [
    (Reason::Io, "io"),
    (Reason::Stalled, "stalled"),
    (Reason::Panicked, "panicked"),
    (Reason::Full, "full"),
    (Reason::Reentrant, "reentrant"),
];

/// The counters of one sink.
///
/// Each is changed only under a lock that its caller holds anyway, so a plain load and store replace a locked
/// instruction: `accepted` and `Full` under the queue's lock, or the destination's if there is no queue, and the rest
/// under the destination's lock. `Reentrant` is counted without a lock and is the exception.
///
/// A line is counted as accepted first, then perhaps as dropped and as completed, and last as written. [`add_to`]
/// reads in the opposite order, so it counts no line twice while others are changing.
///
/// [`add_to`]: Self::add_to
#[derive(Debug)]
pub(crate) struct Counters {
    kind: SinkKind,
    /// Without the reentrant lines, which no lock protects.
    accepted: Counter,
    written: Counter,
    /// Including the lines that were completed later.
    dropped: [Counter; REASONS.len()],
    /// Dropped lines whose rest was written later.
    completed: [Counter; REASONS.len()],
    /// Dropped lines that can't be completed any more.
    lost: [Counter; REASONS.len()],
    /// The lines of reports that are lost themselves, by the reason that the report has.
    unreported: [Counter; REASONS.len()],
    /// Whether the destination has lost lines since the last report began. Reentrant lines are not among them: the
    /// writer that logs would also log when the report is written.
    has_losses: AtomicBool,
    sites: SiteCounters,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// The caller must hold the lock of this counter.
    #[inline]
    pub(super) fn add(&self, count: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(count), Ordering::Release);
    }
}

/// A line of which only the beginning was written, and which is counted as dropped until its rest is written.
#[derive(Debug)]
pub(super) struct CutLine {
    /// The counters of the sink that dropped the line. A log and its audit events may share the destination.
    counters: Arc<Counters>,
    reason: Reason,
    site: SiteId,
    /// The lines that this line reports.
    reports: Option<ReportedLines>,
    is_complete: bool,
}

/// A number of lost lines, and the reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReportedLines {
    pub(super) reason: Reason,
    pub(super) lines: u64,
}

impl CutLine {
    /// Counts bytes of the line's rest. The caller must hold the destination's lock.
    pub(super) fn add_bytes(&self, bytes: usize) {
        self.counters.add_bytes(self.site, bytes);
    }

    /// Counts the line as written. The caller must hold the destination's lock.
    pub(super) fn complete(mut self) {
        self.is_complete = true;
        let CutLine { counters, reason, site, .. } = &self;
        counters.completed[*reason as usize].add(1);
        counters.written.add(1);
        counters.sites.complete_dropped(*site);
    }
}

impl Drop for CutLine {
    /// The rest of the line is discarded. The caller must hold the destination's lock, or own the destination.
    fn drop(&mut self) {
        if !self.is_complete {
            self.counters.lose(self.reason, self.reports);
        }
    }
}

impl Counters {
    /// Counters that [`stats`] includes, even after their sink is dropped.
    pub(crate) fn new(kind: SinkKind) -> Arc<Self> {
        let (accepted, written, dropped, completed, lost, unreported) = Default::default();
        let has_losses = AtomicBool::new(false);
        let sites = SiteCounters::new();
        let counters = Arc::new(Counters {
            kind,
            accepted,
            written,
            dropped,
            completed,
            lost,
            unreported,
            has_losses,
            sites,
        });
        let mut registry = lock(&REGISTRY);
        registry.close_unused();
        registry.open.push(Arc::clone(&counters));
        counters
    }

    /// The caller must hold the queue's lock, or the destination's if there is no queue.
    pub(super) fn accept(&self, lines: u64) {
        self.accepted.add(lines);
    }

    /// The caller must hold the destination's lock.
    #[inline]
    pub(super) fn complete(&self, line: BatchLine) {
        self.written.add(1);
        self.sites.complete(line);
    }

    /// Counts bytes of a line that is not complete yet. The caller must hold the destination's lock.
    pub(super) fn add_bytes(&self, site: SiteId, bytes: usize) {
        self.sites.add_bytes(site, bytes);
    }

    /// The caller must hold the destination's lock; for [`Reason::Full`], the queue's.
    pub(super) fn drop_line(&self, reason: Reason, site: SiteId) {
        self.drop_report(reason, site, None);
    }

    /// Counts a line as dropped that may be a report. The caller must hold the destination's lock; for [`Reason::Full`],
    /// the queue's.
    pub(super) fn drop_report(&self, reason: Reason, site: SiteId, reports: Option<ReportedLines>) {
        self.dropped[reason as usize].add(1);
        self.sites.drop_line(site);
        self.lose(reason, reports);
    }

    /// Counts a line as dropped of which only the beginning was written. The caller must hold the destination's lock.
    pub(super) fn cut_line(
        self: &Arc<Self>,
        reason: Reason,
        site: SiteId,
        reports: Option<ReportedLines>,
    ) -> CutLine {
        debug_assert!(!matches!(reason, Reason::Full | Reason::Reentrant), "not the destination's");
        self.dropped[reason as usize].add(1);
        self.sites.drop_line(site);
        CutLine { counters: Arc::clone(self), reason, site, reports, is_complete: false }
    }

    /// Counts a dropped line that can't be completed.
    fn lose(&self, reason: Reason, reports: Option<ReportedLines>) {
        self.lost[reason as usize].add(1);
        if let Some(ReportedLines { reason, lines }) = reports {
            self.unreported[reason as usize].add(lines);
        }
        self.has_losses.store(true, Ordering::Release);
    }

    /// Counts a line that the sink refused because this thread was already writing one. Needs no lock.
    pub(super) fn reject(&self, site: SiteId) {
        for counter in [&self.dropped, &self.lost] {
            counter[Reason::Reentrant as usize].0.fetch_add(1, Ordering::Relaxed);
        }
        self.sites.drop_line(site);
    }

    /// Counts a line that is suppressed before it reaches the sink. Needs no lock.
    pub(super) fn suppress(&self, site: SiteId) {
        self.sites.suppress(site);
    }

    pub(super) fn written(&self) -> u64 {
        self.written.get()
    }

    /// Returns the number of dropped lines, without those that were completed.
    pub(super) fn dropped(&self, reason: Reason) -> u64 {
        // Each completed line was counted as dropped before.
        let completed = self.completed[reason as usize].get();
        difference(self.dropped[reason as usize].get(), completed)
    }

    /// Returns the number of lines that reports have to cover so far. It never falls: it includes the lines of reports
    /// that are lost a second time.
    pub(super) fn to_report(&self, reason: Reason) -> u64 {
        self.lost[reason as usize].get() + self.unreported[reason as usize].get()
    }

    /// Whether the destination has lost lines since the last report began.
    #[inline]
    pub(super) fn has_losses(&self) -> bool {
        self.has_losses.load(Ordering::Relaxed)
    }

    /// Whether the destination has lost lines since the last report began, or may still complete a dropped one.
    pub(super) fn has_open_losses(&self) -> bool {
        let is_open = |(reason, _)| self.dropped(reason) > self.lost[reason as usize].get();
        self.has_losses() || REASONS.into_iter().any(is_open)
    }

    /// Notes that there are still lines to report.
    pub(super) fn report_again(&self) {
        self.has_losses.store(true, Ordering::Release);
    }

    /// Notes that a report of the lines that were lost so far begins.
    pub(super) fn begin_report(&self) {
        self.has_losses.swap(false, Ordering::Acquire);
    }

    /// Returns the number of lines that were dropped so far, for all reasons, including those that were completed later.
    pub(super) fn lost(&self) -> u64 {
        self.dropped.iter().map(Counter::get).sum()
    }

    /// Lines that were accepted and are neither written nor dropped.
    pub(super) fn waiting(&self) -> u64 {
        let mut stats = SinkStats::new("");
        self.add_to(&mut stats);
        stats.waiting
    }

    /// In a forked child: no longer counts the lines that are waiting, which the parent writes. If a writer forks, the
    /// child completes the lines that it is writing, so they stay.
    pub(super) fn forget_waiting(&self) {
        if reentrancy::is_writing() {
            return;
        }
        let dropped = REASONS.iter().filter(|(reason, _)| *reason != Reason::Reentrant);
        let dropped = dropped.map(|(reason, _)| self.dropped(*reason)).sum::<u64>();
        self.accepted.0.store(self.written() + dropped, Ordering::Relaxed);
    }

    /// Adds the counts of the call sites to `sums`, by index.
    pub(super) fn add_sites_to(&self, sums: &mut Vec<SiteSums>) {
        self.sites.add_to(sums);
    }

    fn add_to(&self, stats: &mut SinkStats) {
        let written = self.written();
        let lines = REASONS.map(|(reason, _)| self.dropped(reason));
        let [io, stalled, panicked, full, reentrant] = lines;
        stats.dropped.io += io;
        stats.dropped.stalled += stalled;
        stats.dropped.panicked += panicked;
        stats.dropped.full += full;
        stats.dropped.reentrant += reentrant;
        stats.written += written;
        // Read last: each line counted above was accepted before.
        let emitted = self.accepted.get() + reentrant;
        let settled = written + lines.iter().sum::<u64>();
        let waiting = difference(emitted, settled);
        stats.emitted += settled + waiting;
        stats.waiting += waiting;
    }
}

/// `larger - smaller`. A wrong order is a bug, which debug builds report; others show 0.
pub(super) fn difference(larger: u64, smaller: u64) -> u64 {
    debug_assert!(larger >= smaller, "{larger} lines were counted, and {smaller} of them again");
    larger.saturating_sub(smaller)
}

/// The kind of a sink, under which [`stats`] sums its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SinkKind {
    Stdout,
    Stderr,
    File,
    Writer,
    Audit,
}

/// The counters of all sinks of the process.
struct Registry {
    open: Vec<Arc<Counters>>,
    /// The sums of the sinks that no longer exist, in the order of [`SinkKind`].
    closed: [SinkStats; 5],
    /// Counts of the call sites.
    closed_sites: Vec<SiteSums>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    open: Vec::new(),
    closed: [
        SinkStats::new("stdout"),
        SinkStats::new("stderr"),
        SinkStats::new("file"),
        SinkStats::new("writer"),
        SinkStats::new("audit"),
    ],
    closed_sites: Vec::new(),
});

/// Takes the lock before a fork.
pub(crate) fn hold(locks: &mut ForkLocks) {
    locks.hold((), |()| Some(&REGISTRY), |(), _| {});
}

impl Registry {
    /// Moves the counts of sinks that no longer exist to the sums. A sink does not do this itself when it is dropped,
    /// because [`stats`] would miss its lines in between.
    fn close_unused(&mut self) {
        let Registry { open, closed, closed_sites } = self;
        open.retain_mut(|counters| {
            if let Some(counters) = Arc::get_mut(counters) {
                counters.add_to(&mut closed[counters.kind as usize]);
                counters.add_sites_to(closed_sites);
                return false;
            }
            true
        });
    }
}

/// Line and redaction counts of this process, returned by [`stats`].
///
/// ```
/// println!("{}", candor::stats()); // emitted 1204, written 1200, waiting 0, dropped 4 (stdout: io 4)
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lines that were logged: the sum of the other three.
    pub emitted: u64,
    /// Lines that were passed to the operating system or the writer.
    ///
    /// The writer is that of [`Config::writer`](crate::Config::writer).
    pub written: u64,
    /// Lines in the queue of a background writer.
    pub waiting: u64,
    /// Lines that could not be written.
    pub dropped: u64,
    /// Values redacted at run time, by name or detector, the largest count first.
    ///
    /// Use them to find the cause of a surprising `[REDACTED]`. They contain names and detectors, but no values.
    ///
    /// Each `[REDACTED]` counts once, in lines and in the results of [`scrub`](crate::scrub), including one that the
    /// limit of a value or a line cuts off later. A value that an explicit policy hides, or that a macro hides at
    /// compile time because of its name, is not counted: the code shows the reason.
    ///
    /// ```standalone_crate
    /// let body = serde_json::json!({ "user": 7, "api_key": "k-1", "note": "password=hunter2" });
    /// candor::scrub::json(&body);
    /// candor::scrub::text("card 4242424242424242, api_key=k-1");
    ///
    /// let redactions: Vec<String> =
    ///     candor::stats().redactions.iter().map(ToString::to_string).collect();
    /// assert_eq!(redactions, ["name api_key: 2", "name password: 1", "card number: 1"]);
    /// ```
    pub redactions: Vec<Redaction>,
    /// Records of [`Config::otlp`](crate::Config::otlp).
    ///
    /// The other counts are those of the local output.
    #[cfg(feature = "otlp")]
    pub otlp: OtlpStats,
    sinks: Vec<SinkStats>,
    sites: Vec<SiteStats>,
}

impl Stats {
    /// Returns the counts of each call site, the one with the most bytes first.
    ///
    /// Lines are counted when they are written, so the sum of the bytes is the number of bytes that candor has written
    /// to its outputs, in every format, even after errors. Queued lines are counted when they leave the queue. Lines
    /// that tests capture and records that are exported with OTLP are not included.
    ///
    /// ```standalone_crate
    /// let subscriber = candor::Config::new().writer(std::io::sink()).subscriber()?;
    /// tracing::subscriber::with_default(subscriber, || {
    ///     for _ in 0..3 {
    ///         candor::info!(target: "shop", "a long message, which is the most expensive of all");
    ///     }
    ///     candor::info!(target: "shop", "short");
    /// });
    /// let stats = candor::stats();
    /// let [first, second] = stats.sites() else { panic!("two call sites") };
    /// assert_eq!((first.target, first.lines, second.lines), ("shop", 3, 1));
    /// assert!(first.bytes > second.bytes);
    /// # Ok::<(), candor::ConfigError>(())
    /// ```
    pub fn sites(&self) -> &[SiteStats] {
        &self.sites
    }

    /// Returns the counts of each kind of sink that has received a line.
    pub fn sinks(&self) -> &[SinkStats] {
        &self.sinks
    }

    /// Returns the counts of the sinks with this [name](SinkStats::name).
    ///
    /// All counts are zero if the sinks have not received a line.
    pub fn sink(&self, name: &'static str) -> SinkStats {
        self.sinks.iter().find(|sink| sink.name == name).copied().unwrap_or(SinkStats::new(name))
    }
}

/// Line counts of one kind of sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// `stdout`, `stderr`, `file`, `writer` or `audit`.
    ///
    /// `audit` stands for the events of [`audit!`](crate::audit!), in any output.
    pub name: &'static str,
    /// Lines that were logged: the sum of the other three.
    pub emitted: u64,
    /// Lines that were passed to the operating system or the writer.
    ///
    /// The writer is that of [`Config::writer`](crate::Config::writer).
    pub written: u64,
    /// Lines in the queue of a background writer.
    pub waiting: u64,
    /// Lines that could not be written, by reason.
    pub dropped: Dropped,
}

impl SinkStats {
    const fn new(name: &'static str) -> Self {
        let dropped = Dropped { io: 0, stalled: 0, panicked: 0, full: 0, reentrant: 0 };
        SinkStats { name, emitted: 0, written: 0, waiting: 0, dropped }
    }
}

/// Lines that could not be written, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The write failed, e.g. disk full or broken pipe.
    pub io: u64,
    /// A non-blocking descriptor accepted no bytes for a second.
    pub stalled: u64,
    /// The writer of [`Config::writer`](crate::Config::writer) panicked.
    pub panicked: u64,
    /// The queue of [`Config::background`](crate::Config::background) was full.
    pub full: u64,
    /// The line was logged by the writer itself during a write on the same thread.
    pub reentrant: u64,
}

impl Dropped {
    /// Returns the sum of all reasons.
    pub fn total(&self) -> u64 {
        self.by_reason().map(|(_, lines)| lines).sum()
    }

    /// Returns each reason and its count.
    ///
    /// The reasons have the same names as in `lines_dropped` lines.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let counts = [self.io, self.stalled, self.panicked, self.full, self.reentrant];
        REASONS.into_iter().zip(counts).map(|((_, name), lines)| (name, lines))
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { emitted, written, waiting, dropped, sinks, .. } = self;
        write!(f, "emitted {emitted}, written {written}, waiting {waiting}, dropped {dropped}")?;
        let reasons = sinks.iter().flat_map(|sink| {
            sink.dropped.by_reason().map(|(reason, lines)| (sink.name, reason, lines))
        });
        let mut previous = None;
        for (name, reason, lines) in reasons.filter(|(_, _, lines)| *lines > 0) {
            match previous {
                None => write!(f, " ({name}: {reason} {lines}")?,
                Some(same) if same == name => write!(f, ", {reason} {lines}")?,
                Some(_) => write!(f, "; {name}: {reason} {lines}")?,
            }
            previous = Some(name);
        }
        if previous.is_some() {
            f.write_str(")")?;
        }
        #[cfg(feature = "otlp")]
        if self.otlp.logs.emitted + self.otlp.spans.emitted > 0 {
            write!(f, "; {}", self.otlp)?;
        }
        Ok(())
    }
}

/// Returns the line and redaction counts of this process, over all its layers.
///
/// `emitted` is the sum of `written`, `waiting` and `dropped` at any moment.
///
/// ```
/// let stats = candor::stats();
/// assert_eq!(stats.emitted, stats.written + stats.waiting + stats.dropped);
/// assert_eq!(stats.sink("stdout").dropped.io, 0);
/// ```
pub fn stats() -> Stats {
    let (sums, site_sums) = {
        let mut registry = lock(&REGISTRY);
        registry.close_unused();
        let (mut sums, mut site_sums) = (registry.closed, registry.closed_sites.clone());
        for counters in &registry.open {
            counters.add_to(&mut sums[counters.kind as usize]);
            counters.add_sites_to(&mut site_sums);
        }
        (sums, site_sums)
    };
    let sinks: Vec<_> = sums.into_iter().filter(|sink| sink.emitted > 0).collect();
    Stats {
        emitted: sinks.iter().map(|sink| sink.emitted).sum(),
        written: sinks.iter().map(|sink| sink.written).sum(),
        waiting: sinks.iter().map(|sink| sink.waiting).sum(),
        dropped: sinks.iter().map(|sink| sink.dropped.total()).sum(),
        redactions: counted::redactions(),
        #[cfg(feature = "otlp")]
        otlp: otlp(),
        sinks,
        sites: SiteStats::sorted(&site_sums),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_counters_are_in_the_order_of_the_enums() {
        use SinkKind::{Audit, File, Stderr, Stdout, Writer};
        for (at, (reason, _)) in REASONS.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
        }
        for (at, kind) in [Stdout, Stderr, File, Writer, Audit].into_iter().enumerate() {
            assert_eq!(kind as usize, at);
        }
    }

    #[test]
    fn the_text_names_each_sink_that_dropped_lines_and_why() {
        let mut stdout = SinkStats::new("stdout");
        (stdout.dropped.io, stdout.dropped.full) = (2, 1);
        let mut file = SinkStats::new("file");
        file.dropped.stalled = 1;
        let sinks = vec![stdout, file, SinkStats::new("audit")];
        let redactions = Vec::new();
        let stats = Stats {
            emitted: 9,
            written: 5,
            waiting: 0,
            dropped: 4,
            redactions,
            #[cfg(feature = "otlp")]
            otlp: OtlpStats::default(),
            sinks,
            sites: Vec::new(),
        };
        assert_eq!(
            stats.to_string(),
            "emitted 9, written 5, waiting 0, dropped 4 (stdout: io 2, full 1; file: stalled 1)"
        );
    }
}
