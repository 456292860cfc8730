//! Keys of a record, and the names they may have: candor's own, common renames, and those of `--keys`.

use std::collections::HashSet;

use memchr::{memchr2, memmem};

use super::LINE_START;
use super::members::{Malformed, text, walk, walk_from};

/// Keys that a subcommand can read before a record is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Ts,
    Level,
    Logger,
    Msg,
    RequestId,
    UserId,
    Method,
    Path,
    Service,
    TraceId,
    SpanId,
    Seq,
    Event,
    Step,
    Dependency,
    Operation,
    DurationMs,
    Outcome,
    ParentId,
}

impl Key {
    /// The key that candor writes as `name`.
    fn parse(name: &[u8]) -> Option<Self> {
        Key::parse_fixed(name).or_else(|| Key::parse_event(name))
    }

    /// The fixed key that candor writes as `name`, unless `LOG_KEYS` renames it.
    #[inline]
    fn parse_fixed(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"ts" => Key::Ts,
            b"level" => Key::Level,
            b"logger" => Key::Logger,
            b"msg" => Key::Msg,
            b"request_id" => Key::RequestId,
            b"user_id" => Key::UserId,
            b"method" => Key::Method,
            b"path" => Key::Path,
            b"service" => Key::Service,
            b"trace_id" => Key::TraceId,
            b"span_id" => Key::SpanId,
            b"seq" => Key::Seq,
            _ => return None,
        })
    }

    /// The key of candor's events that is written as `name`.
    #[inline]
    fn parse_event(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"event" => Key::Event,
            b"step" => Key::Step,
            b"dependency" => Key::Dependency,
            b"operation" => Key::Operation,
            b"duration_ms" => Key::DurationMs,
            b"outcome" => Key::Outcome,
            b"parent_id" => Key::ParentId,
            _ => return None,
        })
    }
}

const KEY_COUNT: usize = 19;

/// The fixed keys, which precede all others in a line, with candor's name and common renames.
///
/// In the order of `Key`, so that `key as usize` is the index.
const FIXED_KEYS: [(Key, &str, &[&str]); 12] = [
    (Key::Ts, "ts", &["timestamp", "time", "@timestamp", "datetime", "t"]),
    (Key::Level, "level", &["severity", "lvl", "log.level", "loglevel"]),
    (Key::Logger, "logger", &["target", "logger_name", "log.logger", "name", "module"]),
    (Key::Msg, "msg", &["message", "@message"]),
    (
        Key::RequestId,
        "request_id",
        &["requestId", "req_id", "correlation_id", "correlationId", "http.request.id"],
    ),
    (Key::UserId, "user_id", &["userId", "user", "user.id", "uid"]),
    (Key::Method, "method", &["http.method", "http.request.method", "verb"]),
    (Key::Path, "path", &["http.path", "url.path", "uri"]),
    (Key::Service, "service", &["service.name", "service_name", "app"]),
    (Key::TraceId, "trace_id", &["traceId", "trace.id", "trace"]),
    (Key::SpanId, "span_id", &["spanId", "span.id"]),
    (Key::Seq, "seq", &["sequence", "seq_no"]),
];

/// Names of the keys in the input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Renames from `--keys`; they take precedence over all other names.
    given: Vec<(Key, String)>,
}

