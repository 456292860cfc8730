//! What a record's keys are called: candor's own names, the usual renames of `LOG_KEYS`, and those
//! that `--keys` gives.

use memchr::{memchr2, memmem};

use super::members::{Malformed, text, walk, walk_on};

/// The keys commands look at before a record is parsed.
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

const COUNT: usize = 19;

/// Those with a name that `LOG_KEYS` can change, which stand before all others.
const FIXED: [(Key, &str, &[&str]); 12] = [
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

/// The names of the keys in the input at hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// What `--keys` says; it goes before all else.
    given: Vec<(Key, String)>,
}

impl Keys {
    /// Reads `ts=timestamp,level=severity`, as `LOG_KEYS` has it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut given = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (from, to) = pair.split_once('=').ok_or_else(|| {
                format!("`{pair}` has no `=` between candor's key and the name in the log")
            })?;
            let Some((key, ..)) = FIXED.iter().find(|(_, name, _)| *name == from.trim()) else {
                let names = FIXED.map(|(_, name, _)| name).join(", ");
                return Err(format!("`{from}` is no fixed key; they are {names}"));
            };
            given.push((*key, to.trim().to_owned()));
        }
        Ok(Keys { given })
    }

    /// Candor's own name of a key, where the input has another; `None` where it has no other meaning.
    fn renamed(&self, name: &[u8]) -> Option<(Key, bool)> {
        if let Some((key, _)) = self.given.iter().find(|(_, given)| given.as_bytes() == name) {
            return Some((*key, true));
        }
        FIXED
            .iter()
            .find(|(_, _, others)| others.iter().any(|other| other.as_bytes() == name))
            .map(|(key, ..)| (*key, false))
    }

    /// The members of an object that commands look at, and where the object ends.
    pub(super) fn read<'a>(&self, text: &'a [u8]) -> Result<(Values<'a>, usize), Malformed> {
        let mut values = Values { text, values: [None; COUNT] };
        let mut aliases = Aliases::default();
        let end = walk(text, |name, value| {
            match known(name) {
                Some(key) => values.values[key as usize] = values.get(key).or(Some(value)),
                None if values.get(Key::Event).is_none() => {
                    if let Some((key, given)) = self.renamed(name) {
                        aliases.note(key, given, value);
                    }
                }
                None => {}
            }
            true
        })?;
        aliases.settle(&mut values);
        values.text = &text[..end];
        Ok((values, end))
    }

    /// The members of a record in their order, under candor's own names.
    pub(crate) fn members(&self, record: &[u8]) -> Vec<(String, serde_json::Value)> {
        let mut members = Vec::new();
        let mut push = |key: &[u8], written: &[u8]| {
            let mut quoted = vec![b'"'];
            quoted.extend_from_slice(key);
            quoted.push(b'"');
            let Some(key) = text(&quoted) else { return };
            let value = serde_json::from_str(&String::from_utf8_lossy(written));
            // What the walk takes and JSON does not, such as a raw control, is text as it stands.
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
        let names: Vec<String> = members.iter().map(|(name, _)| name.clone()).collect();
        let own = |name: &str| names.iter().any(|known| known == name);
        for (name, _) in &mut members {
            let canonical = self.canonical(name, own);
            if canonical != name {
                *name = canonical.to_owned();
            }
        }
        members
    }

    /// What a key means: candor's own name for it where the input renames it and `record` shows it
    /// nowhere under its own.
    fn canonical<'n>(&self, name: &'n str, own: impl Fn(&str) -> bool) -> &'n str {
        // Most names are candor's own, and asking for all renames of each takes longer than all else.
        if self.given.is_empty() && known(name.as_bytes()).is_some() {
            return name;
        }
        let Some((key, given)) = self.renamed(name.as_bytes()) else { return name };
        let (_, canonical, others) = FIXED[key as usize];
        let earlier = || others.iter().take_while(|other| **other != name).any(|other| own(other));
        let by_name = self.given.iter().any(|(named, _)| *named == key);
        if given || (!own(canonical) && !by_name && !earlier()) { canonical } else { name }
    }
}

