//! logfmt: `key=value` pairs, separated by spaces.
//!
//! The quoting follows <https://github.com/go-logfmt/logfmt>. Its quoted values use the escapes of JSON strings, so a
//! value is copied with its escapes. Loki's `| logfmt` reads it.
//!
//! ```text
//! ts=2026-11-22T10:14:12.123456Z level=info logger=orders msg="card declined" order.sku=tea order.quantity=2
//! ```
//!
//! An object is written as one pair for each of its values, with a dotted key. Lists, and objects with keys that are
//! invalid in logfmt, are JSON in quotes. logfmt has no types, but the `candor` command reads them back:
//!
//! | pair | value |
//! |---|---|
//! | `a=41`, `a=true`, `a=null` | number, boolean, null |
//! | `a="41"`, `a=tea`, `a=[REDACTED]` | string |
//! | `a="[1,2]"`, `a="{}"` | list or object; a quoted string begins with `\u005b` or `\u007b` instead |

use super::{Event, Head, free_name, is_absent, severity};
use crate::format::keys;
use crate::format::record::Severity;
use crate::json::members::{self, Member};

/// Appends the line, a JSON object that begins with the fixed keys.
pub(super) fn write(line: &str, out: &mut String) {
    let mut members = members::of_object(line);
    let Some(head) = Head::take(&mut members) else { return };
    out.reserve(line.len() + line.len() / 2);
    out.push_str("ts=");
    put_string(head.ts, false, out);
    out.push_str(" level=");
    out.push_str(match severity(head.level) {
        Severity::Trace => "trace",
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
        Severity::Critical => "critical",
    });
    out.push_str(" logger=");
    put_string(head.logger, false, out);
    out.push_str(" msg=");
    put_string(head.message, false, out);
    let mut event = Event::Other;
    // The fixed keys come first. Their values are strings, whatever they look like.
    let mut is_fixed = true;
    for member in members {
        is_fixed = is_fixed && keys::FIXED.contains(&member.key);
        if member.key == "event" {
            event = Event::of(member.value);
        }
        if !is_absent(&member, event) {
            put_member(&member, !is_fixed, line, out);
        }
    }
}

fn put_member(member: &Member<'_>, is_typed: bool, line: &str, out: &mut String) {
    let Member { key, value, .. } = *member;
    let is_key = is_bare(key);
    if value.starts_with('{') && is_key && put_flat(key, value, line, out) {
        return;
    }
    out.push(' ');
    if is_key {
        out.push_str(key);
    } else {
        put_key(key, line, out);
    }
    out.push('=');
    put_value(value, is_typed, out);
}

fn put_value(value: &str, is_typed: bool, out: &mut String) {
    match value.as_bytes().first() {
        Some(b'"') => put_string(value, is_typed, out),
        Some(b'{' | b'[') => put_json(value, out),
        _ => out.push_str(value),
    }
}

/// Appends a JSON string. It is quoted if necessary, or if it would be read as a value of another type.
fn put_string(quoted: &str, is_typed: bool, out: &mut String) {
    let text = &quoted[1..quoted.len() - 1];
    if is_bare(text) && !(is_typed && is_literal(text)) {
        return out.push_str(text);
    }
    let bracket = match text.as_bytes().first() {
        Some(b'[') => "\\u005b",
        Some(b'{') => "\\u007b",
        _ => return out.push_str(quoted),
    };
    out.push('"');
    out.push_str(bracket);
    out.push_str(&quoted[2..]);
}

/// Whether a bare value would be a number, a boolean or null.
fn is_literal(text: &str) -> bool {
    if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return matches!(text, "true" | "false" | "null");
    }
    let is_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_number)
}

/// Appends JSON in quotes.
fn put_json(json: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, found) in json.match_indices(['"', '\\']) {
        out.push_str(&json[from..at]);
        out.push('\\');
        out.push_str(found);
        from = at + found.len();
    }
    out.push_str(&json[from..]);
    out.push('"');
}

