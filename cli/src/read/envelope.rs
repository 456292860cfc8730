//! Records in what collectors make of them: a prefix before them, a JSON string around them, one
//! record on several lines.
//!
//! ```text
//! {"ts":…}                                                    as candor wrote it
//! [pod/web-1/app] {"ts":…}                                    kubectl logs --prefix
//! 2026-11-22T10:14:12.123456789Z {"ts":…}                     kubectl logs --timestamps
//! 2026-11-22T10:14:12.123456789Z stdout F {"ts":…}            CRI; `P` where the line goes on
//! web-1  | {"ts":…}                                           docker compose logs
//! {"log":"{\"ts\":…}\n","stream":"stdout","time":"…"}         docker's json-file
//! Nov 22 10:14:12 host unit[7]: {"ts":…}                      journalctl
//! {"MESSAGE":"{\"ts\":…}","PRIORITY":"6"}                     journalctl -o json
//! {"MESSAGE":[123,34,116,115,…],"PRIORITY":"6"}               the same, of bytes that are no text
//! {"labels":{},"line":"{\"ts\":…}","timestamp":"…"}           logcli -o jsonl
//! "{\"ts\":…}"                                                jq '.line'
//! [{"ts":…},{"ts":…}]                                         jq -s
//! {"insertId":"…","jsonPayload":{"ts":…}}                     gcloud logging read
//! ```

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::keys::{Keys, Values};
use super::lines::LONGEST;
use super::members::{text, walk};
use super::tally::Tally;

/// Members that hold a line as text.
const WRAPPERS: [&[u8]; 5] = [b"log", b"MESSAGE", b"line", b"message", b"textPayload"];

/// Members that hold a record as an object, where a collector has parsed the line.
const PARSED: [&[u8]; 2] = [b"jsonPayload", b"log_processed"];

/// A prefix may hold a brace of its own.
const CANDIDATES: usize = 4;

/// Docker in journald in a file is three.
const DEPTH: u32 = 4;

/// Takes the lines of one source and finds the records in them.
#[derive(Debug, Default)]
pub(super) struct Envelopes {
    /// Beginnings of lines that a runtime split, by stream.
    split: Vec<(Vec<u8>, Vec<u8>)>,
    /// An object that `jq` spread over lines, and how far it is indented.
    spread: Option<(usize, Vec<u8>)>,
}

impl Envelopes {
    /// Whether this line is all there is to its record and the record begins at its first byte.
    pub(super) fn is_plain(&self, line: &[u8]) -> bool {
        // Journald's keys are upper case, and its values need not be text.
        self.spread.is_none()
            && line.starts_with(b"{\"")
            && line.get(2).is_some_and(|first| first.is_ascii_lowercase() || *first == b'@')
            && !line.starts_with(b"{\"log\":")
    }

    /// Calls `found` with the records that end in this line.
    pub(super) fn open(
        &mut self,
        line: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Values<'_>),
    ) {
        if let Some((indent, mut object)) = self.spread.take() {
            object.extend_from_slice(line);
            object.push(b'\n');
            if is_end(line, indent) {
                self.look(&object, keys, tally, found, 0);
            } else if object.len() > LONGEST {
                tally.broken += 1;
            } else {
                self.spread = Some((indent, object));
            }
            return;
        }
        let trimmed = line.trim_ascii_end();
        if trimmed.trim_ascii_start() == b"{" {
            self.spread = Some((trimmed.len() - 1, b"{\n".to_vec()));
            return;
        }
        self.look(trimmed, keys, tally, found, 0);
    }

