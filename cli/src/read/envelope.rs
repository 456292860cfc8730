//! Finds records inside the envelopes of log collectors: behind a prefix, in a JSON string, or split over
//! several lines.
//!
//! ```text
//! {"ts":…}                                                    written by candor
//! [pod/web-1/app] {"ts":…}                                    kubectl logs --prefix
//! 2026-11-22T10:14:12.123456789Z {"ts":…}                     kubectl logs --timestamps
//! 2026-11-22T10:14:12.123456789Z stdout F {"ts":…}            CRI; `P` if the line continues
//! web-1  | {"ts":…}                                           docker compose logs
//! {"log":"{\"ts\":…}\n","stream":"stdout","time":"…"}         docker's json-file
//! Nov 22 10:14:12 host unit[7]: {"ts":…}                      journalctl
//! {"MESSAGE":"{\"ts\":…}","PRIORITY":"6"}                     journalctl -o json
//! {"MESSAGE":[123,34,116,115,…],"PRIORITY":"6"}               the same for a message that is not text
//! {"labels":{},"line":"{\"ts\":…}","timestamp":"…"}           logcli -o jsonl
//! "{\"ts\":…}"                                                jq '.line'
//! [{"ts":…},{"ts":…}]                                         jq -s
//! {"_time":"…","_msg":"{\"ts\":…}"}                             VictoriaLogs
//! {"insertId":"…","jsonPayload":{"ts":…}}                     gcloud logging read
//! ```

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::LINE_START;
use super::keys::{Keys, Record};
use super::lines::MAX_LINE;
use super::members::{text, walk};
use super::profiles;
use super::tally::Tally;

/// Keys whose value is a line as a string.
const LINE_KEYS: [&[u8]; 6] = [b"log", b"MESSAGE", b"line", b"message", b"textPayload", b"_msg"];

/// Keys whose value is a record as an object, from a collector that parsed the line.
const RECORD_KEYS: [&[u8]; 2] = [b"jsonPayload", b"log_processed"];

/// Opening braces that are tried as the start of a record: a prefix may contain braces itself.
const MAX_CANDIDATES: usize = 4;

/// Most envelopes around each other; Docker in journald in a file has three.
const MAX_DEPTH: u32 = 4;

/// Finds the records in the lines of one source.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    /// Lines that a container runtime split and that are still incomplete: name of the stream and text.
    partial: Vec<(Vec<u8>, Vec<u8>)>,
    /// A pretty-printed object, as `jq` writes it, that is still incomplete: indentation and text.
    pretty: Option<(usize, Vec<u8>)>,
    /// Whether the current line was joined from parts.
    is_joined: bool,
    /// A joined line that has no record.
    rejected: Option<Vec<u8>>,
}

impl Unwrapper {
    /// Whether the line is a record without an envelope, as far as its first bytes show.
    pub(super) fn is_plain(&self, line: &[u8]) -> bool {
        // A lower-case key rules out journald's envelope, whose message may be a list of bytes.
        self.pretty.is_none()
            && line.starts_with(b"{\"")
            && line.get(2).is_some_and(|first| first.is_ascii_lowercase() || *first == b'@')
            && !line.starts_with(b"{\"log\":")
    }

    /// Calls `found` with the records that this line completes.
    pub(super) fn add_line(
        &mut self,
        line: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Record<'_>),
    ) {
        if let Some((indent, mut object)) = self.pretty.take() {
            object.extend_from_slice(line);
            object.push(b'\n');
            if closes_object(line, indent) {
                self.find_records(&object, keys, tally, found, 0);
            } else if object.len() > MAX_LINE {
                tally.malformed += 1;
            } else {
                self.pretty = Some((indent, object));
            }
            return;
        }
        self.is_joined = false;
        let trimmed = line.trim_ascii_end();
        if trimmed.trim_ascii_start() == b"{" {
            self.pretty = Some((trimmed.len() - 1, b"{\n".to_vec()));
            return;
        }
        // The part of a split line can end with a space that belongs to it.
        self.find_records(line.strip_suffix(b"\r").unwrap_or(line), keys, tally, found, 0);
    }

    /// Returns the latest line if it was joined from parts and has no record.
    pub(super) fn take_rejected(&mut self) -> Option<Vec<u8>> {
        self.rejected.take()
    }

    /// The lines that a container runtime split and that are still incomplete.
    pub(super) fn take_partial(&mut self) -> impl Iterator<Item = Vec<u8>> {
        std::mem::take(&mut self.partial).into_iter().map(|(_, text)| text)
    }

