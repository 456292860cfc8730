//! The pretty format: one header per request, and its lines indented under it.
//!
//! ```text
//! 10:14:12.123   #7  POST /orders …a20b17 user 41
//!     0.151 ms I         reserve sku=tea
//!    12.031 ms W         payments charge 200 POST https://pay.example/charges retries=1
//!    12.407 ms I       place_order quantity=1
//!    12.731 ms W #7  200 ok · 2 steps · 1 call 12.031 ms · slowest charge
//! ```
//!
//! The first column is the time of a line, or the duration of the step, call or request that it reports. The letter is
//! the level. Steps and calls write their lines when they end, so inner ones come first, and they are indented by the
//! number of steps around them. `#7` is the number of the request in the output. It is on the header, on the last line,
//! and on each line that follows a line of another request.
//!
//! Like a profile, the format is made from a line's JSON, so it shows only content of the line, and control characters
//! stay escaped. A record can have several rows of text: its header, its line, wrapped fields, the text of an error, a
//! backtrace. Rows after the line are indented past the level, so they can't be mistaken for another record.

mod facts;
mod layout;

use std::sync::atomic::{AtomicBool, Ordering};

use self::facts::{Known, RowFacts, RowFields};
use self::layout::{Inside, Layout, Position};
use super::record::{LAST_TURN_WAIT, Severity, may_be_last};
use crate::base::buffer::KEPT_BYTES;
use crate::base::fork::{ForkLocks, OutputLock};
use crate::json::members;

/// The number of requests that an output remembers. A request that it has forgotten gets another header.
const REMEMBERED: usize = 64;

/// Appearance of the lines of an output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) colour: bool,
    /// The width of the terminal, which can change; `None` for an output that is not a terminal, whose lines are never
    /// wrapped or cut.
    pub(crate) width: fn() -> Option<usize>,
}

/// The pretty format of one logger.
///
/// Whether a line needs a header or a number depends on the line before it in the output. So the state is locked until
/// the line is passed to the destination or its queue, and the state changes in the order of the lines. This lock is
/// taken before the locks of the sink, and never while one of those is held: the reports of lost lines have no request
/// and need no state, and a line from a writer that logs is rejected first. A lost line may be a header, so after a
/// loss every request gets a new header. If a stalled output holds the lock up, a line that may be the last one of the
/// process waits only briefly, and then gets a new header, too. A line that goes ahead of the queue gets a new header,
/// too: it may wait for the output, so it does not take this lock.
#[derive(Debug)]
pub(crate) struct Pretty {
    style: Style,
    log: OutputLock<Blocks>,
    /// The state of the audit file, if there is one.
    audit: OutputLock<Blocks>,
    /// Whether a line was written without the lock.
    has_unordered: AtomicBool,
}

/// The request and step that a line belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinePlace<D> {
    /// The serial number of its request; 0 outside any request.
    pub(crate) request: u64,
    /// The id of the active step; 0 if there is none.
    pub(crate) step: u32,
    /// Returns how many steps are around a step of the request.
    pub(crate) depth_of: D,
}

/// The output of a line, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineOrder {
    /// Those of the log, after the lines that were logged before.
    Log,
    /// Those of the log, before the lines in its queue.
    AheadOfQueue,
    AuditFile,
}

impl Pretty {
    pub(crate) fn new(style: Style) -> Self {
        Pretty {
            style,
            log: OutputLock::default(),
            audit: OutputLock::default(),
            has_unordered: AtomicBool::new(false),
        }
    }

