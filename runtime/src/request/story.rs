//! The story of one request: its held lines, and the times for the wide line.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::Request;
use super::recorder::{KeptLine, Limits};
use crate::base::clock::Tick;
use crate::base::fork::{ForkLocks, OutputLock};
use crate::base::object_lock;
use crate::format::record::{Record, Severity};

/// The lines that a request or job writes.
///
/// Set it with [`Config::story`](crate::Config::story) or `LOG_STORY`. Lines outside requests and jobs are not
/// affected. Neither are contexts that the program creates with
/// [`RequestContext`](crate::RequestContext), because they have no completion line.
///
/// | | a request without a problem | any other request |
/// |---|---|---|
/// | `All` | every line | every line |
/// | `Problems` | one wide `request_completed` | every line |
/// | `Summary` | one wide `request_completed` | its lines at WARN and above, one wide `request_completed` |
///
/// [`Config::story`](crate::Config::story) lists what counts as a problem.
///
/// # The wide line
///
/// A completion line that replaces other lines is a wide line. It has these members, in addition to the usual ones:
///
/// | key | value |
/// |---|---|
/// | `lines_left_out` | the number of lines that were not written |
/// | `step_own_ms` | the self time of the steps by name, in milliseconds, without the steps and calls inside them, the largest first; at most [`Config::story_steps`](crate::Config::story_steps) names |
/// | `dependencies` | for each dependency, the number of `calls`, their milliseconds (`ms`) and their `retries`, if there were any; at most 10, the slowest first |
///
/// In every mode, [`wide`](crate::wide()) and [`wide_add`](crate::wide_add) add fields to the completion line.
///
/// ```
/// use candor::{Config, Story};
///
/// let config = Config::new().story(Story::Problems);
/// ```
///
/// ```text
/// {"ts":"…","level":"INFO","logger":"http","msg":"request_completed","request_id":"r-7",…,"seq":1,
///  "event":"request_completed","status":201,"duration_ms":15.170,"outcome":"ok",…,"steps":3,…,"lines_left_out":5,
///  "step_own_ms":{"log_in":3.201,"place_order":0.105,"price":0.001},
///  "dependencies":{"payments":{"calls":1,"ms":10.022}}}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Story {
    /// Every line of every request. This is the default.
    #[default]
    All,
    /// Every line of a request that has a problem, and one line of any other request.
    Problems,
    /// Lines at WARN and above, and one line of every request.
    Summary,
}

/// How one logger writes the stories of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StorySettings {
    pub(crate) mode: Story,
    pub(crate) limits: Limits,
    /// A request that takes at least this long is written in full.
    pub(crate) slow: Duration,
    /// The most names in `step_own_ms`.
    pub(crate) steps: usize,
}

impl Default for StorySettings {
    fn default() -> Self {
        StorySettings {
            mode: Story::All,
            limits: Limits { lines: 256, bytes: 64 << 10, total_bytes: 16 << 20 },
            slow: Duration::from_secs(1),
            steps: 5,
        }
    }
}

/// The story of a request whose lines are not all written at once.
#[derive(Debug)]
pub(crate) struct RequestStory {
    /// The logger that the story belongs to. Other loggers write every line.
    pub(crate) logger: u64,
    pub(crate) settings: StorySettings,
    held: OutputLock<HeldLines>,
    /// Lines that were not written because of the mode.
    pub(crate) left_out: AtomicU64,
    has_ended_well: AtomicBool,
    times: Mutex<StoryTimes>,
}

/// The held lines of a request. Their lock also orders the lines of the request: a line is numbered and written under
/// the lock.
#[derive(Debug)]
pub(crate) struct HeldLines {
    is_holding: bool,
    /// Lines without their numbers, the oldest first.
    lines: Vec<KeptLine>,
    bytes: usize,
}

/// Total size of the held lines of the process, in bytes.
static TOTAL: AtomicUsize = AtomicUsize::new(0);

/// The maximum number of names of steps, and of dependencies, in the times of one request. Later names are ignored.
const MAX_NAMES: usize = 64;

/// The times of the steps and calls of a request, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoryTimes {
    /// Names of steps, and their self times in nanoseconds.
    pub(crate) steps: Vec<(&'static str, u64)>,
    pub(crate) dependencies: Vec<DependencyTimes>,
}

/// The calls of a request to one dependency.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DependencyTimes {
    pub(crate) name: &'static str,
    pub(crate) calls: u64,
    pub(crate) nanos: u64,
    pub(crate) retries: u64,
}

impl RequestStory {
    pub(crate) fn new(logger: u64, settings: StorySettings) -> Self {
        let is_holding = settings.mode == Story::Problems;
        RequestStory {
            logger,
            settings,
            held: OutputLock::new(HeldLines { is_holding, lines: Vec::new(), bytes: 0 }),
            left_out: AtomicU64::new(0),
            has_ended_well: AtomicBool::new(false),
            times: Mutex::default(),
        }
    }

    /// Whether every line is written if the request has a problem.
    pub(crate) fn is_of_problems(&self) -> bool {
        self.settings.mode == Story::Problems
    }

