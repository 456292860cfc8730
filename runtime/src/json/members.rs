//! The members of a JSON object that candor wrote itself: `,"key":value,"key":value`.
//!
//! A field is rendered once, as JSON. Code that needs to read fields again, for the pretty format, for another layer
//! or to cut a line that is too long, walks the text.

use super::escape;
use super::shown::Shown;

/// One member. `start` and `end` are byte offsets into the text that was walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// The text between the quotes of the key, still escaped.
    pub(crate) key: &'a str,
    /// The value's JSON.
    pub(crate) value: &'a str,
    /// The member's first byte, which is its comma if it has one.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The top-level members of `text`, from the byte `from` on.
pub(crate) fn walk(text: &str, from: usize) -> Walk<'_> {
    Walk { text, at: from }
}

/// The members of an object's JSON, braces included.
pub(crate) fn of_object(json: &str) -> Walk<'_> {
    walk(json.strip_suffix('}').unwrap_or(json), 1)
}

pub(crate) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl Walk<'_> {
    /// Continues at the byte `at`, which is the end of a member.
    pub(crate) fn skip_to(&mut self, at: usize) {
        self.at = at;
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        if bytes.get(at) == Some(&b',') {
            at += 1;
        }
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(bytes, at)?;
        let value_start = key_end + 1;
        let end = value_end(bytes, value_start)?;
        self.at = end;
        Some(Member {
            key: &self.text[at + 1..key_end - 1],
            value: &self.text[value_start..end],
            start,
            end,
        })
    }
}

/// The values of a list's JSON, brackets included.
pub(crate) fn of_array(json: &str) -> impl Iterator<Item = &str> {
    let list = json.strip_suffix(']').unwrap_or(json);
    let mut at = 1;
    std::iter::from_fn(move || {
        let start = at + usize::from(list.as_bytes().get(at) == Some(&b','));
        let end = value_end(list.as_bytes(), start).filter(|end| *end > start)?;
        at = end;
        Some(&list[start..end])
    })
}

/// The index after the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The index after the value that starts at `at`.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                at = string_end(bytes, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            Some(b',') if depth == 0 => return Some(at),
            None => return (depth == 0).then_some(at),
            Some(_) => {}
        }
        at += 1;
    }
}

/// Removes the member under this key, if there is one.
pub(crate) fn remove(members: &mut String, key: &str) {
    let found = walk(members, 0).find(|member| member.key == key).map(|m| m.start..m.end);
    if let Some(range) = found {
        members.replace_range(range, "");
    }
}

/// Appends a member whose key the line itself uses, with an underscore after the key.
#[cfg(feature = "subscriber")]
pub(crate) fn renamed(out: &mut String, key: &str, value: &str) {
    out.push_str(",\"");
    out.push_str(key);
    out.push_str("_\":");
    out.push_str(value);
}

/// Appends `,"key":`. The caller appends the value.
#[inline]
pub(crate) fn open<'a>(members: &mut String, key: impl Into<Shown<'a>>) {
    open_shown(members, key.into());
}

fn open_shown(members: &mut String, key: Shown<'_>) {
    members.push(',');
    escape::json_string(key, members);
    members.push(':');
}

/// Appends a member whose value is text.
#[inline]
pub(crate) fn text<'a>(
    members: &mut String,
    key: impl Into<Shown<'a>>,
    value: impl Into<Shown<'a>>,
) {
    text_shown(members, key.into(), value.into());
}

fn text_shown(members: &mut String, key: Shown<'_>, value: Shown<'_>) {
    open_shown(members, key);
    escape::json_string(value, members);
}

/// Appends a value as a JSON string; one that is a string already is copied.
pub(crate) fn value_as_string(json: &str, out: &mut String) {
    if json.starts_with('"') {
        out.push_str(json);
    } else {
        escape::json_string(Shown::redacted(json), out);
    }
}

/// The name in `,"name":`.
#[inline]
pub(crate) fn name_of(opening: &str) -> &str {
    opening.get(2..opening.len().saturating_sub(2)).unwrap_or_default()
}

/// Appends a member and removes an earlier one of the same name.
pub(crate) fn set(members: &mut String, name: Shown<'_>, json: &str) {
    let mut key = String::new();
    escape::json_text(name, &mut key);
    remove(members, &key);
    open_shown(members, name);
    members.push_str(json);
}

/// Appends members and removes earlier ones of the same names.
pub(crate) fn set_all(members: &mut String, others: &str) {
    for member in walk(others, 0) {
        remove(members, member.key);
        members.push_str(&others[member.start..member.end]);
    }
}

/// A value's JSON as text: the content of a string, unescaped; anything else unchanged.
pub(crate) fn text_of(json: &str) -> String {
    escape::unescaped(json).unwrap_or_else(|| json.to_owned())
}

/// Appends the members of an outer scope (a context, an enclosing span) to those that begin at `from`. A key that is
/// already there keeps its inner value.
pub(crate) fn add_outer(out: &mut String, from: usize, outer: &str) {
    for member in walk(outer, 0) {
        // Fast reject: most keys, with quotes and colon, do not occur anywhere in the text, as a member or otherwise.
        let opening = &outer[member.start..member.end - member.value.len()];
        let opening = opening.strip_prefix(',').unwrap_or(opening);
        let may_be_there = out[from..].contains(opening);
        if !may_be_there || !walk(out, from).any(|known| known.key == member.key) {
            out.push_str(&outer[member.start..member.end]);
        }
    }
}

/// Moves the member under this key, if there is one from the byte `from` on, after all others.
pub(crate) fn move_last(out: &mut String, from: usize, key: &str) {
    let found = walk(out, from).find(|member| member.key == key).map(|m| m.start..m.end);
    if let Some(range) = found {
        let member = out[range.clone()].to_owned();
        out.replace_range(range, "");
        out.push_str(&member);
    }
}
