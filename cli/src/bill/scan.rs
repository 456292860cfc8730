//! Parses lines and divides their bytes.
//!
//! Each worker thread has a [`Scanner`]. It adds each line to its volumes by event, step, dependency, logger, level and
//! key, and returns a [`LineFact`] for the figures that depend on the other lines of the request.

use super::hashes::Seed;
use super::names::{NO_NAME, NameIndex, NameTable, Volume};
use crate::line::Level;
use crate::read::{Key, LINE_START, Malformed, Record, ScannedLine, number, value_end};
use crate::time;

/// Role of a key whose value the bill needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Ts,
    Level,
    Logger,
    Msg,
    RequestId,
    UserId,
    Method,
    Path,
    TraceId,
    SpanId,
    Seq,
    Event,
    Step,
    Dependency,
    DurationMs,
    Retries,
    Route,
    Job,
    /// All other keys.
    Other,
}

const ROLES: usize = Role::Other as usize + 1;

/// Keys of the context of a request. Profile `compact` omits them between the first line of a request and its
/// last one, if the first line has the same value.
const CONTEXT: [Role; 4] = [Role::UserId, Role::Method, Role::Path, Role::TraceId];
/// Number of keys in `CONTEXT`.
pub(super) const CONTEXT_KEYS: usize = CONTEXT.len();

const PLACEHOLDER: &[u8] = b"\"-\"";
/// Stands for a placeholder in `LineFact::context`.
pub(super) const PLACEHOLDER_HASH: u32 = 0;

impl Role {
    /// Returns the role of a key with candor's own name.
    fn of(name: &[u8]) -> Self {
        match name {
            b"ts" => Role::Ts,
            b"level" => Role::Level,
            b"logger" => Role::Logger,
            b"msg" => Role::Msg,
            b"request_id" => Role::RequestId,
            b"user_id" => Role::UserId,
            b"method" => Role::Method,
            b"path" => Role::Path,
            b"trace_id" => Role::TraceId,
            b"span_id" => Role::SpanId,
            b"seq" => Role::Seq,
            b"event" => Role::Event,
            b"step" => Role::Step,
            b"dependency" => Role::Dependency,
            b"duration_ms" => Role::DurationMs,
            b"retries" => Role::Retries,
            b"route" => Role::Route,
            b"job" => Role::Job,
            _ => Role::Other,
        }
    }
}

/// Keys whose names `LOG_KEYS` can change.
const RENAMED: [(Role, Key); 11] = [
    (Role::Ts, Key::Ts),
    (Role::Level, Key::Level),
    (Role::Logger, Key::Logger),
    (Role::Msg, Key::Msg),
    (Role::RequestId, Key::RequestId),
    (Role::UserId, Key::UserId),
    (Role::Method, Key::Method),
    (Role::Path, Key::Path),
    (Role::TraceId, Key::TraceId),
    (Role::SpanId, Key::SpanId),
    (Role::Seq, Key::Seq),
];

/// Raw values of a line by role; empty if the line lacks the key.
struct Values<'a>([&'a [u8]; ROLES]);

impl<'a> Values<'a> {
    fn new() -> Self {
        Values([b""; ROLES])
    }

    fn get(&self, role: Role) -> &'a [u8] {
        self.0[role as usize]
    }

    /// Returns a string without its quotes.
    fn inside(&self, role: Role) -> &'a [u8] {
        inside(self.get(role))
    }
}

/// Returns the bytes of a member with candor's name for its key, including the comma.
fn member_bytes(role: Role, value: &[u8]) -> u32 {
    let key = match role {
        Role::RequestId => "request_id",
        Role::UserId => "user_id",
        Role::Method => "method",
        Role::Path => "path",
        _ => "trace_id",
    };
    (key.len() + value.len() + "\"\":,".len()) as u32
}

fn inside(value: &[u8]) -> &[u8] {
    let inside = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inside.unwrap_or(value)
}

