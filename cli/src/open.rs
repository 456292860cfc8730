//! Requests that began and have no last line: still running, killed with their process, or the line was
//! lost.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use crate::line::Line;
use crate::read::time::{self, Micros};
use crate::read::{Key, Keys, Values, text};

/// What stands in the line of every end, and in few others.
pub(crate) const ENDS: &str = "_completed";

/// Requests that are open at once; of those beyond it only the number is known.
const MOST_OPEN: usize = 50_000;
/// Characters of what is known of each; ids that candor takes have 128.
const LONGEST: usize = 300;
/// Bytes of `request_stuck` lines that are kept.
const MOST_STUCK: usize = 16 << 20;
/// Ends that are remembered, so that a line that comes late opens nothing.
const MOST_ENDED: usize = 1 << 20;

/// Whether a record is the last line of a request or job.
pub(crate) fn is_end(record: &Values<'_>) -> bool {
    let is = |event: &[u8]| record.get(Key::Event) == Some(event);
    is(b"\"request_completed\"") || is(b"\"job_completed\"")
}

/// Follows which requests are open.
#[derive(Debug, Default)]
pub(crate) struct OpenRequests {
    hashes: RandomState,
    begun: HashMap<u64, Begun>,
    /// Two generations, the older of which is forgotten when the newer is full.
    ended: [HashSet<u64>; 2],
    has_ends: bool,
    stuck_bytes: usize,
    /// Requests beyond those that are followed.
    pub(crate) not_followed: u64,
}

/// A request that has lines and no end.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) path: String,
    first: Vec<u8>,
    last: Vec<u8>,
    /// Whether an end would be there if all were well: a log of warnings has none of what went well.
    wants_end: bool,
    /// The latest `request_stuck`.
    stuck: Option<Vec<u8>>,
}

impl OpenRequests {
    /// Takes a record of any request, whatever it says.
    pub(crate) fn see(&mut self, record: &Values<'_>) {
        let Some(id) = record.get(Key::RequestId).filter(|id| *id != b"\"-\"") else { return };
        // The same id is another request at another service.
        let key = (id, record.get(Key::Service), record.get(Key::SpanId));
        let key = self.hashes.hash_one(key);
        if is_end(record) {
            self.has_ends = true;
            let stuck = self.begun.remove(&key).and_then(|begun| begun.stuck);
            self.stuck_bytes -= stuck.map_or(0, |line| line.len());
            self.end(key);
            return;
        }
        let is_full = self.begun.len() >= MOST_OPEN;
        match self.begun.entry(key) {
            Entry::Occupied(begun) => begun.into_mut().go_on(record, &mut self.stuck_bytes),
            Entry::Vacant(_) if self.ended.iter().any(|ended| ended.contains(&key)) => {}
            Entry::Vacant(_) if is_full => self.not_followed += 1,
            Entry::Vacant(free) => {
                free.insert(Begun::new(id)).go_on(record, &mut self.stuck_bytes);
            }
        }
    }

    fn end(&mut self, key: u64) {
        if self.ended[0].len() >= MOST_ENDED {
            self.ended.swap(0, 1);
            self.ended[0].clear();
        }
        self.ended[0].insert(key);
    }

    /// Those that are left.
    pub(crate) fn left(self) -> impl Iterator<Item = Begun> {
        self.begun.into_values().filter(|begun| begun.wants_end)
    }

    /// What is to be said where requests began and none of them ended.
    pub(crate) fn without_ends(&self) -> Option<String> {
        let is_odd = !self.has_ends && self.begun.values().any(|begun| begun.wants_end);
        is_odd.then(|| {
            "no request of the input has an end: the process died before, or the level of `http` and \
             `jobs` keeps their ends out of the log"
                .to_owned()
        })
    }
}

impl Begun {
    fn new(id: &[u8]) -> Self {
        Begun {
            id: short(id),
            service: String::new(),
            user: String::new(),
            method: String::new(),
            path: String::new(),
            first: Vec::new(),
            last: Vec::new(),
            wants_end: false,
            stuck: None,
        }
    }

    fn go_on(&mut self, record: &Values<'_>, stuck_bytes: &mut usize) {
        let at = record.get(Key::Ts).unwrap_or_default();
        // Times of one form are in the order of their letters.
        if at.len() > LONGEST {
            return;
        }
        if self.first.is_empty() || at < self.first.as_slice() {
            at.clone_into(&mut self.first);
        }
        if at > self.last.as_slice() {
            at.clone_into(&mut self.last);
        }
        for (own, key) in [
            (&mut self.service, Key::Service),
            (&mut self.user, Key::UserId),
            (&mut self.method, Key::Method),
            (&mut self.path, Key::Path),
        ] {
            if own.is_empty()
                && let Some(value) = record.get(key).filter(|value| *value != b"\"-\"")
            {
                *own = short(value);
            }
        }
        let is_quiet = !matches!(
            record.get(Key::Level),
            Some(b"\"WARN\"" | b"\"ERROR\"" | b"\"CRITICAL\"") | None
        );
        let msg = record.get(Key::Msg);
        self.wants_end |= is_quiet && (!self.method.is_empty() || msg == Some(b"\"job_started\""));
        if msg == Some(b"\"request_stuck\"") && *stuck_bytes + record.text.len() <= MOST_STUCK {
            *stuck_bytes += record.text.len();
            let earlier = self.stuck.replace(record.text.to_vec());
            *stuck_bytes -= earlier.map_or(0, |line| line.len());
        }
    }

    /// When its first and its last line was written.
    pub(crate) fn times(&self) -> Option<(Micros, Micros)> {
        let parse = |written: &[u8]| time::parse(&text(written)?);
        Some((parse(&self.first)?, parse(&self.last)?))
    }

    /// The innermost step that was open when it was found stuck: `payments charge`.
    pub(crate) fn stuck_in(&self, keys: &Keys) -> Option<String> {
        let line = Line::parse(self.stuck.as_deref()?, keys)?;
        let step = line.get("open")?.as_array()?.last()?.clone();
        let of = |key| step.get(key).and_then(Value::as_str);
        let words = [of("dependency"), of("step")].into_iter().flatten();
        Some(words.collect::<Vec<_>>().join(" "))
    }
}

/// A value as text, as far as it is no more than anybody reads.
fn short(value: &[u8]) -> String {
    let text = text(value).unwrap_or_default();
    text.char_indices()
        .nth(LONGEST)
        .map_or_else(|| text.to_string(), |(end, _)| text[..end].to_owned())
}
