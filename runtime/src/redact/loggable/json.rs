use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value, map};

use super::{Element, Encoder, Loggable};
use crate::json::escape::json_string;
use crate::json::shown::Shown;
use crate::redact::counted;
use crate::redact::keys::hides;
use crate::redact::scrub::name::{holds_the_name, holds_the_value};
use crate::redact::scrub::{REDACTED, text};

/// Depth below which values are shown as `"[…]"`: that of the encoder, so that a reader of lines can parse them.
const DEEPEST: usize = super::encoder::DEEPEST as usize;
/// How many levels of JSON inside a JSON string are parsed. Below them strings are scrubbed as text.
const NESTED: usize = 8;

/// Redacted JSON, made by [`json`] and `headers`.
#[derive(Clone, Default)]
pub struct Json {
    text: String,
    /// The ranges of key and value of each field of the outermost object.
    fields: Vec<(Range<usize>, Range<usize>)>,
    /// The number of lists and objects around the innermost value.
    depth: usize,
}

/// Redacts a JSON value.
///
/// A value whose name [the key rule](crate::keys) finds sensitive is hidden whole, numbers included; so is the value of
/// `{"name": "password", "value": …}`. JSON inside a string is redacted in the same way, other strings by
/// [`text`](crate::scrub::text). Values below depth 120 are not shown.
///
/// ```
/// use candor::scrub::json;
///
/// let value = serde_json::json!({"user": {"id": 7, "pin": 1234}, "raw": "{\"token\":\"t\"}"});
/// assert_eq!(json(&value).to_string(), r#"{"raw":"{\"token\":\"[REDACTED]\"}","user":{"id":7,"pin":"[REDACTED]"}}"#);
/// ```
pub fn json(value: &Value) -> Json {
    let mut writer = JsonRedactor::default();
    writer.write(value);
    Json { text: writer.out, fields: writer.fields, depth: writer.depth }
}

impl Json {
    /// Keeps only these fields of the outermost object.
    ///
    /// A value that is not an object becomes an empty object.
    ///
    /// ```
    /// let body = serde_json::json!({"order_id": 7, "note": "ring twice", "password": "p-1"});
    /// let shown = candor::scrub::json(&body).only(["order_id", "password"]);
    /// assert_eq!(shown.to_string(), r#"{"order_id":7,"password":"[REDACTED]"}"#);
    /// ```
    pub fn only<K: AsRef<str>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        let mut object = Json { depth: self.depth, ..Json::default() };
        let wanted: Vec<String> = keys.into_iter().map(|key| encoded(key.as_ref())).collect();
        for (key, value) in self.fields {
            if wanted.iter().any(|wanted| *wanted == self.text[key.clone()]) {
                object.field(&self.text[key], |out| out.push_str(&self.text[value]));
            }
        }
        object.finish()
    }

    /// Appends a field to an object that is being built. `key` is JSON already.
    pub(super) fn field(&mut self, key: &str, value: impl FnOnce(&mut String)) {
        self.text.push(if self.fields.is_empty() { '{' } else { ',' });
        let start = self.text.len();
        self.text.push_str(key);
        let middle = self.text.len();
        self.text.push(':');
        value(&mut self.text);
        self.fields.push((start..middle, middle + 1..self.text.len()));
    }

    /// Closes the object that was built.
    pub(super) fn finish(mut self) -> Self {
        self.text.push_str(if self.fields.is_empty() { "{}" } else { "}" });
        self
    }

    /// Returns the JSON.
    pub(crate) fn as_json(&self) -> &str {
        &self.text
    }
}

/// Loggable, since it is redacted.
impl Loggable for Json {
    fn log(&self, to: &mut Encoder<'_>) {
        if to.has_room_for(self.depth) {
            to.raw_json(self.as_json());
        } else {
            to.too_deep();
        }
    }
}

impl Element for Json {}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json_string(Shown::redacted(text), &mut out);
    out
}

/// A list or object whose end is not reached yet.
enum Container<'a> {
    List {
        items: std::slice::Iter<'a, Value>,
        is_pair: bool,
        names_next: bool,
    },
    Object {
        entries: map::Iter<'a>,
        object: &'a Map<String, Value>,
        is_secret_pair: bool,
        hidden_keys: usize,
    },
}

/// Writes a value redacted. It keeps a stack of its own, because recursion would go as deep as the value.
#[derive(Default)]
struct JsonRedactor {
    out: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
    nested: usize,
    depth: usize,
    /// Whether anything was redacted.
    changed: bool,
}