/// Facts of a line that its request needs.
#[derive(Debug)]
pub(super) struct LineFact {
    /// Hash of the request; 0 for a line outside requests.
    pub(super) request: u64,
    pub(super) bytes: u64,
    pub(super) seq: u64,
    /// Hashes of the values of `CONTEXT`, and the bytes of the members. 0 bytes if the line
    /// lacks the member.
    pub(super) context: [(u32, u32); CONTEXT_KEYS],
    /// Bytes of members whose value is a placeholder.
    pub(super) placeholder_bytes: u64,
    pub(super) is_problem: bool,
    pub(super) is_audit: bool,
    pub(super) detail: Detail,
}

/// A step, a call or an end.
#[derive(Debug)]
pub(super) enum Detail {
    None,
    Step(Timed),
    Call {
        call: Timed,
        retries: u64,
    },
    /// The last line of a request or job.
    End {
        route: Box<[u8]>,
        micros: u64,
    },
}

/// A name and a duration.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timed {
    pub(super) name_hash: u32,
    /// Length of the name as written, with its quotes.
    pub(super) name_bytes: u32,
    pub(super) micros: u64,
}

/// Indexes of the volumes to which a line is added.
#[derive(Debug, Clone, Copy)]
struct LineNames {
    event: NameIndex,
    step: NameIndex,
    dependency: NameIndex,
    logger: NameIndex,
    level: NameIndex,
    kept: [bool; LEVEL_SETTINGS.len()],
}

/// A setting of `LOG_LEVEL`: the minimum level of `http` and that of all other loggers.
pub(super) struct LevelSetting {
    pub(super) text: &'static str,
    pub(super) effect: &'static str,
    http: u8,
    default: u8,
}

const INFO: u8 = 1;
const WARN: u8 = 2;

/// The settings of `LOG_LEVEL` that the bill computes.
pub(super) const LEVEL_SETTINGS: [LevelSetting; 3] = [
    LevelSetting {
        text: "LOG_LEVEL=info",
        effect: "without debug and trace lines",
        http: INFO,
        default: INFO,
    },
    LevelSetting {
        text: "LOG_LEVEL=warn,http=info",
        effect: "warnings, errors and the last line of each request",
        http: INFO,
        default: WARN,
    },
    LevelSetting {
        text: "LOG_LEVEL=warn",
        effect: "warnings and errors",
        http: WARN,
        default: WARN,
    },
];

fn level_rank(written: &[u8]) -> u8 {
    match written {
        b"\"TRACE\"" | b"\"DEBUG\"" => 0,
        b"\"INFO\"" => INFO,
        b"\"WARN\"" => WARN,
        b"\"ERROR\"" | b"\"CRITICAL\"" => WARN + 1,
        written => match Level::parse(&String::from_utf8_lossy(inside(written))) {
            Level::Debug => 0,
            Level::Info => INFO,
            Level::Warn => WARN,
            Level::Error => WARN + 1,
        },
    }
}

/// A record that the main thread has parsed and whose share of its line is not known yet.
#[derive(Debug)]
pub(super) struct PendingRecord {
    names: LineNames,
    pub(super) fact: LineFact,
    /// Keys, with the bytes of their members.
    members: Vec<(u32, u32)>,
    /// Length of the parsed record.
    pub(super) length: u64,
}

