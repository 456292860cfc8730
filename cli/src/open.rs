//! Requests without a last line: they still run, their process died, or the line was lost.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use crate::line::Line;
use crate::read::{Key, Keys, Record, number, text};
use crate::time::{self, Micros};

/// A string that the last line of each request and job contains, and few other lines do.
pub(crate) const END_MARKER: &str = "_completed";

/// Most open requests that are tracked at once; lines of other ones are only counted.
const MAX_OPEN: usize = 50_000;
/// Most characters kept of each value. candor accepts ids of up to 128.
const MAX_VALUE_CHARS: usize = 300;
/// Most bytes of `request_stuck` and `panic` lines that are kept.
const MAX_KEPT_BYTES: usize = 16 << 20;
/// Completed requests per generation that are remembered, so that a late line does not reopen one.
const MAX_COMPLETED: usize = 1 << 20;

/// Whether a record is the last line of a request or job.
pub(crate) fn is_end(record: &Record<'_>) -> bool {
    let is = |event: &[u8]| record.get(Key::Event) == Some(event);
    is(b"\"request_completed\"") || is(b"\"job_completed\"")
}

/// Request id, service and span id of a record, as written.
pub(crate) type RequestIdentity<'a> = (&'a [u8], Option<&'a [u8]>, Option<&'a [u8]>);

/// Returns the identity of a record's request within one service; `None` for a line outside requests.
///
/// The services of one trace share the request id, but each has its own request. A field can replace the `service`
/// of a line, so the span id takes precedence.
pub(crate) fn identity<'a>(record: &Record<'a>) -> Option<RequestIdentity<'a>> {
    let id =
        record.get(Key::RequestId).filter(|id| !matches!(*id, b"\"-\"" | b"\"\"" | b"null"))?;
    let service = record.get(Key::Service).filter(|_| record.get(Key::SpanId).is_none());
    Some((id, service, record.get(Key::SpanId)))
}

/// Tracks which requests are open while the input is read.
#[derive(Debug, Default)]
pub(crate) struct OpenRequests {
    hashes: RandomState,
    open: HashMap<u64, OpenRequest>,
    completed: RecentHashes,
    /// The last lines of requests, to recognise copies.
    ends: RecentHashes,
    has_ends: bool,
    /// The line of the last panic in the request that ended last.
    last_panic: Option<Vec<u8>>,
    /// Bytes of all lines in `OpenRequest::stuck` and `OpenRequest::panic`.
    kept_bytes: usize,
    /// The number of missing lines of completed requests: the last `seq` minus the number of lines. Lines that follow
    /// the last one, as in another file or stream, are subtracted.
    lacking: HashMap<u64, u64>,
    /// Lines of requests beyond `MAX_OPEN`.
    pub(crate) untracked_lines: u64,
}

/// The latest hashes, in two generations. When the newer one is full, it replaces the older one.
#[derive(Debug, Default)]
struct RecentHashes([HashSet<u64>; 2]);

impl RecentHashes {
    fn contains(&self, hash: u64) -> bool {
        self.0.iter().any(|hashes| hashes.contains(&hash))
    }

    /// Returns whether the hash was not known.
    fn insert(&mut self, hash: u64) -> bool {
        let is_new = !self.contains(hash);
        if self.0[0].len() >= MAX_COMPLETED {
            self.0.swap(0, 1);
            self.0[0].clear();
        }
        self.0[0].insert(hash);
        is_new
    }
}

/// A request without a last line. Its values are empty if no line has them.
#[derive(Debug, Default)]
pub(crate) struct OpenRequest {
    pub(crate) id: String,
    pub(crate) service: String,
    pub(crate) user: String,
    pub(crate) method: String,
    pub(crate) path: String,
    lines: u64,
    /// The earliest and latest `ts`, as written.
    first: Vec<u8>,
    last: Vec<u8>,
    /// Whether the log should have a last line: at `LOG_LEVEL=warn` a successful request writes none.
    expects_end: bool,
    /// The latest `request_stuck` line.
    stuck: Option<Vec<u8>>,
    /// The line of the last panic.
    panic: Option<Vec<u8>>,
}

impl OpenRequests {
    /// Updates the state with a record of any request. Returns whether the record is the last line of a request, and
    /// not a copy of an earlier line: two files may contain the same line.
    ///
    /// Requests can share an identity: a client may retry with the same request id, and not every line has a span id.
    pub(crate) fn observe(&mut self, record: &Record<'_>) -> bool {
        self.last_panic = None;
        let is_new_end = is_end(record) && self.ends.insert(self.hashes.hash_one(record.bytes));
        let Some(key) = identity(record) else { return is_new_end };
        let id = key.0;
        let key = self.hashes.hash_one(key);
        if is_end(record) {
            self.has_ends = true;
            let request = self.open.remove(&key).unwrap_or_default();
            let kept = [&request.stuck, &request.panic].into_iter().flatten();
            self.kept_bytes -= kept.map(Vec::len).sum::<usize>();
            self.last_panic = request.panic;
            let seq = record.get(Key::Seq).and_then(number).unwrap_or_default();
            let lacking = (seq as u64).saturating_sub(request.lines + 1);
            let is_first = self.completed.insert(key);
            let can_tell = self.untracked_lines == 0 && self.lacking.len() < MAX_OPEN;
            if is_first && lacking > 0 && can_tell {
                self.lacking.insert(key, lacking);
            }
            return is_new_end;
        }
        let is_full = self.open.len() >= MAX_OPEN;
        match self.open.entry(key) {
            Entry::Occupied(request) => request.into_mut().update(record, &mut self.kept_bytes),
            Entry::Vacant(_) if self.completed.contains(key) => {
                if let Entry::Occupied(mut lacking) = self.lacking.entry(key) {
                    *lacking.get_mut() -= 1;
                    if *lacking.get() == 0 {
                        lacking.remove();
                    }
                }
            }
            Entry::Vacant(_) if is_full => self.untracked_lines += 1,
            Entry::Vacant(vacant) => {
                let request = OpenRequest { id: shortened(id), ..OpenRequest::default() };
                vacant.insert(request).update(record, &mut self.kept_bytes);
            }
        }
        false
    }

