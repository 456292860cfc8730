//! Attributes in the text form of `ClickHouse`.
//!
//! `{'a':'b'}` is a `Map`, `[('a','b')]` an `Array(Tuple)` and `([('a','b')])` one within a tuple. All consist of
//! quoted strings, and every second string is a value. A list or an object is in plain JSON, or in OTLP's JSON form,
//! which some collectors store.

use serde_json::{Map, Value};

/// A list or an object of OTLP's JSON form as plain JSON: `{"values":[{"key":"a","value":{"intValue":"1"}}]}` is
/// `{"a":1}`. Other values are returned as they are.
pub(super) fn plain(value: Value) -> Value {
    match value.get("values").and_then(Value::as_array) {
        Some(values) if value.as_object().is_some_and(|object| object.len() == 1) => {
            collection(values).unwrap_or(value)
        }
        _ => value,
    }
}

/// The members of a list or an object of that form; `None` if it is not one.
fn collection(values: &[Value]) -> Option<Value> {
    let is_object = values.iter().all(|value| value.get("key").is_some());
    if is_object && !values.is_empty() {
        let members = values.iter().map(|member| {
            let value = member.get("value").map_or(Some(Value::Null), any_value)?;
            Some((member.get("key")?.as_str()?.to_owned(), value))
        });
        return members.collect::<Option<Map<_, _>>>().map(Value::Object);
    }
    values.iter().map(any_value).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// `{"intValue":"1"}` as `1`.
fn any_value(value: &Value) -> Option<Value> {
    let object = value.as_object()?;
    let Some((kind, value)) = object.iter().next() else { return Some(Value::Null) };
    match (kind.as_str(), value) {
        ("intValue", Value::String(text)) => serde_json::from_str(text).ok(),
        ("stringValue" | "boolValue" | "intValue" | "doubleValue" | "bytesValue", value) => {
            Some(value.clone())
        }
        ("arrayValue" | "kvlistValue", value) => {
            collection(value.get("values").and_then(Value::as_array).map_or(&[], Vec::as_slice))
        }
        _ => None,
    }
}

/// The pairs of names and values.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let mut strings = Strings { rest: text };
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        pairs.push((name, value));
    }
    pairs
}

/// The quoted strings of a text.
struct Strings<'a> {
    rest: &'a str,
}

impl Iterator for Strings<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let start = self.rest.find('\'')?;
        let mut string = String::new();
        let mut chars = self.rest[start + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.rest = &self.rest[start + 2 + at..];
                    return Some(string);
                }
                '\\' => string.extend(chars.next().map(|(_, c)| unescaped(c))),
                c => string.push(c),
            }
        }
        self.rest = "";
        None
    }
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otlp_json_becomes_plain_json() {
        let cause = r#"{"values":[{"key":"step","value":{"stringValue":"charge"}},{"key":"step_id","value":{"intValue":"3"}},
                       {"key":"list","value":{"arrayValue":{"values":[{"doubleValue":2.5},{"boolValue":true}]}}}]}"#;
        let plain = |text| plain(serde_json::from_str(text).unwrap()).to_string();
        assert_eq!(plain(cause), r#"{"list":[2.5,true],"step":"charge","step_id":3}"#);
        // Objects that only look alike stay.
        for own in [r#"{"values":[1,2]}"#, r#"{"a":1}"#, "[1]"] {
            assert_eq!(plain(own), own);
        }
    }

    #[test]
    fn all_types_of_attributes_have_the_same_pairs() {
        let wanted = [("a", "it's\n\\"), ("b", "")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        for text in [
            r"{'a':'it\'s\n\\','b':''}",
            r"[('a','it\'s\n\\'),('b','')]",
            r"([('a','it\'s\n\\'),('b','')])",
        ] {
            assert_eq!(pairs(text), wanted, "{text}");
        }
        assert_eq!(pairs("{}"), []);
        assert_eq!(pairs(r"{'a':'cut"), []);
        assert_eq!(pairs(r"{'a':'cut\"), []);
    }
}