    /// What is still open when the source ends never ended.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        tally.broken += self.split.len() as u64 + u64::from(self.spread.is_some());
        *self = Envelopes::default();
    }

    fn look(
        &mut self,
        line: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Values<'_>),
        depth: u32,
    ) {
        let line = line.trim_ascii();
        if line.is_empty() || matches!(line, b"[" | b"]" | b"],") {
            return;
        }
        let Some(line) = self.joined(line, tally) else { return };
        match first_record(&line, keys) {
            Found::Record(values, rest) => {
                tally.records += 1;
                found(&values);
                self.look_on(rest, keys, tally, found, depth);
            }
            Found::Wrapped { inner, stream } if depth < DEPTH => match stream {
                Some(stream) => {
                    if let Some(inner) = self.docker(stream, inner, keys) {
                        self.look(&inner, keys, tally, found, depth + 1);
                    }
                }
                None => self.look(&inner, keys, tally, found, depth + 1),
            },
            Found::Broken => tally.broken += 1,
            Found::Nothing | Found::Wrapped { .. } => tally.foreign += 1,
        }
    }

    /// What follows a record on its line: two writers, a line feed that was lost, or a list.
    fn look_on(
        &mut self,
        mut rest: &[u8],
        keys: &Keys,
        tally: &mut Tally,
        found: &mut dyn FnMut(&Values<'_>),
        depth: u32,
    ) {
        loop {
            let listed = rest.trim_ascii_start();
            rest = listed.strip_prefix(b",").unwrap_or(listed).trim_ascii_start();
            if !rest.starts_with(b"{") {
                return;
            }
            // Most that follow are records at the first look, and a list may hold any number.
            match keys.read(rest) {
                Ok((values, end)) if values.is_record() => {
                    tally.records += 1;
                    found(&values);
                    rest = &rest[end..];
                }
                _ if depth < DEPTH => return self.look(rest, keys, tally, found, depth + 1),
                _ => return,
            }
        }
    }

    /// A CRI line without its prefix, with what went before it: `TIME stdout P …` goes on in a later
    /// line of that stream.
    fn joined<'a>(&mut self, line: &'a [u8], tally: &mut Tally) -> Option<Cow<'a, [u8]>> {
        let Some((stream, is_part, text)) = cri(line) else { return Some(Cow::Borrowed(line)) };
        let place = self.split.iter().position(|(known, _)| known == stream);
        match (place, is_part) {
            (None, false) => Some(Cow::Borrowed(text)),
            (None, true) => {
                self.split.push((stream.to_vec(), text.to_vec()));
                None
            }
            (Some(place), false) => {
                let (_, mut whole) = self.split.swap_remove(place);
                whole.extend_from_slice(text);
                Some(Cow::Owned(whole))
            }
            (Some(place), true) => {
                let whole = &mut self.split[place].1;
                whole.extend_from_slice(text);
                if whole.len() > LONGEST {
                    self.split.swap_remove(place);
                    tally.broken += 1;
                }
                None
            }
        }
    }

    /// Docker's json-file splits a line after 16 KiB: the parts but the last have no line feed. Others
    /// write no line feeds at all, so what is whole is taken as it is.
    fn docker(&mut self, stream: Vec<u8>, inner: Vec<u8>, keys: &Keys) -> Option<Vec<u8>> {
        let place = self.split.iter().position(|(known, _)| *known == stream);
        let is_part = !inner.ends_with(b"\n")
            && inner.len() < LONGEST
            && !matches!(first_record(&inner, keys), Found::Record(..));
        match place {
            Some(place) => {
                let mut whole = self.split.swap_remove(place).1;
                whole.extend_from_slice(&inner);
                let is_whole = !is_part || matches!(first_record(&whole, keys), Found::Record(..));
                if is_whole || whole.len() > LONGEST {
                    return Some(whole);
                }
                self.split.push((stream, whole));
                None
            }
            // Only what opens an object can be the beginning of a record.
            None if is_part && memchr(b'{', &inner).is_some() => {
                self.split.push((stream, inner));
                None
            }
            None => Some(inner),
        }
    }
}

/// Whether this line closes an object that opened with this indentation.
fn is_end(line: &[u8], indent: usize) -> bool {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b",").unwrap_or(line);
    line.len() == indent + 1 && line.ends_with(b"}")
}

/// Stream, whether it is a part, and text of a line in the form of the Container Runtime Interface.
fn cri(line: &[u8]) -> Option<(&[u8], bool, &[u8])> {
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

#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Found<'a> {
    /// A record, and what follows it on the line.
    Record(Values<'a>, &'a [u8]),
    /// The text of a line inside a member; the stream where docker names one.
    Wrapped {
        inner: Vec<u8>,
        stream: Option<Vec<u8>>,
    },
    /// It begins as an object and is none.
    Broken,
    Nothing,
}

fn first_record<'a>(line: &'a [u8], keys: &Keys) -> Found<'a> {
    if line.starts_with(b"\"") {
        return match text(line.strip_suffix(b",").unwrap_or(line)) {
            Some(inner) if inner.contains('{') => {
                Found::Wrapped { inner: inner.into_owned().into_bytes(), stream: None }
            }
            _ => Found::Nothing,
        };
    }
    let mut from = 0;
    let mut is_broken = false;
    for _ in 0..CANDIDATES {
        let Some(at) = memchr(b'{', &line[from..]).map(|found| from + found) else { break };
        from = at + 1;
        let object = &line[at..];
        if !matches!(object.get(1), Some(b'"' | b' ' | b'\n' | b'\r' | b'\t')) {
            continue;
        }
        match keys.read(object) {
            Ok((values, end)) if values.is_record() => {
                return Found::Record(values, &object[end..]);
            }
            Ok((_, end)) => match wrapped(&object[..end]) {
                Some(found) => return found,
                // What stands inside a whole object of someone else's is not a line.
                None if !is_broken => from = at + end,
                None => {}
            },
            Err(_) => is_broken = true,
        }
    }
    if is_broken { Found::Broken } else { Found::Nothing }
}

fn wrapped(object: &[u8]) -> Option<Found<'_>> {
    let mut inner = None;
    let mut stream = None;
    let mut is_docker = false;
    let _ = walk(object, |key, value| {
        if inner.is_none() && value.first() == Some(&b'"') && WRAPPERS.contains(&key) {
            inner = text(value);
            is_docker = key == b"log";
        } else if inner.is_none() && value.first() == Some(&b'[') && key == b"MESSAGE" {
            inner = bytes(value).map(Cow::Owned);
        } else if inner.is_none() && value.first() == Some(&b'{') && PARSED.contains(&key) {
            inner = Some(String::from_utf8_lossy(value));
        } else if key == b"stream" {
            stream = Some(value.to_vec());
        }
        true
    });
    let inner = inner?.into_owned().into_bytes();
    // The later parts of a line that docker split have no brace of their own perhaps.
    if is_docker && stream.is_some() {
        return Some(Found::Wrapped { inner, stream });
    }
    memrchr(b'}', &inner)?;
    Some(Found::Wrapped { inner, stream: None })
}

/// The text of journald's `[123,34,…]`, which it writes for what it takes to be binary.
fn bytes(list: &[u8]) -> Option<String> {
    let list = list.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let numbers = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let bytes = numbers.map(|number| std::str::from_utf8(number).ok()?.parse().ok());
    let bytes: Option<Vec<u8>> = bytes.collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}