impl Keys {
    /// Parses `ts=timestamp,level=severity`, the syntax of `LOG_KEYS`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut given = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (from, to) = pair.split_once('=').ok_or_else(|| {
                format!("`{pair}` has no `=` between candor's key and the name in the log")
            })?;
            let Some((key, ..)) = FIXED_KEYS.iter().find(|(_, name, _)| *name == from.trim())
            else {
                let names = FIXED_KEYS.map(|(_, name, _)| name).join(", ");
                return Err(format!("`{from}` is not a fixed key; expected one of {names}"));
            };
            given.push((*key, to.trim().to_owned()));
        }
        Ok(Keys { given })
    }

    /// The key that a name may be a rename of, and whether `--keys` says so.
    fn renamed(&self, name: &[u8]) -> Option<(Key, bool)> {
        if let Some((key, _)) = self.given.iter().find(|(_, given)| given.as_bytes() == name) {
            return Some((*key, true));
        }
        FIXED_KEYS
            .iter()
            .find(|(_, _, others)| others.iter().any(|other| other.as_bytes() == name))
            .map(|(key, ..)| (*key, false))
    }

    /// Whether `--keys` gives a fixed key the name of another key of candor's, as `level=outcome` does. Then candor's
    /// names alone do not say which key is meant.
    pub(super) fn takes_own_name(&self) -> bool {
        self.given.iter().any(|(_, name)| Key::parse(name.as_bytes()).is_some())
    }

    /// Returns whether `--keys` was not given.
    pub(crate) fn are_default(&self) -> bool {
        self.given.is_empty()
    }

    fn is_given(&self, name: &[u8]) -> bool {
        self.given.iter().any(|(_, given)| given.as_bytes() == name)
    }

    /// The key that candor would write as `name` if no fixed key were renamed to it: candor appends an underscore to a
    /// key whose name is taken, so with `level=status` the status is `status_`.
    fn before_rename<'n>(&self, name: &'n [u8]) -> &'n [u8] {
        let mut plain = name;
        while let Some(shorter) = plain.strip_suffix(b"_").filter(|shorter| self.is_given(shorter))
        {
            plain = shorter;
        }
        plain
    }

    /// Reads the keys of an object. Returns them and the end of the object.
    pub(super) fn read<'a>(&self, text: &'a [u8]) -> Result<(Record<'a>, usize), Malformed> {
        let mut record = Record::new(text);
        let mut aliases = Aliases::default();
        let end = walk(text, |name, value| {
            let plain = self.before_rename(name);
            // A name that `--keys` gives is not candor's own.
            let is_own = self.given.is_empty() || plain.len() < name.len() || !self.is_given(name);
            match Key::parse(plain).filter(|_| is_own) {
                Some(key) => record.values[key as usize] = record.get(key).or(Some(value)),
                // The fixed keys precede `event`, so later members can't be renames of them.
                None if record.get(Key::Event).is_none() => {
                    if let Some((key, given)) = self.renamed(name) {
                        aliases.found.push((key, given, value));
                    }
                }
                None => {}
            }
            true
        })?;
        aliases.apply(&mut record);
        record.bytes = &text[..end];
        Ok((record, end))
    }

    /// The members of a record, in order, with candor's names.
    pub(crate) fn members(&self, record: &[u8]) -> Vec<(String, serde_json::Value)> {
        let mut members = Vec::new();
        let mut push = |key: &[u8], written: &[u8]| {
            let mut quoted = vec![b'"'];
            quoted.extend_from_slice(key);
            quoted.push(b'"');
            let Some(key) = text(&quoted) else { return };
            let value = serde_json::from_str(&String::from_utf8_lossy(written));
            // `walk` accepts some values that are not valid JSON, such as a string with a raw control
            // character; these are taken as text.
            let value = value.unwrap_or_else(|_| {
                let text = text(written).unwrap_or_else(|| String::from_utf8_lossy(written));
                serde_json::Value::String(text.into_owned())
            });
            members.push((key.into_owned(), value));
        };
        let _ = walk(record, |key, value| {
            push(key, value);
            true
        });
        let names: HashSet<String> = members.iter().map(|(name, _)| name.clone()).collect();
        let own = |name: &str| names.contains(name);
        for (name, _) in &mut members {
            let canonical = self.canonical(name, own);
            if canonical != name {
                *name = canonical.to_owned();
            }
        }
        members
    }

    /// candor's name for a member, if `name` is a rename; else `name` itself. `own` returns whether the record
    /// has a member of a given name: a common rename counts only if the record lacks candor's name.
    fn canonical<'n>(&self, name: &'n str, own: impl Fn(&str) -> bool) -> &'n str {
        let plain = self.before_rename(name.as_bytes());
        if plain.len() < name.len() {
            return &name[..plain.len()];
        }
        // Fast path: most names are candor's own, and comparing with all renames is slow.
        if self.given.is_empty() && Key::parse(name.as_bytes()).is_some() {
            return name;
        }
        let Some((key, given)) = self.renamed(name.as_bytes()) else { return name };
        let (_, canonical, others) = FIXED_KEYS[key as usize];
        let earlier = || others.iter().take_while(|other| **other != name).any(|other| own(other));
        let by_name = self.given.iter().any(|(named, _)| *named == key);
        if given || (!own(canonical) && !by_name && !earlier()) { canonical } else { name }
    }
}

/// Members that may be renames of fixed keys. They count only if the record lacks the key itself, which is
/// known at its end.
#[derive(Default)]
struct Aliases<'a> {
    found: Vec<(Key, bool, &'a [u8])>,
}

impl<'a> Aliases<'a> {
    fn apply(self, record: &mut Record<'a>) {
        for (key, given, value) in self.found {
            let slot = &mut record.values[key as usize];
            if given || slot.is_none() {
                *slot = Some(value);
            }
        }
    }
}

/// A record as raw JSON, with the values of its keys as written.
#[derive(Debug, Clone)]
pub(crate) struct Record<'a> {
    /// The whole object.
    pub(crate) bytes: &'a [u8],
    values: [Option<&'a [u8]>; KEY_COUNT],
}