/// Adds up lines.
#[derive(Debug)]
pub(super) struct Scanner {
    seed: Seed,
    pub(super) records: Volume,
    pub(super) events: NameTable,
    pub(super) steps: NameTable,
    pub(super) dependencies: NameTable,
    pub(super) loggers: NameTable,
    pub(super) levels: NameTable,
    pub(super) keys: KeyTable,
    /// Volume of the lines that each of `LEVEL_SETTINGS` writes.
    pub(super) kept: [Volume; LEVEL_SETTINGS.len()],
    /// The earliest and the latest timestamp, unparsed.
    pub(super) first: Vec<u8>,
    pub(super) last: Vec<u8>,
    members: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

impl Scanner {
    pub(super) fn new(seed: Seed) -> Self {
        Scanner {
            seed,
            records: Volume::default(),
            events: NameTable::new(),
            steps: NameTable::new(),
            dependencies: NameTable::new(),
            loggers: NameTable::new(),
            levels: NameTable::new(),
            keys: KeyTable::new(),
            kept: Default::default(),
            first: Vec::new(),
            last: Vec::new(),
            members: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Adds a line that candor wrote; `bytes` is its length with the line feed. Leaves lines in another form to the
    /// main thread.
    pub(super) fn scan(&mut self, line: &[u8], bytes: usize) -> ScannedLine<LineFact> {
        if !line.starts_with(LINE_START) {
            return ScannedLine::Unscanned;
        }
        let mut values = Values::new();
        let Ok(()) = self.read_members(line, &mut values) else { return ScannedLine::Unscanned };
        let is_complete = [Role::Ts, Role::Level, Role::RequestId]
            .into_iter()
            .all(|role| !values.get(role).is_empty());
        if !is_complete {
            return ScannedLine::Unscanned;
        }
        let members = std::mem::take(&mut self.members);
        let fact = self.fact(&values, bytes as u64);
        let names = self.names(&values);
        self.add_line(names, bytes as u64);
        self.keys.add(&members, bytes as u64);
        self.members = members;
        ScannedLine::Fact(fact)
    }

    /// Reads the members of a line that has no blanks between them.
    fn read_members<'a>(
        &mut self,
        line: &'a [u8],
        values: &mut Values<'a>,
    ) -> Result<(), Malformed> {
        self.members.clear();
        let line = line.trim_ascii_end();
        let mut at = 1;
        let mut previous = 0;
        loop {
            let key = self.keys.at(line, at, previous)?;
            let entry = &self.keys.entries[key as usize];
            let from = at + entry.pattern.len();
            let to = value_end(line, from)?;
            values.0[entry.role as usize] = &line[from..to];
            // A comma counts as part of the member before it.
            self.members.push((key, (to + 1 - at) as u32));
            previous = key;
            match line.get(to) {
                Some(b',') => at = to + 1,
                Some(b'}') if to + 1 == line.len() => break,
                _ => return Err(Malformed),
            }
        }
        if let Some((_, last)) = self.members.last_mut() {
            *last -= 1;
        }
        Ok(())
    }

    /// Reads a record that the main thread has found.
    pub(super) fn read_record(&mut self, record: &Record<'_>) -> PendingRecord {
        let mut values = Values::new();
        let mut members = Vec::new();
        record.each_member(|name, value| {
            let key = self.keys.of_name(name);
            values.0[self.keys.entries[key as usize].role as usize] = value;
            members.push((key, (name.len() + value.len() + 4) as u32));
        });
        if let Some((_, last)) = members.last_mut() {
            *last -= 1;
        }
        for (role, key) in RENAMED {
            if let Some(value) = record.get(key) {
                values.0[role as usize] = value;
            }
        }
        PendingRecord {
            names: self.names(&values),
            fact: self.fact(&values, record.bytes.len() as u64),
            members,
            length: record.bytes.len() as u64,
        }
    }

    /// Adds a record that takes `bytes` of its line.
    pub(super) fn add_record(&mut self, mut record: PendingRecord, bytes: u64) -> LineFact {
        self.add_line(record.names, bytes);
        if bytes < record.length {
            // The record was written in a shorter form, for example with `LOG_PROFILE`.
            for (_, length) in &mut record.members {
                *length = (u64::from(*length) * bytes / record.length) as u32;
            }
        }
        self.keys.add(&record.members, bytes);
        record.fact.bytes = bytes;
        record.fact
    }

    fn add_line(&mut self, names: LineNames, bytes: u64) {
        let line = Volume { lines: 1, bytes };
        self.records.add(line);
        self.events.add(names.event, line);
        self.steps.add(names.step, line);
        self.dependencies.add(names.dependency, line);
        self.loggers.add(names.logger, line);
        self.levels.add(names.level, line);
        for (kept, is_kept) in self.kept.iter_mut().zip(names.kept) {
            if is_kept {
                kept.add(line);
            }
        }
    }

    fn names(&mut self, values: &Values<'_>) -> LineNames {
        let event = values.get(Role::Event);
        let (step, dependency) = match event {
            b"\"step_timing\"" => (self.steps.index(values.get(Role::Step)), NO_NAME),
            b"\"dependency_call\"" | b"\"dependency_attempt\"" => {
                (NO_NAME, self.dependencies.index(values.get(Role::Dependency)))
            }
            _ => (NO_NAME, NO_NAME),
        };
        let (level, logger) = (values.get(Role::Level), values.get(Role::Logger));
        let rank = level_rank(level);
        let is_http = logger == b"\"http\"" || logger.starts_with(b"\"http::");
        let is_audit = event == b"\"audit\"";
        let kept = LEVEL_SETTINGS.each_ref().map(|setting| {
            is_audit || rank >= if is_http { setting.http } else { setting.default }
        });
        self.note_time(values.inside(Role::Ts));
        LineNames {
            event: self.event(event, values.get(Role::Msg)),
            step,
            dependency,
            logger: self.loggers.index(logger),
            level: self.levels.index(level),
            kept,
        }
    }

    /// Returns the index of the event. A line without an event is counted by its message, in which `#` replaces
    /// numbers.
    fn event(&mut self, event: &[u8], msg: &[u8]) -> NameIndex {
        /// Longer messages are truncated.
        const MAX_MSG_BYTES: usize = 80;
        if !event.is_empty() {
            return self.events.index(event);
        }
        self.scratch.clear();
        self.scratch.push(MSG_MARK);
        let msg = inside(msg);
        for byte in &msg[..msg.len().min(MAX_MSG_BYTES)] {
            if !byte.is_ascii_digit() {
                self.scratch.push(*byte);
            } else if self.scratch.last() != Some(&b'#') {
                self.scratch.push(b'#');
            }
        }
        self.events.index(&self.scratch)
    }

    fn note_time(&mut self, ts: &[u8]) {
        let is_later = ts > self.last.as_slice();
        let is_earlier = self.first.is_empty() || ts < self.first.as_slice();
        // Timestamps of one form are in the order of their bytes. Another form is converted to it.
        if !is_later && !is_earlier && is_own_time(ts) {
            return;
        }
        let mut ts = std::borrow::Cow::Borrowed(ts);
        if !is_own_time(&ts) {
            let at = std::str::from_utf8(&ts).ok().and_then(time::parse);
            let Some(at) = at else { return };
            ts = time::rfc3339(at).into_bytes().into();
        }
        if *ts > *self.last {
            self.last.clear();
            self.last.extend_from_slice(&ts);
        }
        if self.first.is_empty() || *ts < *self.first {
            self.first.clear();
            self.first.extend_from_slice(&ts);
        }
    }

    fn fact(&self, values: &Values<'_>, bytes: u64) -> LineFact {
        let id = values.get(Role::RequestId);
        let hash32 = |text: &[u8]| self.seed.hash(text) as u32;
        let mut context = [(0, 0); CONTEXT_KEYS];
        let mut placeholder_bytes = 0;
        for (slot, role) in context.iter_mut().zip(CONTEXT) {
            let value = values.get(role);
            if value == PLACEHOLDER {
                *slot = (PLACEHOLDER_HASH, member_bytes(role, value));
                placeholder_bytes += u64::from(slot.1);
            } else if !value.is_empty() {
                *slot = (hash32(value).max(1), member_bytes(role, value));
            }
        }
        // The services of one trace share the request id, but each has its own request.
        let request = if id == PLACEHOLDER {
            placeholder_bytes += u64::from(member_bytes(Role::RequestId, id));
            0
        } else if matches!(id, b"" | b"\"\"" | b"null") {
            0
        } else {
            self.seed.hash_after(self.seed.hash(id), values.get(Role::SpanId)).max(1)
        };
        let timed = |name: &[u8]| Timed {
            name_hash: hash32(name),
            name_bytes: name.len() as u32,
            micros: micros(values.get(Role::DurationMs)),
        };
        let event = values.get(Role::Event);
        let detail = match event {
            b"\"step_timing\"" => Detail::Step(timed(values.get(Role::Step))),
            b"\"dependency_call\"" => Detail::Call {
                call: timed(values.get(Role::Dependency)),
                retries: integer(values.get(Role::Retries)),
            },
            b"\"request_completed\"" | b"\"job_completed\"" => {
                Detail::End { route: route(values), micros: micros(values.get(Role::DurationMs)) }
            }
            _ => Detail::None,
        };
        LineFact {
            request,
            bytes,
            seq: integer(values.get(Role::Seq)),
            context,
            placeholder_bytes,
            is_problem: level_rank(values.get(Role::Level)) >= WARN,
            is_audit: event == b"\"audit\"",
            detail,
        }
    }

    pub(super) fn merge(&mut self, other: &Scanner) {
        self.records.add(other.records);
        self.events.merge(&other.events);
        self.steps.merge(&other.steps);
        self.dependencies.merge(&other.dependencies);
        self.loggers.merge(&other.loggers);
        self.levels.merge(&other.levels);
        self.keys.merge(&other.keys);
        for (kept, more) in self.kept.iter_mut().zip(other.kept) {
            kept.add(more);
        }
        for ts in [&other.first, &other.last] {
            if !ts.is_empty() {
                self.note_time(ts);
            }
        }
    }
}

/// Precedes the message of a line without an event.
pub(super) const MSG_MARK: u8 = b'=';

/// Returns the method and route of a request, or the name of a job. If the route is not known, the path is used, with
/// `{}` for segments that contain a digit.
fn route(values: &Values<'_>) -> Box<[u8]> {
    let job = values.inside(Role::Job);
    if !job.is_empty() {
        return [b"job ", job].concat().into();
    }
    let mut label = values.inside(Role::Method).to_vec();
    label.push(b' ');
    let route = values.inside(Role::Route);
    if route.is_empty() {
        for (index, segment) in values.inside(Role::Path).split(|byte| *byte == b'/').enumerate() {
            if index > 0 {
                label.push(b'/');
            }
            let has_digit = segment.iter().any(u8::is_ascii_digit);
            label.extend_from_slice(if has_digit { b"{}" } else { segment });
        }
    } else {
        label.extend_from_slice(route);
    }
    label.into()
}

/// Returns whether a timestamp has candor's own form: `2026-11-22T10:14:12.123456Z`.
fn is_own_time(ts: &[u8]) -> bool {
    const FORM: &[u8; 27] = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    ts.len() == FORM.len()
        && ts.iter().zip(FORM).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            form => byte == form,
        })
}

