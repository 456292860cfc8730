//! The members of a JSON object that candor wrote itself: `,"key":value,"key":value`.
//!
//! Fields are rendered once, as JSON; who needs to look at them again (for the readable form, for
//! another layer, to cut a line that is too long) walks the text.

use super::escape;

/// One member; ranges are byte offsets into the text that was walked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// The key as it stands between its quotes, still escaped.
    pub(crate) key: &'a str,
    /// The value's JSON.
    pub(crate) value: &'a str,
    /// Where the member starts, its comma included, and where it ends.
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

/// The byte behind the string that starts at `at`.
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

/// The byte behind the value that starts at `at`.
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

/// Takes out the member under this key, if there is one: the last value wins.
pub(crate) fn remove(members: &mut String, key: &str) {
    let found = walk(members, 0).find(|member| member.key == key).map(|m| m.start..m.end);
    if let Some(range) = found {
        members.replace_range(range, "");
    }
}

/// Appends `,"key":`; the value has to follow.
pub(crate) fn open(members: &mut String, key: &str) {
    members.push(',');
    escape::json_string(key, members);
    members.push(':');
}

/// The name in `,"name":`.
#[inline]
pub(crate) fn name_of(opening: &str) -> &str {
    opening.get(2..opening.len().saturating_sub(2)).unwrap_or_default()
}

/// Puts a member last, in place of an earlier one of the same name.
pub(crate) fn set(members: &mut String, name: &str, json: &str) {
    let mut key = String::new();
    escape::json_text(name, &mut key);
    remove(members, &key);
    open(members, name);
    members.push_str(json);
}

/// Puts members last, in place of earlier ones of the same names.
pub(crate) fn set_all(members: &mut String, others: &str) {
    for member in walk(others, 0) {
        remove(members, member.key);
        members.push_str(&others[member.start..member.end]);
    }
}

/// A value's JSON as text: the inside of a string unescaped, anything else as it stands.
pub(crate) fn text_of(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

/// Appends members that stand further out (the context's own, an enclosing span's) to those that begin
/// at `from`; a key that is there already keeps its inner value.
pub(crate) fn add_outer(out: &mut String, from: usize, outer: &str) {
    for member in walk(outer, 0) {
        // Its key in quotes and a colon: most are nowhere in the text, be it a member or not.
        let opening = &outer[member.start..member.end - member.value.len()];
        let opening = opening.strip_prefix(',').unwrap_or(opening);
        let may_be_there = out[from..].contains(opening);
        if !may_be_there || !walk(out, from).any(|known| known.key == member.key) {
            out.push_str(&outer[member.start..member.end]);
        }
    }
}

/// Moves the member under this key, where there is one from the byte `from` on, behind all others.
pub(crate) fn move_last(out: &mut String, from: usize, key: &str) {
    let found = walk(out, from).find(|member| member.key == key).map(|m| m.start..m.end);
    if let Some(range) = found {
        let member = out[range.clone()].to_owned();
        out.replace_range(range, "");
        out.push_str(&member);
    }
}
