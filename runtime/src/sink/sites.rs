//! Counts of lines and bytes by call site: one table for each sink.

use std::array::from_fn;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Sink;
use super::stats::{Counter, difference};
use super::target::BatchLine;
use crate::format::sites::{self, SiteId, SiteKey};

/// The number of call sites in one chunk of a table. A chunk is allocated when one of its sites is first counted, and is
/// never freed, so it can be read without a lock.
const CHUNK: usize = 64;
const CHUNKS: usize = SiteId::LIMIT / CHUNK;

/// The counters of all call sites in one sink.
pub(super) struct SiteCounters {
    written: Chunks<Written>,
    /// Separate from `written`, so that the counters of more call sites fit into the CPU's cache.
    lost: Chunks<Lost>,
}

/// Changed only under the destination's lock.
#[derive(Default)]
struct Written {
    lines: Counter,
    bytes: Counter,
}

/// Changed by atomic read-modify-write instructions, because lines are lost under different locks.
#[derive(Default)]
struct Lost {
    /// Including the lines that were completed later.
    dropped: AtomicU64,
    completed: AtomicU64,
    suppressed: AtomicU64,
}

struct Chunks<T>([OnceLock<Box<[T; CHUNK]>>; CHUNKS]);

impl<T: Default> Chunks<T> {
    fn new() -> Self {
        Chunks([const { OnceLock::new() }; CHUNKS])
    }

    #[inline]
    fn of(&self, site: SiteId) -> &T {
        let index = site.index();
        let chunk =
            self.0[(index / CHUNK) % CHUNKS].get_or_init(|| Box::new(from_fn(|_| T::default())));
        &chunk[index % CHUNK]
    }

    fn each(&self, mut f: impl FnMut(usize, &T)) {
        for (at, chunk) in self.0.iter().enumerate() {
            for (place, counters) in
                chunk.get().into_iter().flat_map(|chunk| chunk.iter()).enumerate()
            {
                f(at * CHUNK + place, counters);
            }
        }
    }
}

impl SiteCounters {
    pub(super) fn new() -> Self {
        SiteCounters { written: Chunks::new(), lost: Chunks::new() }
    }

    /// Counts a line as written. The caller must hold the destination's lock.
    #[inline]
    pub(super) fn complete(&self, line: BatchLine) {
        let written = self.written.of(line.site);
        written.lines.add(1);
        written.bytes.add(line.len as u64);
    }

    /// Counts bytes of a line that is not complete yet. The caller must hold the destination's lock.
    pub(super) fn add_bytes(&self, site: SiteId, bytes: usize) {
        self.written.of(site).bytes.add(bytes as u64);
    }

    /// Counts a line as written that was counted as dropped. The caller must hold the destination's lock.
    pub(super) fn complete_dropped(&self, site: SiteId) {
        self.lost.of(site).completed.fetch_add(1, Ordering::Release);
        self.written.of(site).lines.add(1);
    }

    pub(super) fn drop_line(&self, site: SiteId) {
        self.lost.of(site).dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn suppress(&self, site: SiteId) {
        self.lost.of(site).suppressed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_to(&self, sums: &mut Vec<SiteSums>) {
        let mut sum = |index: usize, add: &dyn Fn(&mut SiteSums)| {
            if sums.len() <= index {
                sums.resize(index + 1, SiteSums::default());
            }
            add(&mut sums[index]);
        };
        self.written.each(|index, written| {
            sum(index, &|sums| {
                sums.lines += written.lines.get();
                sums.bytes += written.bytes.get();
            });
        });
        self.lost.each(|index, lost| {
            sum(index, &|sums| {
                // Each completed line was counted as dropped before.
                let completed = lost.completed.load(Ordering::Acquire);
                sums.dropped += difference(lost.dropped.load(Ordering::Relaxed), completed);
                sums.suppressed += lost.suppressed.load(Ordering::Relaxed);
            });
        });
    }
}

impl fmt::Debug for SiteCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteCounters").finish_non_exhaustive()
    }
}