fn integer(value: &[u8]) -> u64 {
    value
        .iter()
        .try_fold(0_u64, |number, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })
        .unwrap_or(0)
}

fn micros(value: &[u8]) -> u64 {
    // Fast path without floats for `12.345`, as candor writes it.
    if let Some(dot) = value.len().checked_sub(4).filter(|dot| value[*dot] == b'.' && *dot <= 12)
        && value[..dot].iter().chain(&value[dot + 1..]).all(u8::is_ascii_digit)
    {
        return integer(&value[..dot]) * 1000 + integer(&value[dot + 1..]);
    }
    number(value).map_or(0, |ms| time::from_ms(ms).unsigned_abs())
}

/// A key, its volume, and the keys that usually follow it.
#[derive(Debug)]
struct KeyEntry {
    /// The key as it is in a line: `"level":`.
    pattern: Box<[u8]>,
    role: Role,
    volume: Volume,
    /// The latest keys that followed this one, the latest first.
    next: [u32; NEXT_KEYS],
}

const NEXT_KEYS: usize = 4;
/// The maximum number of keys that are counted separately.
const MAX_KEYS: usize = 4_000;
/// The maximum length of a key. Longer keys are counted together with the others.
const MAX_KEY_BYTES: usize = 128;
/// Index of the start of a line, which is not a key.
const START: u32 = 0;