/// Other names for fixed keys that a record has, until it is known whether it has the fixed ones.
#[derive(Default)]
struct Aliases<'a> {
    found: Vec<(Key, bool, &'a [u8])>,
}

impl<'a> Aliases<'a> {
    fn note(&mut self, key: Key, given: bool, value: &'a [u8]) {
        self.found.push((key, given, value));
    }

    fn settle(self, values: &mut Values<'a>) {
        for (key, given, value) in self.found {
            let place = &mut values.values[key as usize];
            if given || place.is_none() {
                *place = Some(value);
            }
        }
    }
}

fn known(name: &[u8]) -> Option<Key> {
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

/// The values of one record, as they are written.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a> {
    /// The whole object.
    pub(crate) text: &'a [u8],
    values: [Option<&'a [u8]>; COUNT],
}

impl<'a> Values<'a> {
    pub(crate) fn get(&self, key: Key) -> Option<&'a [u8]> {
        self.values[key as usize]
    }

    /// What a line of candor's own, as candor wrote it, says of a step, a call or an end; `None` where
    /// the line has another form or no event.
    ///
    /// The fixed keys hold no nested value, so where no bracket stands before `event` it is a key of
    /// the line itself; and what follows `parent_id` is not asked for.
    pub(super) fn of_event(line: &'a [u8], find: &EventFinders) -> Option<Self> {
        let fixed_end = find.event.find(line)?;
        if !line.ends_with(b"}") || memchr2(b'{', b'[', &line[1..fixed_end]).is_some() {
            return None;
        }
        let mut values = Values { text: line, values: [None; COUNT] };
        if let Some(service) = find.service.find(&line[..fixed_end]) {
            let mut take = |_: &'a [u8], value: &'a [u8]| {
                values.values[Key::Service as usize] = Some(value);
                false
            };
            walk_on(line, service + 1, &mut take).ok()?;
        }
        walk_on(line, fixed_end + 1, |name, value| {
            let key = match name {
                b"event" => Key::Event,
                b"step" => Key::Step,
                b"dependency" => Key::Dependency,
                b"operation" => Key::Operation,
                b"duration_ms" => Key::DurationMs,
                b"outcome" => Key::Outcome,
                b"parent_id" => Key::ParentId,
                _ => return true,
            };
            values.values[key as usize] = Some(value);
            // An end has neither a step nor a call of its own; its time is all there is to know.
            !(key == Key::ParentId
                || (key == Key::DurationMs && value_is_end(values.values[Key::Event as usize])))
        })
        .ok()?;
        Some(values)
    }

    /// What the keys say that every line has, of a line as candor writes it; `None` where it has another
    /// form.
    pub(super) fn of_fixed(line: &'a [u8]) -> Option<Self> {
        if !line.ends_with(b"}") {
            return None;
        }
        let mut values = Values { text: line, values: [None; COUNT] };
        walk(line, |name, value| match known(name) {
            Some(key) if (key as usize) < FIXED.len() => {
                values.values[key as usize] = Some(value);
                key != Key::Seq
            }
            _ => false,
        })
        .ok()?;
        values.is_record().then_some(values)
    }

    /// Whether it is one of candor's records: they have these keys whatever else they have.
    pub(super) fn is_record(&self) -> bool {
        [Key::Ts, Key::Level, Key::RequestId].into_iter().all(|key| self.get(key).is_some())
    }
}

fn value_is_end(event: Option<&[u8]>) -> bool {
    event == Some(b"\"request_completed\"")
}

/// Searches made ready once.
#[derive(Debug)]
pub(super) struct EventFinders {
    event: memmem::Finder<'static>,
    service: memmem::Finder<'static>,
}

impl EventFinders {
    pub(super) fn new() -> Self {
        EventFinders {
            event: memmem::Finder::new(",\"event\":\""),
            service: memmem::Finder::new(",\"service\":\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_fixed_key_in_the_table_is_its_number() {
        for (index, (key, name, _)) in FIXED.iter().enumerate() {
            assert_eq!(*key as usize, index);
            assert_eq!(known(name.as_bytes()), Some(*key));
        }
    }

    #[test]
    fn a_field_called_as_a_rename_is_none_where_the_key_has_its_own_name() {
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