/// Appends an object as pairs with dotted keys: `{"id":1}` under `order` is ` order.id=1`.
///
/// Returns `false` and appends nothing if the pairs would be ambiguous, or much longer than the object.
fn put_flat(key: &str, object: &str, line: &str, out: &mut String) -> bool {
    // A match inside a nested object does no harm: the object is then written as JSON.
    let is_ambiguous = line
        .match_indices(key)
        .any(|(at, _)| line[..at].ends_with(",\"") && line[at + key.len()..].starts_with('.'));
    // An altered key before it can begin in the same way.
    if is_ambiguous || out.contains(&format!(" {key}.")) {
        return false;
    }
    let begin = out.len();
    let limit = begin + 64 + 3 * object.len();
    let is_flat = put_pairs(&Path { outer: None, part: key }, object, limit, out);
    if !is_flat {
        out.truncate(begin);
    }
    is_flat
}

/// A dotted key, from its last part to its first.
struct Path<'a> {
    outer: Option<&'a Path<'a>>,
    part: &'a str,
}

impl Path<'_> {
    fn put(&self, out: &mut String) {
        if let Some(outer) = self.outer {
            outer.put(out);
            out.push('.');
        }
        out.push_str(self.part);
    }
}

fn put_pairs(outer: &Path<'_>, object: &str, limit: usize, out: &mut String) -> bool {
    let mut is_empty = true;
    for Member { key, value, .. } in members::of_object(object) {
        is_empty = false;
        if !is_bare(key) || key.contains('.') || out.len() > limit {
            return false;
        }
        let path = Path { outer: Some(outer), part: key };
        if value.starts_with('{') {
            if !put_pairs(&path, value, limit, out) {
                return false;
            }
        } else {
            out.push(' ');
            path.put(out);
            out.push('=');
            put_value(value, true, out);
        }
    }
    !is_empty
}

/// Whether a key or value is valid in logfmt without quotes. It is escaped as in the line.
#[inline]
fn is_bare(text: &str) -> bool {
    // go-logfmt treats U+FFFD as invalid text. Its first byte is also that of other characters.
    let mut has_lead = false;
    let mut is_bare = !text.is_empty();
    for byte in text.bytes() {
        is_bare &= byte > b' ' && !matches!(byte, b'=' | b'"' | b'\\');
        has_lead |= byte == 0xef;
    }
    is_bare && !(has_lead && text.contains('\u{fffd}'))
}

/// Appends a key, with underscores for characters that are invalid in logfmt.
#[cold]
fn put_key(key: &str, line: &str, out: &mut String) {
    let is_valid = |c: char| c > ' ' && !matches!(c, '=' | '"' | '\\' | '\u{fffd}');
    let mut name: String = key.chars().map(|c| if is_valid(c) { c } else { '_' }).collect();
    if name.is_empty() {
        name.push('_');
    }
    let is_taken = |name: &str| out.contains(&format!(" {name}="));
    free_name(&mut name, line, out, is_taken);
    out.push_str(&name);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fields: &str) -> String {
        let mut out = String::new();
        let head = "{\"ts\":\"t\",\"level\":\"INFO\",\"logger\":\"l\",\"msg\":\"a b\"";
        write(&format!("{head}{fields}}}"), &mut out);
        out.strip_prefix("ts=t level=info logger=l msg=\"a b\"").expect("the head").to_owned()
    }

    #[test]
    fn values_keep_their_types() {
        let fields = ",\"a\":41,\"b\":\"41\",\"c\":\"[REDACTED]\",\"d\":\"[a b]\",\"e\":[1,\"x\"],\"f\":\"\"";
        assert_eq!(
            written(fields),
            r#" a=41 b="41" c=[REDACTED] d="\u005ba b]" e="[1,\"x\"]" f="""#
        );
    }

    #[test]
    fn objects_have_dotted_keys_unless_they_are_ambiguous() {
        assert_eq!(written(",\"o\":{\"a\":1,\"b\":{\"c\":\"x\"}}"), " o.a=1 o.b.c=x");
        assert_eq!(written(",\"o\":{\"a\":1},\"o.a\":2"), " o=\"{\\\"a\\\":1}\" o.a=2");
        assert_eq!(written(",\"o\":{\"a.b\":1}"), " o=\"{\\\"a.b\\\":1}\"");
        assert_eq!(written(",\"o\":{}"), " o=\"{}\"");
    }

    #[test]
    fn keys_that_logfmt_cannot_have_are_written_with_underscores() {
        assert_eq!(written(",\"a b\":1,\"a_b\":2,\"a=b\":3"), " a_b_=1 a_b=2 a_b__=3");
        assert_eq!(written(",\"\":1,\"\\\"\":2"), " _=1 __=2");
    }
}