    /// Counts lines and objects that are incomplete at the end of the source.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        tally.malformed += self.partial.len() as u64 + u64::from(self.pretty.is_some());
        *self = Unwrapper::default();
    }

    fn find_records(
        &mut self,
        line: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Record<'_>),
        depth: u32,
    ) {
        let Some(joined) = self.join_cri(line, tally) else { return };
        let line = joined.trim_ascii();
        if line.is_empty() || matches!(line, b"[" | b"]" | b"],") {
            return;
        }
        match first_record(line, keys) {
            Found::Record(record, rest) => {
                tally.records += 1;
                found(&record);
                self.find_following(rest, keys, tally, found, depth);
            }
            Found::Wrapped { inner, stream } if depth < MAX_DEPTH => match stream {
                Some(stream) => {
                    if let Some(inner) = self.join_docker(stream, inner, keys) {
                        self.find_records(&inner, keys, tally, found, depth + 1);
                    }
                }
                None => self.find_records(&inner, keys, tally, found, depth + 1),
            },
            Found::Malformed => {
                tally.malformed += 1;
                self.rejected = self.is_joined.then(|| line.to_vec());
            }
            Found::Nothing | Found::Wrapped { .. } => {
                tally.foreign += 1;
                self.rejected = self.is_joined.then(|| line.to_vec());
            }
        }
    }

    /// Finds records that follow another one on the same line: in a list, or after a lost line feed.
    fn find_following(
        &mut self,
        mut rest: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Record<'_>),
        depth: u32,
    ) {
        loop {
            rest = rest.trim_ascii_start();
            rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            if !rest.starts_with(b"{") {
                return;
            }
            if let Some(inner) = profiles::from_objects(rest).filter(|_| depth < MAX_DEPTH) {
                return self.find_records(&inner, keys, tally, found, depth + 1);
            }
            // A loop, since a list may have any number of records; recursion is for envelopes only.
            match keys.read(rest) {
                Ok((record, end)) if record.is_complete() => {
                    tally.records += 1;
                    found(&record);
                    rest = &rest[end..];
                }
                _ if depth < MAX_DEPTH => {
                    return self.find_records(rest, keys, tally, found, depth + 1);
                }
                _ => return,
            }
        }
    }

    /// Removes the prefix of a CRI line and joins it with its earlier parts: `TIME stdout P …` continues in
    /// a later line of that stream. Returns `None` if the line is still incomplete.
    fn join_cri<'a>(&mut self, line: &'a [u8], tally: &mut Tally) -> Option<Cow<'a, [u8]>> {
        let Some((stream, is_part, text)) = parse_cri(line) else {
            return Some(Cow::Borrowed(line));
        };
        let index = self.partial.iter().position(|(known, _)| known == stream);
        match (index, is_part) {
            (None, false) => Some(Cow::Borrowed(text)),
            (None, true) => {
                self.partial.push((stream.to_vec(), text.to_vec()));
                None
            }
            (Some(index), false) => {
                self.is_joined = true;
                let (_, mut whole) = self.partial.swap_remove(index);
                whole.extend_from_slice(text);
                Some(Cow::Owned(whole))
            }
            (Some(index), true) => {
                let whole = &mut self.partial[index].1;
                whole.extend_from_slice(text);
                if whole.len() > MAX_LINE {
                    self.partial.swap_remove(index);
                    tally.malformed += 1;
                }
                None
            }
        }
    }

    /// Joins the parts of a line that Docker's json-file driver split. It splits after 16 KiB, and only the
    /// last part ends with a line feed. Other writers of this format never write line feeds, so a complete
    /// record is accepted without one. Returns `None` if the line is still incomplete.
    fn join_docker(&mut self, stream: Vec<u8>, inner: Vec<u8>, keys: &Keys) -> Option<Vec<u8>> {
        let index = self.partial.iter().position(|(known, _)| *known == stream);
        let is_part = !inner.ends_with(b"\n")
            && inner.len() < MAX_LINE
            && !matches!(first_record(&inner, keys), Found::Record(..));
        match index {
            Some(index) => {
                self.is_joined = true;
                let mut whole = self.partial.swap_remove(index).1;
                whole.extend_from_slice(&inner);
                let is_whole = !is_part || matches!(first_record(&whole, keys), Found::Record(..));
                if is_whole || whole.len() > MAX_LINE {
                    return Some(whole);
                }
                self.partial.push((stream, whole));
                None
            }
            // A part without an opening brace can't be the beginning of a record.
            None if is_part && memchr(b'{', &inner).is_some() => {
                self.partial.push((stream, inner));
                None
            }
            None => Some(inner),
        }
    }
}

