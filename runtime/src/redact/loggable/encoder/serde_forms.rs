//! The forms that serde attributes give to types: tags and flattened fields.

use super::groups::{Object, Slot, is_hidden};
use super::writer::{Encoder, Out};
use crate::json::shown::Shown;
use crate::json::{escape, members};
use crate::redact::loggable::secret::Secret;
use crate::redact::{counted, keys};

impl<'a> Encoder<'a> {
    /// Writes a unit variant of an untagged enum: `null`, in `Debug` its name.
    #[doc(hidden)]
    pub fn untagged_unit(&mut self, name: &str) {
        if matches!(self.out, Out::Json(_)) {
            self.null();
        } else {
            self.unit(name);
        }
    }

    /// Writes a struct or variant with its tag among its fields: `{"t":"Variant","a":1}`.
    ///
    /// The fields are left out if the deployment lists the name as sensitive.
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

    /// Writes a variant with tag and content as fields: `{"t":"Variant","c":…}`; in `Debug` only the content.
    ///
    /// The content is hidden if the deployment lists the name as sensitive.
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
            let by_key = slot.hidden || keys::hides(slot.name);
            let hidden = by_key || keys::added_by_deployment(tag);
            if hidden {
                counted::name(if by_key { slot.name } else { tag });
            }
            let mut child = slot.encoder.child();
            if hidden {
                child.redacted();
            } else {
                fill(&mut child);
                child.end();
            }
        });
    }

    /// Writes a variant whose tag is written among the fields of its only value: `{"t":"Variant",…}`.
    ///
    /// The value is hidden if the deployment lists the name as sensitive.
    #[doc(hidden)]
    pub fn tagged(&mut self, (tag_key, tag): (&str, &str), fill: impl FnOnce(Slot<'_, '_>)) {
        if !matches!(self.out, Out::Json(_)) {
            return self.newtype_slot(tag, fill);
        }
        self.object(tag, |object| {
            object.tag(tag_key, tag);
            let hidden = keys::added_by_deployment(tag);
            if hidden {
                counted::name(tag);
            }
            object.used_keys.get_or_insert_default().add(&tag_key[2..tag_key.len() - 2]);
            let mut json = String::new();
            {
                let mut encoder = object.encoder.aside(&mut json);
                fill(Slot { encoder: &mut encoder, name: "", hidden });
                encoder.end();
            }
            object.splice(",\"value\":", &json);
        });
    }
}

impl Object<'_, '_> {
    /// Writes the tag of an enum or struct as a field. `Debug` shows the name of the type instead.
    #[doc(hidden)]
    pub fn tag(&mut self, key: &str, tag: &str) {
        if matches!(self.encoder.out, Out::Json(_))
            && let Out::Json(out) = &mut self.slot(key, "").encoder.out
        {
            escape::json_string(Shown::redacted(tag), out);
        }
    }

    /// Writes a flattened field (`#[serde(flatten)]`): its fields become fields of the struct. In `Debug`, and if the
    /// value is not an object, it stays a field.
    ///
    /// `taken` are the struct's own keys as JSON; a flattened key that is among them gets a number.
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
        let used_keys = self.used_keys.get_or_insert_default();
        for taken in taken {
            used_keys.add(&taken[2..taken.len() - 2]);
        }
        let mut json = String::new();
        {
            let name = &key[2..key.len() - 2];
            let hidden = is_hidden(name, other_name);
            let mut encoder = self.encoder.aside(&mut json);
            fill(Slot { encoder: &mut encoder, name, hidden });
            encoder.end();
        }
        self.splice(key, &json);
    }

    /// Appends the fields of a JSON object to this object; a value that is not an object becomes a field.
    fn splice(&mut self, key: &'static str, json: &str) {
        if json == "null" {
            return;
        }
        if !json.starts_with('{') {
            self.slot(key, "").encoder.raw(json);
            return;
        }
        for member in members::of_object(json) {
            let used_keys = self.used_keys.get_or_insert_default();
            let numbered = (!used_keys.add(member.key)).then(|| used_keys.numbered(member.key));
            let key = numbered.as_deref().unwrap_or(member.key);
            self.encoder.separate(&mut self.filled, "", "");
            for piece in ["\"", key, "\":", member.value] {
                self.encoder.raw(piece);
            }
        }
    }
}