    /// The location of the last panic in the request that the line observed last has ended.
    pub(crate) fn panic_location(&self, keys: &Keys) -> Option<String> {
        let line = Line::parse(self.last_panic.as_deref()?, keys)?;
        Some(line.text("location")).filter(|location| line.event == "panic" && !location.is_empty())
    }

    /// The requests that have no last line and should have one.
    pub(crate) fn into_unfinished(self) -> impl Iterator<Item = OpenRequest> {
        self.open.into_values().filter(|request| request.expects_end)
    }

    /// A note for the user if completed requests have missing lines.
    pub(crate) fn incomplete_note(&self) -> Option<String> {
        let bound = if self.lacking.len() == MAX_OPEN { "at least " } else { "" };
        match self.lacking.len() {
            0 => None,
            1 => Some(
                "1 request has lines that are not in the input; its story lists them".to_owned(),
            ),
            count => Some(format!(
                "{bound}{count} requests have lines that are not in the input; their stories list them"
            )),
        }
    }

    /// A note for the user if no request in the input has a last line although some should.
    pub(crate) fn missing_ends_note(&self) -> Option<String> {
        let is_suspicious = !self.has_ends && self.open.values().any(|request| request.expects_end);
        is_suspicious.then(|| {
            "no request in the input has a completion line: the process ended first, or LOG_LEVEL hides the lines of \
             `http` and `jobs`"
                .to_owned()
        })
    }
}

impl OpenRequest {
    fn update(&mut self, record: &Record<'_>, kept_bytes: &mut usize) {
        self.lines += 1;
        // Timestamps of one format sort as strings.
        let at = record.get(Key::Ts).unwrap_or_default();
        if at.len() > MAX_VALUE_CHARS {
            return;
        }
        if self.first.is_empty() || at < self.first.as_slice() {
            at.clone_into(&mut self.first);
        }
        if at > self.last.as_slice() {
            at.clone_into(&mut self.last);
        }
        for (field, key) in [
            (&mut self.service, Key::Service),
            (&mut self.user, Key::UserId),
            (&mut self.method, Key::Method),
            (&mut self.path, Key::Path),
        ] {
            if field.is_empty()
                && let Some(value) = record.get(key).filter(|value| *value != b"\"-\"")
            {
                *field = shortened(value);
            }
        }
        let is_below_warn = !matches!(
            record.get(Key::Level),
            Some(b"\"WARN\"" | b"\"ERROR\"" | b"\"CRITICAL\"") | None
        );
        let msg = record.get(Key::Msg);
        self.expects_end |=
            is_below_warn && (!self.method.is_empty() || msg == Some(b"\"job_started\""));
        let kept = match msg {
            Some(b"\"request_stuck\"") => &mut self.stuck,
            // The last one, since an earlier one may have been caught.
            Some(b"\"panic\"") => &mut self.panic,
            _ => return,
        };
        if *kept_bytes + record.bytes.len() <= MAX_KEPT_BYTES {
            *kept_bytes += record.bytes.len();
            let previous = kept.replace(record.bytes.to_vec());
            *kept_bytes -= previous.map_or(0, |line| line.len());
        }
    }

    /// The times of its first and last line.
    pub(crate) fn times(&self) -> Option<(Micros, Micros)> {
        let parse = |written: &[u8]| time::parse(&text(written)?);
        Some((parse(&self.first)?, parse(&self.last)?))
    }

    /// The innermost open step of the latest `request_stuck` line: `payments charge`.
    pub(crate) fn stuck_in(&self, keys: &Keys) -> Option<String> {
        let line = Line::parse(self.stuck.as_deref()?, keys)?;
        let step = line.get("open")?.as_array()?.last()?.clone();
        let of = |key| step.get(key).and_then(Value::as_str);
        let words = [of("dependency"), of("step")].into_iter().flatten();
        Some(words.collect::<Vec<_>>().join(" "))
    }
}

/// A value as text, truncated to `MAX_VALUE_CHARS`.
fn shortened(value: &[u8]) -> String {
    let text = text(value).unwrap_or_default();
    text.char_indices()
        .nth(MAX_VALUE_CHARS)
        .map_or_else(|| text.to_string(), |(end, _)| text[..end].to_owned())
}