/// Whether the line closes a pretty-printed object of this indentation.
fn closes_object(line: &[u8], indent: usize) -> bool {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b",").unwrap_or(line);
    line.len() == indent + 1 && line.ends_with(b"}")
}

/// Parses the prefix of the Container Runtime Interface: stream, whether the line continues, and text.
fn parse_cri(line: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    if !line.first()?.is_ascii_digit() {
        return None;
    }
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let (_time, stream, tag) = (words.next()?, words.next()?, words.next()?);
    if stream != b"stdout" && stream != b"stderr" {
        return None;
    }
    let is_part = match tag.split(|byte| *byte == b':').next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    Some((stream, is_part, words.next().unwrap_or_default()))
}

/// Content of a line.
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Found<'a> {
    /// A record, and the rest of the line.
    Record(Record<'a>, &'a [u8]),
    /// A line inside an envelope; Docker also names the stream.
    Wrapped {
        inner: Vec<u8>,
        stream: Option<Vec<u8>>,
    },
    /// The beginning of a JSON object that is not valid.
    Malformed,
    Nothing,
}

fn first_record<'a>(line: &'a [u8], keys: &Keys) -> Found<'a> {
    if line.starts_with(b"\"") {
        return match text(line.strip_suffix(b",").unwrap_or(line)) {
            Some(inner) if inner.contains('{') || inner.starts_with("ts=") => {
                Found::Wrapped { inner: inner.into_owned().into_bytes(), stream: None }
            }
            _ => Found::Nothing,
        };
    }
    if !line.starts_with(LINE_START)
        && let Some(inner) = profiles::from_logfmt(line)
    {
        return Found::Wrapped { inner, stream: None };
    }
    let mut from = 0;
    let mut is_malformed = false;
    for _ in 0..MAX_CANDIDATES {
        let Some(at) = memchr(b'{', &line[from..]).map(|found| from + found) else { break };
        from = at + 1;
        let object = &line[at..];
        if !matches!(object.get(1), Some(b'"' | b' ' | b'\n' | b'\r' | b'\t')) {
            continue;
        }
        if let Some(inner) = profiles::from_objects(object) {
            return Found::Wrapped { inner, stream: None };
        }
        match keys.read(object) {
            Ok((record, end)) if record.is_complete() => {
                return Found::Record(record, &object[end..]);
            }
            Ok((_, end)) => match unwrapped(&object[..end]) {
                Some(found) => return found,
                // Skip a complete foreign object: its nested objects are not records.
                None if !is_malformed => from = at + end,
                None => {}
            },
            Err(_) => is_malformed = true,
        }
    }
    if is_malformed { Found::Malformed } else { Found::Nothing }
}

/// The line inside an envelope object.
fn unwrapped(object: &[u8]) -> Option<Found<'_>> {
    let mut inner = None;
    let mut stream = None;
    let mut is_docker = false;
    let _ = walk(object, |key, value| {
        if inner.is_none() && value.first() == Some(&b'"') && LINE_KEYS.contains(&key) {
            inner = text(value);
            is_docker = key == b"log";
        } else if inner.is_none() && value.first() == Some(&b'[') && key == b"MESSAGE" {
            inner = byte_list(value).map(Cow::Owned);
        } else if inner.is_none() && value.first() == Some(&b'{') && RECORD_KEYS.contains(&key) {
            inner = Some(String::from_utf8_lossy(value));
        } else if key == b"stream" {
            stream = Some(value.to_vec());
        }
        true
    });
    let inner = inner?.into_owned().into_bytes();
    // Later parts of a line that Docker split may have no brace, so only other envelopes must have one.
    if is_docker && stream.is_some() {
        return Some(Found::Wrapped { inner, stream });
    }
    if memrchr(b'}', &inner).is_none() {
        profiles::from_logfmt(&inner)?;
    }
    Some(Found::Wrapped { inner, stream: None })
}

/// Decodes `[123,34,…]`, which journald writes for a message that it considers binary.
fn byte_list(list: &[u8]) -> Option<String> {
    let list = list.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let numbers = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let bytes = numbers.map(|number| std::str::from_utf8(number).ok()?.parse().ok());
    let bytes: Option<Vec<u8>> = bytes.collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}