/// Counts of one call site, summed over several sinks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SiteSums {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    dropped: u64,
    suppressed: u64,
}

impl SiteSums {
    /// Returns the sums over these sinks, by the index of the call site.
    pub(crate) fn of(sinks: [&Sink; 2]) -> Vec<Self> {
        let mut sums = Vec::new();
        for sink in sinks {
            sink.counters.add_sites_to(&mut sums);
        }
        sums
    }

    /// Returns the lines and bytes since `earlier`.
    pub(crate) fn since(self, earlier: SiteSums) -> Self {
        let lines = self.lines.saturating_sub(earlier.lines);
        SiteSums { lines, bytes: self.bytes.saturating_sub(earlier.bytes), ..self }
    }
}

/// Line and byte counts of one call site, returned by [`Stats::sites`](crate::Stats::sites).
///
/// A call site is a location in the source that logs: an annotated function, an event macro, or a `log` macro. Lines that
/// candor writes about a request, a job or itself have no location in the program, so each of their events counts as one
/// call site.
///
/// The `Display` implementation writes one line:
///
/// ```text
/// src/cart.rs:41 shop::cart step_timing check_out: lines 1204, bytes 325080
/// src/pay.rs:12 deps dependency_call payments charge: lines 1190, bytes 464100, dropped 2
/// http request_completed: lines 1204, bytes 541800
/// src/cart.rs:88 shop::cart: lines 20000, bytes 4100000, suppressed 180000
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteStats {
    /// Source file, such as `src/cart.rs`; `None` for candor's own events.
    pub file: Option<&'static str>,
    /// Line in the file.
    pub line: Option<u32>,
    /// Target of its lines, which is the value of their `logger` key.
    pub target: &'static str,
    /// Value of `event` on its lines; empty if they don't have the key.
    pub event: &'static str,
    /// Dependency of a call; empty for others.
    pub dependency: &'static str,
    /// Step, or operation of a call; empty for others.
    ///
    /// Two entries without a target have special names: `no location` counts lines whose location is not known, and
    /// `other` counts the call sites beyond a limit of about 4000.
    pub name: &'static str,
    /// Lines that were written.
    pub lines: u64,
    /// Bytes that were written to the output.
    ///
    /// They include the beginning of a line if the rest of it could not be written.
    pub bytes: u64,
    /// Lines that could not be written.
    pub dropped: u64,
    /// Lines that were withheld by a limit, sampling or a [`Story`](crate::Story).
    ///
    /// The limits are that of lines per request and a [`budget`](crate::Config::budget).
    /// [Repeats](crate::Config::fold_repeats) also count here, while their folded line counts as written. Lines that a
    /// flight recorder discards are not counted.
    pub suppressed: u64,
}

impl SiteStats {
    /// Returns the call sites with a count, the one with the most bytes first.
    pub(super) fn sorted(sums: &[SiteSums]) -> Vec<Self> {
        let counted = sites::keys().into_iter().zip(sums);
        let counted = counted.filter(|(_, sums)| **sums != SiteSums::default());
        let mut all: Vec<_> = counted
            .map(|(key, sums)| SiteStats {
                file: key.file,
                line: key.line,
                target: key.target,
                event: key.event,
                dependency: key.dependency,
                name: key.name,
                lines: sums.lines,
                bytes: sums.bytes,
                dropped: sums.dropped,
                suppressed: sums.suppressed,
            })
            .collect();
        all.sort_by_key(|site| std::cmp::Reverse((site.bytes, site.suppressed, site.dropped)));
        all
    }
}

impl fmt::Display for SiteStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SiteStats { file, line, target, event, dependency, name, .. } = *self;
        SiteKey { file, line, target, event, dependency, name }.fmt(f)?;
        write!(f, ": lines {}, bytes {}", self.lines, self.bytes)?;
        for (name, lines) in [("dropped", self.dropped), ("suppressed", self.suppressed)] {
            if lines > 0 {
                write!(f, ", {name} {lines}")?;
            }
        }
        Ok(())
    }
}
