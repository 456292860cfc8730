//! What holds other values: structs, variants, lists and maps, each filled by a closure.

use std::fmt;

use super::debug::Inside;
use super::writer::{Encoder, Out};
use crate::json::escape;
use crate::redact::keys;
use crate::redact::loggable::Loggable;
use crate::redact::loggable::secret::Secret;
use crate::redact::loggable::seen::Seen;

impl<'a> Encoder<'a> {
    /// Writes a struct or struct variant: `{"a":1}`, in Debug `Name { a: 1 }`.
    #[inline]
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_, 'a>)) {
        if !self.open() {
            return;
        }
        let json = matches!(self.out, Out::Json(_));
        self.raw(if json { "{" } else { name });
        let mut object = Object { encoder: self, filled: false, seen: None };
        fill(&mut object);
        let filled = object.filled;
        if json {
            self.raw("}");
        } else if filled {
            self.raw(if self.is_pretty() { ",\n}" } else { " }" });
        }
    }

    /// Writes a tuple struct or variant: `[1,2]`, in Debug `Name(1, 2)`.
    ///
    /// Where the deployment declared the name sensitive, the values are hidden.
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
                self.close(")");
            }
        }
    }

    /// Writes a struct around one value: the value alone, in Debug `Name(1)`.
    ///
    /// Where the deployment declared the name sensitive, the value is hidden.
    pub fn newtype<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        self.only(name, |slot| slot.value(value));
    }

    /// The place of the value in a [newtype](Self::newtype).
    #[doc(hidden)]
    pub fn only(&mut self, name: &str, fill: impl FnOnce(Slot<'_, 'a>)) {
        if !self.open() {
            return;
        }
        let hidden = keys::added_by_deployment(name);
        if matches!(self.out, Out::Json(_)) {
            return fill(Slot { encoder: self, name: "", hidden });
        }
        self.raw(name);
        let mut list = List { encoder: self, open: "(", filled: false };
        fill(Slot { hidden, ..list.slot() });
        self.close(")");
    }

    /// Writes a variant with content: `{"Variant":…}`, in Debug what `fill` writes, which names the
    /// variant itself.
    ///
    /// Where the deployment declared the name sensitive, the content is hidden.
    pub fn variant(&mut self, name: &str, fill: impl FnOnce(&mut Encoder<'_>)) {
        if !self.open() {
            return;
        }
        let hidden = keys::added_by_deployment(name);
        match &mut self.out {
            Out::Json(out) => {
                out.push('{');
                escape::json_string(name, out);
                out.push(':');
                let mut inner = Encoder {
                    out: Out::Json(out),
                    limit: self.limit,
                    written: false,
                    depth: self.depth.saturating_add(1),
                    name: self.name,
                };
                if hidden {
                    inner.redacted();
                } else {
                    fill(&mut inner);
                    inner.end();
                }
                out.push('}');
            }
            Out::Debug { to, pretty, result } => {
                let mut inner = Encoder {
                    out: Out::Debug { to: *to, pretty: *pretty, result },
                    limit: self.limit,
                    written: false,
                    depth: self.depth.saturating_add(1),
                    name: self.name,
                };
                if hidden {
                    inner.newtype(name, &Secret);
                } else {
                    fill(&mut inner);
                    if inner.claim() {
                        inner.raw(name);
                    }
                }
            }
        }
    }

    /// Writes a list.
    pub fn list(&mut self, fill: impl FnOnce(&mut List<'_, 'a>)) {
        if !self.open() {
            return;
        }
        self.raw("[");
        let mut list = List { encoder: self, open: "", filled: false };
        fill(&mut list);
        if list.filled {
            self.close("]");
        } else {
            self.raw("]");
        }
    }

    /// Writes a map; keys are values too, written as text.
    pub fn map(&mut self, fill: impl FnOnce(&mut Map<'_, 'a>)) {
        if !self.open() {
            return;
        }
        self.raw("{");
        let mut map = Map { encoder: self, filled: false, seen: Seen::default() };
        fill(&mut map);
        if map.filled {
            self.close("}");
        } else {
            self.raw("}");
        }
    }

    /// Ends a group that has entries; in `{:#?}` each of them, the last one too, ends with a comma.
    fn close(&mut self, close: &str) {
        if self.is_pretty() {
            self.raw(",\n");
        }
        self.raw(close);
    }

    pub(super) fn is_pretty(&self) -> bool {
        matches!(self.out, Out::Debug { pretty: true, .. })
    }

    /// What stands before an entry of a group: its opening before the first one, a comma before the
    /// others; `blank` is what Debug has between an opening and its first entry on the same line.
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

    /// One value inside a group, in Debug with its name; in `{:#?}` it is indented by four blanks.
    #[expect(clippy::inline_always, reason = "a field's policy is known where it is written")]
    #[inline(always)]
    pub(super) fn inner<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        if let Out::Json(_) = self.out {
            // The group has claimed its place already, so the mark is free for what it holds.
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
        let inside = Inside { value, depth: self.depth.saturating_add(1), name: self.name };
        self.inner_debug(name, &inside);
    }

    /// Nothing of a value inside a group.
    #[cold]
    fn inner_hidden(&mut self, name: &str) {
        self.inner(name, &Secret);
    }
}

/// The fields of a struct, filled by [`Encoder::object`].
pub struct Object<'e, 'a> {
    pub(super) encoder: &'e mut Encoder<'a>,
    pub(super) filled: bool,
    /// Names that nobody checked at compile time, where there are any.
    pub(super) seen: Option<Seen>,
}

