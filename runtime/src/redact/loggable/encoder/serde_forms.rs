//! The forms serde's attributes give to types: tags, flattened fields.

use super::groups::{Object, Slot, is_hidden};
use super::writer::{Encoder, Out};
use crate::json::{escape, members};
use crate::redact::keys;
use crate::redact::loggable::secret::Secret;

impl<'a> Encoder<'a> {
    /// The unit variant of an enum without tags: `null`, in Debug its name.
    #[doc(hidden)]
    pub fn untagged_unit(&mut self, name: &str) {
        if matches!(self.out, Out::Json(_)) {
            self.null();
        } else {
            self.unit(name);
        }
    }

    /// A struct, or a variant with fields, that has its tag among them: `{"t":"Variant","a":1}`. Where the
    /// deployment declared the name sensitive, the fields are left out.
    #[doc(hidden)]
    pub fn tagged_object(
        &mut self,
        name: &str,
        (tag_key, tag): (&str, &str),
        fill: impl FnOnce(&mut Object<'_, 'a>),
    ) {
        let hidden = keys::added_by_deployment(tag);
        if hidden && !matches!(self.out, Out::Json(_)) {
            return self.newtype(name, &Secret);
        }
        self.object(name, |object| {
            object.tag(tag_key, tag);
            if !hidden {
                fill(object);
            }
        });
    }

    /// A variant with its tag and its content as fields: `{"t":"Variant","c":…}`, in Debug what `fill`
    /// writes. Where the deployment declared the name sensitive, the content is hidden.
    #[doc(hidden)]
    pub fn adjacent(
        &mut self,
        (tag_key, tag): (&str, &str),
        content_key: &str,
        fill: impl FnOnce(&mut Encoder<'_>),
    ) {
        if !matches!(self.out, Out::Json(_)) {
            return self.variant(tag, fill);
        }
        self.object(tag, |object| {
            object.tag(tag_key, tag);
            let slot = object.slot(content_key, "");
            let hidden = slot.hidden || keys::hides(slot.name) || keys::added_by_deployment(tag);
            let mut inner = slot.encoder.reborrowed();
            inner.depth += 1;
            if hidden {
                inner.redacted();
            } else {
                fill(&mut inner);
                inner.end();
            }
        });
    }

    /// A variant whose tag stands among the fields of its only content: `{"t":"Variant",…}`. Where the
    /// deployment declared the name sensitive, the content is hidden.
    #[doc(hidden)]
    pub fn tagged(&mut self, (tag_key, tag): (&str, &str), fill: impl FnOnce(Slot<'_, '_>)) {
        if !matches!(self.out, Out::Json(_)) {
            return self.only(tag, fill);
        }
        self.object(tag, |object| {
            object.tag(tag_key, tag);
            let hidden = keys::added_by_deployment(tag);
            object.seen.get_or_insert_default().add(&tag_key[2..tag_key.len() - 2]);
            let mut json = String::new();
            {
                let mut encoder = object.encoder.nested(&mut json);
                fill(Slot { encoder: &mut encoder, name: "", hidden });
                encoder.end();
            }
            object.splice(",\"value\":", &json);
        });
    }

    /// An encoder for JSON that will stand in this one's place.
    fn nested<'s>(&self, out: &'s mut String) -> Encoder<'s>
    where
        'a: 's,
    {
        Encoder {
            out: Out::Json(out),
            limit: self.limit,
            written: false,
            depth: self.depth,
            name: self.name,
        }
    }

    /// An encoder of the same place.
    fn reborrowed(&mut self) -> Encoder<'_> {
        let out = match &mut self.out {
            Out::Json(out) => Out::Json(out),
            Out::Debug { to, pretty, result } => Out::Debug { to: *to, pretty: *pretty, result },
        };
        Encoder { out, limit: self.limit, written: false, depth: self.depth, name: self.name }
    }

    /// Appends text as a JSON string, where the place is claimed already.
    fn raw_text(&mut self, text: &str) {
        if let Out::Json(out) = &mut self.out {
            escape::json_string(text, out);
        }
    }
}

impl Object<'_, '_> {
    /// The tag of an enum or struct that serde writes as a field of it. Debug has the name elsewhere.
    #[doc(hidden)]
    pub fn tag(&mut self, key: &str, tag: &str) {
        if let Out::Json(_) = self.encoder.out {
            self.slot(key, "").encoder.raw_text(tag);
        }
    }

    /// The place of a value whose fields stand among those of the struct (`#[serde(flatten)]`), in Debug
    /// as a field. `taken` are the struct's own keys as JSON; one that is there already gets a number
    /// behind it, and what has no fields is a field itself.
    #[doc(hidden)]
    pub fn flat(
        &mut self,
        key: &'static str,
        other_name: &str,
        taken: &[&str],
        fill: impl FnOnce(Slot<'_, '_>),
    ) {
        let Out::Json(_) = self.encoder.out else {
            return fill(self.slot(key, other_name));
        };
        let seen = self.seen.get_or_insert_default();
        for taken in taken {
            seen.add(&taken[2..taken.len() - 2]);
        }
        let mut json = String::new();
        {
            let name = &key[2..key.len() - 2];
            let hidden = is_hidden(name, other_name);
            let mut encoder = self.encoder.nested(&mut json);
            fill(Slot { encoder: &mut encoder, name, hidden });
            encoder.end();
        }
        self.splice(key, &json);
    }

    /// Takes the fields of an object's JSON among its own; what is no object is a field itself.
    fn splice(&mut self, key: &'static str, json: &str) {
        if json == "null" {
            return;
        }
        if !json.starts_with('{') {
            self.slot(key, "").encoder.raw(json);
            return;
        }
        for member in members::of_object(json) {
            let seen = self.seen.get_or_insert_default();
            let numbered = (!seen.add(member.key)).then(|| seen.numbered(member.key));
            let key = numbered.as_deref().unwrap_or(member.key);
            self.encoder.separate(&mut self.filled, "", "");
            for piece in ["\"", key, "\":", member.value] {
                self.encoder.raw(piece);
            }
        }
    }
}