/// Volumes by key.
///
/// Lines of a call site have the same keys in the same order. So the next key is guessed from the one before it, and
/// usually one comparison confirms the guess.
#[derive(Debug)]
pub(super) struct KeyTable {
    indexes: std::collections::HashMap<Box<[u8]>, u32>,
    entries: Vec<KeyEntry>,
    /// Keys beyond the limits.
    others: Volume,
    /// Bytes of lines outside their members.
    pub(super) structure: u64,
}

impl KeyTable {
    fn new() -> Self {
        let mut table = KeyTable {
            indexes: std::collections::HashMap::new(),
            entries: Vec::new(),
            others: Volume::default(),
            structure: 0,
        };
        table.push(b"");
        table
    }

    fn push(&mut self, pattern: &[u8]) -> u32 {
        let index = self.entries.len() as u32;
        let name = pattern.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\":"));
        self.entries.push(KeyEntry {
            pattern: pattern.into(),
            role: name.map_or(Role::Other, Role::of),
            volume: Volume::default(),
            next: [START; NEXT_KEYS],
        });
        index
    }

    /// Returns the key at a position of a line, after `previous`.
    #[inline]
    fn at(&mut self, line: &[u8], at: usize, previous: u32) -> Result<u32, Malformed> {
        let rest = line.get(at..).ok_or(Malformed)?;
        let guesses = self.entries[previous as usize].next;
        for (rank, guess) in guesses.into_iter().enumerate() {
            let pattern = &self.entries[guess as usize].pattern;
            if guess != START && rest.starts_with(pattern) {
                if rank > 0 {
                    self.entries[previous as usize].next[..=rank].rotate_right(1);
                }
                return Ok(guess);
            }
        }
        self.find(rest, previous)
    }

    fn find(&mut self, rest: &[u8], previous: u32) -> Result<u32, Malformed> {
        if rest.first() != Some(&b'"') {
            return Err(Malformed);
        }
        let end = value_end(rest, 0)?;
        if rest.get(end) != Some(&b':') {
            return Err(Malformed);
        }
        let pattern = &rest[..=end];
        let key = self.of_pattern(pattern).ok_or(Malformed)?;
        let next = &mut self.entries[previous as usize].next;
        next.rotate_right(1);
        next[0] = key;
        Ok(key)
    }

    /// Returns the index of a key; `None` for a key beyond the limits.
    fn of_pattern(&mut self, pattern: &[u8]) -> Option<u32> {
        if let Some(index) = self.indexes.get(pattern) {
            return Some(*index);
        }
        if pattern.len() > MAX_KEY_BYTES || self.entries.len() >= MAX_KEYS {
            return None;
        }
        let index = self.push(pattern);
        self.indexes.insert(pattern.into(), index);
        Some(index)
    }

    /// Returns the index of a key by its name; `START` for a key beyond the limits.
    fn of_name(&mut self, name: &[u8]) -> u32 {
        self.of_pattern(&[b"\"", name, b"\":"].concat()).unwrap_or(START)
    }

    /// Adds the members of a line with `bytes` bytes.
    fn add(&mut self, members: &[(u32, u32)], bytes: u64) {
        let mut in_members = 0;
        for (key, length) in members {
            let bytes = u64::from(*length);
            in_members += bytes;
            let volume = &mut self.entries[*key as usize].volume;
            volume.lines += 1;
            volume.bytes += bytes;
        }
        self.structure += bytes.saturating_sub(in_members);
    }

    fn merge(&mut self, other: &KeyTable) {
        self.structure += other.structure;
        self.others.add(other.others());
        for entry in &other.entries[1..] {
            match self.of_pattern(&entry.pattern) {
                Some(index) => self.entries[index as usize].volume.add(entry.volume),
                None => self.others.add(entry.volume),
            }
        }
    }

    /// Returns the volume of keys beyond the limits.
    pub(super) fn others(&self) -> Volume {
        let mut others = self.others;
        others.add(self.entries[START as usize].volume);
        others
    }

    /// Returns the keys, as they are in the lines, with their volumes.
    pub(super) fn named(&self) -> impl Iterator<Item = (&[u8], Volume)> {
        self.entries[1..]
            .iter()
            .map(|entry| (&entry.pattern[..entry.pattern.len() - 1], entry.volume))
            .filter(|(_, volume)| volume.lines > 0)
    }
}
