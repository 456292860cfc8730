//! A record as one JSON object.

use std::array::from_fn;
use std::fmt::Write as _;

use super::keys::Keys;
use super::record::{Record, Severity};
use crate::base::clock::Tick;
use crate::current::scratch::Known;
use crate::instrument::context::{Identity, Request};
use crate::json::append::{NUMBER_ROOM, Pieces, append};
use crate::json::timestamp::Timestamp;
use crate::json::{escape, members};
use crate::logger;
use crate::redact::loggable::Encoder;

/// The request's part of a line, as it was rendered last.
#[derive(Debug, Default)]
pub(crate) struct Identified {
    /// Whose form it is, and of which state of which request.
    stamp: (u64, u64),
    text: String,
    has_fields: bool,
}

/// Everything up to an event's own fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning<'a> {
    ts: Timestamp<'a>,
    named: &'a str,
    pub(crate) of_request: OfRequest<'a>,
}

impl Beginning<'_> {
    /// No more bytes than this.
    #[inline]
    pub(crate) fn room(self) -> usize {
        self.ts.room() + self.named.len() + self.of_request.room()
    }

    /// With the line's number in its request, if it has one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    pub(crate) fn write(self, seq: Option<u64>, pieces: &mut Pieces<'_>) {
        self.ts.write(pieces);
        pieces.put(self.named);
        self.of_request.write(seq, pieces);
    }
}

/// The request's part of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRequest<'a> {
    text: &'a str,
    /// How many of its last bytes are the key of the line's number.
    key: usize,
    /// Whether the request's context has fields of its own.
    pub(crate) has_fields: bool,
}

impl OfRequest<'_> {
    /// No more bytes than this.
    #[inline]
    fn room(self) -> usize {
        self.text.len() + NUMBER_ROOM
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "pieces stay in registers")]
    fn write(self, seq: Option<u64>, pieces: &mut Pieces<'_>) {
        match seq {
            Some(seq) => {
                pieces.put(self.text);
                pieces.number(seq);
            }
            None => pieces.put(self.text.get(..self.text.len() - self.key).unwrap_or_default()),
        }
    }
}

/// No event of candor's own has a longer name.
const LONGEST_EVENT: usize = 64;

/// The number of a line that has none yet.
pub(crate) const NO_SEQ: u64 = u64::MAX;

/// The fixed parts of a line as one layer writes them: what does not change is rendered once.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) keys: Keys,
    /// The same for all layers that name records alike: 0 for those with the usual keys and limit.
    pub(crate) form: u64,
    /// `{"ts":"`, `","level":"`, … ready to be copied.
    ts: String,
    level: String,
    logger: String,
    message: String,
    seq: String,
    /// `,"request_id":` and what follows it, up to the trace's ids.
    identity: [String; 7],
    /// The identity of a line outside any request.
    nobody: String,
    service: Option<String>,
    /// Bytes of one value.
    value_limit: usize,
}

impl Template {
    pub(crate) fn new(keys: Keys, service: Option<String>, value_limit: usize) -> Self {
        let usual = !keys.are_renamed() && value_limit >= LONGEST_EVENT;
        let mut template = Template {
            form: if usual { 0 } else { logger::next_id() },
            ts: format!("{{{}\"", keys.quoted(0)),
            level: format!("\",{}\"", keys.quoted(1)),
            logger: format!("\",{}\"", keys.quoted(2)),
            message: format!("\",{}", keys.quoted(3)),
            seq: format!(",{}", keys.quoted(11)),
            identity: from_fn(|at| format!(",{}", keys.quoted(4 + at))),
            nobody: String::new(),
            service,
            value_limit,
            keys,
        };
        template.nobody = template.identity(None, &Identity::default());
        template
    }

    /// Everything up to the event's own fields: `{"ts":…,"seq":7`. `named` is what
    /// [`name`](Self::name) makes of the record, where its site keeps that. Tells whether the request's
    /// context has fields of its own.
    #[inline]
    pub(crate) fn open(
        &self,
        record: &Record<'_>,
        named: Option<&str>,
        request: Option<(&Request, Option<u64>)>,
        layer: u64,
        known: &mut Known,
        out: &mut String,
    ) -> bool {
        let (request, seq) = request.map_or((None, None), |(request, seq)| (Some(request), seq));
        let Some(named) = named else {
            return self.open_anew(record, request, seq, layer, known, out);
        };
        let beginning = self.begin(record.at, named, request, layer, known);
        append(out, beginning.room(), |pieces| beginning.write(seq, pieces));
        beginning.of_request.has_fields
    }

