//! Lines of requests that have not ended yet, in bounded memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::open::{identity, is_end};
use crate::read::{Key, Keys, Record, text};
use crate::time::Micros;

/// The maximum number of open requests. A further request displaces the oldest one.
const MAX_OPEN: usize = 10_000;
/// The maximum size of all open requests in bytes. Further lines displace the oldest requests.
const MAX_BYTES: usize = 64 << 20;
/// The maximum size of one request in bytes. Further lines are only counted.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Memory of a line in addition to its text.
const LINE_OVERHEAD: usize = 32;
/// Memory of a request in addition to its lines.
const REQUEST_OVERHEAD: usize = 400;
/// The number of ended requests in each generation. They are remembered so that a late line starts no new request.
const MAX_ENDED: usize = 20_000;

/// The lines of a request.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) id: String,
    lines: Vec<Box<[u8]>>,
    /// Number of lines beyond `MAX_REQUEST_BYTES`.
    pub(super) omitted: u64,
    size: usize,
    order: u64,
    /// The times at which the first and the latest line arrived.
    since: Instant,
    latest: Instant,
    /// Whether any line is a warning or a match, and whether all are earlier ones.
    pub(super) facts: LineFacts,
    /// Whether a line has a method. In profile `compact`, only the first line has it.
    has_method: bool,
    /// Whether a last line is expected. With `LOG_LEVEL=warn`, a successful request writes none.
    pub(super) expects_end: bool,
    /// Whether it has been reported as still open.
    pub(super) is_reported: bool,
}

impl Gathered {
    /// Returns the number of lines, including those beyond the limit.
    pub(super) fn count(&self) -> u64 {
        self.lines.len() as u64 + self.omitted
    }

    pub(super) fn parse(&self, keys: &Keys) -> Vec<Line> {
        self.lines.iter().filter_map(|line| Line::parse(line, keys)).collect()
    }

    pub(super) fn last(&self, keys: &Keys) -> Option<Line> {
        Line::parse(self.lines.last()?, keys)
    }

    /// Returns the latest line, with the values that only the first line has in profile `compact`.
    pub(super) fn latest(&self, keys: &Keys) -> Option<Line> {
        let mut latest = self.last(keys)?;
        if latest.method.is_empty()
            && latest.path.is_empty()
            && let Some(first) = self.lines.first().and_then(|line| Line::parse(line, keys))
        {
            (latest.method, latest.path) = (first.method, first.path);
        }
        Some(latest)
    }

    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Returns the time from the start of the request to its latest line, as far as the lines show it.
    pub(super) fn open_for(&self, keys: &Keys) -> Micros {
        let first = self.lines.first().and_then(|line| Line::parse(line, keys));
        let (Some(first), Some(last)) = (first, self.last(keys)) else { return 0 };
        let started =
            first.micros("offset_ms").unwrap_or(0) + first.micros("duration_ms").unwrap_or(0);
        last.at - first.at + started
    }

    fn add(&mut self, record: &Record<'_>, facts: LineFacts) {
        self.latest = Instant::now();
        self.facts.is_warning |= facts.is_warning;
        self.facts.is_match |= facts.is_match;
        self.facts.is_earlier &= facts.is_earlier;
        self.has_method |= record.get(Key::Method).is_some_and(|method| method != b"\"-\"");
        let is_start = record.get(Key::Msg) == Some(b"\"job_started\"");
        self.expects_end |= !facts.is_warning && (self.has_method || is_start);
        let size = record.bytes.len() + LINE_OVERHEAD;
        // The last line is kept, because it has the outcome.
        if self.size + size > MAX_REQUEST_BYTES && !is_end(record) {
            self.omitted += 1;
            return;
        }
        self.size += size;
        self.lines.push(record.bytes.into());
    }
}

/// Properties of a line of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineFacts {
    /// Whether it is a warning or an error.
    pub(super) is_warning: bool,
    /// Whether it contains the text of `--grep`.
    pub(super) is_match: bool,
    /// Whether it precedes the position from which the file is followed.
    pub(super) is_earlier: bool,
}