impl<'a> Record<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Record { bytes, values: [None; KEY_COUNT] }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&'a [u8]> {
        self.values[key as usize]
    }

    /// The level, even if [`Record::from_event_line`] did not read it.
    pub(crate) fn level(&self) -> Option<&'a [u8]> {
        let read = || Record::with_fixed_keys(self.bytes)?.get(Key::Level);
        self.get(Key::Level).or_else(read)
    }

    /// Calls `each` with every unparsed key and value.
    pub(crate) fn each_member(&self, mut each: impl FnMut(&'a [u8], &'a [u8])) {
        let _ = walk(self.bytes, |key, value| {
            each(key, value);
            true
        });
    }

    /// Reads `logger`, `service` and the keys of a step, call or completion event from a line that candor wrote.
    /// Returns `None` if the line has another format or is not an event.
    ///
    /// The fixed keys have no nested values. So if no bracket precedes `event`, it is a member of the line
    /// itself. Members after `parent_id` are not read.
    pub(super) fn from_event_line(line: &'a [u8], find: &EventFinders) -> Option<Self> {
        let fixed_end = find.event.find(line)?;
        if !line.ends_with(b"}") || memchr2(b'{', b'[', &line[1..fixed_end]).is_some() {
            return None;
        }
        let mut record = Record::new(line);
        for (key, finder) in [(Key::Logger, &find.logger), (Key::Service, &find.service)] {
            if let Some(at) = finder.find(&line[..fixed_end]) {
                let mut take = |_: &'a [u8], value: &'a [u8]| {
                    record.values[key as usize] = Some(value);
                    false
                };
                walk_from(line, at + 1, &mut take).ok()?;
            }
        }
        walk_from(line, fixed_end + 1, |name, value| {
            let Some(key) = Key::parse_event(name) else { return true };
            record.values[key as usize] = Some(value);
            // `request_completed` has neither a step nor a parent, so its duration is the last one needed.
            let is_request_end = || record.get(Key::Event) == Some(b"\"request_completed\"");
            key != Key::ParentId && (key != Key::DurationMs || !is_request_end())
        })
        .ok()?;
        Some(record)
    }

    /// Reads the fixed keys of a line that candor wrote. Returns `None` if the line has another format.
    pub(super) fn with_fixed_keys(line: &'a [u8]) -> Option<Self> {
        if !line.ends_with(b"}") {
            return None;
        }
        let mut record = Record::new(line);
        walk(line, |name, value| match Key::parse_fixed(name) {
            Some(key) => {
                record.values[key as usize] = Some(value);
                key != Key::Seq
            }
            None => false,
        })
        .ok()?;
        record.is_complete().then_some(record)
    }

    /// Whether it has the keys that every record of candor has.
    ///
    /// With the `compact` profile, a line outside any request has no `request_id`. Such a line is recognised by its
    /// first keys.
    pub(super) fn is_complete(&self) -> bool {
        let has = |keys: &[Key]| keys.iter().all(|key| self.get(*key).is_some());
        has(&[Key::Ts, Key::Level])
            && (has(&[Key::RequestId])
                || self.bytes.starts_with(LINE_START) && has(&[Key::Logger, Key::Msg]))
    }
}

/// Substring searches, prepared once.
#[derive(Debug)]
pub(super) struct EventFinders {
    event: memmem::Finder<'static>,
    logger: memmem::Finder<'static>,
    service: memmem::Finder<'static>,
}

impl EventFinders {
    pub(super) fn new() -> Self {
        EventFinders {
            event: memmem::Finder::new(",\"event\":\""),
            logger: memmem::Finder::new(",\"logger\":\""),
            service: memmem::Finder::new(",\"service\":\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_fixed_keys_is_in_the_order_of_the_enum() {
        for (index, (key, name, _)) in FIXED_KEYS.iter().enumerate() {
            assert_eq!(*key as usize, index);
            assert_eq!(Key::parse(name.as_bytes()), Some(*key));
        }
    }

    #[test]
    fn a_rename_counts_only_if_the_record_lacks_the_key() {
        let keys = Keys::default();
        let line = br#"{"ts":"1","level":"INFO","request_id":"r","time":"tea"}"#;
        assert_eq!(keys.read(line).unwrap().0.get(Key::Ts), Some(&b"\"1\""[..]));
        let own = |name: &str| ["ts", "level", "time"].contains(&name);
        assert_eq!(keys.canonical("time", own), "time");
        let renamed = |name: &str| ["timestamp", "time"].contains(&name);
        assert_eq!(keys.canonical("timestamp", renamed), "ts");
        assert_eq!(keys.canonical("time", renamed), "time");
    }
}
