//! Groups of values: structs, variants, lists and maps, each filled by a closure.

use std::fmt;

use super::debug::DebugValue;
use super::writer::{DEEPEST, Encoder, Out};
use crate::json::escape;
use crate::json::shown::Shown;
use crate::redact::loggable::Loggable;
use crate::redact::loggable::secret::Secret;
use crate::redact::loggable::unique_keys::UniqueKeys;
use crate::redact::{counted, keys, shown};

impl<'a> Encoder<'a> {
    /// Writes a struct or struct variant: `{"a":1}`, in `Debug` `Name { a: 1 }`.
    #[inline]
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_, 'a>)) {
        if !self.open() {
            return;
        }
        let json = matches!(self.out, Out::Json(_));
        self.raw(if json { "{" } else { name });
        let mut object = Object { encoder: self, filled: false, used_keys: None };
        fill(&mut object);
        let filled = object.filled;
        if json {
            self.raw("}");
        } else if filled {
            self.raw(if self.is_pretty() { ",\n}" } else { " }" });
        }
    }

    /// Writes a tuple struct or variant: `[1,2]`, in `Debug` `Name(1, 2)`.
    ///
    /// The values are hidden if the deployment lists the name as sensitive.
    pub fn tuple(&mut self, name: &str, fill: impl FnOnce(&mut List<'_, 'a>)) {
        if keys::added_by_deployment(name) {
            return self.newtype(name, &Secret);
        }
        if matches!(self.out, Out::Json(_)) {
            return self.list(fill);
        }
        if self.open() {
            self.raw(name);
            let mut list = List { encoder: self, open: "(", filled: false };
            fill(&mut list);
            if list.filled {
                self.close(true, ")");
            }
        }
    }

    /// Writes a struct with one unnamed field: its value alone, in `Debug` `Name(1)`.
    ///
    /// The value is hidden if the deployment lists the name as sensitive.
    pub fn newtype<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        self.newtype_slot(name, |slot| slot.value(value));
    }

    /// Calls `fill` with the slot of the value in a [newtype](Self::newtype).
    #[doc(hidden)]
    pub fn newtype_slot(&mut self, name: &str, fill: impl FnOnce(Slot<'_, 'a>)) {
        if !self.open() {
            return;
        }
        let hidden = is_hidden(name, "");
        if hidden {
            counted::name(name);
        }
        if matches!(self.out, Out::Json(_)) {
            return fill(Slot { encoder: self, name: "", hidden });
        }
        self.raw(name);
        let mut list = List { encoder: self, open: "(", filled: false };
        fill(Slot { hidden, ..list.slot() });
        self.close(true, ")");
    }

    /// Writes a variant with content: `{"Variant":…}`.
    ///
    /// In `Debug`, `fill` writes the name too.
    ///
    /// The content is hidden if the deployment lists the name as sensitive.
    ///
    /// ```
    /// use candor::loggable::{Encoder, Loggable, to_json};
    ///
    /// enum Payment {
    ///     Invoice,
    ///     Card { cents: u64 },
    /// }
    ///
    /// impl Loggable for Payment {
    ///     fn log(&self, to: &mut Encoder<'_>) {
    ///         match self {
    ///             Payment::Invoice => to.unit("Invoice"),
    ///             Payment::Card { cents } => to.variant("Card", |to| {
    ///                 to.object("Card", |card| card.field("cents", cents));
    ///             }),
    ///         }
    ///     }
    /// }
    /// assert_eq!(to_json(&Payment::Invoice), r#""Invoice""#);
    /// assert_eq!(to_json(&Payment::Card { cents: 1250 }), r#"{"Card":{"cents":1250}}"#);
    /// ```
    pub fn variant(&mut self, name: &str, fill: impl FnOnce(&mut Encoder<'_>)) {
        if !self.open() {
            return;
        }
        let hidden = keys::added_by_deployment(name);
        let json = if let Out::Json(out) = &mut self.out {
            out.push('{');
            escape::json_string(Shown::redacted(name), out);
            out.push(':');
            true
        } else {
            false
        };
        let mut child = self.child();
        match (hidden, json) {
            (true, true) => {
                counted::name(name);
                child.redacted();
            }
            (true, false) => child.newtype(name, &Secret),
            (false, _) => fill(&mut child),
        }
        if json {
            child.end();
            self.raw("}");
        } else if child.claim() {
            child.raw(name);
        }
    }

    /// Writes a list.
    ///
    /// ```
    /// use candor::loggable::{Encoder, Loggable, to_json};
    ///
    /// struct Shelf {
    ///     counts: [u32; 3],
    /// }
    ///
    /// impl Loggable for Shelf {
    ///     fn log(&self, to: &mut Encoder<'_>) {
    ///         to.list(|list| {
    ///             for count in self.counts {
    ///                 list.item(&count);
    ///             }
    ///         });
    ///     }
    /// }
    /// assert_eq!(to_json(&Shelf { counts: [2, 0, 7] }), "[2,0,7]");
    /// ```
    pub fn list(&mut self, fill: impl FnOnce(&mut List<'_, 'a>)) {
        if !self.open() {
            return;
        }
        self.raw("[");
        let mut list = List { encoder: self, open: "", filled: false };
        fill(&mut list);
        let filled = list.filled;
        self.close(filled, "]");
    }

    /// Writes a map. Its keys are values that are written as text.
    ///
    /// ```
    /// use candor::loggable::{Encoder, Loggable, to_json};
    ///
    /// struct Stock(Vec<(u64, u32)>);
    ///
    /// impl Loggable for Stock {
    ///     fn log(&self, to: &mut Encoder<'_>) {
    ///         to.map(|map| {
    ///             for (item, count) in &self.0 {
    ///                 map.entry(item, count);
    ///             }
    ///         });
    ///     }
    /// }
    /// assert_eq!(to_json(&Stock(vec![(7, 2), (9, 0)])), r#"{"7":2,"9":0}"#);
    /// ```
    pub fn map(&mut self, fill: impl FnOnce(&mut Map<'_, 'a>)) {
        if !self.open() {
            return;
        }
        self.raw("{");
        let mut map = Map { encoder: self, filled: false, used_keys: UniqueKeys::default() };
        fill(&mut map);
        let filled = map.filled;
        self.close(filled, "}");
    }

    /// Ends a group. In `{:#?}` the last entry ends with a comma too.
    fn close(&mut self, filled: bool, close: &str) {
        if filled && self.is_pretty() {
            self.raw(",\n");
        }
        self.raw(close);
    }

    pub(super) fn is_pretty(&self) -> bool {
        matches!(self.out, Out::Debug { pretty: true, .. })
    }

    /// Writes the text before an entry: `open` before the first one, a comma before the others. `blank` follows `open` in
    /// `{:?}`.
    pub(super) fn separate(&mut self, filled: &mut bool, open: &str, blank: &str) {
        let first = !std::mem::replace(filled, true);
        if matches!(self.out, Out::Json(_)) {
            if !first {
                self.raw(",");
            }
            return;
        }
        match (first, self.is_pretty()) {
            (true, pretty) => {
                self.raw(open);
                self.raw(if pretty { "\n" } else { blank });
            }
            (false, true) => self.raw(",\n"),
            (false, false) => self.raw(", "),
        }
    }

    /// Writes a value inside this group; in `Debug` with its name.
    #[inline(always)]
    pub(super) fn inner<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        if let Out::Json(_) = self.out {
            // The group has claimed its own place, so its flag can serve the value.
            self.written = false;
            self.depth += 1;
            value.log(self);
            self.end();
            self.depth -= 1;
        } else {
            self.inside_debug(name, value);
        }
    }

    #[cold]
    fn inside_debug<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        self.inside_debug_under(name, self.name, value);
    }

    /// `field` is the name of the field for which pseudonyms are made.
    fn inside_debug_under<T: Loggable + ?Sized>(&mut self, name: &str, field: &str, value: &T) {
        let depth = self.depth.saturating_add(1);
        if let Out::Debug { left, .. } = self.out {
            self.inner_debug(name, &DebugValue { value, depth, name: field, left });
        }
    }

    /// Writes a hidden value inside this group.
    #[cold]
    fn inner_hidden(&mut self, name: &str) {
        self.inner(name, &Secret);
    }

    /// Writes a value that the deployment hides by its name. A slot without a name was counted before.
    #[cold]
    fn inner_listed(&mut self, name: &str) {
        if !name.is_empty() {
            counted::name(name);
        }
        self.inner_hidden(name);
    }
}