/// Result of adding a line.
#[derive(Debug)]
pub(super) enum Added<'a> {
    /// Its request is still open.
    Open(&'a mut Gathered),
    /// It is the last line of the request.
    Ended(Gathered),
    /// Its request has ended before.
    Late,
    /// It is not a line of a request.
    Outside,
}

/// The requests that have not ended yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    hashes: RandomState,
    open: HashMap<u64, Gathered>,
    /// Keys of the open requests, the oldest first.
    by_age: BTreeMap<u64, u64>,
    next_order: u64,
    /// The requests before this one have already been reported as open for long, or have ended.
    next_check: u64,
    size: usize,
    /// Ended requests in two generations. When the newer one is full, it replaces the older one.
    ended: [HashSet<u64>; 2],
}

impl Pending {
    /// Adds a line to its request.
    pub(super) fn add(&mut self, record: &Record<'_>, facts: LineFacts) -> Added<'_> {
        let Some(identity) = identity(record) else { return Added::Outside };
        let key = self.hashes.hash_one(identity);
        if !self.open.contains_key(&key) {
            // A request that reuses an id starts with line 1.
            let is_first = record.get(Key::Seq) == Some(b"1");
            if !is_first && self.ended.iter().any(|keys| keys.contains(&key)) {
                return Added::Late;
            }
            self.insert(key, identity.0);
        }
        let Some(request) = self.open.get_mut(&key) else { return Added::Outside };
        let before = request.size;
        request.add(record, facts);
        self.size += request.size - before;
        if is_end(record) {
            return self.remove(key).map_or(Added::Outside, Added::Ended);
        }
        self.open.get_mut(&key).map_or(Added::Outside, Added::Open)
    }

    fn insert(&mut self, key: u64, id: &[u8]) {
        let now = Instant::now();
        let order = self.next_order;
        self.next_order += 1;
        self.by_age.insert(order, key);
        self.size += REQUEST_OVERHEAD;
        let request = Gathered {
            id: text(id).unwrap_or_default().into_owned(),
            lines: Vec::new(),
            omitted: 0,
            size: REQUEST_OVERHEAD,
            order,
            since: now,
            latest: now,
            facts: LineFacts { is_warning: false, is_match: false, is_earlier: true },
            has_method: false,
            expects_end: false,
            is_reported: false,
        };
        self.open.insert(key, request);
    }

    fn remove(&mut self, key: u64) -> Option<Gathered> {
        let request = self.open.remove(&key)?;
        self.by_age.remove(&request.order);
        self.size -= request.size;
        if self.ended[0].len() >= MAX_ENDED {
            self.ended.swap(0, 1);
            self.ended[0].clear();
        }
        self.ended[0].insert(key);
        Some(request)
    }

    /// Removes and returns the oldest request if the limits are exceeded.
    pub(super) fn give_up(&mut self) -> Option<Gathered> {
        if self.open.len() <= MAX_OPEN && self.size <= MAX_BYTES {
            return None;
        }
        self.take_oldest()
    }

    pub(super) fn take_oldest(&mut self) -> Option<Gathered> {
        let (_, key) = self.by_age.first_key_value()?;
        self.remove(*key)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Returns the next request that has been open for at least `age` and was not returned before.
    pub(super) fn next_older_than(&mut self, age: Duration) -> Option<&mut Gathered> {
        let (order, key) = self.by_age.range(self.next_check..).next()?;
        let request = self.open.get_mut(key).filter(|request| request.age() >= age)?;
        self.next_check = order + 1;
        Some(request)
    }

    /// Removes the requests that have had nothing but warnings for this long, the oldest first.
    pub(super) fn take_warnings_only(&mut self, age: Duration) -> Vec<Gathered> {
        let requests = self.by_age.values().filter_map(|key| Some((*key, self.open.get(key)?)));
        let old = requests.take_while(|(_, request)| request.age() >= age);
        let keys: Vec<u64> = old
            .filter(|(_, request)| !request.expects_end && request.latest.elapsed() >= age)
            .map(|(key, _)| key)
            .collect();
        keys.into_iter().filter_map(|key| self.remove(key)).collect()
    }
}