impl fmt::Debug for Object<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").finish_non_exhaustive()
    }
}

impl<'a> Object<'_, 'a> {
    /// Writes a field; one of a name that is there already gets a number behind it. Where the deployment
    /// declared its name sensitive, the value is hidden.
    pub fn field<T: Loggable + ?Sized>(&mut self, name: &str, value: &T) {
        let hidden = keys::added_by_deployment(name);
        self.encoder.separate(&mut self.filled, " {", " ");
        let seen = self.seen.get_or_insert_default();
        let numbered = (!seen.add(name)).then(|| seen.numbered(name));
        let key = numbered.as_deref().unwrap_or(name);
        if let Out::Json(out) = &mut self.encoder.out {
            escape::json_string(key, out);
            out.push(':');
        }
        Slot { encoder: self.encoder, name: key, hidden }.value_under(name, value);
    }

    /// The place of a field whose name a macro knows: `key` is that name as JSON between a comma and
    /// a colon, ready to be written, and `other_name` the one it has in the code, if that differs.
    #[doc(hidden)]
    #[expect(clippy::inline_always, reason = "copying a key of known length takes no call")]
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

    /// A field that is never shown: `key` as for [`slot`](Self::slot), and the same with what hides the value
    /// behind it, which is one copy of known length.
    #[doc(hidden)]
    #[expect(clippy::inline_always, reason = "copying text of known length takes no call")]
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

/// Whether the deployment declared one of a field's names sensitive.
#[inline]
pub(super) fn is_hidden(name: &str, other_name: &str) -> bool {
    keys::added_by_deployment(name)
        || !other_name.is_empty() && keys::added_by_deployment(other_name)
}

/// The place of one value inside a struct or list.
#[doc(hidden)]
pub struct Slot<'e, 'a> {
    pub(super) encoder: &'e mut Encoder<'a>,
    /// What stands before the value in Debug; in JSON it is written already.
    pub(super) name: &'e str,
    pub(super) hidden: bool,
}

impl fmt::Debug for Slot<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

impl Slot<'_, '_> {
    /// Writes the value.
    #[expect(clippy::inline_always, reason = "a field's policy is known where it is written")]
    #[inline(always)]
    pub fn value<T: Loggable + ?Sized>(self, value: &T) {
        let Slot { encoder, name, hidden } = self;
        if hidden {
            encoder.inner_hidden(name);
        } else {
            encoder.inner(name, value);
        }
    }

    /// Writes a value that may hold others to be hashed, which then stand under this name.
    pub(in crate::redact::loggable) fn value_under<T: Loggable + ?Sized>(
        self,
        field: &str,
        value: &T,
    ) {
        let Slot { encoder, name, hidden } = self;
        if hidden {
            return encoder.inner_hidden(name);
        }
        let (depth, limit) = (encoder.depth, encoder.limit);
        match &mut encoder.out {
            Out::Json(out) => {
                let mut named =
                    Encoder { out: Out::Json(out), limit, written: false, depth, name: field };
                named.inner("", value);
            }
            Out::Debug { .. } => {
                let depth = depth.saturating_add(1);
                encoder.inner_debug(name, &Inside { value, depth, name: field });
            }
        }
    }
}

/// The items of a list, filled by [`Encoder::list`].
pub struct List<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    /// What Debug writes before the first item.
    open: &'static str,
    filled: bool,
}

impl fmt::Debug for List<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

impl<'a> List<'_, 'a> {
    /// Writes an item.
    pub fn item<T: Loggable + ?Sized>(&mut self, value: &T) {
        self.slot().value(value);
    }

    /// The place of the next item.
    #[doc(hidden)]
    pub fn slot(&mut self) -> Slot<'_, 'a> {
        self.encoder.separate(&mut self.filled, self.open, "");
        Slot { encoder: self.encoder, name: "", hidden: false }
    }
}

/// The entries of a map, filled by [`Encoder::map`].
pub struct Map<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    filled: bool,
    /// Two keys may show the same text, and a key must not appear twice.
    seen: Seen,
}

impl fmt::Debug for Map<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}

impl Map<'_, '_> {
    /// Writes an entry; one whose key shows as an earlier one does gets a number behind it. A value under
    /// a sensitive key is hidden.
    pub fn entry<K: Loggable + ?Sized, V: Loggable + ?Sized>(&mut self, key: &K, value: &V) {
        self.entry_if(false, key, value);
    }

    /// The same with the answer of the key rule on what the key does not show.
    pub(in crate::redact::loggable) fn entry_if<K: Loggable + ?Sized, V: Loggable + ?Sized>(
        &mut self,
        hidden: bool,
        key: &K,
        value: &V,
    ) {
        let Map { encoder, filled, seen } = self;
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
        if !seen.add(key) {
            let numbered = seen.numbered(key);
            out.truncate(from + 1);
            out.push_str(&numbered);
            out.push('"');
        }
        if json {
            out.push(':');
        }
        Slot { encoder, name: &debug_name, hidden }.value(value);
    }
}

/// Appends a key as JSON text, whatever the key is.
fn write_key<K: Loggable + ?Sized>(key: &K, depth: u8, name: &str, out: &mut String) {
    let from = out.len();
    Encoder { out: Out::Json(out), limit: usize::MAX, written: false, depth, name }.value(key);
    if !out[from..].contains('"') {
        out.insert(from, '"');
        out.push('"');
    } else if !out[from..].starts_with('"') {
        let json = out.split_off(from);
        escape::json_string(&json, out);
    }
}
