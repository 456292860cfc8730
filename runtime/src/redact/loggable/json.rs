use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value, map};

use super::{Element, Encoder, Loggable};
use crate::json::escape::json_string;
use crate::redact::keys::hides;
use crate::redact::scrub::name::{holds_the_name, holds_the_value};
use crate::redact::scrub::{REDACTED, text};

/// Deeper values are shown as `"[…]"`.
const DEEPEST: usize = 128;
/// How often JSON inside a string inside JSON is followed; what is below is scrubbed as text.
const NESTED: usize = 8;

/// JSON that is redacted and encoded already, made by [`json`] and `headers`.
#[derive(Clone)]
pub struct Json {
    text: String,
    /// Where the fields of the outermost object are: key, value.
    fields: Vec<(Range<usize>, Range<usize>)>,
}

/// The value without its secrets.
///
/// What is under a name that [the key rule](crate::keys) finds sensitive is hidden whole, numbers too, as
/// is the value of `{"name": "password", "value": …}`. JSON inside a string is redacted the same way,
/// other strings by [`text`](crate::scrub::text). Nothing is shown below depth 128.
///
/// ```
/// use candor::scrub::json;
///
/// let value = serde_json::json!({"user": {"id": 7, "pin": 1234}, "raw": "{\"token\":\"t\"}"});
/// assert_eq!(json(&value).to_string(), r#"{"raw":"{\"token\":\"[REDACTED]\"}","user":{"id":7,"pin":"[REDACTED]"}}"#);
/// ```
pub fn json(value: &Value) -> Json {
    let mut writer = Writer::default();
    writer.write(value);
    Json { text: writer.out, fields: writer.fields }
}

impl Json {
    /// Only these fields of the outermost object; without one, an empty object.
    pub fn only<K: AsRef<str>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        let mut object = Object::default();
        let wanted: Vec<String> = keys.into_iter().map(|key| encoded(key.as_ref())).collect();
        for (key, value) in self.fields {
            if wanted.iter().any(|wanted| *wanted == self.text[key.clone()]) {
                object.field(&self.text[key], |out| out.push_str(&self.text[value]));
            }
        }
        object.finish()
    }

    /// The encoded text, for a line to embed.
    pub(crate) fn as_json(&self) -> &str {
        &self.text
    }
}

/// What was redacted may be logged.
impl Loggable for Json {
    fn log(&self, to: &mut Encoder<'_>) {
        to.raw_json(self.as_json());
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

/// An object in the making, one field after the other.
#[derive(Default)]
pub(super) struct Object {
    text: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Object {
    /// `key` is encoded already.
    pub(super) fn field(&mut self, key: &str, value: impl FnOnce(&mut String)) {
        self.text.push(if self.fields.is_empty() { '{' } else { ',' });
        let start = self.text.len();
        self.text.push_str(key);
        let middle = self.text.len();
        self.text.push(':');
        value(&mut self.text);
        self.fields.push((start..middle, middle + 1..self.text.len()));
    }

    pub(super) fn finish(mut self) -> Json {
        self.text.push_str(if self.fields.is_empty() { "{}" } else { "}" });
        Json { text: self.text, fields: self.fields }
    }
}

pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    json_string(text, &mut out);
    out
}

/// One list or object that is being walked.
enum Level<'a> {
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

/// Walks with a stack of its own: the caller's is as deep as the value would be.
#[derive(Default)]
struct Writer {
    out: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
    nested: usize,
    /// Whether anything differs from the value.
    changed: bool,
}

impl Writer {
    fn write(&mut self, value: &Value) {
        let mut levels = Vec::new();
        self.enter(value, &mut levels);
        loop {
            let outermost = levels.len() == 1;
            let Some(level) = levels.last_mut() else {
                break;
            };
            let next = match level {
                Level::List { items, .. } => items.next().map(|item| (None, item)),
                Level::Object { entries, .. } => {
                    entries.next().map(|(key, value)| (Some(key.as_str()), value))
                }
            };
            let Some((key, value)) = next else {
                self.out.push(if matches!(level, Level::List { .. }) { ']' } else { '}' });
                levels.pop();
                if let ([_], Some((_, value))) = (&*levels, self.fields.last_mut()) {
                    value.end = self.out.len();
                }
                continue;
            };
            if !self.out.ends_with(['[', '{']) {
                self.out.push(',');
            }
            let hidden = match key {
                Some(key) => self.key(key, level, outermost),
                None => follows_its_name(value, level),
            };
            if hidden {
                self.hide();
            } else {
                self.enter(value, &mut levels);
            }
            if let (true, Some((_, value))) = (outermost, self.fields.last_mut()) {
                value.end = self.out.len();
            }
        }
    }

    /// Writes the key; whether its value is hidden.
    fn key(&mut self, key: &str, level: &mut Level<'_>, outermost: bool) -> bool {
        let Level::Object { object, is_secret_pair, hidden_keys, .. } = level else {
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
        json_string(&shown, &mut self.out);
        let end = self.out.len();
        self.out.push(':');
        if outermost {
            self.fields.push((start..end, end + 1..end + 1));
        }
        hides(key) || *is_secret_pair && holds_the_value(key)
    }

    fn enter<'a>(&mut self, value: &'a Value, levels: &mut Vec<Level<'a>>) {
        match value {
            Value::Array(_) | Value::Object(_) if levels.len() >= DEEPEST => {
                self.changed = true;
                self.out.push_str("\"[…]\"");
            }
            Value::Array(items) => {
                self.out.push('[');
                let (items, is_pair) = (items.iter(), items.len() == 2);
                levels.push(Level::List { items, is_pair, names_next: false });
            }
            Value::Object(object) => {
                self.out.push('{');
                let is_secret_pair = names_a_secret(object);
                levels.push(Level::Object {
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
        Encoder::gathered(&mut self.out).text(&shown);
    }

    /// The redacted form of a string that holds JSON with something to hide. (The parser follows 128
    /// levels and refuses what is deeper, which makes the parsed value safe to drop.)
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
        json_string(REDACTED, &mut self.out);
    }
}

/// `{"name": "password", "value": …}`.
fn names_a_secret(object: &Map<String, Value>) -> bool {
    object.iter().any(|(key, value)| holds_the_name(key) && value.as_str().is_some_and(hides))
}

/// Whether an item of a list is the second of `["authorization", "…"]`, or stands behind `"--password"`.
fn follows_its_name(item: &Value, level: &mut Level<'_>) -> bool {
    let Level::List { is_pair, names_next, .. } = level else { return false };
    let follows = std::mem::take(names_next) && item.is_string();
    *names_next = !follows
        && item.as_str().is_some_and(|name| (*is_pair || name.starts_with('-')) && hides(name));
    follows
}