    /// Whether this line of this logger is a part of the story of a problem. Lines after a good end are not, except for
    /// the completion line, to which no limit applies.
    pub(crate) fn includes(&self, record: &Record<'_>, logger: u64) -> bool {
        self.is_of_problems()
            && self.logger == logger
            && !(record.capped && self.has_ended_well.load(Ordering::Relaxed))
    }

    pub(crate) fn set_ended_well(&self) {
        self.has_ended_well.store(true, Ordering::Relaxed);
    }

    /// Returns whether the mode leaves the line out for good, and counts it if so.
    pub(crate) fn leaves_out(&self, record: &Record<'_>) -> bool {
        let leaves_out = self.settings.mode == Story::Summary
            && record.severity < Severity::Warn
            && record.capped;
        if leaves_out {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        leaves_out
    }

    /// Returns whether a request that began at `started` is slow at `now`.
    pub(crate) fn is_slow(&self, started: Tick, now: Tick) -> bool {
        now.since(started) >= self.settings.slow
    }

    /// Locks the held lines. Keep the lock while a line of the request is numbered and written, but not while user code
    /// other than a writer runs.
    pub(crate) fn held(&self) -> MutexGuard<'_, HeldLines> {
        self.held.lock(HeldLines::lost)
    }

    /// Like [`held`](Self::held). Returns `None` if another thread holds the lock for longer than `time`.
    pub(crate) fn held_within(&self, time: Duration) -> Option<MutexGuard<'_, HeldLines>> {
        self.held.lock_within(time, HeldLines::lost)
    }

    /// In a forked child: forgets the held lines, which the parent has, too.
    pub(crate) fn leave_to_parent(&self) {
        // If this thread holds the lock because it forked, `hold` forgets the lines.
        self.held.change_or_abandon(HeldLines::forget);
    }

    /// Takes the locks of a request's story before a fork.
    pub(super) fn hold(request: &Arc<Request>, locks: &mut ForkLocks) {
        locks.hold_output(
            Arc::clone(request),
            |request| request.story().map(|story| &story.held),
            |_, held| {
                if let Some(held) = held {
                    held.forget();
                }
            },
        );
        locks.hold(
            Arc::clone(request),
            |request| request.story().map(|story| &story.times),
            |_, _| {},
        );
    }

    pub(crate) fn times(&self) -> StoryTimes {
        object_lock::lock(&self.times).clone()
    }

    pub(crate) fn step_ended(&self, name: &'static str, own_nanos: u64) {
        let steps = &mut object_lock::lock(&self.times).steps;
        if let Some((_, nanos)) = steps.iter_mut().find(|(known, _)| *known == name) {
            *nanos = nanos.saturating_add(own_nanos);
        } else if steps.len() < MAX_NAMES {
            steps.push((name, own_nanos));
        }
    }

    pub(crate) fn call_ended(&self, name: &'static str, nanos: u64, retries: u64) {
        let dependencies = &mut object_lock::lock(&self.times).dependencies;
        if let Some(known) = dependencies.iter_mut().find(|known| known.name == name) {
            known.calls += 1;
            known.nanos = known.nanos.saturating_add(nanos);
            known.retries = known.retries.saturating_add(retries);
        } else if dependencies.len() < MAX_NAMES {
            dependencies.push(DependencyTimes { name, calls: 1, nanos, retries });
        }
    }
}

impl HeldLines {
    /// The state of a request that lost its held lines in a fork. It writes its later lines at once.
    fn lost() -> Self {
        HeldLines { is_holding: false, lines: Vec::new(), bytes: 0 }
    }

    fn forget(&mut self) {
        self.lines.clear();
        TOTAL.fetch_sub(mem::take(&mut self.bytes), Ordering::Relaxed);
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.is_holding
    }

    pub(crate) fn count(&self) -> usize {
        self.lines.len()
    }

    /// Returns whether another line of this length can be held. Each concurrent request may exceed the total by one
    /// line.
    pub(crate) fn has_room(&self, length: usize, limits: &Limits) -> bool {
        let size = Self::size_of(length);
        self.lines.len() < limits.lines
            && self.bytes.saturating_add(size) <= limits.bytes
            && TOTAL.load(Ordering::Relaxed).saturating_add(size) <= limits.total_bytes
    }

    pub(crate) fn push(&mut self, line: KeptLine) {
        let size = Self::size_of(line.text.len());
        TOTAL.fetch_add(size, Ordering::Relaxed);
        self.bytes += size;
        self.lines.push(line);
    }

    /// Stops holding lines, and returns the held ones.
    pub(crate) fn take(&mut self) -> Vec<KeptLine> {
        self.is_holding = false;
        TOTAL.fetch_sub(mem::take(&mut self.bytes), Ordering::Relaxed);
        mem::take(&mut self.lines)
    }

    /// Returns the memory of a held line in bytes: its text, and twice its entry, because a vector grows by doubling.
    fn size_of(length: usize) -> usize {
        length + 2 * size_of::<KeptLine>()
    }
}

impl Drop for HeldLines {
    fn drop(&mut self) {
        TOTAL.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