impl JsonRedactor {
    fn write(&mut self, value: &Value) {
        let mut containers = Vec::new();
        self.enter(value, &mut containers);
        loop {
            self.depth = self.depth.max(containers.len());
            let outermost = containers.len() == 1;
            let Some(container) = containers.last_mut() else {
                break;
            };
            let next = match container {
                Container::List { items, .. } => items.next().map(|item| (None, item)),
                Container::Object { entries, .. } => {
                    entries.next().map(|(key, value)| (Some(key.as_str()), value))
                }
            };
            let Some((key, value)) = next else {
                self.out.push(if matches!(container, Container::List { .. }) { ']' } else { '}' });
                containers.pop();
                if let ([_], Some((_, value))) = (&*containers, self.fields.last_mut()) {
                    value.end = self.out.len();
                }
                continue;
            };
            if !self.out.ends_with(['[', '{']) {
                self.out.push(',');
            }
            let hidden = match key {
                Some(key) => self.key(key, container, outermost),
                None => follows_its_name(value, container),
            };
            if hidden {
                match key {
                    Some(key) if hides(key) => counted::name(key),
                    _ => counted::detector("name-value pair"),
                }
                self.hide();
            } else {
                self.enter(value, &mut containers);
            }
            if let (true, Some((_, value))) = (outermost, self.fields.last_mut()) {
                value.end = self.out.len();
            }
        }
    }

    /// Writes the key, and returns whether its value is hidden.
    fn key(&mut self, key: &str, container: &mut Container<'_>, outermost: bool) -> bool {
        let Container::Object { object, is_secret_pair, hidden_keys, .. } = container else {
            return false;
        };
        let start = self.out.len();
        let mut shown = std::borrow::Cow::Borrowed(key);
        if text(key) != key {
            self.changed = true;
            shown = REDACTED.into();
            while *hidden_keys > 0 && shown == REDACTED || object.contains_key(&*shown) {
                shown = format!("{REDACTED}_{hidden_keys}").into();
                *hidden_keys += 1;
            }
            *hidden_keys += usize::from(shown == REDACTED);
        }
        json_string(Shown::redacted(&shown), &mut self.out);
        let end = self.out.len();
        self.out.push(':');
        if outermost {
            self.fields.push((start..end, end + 1..end + 1));
        }
        hides(key) || *is_secret_pair && holds_the_value(key)
    }

    fn enter<'a>(&mut self, value: &'a Value, containers: &mut Vec<Container<'a>>) {
        match value {
            Value::Array(_) | Value::Object(_) if containers.len() >= DEEPEST => {
                self.changed = true;
                self.out.push_str("\"[…]\"");
            }
            Value::Array(items) => {
                self.out.push('[');
                let (items, is_pair) = (items.iter(), items.len() == 2);
                containers.push(Container::List { items, is_pair, names_next: false });
            }
            Value::Object(object) => {
                self.out.push('{');
                let is_secret_pair = names_a_secret(object);
                containers.push(Container::Object {
                    entries: object.iter(),
                    object,
                    is_secret_pair,
                    hidden_keys: 0,
                });
            }
            Value::String(string) => self.string(string),
            Value::Number(number) => {
                let number = number.to_string();
                if text(&number) == number {
                    self.out.push_str(&number);
                } else {
                    self.hide();
                }
            }
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Null => self.out.push_str("null"),
        }
    }

    fn string(&mut self, string: &str) {
        let shown = match self.inner(string) {
            Some(shown) => shown.into(),
            None => text(string),
        };
        self.changed |= matches!(shown, std::borrow::Cow::Owned(_));
        Encoder::buffered(&mut self.out).text(&shown);
    }

    /// Returns the redacted form of a string that contains JSON with something to hide. The parser refuses JSON deeper
    /// than 128 levels, so dropping the parsed value can't overflow the stack.
    fn inner(&self, string: &str) -> Option<String> {
        if self.nested == NESTED || !string.trim_start().starts_with(['{', '[', '"']) {
            return None;
        }
        let value = serde_json::from_str(string).ok()?;
        let mut writer = Self { nested: self.nested + 1, ..Self::default() };
        writer.write(&value);
        writer.changed.then_some(writer.out)
    }

    fn hide(&mut self) {
        self.changed = true;
        json_string(Shown::literal(REDACTED), &mut self.out);
    }
}

/// Whether it is a pair such as `{"name": "password", "value": …}`.
fn names_a_secret(object: &Map<String, Value>) -> bool {
    object.iter().any(|(key, value)| holds_the_name(key) && value.as_str().is_some_and(hides))
}

/// Whether an item of a list is the second of `["authorization", "…"]`, or follows `"--password"`.
fn follows_its_name(item: &Value, container: &mut Container<'_>) -> bool {
    let Container::List { is_pair, names_next, .. } = container else { return false };
    let follows = std::mem::take(names_next) && item.is_string();
    *names_next = !follows
        && item.as_str().is_some_and(|name| (*is_pair || name.starts_with('-')) && hides(name));
    follows
}