    /// The same where `named` is known, for who writes it with what follows.
    #[inline]
    pub(crate) fn begin<'a>(
        &'a self,
        at: Tick,
        named: &'a str,
        request: Option<&Request>,
        layer: u64,
        known: &'a mut Known,
    ) -> Beginning<'a> {
        let ts = known.timestamp.get(at, self.form, &self.ts);
        let of_request = self.of_request(request, layer, &mut known.identified);
        Beginning { ts, named, of_request }
    }

    fn open_anew(
        &self,
        record: &Record<'_>,
        request: Option<&Request>,
        seq: Option<u64>,
        layer: u64,
        known: &mut Known,
        out: &mut String,
    ) -> bool {
        let Beginning { ts, of_request, .. } = self.begin(record.at, "", request, layer, known);
        append(out, ts.room(), |pieces| ts.write(pieces));
        self.name(record.severity, record.logger, record.message, out);
        append(out, of_request.room(), |pieces| of_request.write(seq, pieces));
        of_request.has_fields
    }

    #[inline]
    fn of_request<'a>(
        &'a self,
        request: Option<&Request>,
        layer: u64,
        latest: &'a mut Identified,
    ) -> OfRequest<'a> {
        let Some(request) = request else {
            return OfRequest { text: &self.nobody, key: 0, has_fields: false };
        };
        let stamp = (layer, request.stamp());
        if latest.stamp != stamp {
            self.identify(request, layer, latest);
            latest.stamp = stamp;
        }
        OfRequest { text: &latest.text, key: self.seq.len(), has_fields: latest.has_fields }
    }

    #[cold]
    fn identify(&self, request: &Request, layer: u64, latest: &mut Identified) {
        let identity = request.identity();
        latest.text.clear();
        match identity.rendered(layer, || self.identity(Some(request), &identity)) {
            Ok(known) => latest.text.push_str(known),
            Err(made) => latest.text.push_str(&made),
        }
        latest.text.push_str(&self.seq);
        latest.has_fields = !identity.fields.is_empty();
    }

    /// Gives a line that was kept its number, in place of the one that stands for none.
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "the HTTP edge uses it"))]
    pub(crate) fn number(&self, seq: u64, line: &mut String) {
        let none = format!("{}{}", self.seq, NO_SEQ);
        // No value holds it: its quotes would be escaped there.
        if let Some(at) = line.find(&none) {
            let number = at + self.seq.len()..at + none.len();
            line.replace_range(number, itoa::Buffer::new().format(seq));
        }
    }

    /// The part between the time and the request: `","level":"INFO","logger":"app","msg":"started"`.
    pub(crate) fn name(&self, severity: Severity, logger: &str, message: &str, out: &mut String) {
        out.push_str(&self.level);
        out.push_str(severity.as_str());
        out.push_str(&self.logger);
        escape::json_text(logger, out);
        out.push_str(&self.message);
        Encoder::json(out, self.value_limit).text(message);
    }

    /// The request's part of a line, rendered once a request: `,"request_id":…,"span_id":"…"`.
    fn identity(&self, request: Option<&Request>, identity: &Identity) -> String {
        let trace = request.and_then(|request| request.trace.get());
        let values = [
            Some(request.map_or("-", |request| &request.id)),
            Some(identity.user.as_deref().unwrap_or("-")),
            Some(request.and_then(|request| request.method.as_deref()).unwrap_or("-")),
            Some(request.and_then(|request| request.path.as_deref()).unwrap_or("-")),
            self.service.as_deref(),
            trace.map(|trace| trace.trace_id.as_str()),
            trace.map(|trace| trace.span_id.as_str()),
        ];
        let members = || self.identity.iter().zip(values).filter_map(|(key, it)| Some((key, it?)));
        // Enough where nothing is escaped.
        let room = members().map(|(key, value)| key.len() + value.len() + 2).sum();
        let mut out = String::with_capacity(room);
        for (key, value) in members() {
            out.push_str(key);
            Encoder::json(&mut out, self.value_limit).text(value);
        }
        out
    }

    /// Gives an underscore to fields, from the byte `own` on, whose name a fixed key was given: call
    /// sites know only the names the fixed keys have by default.
    #[inline]
    pub(crate) fn settle(&self, own: usize, out: &mut String) {
        if self.keys.are_renamed() {
            self.move_renamed(own, out);
        }
    }

    #[cold]
    fn move_renamed(&self, own: usize, out: &mut String) {
        let is_free = |key: &str| !members::walk(out, own).any(|member| member.key == key);
        let mut settled = String::new();
        for member in members::walk(out, own) {
            let mut key = member.key.to_owned();
            while self.keys.is_renamed_to(&key) || !(key == member.key || is_free(&key)) {
                key.push('_');
            }
            let _ = write!(settled, ",\"{key}\":{}", member.value);
        }
        out.truncate(own);
        out.push_str(&settled);
    }
}
