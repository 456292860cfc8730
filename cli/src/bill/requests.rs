//! Computes the savings of `LOG_STORY` and profile `compact`.
//!
//! They depend on the other lines of a request.
//! The state of a request is small, has a fixed size, and is dropped at its last line. If too many requests are open at
//! once, the least recently active ones are dropped and count as written in full. The savings are therefore never
//! overstated.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::names::{NO_NAME, NameTable, Volume};
use super::scan::{CONTEXT_KEYS, Detail, LineFact, PLACEHOLDER_HASH, Timed};

/// The maximum number of open requests in each of the two generations.
const MAX_OPEN: usize = 32_768;
/// The number of steps in `step_own_ms`.
const MAX_STEPS: usize = 5;
/// The maximum number of distinguished dependencies of a request. Each call to a further one counts as a call to
/// another dependency.
const MAX_DEPENDENCIES: usize = 5;

/// The default duration from which on `LOG_STORY` writes a request in full.
const SLOW_MICROS: u64 = 1_000_000;
/// Story mode writes a request in full if it has more lines before its last one, unless the service sets another limit.
const MAX_HELD_LINES: u64 = 256;
/// The same for the memory that these lines take.
const MAX_HELD_BYTES: u64 = 64 << 10;
/// Memory that a held line takes besides its text.
const HELD_LINE_OVERHEAD: u64 = 100;
/// Ended requests per generation that are remembered, so that a late line does not start a new request.
const MAX_ENDED: usize = MAX_OPEN;

/// The lines of a request so far.
#[derive(Debug, Default)]
struct RequestVolume {
    written: Volume,
    /// Lines that every story mode writes: audit lines.
    always: Volume,
    /// Lines at WARN and above.
    problems: Volume,
    /// Hashes of the context in the first line.
    context: [u32; CONTEXT_KEYS],
    /// Bytes that profile `compact` omits.
    repeated: u64,
    steps: [Timed; MAX_STEPS],
    dependencies: [Calls; MAX_DEPENDENCIES],
    /// Bytes in the wide line for calls beyond `MAX_DEPENDENCIES`.
    further_calls: u64,
}

/// Calls to a dependency.
#[derive(Debug, Default, Clone, Copy)]
struct Calls {
    total: Timed,
    count: u64,
    retries: u64,
}

/// Adds up the lines of requests.
#[derive(Debug)]
pub(super) struct RequestTable {
    recent: Generation,
    older: Generation,
    /// Ended and dropped requests in two generations. When the newer one is full, it replaces the older one.
    ended: [HashSet<u64, BuildHasherDefault<HashedKey>>; 2],
    pub(super) routes: NameTable,
    /// Requests and jobs that have ended, or that are no longer open.
    pub(super) requests: u64,
    /// Requests that were dropped because of `MAX_OPEN`.
    pub(super) evicted: u64,
    /// Volumes of the records with `LOG_STORY=problems` and `LOG_STORY=summary`.
    pub(super) problems: Volume,
    pub(super) summary: Volume,
    /// Volumes of the records with profile `compact`, and with `compact` and `LOG_STORY=problems`.
    pub(super) compact: Volume,
    pub(super) compact_problems: Volume,
}

type Generation = HashMap<u64, RequestVolume, BuildHasherDefault<HashedKey>>;

/// Hasher for keys that are already hashes.
#[derive(Debug, Default)]
struct HashedKey(u64);

impl Hasher for HashedKey {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

impl RequestTable {
    pub(super) fn new() -> Self {
        RequestTable {
            recent: Generation::default(),
            older: Generation::default(),
            ended: Default::default(),
            routes: NameTable::new(),
            requests: 0,
            evicted: 0,
            problems: Volume::default(),
            summary: Volume::default(),
            compact: Volume::default(),
            compact_problems: Volume::default(),
        }
    }

    pub(super) fn add(&mut self, fact: &LineFact) {
        let line = Volume { lines: 1, bytes: fact.bytes };
        if fact.request == 0 {
            self.routes.add(NO_NAME, line);
            self.problems.add(line);
            self.summary.add(line);
            let compact = line.minus(Volume { lines: 0, bytes: fact.placeholder_bytes });
            self.compact.add(compact);
            self.compact_problems.add(compact);
            return;
        }
        let is_end = matches!(fact.detail, Detail::End { .. });
        // Fast path for most lines.
        if let Some(request) = self.recent.get_mut(&fact.request).filter(|_| !is_end) {
            request.add(fact, line);
            return;
        }
        if self.is_late(fact) {
            self.add_late(line);
            return;
        }
        if let Detail::End { route, micros } = &fact.detail {
            let mut request = self.take(fact.request).unwrap_or_default();
            request.add(fact, line);
            self.end(&request, fact, route, *micros);
            self.remember_ended(fact.request);
            return;
        }
        self.entry(fact.request).add(fact, line);
    }