/// Writer of the fields of a struct, passed to the closure of [`Encoder::object`].
pub struct Object<'e, 'a> {
    pub(super) encoder: &'e mut Encoder<'a>,
    pub(super) filled: bool,
    /// The keys so far, if some of them are known only at run time; a macro checks the others.
    pub(super) used_keys: Option<UniqueKeys>,
}

impl<'a> Object<'_, 'a> {
    /// Writes a field.
    ///
    /// If the name occurred before, it gets a number: `name_2`. A name that contains a secret is `[REDACTED]`.
    ///
    /// The value is hidden if the deployment lists the name as sensitive.
    pub fn field<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        let hidden = keys::added_by_deployment(name);
        let shown = shown::name(name);
        let name = shown.as_str();
        self.encoder.separate(&mut self.filled, " {", " ");
        let used_keys = self.used_keys.get_or_insert_default();
        let numbered = (!used_keys.add(name)).then(|| used_keys.numbered(name));
        let key = numbered.as_deref().unwrap_or(name);
        if let Out::Json(out) = &mut self.encoder.out {
            escape::json_string(Shown::redacted(key), out);
            out.push(':');
        }
        Slot { encoder: self.encoder, name: key, hidden }.value_under(name, value);
    }

    /// Returns the slot of a field whose name is known at compile time. `key` is the name as JSON with a comma and a colon,
    /// `,"name":`; `other_name` is its name in the code, if that differs.
    #[doc(hidden)]
    #[inline(always)]
    pub fn slot<'s>(&'s mut self, key: &'s str, other_name: &str) -> Slot<'s, 'a> {
        match &mut self.encoder.out {
            Out::Json(out) if self.filled => out.push_str(key),
            Out::Json(out) => out.push_str(&key[1..]),
            Out::Debug { .. } => self.encoder.separate(&mut self.filled, " {", " "),
        }
        self.filled = true;
        let name = &key[2..key.len() - 2];
        Slot { encoder: self.encoder, name, hidden: is_hidden(name, other_name) }
    }

    /// Writes a field that is always hidden. `key` is as for [`slot`](Self::slot); `hidden` is the key with the hidden
    /// value, so that both are one copy of known length.
    #[doc(hidden)]
    #[inline(always)]
    pub fn secret(&mut self, key: &str, hidden: &str) {
        match &mut self.encoder.out {
            Out::Json(out) if self.filled => out.push_str(hidden),
            Out::Json(out) => out.push_str(&hidden[1..]),
            Out::Debug { .. } => {
                self.encoder.separate(&mut self.filled, " {", " ");
                self.encoder.inner_hidden(&key[2..key.len() - 2]);
            }
        }
        self.filled = true;
    }
}

