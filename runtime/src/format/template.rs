//! A record as one JSON object: `{time, prefix, request, fields…}`.
//!
//! Time, prefix (severity, logger, message) and request are each rendered once and kept: the time by the second, the
//! prefix by the site, the request by the thread. Rendering a line copies the three and appends its fields.

use std::array::from_fn;
use std::fmt::Write as _;

use super::keys::Keys;
use super::record::{ContextKeys, Record, Severity};
use crate::base::clock::Tick;
use crate::base::serial;
use crate::json::append::{Appender, NUMBER_ROOM, append};
use crate::json::hex::Hex;
use crate::json::shown::Shown;
use crate::json::timestamp::{Timestamp, TimestampCache};
use crate::json::{escape, members};
use crate::redact::loggable::Encoder;
use crate::redact::shown::{self, Redacted, RequestId};

/// A line up to its event's own fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineHead<'a> {
    ts: Timestamp<'a>,
    prefix: &'a str,
    pub(crate) request: RequestPart<'a>,
}

impl LineHead<'_> {
    /// An upper bound of the bytes it takes.
    #[inline]
    pub(crate) fn room(self) -> usize {
        self.ts.room() + self.prefix.len() + self.request.room()
    }

    /// `seq` is the line's number within its request, if it has one.
    #[inline(always)]
    pub(crate) fn write(self, seq: Option<u64>, pieces: &mut Appender<'_>) {
        self.ts.write(pieces);
        pieces.put(self.prefix);
        self.request.write(seq, pieces);
    }
}

/// The request's part of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestPart<'a> {
    text: &'a str,
    /// The length of the `,"seq":` key at its end, which a line without a number omits.
    key: usize,
    /// Whether the context has fields, which follow those of the event.
    pub(crate) has_fields: bool,
}

impl RequestPart<'_> {
    /// An upper bound of the bytes it takes.
    #[inline]
    fn room(self) -> usize {
        self.text.len() + NUMBER_ROOM
    }

    #[inline(always)]
    fn write(self, seq: Option<u64>, pieces: &mut Appender<'_>) {
        match seq {
            Some(seq) => {
                pieces.put(self.text);
                pieces.number(seq);
            }
            None => pieces.put(self.text.get(..self.text.len() - self.key).unwrap_or_default()),
        }
    }
}

/// The fixed keys that a field can replace, with their positions in `FIXED`.
const CONTEXT: [(usize, &str); 5] =
    [(4, "request_id"), (5, "user_id"), (6, "method"), (7, "path"), (8, "service")];

/// An upper bound of the lengths of candor's own event names. A limit above it cuts none of them.
const LONGEST_EVENT: usize = 64;

const TRACE_ID_DIGITS: usize = 32;

/// Stands for the number of a kept line, which gets its number when it is written.
pub(crate) const NO_SEQ: u64 = u64::MAX;

/// The parts of a line that never change for one logger.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) keys: Keys,
    /// Loggers with the same layout render the same prefixes. 0 is the default layout.
    pub(crate) layout_id: u64,
    /// `{"ts":"`, `","level":"` and so on, ready to be copied.
    ts: String,
    level: String,
    logger: String,
    message: String,
    seq: String,
    /// The keys from `,"request_id":"` to `","span_id":"`. Each but the first has the quote that ends the value before
    /// it, since a shorter list of pieces is cheaper to append.
    identity: [String; 7],
    /// The length of these keys and of everything between the values, ids of the trace included.
    identity_room: usize,
    /// The request's part of a line outside any request.
    outside: String,
    service: Option<Redacted<'static>>,
    /// The longest value, in bytes.
    value_limit: usize,
}

impl Template {
    pub(crate) fn new(keys: Keys, service: Option<String>, value_limit: usize) -> Self {
        let usual = !keys.are_renamed() && value_limit >= LONGEST_EVENT;
        let mut template = Template {
            layout_id: if usual { 0 } else { serial::next() },
            ts: format!("{{{}\"", keys.quoted(0)),
            level: format!("\",{}\"", keys.quoted(1)),
            logger: format!("\",{}\"", keys.quoted(2)),
            message: format!("\",{}", keys.quoted(3)),
            seq: format!(",{}", keys.quoted(11)),
            identity: from_fn(|at| {
                let end = if at == 0 { "" } else { "\"" };
                format!("{end},{}\"", keys.quoted(4 + at))
            }),
            identity_room: 0,
            outside: String::new(),
            service: service.map(|service| shown::text(&service).into_owned()),
            value_limit,
            keys,
        };
        let keys_room = template.identity.iter().map(String::len).sum::<usize>() + "\"".len();
        template.identity_room = keys_room + TRACE_ID_DIGITS + 16;
        let mut outside = String::new();
        template.identity(None, [None; 3], None, &mut outside);
        template.outside = outside;
        template
    }