    /// Whether the request of the line has ended or was dropped. An id that is used again starts with the first line.
    fn is_late(&mut self, fact: &LineFact) -> bool {
        let key = &fact.request;
        if self.recent.contains_key(key) || self.older.contains_key(key) {
            return false;
        }
        if fact.seq == 1 {
            self.ended.iter_mut().for_each(|keys| {
                keys.remove(key);
            });
            return false;
        }
        self.ended.iter().any(|keys| keys.contains(key))
    }

    /// Adds a line that every setting writes.
    fn add_late(&mut self, line: Volume) {
        let index = self.routes.index(LATE);
        self.routes.add(index, line);
        for written in
            [&mut self.problems, &mut self.summary, &mut self.compact, &mut self.compact_problems]
        {
            written.add(line);
        }
    }

    fn remember_ended(&mut self, key: u64) {
        if self.ended[0].len() >= MAX_ENDED {
            self.ended.swap(0, 1);
            self.ended[0].clear();
        }
        self.ended[0].insert(key);
    }

    fn take(&mut self, key: u64) -> Option<RequestVolume> {
        self.recent.remove(&key).or_else(|| self.older.remove(&key))
    }

    fn entry(&mut self, key: u64) -> &mut RequestVolume {
        if !self.recent.contains_key(&key) {
            if self.recent.len() >= MAX_OPEN {
                let evicted = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
                self.evicted += evicted.len() as u64;
                for (key, request) in evicted {
                    self.keep(&request);
                    self.remember_ended(key);
                }
            }
            let known = self.older.remove(&key).unwrap_or_default();
            self.recent.insert(key, known);
        }
        self.recent.entry(key).or_default()
    }

    /// Adds a request whose last line is `end`.
    fn end(&mut self, request: &RequestVolume, end: &LineFact, route: &[u8], micros: u64) {
        self.requests += 1;
        let index = self.routes.index(route);
        self.routes.add(index, request.written);
        let compact = request.compact();
        self.compact.add(compact);
        // A request with missing lines may have had a problem, so it counts as written in full.
        let is_whole = end.seq <= request.written.lines;
        if !is_whole {
            self.problems.add(request.written);
            self.summary.add(request.written);
            self.compact_problems.add(compact);
            return;
        }
        let mut wide = Volume { lines: 1, bytes: end.bytes + request.wide_bytes() };
        wide.add(request.always);
        if micros < SLOW_MICROS && request.problems.lines == 0 && request.is_held(end) {
            self.problems.add(wide);
            self.compact_problems
                .add(wide.minus(Volume { lines: 0, bytes: end.placeholder_bytes }));
        } else {
            self.problems.add(request.written);
            self.compact_problems.add(compact);
        }
        // The last line of a failed request is one of its problems.
        let mut problems = request.problems;
        if end.is_problem {
            problems = problems.minus(Volume { lines: 1, bytes: end.bytes });
        }
        wide.add(problems);
        self.summary.add(wide);
    }

    /// Adds a request without an end.
    fn keep(&mut self, request: &RequestVolume) {
        let index = self.routes.index(NO_END);
        self.routes.add(index, request.written);
        self.problems.add(request.written);
        self.summary.add(request.written);
        self.compact.add(request.compact());
        self.compact_problems.add(request.compact());
    }