/// Whether the deployment lists one of a field's names as sensitive.
#[inline]
pub(super) fn is_hidden(name: &str, other_name: &str) -> bool {
    keys::added_by_deployment(name)
        || !other_name.is_empty() && keys::added_by_deployment(other_name)
}

/// The place of one value inside a group.
#[doc(hidden)]
pub struct Slot<'e, 'a> {
    pub(super) encoder: &'e mut Encoder<'a>,
    /// Written before the value in `Debug`; in JSON the key is written already.
    pub(super) name: &'e str,
    pub(super) hidden: bool,
}

impl Slot<'_, '_> {
    /// Writes the value.
    #[inline(always)]
    pub fn value<T: Loggable + ?Sized>(self, value: &T) {
        let Slot { encoder, name, hidden } = self;
        if hidden {
            encoder.inner_listed(name);
        } else {
            encoder.inner(name, value);
        }
    }

    /// Writes a value whose pseudonyms are made for the field `field`.
    pub(in crate::redact::loggable) fn value_under<T: Loggable + ?Sized>(
        self,
        field: &str,
        value: &T,
    ) {
        let Slot { encoder, name, hidden } = self;
        if hidden {
            return encoder.inner_listed(name);
        }
        if matches!(encoder.out, Out::Json(_)) {
            encoder.child().under(field).value(value);
        } else {
            encoder.inside_debug_under(name, field, value);
        }
    }
}