    /// Takes the locks before a fork.
    pub(crate) fn hold<O: Clone + 'static>(
        owner: &O,
        find: fn(&O) -> Option<&Pretty>,
        locks: &mut ForkLocks,
    ) {
        locks.hold_output(owner.clone(), move |it| find(it).map(|it| &it.log), |_, _| {});
        locks.hold_output(owner.clone(), move |it| find(it).map(|it| &it.audit), |_, _| {});
    }

    /// Passes the pretty form of `line` to `write`. `lost` is the number of lines that the output has lost so far.
    pub(crate) fn write<T>(
        &self,
        order: LineOrder,
        lost: u64,
        line: &str,
        severity: Severity,
        place: &LinePlace<impl Fn(u32) -> u32>,
        write: impl FnOnce(&str) -> T,
    ) -> T {
        let lock = if order == LineOrder::AuditFile { &self.audit } else { &self.log };
        let mut locked = match order {
            LineOrder::AheadOfQueue => None,
            _ if may_be_last(severity) => lock.lock_within(LAST_TURN_WAIT, Blocks::default),
            _ => Some(lock.lock(Blocks::default)),
        };
        let mut unknown = None;
        let blocks = match &mut locked {
            Some(blocks) => {
                let is_unordered = self.has_unordered.load(Ordering::Relaxed);
                if is_unordered {
                    self.has_unordered.store(false, Ordering::Relaxed);
                }
                blocks.forget_if(is_unordered, lost);
                &mut **blocks
            }
            None => {
                self.has_unordered.store(true, Ordering::Relaxed);
                unknown.insert(Blocks::default())
            }
        };
        blocks.render(line, severity, place, self.style);
        let written = write(&blocks.buffers.out);
        blocks.buffers.shrink();
        written
    }
}

/// Appends a line outside any request, without its line feed.
pub(crate) fn write_outside(line: &str, severity: Severity, style: Style, out: &mut String) {
    let mut buffers = Buffers::default();
    buffers.put(line, severity, Position::Outside, style);
    out.push_str(&buffers.out);
}

/// Appends `line` as one row with all keys.
///
/// ```text
/// 10:14:12.123 INFO  orders::checkout step_timing step=charge duration_ms=12.031 outcome=ok request_id=r-7
/// ```
#[cfg(feature = "testing")]
pub(crate) fn write_flat(line: &str, severity: Severity, out: &mut String) {
    let (mut text, mut ends) = (String::new(), Vec::new());
    let mut fields = RowFields { text: &mut text, ends: &mut ends };
    let Some(head) = facts::flat(line, &mut fields) else { return };
    for part in [head.time, " ", &format!("{:<5} ", severity.as_str())] {
        out.push_str(part);
    }
    out.push_str(facts::shown(head.logger));
    out.push(' ');
    layout::plain(head.message, out);
    out.push_str(&text);
}

/// The requests of an output.
#[derive(Debug, Default)]
struct Blocks {
    /// The request of the last line that had one.
    last: u64,
    /// The number of the last header.
    headers: u64,
    /// The number of lost lines as of the last line.
    lost: u64,
    /// By serial number.
    requests: Vec<Block>,
    buffers: Buffers,
}

/// A request that has a header.
#[derive(Debug, Default)]
struct Block {
    /// The serial number of the request; 0 if it has ended.
    request: u64,
    number: u64,
    /// The members from `request_id` to `span_id` of its latest line. Only changed values are shown again.
    identity: String,
    /// Hash of the last error that was shown. The steps around a failed step usually have the same error.
    error: u64,
}

/// Reused from line to line.
#[derive(Debug, Default)]
struct Buffers {
    out: String,
    /// The fields of the line, each after a space.
    fields: String,
    /// The end of each field.
    ends: Vec<usize>,
}

impl Blocks {
    /// Forgets the requests if lines were lost, or written without this state.
    fn forget_if(&mut self, is_unordered: bool, lost: u64) {
        if is_unordered || lost != self.lost {
            self.lost = lost;
            self.last = 0;
            self.requests.clear();
        }
    }