    /// Adds the requests that are still open.
    pub(super) fn finish(&mut self) {
        for open in [std::mem::take(&mut self.recent), std::mem::take(&mut self.older)] {
            self.requests += open.len() as u64;
            for request in open.into_values() {
                self.keep(&request);
            }
        }
    }
}

/// The route of requests without an end.
const NO_END: &[u8] = b"(without an end)";
/// The route of lines whose request has ended or was dropped before.
const LATE: &[u8] = b"(after the end)";

impl RequestVolume {
    fn add(&mut self, fact: &LineFact, line: Volume) {
        let is_first = self.written.lines == 0;
        self.written.add(line);
        if fact.is_audit {
            self.always.add(line);
        } else if fact.is_problem {
            self.problems.add(line);
        }
        let is_end = matches!(fact.detail, Detail::End { .. });
        for (first, (hash, bytes)) in self.context.iter_mut().zip(fact.context) {
            // The first and the last line omit only placeholders. On any other line, a placeholder that replaces the
            // value of the first line stays.
            let is_omitted =
                if is_first || is_end { hash == PLACEHOLDER_HASH } else { hash == *first };
            if is_omitted {
                self.repeated += u64::from(bytes);
            }
            if is_first {
                *first = hash;
            }
        }
        match &fact.detail {
            Detail::Step(step) => self.add_step(*step),
            Detail::Call { call, retries } => self.add_call(*call, *retries),
            Detail::None | Detail::End { .. } => {}
        }
    }

    fn add_step(&mut self, step: Timed) {
        let known = |other: &&mut Timed| {
            other.name_bytes == step.name_bytes && other.name_hash == step.name_hash
        };
        if let Some(known) = self.steps.iter_mut().find(known) {
            known.micros = known.micros.saturating_add(step.micros);
        } else if let Some(shortest) = self.steps.iter_mut().min_by_key(|step| step.rank())
            && shortest.rank() < step.rank()
        {
            *shortest = step;
        }
    }

    fn add_call(&mut self, call: Timed, retries: u64) {
        let one = Calls { total: call, count: 1, retries };
        let slot = self.dependencies.iter_mut().find(|calls| {
            calls.count == 0
                || calls.total.name_bytes == call.name_bytes
                    && calls.total.name_hash == call.name_hash
        });
        match slot {
            Some(calls) if calls.count == 0 => *calls = one,
            Some(calls) => {
                calls.count += 1;
                calls.total.micros = calls.total.micros.saturating_add(call.micros);
                calls.retries = calls.retries.saturating_add(retries);
            }
            None => self.further_calls += one.wide_bytes() + 1,
        }
    }

    /// Whether story mode can hold all lines before the last one. An audit line is written at once, and the lines
    /// before it with it.
    fn is_held(&self, end: &LineFact) -> bool {
        let held = self.written.minus(Volume { lines: 1, bytes: end.bytes });
        self.always.lines == 0
            && held.lines <= MAX_HELD_LINES
            && held.bytes + HELD_LINE_OVERHEAD * held.lines <= MAX_HELD_BYTES
    }

    fn compact(&self) -> Volume {
        self.written.minus(Volume { lines: 0, bytes: self.repeated })
    }

    /// Returns the bytes of the members that `LOG_STORY` adds to the last line.
    fn wide_bytes(&self) -> u64 {
        let left_out = (self.written.lines - 1).saturating_sub(self.always.lines);
        let mut bytes = ",\"lines_left_out\":".len() as u64 + digits(left_out);
        let steps = self.steps.iter().filter(|step| step.name_bytes > 0);
        let steps = steps.map(|step| u64::from(step.name_bytes) + 1 + ms_bytes(step.micros));
        bytes += object_bytes(",\"step_own_ms\":", steps);
        let calls = self.dependencies.iter().filter(|calls| calls.count > 0);
        bytes += object_bytes(",\"dependencies\":", calls.map(Calls::wide_bytes));
        bytes + self.further_calls
    }
}

impl Timed {
    /// Rank of a slot; an empty slot comes before all steps.
    fn rank(&self) -> (bool, u64) {
        (self.name_bytes > 0, self.micros)
    }
}

impl Calls {
    /// `"payments":{"calls":1,"ms":12.989,"retries":2}`.
    fn wide_bytes(&self) -> u64 {
        let fixed = ":{\"calls\":,\"ms\":}".len() as u64;
        let retries = match self.retries {
            0 => 0,
            retries => ",\"retries\":".len() as u64 + digits(retries),
        };
        u64::from(self.total.name_bytes)
            + fixed
            + digits(self.count)
            + ms_bytes(self.total.micros)
            + retries
    }
}

/// Returns the bytes of a key and an object with these members; 0 without members.
fn object_bytes(key: &str, members: impl Iterator<Item = u64>) -> u64 {
    let (count, bytes) = members.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
    if count == 0 { 0 } else { key.len() as u64 + 2 + bytes + count - 1 }
}

/// The bytes of a number.
fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

/// The bytes of `12.345`.
fn ms_bytes(micros: u64) -> u64 {
    digits(micros / 1000) + 4
}