    /// The part of a line between time and request: `","level":"INFO","logger":"app","msg":"started"`.
    pub(crate) fn prefix(
        &self,
        severity: Severity,
        logger: Shown<'_>,
        message: Shown<'_>,
        out: &mut String,
    ) {
        out.push_str(&self.level);
        out.push_str(severity.as_str());
        out.push_str(&self.logger);
        escape::json_text(logger, out);
        out.push_str(&self.message);
        Encoder::json(out, self.value_limit).shown(message);
    }

    /// Everything up to the event's own fields, ready to be written: time, prefix, request.
    #[inline(always)]
    pub(crate) fn head<'a>(
        &self,
        at: Tick,
        prefix: &'a str,
        request: RequestPart<'a>,
        timestamp: &'a mut TimestampCache,
    ) -> LineHead<'a> {
        LineHead { ts: timestamp.get(at, self.layout_id, &self.ts), prefix, request }
    }

    /// Appends everything up to the event's own fields: `{"ts":…,"seq":7`. `prefix` is the record's
    /// [prefix](Self::prefix) if its site keeps it.
    #[inline]
    pub(crate) fn open(
        &self,
        record: &Record<'_>,
        prefix: Option<&str>,
        request: RequestPart<'_>,
        seq: Option<u64>,
        timestamp: &mut TimestampCache,
        out: &mut String,
    ) {
        let head = self.head(record.at, prefix.unwrap_or_default(), request, timestamp);
        if prefix.is_some() {
            append(out, head.room(), |pieces| head.write(seq, pieces));
        } else {
            let LineHead { ts, request, .. } = head;
            append(out, ts.room(), |pieces| ts.write(pieces));
            self.prefix(record.severity, record.logger, record.message, out);
            append(out, request.room(), |pieces| request.write(seq, pieces));
        }
    }

    /// The request's part of a line outside any request.
    #[inline]
    pub(crate) fn outside_requests(&self) -> RequestPart<'_> {
        RequestPart { text: &self.outside, key: 0, has_fields: false }
    }

    /// The request's part of a line, made of the output of [`identity`](Self::identity) and [`seq_key`](Self::seq_key).
    #[inline]
    pub(crate) fn request_part<'a>(&self, text: &'a str, has_fields: bool) -> RequestPart<'a> {
        RequestPart { text, key: self.seq.len(), has_fields }
    }

    /// `,"seq":`, which ends the request's part.
    pub(crate) fn seq_key(&self) -> &str {
        &self.seq
    }

    /// Appends `,"request_id":…,"span_id":"…"`. The values are user, method and path, and a `None` is `"-"`. Without a
    /// trace, its id and that of its span are omitted.
    pub(crate) fn identity(
        &self,
        id: Option<&RequestId>,
        values: [Option<Shown<'_>>; 3],
        trace: Option<(&Hex<TRACE_ID_DIGITS>, &Hex<16>)>,
        out: &mut String,
    ) {
        let are_values_plain = values.into_iter().flatten().all(|value| self.is_plain(value));
        let [user, method, path] = values.map(|value| value.unwrap_or(Shown::literal("-")));
        let service = self.service.as_ref().map(Redacted::shown);
        let is_id_plain = match id {
            // Neither hex digits nor hyphens need escapes.
            Some(RequestId::Uuid(uuid)) => self.value_limit >= uuid.bytes().len(),
            Some(RequestId::Given(id)) => self.is_plain(id.shown()),
            None => true,
        };
        let are_plain = is_id_plain
            && are_values_plain
            && service.is_none_or(|service| self.is_plain(service))
            && self.value_limit >= TRACE_ID_DIGITS;
        if !are_plain {
            let id = id.map_or(Shown::literal("-"), RequestId::shown);
            return self.escaped_identity([id, user, method, path], trace, out);
        }
        let texts = [user, method, path].map(Shown::as_str);
        let service = service.map(Shown::as_str);
        let values_room = texts.iter().map(|text| text.len()).sum::<usize>()
            + id.map_or(1, |id| id.as_bytes().len());
        let room = self.identity_room + values_room + service.map_or(0, str::len);
        let [id_key, user_key, method_key, path_key, service_key, trace_key, span_key] =
            &self.identity;
        append(out, room, |pieces| {
            pieces.put(id_key);
            match id {
                Some(RequestId::Uuid(uuid)) => pieces.uuid(uuid),
                Some(RequestId::Given(id)) => pieces.put(id.as_str()),
                None => pieces.put("-"),
            }
            let keys = [user_key, method_key, path_key];
            for (key, text) in keys.into_iter().zip(texts) {
                pieces.put(key);
                pieces.put(text);
            }
            if let Some(service) = service {
                pieces.put(service_key);
                pieces.put(service);
            }
            if let Some((trace_id, span_id)) = trace {
                pieces.put(trace_key);
                pieces.hex(trace_id);
                pieces.put(span_key);
                pieces.hex(span_id);
            }
            pieces.put("\"");
        });
    }

    /// Whether the value fits as it is, between quotes.
    #[inline]
    fn is_plain(&self, value: Shown<'_>) -> bool {
        value.as_str().len() <= self.value_limit && escape::is_clean(value.as_str())
    }

    /// Slow path of [`identity`](Self::identity): values with characters to escape, or longer than the limit.
    #[cold]
    fn escaped_identity(
        &self,
        [id, user, method, path]: [Shown<'_>; 4],
        trace: Option<(&Hex<TRACE_ID_DIGITS>, &Hex<16>)>,
        out: &mut String,
    ) {
        let service = self.service.as_ref().map(Redacted::shown);
        let (trace_id, span_id) = trace.unzip();
        let values = [
            Some(id),
            Some(user),
            Some(method),
            Some(path),
            service,
            trace_id.map(Hex::shown),
            span_id.map(Hex::shown),
        ];
        for (at, value) in values.into_iter().enumerate() {
            if let Some(value) = value {
                out.push_str(self.identity_key(at));
                Encoder::json(out, self.value_limit).shown(value);
            }
        }
    }

    /// The key of a value of the request, such as `,"request_id":`, without quotes of values.
    fn identity_key(&self, at: usize) -> &str {
        self.identity[at].trim_start_matches('"').trim_end_matches('"')
    }

    /// Gives a kept line its number, in place of [`NO_SEQ`].
    pub(crate) fn number(&self, seq: u64, line: &mut String) {
        let none = format!("{}{}", self.seq, NO_SEQ);
        // The key can't occur within a value, where its quotes would be escaped.
        if let Some(at) = line.find(&none) {
            let number = at + self.seq.len()..at + none.len();
            line.replace_range(number, itoa::Buffer::new().format(seq));
        }
    }

    /// The part of the line after its time.
    pub(crate) fn after_time<'a>(&self, line: &'a str) -> &'a str {
        let time = line.get(self.ts.len()..).unwrap_or_default();
        time.find('"').map_or(time, |end| &time[end..])
    }

    /// Moves fields with names of the context's keys to the positions of these keys.
    ///
    /// The fields begin at the byte `own`. Returns the start of the remaining fields.
    #[cold]
    pub(crate) fn replace_context(&self, how: ContextKeys, own: usize, line: &mut String) -> usize {
        let (head, fields) = line.split_at(own);
        let (mut head, mut kept) = (head.to_owned(), String::new());
        for member in members::walk(fields, 0) {
            let place = CONTEXT.into_iter().find(|(_, key)| *key == member.key);
            let Some((index, key)) = place else {
                kept.push_str(&fields[member.start..member.end]);
                continue;
            };
            if member.value == "null" {
                continue;
            }
            let mut text = String::new();
            if how == ContextKeys::Filled && key == "path" {
                // A path has no query on any line.
                let path = members::text_of(member.value);
                escape::json_string(shown::url(&path).shown(), &mut text);
            } else {
                // These keys have one type.
                members::value_as_string(member.value, &mut text);
            }
            let known = members::of_object(&head).find(|known| known.key == self.keys.name(index));
            let Some(known) = known else {
                // Only `service` can be missing.
                let path = members::of_object(&head).find(|known| known.key == self.keys.name(7));
                let at = path.map_or(head.len(), |path| path.end);
                head.insert_str(at, &format!("{}{text}", self.identity_key(index - 4)));
                continue;
            };
            if how == ContextKeys::Replaced || matches!(known.value, "\"-\"" | "null") {
                let value = known.end - known.value.len()..known.end;
                head.replace_range(value, &text);
            } else {
                let mut free = format!("{key}_");
                while members::walk(fields, 0).any(|other| other.key == free) {
                    free.push('_');
                }
                let _ = write!(kept, ",\"{free}\":{}", member.value);
            }
        }
        line.clear();
        line.push_str(&head);
        line.push_str(&kept);
        head.len()
    }

    /// Appends an underscore to the names of fields, from the byte `own` on, that collide with a renamed fixed key.
    /// Call sites avoid only the default names.
    #[inline]
    pub(crate) fn avoid_renamed(&self, own: usize, out: &mut String) {
        if self.keys.are_renamed() {
            self.move_renamed(own, out);
        }
    }

    #[cold]
    fn move_renamed(&self, own: usize, out: &mut String) {
        let is_free = |key: &str| !members::walk(out, own).any(|member| member.key == key);
        let mut kept = String::new();
        for member in members::walk(out, own) {
            let mut key = member.key.to_owned();
            while self.keys.is_renamed_to(&key) || !(key == member.key || is_free(&key)) {
                key.push('_');
            }
            let _ = write!(kept, ",\"{key}\":{}", member.value);
        }
        out.truncate(own);
        out.push_str(&kept);
    }
}