/// Writer of the items of a list, passed to the closure of [`Encoder::list`].
pub struct List<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    /// Written before the first item in `Debug`.
    open: &'static str,
    filled: bool,
}

impl<'a> List<'_, 'a> {
    /// Writes an item.
    pub fn item<T: Loggable + ?Sized>(&mut self, value: &T) {
        self.slot().value(value);
    }

    /// Returns the slot of the next item.
    #[doc(hidden)]
    pub fn slot(&mut self) -> Slot<'_, 'a> {
        self.encoder.separate(&mut self.filled, self.open, "");
        Slot { encoder: self.encoder, name: "", hidden: false }
    }
}

/// Writer of the entries of a map, passed to the closure of [`Encoder::map`].
pub struct Map<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    filled: bool,
    /// Different keys may have the same redacted text.
    used_keys: UniqueKeys,
}

impl Map<'_, '_> {
    /// Writes an entry. If the shown key occurred before, it gets a number: `key_2`.
    ///
    /// The value is hidden if the key is sensitive.
    pub fn entry<K: Loggable + ?Sized, V: Loggable + ?Sized>(&mut self, key: &K, value: &V) {
        self.entry_if(false, key, value);
    }

    /// Writes an entry, hidden if `hidden` or if the shown key is sensitive. `hidden` is the result of the key rule on
    /// the whole key.
    pub(in crate::redact::loggable) fn entry_if<K: Loggable + ?Sized, V: Loggable + ?Sized>(
        &mut self,
        hidden: bool,
        key: &K,
        value: &V,
    ) {
        let Map { encoder, filled, used_keys } = self;
        encoder.separate(filled, "", "");
        let mut debug_name = String::new();
        let (depth, name) = (encoder.depth, encoder.name);
        let (out, json) = match &mut encoder.out {
            Out::Json(out) => (&mut **out, true),
            Out::Debug { .. } => (&mut debug_name, false),
        };
        let from = out.len();
        write_key(key, depth, name, out);
        let hidden = hidden || keys::hides(&out[from + 1..out.len() - 1]);
        let key = &out[from + 1..out.len() - 1];
        if hidden {
            counted::name(key);
        }
        if !used_keys.add(key) {
            let numbered = used_keys.numbered(key);
            out.truncate(from + 1);
            out.push_str(&numbered);
            out.push('"');
        }
        if json {
            out.push(':');
        }
        if hidden {
            encoder.inner_hidden(&debug_name);
        } else {
            encoder.inner(&debug_name, value);
        }
    }
}

macro_rules! opaque {
    ($($type:ident<$($lifetime:lifetime),+>)*) => {$(
        impl fmt::Debug for $type<$($lifetime),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque! { Encoder<'_> Object<'_, '_> Slot<'_, '_> List<'_, '_> Map<'_, '_> }

/// How many groups may be nested in a key. The key is JSON inside a string, so each level can double its escapes.
const DEEPEST_IN_KEY: u8 = 4;

/// Appends a key as a JSON string.
fn write_key<K: Loggable + ?Sized>(key: &K, depth: u8, name: &str, out: &mut String) {
    let from = out.len();
    let depth = depth.max(DEEPEST - DEEPEST_IN_KEY - 1).saturating_add(1);
    Encoder::json(out, usize::MAX).at(depth, name).value(key);
    if !out[from..].contains('"') {
        out.insert(from, '"');
        out.push('"');
    } else if !out[from..].starts_with('"') {
        let json = out.split_off(from);
        escape::json_string(Shown::redacted(&json), out);
    }
}