    /// Renders the record with its line feed.
    fn render<D: Fn(u32) -> u32>(
        &mut self,
        line: &str,
        severity: Severity,
        place: &LinePlace<D>,
        style: Style,
    ) {
        let Blocks { last, headers, requests, buffers, .. } = self;
        buffers.out.clear();
        if place.request == 0 {
            buffers.put(line, severity, Position::Outside, style);
        } else {
            if requests.is_empty() {
                requests.resize_with(REMEMBERED, Block::default);
            }
            #[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
            let block = &mut requests[(place.request % REMEMBERED as u64) as usize];
            if block.request != place.request {
                *headers += 1;
                block.number = *headers;
            }
            let is_switch = *last != place.request;
            *last = place.request;
            buffers.put_in(line, severity, place, block, is_switch, style);
        }
        buffers.out.push('\n');
    }
}

impl Buffers {
    /// Appends a line that belongs to no block.
    fn put(&mut self, line: &str, severity: Severity, position: Position, style: Style) {
        let mut fields = RowFields { text: &mut self.fields, ends: &mut self.ends };
        if let Some(facts) = RowFacts::read(line, Known::Nothing, &mut fields) {
            Layout { out: &mut self.out, fields, severity, style }.record(&facts, position);
        }
    }

    /// Appends a line of a request.
    fn put_in<D: Fn(u32) -> u32>(
        &mut self,
        line: &str,
        severity: Severity,
        place: &LinePlace<D>,
        block: &mut Block,
        is_switch: bool,
        style: Style,
    ) {
        let is_first = block.request != place.request;
        let known = if is_first { Known::InHeader } else { Known::Before(&block.identity) };
        let mut fields = RowFields { text: &mut self.fields, ends: &mut self.ends };
        let Some(facts) = RowFacts::read(line, known, &mut fields) else { return };
        let error = facts.error_hash();
        let is_repeated = error != 0 && error == block.error && !is_first;
        let number = block.number;
        let position = match (facts.is_end(), is_first) {
            (true, true) => Position::Whole { number },
            (true, false) => Position::End { number },
            (false, _) => {
                let depth = depth(&facts, place);
                Position::Inside(Inside { depth, number, is_first, is_switch, is_repeated })
            }
        };
        Layout { out: &mut self.out, fields, severity, style }.record(&facts, position);
        if facts.is_end() {
            *block = Block::default();
            return;
        }
        block.request = place.request;
        if is_first || error != 0 {
            block.error = error;
        }
        if !facts.is_identity_known {
            block.identity.clear();
            block.identity.push_str(facts.identity);
        }
    }

    fn shrink(&mut self) {
        for buffer in [&mut self.out, &mut self.fields] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = String::new();
            }
        }
        if self.ends.capacity() > KEPT_BYTES / 8 {
            self.ends = Vec::new();
        }
    }
}

/// The number of steps around a line.
fn depth<D: Fn(u32) -> u32>(facts: &RowFacts<'_>, place: &LinePlace<D>) -> u32 {
    match facts.parent.unwrap_or(place.step) {
        0 => 0,
        around => (place.depth_of)(around).saturating_add(1),
    }
}

/// Returns the content of a JSON string, still escaped, or any other value unchanged.
fn inside(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// Returns whether text can be shown without quotes and not be misread.
fn is_bare(text: &str) -> bool {
    const BARE: [bool; 256] = {
        let mut bare = [false; 256];
        let mut byte = 0;
        while byte < 128_u8 {
            bare[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let others = b"-_.:/*[]@+%#";
        let mut at = 0;
        while at < others.len() {
            bare[others[at] as usize] = true;
            at += 1;
        }
        bare
    };
    !text.is_empty() && text.bytes().all(|byte| BARE[usize::from(byte)])
}

/// Appends escaped text with quotes and backslashes unescaped. Escapes of characters that could forge a line or a
/// terminal sequence stay.
fn put_plain(escaped: &str, out: &mut String) {
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let end = (at + 2).min(rest.len());
        match rest.as_bytes().get(at + 1) {
            Some(b'"') => out.push('"'),
            Some(b'\\') => out.push('\\'),
            _ => out.push_str(&rest[at..end]),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
}

/// Returns the string value of a member of an object.
fn member_of<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    members::of_object(object).find(|member| member.key == key).map(|member| inside(member.value))
}
