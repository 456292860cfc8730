//! What became of the lines: written, waiting, or dropped, and why.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::base::lock;

/// Why a line was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Io,
    Stalled,
    Panicked,
    Full,
    Reentrant,
}

/// The reasons with their names, in the order of their counts.
pub(super) const REASONS: [(Reason, &str); 5] = [
    (Reason::Io, "io"),
    (Reason::Stalled, "stalled"),
    (Reason::Panicked, "panicked"),
    (Reason::Full, "full"),
    (Reason::Reentrant, "reentrant"),
];

/// The counts of one sink.
///
/// All but the last reason are changed only by who holds the sink or its queue, so that no thread waits
/// for another one because of them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Lines that came in, those that found the sink taken aside.
    taken: Count,
    written: Count,
    dropped: [Count; REASONS.len()],
}

#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, many: u64) {
        self.0.store(self.get().wrapping_add(many), Ordering::Relaxed);
    }
}

impl Counts {
    /// By who holds the queue; without one, the sink.
    pub(super) fn took(&self, many: u64) {
        self.taken.add(many);
    }

    /// By who holds the sink.
    pub(super) fn wrote(&self, many: u64) {
        self.written.add(many);
    }

    /// By who holds the sink; of `Full`, the queue.
    pub(super) fn dropped(&self, reason: Reason) {
        self.dropped[reason as usize].add(1);
    }

    /// A line that was given up is a whole one after all. By who holds the sink.
    pub(super) fn wrote_after_all(&self, reason: Reason) {
        self.dropped[reason as usize].add(1_u64.wrapping_neg());
        self.written.add(1);
    }

    /// A line that found its own thread writing.
    pub(super) fn refused(&self) {
        self.dropped[Reason::Reentrant as usize].0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn written(&self) -> u64 {
        self.written.get()
    }

    pub(super) fn lost(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize].get()
    }

    /// Lines that came in and are neither written nor dropped.
    pub(super) fn waiting(&self) -> u64 {
        let mut sums = SinkStats::new("");
        self.add_to(&mut sums);
        sums.waiting
    }

    fn add_to(&self, sink: &mut SinkStats) {
        let lost = REASONS.map(|(reason, _)| self.lost(reason));
        let [io, stalled, panicked, full, reentrant] = lost;
        sink.dropped.io += io;
        sink.dropped.stalled += stalled;
        sink.dropped.panicked += panicked;
        sink.dropped.full += full;
        sink.dropped.reentrant += reentrant;
        let written = self.written();
        sink.written += written;
        // Read last: whatever was written or dropped had come in before.
        let emitted = self.taken.get() + reentrant;
        let settled = written + lost.iter().sum::<u64>();
        sink.emitted += emitted.max(settled);
        sink.waiting += emitted.saturating_sub(settled);
    }
}

/// What a sink writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stdout,
    Stderr,
    File,
    Writer,
    Audit,
}

const KINDS: [&str; 5] = ["stdout", "stderr", "file", "writer", "audit"];

/// The counts of all sinks: those that are in use, and the sums of those that are gone.
struct Ledger {
    open: Vec<(Kind, Weak<Counted>)>,
    closed: [SinkStats; KINDS.len()],
}

static LEDGER: Mutex<Ledger> = Mutex::new(Ledger {
    open: Vec::new(),
    closed: {
        let mut closed = [SinkStats::new(""); KINDS.len()];
        let mut at = 0;
        while at < KINDS.len() {
            closed[at] = SinkStats::new(KINDS[at]);
            at += 1;
        }
        closed
    },
});

fn ledger() -> MutexGuard<'static, Ledger> {
    lock(&LEDGER)
}

/// The counts of a sink that [`stats`] knows of.
#[derive(Debug)]
pub(crate) struct Counted {
    kind: Kind,
    counts: Counts,
}

impl Counted {
    pub(crate) fn new(kind: Kind) -> Arc<Self> {
        let counted = Arc::new(Counted { kind, counts: Counts::default() });
        let mut ledger = ledger();
        ledger.open.retain(|(_, sink)| sink.strong_count() > 0);
        ledger.open.push((kind, Arc::downgrade(&counted)));
        counted
    }
}

impl std::ops::Deref for Counted {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        &self.counts
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.add_to(&mut ledger().closed[self.kind as usize]);
    }
}

/// What became of the lines of this process; see [`stats`].
///
/// ```
/// println!("{}", candor::stats()); // emitted 1204, written 1200, waiting 0, dropped 4 (stdout: io 4)
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lines that were to be written.
    pub emitted: u64,
    /// Lines the system has taken.
    pub written: u64,
    /// Lines in the queue of a background writer.
    pub waiting: u64,
    /// Lines that were given up.
    pub dropped: u64,
    sinks: Vec<SinkStats>,
}

