//! Lines of the `logfmt` profile.
//!
//! Types follow from the form of a value: a bare number, boolean or null has that type, a quoted value that begins with
//! a bracket is JSON, and any other value is a string.

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::{memchr, memchr_iter, memmem};

use super::{FIXED, Profile, write};
use crate::read::members::text;

/// The most dots in a key that are read as nested objects; candor's own lines never have as many.
const MAX_DEPTH: usize = 64;

/// Converts a logfmt line, which may have the prefix of a collector.
pub(in crate::read) fn from_logfmt(line: &[u8]) -> Option<Vec<u8>> {
    let is_start = |at: usize| at == 0 || matches!(line[at - 1], b' ' | b'\t' | b'|');
    let begin = memmem::find_iter(line, b"ts=").find(|at| is_start(*at))?;
    let line = &line[begin..];
    let pairs = pairs(line)?;
    let head: [&[u8]; 4] = [b"ts", b"level", b"logger", b"msg"];
    if pairs.len() < head.len() || !pairs.iter().zip(head).all(|((key, _), known)| *key == known) {
        return None;
    }
    let mut root = Tree::default();
    let mut whole: HashSet<&[u8]> = pairs.iter().map(|(key, _)| *key).collect();
    whole.extend(FIXED);
    let mut roots: HashSet<&[u8]> = HashSet::new();
    for (key, value) in pairs {
        let is_text = FIXED.contains(&key) && key != b"seq";
        let json = value_of(value, is_text)?;
        let is_deep = memchr_iter(b'.', key).count() > MAX_DEPTH;
        // A name that has a value of its own is not that of an object, and the values of an object follow each other.
        if is_deep
            || memchr_iter(b'.', key).any(|dot| whole.contains(&key[..dot]))
            || root.is_closed(key, &mut roots)
        {
            root.0.push((key.to_vec(), Node::Json(json)));
        } else {
            root.add(key, json);
        }
    }
    let members = root.0.into_iter().map(|(key, node)| {
        let mut json = Vec::new();
        node.write(&mut json);
        (Cow::Owned(key), Cow::Owned(json))
    });
    let mut out = Vec::with_capacity(2 * line.len());
    write(Profile::Own, &members.collect::<Vec<_>>(), &mut out);
    Some(out)
}

/// The pairs of a logfmt line, with their values as written.
fn pairs(line: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let equals = rest.iter().position(|byte| matches!(byte, b'=' | b' ' | b'"'))?;
        let (key, value) = (&rest[..equals], rest[equals..].strip_prefix(b"=")?);
        let end = if value.first() == Some(&b'"') {
            quoted_end(value)?
        } else {
            value.iter().position(|byte| *byte == b' ').unwrap_or(value.len())
        };
        pairs.push((key, &value[..end]));
        rest = value[end..].trim_ascii_start();
    }
    Some(pairs)
}

/// The position after the closing quote.
fn quoted_end(value: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match value.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The JSON of a value.
fn value_of(value: &[u8], is_text: bool) -> Option<Vec<u8>> {
    if value.starts_with(b"\"[") || value.starts_with(b"\"{") {
        let json = text(value)?.into_owned();
        return Some(json.into_bytes());
    }
    let is_literal = matches!(value, b"true" | b"false" | b"null")
        || value.first().is_some_and(|first| *first == b'-' || first.is_ascii_digit())
            && serde_json::from_slice::<serde_json::Number>(value).is_ok();
    if value.starts_with(b"\"") || is_literal && !is_text {
        return Some(value.to_vec());
    }
    Some([b"\"", value, b"\""].concat())
}

/// Values under dotted keys.
#[derive(Debug, Default)]
struct Tree(Vec<(Vec<u8>, Node)>);

#[derive(Debug)]
enum Node {
    Json(Vec<u8>),
    Object(Tree),
}

impl Tree {
    /// Whether the object of a dotted key has already ended. Notes the object in `roots` otherwise.
    fn is_closed<'a>(&self, key: &'a [u8], roots: &mut HashSet<&'a [u8]>) -> bool {
        let Some(dot) = memchr(b'.', key) else { return false };
        let is_open = self.0.last().is_some_and(|(last, _)| *last == key[..dot]);
        !is_open && !roots.insert(&key[..dot])
    }

    fn add(&mut self, key: &[u8], json: Vec<u8>) {
        let dot = key.iter().position(|byte| *byte == b'.');
        let parts = dot.map(|dot| (&key[..dot], &key[dot + 1..]));
        let Some((first, rest)) =
            parts.filter(|(first, rest)| !first.is_empty() && !rest.is_empty())
        else {
            return self.0.push((key.to_vec(), Node::Json(json)));
        };
        match self.0.last_mut().filter(|(known, _)| known == first) {
            Some((_, Node::Object(inner))) => inner.add(rest, json),
            Some(_) => self.0.push((key.to_vec(), Node::Json(json))),
            None => {
                let mut inner = Tree::default();
                inner.add(rest, json);
                self.0.push((first.to_vec(), Node::Object(inner)));
            }
        }
    }
}

impl Node {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Node::Json(json) => out.extend_from_slice(json),
            Node::Object(Tree(members)) => {
                out.push(b'{');
                for (at, (key, node)) in members.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
                    out.extend_from_slice(key);
                    out.extend_from_slice(b"\":");
                    node.write(out);
                }
                out.push(b'}');
            }
        }
    }
}