impl Stats {
    /// The counts of each kind of sink that has had a line.
    pub fn sinks(&self) -> &[SinkStats] {
        &self.sinks
    }

    /// The counts of the sink of this name, zero where it has had no line.
    pub fn sink(&self, name: &'static str) -> SinkStats {
        self.sinks.iter().find(|sink| sink.name == name).copied().unwrap_or(SinkStats::new(name))
    }
}

/// What became of the lines of one sink. `emitted` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStats {
    /// `stdout`, `stderr`, `file`, `writer`, or `audit` for the events of [`audit!`](crate::audit!),
    /// wherever they go.
    pub name: &'static str,
    /// Lines that were to be written.
    pub emitted: u64,
    /// Lines the system has taken.
    pub written: u64,
    /// Lines in the queue of a background writer.
    pub waiting: u64,
    /// Lines that were given up, by reason.
    pub dropped: Dropped,
}

impl SinkStats {
    const fn new(name: &'static str) -> Self {
        let dropped = Dropped { io: 0, stalled: 0, panicked: 0, full: 0, reentrant: 0 };
        SinkStats { name, emitted: 0, written: 0, waiting: 0, dropped }
    }
}

/// Lines that were given up, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The system took an error for an answer: a full disk, a reader that is gone.
    pub io: u64,
    /// A non-blocking descriptor stayed full for a second.
    pub stalled: u64,
    /// The writer of [`Config::writer`](crate::Config::writer) panicked.
    pub panicked: u64,
    /// The queue of [`Config::background`](crate::Config::background) was full.
    pub full: u64,
    /// They were logged by the writer itself, while it wrote on the same thread.
    pub reentrant: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_reason().map(|(_, lines)| lines).sum()
    }

    /// The reasons by name, in the words of `lines_dropped` lines.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let counts = [self.io, self.stalled, self.panicked, self.full, self.reentrant];
        REASONS.into_iter().zip(counts).map(|((_, name), lines)| (name, lines))
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stats { emitted, written, waiting, dropped, sinks } = self;
        write!(f, "emitted {emitted}, written {written}, waiting {waiting}, dropped {dropped}")?;
        let lost = sinks.iter().flat_map(|sink| {
            sink.dropped.by_reason().map(|(reason, lines)| (sink.name, reason, lines))
        });
        let mut before = None;
        for (name, reason, lines) in lost.filter(|(_, _, lines)| *lines > 0) {
            match before {
                None => write!(f, " ({name}: {reason} {lines}")?,
                Some(same) if same == name => write!(f, ", {reason} {lines}")?,
                Some(_) => write!(f, "; {name}: {reason} {lines}")?,
            }
            before = Some(name);
        }
        if before.is_some() { f.write_str(")") } else { Ok(()) }
    }
}

/// Counts of this process, over all its layers: `emitted` is `written`, `waiting` and `dropped`
/// together, at any moment.
///
/// ```
/// let stats = candor::stats();
/// assert_eq!(stats.emitted, stats.written + stats.waiting + stats.dropped);
/// assert_eq!(stats.sink("stdout").dropped.io, 0);
/// ```
pub fn stats() -> Stats {
    let (mut sums, open) = {
        let ledger = ledger();
        let open: Vec<_> =
            ledger.open.iter().filter_map(|(kind, sink)| Some((*kind, sink.upgrade()?))).collect();
        (ledger.closed, open)
    };
    for (kind, counts) in &open {
        counts.add_to(&mut sums[*kind as usize]);
    }
    let sinks: Vec<_> = sums.into_iter().filter(|sink| sink.emitted > 0).collect();
    Stats {
        emitted: sinks.iter().map(|sink| sink.emitted).sum(),
        written: sinks.iter().map(|sink| sink.written).sum(),
        waiting: sinks.iter().map(|sink| sink.waiting).sum(),
        dropped: sinks.iter().map(|sink| sink.dropped.total()).sum(),
        sinks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_by_place() {
        for (at, (reason, _)) in REASONS.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
        }
        for (at, kind) in
            [Kind::Stdout, Kind::Stderr, Kind::File, Kind::Writer, Kind::Audit].iter().enumerate()
        {
            assert_eq!(*kind as usize, at);
        }
    }

    #[test]
    fn the_text_names_each_sink_that_lost_lines_and_why() {
        let mut stdout = SinkStats::new("stdout");
        (stdout.dropped.io, stdout.dropped.full) = (2, 1);
        let mut file = SinkStats::new("file");
        file.dropped.stalled = 1;
        let quiet = SinkStats::new("audit");
        let stats = Stats {
            emitted: 9,
            written: 5,
            waiting: 0,
            dropped: 4,
            sinks: vec![stdout, file, quiet],
        };
        assert_eq!(
            stats.to_string(),
            "emitted 9, written 5, waiting 0, dropped 4 (stdout: io 2, full 1; file: stalled 1)"
        );
    }
}
